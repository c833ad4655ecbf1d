"""Table definitions made anew: the bytes of a table's columns and indexes, cut into pages.

:mod:`write_layout` says what lies where in them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from idbmigrate.access.write.layout import (
    COLUMN_COMPRESSED,
    COLUMN_FIXED,
    COLUMN_NULLABLE,
    FIXED_WIDTHS,
    HEADER,
    INDEX_ALWAYS,
    INDEX_REQUIRED,
    INDEX_UNIQUE,
    LONG_VALUE_TYPES,
    TYPE_CODES,
    TableLayout,
    parse,
)
from idbmigrate.access.write.pages import PAGE, PageStore

#: a number that Access puts before columns and indexes; its meaning is not known
_MAGIC = 1625


@dataclass(frozen=True)
class NewColumn:
    """A column to be made: an Access type name, and a length in characters (Text) or bytes (Binary)."""

    name: str
    type: str
    length: int | None = None
    precision: int = 18
    scale: int = 0
    compressed: bool = True


@dataclass(frozen=True)
class NewIndex:
    """An index to be made: columns in order, ascending."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    unique: bool = False


def build(
    store: PageStore,
    columns: list[NewColumn],
    indexes: list[NewIndex],
    map_rows: list[tuple[int, int]],
    roots: list[int],
    sort_order: bytes,
) -> TableLayout:
    """Make a table definition on new pages at the end of the file.

    ``sort_order`` are the four bytes of the file's own sort order, as its text columns have it.
    ``map_rows`` are the places of empty usage maps: two for the table, one an index, two a long-value
    column, in that order; ``roots`` the root pages of the indexes.
    """
    maps = iter(map_rows)
    owned, free = next(maps), next(maps)
    by_name = {column.name: place for place, column in enumerate(columns)}
    variable = [column for column in columns if column.type not in FIXED_WIDTHS]
    body = b"".join(bytes(12) for _ in indexes)
    body += _column_entries(columns, sort_order) + b"".join(_name(column.name) for column in columns)
    for index, root in zip(indexes, roots, strict=True):
        body += _index_entry(index, [by_name[name] for name in index.columns], next(maps), root)
    for place, index in enumerate(indexes):
        body += struct.pack(
            "<IIIBIIBBBI", _MAGIC, place, place, 0, 0xFFFFFFFF, 0, 4, 4, int(index.primary), 0
        )
    body += b"".join(_name(index.name) for index in indexes)
    for place, column in enumerate(columns):
        if column.type in LONG_VALUE_TYPES:
            body += struct.pack("<H", place) + _point(next(maps)) + _point(next(maps))
    body += b"\xff\xff"
    header = struct.pack(
        "<BBHIIIIIII8sBHHHII4s4s",
        2,
        1,
        0,
        0,
        HEADER + len(body),
        _MAGIC,
        0,
        0,
        1,
        0,
        bytes(8),
        0x4E,
        len(columns),
        len(variable),
        len(columns),
        len(indexes),
        len(indexes),
        _point(owned),
        _point(free),
    )
    return _place(store, bytearray(header + body))


def _column_entries(columns: list[NewColumn], sort_order: bytes) -> bytes:
    entries, variable, offset = b"", 0, 0
    for number, column in enumerate(columns):
        width = FIXED_WIDTHS.get(column.type)
        if column.type == "NUMERIC":
            misc = bytes([column.precision, column.scale, 0, 0])
        else:
            misc = sort_order
        compressed = COLUMN_COMPRESSED if column.type in ("TEXT", "MEMO") and column.compressed else 0
        entries += struct.pack(
            "<BIHHH4sBBIHH",
            TYPE_CODES[column.type],
            _MAGIC,
            number,
            variable,
            number,
            misc,
            COLUMN_NULLABLE | (COLUMN_FIXED if width is not None else 0),
            compressed,
            0,
            offset if width is not None else 0,
            _stored_length(column),
        )
        if width is None:
            variable += 1
        else:
            offset += width
    return entries


def _stored_length(column: NewColumn) -> int:
    if column.type == "BOOLEAN":
        return 1
    if column.type in LONG_VALUE_TYPES:
        return 0
    return FIXED_WIDTHS.get(column.type) or (column.length or 255) * (2 if column.type == "TEXT" else 1)


def _index_entry(index: NewIndex, numbers: list[int], usage: tuple[int, int], root: int) -> bytes:
    keys = b"".join(struct.pack("<HB", number, 1) for number in numbers)
    keys += b"\xff\xff\x00" * (10 - len(numbers))
    flags = INDEX_ALWAYS | (INDEX_UNIQUE if index.unique or index.primary else 0)
    flags |= INDEX_REQUIRED if index.primary else 0
    return struct.pack("<I30s4sIIB5s", _MAGIC, keys, _point(usage), root, 0, flags, bytes(5))


def _name(name: str) -> bytes:
    raw = name.encode("utf-16-le")
    return struct.pack("<H", len(raw)) + raw


def _point(place: tuple[int, int]) -> bytes:
    page, row = place
    return bytes([row]) + page.to_bytes(3, "little")


def _place(store: PageStore, data: bytearray) -> TableLayout:
    """Cut the run of bytes into pages at the end of the file."""
    chunks = [data[:PAGE]]
    chunks += [data[at : at + PAGE - 8] for at in range(PAGE, len(data), PAGE - 8)]
    first = store.reserve(len(chunks))
    pages = [first + place for place in range(len(chunks))]
    for place, chunk in enumerate(chunks):
        following = pages[place + 1] if place + 1 < len(pages) else 0
        room = PAGE - len(chunk) - (0 if place == 0 else 8)
        # the free space that Access notes leaves out the 8 bytes of the page's own header
        header = struct.pack("<BBHI", 2, 1, max(0, room - 8), following)
        if place == 0:
            chunk[:8] = header
            data[:8] = header
        page = bytearray(chunk if place == 0 else header + chunk)
        store.write(pages[place], page.ljust(PAGE, b"\0"))
    data.extend(bytes(PAGE))
    return parse(pages, data[: PAGE + (len(pages) - 1) * (PAGE - 8)])
