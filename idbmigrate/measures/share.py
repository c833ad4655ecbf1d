"""Counts that may be shown to others: none from 1 to 4, the others to the nearest 5, as NHS England does."""

from __future__ import annotations

from typing import Any

from idbmigrate.measures.count import percent

#: Counts below this are suppressed, and others are rounded to its multiples.
SMALLEST = 5
HIDDEN = "suppressed"


def shared(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of measures as they may be shown.

    Rounding also hides the few people by which a measure and one that lies within it differ.
    """
    return [{**line, "count": safe(line["count"])} for line in lines]


def shared_rates(rates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rates as they may be shown: of the counts that may be, so that they tell no more than these do."""
    shown = []
    for rate in rates:
        part, of = safe(rate["part"]), safe(rate["of"])
        rounded = None if isinstance(part, str) or isinstance(of, str) else percent(part, of)
        shown.append({**rate, "part": part, "of": of, "percent": rounded})
    return shown


def shared_comparison(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of a comparison as they may be shown; the outcome stays, so a difference is never hidden."""
    counts = ("legacy", "target", "records", "unexplained")
    return [
        {
            **line,
            **{key: safe(line[key]) for key in counts},
            "reasons": {reason: safe(count) for reason, count in line["reasons"].items()},
        }
        for line in lines
    ]


def safe(count: int | None) -> int | str | None:
    """One count as it may be shown."""
    if not count:
        return count
    return HIDDEN if count < SMALLEST else (count + SMALLEST // 2) // SMALLEST * SMALLEST
