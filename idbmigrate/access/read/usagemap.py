"""Usage maps: which pages belong to a table."""

from __future__ import annotations

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.damage import Damage
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.slots import FAULTS, find_slots

_NONE = np.zeros(0, np.int64)
_BEYOND = "the table's usage map names pages past the end of the file"


def owned_pages(pages: PageFile, pointer: int, damage: Damage, table: str) -> np.ndarray:
    """The numbers of a table's pages in ascending order (int64), from the row pointer to its usage map.

    A map is a row: kind 0 holds a first page number and a bit for each page from there on; kind 1
    holds the numbers of pages that are all bits, the first of them for the file's first pages.
    """
    page, slot = pointer >> 8, pointer & 0xFF
    start, end, _, fault = find_slots(pages, np.array([page]), np.array([slot]), None)
    if fault[0] or end[0] - start[0] < 5:
        message = FAULTS.get(int(fault[0]), "the table's usage map is too short")
        code = "truncated" if fault[0] == 1 else "damaged"
        damage.report(message, fault[0] == 1, table=table, page=page, slot=slot, code=code)
        return _NONE
    row = pages.view.bytes[start[0] : end[0]]
    if row[0] == 0:
        first = int.from_bytes(row[1:5].tobytes(), "little")
        return _within(pages, _set_bits(row[5:]) + first, damage, table)
    if row[0] == 1:
        numbers = np.frombuffer(row[1 : 1 + (len(row) - 1) // 4 * 4].tobytes(), "<u4")
        return _referenced(pages, numbers, damage, table)
    damage.report("the table's usage map is of an unknown kind", False, table=table, page=page, slot=slot)
    return _NONE


def _referenced(pages: PageFile, numbers: np.ndarray, damage: Damage, table: str) -> np.ndarray:
    found = []
    per_page = (pages.page_size - 4) * 8
    for index, number in enumerate(numbers.tolist()):  # one step a map page: 32,736 pages of 4 KB
        if number == 0:
            continue
        if number >= pages.page_count:
            damage.report(_BEYOND, table=table, page=number, code="truncated")
            continue
        content = pages.page(number)
        if content[0] != fmt.PAGE_USAGE_MAP:
            message = "a page of the table's usage map is of another kind"
            damage.report(message, False, table=table, page=number)
            continue
        bits = content[4:]
        if index * per_page < pages.page_count:
            found.append(_set_bits(bits) + index * per_page)
        elif bits.any():
            damage.report(_BEYOND, table=table, page=number, code="truncated")
    return _within(pages, np.concatenate(found) if found else _NONE, damage, table)


def _set_bits(bits: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.unpackbits(bits, bitorder="little")).astype(np.int64)


def _within(pages: PageFile, numbers: np.ndarray, damage: Damage, table: str) -> np.ndarray:
    beyond = numbers[numbers >= pages.page_count]
    for number in beyond.tolist():
        damage.report(_BEYOND, table=table, page=number, code="truncated")
    return numbers[numbers < pages.page_count]
