"""Values of every Access type as text."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Day zero of Access: times without a day lie on it.
_DAY_ZERO = dt.date(1899, 12, 30)
Texts: TypeAlias = pa.ChunkedArray | pa.Array


def as_text(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """A column as text: codes and numbers as they are written, dates ``YYYY-MM-DD``, days without hours.

    Date/Time with a time of day is ``YYYY-MM-DD HH:MM:SS``, and ``HH:MM:SS`` on the day zero of Access,
    where times without a day lie. Yes/No is ``true`` and ``false``, bytes are hexadecimal.
    """
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_timestamp(kind):
        return _dates(values)
    if pa.types.is_decimal(kind):
        return _decimals(values)
    if pa.types.is_floating(kind):
        return _floats(values)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    return pc.cast(values, pa.string())


def _decimals(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    text = pc.cast(values, pa.string())
    if pc.any(pc.match_substring(text, "E")).as_py():
        text = pa.array([None if v is None else f"{v:f}" for v in values.to_pylist()], pa.string())
    return pc.replace_substring_regex(text, r"\.?0+$", "") if values.type.scale > 0 else text


def _floats(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    text = pc.cast(values, pa.string())
    if not pc.any(pc.match_substring(text, "e")).as_py():
        return text
    plain = [None if v is None else np.format_float_positional(v, trim="-") for v in values.to_pylist()]
    return pa.array(plain, pa.string())


def _dates(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    day = pc.cast(values, pa.date32())
    days = pc.cast(day, pa.string())
    whole = pc.equal(pc.cast(day, values.type), values)
    if pc.all(whole, min_count=0).as_py():
        return days
    full = pc.replace_substring_regex(pc.cast(values, pa.string()), r"(\.\d{3})000$", r"\1")
    full = pc.replace_substring_regex(full, r"\.000$", "")
    timed = pc.if_else(pc.equal(day, _DAY_ZERO), pc.utf8_slice_codeunits(full, 11), full)
    return pc.if_else(whole, days, timed)
