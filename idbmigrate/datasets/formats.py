"""Read the format notation of the NHS Data Dictionary.

``an2`` is exactly two characters and ``n10`` ten digits, ``max an20`` up to twenty, ``min an3 max an6``
three to six, ``an3 or an5`` one of the two; dates and times carry their mask. ``number`` and
``text`` stand for a whole number and a text whose width no source gives.
"""

from __future__ import annotations

import re
from functools import cache

from idbmigrate.datasets.model import Format

_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = r"(Z|[+\-][0-9]{2}:[0-9]{2})"

#: mask -> kind, lengths, pattern
_MASKED = {
    "an10 CCYY-MM-DD": ("date", 10, 10, _DATE),
    "an8 HH:MM:SS": ("time", 8, 8, _TIME),
    "an7 YYYY-MM": ("month", 7, 7, r"[0-9]{4}-(0[1-9]|1[0-2])"),
    "an19 YYYY-MM-DDThh:mm:ss": ("timestamp", 19, 19, f"{_DATE}T{_TIME}"),
    "an25 CCYY-MM-DDThh:mm:ss+hh:mm": ("timestamp", 20, 25, f"{_DATE}T{_TIME}{_OFFSET}"),
    "timestamp": ("timestamp", 19, 29, rf"{_DATE}T{_TIME}(\.[0-9]{{1,3}})?{_OFFSET}?"),
    "text": ("text", None, None, None),
    "number": ("integer", None, None, "-?[0-9]+"),
}

_PLAIN = re.compile(r"(max )?(an|n)([1-9][0-9]*)")
_BETWEEN = re.compile(r"min (an|n)([1-9][0-9]*) max \1([1-9][0-9]*)")
_ONE_OF = re.compile(r"an[1-9][0-9]*(, an[1-9][0-9]*)* or an[1-9][0-9]*")
_DECIMAL = re.compile(r"max n([1-9])\.max n([1-9])")


@cache
def parse_format(notation: str, kind: str | None = None) -> Format:
    """Format of a notation; ``kind`` overrides the kind that the notation suggests.

    Digits of an identifier or a SNOMED CT concept are ``text``: they are never counted with.
    ``ValueError`` where the notation is not one of those above.
    """
    if masked := _MASKED.get(notation):
        own_kind, low, high, pattern = masked
    elif match := _PLAIN.fullmatch(notation):
        high = int(match[3])
        low = (0 if match[2] == "an" else 1) if match[1] else high
        own_kind = "text" if match[2] == "an" else "integer"
        pattern = None if match[2] == "an" and kind != "integer" else _digits(max(low, 1), high)
    elif match := _BETWEEN.fullmatch(notation):
        low, high = int(match[2]), int(match[3])
        own_kind = "text" if match[1] == "an" else "integer"
        pattern = None if match[1] == "an" else _digits(low, high)
    elif _ONE_OF.fullmatch(notation):
        lengths = [int(length) for length in re.findall(r"[0-9]+", notation)]
        own_kind, low, high = "text", min(lengths), max(lengths)
        pattern = "|".join(f".{{{length}}}" for length in lengths)
    elif match := _DECIMAL.fullmatch(notation):
        whole, part = int(match[1]), int(match[2])
        own_kind, low, high = "decimal", 3, whole + 1 + part
        pattern = rf"{_digits(1, whole)}\.{_digits(1, part)}"
    else:
        raise ValueError(f"{notation!r} is not a known format notation")
    return Format(notation, kind or own_kind, low, high, pattern)


def _digits(low: int, high: int) -> str:
    return f"[0-9]{{{low}}}" if low == high else f"[0-9]{{{low},{high}}}"
