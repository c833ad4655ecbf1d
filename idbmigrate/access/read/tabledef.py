"""Table definitions: the columns of a table and where its rows are listed."""

from __future__ import annotations

import struct
from typing import NamedTuple, NoReturn

from idbmigrate.access import format as fmt
from idbmigrate.access.codepages import code_page_codec
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.errors import SourceError

#: More columns than the format allows, and longer names, are damage.
_MAX_COLUMNS = 255
_MAX_PRECISION = 38


class Column(NamedTuple):
    """One column, as people see it (name, type, length) and as rows store it (the rest).

    ``type`` is the Access type name; ``length`` counts characters for TEXT, bytes otherwise, 0 for
    long values. ``number`` is the column's bit in a row's null mask, which a dropped column keeps.
    """

    name: str
    type: str
    length: int
    code: int
    number: int
    display: int
    fixed: bool
    fixed_offset: int
    variable_index: int
    precision: int
    scale: int
    calculated: bool
    auto_number: bool
    compressed: bool

    #: bytes in a row's fixed area, if ``fixed``
    stored_size: int

    @property
    def size(self) -> int | None:
        """Bytes that every value takes, or None where values differ in length."""
        return fmt.TYPE_SIZES.get(self.code)


class TableDefinition(NamedTuple):
    """A table: ``page`` is the definition's first page, which data pages name as their owner."""

    name: str
    page: int
    row_count: int
    kind: int
    max_columns: int
    variable_columns: int
    usage_map: int
    columns: tuple[Column, ...]
    pages: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<TableDefinition {self.name!r}: {len(self.columns)} columns>"


class _Reader:
    """Fields of a definition that may end too early."""

    def __init__(self, content: bytes, where: str):
        self.content, self.where = content, where

    def fail(self, message: str) -> NoReturn:
        raise SourceError(f"the table definition {message}", code="damaged", where=self.where)

    def get(self, layout: str, at: int) -> int:
        if at < 0 or at + struct.calcsize(layout) > len(self.content):
            self.fail("ends too early")
        return struct.unpack_from(layout, self.content, at)[0]

    def slice(self, at: int, length: int) -> bytes:
        if at + length > len(self.content):
            self.fail("ends too early")
        return self.content[at : at + length]


def read_definition(pages: PageFile, page: int, name: str) -> TableDefinition:
    """Read the definition that begins on ``page``, over all the pages it spans.

    Raises SourceError ``damaged`` or ``truncated``; sizes are checked before anything is allocated.
    """
    where = f"{pages.name}: table {name}: page {page}"
    content, spanned = _content(pages, page, where)
    reader, layout = _Reader(content, where), pages.layout
    count = reader.get("<H", layout.columns_at)
    max_columns = reader.get("<H", layout.max_columns_at)
    variable = reader.get("<H", layout.variable_columns_at)
    if count > _MAX_COLUMNS or variable > max_columns:
        reader.fail("has more columns than the format allows")
    real_indexes = reader.get("<I", layout.real_indexes_at)
    at = layout.definition_end + real_indexes * layout.real_index_size
    raw = [reader.slice(at + i * layout.column_size, layout.column_size) for i in range(count)]
    names = _names(reader, pages, at + count * layout.column_size, count)
    columns = [_column(reader, layout, bytes_, column) for bytes_, column in zip(raw, names)]
    if len({c.number for c in columns}) != count or any(c.number >= max_columns for c in columns):
        reader.fail("numbers its columns in a way that cannot be")
    return TableDefinition(
        name=name,
        page=page,
        row_count=reader.get("<I", layout.row_count_at),
        kind=content[layout.table_kind_at],
        max_columns=max_columns,
        variable_columns=variable,
        usage_map=reader.get("<I", layout.usage_map_at),
        columns=tuple(sorted(columns, key=lambda c: c.number)),
        pages=spanned,
    )


def _content(pages: PageFile, page: int, where: str) -> tuple[bytes, tuple[int, ...]]:
    """The definition's bytes: the first page whole, of each further page what follows its header."""
    parts: list[bytes] = []
    spanned: list[int] = []
    number = page
    while number:
        if number in spanned:
            raise SourceError("the pages of the table definition form a loop", code="damaged", where=where)
        if number >= pages.page_count:
            raise SourceError("the table definition lies past the file's end", code="truncated", where=where)
        content = pages.page(number).tobytes()
        if content[0] != fmt.PAGE_TABLE_DEFINITION:
            raise SourceError(
                "the table definition is on a page of another kind", code="damaged", where=where
            )
        parts.append(content[8:] if spanned else content)
        spanned.append(number)
        if len(spanned) > 64:  # 255 columns with the longest names need 42 pages at most
            raise SourceError("the table definition is absurdly long", code="damaged", where=where)
        (number,) = struct.unpack_from("<I", content, 4)
    return b"".join(parts), tuple(spanned)


def _names(reader: _Reader, pages: PageFile, at: int, count: int) -> list[str]:
    layout, names = pages.layout, []
    for _ in range(count):
        length = reader.get("<H" if layout.name_length_size == 2 else "<B", at)
        at += layout.name_length_size
        names.append(decode_name(pages, reader.slice(at, length)))
        at += length
    if any(not name for name in names):
        reader.fail("has a column without a name")
    return names


def decode_name(pages: PageFile, raw: bytes) -> str:
    """A name as text: the file's code page in Jet 3, UTF-16 later."""
    if pages.layout.character_size == 1:
        return raw.decode(code_page_codec(pages.header.code_page), "replace")
    return raw.decode("utf-16-le", "replace")


def _column(reader: _Reader, layout: fmt.Layout, raw: bytes, name: str) -> Column:
    def u16(at: int) -> int:
        return struct.unpack_from("<H", raw, at)[0]

    code = raw[0]
    extra = 0 if layout.extra_flags_at is None else raw[layout.extra_flags_at]
    fixed = bool(raw[layout.flags_at] & fmt.COLUMN_FIXED)
    length = u16(layout.length_at)
    calculated = bool(extra & fmt.COLUMN_CALCULATED)
    precision, scale = (raw[layout.precision_at], raw[layout.scale_at]) if code == fmt.NUMERIC else (0, 0)
    if (
        code == fmt.NUMERIC
        and not calculated
        and not (1 <= precision <= _MAX_PRECISION and scale <= precision)
    ):
        reader.fail("has a decimal column with an impossible precision or scale")
    size = fmt.TYPE_SIZES.get(code, length)
    if fixed and code != fmt.BOOLEAN and u16(layout.fixed_offset_at) + size > layout.page_size:
        reader.fail("puts a column outside the row")
    unknown = fmt.UNSUPPORTED_FIXED if fixed else fmt.UNSUPPORTED_VARIABLE
    return Column(
        name=name,
        type=fmt.TYPE_NAMES.get(code, unknown),
        length=_shown_length(layout, code, length, calculated),
        code=code,
        number=u16(layout.number_at),
        display=u16(layout.display_at),
        fixed=fixed,
        fixed_offset=u16(layout.fixed_offset_at),
        variable_index=u16(layout.variable_index_at),
        precision=precision,
        scale=scale,
        calculated=calculated,
        auto_number=bool(raw[layout.flags_at] & fmt.COLUMN_AUTO_NUMBER),
        compressed=bool(extra & fmt.COLUMN_COMPRESSED),
        stored_size=size,
    )


def with_result_type(column: Column, code: int) -> Column:
    """A calculated column with the type of its results, which only its properties tell."""
    if code == column.code or code not in fmt.TYPE_NAMES:
        return column
    length = column.length
    if column.code == fmt.TEXT:  # calculated columns came with Access 2010: two bytes a character
        length = 2 * length + fmt.CALCULATED_EXTRA
    length = _shown_length(fmt.JET4, code, length, calculated=True)
    return column._replace(code=code, type=fmt.TYPE_NAMES[code], length=length)


def _shown_length(layout: fmt.Layout, code: int, length: int, calculated: bool) -> int:
    if code != fmt.TEXT:
        return length
    return (length - fmt.CALCULATED_EXTRA if calculated else length) // layout.character_size
