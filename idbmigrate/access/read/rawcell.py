"""One cell as the file stores it, for people who want to see the bytes themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.longvalue import LongValues
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.rowparts import RowParts
from idbmigrate.access.read.rows import RowSet
from idbmigrate.access.read.slots import find_slots, split_pointer
from idbmigrate.access.read.tabledef import Column, TableDefinition


class RawCell(NamedTuple):
    """Where a cell lies and its bytes.

    ``stored``: the bytes in the row, None for a null; ``content``: a long value's bytes wherever they
    are, else the same as ``stored``; ``at``: byte offset in the file (0: none); ``moved``: the row lies on
    another page than its id says; ``columns``: how many columns the table had when the row was written.
    """

    stored: bytes | None
    content: bytes | None
    at: int
    moved: bool
    columns: int

    def __repr__(self) -> str:  # a record's bytes stay out of tracebacks and logs
        return f"RawCell(at={self.at})"


def raw_cell(pages: PageFile, table: TableDefinition, row_id: int, column: Column) -> RawCell:
    """The bytes of one cell of a sound row, by the row's id as ``read_with_ids`` gives it."""
    page, slot = np.array([row_id >> 8]), np.array([row_id & 0xFF])
    start, end, entry, _ = find_slots(pages, page, slot, table.page)
    moved = bool(entry[0] & fmt.ROW_POINTER)
    while entry[0] & fmt.ROW_POINTER:
        start, end, entry, _ = find_slots(pages, *split_pointer(pages.view.u32(start)), table.page)
    rows = RowSet(page, slot, start, end)
    parts = RowParts(pages.view, pages.layout, table, rows)
    count = int(parts.columns[0])
    if not parts.present(column.number)[0] or (column.code == fmt.BOOLEAN and not column.calculated):
        return RawCell(None, None, 0, moved, count)
    if column.fixed:
        at = int(start[0]) + pages.layout.row_head + column.fixed_offset
        stored = pages.raw(at, column.stored_size)
        return RawCell(stored, stored, at, moved, count)
    begin, length, _ = parts.variable(column.variable_index, np.ones(1, bool))
    if not len(begin):
        return RawCell(None, None, 0, moved, count)
    stored = content = pages.raw(int(begin[0]), int(length[0]))
    if column.code in (fmt.MEMO, fmt.OLE):
        values = LongValues(pages, begin, length)
        content = values.view.bytes[values.start[0] : values.start[0] + values.length[0]].tobytes()
    return RawCell(stored, content, int(begin[0]), moved, count)


def moved_rows(pages: PageFile, table: TableDefinition, ids: np.ndarray) -> np.ndarray:
    """Which rows (by id) lie on another page than their id says (bool)."""
    _, _, entry, _ = find_slots(pages, ids >> 8, ids & 0xFF, table.page)
    return (entry & fmt.ROW_POINTER) != 0


def changed_rows(pages: PageFile, table: TableDefinition, ids: np.ndarray) -> np.ndarray:
    """Which rows that were never moved hold another number of columns than the table has now (bool)."""
    start, _, entry, _ = find_slots(pages, ids >> 8, ids & 0xFF, table.page)
    wide = pages.layout.row_head == 2
    count = pages.view.u16(start) if wide else pages.view.u8(start)
    return (count != len(table.columns)) & ((entry & fmt.ROW_POINTER) == 0)
