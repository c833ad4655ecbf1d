"""Formats with a file for each table: which files those are, and a file as a table of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import SourceError


def table_files(folder: Path, dataset: Dataset, ending: str) -> list[Path]:
    """The files of a folder that are called after tables, in the data set's order."""
    return [file for name in dataset.tables if (file := folder / f"{name}{ending}").is_file()]


def read_table(
    path: Path, dataset: Dataset, columns: Callable[[Path], list[str]], read: Callable[[Path], pa.Table]
) -> dict[str, pa.Table]:
    """A file as the table that it is called after, or whose columns it has, with all columns text.

    ``columns`` gives the names in its header alone. Raises SourceError ``missing-table`` or ``damaged``.
    """
    name = _named(path, dataset, columns)
    try:
        table = read(path)
        return {name: pa.table({each: table[each].cast(pa.string()) for each in table.column_names})}
    except (pa.ArrowException, UnicodeDecodeError, KeyError):
        raise SourceError(
            "the file cannot be read as a table of text",
            code="damaged",
            where=path.name,
            hint="it must be as convert writes it; a CSV is UTF-8 with a header row",
        ) from None


def _named(path: Path, dataset: Dataset, columns: Callable[[Path], list[str]]) -> str:
    """The table that a file is called after, in any letter case, or the only one that has its columns."""
    for name in dataset.tables:
        if name.casefold() == path.stem.casefold():
            return name
    try:
        header = set(columns(path))
    except (pa.ArrowException, UnicodeDecodeError):
        header = set()
    fits = [name for name, spec in dataset.tables.items() if header and header <= spec.columns.keys()]
    same = [name for name in fits if header == dataset.tables[name].columns.keys()]
    found = same or fits
    if len(found) == 1:
        return found[0]
    explained = f"the columns are those of {', '.join(found)}" if found else "no table has these columns"
    raise SourceError(
        f"{dataset.name} has no table of that name, and {explained}",
        code="missing-table",
        where=path.name,
        hint=f"call the file after its table, such as {next(iter(dataset.tables))}{path.suffix}",
    )
