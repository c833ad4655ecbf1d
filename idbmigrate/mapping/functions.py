"""The closed list of functions of the mapping language.

Each function is a row of data here: how many arguments it takes and which options it knows. What it
means in SQL stands under the same name in :mod:`idbmigrate.compile.functions`; a test holds the two
lists and the documentation together.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Characters that ``remove`` can take away.
REMOVABLE = ("spaces", "punctuation")


@dataclass(frozen=True)
class Function:
    """``arguments`` is the number of values, 0 for a list of any length from 1."""

    arguments: int
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


FUNCTIONS: dict[str, Function] = {
    "date": Function(1),
    "time": Function(1),
    "time_of_day": Function(1),
    "month": Function(1),
    "month_start": Function(1),
    "month_end": Function(1),
    "timestamp": Function(2),
    "local_timestamp": Function(2),
    "number": Function(1, optional=("decimals",)),
    "pad": Function(1, required=("to",)),
    "upper": Function(1),
    "remove": Function(1, required=("of",)),
    "part": Function(1, required=("from", "length")),
    "matching": Function(1, required=("pattern",)),
    "icd10": Function(1),
    "postcode": Function(1),
    "nhs_number": Function(1),
    "join": Function(0, optional=("with",)),
}

#: Options whose value is a whole number, with the largest that makes sense.
WHOLE_NUMBERS = {"decimals": 6, "to": 56, "from": 255, "length": 255}

#: How a lookup may clean a code first; ``pad`` takes a width.
CLEANERS = ("upper", "pad", "first_character")

#: Comparisons of a condition: operator -> what the operand is.
COMPARISONS = {
    "is": "text",
    "in": "texts",
    "not_in": "texts",
    "matches": "pattern",
    "before": "expression",
    "after": "expression",
    "on_or_before": "expression",
    "on_or_after": "expression",
    "equals": "expression",
}

#: What a parameter default can be computed from.
DEFAULTS = ("parameter", "most_common", "earliest", "latest", "month_start", "month_end")
