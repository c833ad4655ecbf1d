"""What is where in an Access file: the numbers of the format, and nothing that computes.

Everything a newcomer needs to check these numbers is in ``docs/access-format.md``. Offsets are in
bytes from the start of the structure they belong to; all integers are little-endian.
"""

from __future__ import annotations

from typing import NamedTuple

# Page kinds: the first byte of every page but the first.
PAGE_DATA = 0x01
PAGE_TABLE_DEFINITION = 0x02
PAGE_USAGE_MAP = 0x05

#: What a data page of long values has in place of its table's definition page ("LVAL").
LONG_VALUE_OWNER = 0x4C41564C

# Entries of a data page's row directory.
ROW_DELETED = 0x8000
ROW_POINTER = 0x4000
ROW_OFFSET = 0x1FFF

# Column types, by the code in the table definition. The names are those of the truth files.
BOOLEAN, BYTE, INT, LONG, MONEY, FLOAT, DOUBLE, DATE, BINARY, TEXT, OLE, MEMO = range(1, 13)
GUID, NUMERIC, COMPLEX, BIG_INT, EXT_DATE = 0x0F, 0x10, 0x12, 0x13, 0x14
TYPE_NAMES = {
    BOOLEAN: "BOOLEAN",
    BYTE: "BYTE",
    INT: "INT",
    LONG: "LONG",
    MONEY: "MONEY",
    FLOAT: "FLOAT",
    DOUBLE: "DOUBLE",
    DATE: "SHORT_DATE_TIME",
    BINARY: "BINARY",
    TEXT: "TEXT",
    OLE: "OLE",
    MEMO: "MEMO",
    0x0D: "UNKNOWN_0D",
    0x11: "UNKNOWN_11",
    GUID: "GUID",
    NUMERIC: "NUMERIC",
    COMPLEX: "COMPLEX_TYPE",
    BIG_INT: "BIG_INT",
    EXT_DATE: "EXT_DATE_TIME",
}
UNSUPPORTED_FIXED, UNSUPPORTED_VARIABLE = "UNSUPPORTED_FIXEDLEN", "UNSUPPORTED_VARLEN"
#: Bytes that a value of the type takes, for the types whose values all take the same.
TYPE_SIZES = {
    BYTE: 1,
    INT: 2,
    LONG: 4,
    MONEY: 8,
    FLOAT: 4,
    DOUBLE: 8,
    DATE: 8,
    GUID: 16,
    NUMERIC: 17,
    COMPLEX: 4,
    BIG_INT: 8,
    EXT_DATE: 42,
}

# Column flags.
COLUMN_FIXED = 0x01
COLUMN_AUTO_NUMBER = 0x04
COLUMN_CALCULATED = 0xC0  # in the second flag byte
COLUMN_COMPRESSED = 0x01  # in the second flag byte

# A calculated column wraps each value: 16 bytes of bookkeeping, the length, the value, padding.
CALCULATED_LENGTH_AT, CALCULATED_VALUE_AT = 16, 20
CALCULATED_EXTRA = 23  # bytes of wrapping in all, which count in the column's length

# Long values: how the 12-byte reference in the row says where the value lies.
LONG_VALUE_HEADER = 12
LONG_VALUE_LENGTH = 0x3FFFFFFF
LONG_VALUE_INLINE, LONG_VALUE_ONE_ROW, LONG_VALUE_CHAIN = 0x80, 0x40, 0x00

#: A text that begins with these two bytes is compressed: one byte a character, 00 switches.
COMPRESSED_TEXT = 0xFEFF

# The catalogue.
CATALOGUE_PAGE = 2
OBJECT_TABLE, OBJECT_LINKED_ODBC, OBJECT_LINKED = 1, 4, 6
OBJECT_SYSTEM_FLAGS = 0x80000002

# The first page.
HEADER_MAGIC = b"\x00\x01\x00\x00"
HEADER_NAMES = (b"Standard Jet DB\x00", b"Standard ACE DB\x00")
HEADER_VERSION_AT = 0x14
HEADER_MASKED_AT = 0x18
HEADER_CODE_PAGE_AT = 0x3C
HEADER_KEY_AT = 0x3E
HEADER_PASSWORD_AT = 0x42
HEADER_DATE_AT = 0x72
#: The RC4 key that masks the first page's settings, the same in every file ever written.
HEADER_MASK_KEY = bytes.fromhex("c7da396b")


class Layout(NamedTuple):
    """The places that differ between Jet 3 (Access 97) and all later versions."""

    name: str
    page_size: int
    masked_length: int
    password_length: int
    # table definition
    row_count_at: int
    table_kind_at: int
    max_columns_at: int
    variable_columns_at: int
    columns_at: int
    indexes_at: int
    real_indexes_at: int
    usage_map_at: int
    free_map_at: int
    real_index_size: int
    definition_end: int
    # one column of it
    column_size: int
    number_at: int
    variable_index_at: int
    display_at: int
    precision_at: int
    scale_at: int
    flags_at: int
    extra_flags_at: int | None
    fixed_offset_at: int
    length_at: int
    name_length_size: int
    # data page and row
    slot_count_at: int
    slots_at: int
    row_head: int  # bytes of the column count that begins a row
    character_size: int

    def __repr__(self) -> str:
        return f"<Layout of {self.name}>"


JET3 = Layout(
    name="Jet 3",
    page_size=2048,
    masked_length=126,
    password_length=20,
    row_count_at=12,
    table_kind_at=20,
    max_columns_at=21,
    variable_columns_at=23,
    columns_at=25,
    indexes_at=27,
    real_indexes_at=31,
    usage_map_at=35,
    free_map_at=39,
    real_index_size=8,
    definition_end=43,
    column_size=18,
    number_at=1,
    variable_index_at=3,
    display_at=5,
    precision_at=11,
    scale_at=12,
    flags_at=13,
    extra_flags_at=None,
    fixed_offset_at=14,
    length_at=16,
    name_length_size=1,
    slot_count_at=8,
    slots_at=10,
    row_head=1,
    character_size=1,
)

JET4 = Layout(
    name="Jet 4",
    page_size=4096,
    masked_length=128,
    password_length=40,
    row_count_at=16,
    table_kind_at=40,
    max_columns_at=41,
    variable_columns_at=43,
    columns_at=45,
    indexes_at=47,
    real_indexes_at=51,
    usage_map_at=55,
    free_map_at=59,
    real_index_size=12,
    definition_end=63,
    column_size=25,
    number_at=5,
    variable_index_at=7,
    display_at=9,
    precision_at=11,
    scale_at=12,
    flags_at=15,
    extra_flags_at=16,
    fixed_offset_at=21,
    length_at=23,
    name_length_size=2,
    slot_count_at=12,
    slots_at=14,
    row_head=2,
    character_size=2,
)

#: The version byte of the first page -> the product it stands for and the layout.
VERSIONS: dict[int, tuple[str, Layout]] = {
    0: ("Access 97 (Jet 3)", JET3),
    1: ("Access 2000-2003 (Jet 4)", JET4),
    2: ("Access 2007 (ACE 12)", JET4),
    3: ("Access 2010 (ACE 14)", JET4),
    4: ("Access 2013 (ACE 15)", JET4),
    5: ("Access 2016-2019 (ACE 16)", JET4),
    6: ("Access 2019 with extended date/time (ACE 17)", JET4),
}
