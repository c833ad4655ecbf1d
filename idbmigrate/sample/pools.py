"""Made-up values for a twin's columns, of which those that the real file holds are taken out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice

import numpy as np

from idbmigrate.datasets.model import ColumnSpec
from idbmigrate.sample.blocks import nhs_numbers

#: how many different values a column is given
_MOST = 400
_FEW = {"ORGCODEPROVIDER": 1, "ORGCODECOMM": 4, "ORGCODEPROVIDSTEPTO": 4, "GMPC": 40}
_LETTERS = "QXZJKVWY"


def unused(kind: str, spec: ColumnSpec | None, physical, held: set[str]) -> tuple[str, ...]:
    """Values of a kind that fit the column and that the file does not hold; maybe none at all."""
    width = physical.length if physical.type == "TEXT" else None
    fitting = (value for value in _made_up(kind, spec) if width is None or len(value) <= width)
    most = _FEW.get(spec.name if spec else "", _MOST)
    return tuple(islice((value for value in fitting if value.lower() not in held), most))


def unused_prefix(name: str, held: set[str]) -> str:
    """What the made-up keys of a column begin with, and no key of the file does."""
    letter = name[:1]
    for word in ("TWIN", "MADEUP", "NOBODY", *(f"TWIN{n}" for n in range(10))):
        if not any(value.startswith((word + letter).lower()) for value in held):
            return word + letter
    return f"TWIN10{letter}"


def unused_numbers(rows: int, held: set[str]) -> tuple[list[str], list[str]]:
    """NHS numbers of the range 999 that the file lacks: valid ones, and ones with a wrong last digit."""
    rng = np.random.Generator(np.random.PCG64(999))
    taken = [value for value in held if value.startswith("999") and len(value) == 10]
    numbers = nhs_numbers(rng, rows + len(taken) + 10, 0).drop_null().to_pylist()
    valid = [number for number in numbers if number not in held][:rows]
    wrong = (number[:9] + str((int(number[9]) + 3) % 10) for number in valid)
    return valid, [number for number in wrong if number not in held]


def _made_up(kind: str, spec: ColumnSpec | None) -> Iterator[str]:
    name = spec.name if spec else ""
    if kind == "time":
        return (f"{8 + n % 10:02d}:{n * 7 % 60:02d}:{n * 13 % 59 + 1:02d}" for n in range(3000))
    if kind == "month":
        return (f"{year}-{month:02d}" for year in range(2016, 1960, -1) for month in range(1, 13))
    if kind in ("date", "birth"):
        return iter(())  # days are drawn by number, see `free_window` and `free_births`
    if kind == "unknown":
        return iter(["?!", "#?", "~~", "?", "#", "~"])
    if name == "POSTCODE":
        return (f"ZZ{n % 90 + 10} {n % 9 + 1}{_LETTERS[n % 8]}{_LETTERS[n // 8 % 8]}" for n in range(2000))
    if name == "GMPC":
        return (f"Y{n:05d}" for n in range(90_000, 92_000))
    if name == "PROVDIAG":
        return (f"F{n:03d}" for n in range(200, 1000))
    if name.startswith("ORG"):
        return (f"{a}{b}{n}" for a in _LETTERS for b in _LETTERS for n in range(10))
    longer = (f"Made-up text {n}" for n in range(1000))
    shorter = (f"{a}{b}" for a in _LETTERS for b in _LETTERS)
    return (value for group in (longer, shorter, iter(_LETTERS)) for value in group)


def free_window(held: set[int], days: int) -> int:
    """The first day (since 1970) of a stretch of days in which the file has no date of care."""
    used = sorted(held)
    for year in (*range(2016, 1971, -1), *range(2017, 2090)):
        start = (dt.date(year, 4, 1) - dt.date(1970, 1, 1)).days
        if not any(start <= day < start + days for day in used):
            return start
    return (dt.date(2090, 4, 1) - dt.date(1970, 1, 1)).days


def free_births(held: set[int]) -> list[int]:
    """Days of birth that nobody in the file has; older ones where those of the living are used up."""
    for first, last in ((1925, 1998), (1900, 1925), (1800, 1900)):
        low, high = ((dt.date(year, 1, 1) - dt.date(1970, 1, 1)).days for year in (first, last))
        free = [day for day in range(low, high) if day not in held]
        if len(free) >= 100:
            return free
    return free
