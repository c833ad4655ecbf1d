"""What the second readers share: their cells, as far as they can be told, in the contract's types."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from idbmigrate.brief import brief
from idbmigrate.readers.base import RowReference

if TYPE_CHECKING:
    from idbmigrate.access.read.damage import Loss
    from idbmigrate.access.read.unread import UnreadColumn


@dataclass(frozen=True)
class SecondColumn:
    """A column as a second reader describes it; ``type`` is the Access type name."""

    name: str
    type: str
    length: int
    precision: int = 0
    scale: int = 0


@brief
@dataclass
class Cells:
    """The cells of one table from a second reader.

    ``table``: Arrow, in the contract's types. ``faults``: column -> row -> rule of a cell that the
    reader gave in a form from which the value cannot be told (it is null in ``table``). ``uneven``: the
    reader gave columns of different lengths, so that its rows cannot be told apart (``table`` is empty).
    """

    table: pa.Table
    faults: dict[str, dict[int, str]] = field(default_factory=dict)
    uneven: bool = False


@dataclass(frozen=True)
class Fault:
    """Stands for a cell whose value cannot be told; ``rule`` is a key of the reader's fault rules."""

    rule: str


_TYPES = {
    "BOOLEAN": pa.bool_(),
    "BYTE": pa.uint8(),
    "INT": pa.int16(),
    "LONG": pa.int32(),
    "BIG_INT": pa.int64(),
    "MONEY": pa.decimal128(19, 4),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "COMPLEX_TYPE": pa.int32(),
    "SHORT_DATE_TIME": pa.timestamp("ms"),
    "EXT_DATE_TIME": pa.timestamp("us"),
    "TEXT": pa.string(),
    "MEMO": pa.string(),
    "GUID": pa.string(),
}


class SecondReader:
    """A reader for second opinions: :class:`~idbmigrate.readers.base.Idb` over :meth:`cells`."""

    reader = "second"
    row_reference: RowReference = "place"
    other_files: Sequence[str] = ()
    tables: list[str]
    problems: list[str]
    linked_tables: list[Any]

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.problems = []
        self.linked_tables = []  # the second readers do not tell

    def columns(self, table: str) -> list[SecondColumn]:
        raise NotImplementedError

    def row_count(self, table: str) -> int:
        """How many rows the table definition declares."""
        raise NotImplementedError

    def cells(self, table: str) -> Cells:
        """The whole table, with what the reader cannot tell marked as such."""
        raise NotImplementedError

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """The whole table; cells that this reader cannot tell are null, and counted in ``problems``."""
        cells = self.cells(table)
        if cells.uneven:
            self.problems.append(f"table {table}: the reader gives columns of different lengths")
            return pa.table({})
        for column, rows in cells.faults.items():
            for rule, count in sorted(Counter(rows.values()).items()):
                self.problems.append(f"table {table}: column {column}: {count} cells not told ({rule})")
        return cells.table if columns is None else cells.table.select(columns)

    def read_with_ids(self, table: str, columns: list[str] | None = None) -> tuple[pa.Table, np.ndarray]:
        """As :meth:`read`; the ids are places in the table, since this reader does not tell pages."""
        content = self.read(table, columns)
        return content, np.arange(content.num_rows, dtype=np.int64)

    def facts(self, table: str) -> None:
        """None: an Access file is no CSV."""

    def unread_columns(self) -> list[UnreadColumn]:
        """None: this reader does not tell."""
        return []

    def several_values(self, table: str, column: str) -> pa.Table | None:
        """None: this reader does not tell."""
        return None

    @property
    def losses(self) -> list[Loss]:
        """None: this reader does not tell."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""

    def __enter__(self) -> SecondReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def to_arrow(column: SecondColumn, values: list[Any]) -> tuple[pa.Array, dict[int, str]]:
    """Python values (None, or of the type's kind; dates as int microseconds from 1970) -> Arrow.

    Returns the array and row -> rule for :class:`Fault` cells and values that do not fit the type.
    """
    faults = {row: value.rule for row, value in enumerate(values) if isinstance(value, Fault)}
    if faults:
        values = [None if isinstance(value, Fault) else value for value in values]
    if column.type == "SHORT_DATE_TIME":
        values = [None if value is None else (value + 500) // 1000 for value in values]
    kind = _TYPES.get(column.type, pa.binary())
    if column.type == "NUMERIC":
        kind = pa.decimal128(column.precision or 38, column.scale)
    try:
        return pa.array(values, kind), faults
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _one_by_one(kind, values, faults)


def _one_by_one(
    kind: pa.DataType, values: list[Any], faults: dict[int, str]
) -> tuple[pa.Array, dict[int, str]]:
    kept = []
    for row, value in enumerate(values):
        try:
            pa.array([value], kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            faults[row], value = "not-of-the-type", None
        kept.append(value)
    return pa.array(kept, kind), faults


def decimal_of(digits: int, scale: int) -> Decimal:
    """An exact decimal from its digits."""
    return Decimal(digits).scaleb(-scale)
