"""A column as its distinct values: what depends on one value alone is asked once for each of them.

Most columns of a submission hold few distinct values. They are found once for each column; a test then
looks at each of them, and only where one fails at the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks import patterns
from idbmigrate.checks.values import given

_VISIBLE = "[^ \\t\\r\\n]"


class Values:
    """The distinct values of a column; the last is null, whether a row is null or not.

    Tests give a mask over the values, false for null.
    """

    def __init__(self, texts: pa.StringArray):
        self.texts = texts
        self._shaped: dict[str, np.ndarray] = {}
        self._starts: dict[int, pa.StringArray] = {}

    @cached_property
    def given(self) -> np.ndarray:
        """Values that are there: neither null nor empty. Blanks are a value, as they are for the centre."""
        return given(self.texts)

    @cached_property
    def blank(self) -> np.ndarray:
        """Nothing, or white space only."""
        visible = _mask(pc.greater_equal(self.texts, "!"))  # the first sign decides for nearly all
        return ~visible if visible[:-1].all() else ~self.shaped(_VISIBLE)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of characters of each value, 0 for null."""
        return pc.fill_null(pc.utf8_length(self.texts), 0).to_numpy()

    @cached_property
    def days(self) -> np.ndarray:
        """The day that a value starts with as a number, YYYYMMDD; 0 where it starts with none."""
        return self.numbers(patterns.STARTS_WITH_DATE, 10)

    def numbers(self, pattern: str, width: int) -> np.ndarray:
        """The digits among the first ``width`` signs of values that match a pattern; 0 for others."""
        numbers = np.zeros(len(self.texts), np.int32)
        shaped = self.shaped(pattern)
        if shaped.any():
            digits = pc.replace_substring(self.starts(width).filter(pa.array(shaped)), "-", "")
            numbers[shaped] = digits.cast(pa.int32()).to_numpy()
        return numbers

    @cached_property
    def decimals(self) -> np.ndarray:
        """The number that a value is, not a number where it is none."""
        plain = pa.array(self.shaped(patterns.NUMBER))
        return pc.if_else(plain, self.texts, None).cast(pa.float64()).to_numpy(zero_copy_only=False)

    def shaped(self, pattern: str) -> np.ndarray:
        """Values that match a pattern."""
        if pattern not in self._shaped:
            self._shaped[pattern] = _mask(pc.match_substring_regex(self.texts, pattern))
        return self._shaped[pattern]

    def starts(self, width: int) -> pa.StringArray:
        """The first signs of each value."""
        if width not in self._starts:
            self._starts[width] = pc.utf8_slice_codeunits(self.texts, 0, width)
        return self._starts[width]

    def before(self, text: str, width: int) -> np.ndarray:
        """Values whose first signs come before a text."""
        return _mask(pc.less(self.starts(width), text))

    def after(self, text: str, width: int) -> np.ndarray:
        """Values whose first signs come after a text."""
        return _mask(pc.greater(self.starts(width), text))

    def among(self, texts: Sequence[str]) -> np.ndarray:
        """Values that a list holds."""
        return _mask(pc.is_in(self.texts, value_set=pa.array(texts, pa.string())))


class Column:
    """A column: its distinct values, and for each row the place of its value among them."""

    def __init__(self, values: Values, at: np.ndarray, gaps: bool):
        self.values, self.at, self._gaps = values, at, gaps

    def holds(self, mask: np.ndarray) -> bool:
        """Whether any of these values may be in the column."""
        return bool(mask[:-1].any() or (self._gaps and mask[-1]))

    def take(self, rows: np.ndarray) -> pa.StringArray:
        """The values of some rows."""
        return self.values.texts.take(pa.array(self.at[rows]))

    def moved(self, rows: np.ndarray) -> Column:
        """The column as rows of another table see it, which know its row; -1 sees null."""
        if not len(self.at):
            return Column(self.values, np.full(len(rows), len(self.values.texts) - 1, np.int32), True)
        null = np.int32(len(self.values.texts) - 1)
        return Column(self.values, np.where(rows < 0, null, self.at[rows]), True)


def encode(column: pa.ChunkedArray, known: Values | None = None) -> Column:
    """Find the distinct values of a column of text.

    A column that holds nothing but ``known`` values, as one that refers to keys should, shares them.
    """
    gaps = column.null_count > 0
    if column.null_count == len(column):
        return Column(Values(pa.nulls(1, pa.string())), np.broadcast_to(np.int32(0), len(column)), gaps)
    coded = pa.types.is_dictionary(column.type)
    whole = column.combine_chunks()
    if known is not None and coded and whole.dictionary.equals(known.texts[:-1]):
        return Column(known, _places(whole.indices, known.texts), gaps)
    if known is not None and not coded:
        at = pc.index_in(whole, value_set=known.texts[:-1])
        if at.null_count == column.null_count:
            return Column(known, _places(at, known.texts), gaps)
    found = whole if coded else pc.dictionary_encode(whole)
    texts = pa.concat_arrays([found.dictionary.cast(pa.string()), pa.nulls(1, pa.string())])
    return Column(Values(texts), _places(found.indices, texts), gaps)


def _places(indices: pa.Array, texts: pa.StringArray) -> np.ndarray:
    return pc.fill_null(indices.cast(pa.int32()), len(texts) - 1).to_numpy()


def _mask(found: pa.BooleanArray) -> np.ndarray:
    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)
