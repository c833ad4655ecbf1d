"""Table definitions (TDEF pages) as the writer needs them: read one, bring its counts up to date.

A table definition is one run of bytes, cut into pages: the first keeps all its 4096 bytes, each
further page gives up 8 for its own header. The run holds, in order: a header of 63 bytes, 12 bytes a
real index (entry counts), 25 bytes a column, the column names, 52 bytes a real index (columns, usage
map, root page, flags), 28 bytes a logical index, the index names, 10 bytes a long-value column (its two
usage maps), and ``FF FF``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from idbmigrate.access.write.pages import PAGE, PageStore
from idbmigrate.errors import OutputError

#: Access type name -> code in the file; the names are those of the reader
TYPE_CODES = {
    "BOOLEAN": 1,
    "BYTE": 2,
    "INT": 3,
    "LONG": 4,
    "MONEY": 5,
    "FLOAT": 6,
    "DOUBLE": 7,
    "SHORT_DATE_TIME": 8,
    "BINARY": 9,
    "TEXT": 10,
    "OLE": 11,
    "MEMO": 12,
    "GUID": 15,
    "NUMERIC": 16,
    "COMPLEX_TYPE": 18,
    "BIG_INT": 19,
    "EXT_DATE_TIME": 20,
}
TYPE_NAMES = {code: name for name, code in TYPE_CODES.items()}
#: bytes of the fixed-width types
FIXED_WIDTHS = {
    "BOOLEAN": 0,
    "BYTE": 1,
    "INT": 2,
    "LONG": 4,
    "MONEY": 8,
    "FLOAT": 4,
    "DOUBLE": 8,
    "SHORT_DATE_TIME": 8,
    "GUID": 16,
    "NUMERIC": 17,
    "COMPLEX_TYPE": 4,
    "BIG_INT": 8,
    "EXT_DATE_TIME": 42,
}
LONG_VALUE_TYPES = frozenset({"OLE", "MEMO"})

COLUMN_FIXED, COLUMN_NULLABLE, COLUMN_AUTONUMBER, COLUMN_COMPRESSED = 0x01, 0x02, 0x04, 0x01
#: The column is an AutoNumber of the type Replication ID.
COLUMN_AUTO_ID = 0x40
INDEX_UNIQUE, INDEX_IGNORE_NULLS, INDEX_REQUIRED, INDEX_ALWAYS = 0x01, 0x02, 0x08, 0x80

HEADER = 63
_MAX_DEFINITION = 1 << 20
#: more columns or indexes than this are damage
_MOST = 1024


@dataclass(frozen=True)
class ColumnLayout:
    """One column as stored; ``length`` in bytes, ``misc`` holds precision and scale, or the sort order."""

    name: str
    type: str
    number: int
    variable: int
    offset: int
    length: int
    flags: int
    extra: int
    misc: bytes

    @property
    def fixed(self) -> bool:
        return bool(self.flags & COLUMN_FIXED)

    @property
    def autonumber(self) -> bool:
        """Whether Access fills the column by itself, with the next number or a new Replication ID."""
        return bool(self.flags & (COLUMN_AUTO_ID if self.type == "GUID" else COLUMN_AUTONUMBER))

    @property
    def compressed(self) -> bool:
        return bool(self.extra & COLUMN_COMPRESSED)

    @property
    def sort_order(self) -> tuple[int, int]:
        """(locale, version) of a text column: (1033, 0) General legacy, (1033, 1) General 2010."""
        return int.from_bytes(self.misc[:2], "little"), self.misc[3]


@dataclass(frozen=True)
class IndexLayout:
    """One real index: column numbers with True for ascending, where its pages begin, its names."""

    columns: tuple[tuple[int, bool], ...]
    usage: tuple[int, int]
    root: int
    flags: int
    count_at: int
    names: tuple[str, ...]
    primary: bool

    @property
    def title(self) -> str:
        """The name or names by which people know the index."""
        return " / ".join(self.names) or "without a name"

    @property
    def unique(self) -> bool:
        return bool(self.flags & INDEX_UNIQUE) or self.primary

    @property
    def ignores_nulls(self) -> bool:
        return bool(self.flags & INDEX_IGNORE_NULLS)


@dataclass
class TableLayout:
    """A table definition in memory. ``data`` is the whole run of bytes, ``pages`` where it lies."""

    pages: list[int]
    data: bytearray
    columns: list[ColumnLayout]
    indexes: list[IndexLayout]
    owned: tuple[int, int]
    free: tuple[int, int]
    slots: int
    variables: int
    long_values: dict[int, tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.pages[0]

    @property
    def rows(self) -> int:
        return struct.unpack_from("<I", self.data, 16)[0]

    @property
    def last_autonumber(self) -> int:
        return struct.unpack_from("<I", self.data, 20)[0]

    def count(self, rows: int, autonumber: int, entries: dict[int, int]) -> None:
        """Set the row count, the last automatic number and (by place) the indexes' entry counts."""
        struct.pack_into("<II", self.data, 16, rows, autonumber & 0xFFFFFFFF)
        for index, number in entries.items():
            struct.pack_into("<I", self.data, self.indexes[index].count_at, number)

    def save(self, store: PageStore) -> None:
        """Write the definition back onto its pages, changing nothing but what :meth:`count` changed."""
        at = 0
        for place, number in enumerate(self.pages):
            head = 0 if place == 0 else 8
            page = store.read(number)
            chunk = self.data[at : at + PAGE - head]
            page[head : head + len(chunk)] = chunk
            store.write(number, page)
            at += len(chunk)


def load(store: PageStore, number: int) -> TableLayout:
    """Read the table definition that begins on page ``number``."""
    pages, data = [number], store.read(number)
    if data[:2] != b"\x02\x01":
        raise OutputError(f"page {number} is no table definition", code="template-mismatch", where=store.path)
    (following,) = struct.unpack_from("<I", data, 4)
    while following:
        if following in pages or len(data) > _MAX_DEFINITION:
            raise OutputError(
                "a table definition runs in a circle", code="template-mismatch", where=store.path
            )
        pages.append(following)
        page = store.read(following)
        data += page[8:]
        (following,) = struct.unpack_from("<I", page, 4)
    try:
        layout = parse(pages, data)
    except (struct.error, IndexError, UnicodeDecodeError, KeyError) as error:
        message = f"the table definition on page {number} cannot be read"
        raise OutputError(message, code="template-mismatch", where=store.path) from error
    if not _sound(layout):
        message = f"the table definition on page {number} contradicts itself"
        raise OutputError(message, code="template-mismatch", where=store.path)
    return layout


def _sound(layout: TableLayout) -> bool:
    """Whether columns and indexes of a definition agree with each other, so that rows can be made."""
    numbers = {column.number for column in layout.columns}
    if len(numbers) < len(layout.columns) or any(number >= layout.slots for number in numbers):
        return False
    for column in layout.columns:
        width = max(column.length, FIXED_WIDTHS.get(column.type, 0))
        if column.offset + width > PAGE if column.fixed else column.variable >= layout.variables:
            return False
        if column.type in LONG_VALUE_TYPES and column.number not in layout.long_values:
            return False
    return layout.slots <= _MOST and all(n in numbers for index in layout.indexes for n, _ in index.columns)


def _pointer(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A row pointer: (page, row). The row is the low byte, the page the three above it."""
    return int.from_bytes(data[at + 1 : at + 4], "little"), data[at]


def _names(data: bytearray, at: int, count: int) -> tuple[list[str], int]:
    names = []
    for _ in range(count):
        (size,) = struct.unpack_from("<H", data, at)
        names.append(bytes(data[at + 2 : at + 2 + size]).decode("utf-16-le"))
        at += 2 + size
    return names, at


def parse(pages: list[int], data: bytearray) -> TableLayout:
    """Take a definition apart; ``data`` is its whole run of bytes, ``pages`` where it lies."""
    slots, variables, count, logical, real = struct.unpack_from("<HHHII", data, 41)
    if max(count, logical, real) > _MOST:
        raise KeyError("more columns or indexes than Access allows")
    at = HEADER + 12 * real
    raw = [bytes(data[at + 25 * i : at + 25 * i + 25]) for i in range(count)]
    names, at = _names(data, at + 25 * count, count)
    columns = [_column(name, entry) for name, entry in zip(names, raw, strict=True)]
    real_at, at = at, at + 52 * real
    logical_at, at = at, at + 28 * logical
    index_names, at = _names(data, at, logical)
    uses: dict[int, list[tuple[str, bool]]] = {}
    for i, name in enumerate(index_names):
        entry = logical_at + 28 * i
        uses.setdefault(struct.unpack_from("<I", data, entry + 8)[0], []).append(
            (name, data[entry + 23] == 1)
        )
    indexes = [_index(data, real_at + 52 * i, i, uses.get(i, [])) for i in range(real)]
    layout = TableLayout(
        pages, data, columns, indexes, _pointer(data, 55), _pointer(data, 59), slots, variables
    )
    while at + 10 <= len(data) and data[at : at + 2] != b"\xff\xff":
        layout.long_values[struct.unpack_from("<H", data, at)[0]] = (
            _pointer(data, at + 2),
            _pointer(data, at + 6),
        )
        at += 10
    return layout


def _column(name: str, raw: bytes) -> ColumnLayout:
    number, variable, _ = struct.unpack_from("<HHH", raw, 5)
    offset, length = struct.unpack_from("<HH", raw, 21)
    kind = TYPE_NAMES.get(raw[0], f"type {raw[0]}")
    return ColumnLayout(name, kind, number, variable, offset, length, raw[15], raw[16], raw[11:15])


def _index(data: bytearray, at: int, place: int, uses: list[tuple[str, bool]]) -> IndexLayout:
    columns = []
    for i in range(10):
        number, order = struct.unpack_from("<HB", data, at + 4 + 3 * i)
        if number != 0xFFFF:
            columns.append((number, order == 1))
    (root,) = struct.unpack_from("<I", data, at + 38)
    return IndexLayout(
        columns=tuple(columns),
        usage=_pointer(data, at + 34),
        root=root,
        flags=data[at + 46],
        count_at=HEADER + 12 * place + 4,
        names=tuple(name for name, _ in uses),
        primary=any(primary for _, primary in uses),
    )
