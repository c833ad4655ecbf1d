"""What names of files and folders say: months, primary or refresh, and what a user's pattern finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from idbmigrate.archive.model import Kind
from idbmigrate.errors import UsageError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_TWO_DIGITS = "0[1-9]|1[0-2]"
_YEAR = "(?:19|20)[0-9]{2}"
#: A month as a name may write it. A date with a day is none: it is as often the day of the export.
_SPELLINGS = (
    rf"(?<![0-9])(?P<y>{_YEAR})[-_. ]?(?P<m>{_TWO_DIGITS})(?![0-9]|[-_. ]?[0-9]{{1,2}}(?![0-9]))",
    rf"(?<![0-9])(?P<m>{_TWO_DIGITS})[-_. ]?(?P<y>20[0-9]{{2}})(?![0-9])",
    rf"(?<![a-z])(?P<m>{_WORDS})[-_. ']*(?P<y>20[0-9]{{2}}|[12][0-9](?![-_., ]*20[0-9]{{2}}))(?![0-9])",
    rf"(?<![0-9])(?P<y>{_YEAR})[-_. ]*(?P<m>{_WORDS})(?![a-z]|[-_. ]*[0-9]{{1,2}}(?![0-9]))",
)
#: What makes a day of what follows: 31 before May 2016, May before 12 2016.
_DAY_BEFORE = re.compile(rf"(?<![a-z0-9])(?:[0-9]{{1,2}}(?:st|nd|rd|th)?|(?:{_WORDS})(?=[-_. ]*$))[-_. ]*$")
_SPELLED = [re.compile(spelling) for spelling in _SPELLINGS]
_KIND = re.compile(r"(?<![a-z])(?P<kind>primary|refresh)(?:ed)?(?![a-z])")
#: The month of a user's pattern or table in the spellings of a spreadsheet, too: 01/05/2016, May-16.
_FIRST_DAY = re.compile(rf"^0?1[/-](?P<m>{_TWO_DIGITS})[/-](?P<y>20[0-9]{{2}})$")


def month(text: str) -> str | None:
    """The one month (``YYYY-MM``) that a word of the user's names; None where it names none, or several."""
    if first := _FIRST_DAY.match(text.strip()):
        return _written(first["y"], first["m"])
    found = months(text)
    return found.pop() if len(found) == 1 else None


def months(text: str) -> set[str]:
    """All months that a text names. ``2011-12`` may be a financial year, and is none."""
    lower = text.strip().lower()
    matches = [match for spelled in _SPELLED for match in spelled.finditer(lower)]
    return {
        _written(match["y"], match["m"])
        for match in matches
        if not _financial_year(match) and not _DAY_BEFORE.search(lower[: match.start()])
    }


def _written(year: str, month: str) -> str:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    return f"{year if len(year) == 4 else '20' + year}-{number:02d}"


def _financial_year(match: re.Match[str]) -> bool:
    year, number = match["y"], match["m"]
    return number.isdigit() and match.start("y") < match.start("m") and (int(year) + 1) % 100 == int(number)


def kind(text: str) -> Kind | None:
    """Whether a text says ``primary`` or ``refresh``, and not both."""
    found = {match["kind"] for match in _KIND.finditer(text.lower())}
    if found == {"primary"}:
        return "primary"
    return "refresh" if found == {"refresh"} else None


def parts(place: str) -> list[str]:
    """The names that a place is made of, the nearest to the file first: its own, its zip's, its folders'."""
    return [part for part in reversed(re.split(r"[/\\!]", place)) if part not in ("", ".", "..")]


def month_of_place(place: str) -> tuple[str, str] | None:
    """The month that the name nearest to the file says, and that name; 05 in a folder 2016 says one."""
    found = parts(place)
    for at, name in enumerate(found):
        named = months(name)
        if len(named) == 1:
            return named.pop(), name
        if named:
            return None
        above = found[at + 1] if at + 1 < len(found) else ""
        if re.fullmatch(_YEAR, above) and (number := _without_year(name)):
            return _written(above, number), f"{above}/{name}"
    return None


def _without_year(name: str) -> str | None:
    """The month that a name in a folder of a year says: all of it a number, or the one word of a month."""
    lower = name.lower()
    if re.fullmatch(_TWO_DIGITS, lower):
        return lower
    words = {match[0][:3] for match in re.finditer(rf"(?<![a-z])(?:{_WORDS})(?![a-z])", lower)}
    return words.pop() if len(words) == 1 and not re.search(r"(?:19|20)[0-9]{2}", lower) else None


def kind_of_place(place: str) -> tuple[Kind, str] | None:
    """Primary or refresh as the name nearest to the file says, and that name."""
    for name in parts(place):
        if _KIND.search(name.lower()):
            return (said, name) if (said := kind(name)) else None
    return None


# -- patterns of the user's ------------------------------------------------------------------------

_FIELDS = {
    "provider": "[A-Za-z0-9]+",
    "period": rf"{_YEAR}[-_. ]?(?:{_TWO_DIGITS})|(?:{_WORDS})[-_. ]*(?:20)?[0-9]{{2}}",
    "year": "(?:20)?[0-9]{2}",
    "month": rf"{_TWO_DIGITS}|{_WORDS}",
    "kind": "primary|refresh|p|r",
}
_PIECE = re.compile(r"\{(?P<field>[^{}]*)\}|\*|\?|[^{}*?]+")


@dataclass(frozen=True)
class Match:
    """What a pattern finds in a place."""

    pattern: str
    provider: str | None
    period: str | None
    kind: Kind | None


class Patterns:
    """Patterns of paths such as ``{provider}/{year}/IAPT_{month}_{kind}.mdb``.

    ``*`` and ``?`` stand for what they do in file names, ``{provider}``, ``{period}``, ``{year}`` with
    ``{month}``, and ``{kind}`` for what is to be found; a pattern is held against the end of a place.
    Raises ``UsageError`` (``bad-option``) for another field.
    """

    def __init__(self, patterns: Iterable[str]):
        self._compiled = {pattern: re.compile(_expression(pattern)) for pattern in patterns}

    def match(self, place: str) -> list[Match]:
        """What each pattern that fits finds."""
        text = "/" + place.replace("!", "/").replace("\\", "/")
        fits = ((pattern, compiled.search(text)) for pattern, compiled in self._compiled.items())
        return [_match(pattern, fit.groupdict()) for pattern, fit in fits if fit is not None]


def _expression(pattern: str) -> str:
    found: list[str] = []
    for piece in _PIECE.finditer(pattern.replace("\\", "/")):
        name, text = piece["field"], piece[0]
        if name is None:
            found.append({"*": "[^/]*", "?": "[^/]"}.get(text) or re.escape(text))
        elif name not in _FIELDS or f"(?P<{name}>" in "".join(found):
            raise UsageError(
                f"a pattern cannot have {{{name}}} here",
                code="bad-option",
                where="--pattern",
                hint=f"once each: {', '.join(f'{{{each}}}' for each in _FIELDS)}; * and ? for the rest",
            )
        else:
            found.append(f"(?P<{name}>{_FIELDS[name]})")
    return f"(?i)/{''.join(found)}$"


def _match(pattern: str, fields: dict[str, str | None]) -> Match:
    period = month(fields.get("period") or "")
    year, number = fields.get("year"), fields.get("month")
    if period is None and year and number:
        period = _written(year, number.lower())
    word = (fields.get("kind") or "").lower()
    said: Kind | None = {"p": "primary", "r": "refresh"}.get(word[:1])  # type: ignore[assignment]
    provider = fields.get("provider")
    return Match(pattern, provider.upper() if provider else None, period, said)


def of_all(found: Sequence[Match], field: str) -> set[str]:
    """What the matches say of one field."""
    return {value for match in found if (value := getattr(match, field))}
