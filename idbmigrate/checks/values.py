"""Checks of values that need an algorithm. Each looks at one text and says whether it holds.

They are called once for each distinct value of a column, never for each row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: A check of many texts at once: an array of texts to a mask, true where a text holds.
Accepts = Callable[[pa.StringArray], np.ndarray]

_DIGITS = re.compile(r"[0-9]{6,18}")
_EXPRESSION = re.compile(r"([0-9]+):(408730004|363589002)=([0-9]+)")
_LONGEST_EXPRESSION = 56
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
    """Tell whether a text is a SNOMED CT concept, or a concept qualified by another one.

    ``concept:attribute=concept`` of at most 56 characters, the attribute a procedure context (408730004) or
    an associated procedure (363589002). Source: the centre's published check of expressions.
    """
    found = _EXPRESSION.fullmatch(value)
    if found is None or len(value) > _LONGEST_EXPRESSION:
        return snomed_identifier(value)
    return snomed_identifier(found[1]) and snomed_identifier(found[3])


def nhs_numbers(texts: pa.StringArray) -> np.ndarray:
    """Tell which of many texts are NHS numbers as the centre's code takes them; null holds.

    They have the right check digit and do not read the same backwards. A comment in that code says that the
    last is off by default, but the code does it.
    """
    mirrored = pc.and_kleene(pc.equal(texts, pc.utf8_reverse(texts)), pc.equal(pc.utf8_length(texts), 10))
    return check_digits(texts) & ~pc.fill_null(mirrored, False).to_numpy(zero_copy_only=False)


def check_digits(texts: pa.StringArray) -> np.ndarray:
    """Tell which of many texts are ten digits whose sum, weighted 10 to 1, is a multiple of eleven.

    Null holds. Source: NHS Data Dictionary, NHS NUMBER.
    """
    ten = pc.fill_null(pc.match_substring_regex(texts, "^[0-9]{10}$"), False)
    digits = np.frombuffer("".join(texts.filter(ten).to_pylist()).encode(), np.uint8).reshape(-1, 10) - 48
    holds = ten.to_numpy(zero_copy_only=False).copy()
    holds[holds] = digits @ np.arange(10, 0, -1) % 11 == 0
    return holds | ~given(texts)


def given(texts: pa.StringArray) -> np.ndarray:
    """Tell which texts are a value: neither null nor empty. Blanks are one, as they are for the centre."""
    return pc.fill_null(pc.not_equal(texts, ""), False).to_numpy(zero_copy_only=False)


def one_by_one(check: Callable[[str], bool]) -> Accepts:
    """A check of many texts made of one of a single text; a text without a value holds."""
    return lambda texts: np.array([not text or check(text) for text in texts.to_pylist()], bool)


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
ALGORITHMS: dict[str, tuple[Accepts, str]] = {
    "nhs-number": (
        nhs_numbers,
        "is not ten digits with the right check digit, or reads the same backwards (which the centre's code "
        "refuses, although its comment says that this is off)",
    ),
    "nhs-check-digit": (check_digits, "is not ten digits with the right check digit"),
    "snomed": (
        one_by_one(snomed_identifier),
        "is not a SNOMED CT concept (6 to 18 digits, partition, check digit)",
    ),
    "snomed-expression": (
        one_by_one(snomed_expression),
        "is not a SNOMED CT concept, nor an expression of two (concept:attribute=concept, up to 56 signs)",
    ),
    "organisation": (one_by_one(organisation), "does not have the shape of an organisation code"),
    "uk-offset": (
        one_by_one(uk_offset),
        "has an offset that clocks in London did not have at that moment",
    ),
}
