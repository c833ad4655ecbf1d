"""Submissions that speak of the same provider and month: how many records are the same, changed, or new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from itertools import combinations
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from idbmigrate.archive.catalogue import Catalogue, of_catalogue
from idbmigrate.archive.cells import difference
from idbmigrate.archive.model import Submission
from idbmigrate.datasets import load_dataset
from idbmigrate.processes import each_in_processes
from idbmigrate.staging.stored import CLEAN, PLACE

_ALONE = 300 << 20
Row = tuple[str, str, str, int, int, int, int]


@dataclass(frozen=True)
class Pair:
    """Two submissions, the first by digest first; ``labels`` are the tables that one of them has."""

    first: Submission
    second: Submission

    @property
    def key(self) -> tuple[str, str]:
        """Both digests."""
        return self.first.sha256, self.second.sha256


def pairs(submissions: Iterable[Submission]) -> list[Pair]:
    """Pairs of readable submissions of one provider and month that do not hold the same cells.

    Of several that hold the same cells the first by digest stands for all.
    """
    groups: dict[tuple[str, str], dict[str, Submission]] = {}
    for each in submissions:
        if each.readable and each.provider and each.period:
            groups.setdefault((each.provider, each.period), {}).setdefault(each.cells, each)
    return [
        Pair(*sorted(both, key=lambda each: each.sha256))
        for _, group in sorted(groups.items())
        for both in combinations(group.values(), 2)
    ]


def compare_all(catalogue: Catalogue, processes: int | None, progress: Callable[[str], None]) -> None:
    """Bring the catalogue's differences up to date: what is known of a pair is not computed again."""
    wanted = pairs(of_catalogue(catalogue))
    known = {(first, second) for first, second, *_ in catalogue.differences()}
    rows: list[Row] = []
    new = [pair for pair in wanted if pair.key not in known]
    count = processes if processes is not None else os.cpu_count() or 1
    done = each_in_processes(compare, new, count=count, weight=_weight, most=_ALONE)
    for number, (_, future) in enumerate(done, 1):
        rows += future.result()
        progress(f"comparing {number} of {len(new)}")
    catalogue.set_differences(rows, [pair.key for pair in wanted])


def _weight(pair: Pair) -> int:
    """About what both are in memory: a row of text takes some hundred bytes."""
    return 500 * (sum(pair.first.tables.values()) + sum(pair.second.tables.values()))


def compare(pair: Pair) -> list[Row]:
    """How two submissions differ, table by table, in records by key as the data set has it."""
    dataset = load_dataset(pair.first.dataset)
    rows: list[Row] = []
    for label in sorted({*pair.first.tables, *pair.second.tables}):
        spec = dataset.tables.get(label)
        if spec is None:
            continue  # tables that no data set knows have no key
        key = spec.primary_key or (spec.unique[0] if spec.unique else ())
        found = difference(_cells(pair.first, label), _cells(pair.second, label), key)
        rows.append((*pair.key, label, *astuple(found)))
    return rows


def _cells(submission: Submission, label: str) -> pa.Table:
    """The texts of a staged table as the file holds them."""
    path = Path(submission.staged) / f"{label}.parquet"
    if label not in submission.tables:
        return pa.table({})
    names = parquet.read_schema(path).names
    return parquet.read_table(path, columns=[n for n in names if n != PLACE and not n.endswith(CLEAN)])
