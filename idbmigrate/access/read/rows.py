"""From a table's pages to the places of its rows, all at once."""

from __future__ import annotations

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.damage import Damage
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.slots import FAULTS, find_slots, split_pointer
from idbmigrate.access.read.tabledef import TableDefinition
from idbmigrate.access.read.usagemap import owned_pages

#: A moved row's pointer leads to the row; more steps than this are a loop.
_MAX_HOPS = 8
#: A row pointer has one byte for the slot.
_MAX_ROWS = 256
_FOREIGN = "a page in the table's usage map is of another kind or owner"
_LOST = "the page belongs to the table, but its usage map does not name it"


class RowSet:
    """Rows of one table as int64 arrays of one length.

    ``page`` and ``slot``: the row's entry in the table's own pages (a moved row keeps it);
    ``start`` and ``end``: byte offsets in the file of where the row's content lies now.
    """

    __slots__ = ("end", "page", "slot", "start")

    def __init__(self, page: np.ndarray, slot: np.ndarray, start: np.ndarray, end: np.ndarray):
        self.page, self.slot, self.start, self.end = page, slot, start, end

    def __len__(self) -> int:
        return len(self.page)

    def __getitem__(self, which: np.ndarray | slice) -> RowSet:
        return RowSet(self.page[which], self.slot[which], self.start[which], self.end[which])

    @property
    def ids(self) -> np.ndarray:
        """One int64 a row that says where it lies: page << 8 | slot."""
        return self.page << 8 | self.slot


def locate_rows(pages: PageFile, table: TableDefinition, damage: Damage) -> RowSet:
    """Find a table's live rows, in page and slot order; damaged pages and rows go to ``damage``."""
    named = owned_pages(pages, table.usage_map, damage, table.name)
    own, foreign = _sort_out(pages, table, named)
    rows = _rows_on(pages, table, own, damage)
    complete = len(rows) == table.row_count
    if complete and not len(rows):  # count and map may be those of before the file was not closed
        complete = not len(_holding_rows(pages, table, _lost_pages(pages, table, own)))
    if complete:  # every row is there, so a page too many in the map holds none of them
        for number in foreign.tolist():
            damage.note(_FOREIGN, table=table.name, page=number)
        return rows
    for number in foreign.tolist():
        damage.report(_FOREIGN, table=table.name, page=number)
    lost = _lost_pages(pages, table, own)
    for number in lost.tolist():
        damage.report(_LOST, loses=False, table=table.name, page=number)
    if len(lost):  # only salvage comes here: what it found is read all the same
        rows = _rows_on(pages, table, np.union1d(own, lost), Damage(damage.file, salvage=True))
    if len(rows) != table.row_count:
        damage.note(f"{table.row_count} rows are declared and {len(rows)} are there", table=table.name)
    return rows


def _rows_on(pages: PageFile, table: TableDefinition, own: np.ndarray, damage: Damage) -> RowSet:
    """The live rows on these pages."""
    layout, view, size = pages.layout, pages.view, pages.page_size
    base = own * size
    counts = view.u16(base + layout.slot_count_at).astype(np.int64)
    excess = (layout.slots_at + 2 * counts > size) | (counts > _MAX_ROWS)
    for number in own[excess].tolist():
        damage.report("the page counts more rows than fit on it", table=table.name, page=number)
    own, base, counts = own[~excess], base[~excess], counts[~excess]

    if not len(own):
        return RowSet(own, own, own, own)

    # One line a page and one column a slot, padded to the fullest page: small numbers, few passes.
    width = max(int(counts.max()), 1)
    entry = view.block(base + layout.slots_at, 2 * width).view("<u2")
    start = entry & fmt.ROW_OFFSET
    end = np.empty_like(start)
    end[:, 0] = size
    end[:, 1:] = start[:, :-1]  # rows fill a page from its end: each ends where the one before it begins
    there = np.arange(width, dtype=np.uint16) < counts.astype(np.uint16)[:, None]
    directory_end = (layout.slots_at + 2 * counts).astype(np.uint16)[:, None]
    live = there & ((entry & fmt.ROW_DELETED) == 0)
    outside = there & ((start < directory_end) | (start > end))
    if outside.any():  # a deleted row's entry matters in so far as the next row ends where it begins
        outside[:, 1:] |= outside[:, :-1]
        lost = np.nonzero(live & outside)
        damage.report_rows(np.ones(len(lost[0]), bool), own[lost[0]], lost[1], FAULTS[4], table=table.name)
        live &= ~outside

    place = np.flatnonzero(live)
    line = np.repeat(np.arange(len(own)), np.count_nonzero(live, axis=1))
    at = base[line]
    rows = RowSet(own[line], place - line * width, at + start.reshape(-1)[place], at + end.reshape(-1)[place])
    moved = (entry.reshape(-1)[place] & fmt.ROW_POINTER) != 0
    if not moved.any():
        return rows
    rows, found = _follow(pages, table, rows, moved, damage)
    return rows[~moved | (found & ~_shared(damage, table, rows, found))]


def _sort_out(pages: PageFile, table: TableDefinition, named: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pages of a usage map that are the table's data pages, and those that are not."""
    pages.require(named)
    base = named * pages.page_size
    foreign = (pages.view.u8(base) != fmt.PAGE_DATA) | (pages.view.u32(base + 4) != table.page)
    return named[~foreign], named[foreign]


def _lost_pages(pages: PageFile, table: TableDefinition, own: np.ndarray) -> np.ndarray:
    """Data pages anywhere in the file that name the table as their owner, but are not in its usage map.

    Looked for only where the row count does not come out, or is 0.
    """
    return np.setdiff1d(np.flatnonzero(pages.owners == table.page), own)


def _holding_rows(pages: PageFile, table: TableDefinition, numbers: np.ndarray) -> np.ndarray:
    """Those of the table's data pages that hold a live row."""
    rows = _rows_on(pages, table, numbers, Damage(pages.name, salvage=True))
    return np.unique(rows.page)


def _follow(
    pages: PageFile, table: TableDefinition, rows: RowSet, moved: np.ndarray, damage: Damage
) -> tuple[RowSet, np.ndarray]:
    """Replace start and end of moved rows by those of where they were moved to.

    Returns the rows and a bool array: which of the moved rows were found.
    """
    start, end = rows.start.copy(), rows.end.copy()
    found = np.zeros(len(rows), bool)
    index = np.flatnonzero(moved)
    for _ in range(_MAX_HOPS):
        short = end[index] - start[index] < 4
        _blame(damage, table, rows, index[short], "a moved row's pointer is cut off")
        index = index[~short]
        if not len(index):
            return RowSet(rows.page, rows.slot, start, end), found
        page, slot = split_pointer(pages.view.u32(start[index]))
        at, to, entry, fault = find_slots(pages, page, slot, table.page)
        for code in np.unique(fault[fault > 0]).tolist():
            _blame(damage, table, rows, index[fault == code], f"moved row: {FAULTS[code]}")
        good = fault == 0
        index, at, to, again = index[good], at[good], to[good], (entry[good] & fmt.ROW_POINTER) != 0
        start[index], end[index] = at, to
        found[index[~again]] = True
        index = index[again]
    _blame(damage, table, rows, index, "a moved row's pointers form a loop")
    return RowSet(rows.page, rows.slot, start, end), found


def _shared(damage: Damage, table: TableDefinition, rows: RowSet, moved: np.ndarray) -> np.ndarray:
    """Moved rows that another one leads to as well."""
    index = np.flatnonzero(moved)
    _, group, size = np.unique(rows.start[index], return_inverse=True, return_counts=True)
    shared = np.zeros(len(rows), bool)
    shared[index[size[group] > 1]] = True
    _blame(damage, table, rows, np.flatnonzero(shared), "two moved rows lead to the same place")
    return shared


def _blame(damage: Damage, table: TableDefinition, rows: RowSet, index: np.ndarray, message: str) -> None:
    if len(index):
        every = np.ones(len(index), bool)
        damage.report_rows(every, rows.page[index], rows.slot[index], message, table=table.name)
