"""Checks of values that need an algorithm. Each looks at one text and says whether it holds.

They are called once for each distinct value of a column, never for each row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache

_DIGITS = re.compile(r"[0-9]{6,18}")
_CONCEPT = re.compile(r"(?<![0-9])[0-9]{6,18}(?![0-9])")
_ORGANISATION = re.compile(r"[A-Z0-9]{3,9}")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def _product(a: int, b: int) -> int:
    """Multiply two elements of the dihedral group: 0-4 rotations, 5-9 reflections."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5


# Dihedral group of order ten, and the permutations by position (Verhoeff 1969).
_TIMES = tuple(tuple(_product(a, b) for b in range(10)) for a in range(10))
_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _permutations() -> tuple[tuple[int, ...], ...]:
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_STEP[digit] for digit in rows[-1]))
    return tuple(rows)


_PLACES = _permutations()


def verhoeff(digits: str) -> bool:
    """Tell whether the last of a row of digits is the Verhoeff check digit of the others."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = _TIMES[state][_PLACES[place % 8][ord(digit) - 48]]
    return state == 0


def snomed_identifier(value: str) -> bool:
    """Tell whether a text is a SNOMED CT identifier of a concept.

    6 to 18 digits, no leading zero, partition 00 or 10 (concept, core or extension), check digit
    right. Source: SNOMED CT release file specification, SCTID.
    """
    return (
        _DIGITS.fullmatch(value) is not None
        and value[0] != "0"
        and value[-3:-1] in ("00", "10")
        and verhoeff(value)
    )


def snomed_expression(value: str) -> bool:
    """Tell whether a text is a SNOMED CT concept or an expression made of valid concepts."""
    if value.isdigit():
        return snomed_identifier(value)
    bare = re.sub(r"\|[^|]*\|", "", value)
    concepts = _CONCEPT.findall(bare)
    rest = re.sub(r"[0-9\s:+,={}()]", "", bare)
    return bool(concepts) and not rest and all(map(snomed_identifier, concepts))


@lru_cache(maxsize=1 << 18)
def nhs_number(value: str) -> bool:
    """Tell whether a text is ten digits with the right NHS number check digit."""
    return len(value) == 10 and value.isascii() and value.isdigit() and _library().is_valid(value)


@cache
def _library():
    import nhs_number as library

    return library


def organisation(value: str) -> bool:
    """Tell whether a text has the shape of an ODS organisation code: 3 to 9 capitals and digits."""
    return _ORGANISATION.fullmatch(value) is not None


def uk_offset(value: str) -> bool:
    """Tell whether a timestamp carries the offset that clocks in London had at that moment.

    A Z stands for the moment itself and is always right. A text of another shape passes, as its
    format is the business of another rule; so does a year before 1996, when the present rule (last
    Sunday of March to last Sunday of October, both at 01:00 UTC) came into force.
    """
    found = _STAMP.fullmatch(value)
    if found is None or found[2] == "Z":
        return True
    try:
        moment = datetime.fromisoformat(found[1] + found[2])
        utc = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return True
    if utc.year < 1996:
        return True
    summer = _change(utc.year, 3) <= utc < _change(utc.year, 10)
    return moment.utcoffset() == timedelta(hours=1 if summer else 0)


def _change(year: int, month: int) -> datetime:
    """Give the moment at which the clocks change: 01:00 UTC on the last Sunday of a 31-day month."""
    last = datetime(year, month, 31, 1, tzinfo=timezone.utc)
    return last - timedelta(days=(last.weekday() + 1) % 7)


#: name in a rule pack -> (the check, what it means when it fails)
ALGORITHMS: dict[str, tuple[Callable[[str], bool], str]] = {
    "nhs-number": (nhs_number, "is not ten digits with the right check digit"),
    "snomed": (snomed_identifier, "is not a SNOMED CT concept (6 to 18 digits, partition, check digit)"),
    "snomed-expression": (snomed_expression, "is not a SNOMED CT concept or an expression made of them"),
    "organisation": (organisation, "does not have the shape of an organisation code"),
    "uk-offset": (uk_offset, "has an offset that clocks in London did not have at that moment"),
}
