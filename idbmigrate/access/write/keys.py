"""Index keys: values as the bytes by which Access orders them.

A key is one part a column: a flag byte (``7F`` a value follows, ``00`` null; ``80`` and ``FF`` when the
column descends), then the value so encoded that comparing bytes compares values. A descending
column has every byte of the value inverted.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.layout import ColumnLayout
from idbmigrate.access.write.sortorder import sort_keys
from idbmigrate.access.write.values import _decimal_words, binary_of, date_serials, fixed_to_binary, flat

_EMPTY = pa.scalar(b"", pa.binary())
_WIDTHS = {"INT": ">i2", "LONG": ">i4", "BIG_INT": ">i8"}
_INDEXED = frozenset(
    {
        "BOOLEAN",
        "BYTE",
        "INT",
        "LONG",
        "BIG_INT",
        "MONEY",
        "FLOAT",
        "DOUBLE",
        "SHORT_DATE_TIME",
        "GUID",
        "TEXT",
    }
)


def refusal(column: ColumnLayout, ascending: bool) -> str | None:
    """Why an index on this column cannot be kept right, or None where it can."""
    if column.type not in _INDEXED:
        return f"the key of a {column.type} column is not known"
    if column.type in ("TEXT", "GUID") and not ascending:
        return f"the key of a descending {column.type} column is not known"
    if column.type == "TEXT" and column.sort_order not in ((1033, 0), (1033, 1)):
        return f"the sort order {column.sort_order} is neither General 1997 nor General 2010"
    return None


def key_part(values: pa.Array, column: ColumnLayout, ascending: bool, where: str) -> pa.Array:
    """One column's share of every key, as a binary array without nulls."""
    flag, null = (b"\x7f", b"\x00") if ascending else (b"\x80", b"\xff")
    if column.type == "TEXT":
        body = sort_keys(values, column.sort_order, where)
    else:
        body = fixed_to_binary(_ordered(values, column))
    if not ascending:
        ends, raw = flat(body)
        body = binary_of(ends, ~raw)
    part = pc.binary_join_element_wise(pa.scalar(flag, pa.binary()), body, _EMPTY)
    if values.null_count and column.type != "BOOLEAN":
        part = pc.if_else(values.is_valid(), part, pa.scalar(null, pa.binary()))
    return part


def _ordered(values: pa.Array, column: ColumnLayout) -> np.ndarray:
    """(rows, width) uint8 whose byte order is the order of the values."""
    kind = column.type
    if kind == "GUID":
        return _guid(values)
    if kind == "BOOLEAN":  # true sorts first, as -1 before 0
        true = values.fill_null(False).to_numpy(zero_copy_only=False)
        return np.where(true, 0x00, 0xFF).astype(np.uint8)[:, None]
    if kind == "MONEY":
        plain = _decimal_words(values).view("<i8")[:, 0]
        return _signed(plain.astype(">i8"))
    filled = values.fill_null(0) if kind != "SHORT_DATE_TIME" else values.cast(pa.int64()).fill_null(0)
    plain = filled.to_numpy(zero_copy_only=False)
    if kind == "BYTE":
        return plain.astype(np.uint8)[:, None]
    if kind in _WIDTHS:
        return _signed(plain.astype(_WIDTHS[kind]))
    if kind == "SHORT_DATE_TIME":
        plain = date_serials(plain)
    return _floating(plain.astype(">f4" if kind == "FLOAT" else ">f8"))


def _signed(values: np.ndarray) -> np.ndarray:
    out = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.itemsize).copy()
    out[:, 0] ^= 0x80
    return out


def _floating(values: np.ndarray) -> np.ndarray:
    out = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.itemsize).copy()
    negative = out[:, 0] >= 0x80
    out[negative] = ~out[negative]
    out[~negative, 0] |= 0x80
    return out


def _guid(values: pa.Array) -> np.ndarray:
    """A GUID in the order of its text: 8 bytes and 09 (more follows), 8 bytes and 08 (bytes used)."""
    digits = pc.replace_substring_regex(pc.fill_null(values, "0" * 32), r"[{}\-]", "")
    raw = np.frombuffer(bytes.fromhex("".join(digits.to_pylist())), np.uint8).reshape(len(values), 16)
    nine, eight = np.full((len(values), 1), 9, np.uint8), np.full((len(values), 1), 8, np.uint8)
    return np.concatenate([raw[:, :8], nine, raw[:, 8:], eight], axis=1)
