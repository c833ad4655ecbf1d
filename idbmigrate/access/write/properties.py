"""Properties that appending must honour, from a table's LvProp: Required, AllowZeroLength and ValidationRule.

LvProp is ``MR2`` and a zero byte, then chunks: length (4 bytes, itself included), kind (2 bytes). Kind 80
lists the names of properties; kind 1 holds the properties of one column, kind 0 those of the table, where the
name is empty: 4 bytes, the column's name, then entries of length (2), a flag, a type, the place of its name
in the list (2), value length (2), value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from idbmigrate.access.write.pages import PageStore, row_span

_MAGIC = b"MR2\0"
_NAMES, _TABLE, _COLUMN = 0x80, 0x00, 0x01
_MOST = 1 << 20


@dataclass(frozen=True)
class ColumnRules:
    """What a table's design says of a column: a value is required, an empty text allowed, what is valid."""

    required: bool = False
    allows_empty: bool = True
    valid: str = ""


def column_rules(properties: bytes) -> dict[str, ColumnRules]:
    """Rules by column name, of the columns that have any, and of the table by the empty name.

    What cannot be read gives none.
    """
    if properties[:4] != _MAGIC:
        return {}
    names: list[str] = []
    rules: dict[str, ColumnRules] = {}
    at = 4
    try:
        while at + 6 <= len(properties):
            size, kind = struct.unpack_from("<IH", properties, at)
            if size < 6:
                break
            chunk = properties[at + 6 : at + size]
            if kind == _NAMES:
                names = _name_list(chunk)
            elif kind in (_TABLE, _COLUMN):
                column, values = _column(chunk, names)
                rules[column] = ColumnRules(
                    required=values.get("Required", b"\0")[:1] not in (b"", b"\0"),
                    allows_empty=values.get("AllowZeroLength", b"\xff")[:1] not in (b"", b"\0"),
                    valid=values.get("ValidationRule", b"").decode("utf-16-le").strip(),
                )
            at += size
    except (struct.error, UnicodeDecodeError, IndexError):
        return rules
    return rules


def _name_list(chunk: bytes) -> list[str]:
    names, at = [], 0
    while at + 2 <= len(chunk):
        (size,) = struct.unpack_from("<H", chunk, at)
        names.append(chunk[at + 2 : at + 2 + size].decode("utf-16-le"))
        at += 2 + size
    return names


def _column(chunk: bytes, names: list[str]) -> tuple[str, dict[str, bytes]]:
    head, size = struct.unpack_from("<IH", chunk, 0)
    column, values, at = chunk[6 : 6 + size].decode("utf-16-le"), {}, head
    while at + 8 <= len(chunk):
        length, _flag, _kind, name, value = struct.unpack_from("<HBBHH", chunk, at)
        if length < 8:
            break
        values[names[name]] = chunk[at + 8 : at + 8 + value]
        at += length
    return column, values


def long_value(store: PageStore, reference: bytes | None) -> bytes:
    """The bytes of one long value, wherever it lies; empty where there is none."""
    if reference is None or len(reference) < 12:
        return b""
    head, pointer = struct.unpack_from("<II", reference)
    size = head & 0x3FFFFFFF
    if head & 0x80000000:
        return reference[12 : 12 + size]
    value = b""
    while pointer and len(value) < min(size, _MOST):
        page = store.read(pointer >> 8)
        start, end = row_span(page, pointer & 0xFF)
        if head & 0x40000000:
            return bytes(page[start:end])[:size]
        (pointer,) = struct.unpack_from("<I", page, start)
        value += bytes(page[start + 4 : end])
    return value[:size]
