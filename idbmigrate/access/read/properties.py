"""Property blocks: what the catalogue says of a table and its columns beyond the definition.

A block is a magic, then parts of (4 bytes length with these six, 2 bytes kind, content). Kind 128 is
the list of property names; kinds 0 and 1 hold the properties of the table or of one named column.
"""

from __future__ import annotations

import struct

_MAGICS = (b"MR2\0", b"KKD\0")
_NAMES, _COLUMN = 0x80, 0x01


def column_properties(block: bytes | None, jet3: bool = False) -> dict[str, dict[str, bytes]]:
    """Column -> property -> the bytes of its value. A block that cannot be understood gives nothing."""
    if not block or block[:4] not in _MAGICS:
        return {}
    codec = "cp1252" if jet3 else "utf-16-le"
    names: list[str] = []
    found: dict[str, dict[str, bytes]] = {}
    at = 4
    try:
        while at + 6 <= len(block):
            size, kind = struct.unpack_from("<IH", block, at)
            if size < 6 or at + size > len(block):
                break
            content = block[at + 6 : at + size]
            if kind == _NAMES:
                names = _names(content, codec)
            elif kind == _COLUMN:
                name, values = _values(content, codec, names)
                found[name] = values
            at += size
    except (struct.error, IndexError):
        return {}
    return found


def _names(content: bytes, codec: str) -> list[str]:
    names, at = [], 0
    while at + 2 <= len(content):
        (size,) = struct.unpack_from("<H", content, at)
        names.append(content[at + 2 : at + 2 + size].decode(codec, "replace"))
        at += 2 + size
    return names


def _values(content: bytes, codec: str, names: list[str]) -> tuple[str, dict[str, bytes]]:
    (size,) = struct.unpack_from("<H", content, 4)
    owner = content[6 : 6 + size].decode(codec, "replace")
    values, at = {}, 6 + size
    while at + 8 <= len(content):
        record, _flag, _type, index, length = struct.unpack_from("<HBBHH", content, at)
        if record < 8:
            break
        values[names[index]] = content[at + 8 : at + 8 + length]
        at += record
    return owner, values
