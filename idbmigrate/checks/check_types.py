"""The closed list of check types that look at one row.

Each has the same faces: its fields (what a rule pack may write), ``columns`` (what it looks
at), ``meaning`` (when it fails, in words) and ``sql`` (a sqlglot expression that is true where it
fails). Where one value decides, ``fails`` says for which of a column's distinct values. A column
without a value fails only ``blank`` and ``missing``;
blanks are a value that ``blank`` refuses and the others look at, as at the centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idbmigrate.checks import patterns
from idbmigrate.checks.operands import CannotRun
from idbmigrate.checks.values import ALGORITHMS

if TYPE_CHECKING:
    import numpy as np
    from sqlglot import exp

    from idbmigrate.checks.distinct import Values
    from idbmigrate.checks.plan import Plan


class CheckType:
    """Base of all check types."""

    def columns(self) -> tuple[str, ...]:
        """Columns of the rule's own table that the check looks at, the one to blame first."""
        raise NotImplementedError

    def meaning(self) -> str:
        """When the check fails, in words."""
        raise NotImplementedError

    def sql(self, plan: Plan) -> exp.Expr:
        """Expression that is true for a failing row.

        Raises :class:`~idbmigrate.checks.operands.CannotRun` where the rule looks at what is not there.
        """
        raise NotImplementedError

    def cause(self) -> CheckType | None:
        """A check whose failure makes this one fail as a consequence."""
        return None


@dataclass(frozen=True)
class OneColumn(CheckType):
    """Base of the checks of one value."""

    column: str

    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        """Mask of the distinct values that fail; raises ``CannotRun``."""
        raise NotImplementedError

    def sql(self, plan: Plan) -> exp.Expr:
        return plan.tested(self)


class Blank(OneColumn):
    """``blank: Column``: nothing, or white space only."""

    def meaning(self) -> str:
        return f"{self.column} is blank"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return values.blank


class Missing(OneColumn):
    """``missing: Column``: no value, not even blanks; for use inside ``all`` and ``any``."""

    def meaning(self) -> str:
        return f"{self.column} is missing"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return ~values.given


class Given(OneColumn):
    """``given: Column``: anything at all, blanks too; for use inside ``all`` and ``any``."""

    def meaning(self) -> str:
        return f"{self.column} is given"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return values.given


@dataclass(frozen=True)
class Length(OneColumn):
    """``length: {column, min, max}``: number of characters."""

    min: int
    max: int

    def meaning(self) -> str:
        if self.min == self.max:
            return f"{self.column} does not have {self.max} character{'s' * (self.max != 1)}"
        if self.min == 0:
            return f"{self.column} is longer than {self.max} characters"
        return f"{self.column} does not have {self.min} to {self.max} characters"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        outside = (values.lengths > self.max) | (values.lengths < self.min)
        return values.given & outside if outside.any() else outside


@dataclass(frozen=True)
class Pattern(OneColumn):
    """``pattern: {column, pattern, words}``: fails where the value does not match."""

    pattern: str
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is not {self.words or 'of the shape ' + self.pattern}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return values.given & ~values.shaped(self.pattern)


@dataclass(frozen=True)
class Digits(OneColumn):
    """``digits: {column, min, max}``: digits only, of that length."""

    min: int
    max: int

    def meaning(self) -> str:
        return f"{self.column} is not {max(self.min, 1)} to {self.max} digits"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return Pattern(self.column, f"^[0-9]{{{max(self.min, 1)},{self.max}}}$").fails(values, plan)


@dataclass(frozen=True)
class Matches(OneColumn):
    """``matches: {column, pattern, words}``: fails where the value does match."""

    pattern: str
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} {self.words or 'has the shape ' + self.pattern}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return values.shaped(self.pattern)


def _no_day_of(pattern: str, values: Values) -> np.ndarray:
    """Values without the shape of a day or moment, or before the first day that the centre takes."""
    return values.given & ~(values.shaped(pattern) & ~values.before(patterns.FIRST_DAY, 10))


class Date(OneColumn):
    """``date: Column``: a day that exists, written YYYY-MM-DD, not before 1890."""

    def meaning(self) -> str:
        return f"{self.column} is not a date that exists (YYYY-MM-DD, from 1890 on)"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return _no_day_of(patterns.DATE, values)


class Time(OneColumn):
    """``time: Column``: a time of day, written HH:MM:SS."""

    def meaning(self) -> str:
        return f"{self.column} is not a time of day (HH:MM:SS)"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return Pattern(self.column, patterns.TIME).fails(values, plan)


class Timestamp(OneColumn):
    """``timestamp: Column``: date and time without an offset, not before 1890."""

    def meaning(self) -> str:
        return f"{self.column} is not a date and time (YYYY-MM-DDTHH:MM:SS, from 1890 on)"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return _no_day_of(patterns.TIMESTAMP, values)


class OffsetTimestamp(OneColumn):
    """``offset_timestamp: Column``: date and time with an offset of London, not before 1890."""

    def meaning(self) -> str:
        return (
            f"{self.column} is not a date and time with its offset "
            "(YYYY-MM-DDTHH:MM:SS and Z, +00:00 or +01:00, from 1890 on)"
        )

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return _no_day_of(patterns.OFFSET_TIMESTAMP, values)


@dataclass(frozen=True)
class Is(OneColumn):
    """``is: {column, in: [...]}``: the value is one of a list; for use inside ``all`` and ``any``."""

    values: tuple[str, ...]
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is {self.words or ' or '.join(self.values)}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return values.given & values.among(self.values)


@dataclass(frozen=True)
class Code(OneColumn):
    """``code: {column, in: [...]}``: fails where the value is not listed.

    Without ``in`` the national codes of the column in the data set description are the list.
    """

    values: tuple[str, ...] | None = None
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is not {self.words or 'one of its national codes'}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        listed = self.values if self.values is not None else plan.codes(self.column)
        if not listed:
            raise CannotRun(code_list=True)
        return values.given & ~values.among(listed)


@dataclass(frozen=True)
class Algorithm(OneColumn):
    """``check: {column, is: nhs-number}``: an algorithm of :mod:`idbmigrate.checks.values`."""

    algorithm: str

    def meaning(self) -> str:
        return f"{self.column} {ALGORITHMS[self.algorithm][1]}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        return ~ALGORITHMS[self.algorithm][0](values.texts)


@dataclass(frozen=True)
class Range(OneColumn):
    """``range: {column, min, max}``: a number outside; what is no number is the business of its shape."""

    min: int
    max: int

    def meaning(self) -> str:
        return f"{self.column} is outside {self.min} to {self.max}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        numbers = values.decimals
        return (numbers < self.min) | (numbers > self.max)
