"""Checks that SQL cannot say alike on every engine: computed on whole columns, as numbers.

Each gives a mask over the rows of the table, true where a row fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from re import compile as pattern_of
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks.distinct import Column
from idbmigrate.checks.operands import shifted

if TYPE_CHECKING:
    from idbmigrate.datasets import Assessment

_MANY = 1 << 62


def repeated(columns: Sequence[Column], chosen: np.ndarray) -> np.ndarray:
    """Chosen rows that share their values in some columns with another chosen row."""
    rows = slice(None) if chosen.all() else np.flatnonzero(chosen)
    keys, size = np.zeros(len(chosen), np.int64)[rows], 1
    for column in columns:
        width = len(column.values.texts)
        if size * width >= _MANY:
            known, keys = np.unique(keys, return_inverse=True)
            size = len(known)
        keys *= width
        keys += column.at[rows]
        size *= width
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    fails = np.zeros(len(chosen), bool)
    if len(twice):
        fails[rows] = np.isin(keys, twice)
    return fails


def not_continued(per: Column, start: Column, end: Column, same_day: bool) -> np.ndarray:
    """Rows that end on a day, and no other row of the same ``per`` starts on the day after.

    With ``same_day`` a start on the day of the end is as good.
    """
    fails = np.zeros(len(end.at), bool)
    ends = end.values.texts.to_pylist()
    nexts = [shifted(day, 0, 1) if day else None for day in ends]
    ended = np.array([day is not None for day in nexts])[end.at]
    rows = np.flatnonzero(ended & (per.at < len(per.values.texts) - 1))
    if not len(rows):
        return fails
    width = len(start.values.texts)
    begun = np.sort(per.at.astype(np.int64) * width + start.at)

    def starts_on(days: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Which start is the day of each row, and how many rows of its group start on it."""
        known = pc.index_in(pa.array(days, pa.string()), value_set=start.values.texts[:-1])
        places = pc.fill_null(known, -1).to_numpy()[end.at[rows]]
        keys = per.at[rows].astype(np.int64) * width + places
        count = np.searchsorted(begun, keys, "right") - np.searchsorted(begun, keys, "left")
        return places, np.where(places < 0, 0, count)

    _, found = starts_on(nexts)
    if same_day:
        places, others = starts_on(ends)
        found = found + others - (places == start.at[rows])
    fails[rows] = found == 0
    return fails


def scores(tool: Column, score: Column, known: Sequence[Assessment]) -> dict[str, np.ndarray]:
    """Rows whose assessment tool is not listed, and whose score has not its shape or is out of range.

    Each pair of a listed tool and a score is judged once.
    """
    places = {each.concept: place for place, each in enumerate(known, 1)}
    tools, texts = tool.values.texts.to_pylist(), score.values.texts.to_pylist()
    listed = np.array([places.get(text, 0) for text in tools], np.int64)
    unlisted = np.array([bool(text and text.strip()) for text in tools]) & (listed == 0)
    pairs = (listed * len(texts))[tool.at]
    pairs += score.at
    there = np.zeros((len(known) + 1) * len(texts), bool)
    there[pairs] = True
    there[: len(texts)] = False
    wrong = {"shape": np.zeros_like(there), "range": np.zeros_like(there)}
    for pair in np.flatnonzero(there).tolist():
        problem = _problem(texts[pair % len(texts)], known[pair // len(texts) - 1])
        if problem:
            wrong[problem][pair] = True
    return {"tool": unlisted[tool.at], **{problem: mask[pairs] for problem, mask in wrong.items()}}


def _problem(score: str | None, assessment: Assessment) -> str | None:
    """What is wrong with a score of an assessment: its shape, its range or nothing."""
    if not score or not score.strip() or score in assessment.values:
        return None
    if assessment.pattern and not pattern_of(assessment.pattern).fullmatch(score):
        return "shape"
    if assessment.range is None:
        return "range" if assessment.values else None
    try:
        low, high = (Decimal(str(end)) for end in assessment.range)
        return None if low <= Decimal(score) <= high else "range"
    except InvalidOperation:
        return "range"
