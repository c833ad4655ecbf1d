"""Whole Arrow columns as the bytes that an Access row holds.

Fixed-width types become an array of shape (rows, width) uint8; text, binary and long values become
an Arrow binary array with a null where the value is null. Nothing here loops over values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.layout import FIXED_WIDTHS, ColumnLayout
from idbmigrate.concurrency import workers
from idbmigrate.errors import OutputError

T = TypeVar("T")
R = TypeVar("R")
#: rows from which threads gain more than they cost
_WORTH_THREADS = 20_000
_DAY = 86_400_000
_EPOCH = -25569  # 1899-12-30 in days before 1970-01-01
_COMPRESSED = b"\xff\xfe"
_MARK = 0xFEFF
_ARROW_TYPES = {
    "BOOLEAN": pa.bool_(),
    "BYTE": pa.uint8(),
    "INT": pa.int16(),
    "LONG": pa.int32(),
    "BIG_INT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "MONEY": pa.decimal128(19, 4),
    "SHORT_DATE_TIME": pa.timestamp("ms"),
    "GUID": pa.string(),
    "TEXT": pa.string(),
    "MEMO": pa.string(),
    "BINARY": pa.binary(),
    "OLE": pa.binary(),
}
_INTEGERS = {"BYTE": "u1", "INT": "<i2", "LONG": "<i4", "BIG_INT": "<i8", "FLOAT": "<f4", "DOUBLE": "<f8"}


def side_by_side(function: Callable[[T], R], items: Sequence[T], rows: int) -> list[R]:
    """``function`` of every item, in threads where there is enough work; the first error is raised."""
    if rows < _WORTH_THREADS or len(items) < 2:
        return [function(item) for item in items]
    with workers(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))


def arrow_type(column: ColumnLayout) -> pa.DataType:
    """The Arrow type whose values the column takes. Raises for kinds that cannot be written."""
    if column.type == "NUMERIC":
        return pa.decimal128(min(28, max(1, column.misc[0])), column.misc[1])
    if column.type not in _ARROW_TYPES:
        raise OutputError(
            f"columns of type {column.type} cannot be written", code="unsupported-column", where=column.name
        )
    return _ARROW_TYPES[column.type]


def conform(values: pa.Array | pa.ChunkedArray, column: ColumnLayout, where: str) -> pa.Array:
    """The values as one array of the column's own type; no value may be lost or cut on the way.

    Raises OutputError ``value-does-not-fit`` naming the column only.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    wanted = arrow_type(column)
    if values.type != wanted:
        try:
            values = values.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            message = f"values of type {values.type} do not all fit a column of type {column.type}"
            raise OutputError(message, code="value-does-not-fit", where=where) from None
    return values


def fixed_bytes(values: pa.Array, column: ColumnLayout, where: str) -> np.ndarray:
    """Fixed-width values as (rows, width) uint8; nulls are zero bytes."""
    rows = len(values)
    width = FIXED_WIDTHS[column.type]
    if column.type in _INTEGERS:
        return _plain(values, np.dtype(_INTEGERS[column.type])).view(np.uint8).reshape(rows, width)
    if column.type == "SHORT_DATE_TIME":
        return (
            date_serials(_plain(values.cast(pa.int64()), np.dtype("<i8"), _EPOCH * _DAY))
            .view(np.uint8)
            .reshape(rows, width)
        )
    if column.type == "MONEY":
        return _decimal_words(values).view("<i8")[:, 0].copy().view(np.uint8).reshape(rows, width)
    if column.type == "NUMERIC":
        return _numeric(values)
    if column.type == "GUID":
        return _guid(values, where)
    raise OutputError(
        f"columns of type {column.type} cannot be written", code="unsupported-column", where=where
    )


def _plain(values: pa.Array, dtype: np.dtype, null: int = 0) -> np.ndarray:
    if values.null_count:
        values = values.fill_null(null)
    return np.ascontiguousarray(values.to_numpy(zero_copy_only=False), dtype=dtype)


def date_serials(milliseconds: np.ndarray) -> np.ndarray:
    """Milliseconds since 1970 as Access date serials: whole days since 1899-12-30, the time after the point.

    Before 1899-12-30 the day is negative and the time is still counted forwards: -1.25 is 06:00 of
    1899-12-29. Shape (rows,), float64.
    """
    days, time = np.divmod(milliseconds, _DAY)
    days, share = (days - _EPOCH).astype("<f8"), time / _DAY
    return np.where(days < 0, days - share, days + share).astype("<f8")


def _decimal_words(values: pa.Array) -> np.ndarray:
    """128-bit two's complement values as (rows, 16) uint8, nulls zero."""
    raw = np.frombuffer(values.buffers()[1], np.uint8)[
        values.offset * 16 : (values.offset + len(values)) * 16
    ]
    words = raw.reshape(len(values), 16).copy()
    if values.null_count:
        words[values.is_null().to_numpy(zero_copy_only=False)] = 0
    return words


def _numeric(values: pa.Array) -> np.ndarray:
    """Decimal: a sign byte, then the magnitude as four little-endian words, the highest first."""
    words = _decimal_words(values)
    low, high = words.view("<u8")[:, 0].copy(), words.view("<i8")[:, 1].copy()
    negative = high < 0
    low[negative] = ~low[negative] + np.uint64(1)
    high[negative] = ~high[negative] + (low[negative] == 0)
    out = np.empty((len(values), 17), np.uint8)
    out[:, 0] = np.where(negative, 0x80, 0)
    magnitude = np.stack([high.view("<u8"), low], axis=1)
    out[:, 1:] = np.ascontiguousarray(magnitude.view("<u4")[:, [1, 0, 3, 2]]).view(np.uint8)
    return out


def _guid(values: pa.Array, where: str) -> np.ndarray:
    """``{8-4-4-4-12}`` hexadecimal text as the 16 bytes of a GUID (first three groups little-endian)."""
    plain = values.fill_null("{" + "-".join("0" * n for n in (8, 4, 4, 4, 12)) + "}")
    pattern = r"^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$"
    if not pc.all(pc.match_substring_regex(plain, pattern)).as_py() and len(plain):
        raise OutputError("not every value is a GUID in braces", code="value-does-not-fit", where=where)
    text = np.frombuffer("".join(pc.utf8_upper(plain).to_pylist()).encode(), np.uint8).reshape(len(plain), 38)
    hexadecimal = text[:, [i for i in range(1, 37) if i not in (9, 14, 19, 24)]]
    nibbles = np.where(hexadecimal > 57, hexadecimal - 55, hexadecimal - 48).astype(np.uint8)
    raw = (nibbles[:, ::2] << 4) | nibbles[:, 1::2]
    return np.ascontiguousarray(raw[:, [3, 2, 1, 0, 5, 4, 7, 6, *range(8, 16)]])


def binary_of(offsets: np.ndarray, data: np.ndarray | bytes, valid: pa.Array | None = None) -> pa.Array:
    """An Arrow binary array over raw offsets and bytes; ``valid`` is a boolean array."""
    bitmap = None
    if valid is not None and valid.null_count == 0:
        bitmap = valid.buffers()[1] if valid.offset == 0 else pa.concat_arrays([valid]).buffers()[1]
    wide = int(offsets[-1]) > 2**31 - 1
    kind = pa.large_binary() if wide else pa.binary()
    ends = pa.py_buffer(np.ascontiguousarray(offsets, np.int64 if wide else np.int32))
    return pa.Array.from_buffers(kind, len(offsets) - 1, [bitmap, ends, pa.py_buffer(data)])


def fixed_to_binary(matrix: np.ndarray) -> pa.Array:
    """(rows, width) uint8 as an Arrow binary array."""
    rows, width = matrix.shape
    return binary_of(np.arange(rows + 1, dtype=np.int64) * width, np.ascontiguousarray(matrix))


def only_present(stored: pa.Array, values: pa.Array) -> pa.Array:
    """``stored`` with a null wherever ``values`` has one."""
    if not values.null_count:
        return stored
    return pc.if_else(values.is_valid(), stored, pa.scalar(None, stored.type))


def flat(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(offsets from 0, bytes) of a string or binary array without nulls."""
    kind = (
        np.int64
        if pa.types.is_large_binary(values.type) or pa.types.is_large_string(values.type)
        else np.int32
    )
    _, ends, data = values.buffers()
    offsets = np.frombuffer(ends, kind)[values.offset : values.offset + len(values) + 1].astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return offsets - offsets[0], raw[offsets[0] : offsets[-1]]


def text_units(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Text as UTF-16: (offsets in code units, code units uint16). Nulls must be filled before."""
    offsets, raw = flat(values)
    if not len(raw) or int(raw.max()) < 0x80:
        return offsets, raw.astype("<u2")
    units = np.frombuffer(raw.tobytes().decode("utf-8").encode("utf-16-le"), "<u2")
    # a byte that begins a character makes one unit, one that begins a 4-byte character makes two
    made = ((raw & 0xC0) != 0x80).astype(np.int64) + (raw >= 0xF0)
    return np.concatenate([[0], np.cumsum(made)])[offsets], units


def text_bytes(values: pa.Array, column: ColumnLayout, where: str, first_row: int = 0) -> pa.Array:
    """Text as Access stores it: UTF-16, or ``FF FE`` and one byte a character where that is shorter.

    Only columns with Unicode compression are compressed, and only texts of three characters or more
    that lie wholly in U+0001 to U+00FF; besides, in any column, texts that begin with U+FEFF, which in
    UTF-16 looks like the mark of a compressed text. Raises ``value-does-not-fit`` with the row of the first
    text that is longer than its column.
    """
    valid = values.is_valid() if values.null_count else None
    filled = values.fill_null("") if values.null_count else values
    offsets, units = text_units(filled)
    lengths = np.diff(offsets)
    if column.type == "TEXT" and len(lengths) and int(lengths.max()) * 2 > column.length:
        row = first_row + int(np.argmax(lengths * 2 > column.length)) + 1
        message = f"row {row}: a text is longer than the {column.length // 2} characters of its column"
        raise OutputError(message, code="value-does-not-fit", where=where)
    short = (lengths < 3) if column.compressed else np.ones(len(lengths), bool)
    odd = (units > 0xFF) | (units == 0)
    if odd.any():
        short |= np.diff(np.concatenate([[0], np.cumsum(odd)])[offsets]) > 0
    marked = np.flatnonzero(lengths > 0)
    marked = marked[units[offsets[marked]] == _MARK]
    if marked.size:
        return _marked_bytes(filled, marked, valid, column, where, first_row)
    if short.all():
        return binary_of(offsets * 2, units.view(np.uint8), valid)
    packed = binary_of(offsets, units.astype(np.uint8), valid)
    packed = pc.binary_join_element_wise(
        pa.scalar(_COMPRESSED, pa.binary()), packed, pa.scalar(b"", pa.binary())
    )
    if not short.any():
        return packed
    wide = binary_of(offsets * 2, units.view(np.uint8), valid)
    return pc.if_else(pa.array(short), wide, packed)


def _marked_bytes(
    filled: pa.Array,
    marked: np.ndarray,
    valid: pa.Array | None,
    column: ColumnLayout,
    where: str,
    first_row: int,
) -> pa.Array:
    """Text of which some, at ``marked``, begin with U+FEFF: those one by one, as they are rare."""
    plain = filled.to_pylist()
    stored = {}
    for place in marked.tolist():
        stored[place] = _switching(plain[place])
        if stored[place] is None:
            message = (
                f"row {first_row + place + 1}: a text begins with U+FEFF, and holds what cannot follow it"
            )
            raise OutputError(message, code="value-does-not-fit", where=where)
        plain[place] = ""
    rest = text_bytes(pa.array(plain, pa.string()), column, where, first_row).to_pylist()
    made = pa.array([stored.get(place, each) for place, each in enumerate(rest)], pa.binary())
    return made if valid is None else pc.if_else(valid, made, pa.scalar(None, pa.binary()))


def _switching(text: str) -> bytes | None:
    """A compressed text that switches, at each zero byte, between one byte and two bytes a character.

    None where a character can be written in neither: U+0000, or two bytes of which one is zero.
    """
    stored, narrow = bytearray(_COMPRESSED), True
    for unit in np.frombuffer(text.encode("utf-16-le"), "<u2").tolist():
        low, high = unit & 0xFF, unit >> 8
        if not low:
            return None
        if (high == 0) != narrow:
            stored.append(0)
            narrow = not narrow
        stored += bytes([low]) if narrow else bytes([low, high])
    return bytes(stored)


def binary_bytes(values: pa.Array, column: ColumnLayout, where: str, first_row: int = 0) -> pa.Array:
    """Binary as it is. Raises ``value-does-not-fit`` with the row of the first that is too long."""
    lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
    if column.type == "BINARY" and len(lengths) and int(lengths.max()) > column.length:
        row = first_row + int(np.argmax(lengths > column.length)) + 1
        message = f"row {row}: a value is longer than the {column.length} bytes of its column"
        raise OutputError(message, code="value-does-not-fit", where=where)
    return values
