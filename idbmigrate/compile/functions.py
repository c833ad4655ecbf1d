"""What the functions of the mapping language mean in SQL.

Each takes the SQL of its arguments and its options and gives the result and, where the function can
refuse a value, the condition under which it does. All of it is text work guarded by patterns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from idbmigrate.compile import sql
from idbmigrate.compile.icd10 import WITHOUT_SUBDIVISION
from idbmigrate.compile.sql import Sql

Options = Mapping[str, str | tuple[str, ...]]
#: Result, and the condition that it could be made (``None``: always).
Result = tuple[Sql, Sql | None]

#: Days that exist: 31, 30 and 28 days, and 29 February of leap years.
DAY = (
    "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
    "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
)
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_SECONDS = f"{_CLOCK}:[0-5][0-9]"
_AFTER_DAY = f"([T ]{_CLOCK}(:[0-5][0-9]([.][0-9]+)?)?)?"
#: Access keeps a time without a day on this one: midnight alone is staged as the bare day.
_DAY_ZERO = "1899-12-30"
_SPACES = " "
#: What stands between the digits of a number copied from a page: blanks of all kinds, or nothing seen.
_UNSEEN = (
    " \t\r\n\u00a0\u00ad\u200b\u200c\u200d\u2060\u202f\u205f\u3000\ufeff"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_PUNCTUATION = ".,-_/\\:;'\"()*+?&#"

#: The kind of format that every result of a function has, and one such result: none differs from it in
#: more than its digits, so the compiler need not test them again where this one fits.
SHAPES = {
    "date": ("date", "2000-12-31"),
    "month_start": ("date", "2000-12-31"),
    "month_end": ("date", "2000-12-31"),
    "time": ("time", "12:59:59"),
    "time_of_day": ("time", "12:59:59"),
    "month": ("month", "2000-12"),
    "timestamp": ("timestamp", "2000-12-31T12:59:59"),
    "local_timestamp": ("timestamp", "2000-12-31T12:59:59+00:00"),
}


def date(value: Sql, options: Options) -> tuple[Sql, Sql]:
    iso, british = f"({DAY}){_AFTER_DAY}", f"[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}}{_AFTER_DAY}"
    turned = sql.joined(
        sql.part(value, 7, 4), sql.text("-"), sql.part(value, 4, 2), sql.text("-"), sql.part(value, 1, 2)
    )
    is_iso = sql.matches(value, iso)
    is_british = sql.both(sql.matches(value, british), sql.matches(turned, DAY))
    result = sql.case([(is_iso, sql.part(value, 1, 10)), (is_british, turned)])
    return result, sql.either(is_iso, is_british)


def stored_date(value: Sql) -> Result:
    """A date that the file stores as Date/Time: the day is the first ten places."""
    return sql.part(value, 1, 10), None


def time(value: Sql, options: Options) -> Result:
    full = sql.matches(value, f"{_SECONDS}([.][0-9]+)?")
    short = sql.matches(value, _CLOCK)
    behind = sql.both(sql.matches(value, f".{{10}}[T ]{_CLOCK}.*"), date(value, options)[1])
    midnight = sql.equal(value, sql.text(_DAY_ZERO))
    with_seconds = sql.compared(exp.GT, sql.length(value), sql.whole(16))
    result = sql.case(
        [
            (full, sql.part(value, 1, 8)),
            (short, sql.joined(value, sql.text(":00"))),
            (sql.both(with_seconds, behind), sql.part(value, 12, 8)),
            (behind, sql.joined(sql.part(value, 12, 5), sql.text(":00"))),
            (midnight, sql.text("00:00:00")),
        ]
    )
    return result, sql.either(full, short, behind, midnight)


def time_of_day(value: Sql, options: Options) -> Result:
    """The time behind a day. A bare day has none, and that is no fault of it."""
    behind = sql.both(sql.matches(value, f".{{10}}[T ]{_CLOCK}.*"), date(value, options)[1])
    return sql.case([(behind, time(value, options)[0])], sql.no_text()), None


def month(value: Sql, options: Options) -> Result:
    plain = sql.matches(value, "[0-9]{4}[-/](0[1-9]|1[0-2])")
    turned = sql.matches(value, "(0[1-9]|1[0-2])[-/][0-9]{4}")
    day, is_day = date(value, options)
    result = sql.case(
        [
            (plain, sql.joined(sql.part(value, 1, 4), sql.text("-"), sql.part(value, 6, 2))),
            (turned, sql.joined(sql.part(value, 4, 4), sql.text("-"), sql.part(value, 1, 2))),
            (is_day, sql.part(day, 1, 7)),
        ]
    )
    return result, sql.either(plain, turned, is_day)


def month_start(value: Sql, options: Options) -> Result:
    day, fits = date(value, options)
    return sql.joined(sql.part(day, 1, 8), sql.text("01")), fits


def month_end(value: Sql, options: Options) -> Result:
    day, fits = date(value, options)
    number = sql.part(day, 6, 2)
    leap = sql.matches(
        sql.part(day, 1, 4), "[0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00"
    )
    last = sql.case(
        [
            (sql.among(number, ["04", "06", "09", "11"]), sql.text("30")),
            (sql.both(sql.equal(number, sql.text("02")), leap), sql.text("29")),
            (sql.equal(number, sql.text("02")), sql.text("28")),
        ],
        sql.text("31"),
    )
    return sql.joined(sql.part(day, 1, 8), last), fits


def timestamp(day: Sql, clock: Sql, options: Options) -> Result:
    """Day and clock have been read already (see :data:`CLOCKED`), or are missing."""
    return sql.joined(day, sql.text("T"), sql.coalesce(clock, sql.text("00:00:00"))), None


def local_timestamp(day: Sql, clock: Sql, options: Options) -> Result:
    """Civil time with its offset. In the hour that summer time skips there is none.

    The hour that comes twice, when summer time ends, is told as the first of both.
    """
    plain, _ = timestamp(day, clock, options)
    year, within = sql.part(day, 1, 4), sql.part(plain, 6)
    alike: dict[tuple[str, str], list[str]] = {}  # years fall into seven kinds
    for number in range(1972, 2061):
        alike.setdefault((_summer(number, 3), _summer(number, 10)), []).append(str(number))
    starts, ends = (
        sql.case([(sql.among(year, years), sql.text(bounds[i])) for bounds, years in alike.items()])
        for i in (0, 1)
    )
    summer = sql.both(sql.compared(exp.GTE, within, starts), sql.compared(exp.LT, within, ends))
    offset = sql.case([(summer, sql.text("+01:00"))], sql.text("+00:00"))
    hour = len("MM-DDTHH")
    skipped = sql.surely(sql.equal(sql.part(within, 1, hour), sql.part(starts, 1, hour)))
    exists = sql.negated(skipped)
    return sql.case([(exists, sql.joined(plain, offset))], sql.no_text()), exists


def _summer(year: int, month_number: int) -> str:
    """Civil time of the year when summer time begins (March) or ends (October): last Sunday, 01:00 UTC.

    The rule is that of the Summer Time Act 1972 as amended in 1997 and 2002; earlier years differ by
    some weeks and lie before every data set that this package reads.
    """
    last = dt.date(year, month_number, 31)
    sunday = last - dt.timedelta(days=(last.weekday() + 1) % 7)
    return f"{sunday:%m-%d}T{'01' if month_number == 3 else '02'}:00:00"


def number(value: Sql, options: Options) -> Result:
    decimals = int(str(options.get("decimals", "0")))
    if not decimals:
        whole_part = sql.trimmed(sql.trimmed(value, "0", leading=False), ".", leading=False)
        fits = sql.matches(value, "[0-9]+([.]0+)?")
        plain = sql.matches(value, "[0-9]+")
        return sql.case([(plain, _significant(value)), (fits, _significant(whole_part))]), fits
    fits = sql.matches(value, f"[0-9]+([.][0-9]{{1,{decimals}}})?")
    plain = sql.matches(value, "[0-9]+")
    digits = _significant(value)
    return sql.case([(plain, sql.joined(digits, sql.text(".0"))), (fits, digits)]), fits


def _significant(number_text: Sql) -> Sql:
    """A number without the zeros before it; the digit before a point, and zero itself, stay."""
    bare = sql.trimmed(number_text, "0", leading=True)
    starts = sql.part(bare, 1, 1)
    return sql.case([(sql.among(starts, ["", "."]), sql.joined(sql.text("0"), bare))], bare)


def pad(value: Sql, options: Options) -> Result:
    return padded(value, int(str(options["to"]))), None


def padded(value: Sql, width: int) -> Sql:
    """Digits with zeros on the left up to a width; other texts unchanged."""
    short = [
        (_has_digits(value, have), sql.joined(sql.text("0" * (width - have)), value))
        for have in range(1, width)
    ]
    return sql.case(short, value)


def _has_digits(value: Sql, count: int) -> Sql:
    """Whether a text is that many digits. One digit, the usual case, needs no pattern."""
    return sql.among(value, list("0123456789")) if count == 1 else sql.matches(value, f"[0-9]{{{count}}}")


def upper(value: Sql, options: Options) -> Result:
    return sql.upper(value), None


def remove(value: Sql, options: Options) -> Result:
    unwanted = ""
    for kind in options["of"]:
        unwanted += _SPACES if kind == "spaces" else _PUNCTUATION
    return without(value, unwanted), None


def without(value: Sql, characters: str) -> Sql:
    result = value
    for character in characters:
        result = sql.replaced(result, character, "")
    return result


def part(value: Sql, options: Options) -> Result:
    cut = sql.part(value, int(str(options["from"])), int(str(options["length"])))
    return sql.case([(sql.compared(exp.GT, sql.length(cut), sql.whole(0)), cut)]), None


def matching(value: Sql, options: Options) -> Result:
    fits = sql.matches(value, str(options["pattern"]))
    return sql.case([(fits, value)]), fits


def icd10(value: Sql, options: Options) -> Result:
    """The centre's own cleansing (NCDR reference library, IC_PROVDIAG), then form and fourth place."""
    three = sql.matches(value, "[A-Z][0-9]{2}")
    longer = sql.matches(value, "[A-Z][0-9]{2}[0-9X][A-Z0-9]{0,2}")
    undivided = sql.among(value, sorted(WITHOUT_SUBDIVISION))
    result = sql.case(
        [
            (undivided, sql.joined(value, sql.text("X"))),
            (three, sql.joined(value, sql.text("9"))),
            (longer, value),
        ]
    )
    return result, sql.either(three, longer)


def _bare_icd10(value: Sql) -> Sql:
    bare = sql.upper(without(value, _SPACES + _PUNCTUATION))
    return sql.joined(sql.part(bare, 1, 1), sql.replaced(sql.part(bare, 2), "O", "0"))


def postcode(value: Sql, options: Options) -> Result:
    fits = sql.matches(value, "[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
    by_length = [
        (
            sql.both(fits, sql.equal(sql.length(value), sql.whole(n))),
            sql.joined(sql.part(value, 1, n - 3), sql.text(" "), sql.part(value, n - 2)),
        )
        for n in (5, 6, 7)
    ]
    return sql.case(by_length), fits


def _bare_number(value: Sql) -> Sql:
    """Without hyphens and blanks; the long list of those is looked for only where there is such a sign."""
    usual = sql.matches(value, "[ -~]*")
    return sql.case([(usual, without(value, _SPACES + "-"))], without(value, _UNSEEN + "-"))


def nhs_number(value: Sql, options: Options) -> Result:
    """Ten digits whose sum, weighted 10 to 1, is a multiple of eleven (NHS Data Dictionary)."""
    worth = []
    for place in range(1, 11):
        digit = sql.position(sql.text("123456789"), sql.part(value, place, 1))  # a zero is not found: 0
        worth.append(sql.compared(exp.Mul, sql.whole(11 - place), digit))
    checked = sql.equal(sql.compared(exp.Mod, sql.added(worth), sql.whole(11)), sql.whole(0))
    fits = sql.both(sql.matches(value, "[0-9]{10}"), checked)
    return sql.case([(fits, value)]), fits


def join(*values: Sql, options: Options) -> Result:
    separator = str(options.get("with", ""))
    result = sql.coalesce(values[0], sql.text(""))
    for value in values[1:]:
        gap = sql.case([(sql.equal(result, sql.text("")), sql.text(""))], sql.text(separator))
        tail = sql.case([(sql.not_null(value), sql.joined(gap, value))], sql.text(""))
        result = sql.joined(result, tail)
    return sql.case([(sql.negated(sql.equal(result, sql.text(""))), result)]), None


#: What is taken out of a value before its function sees it.
PREPARED: dict[str, Callable[[Sql], Sql]] = {
    "icd10": _bare_icd10,
    "postcode": lambda value: sql.upper(without(value, _SPACES)),
    "nhs_number": _bare_number,
}
_ONE: dict[str, Callable[[Sql, Options], Result]] = {
    "date": date,
    "time": time,
    "time_of_day": time_of_day,
    "month": month,
    "month_start": month_start,
    "month_end": month_end,
    "number": number,
    "pad": pad,
    "upper": upper,
    "remove": remove,
    "part": part,
    "matching": matching,
    "icd10": icd10,
    "postcode": postcode,
    "nhs_number": nhs_number,
}
_TWO: dict[str, Callable[[Sql, Sql, Options], Result]] = {
    "timestamp": timestamp,
    "local_timestamp": local_timestamp,
}
NAMES = frozenset({*_ONE, *_TWO, "join"})
#: Functions of a day and a clock, read by ``date`` and ``time`` first; what is no clock counts as missing.
CLOCKED = frozenset(_TWO)


def call(name: str, arguments: Sequence[Sql], options: Options) -> Result:
    """SQL of the function and the condition under which it takes its arguments."""
    if name in _ONE:
        return _ONE[name](arguments[0], options)
    if name in _TWO:
        return _TWO[name](arguments[0], arguments[1], options)
    return join(*arguments, options=options)
