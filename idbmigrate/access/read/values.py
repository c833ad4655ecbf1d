"""Bytes of fixed-size values -> Arrow arrays of the contract's types.

Each decoder takes ``raw`` (uint8, shape (rows, size of the type)) and ``valid`` (bool), and returns
an Arrow array and, where some bytes are no value of the type, a bool array of those rows (else None).
What ``raw`` holds where ``valid`` is false means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from idbmigrate.access import format as fmt
from idbmigrate.access.read.tabledef import Column

#: An Arrow array, and which rows (bool) hold no value of the type; None where none is bad.
Decoded: TypeAlias = tuple[pa.Array, np.ndarray | None]

_MS_PER_DAY = 86_400_000
#: Days from the zero of Access dates, 1899-12-30, to the zero of Arrow's, 1970-01-01.
_EPOCH_DAYS = 25_569
#: Access dates run from the year 100 to the end of the year 9999.
_FIRST_DAY, _LAST_DAY = -657_434, 2_958_466
#: Days from 0001-01-01 to 1970-01-01, where extended dates count from the former.
_EXTENDED_EPOCH = 719_162
_EXTENDED_LAST = 3_652_059


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type that ``read`` gives a column.

    Extended Date/Time becomes timestamp[us], the finest unit that holds the years 1 to 9999: its
    seventh decimal is lost. Columns of types unknown to us are given as their raw bytes.
    """
    if column.code == fmt.NUMERIC and column.calculated:  # each value has a scale; the largest is taken
        return pa.decimal128(38, min(column.scale, 38))
    if column.code == fmt.NUMERIC:
        return pa.decimal128(column.precision, column.scale)
    return _ARROW_TYPES.get(column.code, pa.binary())


_ARROW_TYPES = {
    fmt.BOOLEAN: pa.bool_(),
    fmt.BYTE: pa.uint8(),
    fmt.INT: pa.int16(),
    fmt.LONG: pa.int32(),
    fmt.MONEY: pa.decimal128(19, 4),
    fmt.FLOAT: pa.float32(),
    fmt.DOUBLE: pa.float64(),
    fmt.DATE: pa.timestamp("ms"),
    fmt.TEXT: pa.string(),
    fmt.MEMO: pa.string(),
    fmt.GUID: pa.string(),
    fmt.COMPLEX: pa.int32(),
    fmt.BIG_INT: pa.int64(),
    fmt.EXT_DATE: pa.timestamp("us"),
}


def bitmap(flags: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def boolean_array(flags: np.ndarray) -> pa.Array:
    """Yes/No is never null: its value is the row's bit in the null mask."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, bitmap(flags)], 0)


def nullable_booleans(flags: np.ndarray, valid: np.ndarray) -> pa.Array:
    """A calculated Yes/No, whose value is stored and may be missing."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [bitmap(valid), bitmap(flags)])


def flat_array(kind: pa.DataType, data: np.ndarray, valid: np.ndarray) -> pa.Array:
    """An array of fixed-width values; ``data`` is contiguous, rows x width bytes in all."""
    nulls = len(valid) - int(np.count_nonzero(valid))
    validity = bitmap(valid) if nulls else None
    return pa.Array.from_buffers(kind, len(valid), [validity, pa.py_buffer(data)], nulls)


def ragged_array(kind: pa.DataType, length: np.ndarray, data: np.ndarray, valid: np.ndarray) -> pa.Array:
    """An array of strings or binaries from the lengths and bytes of its non-null values."""
    nulls = len(valid) - len(length)
    offsets = np.zeros(len(valid) + 1, np.int32)
    if nulls:
        offsets[1:][valid] = length
        np.cumsum(offsets, out=offsets)
    else:
        np.cumsum(length, out=offsets[1:])
    buffers = [bitmap(valid) if nulls else None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(valid), buffers, nulls)


def decode_fixed(column: Column, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    """Decode values of a fixed-size type; see the module's head for arguments and result."""
    decoder = _DECODERS.get(column.code)
    kind = arrow_type(column)
    if decoder is not None:
        return decoder(kind, raw, valid)
    return flat_array(kind, np.ascontiguousarray(raw), valid), None


def _money(kind: pa.DataType, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    low = np.ascontiguousarray(raw).view("<i8").reshape(-1)
    return flat_array(kind, np.stack([low, low >> 63], axis=1), valid), None


def _numeric(kind: pa.Decimal128Type, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    """A sign byte and four 32-bit words, the most significant first, each little-endian."""
    words = np.ascontiguousarray(raw[:, 1:]).view("<u4")[:, ::-1]
    halves = np.ascontiguousarray(words).view("<u8")
    low, high = halves[:, 0], halves[:, 1]
    return signed_decimal(kind, low, high, raw[:, 0] != 0, valid)


def signed_decimal(
    kind: pa.Decimal128Type, low: np.ndarray, high: np.ndarray, negative: np.ndarray, valid: np.ndarray
) -> Decoded:
    """Decimals from magnitude (two uint64 arrays) and sign; too many digits for the type are damage."""
    limit = 10**kind.precision
    limit_low, limit_high = np.uint64(limit & 0xFFFFFFFFFFFFFFFF), np.uint64(limit >> 64)
    bad = valid & ((high > limit_high) | ((high == limit_high) & (low >= limit_low)))
    minus_low = ~low + np.uint64(1)
    minus_high = ~high + (minus_low == 0).astype(np.uint64)
    pair = np.stack([np.where(negative, minus_low, low), np.where(negative, minus_high, high)], axis=1)
    valid = valid & ~bad
    pair[~valid] = 0
    return flat_array(kind, pair, valid), bad if bad.any() else None


def _date(kind: pa.DataType, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    days = np.ascontiguousarray(raw).view("<f8").reshape(-1)
    if not valid.all():
        days = np.where(valid, days, 0.0)
    bad = ~((days > _FIRST_DAY - 1) & (days < _LAST_DAY))
    if bad.any():
        days = np.where(bad, 0.0, days)
        valid = valid & ~bad
    return flat_array(kind, milliseconds(days), valid), bad if bad.any() else None


def milliseconds(days: np.ndarray) -> np.ndarray:
    """OLE dates (float64 days from 1899-12-30) as int64 milliseconds from 1970-01-01.

    The fraction is the time of day whatever the sign: -1.25 is 06:00 on 1899-12-29. Seconds are
    cut off first and the rest rounded to milliseconds, half to even, as the truth files have it.
    """
    whole = np.trunc(days)
    result = (whole.astype(np.int64) - _EPOCH_DAYS) * _MS_PER_DAY
    fraction = np.abs(days - whole)
    if fraction.any():
        seconds = fraction * 86_400
        full = np.floor(seconds)
        result += full.astype(np.int64) * 1000 + np.rint((seconds - full) * 1000).astype(np.int64)
    return result


def _extended_date(kind: pa.DataType, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    """Text of 42 bytes: 19 digits of days, ``:``, 19 digits of 100 ns in the day, ``:7`` and a zero."""
    digits = raw - np.uint8(ord("0"))
    shape = (raw[:, 19] == ord(":")) & (raw[:, 39] == ord(":"))
    shape &= (digits[:, :19] < 10).all(axis=1) & (digits[:, 20:39] < 10).all(axis=1)
    power = 10 ** np.arange(18, -1, -1, dtype=np.int64)
    with np.errstate(over="ignore"):  # only nonsense overflows: the leading digits are checked as well
        days, ticks = digits[:, :19].astype(np.int64) @ power, digits[:, 20:39].astype(np.int64) @ power
    shape &= (digits[:, :12] == 0).all(axis=1) & (digits[:, 20:26] == 0).all(axis=1)
    bad = valid & ~(shape & (days < _EXTENDED_LAST) & (ticks < 864_000_000_000))
    valid = valid & ~bad
    value = (days - _EXTENDED_EPOCH) * 86_400_000_000 + ticks // 10
    return flat_array(kind, np.where(valid, value, 0), valid), bad if bad.any() else None


_HEX = np.frombuffer("".join(f"{b:02X}" for b in range(256)).encode(), "<u2")
#: The stored order of a GUID's bytes, as written, and where each pair of digits stands in the text.
_GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
_GUID_PLACES = [1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35]


def _guid(kind: pa.DataType, raw: np.ndarray, valid: np.ndarray) -> Decoded:
    some = raw[valid]
    text = np.full((len(some), 38), ord("-"), np.uint8)
    text[:, 0], text[:, 37] = ord("{"), ord("}")
    digits = np.ascontiguousarray(_HEX[some[:, _GUID_ORDER]]).view(np.uint8).reshape(len(some), 16, 2)
    for half in (0, 1):
        text[:, np.array(_GUID_PLACES) + half] = digits[:, :, half]
    return ragged_array(kind, np.full(len(some), 38), text.reshape(-1), valid), None


_DECODERS: dict[int, Callable[[pa.DataType, np.ndarray, np.ndarray], Decoded]] = {
    fmt.MONEY: _money,
    fmt.NUMERIC: _numeric,
    fmt.DATE: _date,
    fmt.EXT_DATE: _extended_date,
    fmt.GUID: _guid,
}
