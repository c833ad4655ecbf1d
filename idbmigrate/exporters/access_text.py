"""Text columns of a target table as values of an Access column's own type.

Nothing is guessed and nothing cut: a text that is not exactly a value of the type is an error that names
table, column and row, and is raised before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.layout import ColumnLayout
from idbmigrate.errors import OutputError

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}"
_MOMENT = rf"^({_DATE}([T ]{_TIME})?(Z|[+-]\d{{2}}:?\d{{2}})?|{_TIME})$"
_WHOLE = r"^[+-]?[0-9]{1,18}$"
_NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
_GUID = r"^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$"
_YES, _NO = ("Y", "y", "1", "-1", "true", "True"), ("N", "n", "0", "false", "False")
_INTEGERS = {"BYTE": pa.uint8(), "INT": pa.int16(), "LONG": pa.int32(), "BIG_INT": pa.int64()}


def to_access(values: pa.ChunkedArray | pa.Array, column: ColumnLayout, where: str) -> pa.Array:
    """A text column as the Arrow type in which the writer takes ``column`` (name, type, length, misc).

    Raises OutputError ``value-does-not-fit``: table, column, row, and what the type would need.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    if values.null_count == len(values) and column.type in (*_INTEGERS, "FLOAT", "DOUBLE"):
        return pa.nulls(len(values), _INTEGERS.get(column.type, pa.float64()))
    if column.type in ("TEXT", "MEMO"):
        return _text(values, column, where)
    if column.type in _INTEGERS:
        _require(values, _WHOLE, "a whole number", where)
        return _cast(
            values, lambda v: v.cast(pa.int64()).cast(_INTEGERS[column.type]), "in the type's range", where
        )
    if column.type in ("FLOAT", "DOUBLE"):
        _require(values, _NUMBER, "a number", where)
        wide = values.cast(pa.float64())
        return wide.cast(pa.float32()) if column.type == "FLOAT" else wide
    if column.type in ("MONEY", "NUMERIC"):
        precision, scale = (19, 4) if column.type == "MONEY" else (max(1, column.misc[0]), column.misc[1])
        _require(
            values,
            rf"^[+-]?[0-9]+([.][0-9]{{0,{scale}}})?$",
            f"a number with at most {scale} decimals",
            where,
        )
        return _cast(values, lambda v: v.cast(pa.decimal128(precision, scale)), "in the type's range", where)
    if column.type == "SHORT_DATE_TIME":
        return _moment(values, where)
    if column.type == "BOOLEAN":
        return _boolean(values, where)
    if column.type == "GUID":
        _require(values, _GUID, "a GUID in braces", where)
        return pc.utf8_upper(values)
    raise OutputError(
        f"text cannot be put into a column of type {column.type}", code="unsupported-column", where=where
    )


def _fail(row: int, need: str, where: str) -> OutputError:
    return OutputError(f"row {row + 1}: the value is not {need}", code="value-does-not-fit", where=where)


def _first_false(fits: pa.Array) -> int | None:
    """The place of the first false; nulls fit."""
    fits = pc.fill_null(fits, True)
    place = pc.index(fits, False).as_py()
    return None if place < 0 else place


def _require(values: pa.Array, pattern: str, need: str, where: str) -> None:
    place = _first_false(pc.match_substring_regex(values, pattern))
    if place is not None:
        raise _fail(place, need, where)


def _cast(values: pa.Array, cast: Callable[[pa.Array], pa.Array], need: str, where: str) -> pa.Array:
    """Apply a cast that may fail; find the first row at fault by halving."""
    try:
        return cast(values)
    except pa.ArrowInvalid:
        low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            cast(values.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    raise _fail(low, need, where) from None


def _text(values: pa.Array, column: ColumnLayout, where: str) -> pa.Array:
    if column.type == "TEXT":
        # as Access counts: code units of UTF-16, of which characters beyond U+FFFF take two
        longest = _longest(values)
        if longest > column.length // 2:  # bytes of UTF-8: never fewer than code units of UTF-16
            pairs = pc.count_substring_regex(values, "[\\x{10000}-\\x{10FFFF}]")
            units = pc.add(pc.utf8_length(values), pairs)
            place = _first_false(pc.less_equal(units, column.length // 2))
            if place is not None:
                raise _fail(place, f"of at most {column.length // 2} characters", where)
    return values


def _longest(values: pa.Array) -> int:
    """Bytes of the longest text."""
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return int(np.diff(ends).max()) if len(ends) > 1 else 0


def _moment(values: pa.Array, where: str) -> pa.Array:
    """Dates, times and moments; an offset is left out, since Date/Time holds the clock on the wall."""
    _require(values, _MOMENT, "a date (YYYY-MM-DD), a time (HH:MM:SS) or both", where)
    plain, longest = values, _longest(values)
    if longest > 10:  # not dates alone
        offset = pc.replace_substring_regex(values, r"(Z|[+-]\d{2}:?\d{2})$", "")
        plain = pc.if_else(pc.match_substring_regex(values, rf"^{_DATE}$"), values, offset)
    if longest != 10:
        plain = pc.replace_substring_regex(plain, rf"^({_TIME})$", r"1899-12-30T\1")
    moments = _cast(plain, lambda v: v.cast(pa.timestamp("ms")), "a date that exists", where)
    early = pc.less(pc.year(moments), 100)
    place = _first_false(pc.invert(early))
    if place is not None:
        raise _fail(place, "a date from the year 100 on, as Access holds them", where)
    return moments


def _boolean(values: pa.Array, where: str) -> pa.Array:
    yes = pc.is_in(values, pa.array(_YES))
    known = pc.or_(yes, pc.or_(pc.is_in(values, pa.array(_NO)), values.is_null()))
    place = _first_false(known)
    if place is not None:
        raise _fail(place, "yes or no", where)
    return yes
