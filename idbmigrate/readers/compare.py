"""Compare two readers' decoding of one file: row counts, columns, every cell.

The native reader goes first, and in full: a file that it finds damaged is an error before the second
reader, which trusts what it reads, has seen a byte.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from idbmigrate.access.read.tabledef import Column
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.readers import READERS, is_csv_source, open_idb
from idbmigrate.readers.comparison import DEFAULT_LIMIT, Comparison, Difference, TableResult
from idbmigrate.readers.csv_compare import compare_csv
from idbmigrate.readers.faults import Case, explain
from idbmigrate.readers.second import Cells, SecondReader


def compare_readers(
    path: str | os.PathLike[str],
    password: str | None = None,
    reader: str = "access-parser",
    raw: bool = False,
    limit: int = DEFAULT_LIMIT,
) -> Comparison:
    """Decode ``path`` with the native reader and with ``reader``, and compare.

    ``raw``: give each listed difference the two values and the bytes of the cell. ``limit``: how many
    differing cells to list for a column. A folder of CSV is read a second time by Python's own ``csv``,
    whatever ``reader`` says. Raises UsageError ``bad-option`` where ``reader`` is the native one, and
    SourceError if the native reader cannot read the file or the second one is not installed; a second reader
    that stops is part of the result.
    """
    if reader == "native":
        raise UsageError(
            "the native reader is what the second one is compared with",
            code="bad-option",
            hint=f"one of: {', '.join(name for name in READERS if name != 'native')}",
        )
    if is_csv_source(path):
        return compare_csv(path, password, raw, limit)
    with open_idb(path, password) as native:
        results = [TableResult(t, native.row_count(t), 0) for t in native.tables]
        contents = {}
        for result in results:
            contents[result.name] = native.read_with_ids(result.name)
            result.native_rows = contents[result.name][0].num_rows
        comparison = Comparison(Path(path).name, reader, results)
        try:
            second = cast(SecondReader, open_idb(path, reader=reader))  # as all but the native one
        except SourceError as error:
            if error.code == "reader-unavailable":
                raise
            comparison.failure = error.message
            for result in results:
                result.compared = False
            return comparison
        with second:
            for result in results:
                table, ids = contents.pop(result.name)
                _Table(native, second, result, table, ids, raw, limit).compare()
    return comparison


class _Table:
    """The comparison of one table."""

    def __init__(
        self,
        native: Any,
        second: SecondReader,
        result: TableResult,
        table: pa.Table,
        ids: np.ndarray,
        raw: bool,
        limit: int,
    ):
        self.native, self.second, self.result, self.raw, self.limit = native, second, result, raw, limit
        self.table, self.ids = table, ids
        self.definition = native.definition(result.name)

    def compare(self) -> None:
        name = self.result.name
        try:
            if name not in self.second.tables:
                self._differ("missing-table", other="the second reader does not list the table")
                self.result.compared = False
                return
            self._columns()
            declared = self.second.row_count(name)
            if declared != self.result.declared_rows:
                self._differ("declared-rows", native=str(self.result.declared_rows), other=str(declared))
            cells = self.second.cells(name)
        except SourceError as error:
            self.result.compared = False
            self._differ("stops", other=error.message, rule="stops")
            return
        if self._rows(cells):
            self._cells(cells)

    def _columns(self) -> None:
        """Compare names, types and lengths; mdbtools tells lengths of Text and Decimal only."""
        other = {c.name: c for c in self.second.columns(self.result.name)}
        for column in self.definition.columns:
            its = other.get(column.name)
            if its is None:
                self._differ("column", column.name, other="absent")
            elif (column.type, column.length) != (its.type, its.length):
                nominal = self.second.reader == "mdbtools" and column.type not in ("TEXT", "NUMERIC")
                if its.type != column.type or not nominal:
                    rule = "type-unknown" if column.type.startswith(("UNSUPPORTED", "UNKNOWN")) else None
                    mine, theirs = f"{column.type} {column.length}", f"{its.type} {its.length}"
                    self._differ("column", column.name, native=mine, other=theirs, rule=rule)

    def _rows(self, cells: Cells) -> bool:
        """Whether the rows of both can be set side by side; leaves out moved rows that the other lost."""
        result = self.result
        if cells.uneven:
            result.compared = False
            changed = self.native.changed_rows(result.name, self.ids)
            rule = "cut-rows" if changed.any() or self._moved().any() else None
            self._differ("rows", other="columns of different lengths", rule=rule)
            return False
        result.other_rows = cells.table.num_rows
        if result.declared_rows != result.native_rows:
            rule = "stale-count" if result.native_rows == result.other_rows else None
            declared, read = f"{result.declared_rows} declared", f"{result.native_rows} read"
            self._differ("declared-rows", native=read, other=declared, rule=rule)
        moved = self._moved()
        if self.second.reader == "mdbtools" and moved.any():
            return self._anywhere(cells, int(moved.sum()))
        if result.native_rows == result.other_rows:
            return True
        return self._without_lost(moved, cells.table.num_rows)

    def _without_lost(self, moved: np.ndarray, other_rows: int) -> bool:
        """access-parser loses rows that were moved, or written when the table had other columns."""
        result = self.result
        lost = result.native_rows - other_rows
        rule = "moved-row" if lost == moved.sum() else None
        if rule is None and 0 < lost <= (moved | self.native.changed_rows(result.name, self.ids)).sum():
            rule = "shape-changed"
        self._differ("rows", native=str(result.native_rows), other=str(result.other_rows), rule=rule)
        result.compared = rule == "moved-row"
        if result.compared:
            self.table, self.ids = self.table.filter(pa.array(~moved)), self.ids[~moved]
        return result.compared

    def _anywhere(self, cells: Cells, moved: int) -> bool:
        """mdbtools reads moved rows where they lie now: look for each row as a whole, wherever it is."""
        theirs = Counter(_row_keys(cells.table, self.table.schema))
        mine = Counter(_row_keys(self.table.select(cells.table.column_names), self.table.schema))
        lost, extra = (mine - theirs).total(), (theirs - mine).total()
        rule = "moved-row-order" if not lost and extra <= 8 * moved else None
        counts = str(self.result.native_rows), str(self.result.other_rows)
        self._differ("rows", native=counts[0], other=counts[1], rule=rule)
        self.result.cells += self.table.num_rows * self.table.num_columns
        return False

    def _moved(self) -> np.ndarray:
        return self.native.moved_rows(self.result.name, self.ids)

    def _cells(self, cells: Cells) -> None:
        for column in self.definition.columns:
            if column.name not in cells.table.column_names:
                continue
            mine, its = self.table.column(column.name), cells.table.column(column.name)
            self.result.cells += len(mine)
            faults = cells.faults.get(column.name, {})
            for row in _unequal(mine, its).tolist():
                self._cell(column, row, mine[row].as_py(), its[row].as_py(), faults.get(row))

    def _cell(self, column: Column, row: int, mine: Any, its: Any, fault: str | None) -> None:
        row_id = int(self.ids[row])
        cell = self.native.raw_cell(self.result.name, row_id, column.name)
        case = Case(
            reader=self.second.reader,
            type=column.type,
            native=mine,
            other=its,
            content=cell.content,
            fixed=column.fixed,
            calculated=column.calculated,
            moved=cell.moved,
            row_columns=cell.columns,
            table_columns=len(self.definition.columns),
            jet3="Jet 3" in self.native.version,
            neighbour=self._neighbour(column, row_id),
        )
        rule = explain(case) or fault
        raw = None
        if self.raw:
            stored = None if cell.stored is None else cell.stored.hex()
            raw = {"native": _plain(mine), "other": _plain(its), "at": cell.at, "bytes": stored}
            if cell.content != cell.stored:
                raw["content"] = cell.content.hex()
        native, other = _describe(mine, its)
        self._differ("cell", column.name, row_id >> 8, row_id & 0xFF, native, other, rule, raw)

    def _neighbour(self, column: Column, row_id: int) -> bytes | None:
        """The bytes at the column's place among the variable columns, where those are another column's."""
        other = self._displaced.get(column.name)
        if other is None:
            return None
        return self.native.raw_cell(self.result.name, row_id, other).stored or b""

    @cached_property
    def _displaced(self) -> dict[str, str]:
        """Variable column -> the one whose value stands at its place, for those that are not the same."""
        columns = self.definition.columns
        by_display = len({c.display for c in columns}) == len(columns)
        ordered = sorted(columns, key=lambda c: c.display if by_display else c.number)
        variable = [c.name for c in ordered if not c.fixed]
        stored = {c.variable_index: c.name for c in columns if not c.fixed}
        pairs = {name: stored.get(place) for place, name in enumerate(variable)}
        return {name: other for name, other in pairs.items() if other not in (name, None)}

    def _differ(
        self,
        kind: str,
        column: str | None = None,
        page: int | None = None,
        slot: int | None = None,
        native: str | None = None,
        other: str | None = None,
        rule: str | None = None,
        raw: dict[str, Any] | None = None,
    ) -> None:
        difference = Difference(kind, self.result.name, column, page, slot, native, other, rule, raw)
        self.result.add(difference, self.limit)


def _row_keys(table: pa.Table, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    columns = (_as_type(table.column(name), schema.field(name).type) for name in table.column_names)
    return zip(*(column.to_pylist() for column in columns))


def _as_type(column: pa.ChunkedArray | pa.Array, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    """A column in another type, if no value changes by that; else as it is."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return column


def _unequal(mine: pa.ChunkedArray, its: pa.ChunkedArray) -> np.ndarray:
    """The rows where two columns differ; floats by their bits, so that NaN equals itself."""
    import pyarrow.compute as pc

    mine, its = mine.combine_chunks(), its.combine_chunks()
    if pa.types.is_floating(mine.type):
        bits = pa.int32() if mine.type == pa.float32() else pa.int64()
        mine, its = mine.view(bits), its.view(bits)
    elif mine.type != its.type:
        its = _as_type(its, mine.type)
    differs = pc.fill_null(pc.not_equal(mine, its), False).to_numpy(zero_copy_only=False)
    nulls = mine.is_null().to_numpy(zero_copy_only=False) != its.is_null().to_numpy(zero_copy_only=False)
    return np.flatnonzero(differs | nulls)


def _describe(mine: Any, its: Any) -> Iterator[str]:
    """Both cells in words without their values: null or not, and of texts the length and first difference."""
    for value, against in ((mine, its), (its, mine)):
        if value is None:
            yield "null"
        elif isinstance(value, (str, bytes)) and isinstance(against, (str, bytes)):
            pairs = zip(value, against)
            first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(value), len(against)))
            unit = "characters" if isinstance(value, str) else "bytes"
            yield f"{len(value)} {unit}, first difference at {first + 1}"
        else:
            yield "another value"


def _plain(value: Any) -> str | None:
    return value.hex() if isinstance(value, bytes) else None if value is None else str(value)
