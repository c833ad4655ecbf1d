"""Where rows lie: the directory of slots on a data page."""

from __future__ import annotations

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.pagefile import PageFile

#: What can be wrong with a reference to a row, by the codes in :func:`find_slots`' last array.
FAULTS = {
    1: "a reference leads past the end of the file",
    2: "a reference leads to a page of another kind or owner",
    3: "a reference leads to a row that its page does not have",
    4: "a row begins or ends outside its page",
}


def split_pointer(pointer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Page and slot of 4-byte row pointers: the slot in the lowest byte, the page in the other three."""
    pointer = pointer.astype(np.int64)
    return pointer >> 8, pointer & 0xFF


def find_slots(
    pages: PageFile, page: np.ndarray, slot: np.ndarray, owner: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Look up rows by page and slot (int64 arrays).

    Returns start, end (byte offsets in the file), entry (the slot's directory entry with its flags)
    and fault (uint8; 0: none, else a key of :data:`FAULTS`). ``owner``: what the page must name as its
    owner, or None for any. A row with a fault has start = end = 0.
    """
    layout, view, size = pages.layout, pages.view, pages.page_size
    fault = np.where(page < pages.page_count, 0, 1).astype(np.uint8)
    safe = np.where(fault == 0, page, 0)
    pages.require(safe)
    base = safe * size
    wrong = view.u8(base) != fmt.PAGE_DATA
    if owner is not None:
        wrong |= view.u32(base + 4) != owner
    fault[(fault == 0) & wrong] = 2
    count = view.u16(base + layout.slot_count_at).astype(np.int64)
    fault[(fault == 0) & ((slot >= count) | (layout.slots_at + 2 * count > size))] = 3
    at = base + layout.slots_at + 2 * np.where(fault == 0, slot, 0)
    entry = np.where(fault == 0, view.u16(at), 0)
    end = np.where(slot > 0, view.u16(np.where(slot > 0, at - 2, at)) & fmt.ROW_OFFSET, size)
    start = (entry & fmt.ROW_OFFSET).astype(np.int64)
    outside = (start < layout.slots_at + 2 * count) | (start > end) | (end > size)
    fault[(fault == 0) & outside] = 4
    good = fault == 0
    return np.where(good, base + start, 0), np.where(good, base + end, 0), entry, fault
