"""Dates and times that a file holds as text, in every spelling that has one reading in its column.

A column of text dates is proved day-first by its own values: ``18/04/2016`` can only be read with the day
first. What the column proves settles the values that could be read both ways, ``8/4/2016``. Values with
no reading stay as they are, and the functions of the mapping refuse them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

#: What a column's values prove of the order of day and month.
DAY_FIRST, MONTH_FIRST, CONTRADICTORY, UNDECIDED = "day-first", "month-first", "contradictory", "undecided"
#: A column is day-first in spite of values that are none, where so many times more values prove it.
_OUTWEIGHS = 5

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_BEHIND = "(?:[T ]+(?P<clock>[0-9].*))?"
_ISO = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_YEAR_FIRST = (
    f"^(?P<y>[0-9]{{4}})(?P<s>[-/.])(?P<m>[0-9]{{1,2}})(?P<t>[-/.])(?P<d>[0-9]{{1,2}}){_BEHIND}$",
    f"^(?P<y>(?:18|19|20)[0-9]{{2}})(?P<s>)(?P<m>[0-9]{{2}})(?P<t>)(?P<d>[0-9]{{2}}){_BEHIND}$",
)
_NAMED = (
    f"(?i)^(?P<d>[0-9]{{1,2}})(?P<s>[- ]?)(?P<m>{_NAMES})(?P<t>[- ]?)(?P<y>[0-9]{{4}}|[0-9]{{2}}){_BEHIND}$"
)
_NUMBERED = (
    f"^(?P<d>[0-9]{{1,2}})(?P<s>[-/.])(?P<m>[0-9]{{1,2}})(?P<t>[-/.])(?P<y>[0-9]{{4}}){_BEHIND}$",
    f"^(?P<d>[0-9]{{1,2}})(?P<s>[/.])(?P<m>[0-9]{{1,2}})(?P<t>[/.])(?P<y>[0-9]{{2}}){_BEHIND}$",
)
_HALF = "(?: ?(?P<half>[AP])[.]?M[.]?)?"
#: ``0.50`` is half a day, not ten minutes to one.
_CLOCKS = (
    f"(?i)^(?P<h>[0-9]{{1,2}}):(?P<m>[0-9]{{2}})(?::(?P<s>[0-9]{{2}})(?P<f>[.][0-9]+)?)?{_HALF}$",
    f"(?i)^(?P<h>[0-9]{{2}}|[1-9])[.](?P<m>[0-9]{{2}})(?:[.](?P<s>[0-9]{{2}})(?P<f>))?{_HALF}$",
    "^(?P<h>[0-9]{2})(?P<m>[0-9]{2})(?:(?P<s>)(?P<f>)(?P<half>))$",
)
_DIGITS_OF_A_SECOND = 3


Texts: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class DateOrder:
    """What the text dates of a column prove: the order of day and month, and how many values prove it.

    ``day_first`` and ``month_first`` count the different values that can only be read one way.
    ``respelled`` counts those that were brought to ``YYYY-MM-DD``; ``unread`` those that have no reading.
    """

    order: str
    day_first: int = 0
    month_first: int = 0
    respelled: int = 0
    unread: int = 0


def to_the_second(values: Texts) -> Texts:
    """Timestamps at the nearest second, as Access shows them, and never on the next day."""
    nearest = pc.round_temporal(values, unit="second")
    stays = pc.equal(pc.cast(nearest, pa.date32(), safe=False), pc.cast(values, pa.date32(), safe=False))
    return pc.if_else(stays, nearest, pc.floor_temporal(values, unit="second"))


# -- times -----------------------------------------------------------------------------------------


def times(texts: Texts) -> Texts:
    """Times as ``HH:MM:SS`` where they have one reading; a day of ten characters before it stays.

    The same texts, where nothing changes.
    """
    odd = _unlike(texts, "^[0-9]{2}:[0-9]{2}:[0-9]{2}$")
    split = pc.extract_regex(odd, "^(?P<day>[-0-9/.]{10}[T ])?(?P<clock>.*)$")
    clocks = _clocks(pc.struct_field(split, "clock"))
    made = pc.binary_join_element_wise(pc.struct_field(split, "day"), clocks, "")
    return _replaced(texts, odd, made)


def _clocks(texts: pa.Array) -> pa.Array:
    """``HH:MM:SS`` of each time of day, null where a text is none."""
    found = pa.nulls(len(texts), pa.string())
    for pattern in _CLOCKS:
        found = pc.coalesce(found, _clock(pc.extract_regex(texts, pattern)))
    return found


def _clock(parts: pa.Array) -> pa.Array:
    hour, minute, second = (_number(pc.struct_field(parts, name)) for name in "hms")
    half = pc.utf8_upper(pc.struct_field(parts, "half"))
    second = pc.fill_null(second, 0)
    halved = pc.not_equal(half, "")
    turned = pc.add(_remainder(hour, 12), pc.if_else(pc.equal(half, "P"), 12, 0))
    hour_fits = pc.if_else(halved, pc.and_(pc.greater(hour, 0), pc.less_equal(hour, 12)), pc.less(hour, 24))
    fits = pc.and_(hour_fits, pc.and_(pc.less(minute, 60), pc.less(second, 60)))
    shown = [_padded(number, 2) for number in (pc.if_else(halved, turned, hour), minute, second)]
    clock = _only(fits, pc.binary_join_element_wise(*shown, ":"))
    return _rounded(clock, pc.struct_field(parts, "f"))


def _rounded(clocks: pa.Array, fractions: pa.Array) -> pa.Array:
    """Clocks at the nearest second, where they have a fraction of one."""
    broken = pc.and_(pc.is_valid(clocks), pc.match_substring_regex(fractions, "[1-9]"))
    if not pc.any(pc.fill_null(broken, False)).as_py():
        return clocks
    shown = pc.utf8_slice_codeunits(fractions, 0, 1 + _DIGITS_OF_A_SECOND)
    days = pa.array(["1970-01-02 "] * len(clocks))
    full = pc.cast(pc.binary_join_element_wise(days, clocks, shown, ""), pa.timestamp("ms"))
    rounded = pc.utf8_slice_codeunits(
        pc.cast(pc.cast(to_the_second(full), pa.timestamp("s")), pa.string()), 11
    )
    return pc.if_else(pc.fill_null(broken, False), rounded, clocks)


# -- dates -----------------------------------------------------------------------------------------


def dates(texts: Texts) -> tuple[Texts, DateOrder | None]:
    """Dates as ``YYYY-MM-DD``, with `` HH:MM:SS`` behind where a time of day is told, and the proof.

    The proof is ``None``, and the texts are the same, where there is nothing but such days. What has no
    reading in its column stays as it is. Where the column is not day-first, what functions of the mapping
    would read so all the same gets the word ``ambiguous`` behind it, and they refuse it.
    """
    odd = _unlike(texts, _ISO)
    if not len(odd):
        return texts, None
    numbered = [pc.extract_regex(odd, pattern) for pattern in _NUMBERED]
    plain = [_parts(pc.extract_regex(odd, pattern)) for pattern in _YEAR_FIRST]
    named = _parts(pc.extract_regex(odd, _NAMED), named=True)
    order = _order([_parts(each) for each in numbered])
    years = _years(texts, [*plain, named, _parts(numbered[0])])
    full, short = (_settled(_parts(each), order.order) for each in numbered)
    if order.order != DAY_FIRST:
        short = replace(short, day=pa.nulls(len(odd), pa.int64()))
    named, short = (replace(each, year=_century(each.year, years)) for each in (named, short))
    made = pc.coalesce(*(_shown(parts) for parts in (*plain, named, full, short)))
    order = replace(order, respelled=len(made) - made.null_count, unread=made.null_count)
    if order.order in (MONTH_FIRST, CONTRADICTORY):
        british = pc.match_substring_regex(odd, "^[0-9]{2}/[0-9]{2}/[0-9]{4}")
        marked = pc.binary_join_element_wise(odd, pa.array(["ambiguous"] * len(odd)), " ")
        made = pc.coalesce(made, _only(british, marked))
    return _replaced(texts, odd, made), order


@dataclass(frozen=True)
class _Parts:
    """Day, month and year of each text as numbers, null where a text is none, and the clock behind them."""

    day: pa.Array
    month: pa.Array
    year: pa.Array
    clock: pa.Array


def _parts(found: pa.Array, named: bool = False) -> _Parts:
    same = pc.equal(pc.struct_field(found, "s"), pc.struct_field(found, "t"))
    nothing = pa.scalar(None, pa.string())
    day, month, year = (pc.if_else(same, pc.struct_field(found, name), nothing) for name in "dmy")
    if named:
        short = pc.utf8_lower(pc.utf8_slice_codeunits(month, 0, 3))
        number = pc.add(pc.index_in(short, pa.array(_MONTHS)).cast(pa.int64()), 1)
    else:
        number = _number(month)
    return _Parts(_number(day), number, _number(year), pc.struct_field(found, "clock"))


def _order(numbered: list[_Parts]) -> DateOrder:
    """What values that can only be read one way prove."""
    day_first = month_first = 0
    for parts in numbered:
        day_first += _count(pc.and_(pc.greater(parts.day, 12), pc.less_equal(parts.month, 12)))
        month_first += _count(pc.and_(pc.greater(parts.month, 12), pc.less_equal(parts.day, 12)))
    if day_first and day_first >= _OUTWEIGHS * month_first:
        return DateOrder(DAY_FIRST, day_first, month_first)
    if day_first and month_first:
        return DateOrder(CONTRADICTORY, day_first, month_first)
    return DateOrder(MONTH_FIRST if month_first else UNDECIDED, day_first, month_first)


def _settled(parts: _Parts, order: str) -> _Parts:
    """Keep values of one reading: all in a day-first column, else days above 12 or equal to the month."""
    if order == DAY_FIRST:
        return parts
    one = pc.or_(pc.greater(parts.day, 12), pc.equal(parts.day, parts.month))
    return replace(parts, day=_only(one, parts.day))


def _years(texts: Texts, full: list[_Parts]) -> tuple[int, int] | None:
    """The first and the last year that the column writes with four digits."""
    iso = pc.extract_regex(texts, "^(?P<y>[0-9]{4})-[0-9]{2}-[0-9]{2}")
    columns = [_number(pc.struct_field(iso, "y")), *(_only(_exists(parts), parts.year) for parts in full)]
    bounds = [pc.min_max(_only(pc.greater(each, 99), each)) for each in columns]
    lows, highs = ([b[name].as_py() for b in bounds if b[name].is_valid] for name in ("min", "max"))
    return (min(lows), max(highs)) if lows else None


def _century(years: pa.Array, span: tuple[int, int] | None) -> pa.Array:
    """Complete years of two digits in the one century that the column's own years allow; null without one."""
    if span is None:
        return _only(pc.greater(years, 99), years)
    first = span[0] - span[0] % 100
    candidates = []
    for century in range(first, span[1] + 1, 100):
        year = pc.add(years, century)
        within = pc.and_(pc.greater_equal(year, span[0]), pc.less_equal(year, span[1]))
        candidates.append(_only(within, year))
    found = pc.coalesce(*candidates)
    for one, other in pairwise(candidates):
        found = _only(pc.fill_null(pc.equal(one, other), True), found)
    return pc.if_else(pc.greater(years, 99), years, found)


def _shown(parts: _Parts) -> pa.Array:
    """``YYYY-MM-DD``, with the time of day where there is one; null where day or time does not exist."""
    texts = [_padded(parts.year, 4), _padded(parts.month, 2), _padded(parts.day, 2)]
    day = pc.binary_join_element_wise(*texts, "-")
    clock = _clocks(pc.fill_null(parts.clock, ""))
    clocked = pc.fill_null(pc.not_equal(parts.clock, ""), False)
    timed = pc.and_(clocked, pc.fill_null(pc.not_equal(clock, "00:00:00"), False))
    shown = pc.if_else(timed, pc.binary_join_element_wise(day, clock, " "), day)
    fits = pc.and_(_exists(parts), pc.or_(pc.invert(clocked), pc.is_valid(clock)))
    return _only(fits, shown)


def _exists(parts: _Parts) -> pa.Array:
    """Whether the day is one of its month."""
    leap = pc.and_(
        pc.equal(_remainder(parts.year, 4), 0),
        pc.or_(pc.not_equal(_remainder(parts.year, 100), 0), pc.equal(_remainder(parts.year, 400), 0)),
    )
    short = pc.is_in(parts.month, pa.array([4, 6, 9, 11], pa.int64()))
    last = pc.if_else(pc.equal(parts.month, 2), pc.if_else(leap, 29, 28), pc.if_else(short, 30, 31))
    month = pc.and_(pc.greater(parts.month, 0), pc.less_equal(parts.month, 12))
    return pc.and_(month, pc.and_(pc.greater(parts.day, 0), pc.less_equal(parts.day, last)))


# -- different texts, and the texts that they stand for --------------------------------------------


def _unlike(texts: Texts, pattern: str) -> pa.Array:
    """The different texts that do not match a pattern."""
    odd = pc.unique(texts.filter(pc.invert(pc.match_substring_regex(texts, pattern)))).drop_null()
    return odd.combine_chunks() if isinstance(odd, pa.ChunkedArray) else odd


def _replaced(texts: Texts, old: pa.Array, new: pa.Array) -> Texts:
    """The texts with new ones for old ones, where there are new ones; the same where nothing changes."""
    if new.null_count == len(new):
        return texts
    return pc.coalesce(pc.take(new, pc.index_in(texts, old)), texts)


# -- numbers ---------------------------------------------------------------------------------------


def _number(texts: pa.Array) -> pa.Array:
    """Digits as whole numbers, null where there are none."""
    return pc.cast(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts), pa.int64())


def _only(mask: pa.Array, values: pa.Array) -> pa.Array:
    """The values where the mask is true, null elsewhere."""
    return pc.if_else(pc.fill_null(mask, False), values, pa.scalar(None, values.type))


def _remainder(numbers: pa.Array, divisor: int) -> pa.Array:
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, divisor), divisor))


def _padded(numbers: pa.Array, width: int) -> pa.Array:
    return pc.utf8_lpad(pc.cast(numbers, pa.string()), width, "0")


def _count(mask: pa.Array) -> int:
    return pc.sum(pc.cast(pc.fill_null(mask, False), pa.int64())).as_py() or 0
