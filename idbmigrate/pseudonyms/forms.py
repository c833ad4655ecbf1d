"""The form in which a value may go out, for each thing that may become of it; anything else stays behind.

A column that identifies nobody by its definition may hold a name all the same, typed into the wrong field. So
a value goes out only where it has the closed form of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_CLOCK = re.compile(r"((?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])?[0-9]{2}):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(.*)")
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,4})?")
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][0-9A-Z]?)[0-9][A-Z]{2}")
#: Codes that no list here has: two signs, or up to four digits with a letter before or behind.
_SHORT = re.compile(r"[0-9A-Za-z*]{1,2}|[A-Za-z]?[0-9]{1,4}[A-Za-z]?")
#: Codes of the Organisation Data Service; those of trusts, R and T, may be letters alone.
_ORGANISATION = re.compile(r"[RT][A-Z]{2}|[0-9A-Z]{3,9}")
_ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.?[0-9X][0-9A-Z]{0,2})?[DA*+]?")
_SNOMED = re.compile(r"[1-9][0-9]{2,14}(?:00|10)[0-9]")
_EXPRESSION = re.compile(r"[:=,+{}() ]+")

_TIMES = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_TURNS = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def form(becomes: str, codes: Collection[str] | None) -> Callable[[str], str | None]:
    """What goes out for a text, ``None`` where nothing does; ``codes`` are the national ones, if known."""
    if becomes == "code" and codes is not None:
        return lambda text: text if text in codes else None
    return _FORMS[becomes]


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def district(text: str) -> str | None:
    """The district of a full postcode: ``SW1A`` of ``SW1A 2AA``."""
    found = _POSTCODE.fullmatch("".join(text.upper().split()))
    return found[1] if found else None


def _year(text: str) -> str | None:
    found = _DAY.fullmatch(text)
    return found[1] if found else None


def _hour(text: str) -> str | None:
    """The full hour, with its day and offset where they are told."""
    found = _CLOCK.fullmatch(text)
    return f"{found[1]}:00:00{found[2]}" if found and _ZONE.fullmatch(found[2]) else None


def _organisation(text: str) -> str | None:
    """A code of the Organisation Data Service: capitals and digits, and no postcode."""
    letters = len(text) > 3 or text[:1] not in ("R", "T")
    if not _ORGANISATION.fullmatch(text) or _POSTCODE.fullmatch(text):
        return None
    return text if not letters or any(map(str.isdigit, text)) else None


def _clinical(text: str) -> str | None:
    """A code of ICD-10, a concept of SNOMED CT, or an expression of such."""
    if _ICD10.fullmatch(text):
        return text
    parts = [part for part in _EXPRESSION.split(text) if part]
    return text if parts and all(map(_concept, parts)) else None


def _concept(text: str) -> bool:
    """Whether digits are an identifier of a concept of SNOMED CT, by its partition and its check digit."""
    if not _SNOMED.fullmatch(text):
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = int(_TIMES[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


_FORMS: dict[str, Callable[[str], str | None]] = {
    "district": district,
    "year": _year,
    "month": _matching(_MONTH),
    "day": _matching(_DAY),
    "hour": _hour,
    "clinical": _clinical,
    "organisation": _organisation,
    "number": _matching(_NUMBER),
    "score": lambda text: text if _NUMBER.fullmatch(text) or _SHORT.fullmatch(text) else None,
    "code": _matching(_SHORT),
    "left-out": lambda text: None,
}
