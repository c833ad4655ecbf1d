"""Compares two outputs by the keys of their data set."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from idbmigrate.comparison.causes import Causes
from idbmigrate.comparison.model import Comparison, TableComparison
from idbmigrate.comparison.tables import compare_table
from idbmigrate.datasets import Dataset, load_dataset
from idbmigrate.engine import open_engine
from idbmigrate.errors import UsageError
from idbmigrate.exporters.read_back import read_manifest, read_output, written_as

_MONTH = re.compile(r"\d{4}-\d\d")


def compare(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    dataset: str | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Comparison:
    """Compare two outputs: folders that ``convert`` wrote, folders of CSV, or single files of any format.

    ``dataset`` is needed only where no manifest names it. Rows are found by the primary key of their table
    in the data set; a table without one is compared by whole rows. Where both are runs of ours, each
    difference names the rule of the mapping and what the runs did differently.

    Raises UsageError ``bad-option`` where the two are of different data sets, SourceError where one cannot
    be read.
    """
    first, second = Path(a), Path(b)
    spec = load_dataset(dataset or _dataset(first, second))
    progress("reading")
    tables = [_read(place, spec) for place in (first, second)]
    causes = Causes.of(read_manifest(first), read_manifest(second))
    names = list(dict.fromkeys([*tables[0], *tables[1]]))
    engine = open_engine()
    found: list[TableComparison] = []
    try:
        for name in names:
            progress(name)
            of = name.rpartition("/")[2]
            one = compare_table(name, spec.tables[of], tables[0].get(name), tables[1].get(name), engine)
            columns = tuple(causes.explain(of, column) for column in one.columns)
            found.append(replace(one, columns=columns))
    finally:
        engine.close()
    return Comparison(str(first), str(second), spec.name, tuple(found), causes.differences, runs=causes.known)


def _dataset(first: Path, second: Path) -> str:
    named = []
    for place in (first, second):
        try:
            named.append(written_as(place))
        except UsageError:
            continue
    if not named:
        return written_as(first)  # which says what to do
    if len(set(named)) > 1:
        raise UsageError(
            f"one is {named[0]}, the other {named[1]}",
            code="bad-option",
            hint="two outputs of one data set can be compared",
        )
    return named[0]


def _read(place: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The tables of an output; those of a month of its own as ``2016-04/IDS101Referral``."""
    months = (
        sorted(each for each in place.iterdir() if each.is_dir() and _MONTH.fullmatch(each.name))
        if place.is_dir()
        else []
    )
    if not months:
        return read_output(place, dataset)
    return {
        f"{month.name}/{name}": table
        for month in months
        for name, table in read_output(month, dataset).items()
    }
