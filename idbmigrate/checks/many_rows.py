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
#: Up to this many different keys are counted one by one, in 8 bytes each; more are sorted.
_COUNTED = 1 << 22


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
    fails = np.zeros(len(chosen), bool)
    if size <= _COUNTED:
        fails[rows] = np.bincount(keys, minlength=size)[keys] > 1
        return fails
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        fails[rows] = np.isin(keys, twice)
    return fails


def not_continued(
    per: Column, start: Column, end: Column, by: Column, valid: np.ndarray, same_day: str | None
) -> np.ndarray:
    """Rows that end, and no valid row of the same ``per`` and another ``by`` starts on the day after.

    With ``same_day`` a start on the day of the end is as good. As the centre's code has it, a row fails too
    where one of several rows that follow is of the same ``by``, and a row of one day follows itself.
    """
    days = zip(end.values.texts.to_pylist(), end.values.days > 0, strict=True)
    ends = [text[: len("YYYY-MM-DD")] if real else None for text, real in days]
    nexts = [shifted(day, 0, 1) if day else None for day in ends]
    rows = np.flatnonzero(np.array([day is not None for day in nexts])[end.at])
    fails = np.zeros(len(end.at), bool)
    if not len(rows):
        return fails
    day_count, sites = len(start.values.texts), len(by.values.texts)
    group = per.at.astype(np.int64) * day_count
    begun = group[valid] + start.at[valid]
    followed, again = _Counted(begun), _Counted(begun * sites + by.at[valid])
    others, same = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for wanted in (nexts, ends) if same_day else (nexts,):
        place = pc.index_in(pa.array(wanted, pa.string()), value_set=start.values.texts[:-1])
        place = pc.fill_null(place, day_count - 1).to_numpy()[end.at[rows]]  # the last stands for no day
        key = np.where(place == day_count - 1, -1, group[rows] + place)
        others += followed.of(key)
        same += again.of(np.where(key < 0, -1, key * sites + by.at[rows]))
    fails[rows] = (others == 0) | (same > 0)
    return fails


class _Counted:
    """How often each of many numbers occurs."""

    def __init__(self, numbers: np.ndarray):
        self.sorted = np.sort(numbers)

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """The count of each number."""
        return np.searchsorted(self.sorted, numbers, "right") - np.searchsorted(self.sorted, numbers, "left")


def scores(
    tool: Column, score: Column, known: Sequence[Assessment], pattern: str | None
) -> dict[str, np.ndarray]:
    """Rows with a problem, by problem (see :class:`idbmigrate.checks.joined_types.Score`).

    ``pattern`` is the shape of a number where an assessment gives none. Each pair of a listed tool and a
    score is judged once.
    """
    places = {each.concept: place for place, each in enumerate(known, 1)}
    tools, texts = tool.values.texts.to_pylist(), score.values.texts.to_pylist()
    listed = np.array([places.get(text, 0) for text in tools], np.int64)
    unlisted = tool.values.given & (listed == 0)
    pairs = (listed * len(texts))[tool.at]
    pairs += score.at
    there = np.zeros((len(known) + 1) * len(texts), bool)
    there[pairs] = True
    there[: len(texts)] = False
    shape, range_ = np.zeros_like(there), np.zeros_like(there)
    for pair in np.flatnonzero(there).tolist():
        text, assessment = texts[pair % len(texts)], known[pair // len(texts) - 1]
        if text:
            shape[pair] = not _shaped(text, assessment, pattern)
            range_[pair] = not _within(text, assessment)
    wrong = {"shape": shape, "range": range_, "value": shape | range_}
    return {"tool": unlisted[tool.at], **{problem: mask[pairs] for problem, mask in wrong.items()}}


def _shaped(score: str, assessment: Assessment, number: str | None) -> bool:
    """Whether a score is written as scores of the assessment are."""
    pattern = assessment.pattern or (number if assessment.range else None)
    return score in assessment.values or pattern is None or bool(pattern_of(pattern).fullmatch(score))


def _within(score: str, assessment: Assessment) -> bool:
    """Whether a score is one of the values of the assessment, or a number within its range."""
    if score in assessment.values or (assessment.range is None and not assessment.values):
        return True
    if assessment.range is None:
        return False
    try:
        low, high = (Decimal(str(end)) for end in assessment.range)
        return low <= Decimal(score) <= high
    except InvalidOperation:
        return False
