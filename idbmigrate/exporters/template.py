"""An Access template beside a data set description: what differs, and a file of the same shape."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from idbmigrate.access import open_database
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, NewIndex, create_database
from idbmigrate.datasets.model import ColumnSpec, Dataset, TableSpec
from idbmigrate.errors import OutputError, UsageError

#: kinds of difference -> what they mean
DIFFERENCES = {
    "missing-table": "the template lacks a table of the data set",
    "extra-table": "the data set has no such table",
    "missing-column": "the template lacks a column of the data set",
    "extra-column": "the data set has no such column",
    "type": "the column's type is not one that the data item is kept in",
    "length": "the column is longer or shorter than the data item",
}
#: kind of format -> Access types that keep it, the first of them for a new file: that of the centre's own
#: definitions of the data sets, where times are Date/Time and amounts of money text (Reusable Code Library)
TYPES = {
    "text": ("TEXT", "MEMO"),
    "month": ("TEXT",),
    "time": ("SHORT_DATE_TIME", "TEXT"),
    "timestamp": ("TEXT", "SHORT_DATE_TIME"),
    "date": ("SHORT_DATE_TIME", "TEXT"),
    "integer": ("LONG", "INT", "BYTE", "BIG_INT", "DOUBLE", "NUMERIC"),
    "decimal": ("TEXT", "DOUBLE", "FLOAT", "MONEY", "NUMERIC"),
}
_LONGEST_TEXT = 255
#: Digits that a Long Integer always holds; longer numbers are a Decimal of that many digits.
_LONG_DIGITS = 9


@dataclass(frozen=True)
class Difference:
    """One difference between template and data set; ``name`` is what ``--allow`` takes."""

    kind: str
    table: str
    column: str | None = None
    expected: str | None = None
    found: str | None = None

    @property
    def place(self) -> str:
        return self.table if self.column is None else f"{self.table}.{self.column}"

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.place}"

    def allowed(self, names: Iterable[str]) -> bool:
        """Whether one of the names is its own, its kind, its table or its column."""
        return not {self.name, self.kind, self.table, self.place}.isdisjoint(names)


def compare(template: str | os.PathLike[str], dataset: Dataset) -> list[Difference]:
    """Every difference between an Access file and the tables of a data set; names differ by case too.

    The file is read by the project's reader, so its errors are those of a source that cannot be read.
    """
    with open_database(template) as database:
        found = {name: database.columns(name) for name in database.tables}
    differences = [Difference("missing-table", name) for name in dataset.tables if name not in found]
    differences += [Difference("extra-table", name) for name in found if name not in dataset.tables]
    for name, spec in dataset.tables.items():
        if name in found:
            columns = {column.name: column for column in found[name]}
            differences += [Difference("missing-column", name, c) for c in spec.columns if c not in columns]
            differences += [Difference("extra-column", name, c) for c in columns if c not in spec.columns]
            for column in spec.columns.values():
                if column.name in columns:
                    differences += _column_differences(name, column, columns[column.name])
    return differences


def _column_differences(table: str, spec: ColumnSpec, column: Any) -> list[Difference]:
    kinds, length = TYPES[spec.format.kind], spec.format.max_length
    if column.type not in kinds:
        return [Difference("type", table, spec.name, " or ".join(kinds), column.type)]
    if column.type == "TEXT" and length and length <= _LONGEST_TEXT and column.length != length:
        return [Difference("length", table, spec.name, str(length), str(column.length))]
    return []


def require(
    template: str | os.PathLike[str], dataset: Dataset, allow: Iterable[str] = ()
) -> list[Difference]:
    """The differences that were allowed. Raises ``template-mismatch`` for the first that was not.

    ``UsageError`` (``bad-option``) for a word that names nothing of the template or the data set.
    """
    differences, allow = compare(template, dataset), set(allow)
    places = {each.place for each in differences} | {each.table for each in differences}
    for name, spec in dataset.tables.items():
        places |= {name, *(f"{name}.{column}" for column in spec.columns)}
    for name in sorted(allow - places - DIFFERENCES.keys()):
        kind, colon, _ = name.partition(":")
        if not colon or kind not in DIFFERENCES:
            raise unknown_allowed(name, (*DIFFERENCES, *(each.name for each in differences), *places))
    refused = [difference for difference in differences if not difference.allowed(allow)]
    if refused:
        more = f", and {len(refused) - 1} more differences" if len(refused) > 1 else ""
        first = refused[0]
        detail = f" ({first.found} instead of {first.expected})" if first.found else ""
        raise OutputError(
            f"the template is not {dataset.name}: {first.name}{detail}{more}",
            code="template-mismatch",
            where=os.path.basename(template),
            hint=f"idbmigrate template check lists them all; --allow {first.name} accepts one",
        )
    return differences


def unknown_allowed(name: str, known: Iterable[str]) -> UsageError:
    """The error for a word of ``--allow`` that nothing is called."""
    near = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/cli.md lists what --allow takes"
    return UsageError(f"nothing to allow is called {name!r}", code="bad-option", hint=hint)


def new_columns(dataset: Dataset, table: str) -> list[NewColumn]:
    """The columns of a table in a file of ours, in the types of the centre's own definitions.

    Of the moments only the header's is Date/Time: those of the records carry an offset, which that type
    cannot hold. Lengths are those of the data items. What the official template has is not public.
    """
    return [_new_column(spec, dataset.tables[table]) for spec in dataset.tables[table].columns.values()]


def _new_column(spec: ColumnSpec, table: TableSpec) -> NewColumn:
    kind, length = TYPES[spec.format.kind][0], spec.format.max_length or _LONGEST_TEXT
    if spec.format.kind == "timestamp" and table.is_header:
        kind = "SHORT_DATE_TIME"
    if kind == "LONG" and length > _LONG_DIGITS and spec.format.max_length:
        return NewColumn(spec.name, "NUMERIC", precision=length)
    if kind == "TEXT" and length > _LONGEST_TEXT:
        kind = "MEMO"
    return NewColumn(spec.name, kind, length if kind == "TEXT" else None)


def make_shape(dataset: Dataset, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write an empty Access file with the data set's tables, columns and primary keys."""
    create_database(path, format)
    with DatabaseWriter(path) as writer:
        for name, table in dataset.tables.items():
            key = [NewIndex("PrimaryKey", table.primary_key, primary=True)] if table.primary_key else []
            writer.create_table(name, new_columns(dataset, name), key)
