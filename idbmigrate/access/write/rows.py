"""Rows of a table, whole batches at a time: build their bytes, pack them onto pages.

A row is: the number of columns (2 bytes), the fixed-width values at their offsets, the variable
values one after the other, the offsets where they end and begin (2 bytes each, the last one first), how
many there are (2 bytes), and one bit a column that says whether it has a value (for Yes/No: is true).
A page holds its first row at its end and each further row below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.layout import FIXED_WIDTHS, LONG_VALUE_TYPES, ColumnLayout, TableLayout
from idbmigrate.access.write.pages import DATA_HEADER, PAGE
from idbmigrate.access.write.values import (
    binary_bytes,
    binary_of,
    conform,
    fixed_bytes,
    fixed_to_binary,
    flat,
    only_present,
    side_by_side,
    text_bytes,
)
from idbmigrate.errors import OutputError

#: the longest row that Access makes
MAX_ROW = 4060
_ROOM = PAGE - DATA_HEADER
_EMPTY = pa.scalar(b"", pa.binary())


@dataclass(frozen=True)
class Encoded:
    """A batch in its stored form: per column the fixed bytes or the variable values, and who has a value."""

    rows: int
    fixed: dict[int, np.ndarray]
    variable: dict[int, pa.Array]
    present: np.ndarray


def encode(layout: TableLayout, batch: pa.RecordBatch | pa.Table, table: str, first_row: int) -> Encoded:
    """Turn the columns of a batch into stored form; columns that the batch lacks are null.

    Columns are encoded side by side: Arrow and numpy let go of the interpreter while they work.
    """
    rows = batch.num_rows
    fixed: dict[int, np.ndarray] = {}
    variable: dict[int, pa.Array] = {}
    present = np.zeros((rows, layout.slots), bool)
    names = set(batch.schema.names)

    def one(column: ColumnLayout) -> None:
        where = f"{table}.{column.name}"
        values = conform(batch.column(column.name), column, where)
        if column.type == "BOOLEAN":
            present[:, column.number] = values.fill_null(False).to_numpy(zero_copy_only=False)
            return
        present[:, column.number] = (
            values.is_valid().to_numpy(zero_copy_only=False) if values.null_count else True
        )
        if column.type in FIXED_WIDTHS:
            stored = fixed_bytes(values, column, where)
            if column.fixed:
                fixed[column.number] = stored
            else:  # some system tables keep numbers among their variable values
                variable[column.number] = only_present(fixed_to_binary(stored), values)
        elif column.fixed:
            raise OutputError("text of fixed width cannot be written", code="unsupported-column", where=where)
        elif column.type in ("TEXT", "MEMO"):
            variable[column.number] = text_bytes(values, column, where, first_row)
        else:
            variable[column.number] = binary_bytes(values, column, where, first_row)

    side_by_side(one, [column for column in layout.columns if column.name in names], rows)
    return Encoded(rows, fixed, variable, present)


def long_value_columns(layout: TableLayout) -> list[int]:
    """Numbers of the columns whose values may lie outside the row."""
    return [column.number for column in layout.columns if column.type in LONG_VALUE_TYPES]


def rows_of(layout: TableLayout, encoded: Encoded, table: str, first_row: int) -> pa.Array:
    """The bytes of every row, as an Arrow binary array."""
    rows = encoded.rows
    fixed = (c for c in layout.columns if c.fixed and c.type != "BOOLEAN")
    width = 2 + max((c.offset + FIXED_WIDTHS.get(c.type, c.length) for c in fixed), default=0)
    head = np.zeros((rows, width), np.uint8)
    head[:, :2] = np.frombuffer(layout.slots.to_bytes(2, "little"), np.uint8)
    by_place: dict[int, pa.Array] = {}
    for column in layout.columns:
        if column.number in encoded.fixed:
            values = encoded.fixed[column.number]
            head[:, 2 + column.offset : 2 + column.offset + values.shape[1]] = values
        elif column.number in encoded.variable:
            by_place[column.variable] = encoded.variable[column.number]
    variable = [by_place.get(place) for place in range(layout.variables)]
    tail = _tail(layout, variable, width, encoded.present, table, first_row)
    parts = [part for part in (fixed_to_binary(head), *variable, fixed_to_binary(tail)) if part is not None]
    return pc.binary_join_element_wise(*parts, _EMPTY, null_handling="replace", null_replacement="")


def _tail(
    layout: TableLayout,
    values: list[pa.Array | None],
    width: int,
    present: np.ndarray,
    table: str,
    first_row: int,
) -> np.ndarray:
    """What follows the values: offsets, their number, the bits; (rows, size) uint8."""
    rows = len(present)
    mask = np.packbits(present, axis=1, bitorder="little")
    if not layout.variables:
        return mask
    ends = np.empty((rows, layout.variables + 2), "<u2")
    at = np.full(rows, width, np.int64)
    for place, column in enumerate(values):
        ends[:, layout.variables - place] = at
        if column is not None:
            lengths = pc.binary_length(column)
            at += (lengths.fill_null(0) if lengths.null_count else lengths).to_numpy(zero_copy_only=False)
    ends[:, 0] = at
    ends[:, -1] = layout.variables
    tail = np.concatenate([ends.view(np.uint8), mask], axis=1)
    if rows and int(at.max()) + tail.shape[1] > MAX_ROW:
        row = first_row + int(at.argmax()) + 1
        raise OutputError(
            f"row {row} needs {int(at.max()) + tail.shape[1]} bytes, and Access allows {MAX_ROW} a row",
            code="value-does-not-fit",
            where=table,
        )
    return tail


@dataclass(frozen=True)
class Packed:
    """Rows laid onto pages: ``pages`` (n, 4096) uint8, and for each row its page (from 0) and slot.

    When ``continued`` is true, page 0 is the page that was given to :func:`pack`, with rows added.
    """

    pages: np.ndarray
    page: np.ndarray
    slot: np.ndarray
    free: np.ndarray
    continued: bool


def pack(rows: pa.Array, owner: int, last: bytearray | None = None) -> Packed:
    """Lay rows onto data pages in order, filling up the page ``last`` first where there is room.

    The loop is over pages; where each row starts is found by bisection in the running total.
    """
    count = len(rows)
    taken, used = (0, 0) if last is None else _occupied(last)
    # rows lie upside down on their page: turned round once, each page is one slice
    backwards = rows.take(pa.array(np.arange(count - 1, -1, -1)))
    ends, data = flat(backwards)
    lengths = np.diff(ends)[::-1]
    total = np.concatenate([[0], np.cumsum(lengths)])
    cost = total + 2 * np.arange(count + 1)
    first = _page_starts(cost, _ROOM - used - 2 * taken)
    starts = np.asarray(first, np.int64)
    sizes = np.diff(np.append(starts, count))
    pages = np.zeros((len(starts), PAGE), np.uint8)
    page = np.repeat(np.arange(len(starts)), sizes)
    slot = np.arange(count) - starts[page] if count else np.empty(0, np.int64)
    floor = np.full(len(starts), PAGE, np.int64)
    already = np.zeros(len(starts), np.int64)
    if last is not None and len(starts):
        pages[0] = np.frombuffer(bytes(last), np.uint8)
        floor[0], already[0] = PAGE - used, taken
    slot = slot + already[page]
    place = floor[page] - (total[1:] - total[starts[page]])
    pages.view("<u2")[page, DATA_HEADER // 2 + slot] = place
    size = int(total[-1])
    bottom = floor.copy()
    for number, (a, n) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        chunk = data[size - total[a + n] : size - total[a]]
        bottom[number] -= len(chunk)
        pages[number, bottom[number] : floor[number]] = chunk
    return Packed(pages, page, slot, _headers(pages, owner, sizes + already, bottom), last is not None)


def _page_starts(cost: np.ndarray, room_on_last: int) -> list[int]:
    starts: list[int] = []
    at, room, count = 0, room_on_last, len(cost) - 1
    while at < count or not starts:
        starts.append(at)
        at = max(at, int(np.searchsorted(cost, cost[at] + room, side="right")) - 1)
        if at == starts[-1] and (len(starts) > 1 or room == _ROOM) and at < count:
            raise OutputError("a row is longer than a page", code="value-does-not-fit")
        room = _ROOM
    return starts


def _occupied(page: bytearray) -> tuple[int, int]:
    """(rows, bytes of rows) on a data page."""
    rows = int.from_bytes(page[12:14], "little")
    lowest = PAGE if not rows else int.from_bytes(page[12 + 2 * rows : 14 + 2 * rows], "little") & 0x1FFF
    return rows, PAGE - lowest


def _headers(pages: np.ndarray, owner: int, rows: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    free = bottom - DATA_HEADER - 2 * rows
    words = pages.view("<u2")
    words[:, 0] = 0x0101
    words[:, 1] = free
    pages[:, 4:8] = np.frombuffer(owner.to_bytes(4, "little"), np.uint8)
    words[:, 6] = rows
    return free


#: Lays rows onto long-value pages; gives page and slot of each.
StoreRows: TypeAlias = Callable[[pa.Array], tuple[np.ndarray, np.ndarray]]


def long_values(values: pa.Array, inline: int, store_rows: StoreRows) -> pa.Array:
    """Long values as their 12-byte references, with short ones kept in the row.

    ``store_rows(rows)`` lays an array of rows onto long-value pages and gives (page, slot) of each.
    Up to ``inline`` bytes stay in the row; what fits one page goes onto a shared page; longer
    values become a chain of full pages, each pointing to the next.
    """
    lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    heads = np.zeros((len(values), 3), "<u4")
    heads[:, 0] = lengths | 0x80000000
    outside = lengths > inline
    body = values
    if outside.any():
        single = outside & (lengths <= _SINGLE)
        if single.any():
            page, slot = store_rows(values.filter(pa.array(single)))
            heads[single, 0] = lengths[single] | 0x40000000
            heads[single, 1] = slot | page << 8
        for row in np.flatnonzero(lengths > _SINGLE).tolist():
            heads[row, 0], heads[row, 1] = lengths[row], _chain(values[row].as_buffer(), store_rows)
        body = pc.if_else(pa.array(outside), pa.scalar(b"", pa.binary()), values)
    heads_array = fixed_to_binary(heads.view(np.uint8))
    return pc.binary_join_element_wise(heads_array, body, _EMPTY)


#: a value of this many bytes still shares its page; a longer one is cut into a chain
_SINGLE = 4076
_LINK = 4072


def _chain(value: pa.Buffer, store_rows: StoreRows) -> int:
    """Store one long value back to front, each piece before the piece that points to it."""
    pointer, data = 0, memoryview(value)
    if len(data) >= 1 << 24:
        raise OutputError("a long value of 16 MB or more cannot be written", code="value-does-not-fit")
    for at in range((len(data) - 1) // _LINK * _LINK, -1, -_LINK):
        piece = pointer.to_bytes(4, "little") + bytes(data[at : at + _LINK])
        page, slot = store_rows(binary_of(np.array([0, len(piece)]), piece))
        pointer = int(page[0]) << 8 | int(slot[0])
    return pointer
