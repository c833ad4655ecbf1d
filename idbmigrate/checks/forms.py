"""The closed list of check forms that look at one row.

Each form has the same faces: its fields (what a rule pack may write), ``columns`` (what it looks
at), ``meaning`` (when it fails, in words) and ``sql`` (a sqlglot expression that is true where it
fails, or None where the context lacks what it needs). A blank value fails only ``blank``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idbmigrate.checks import patterns
from idbmigrate.checks.operands import Operand
from idbmigrate.checks.values import ALGORITHMS

if TYPE_CHECKING:
    from sqlglot import exp

    from idbmigrate.checks.plan import Plan


class Form:
    """Base of all check forms."""

    def columns(self) -> tuple[str, ...]:
        """Columns of the rule's own table that the form looks at, the one to blame first."""
        raise NotImplementedError

    def meaning(self) -> str:
        """When the form fails, in words."""
        raise NotImplementedError

    def sql(self, plan: Plan) -> exp.Expression | None:
        """Expression that is true for a failing row; None where it cannot be run."""
        raise NotImplementedError


@dataclass(frozen=True)
class _OneColumn(Form):
    column: str

    def columns(self) -> tuple[str, ...]:
        return (self.column,)


class Blank(_OneColumn):
    """``blank: Column``: nothing, or white space only."""

    def meaning(self) -> str:
        return f"{self.column} is blank"

    def sql(self, plan: Plan) -> exp.Expression:
        return plan.blank(self.column)


class Given(_OneColumn):
    """``given: Column``: anything at all; for use inside ``all`` and ``any``."""

    def meaning(self) -> str:
        return f"{self.column} is given"

    def sql(self, plan: Plan) -> exp.Expression:
        return plan.given(self.column)


@dataclass(frozen=True)
class Length(_OneColumn):
    """``length: {column, min, max}``: number of characters."""

    min: int
    max: int

    def meaning(self) -> str:
        if self.min == self.max:
            return f"{self.column} does not have {self.max} character{'s' * (self.max != 1)}"
        if self.min == 0:
            return f"{self.column} is longer than {self.max} characters"
        return f"{self.column} does not have {self.min} to {self.max} characters"

    def sql(self, plan: Plan) -> exp.Expression:
        from sqlglot import exp

        size = exp.Length(this=plan.column(self.column))
        fails: exp.Expression = exp.GT(this=size, expression=exp.Literal.number(self.max))
        if self.min > 1:
            fails = exp.or_(exp.LT(this=size.copy(), expression=exp.Literal.number(self.min)), fails)
        return exp.and_(plan.given(self.column), fails)


@dataclass(frozen=True)
class Pattern(_OneColumn):
    """``pattern: {column, pattern, words}``: fails where the value does not match."""

    pattern: str
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is not {self.words or 'of the shape ' + self.pattern}"

    def sql(self, plan: Plan) -> exp.Expression:
        from sqlglot import exp

        return exp.and_(plan.given(self.column), exp.not_(plan.shaped(self.column, self.pattern)))


@dataclass(frozen=True)
class Digits(_OneColumn):
    """``digits: {column, min, max}``: digits only, of that length."""

    min: int
    max: int

    def meaning(self) -> str:
        return f"{self.column} is not {max(self.min, 1)} to {self.max} digits"

    def sql(self, plan: Plan) -> exp.Expression:
        return Pattern(self.column, f"^[0-9]{{{max(self.min, 1)},{self.max}}}$").sql(plan)


@dataclass(frozen=True)
class Matches(_OneColumn):
    """``matches: {column, pattern, words}``: fails where the value does match."""

    pattern: str
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} {self.words or 'has the shape ' + self.pattern}"

    def sql(self, plan: Plan) -> exp.Expression:
        return plan.matches(self.column, self.pattern)


class Date(_OneColumn):
    """``date: Column``: a day that exists, written YYYY-MM-DD, not before 1890."""

    def meaning(self) -> str:
        return f"{self.column} is not a date that exists (YYYY-MM-DD, from 1890 on)"

    def sql(self, plan: Plan) -> exp.Expression:
        from sqlglot import exp

        early = exp.LT(this=plan.column(self.column), expression=exp.Literal.string(patterns.FIRST_DAY))
        bad = exp.not_(plan.shaped(self.column, patterns.DATE))
        return exp.and_(plan.given(self.column), exp.or_(bad, early))


class Time(_OneColumn):
    """``time: Column``: a time of day, written HH:MM:SS."""

    def meaning(self) -> str:
        return f"{self.column} is not a time of day (HH:MM:SS)"

    def sql(self, plan: Plan) -> exp.Expression:
        return Pattern(self.column, patterns.TIME).sql(plan)


class Timestamp(_OneColumn):
    """``timestamp: Column``: date and time without an offset."""

    def meaning(self) -> str:
        return f"{self.column} is not a date and time (YYYY-MM-DDTHH:MM:SS)"

    def sql(self, plan: Plan) -> exp.Expression:
        return Pattern(self.column, patterns.TIMESTAMP).sql(plan)


class OffsetTimestamp(_OneColumn):
    """``offset_timestamp: Column``: date and time with an offset from UTC."""

    def meaning(self) -> str:
        return f"{self.column} is not a date and time with its offset (YYYY-MM-DDTHH:MM:SS+HH:MM or Z)"

    def sql(self, plan: Plan) -> exp.Expression:
        return Pattern(self.column, patterns.OFFSET_TIMESTAMP).sql(plan)


@dataclass(frozen=True)
class Is(_OneColumn):
    """``is: {column, in: [...]}``: the value is one of a list; for use inside ``all`` and ``any``."""

    values: tuple[str, ...]
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is {self.words or ' or '.join(self.values)}"

    def sql(self, plan: Plan) -> exp.Expression:
        from sqlglot import exp

        return exp.and_(plan.given(self.column), plan.among(self.column, self.values))


@dataclass(frozen=True)
class Code(_OneColumn):
    """``code: {column, in: [...]}``: fails where the value is not listed.

    Without ``in`` the national codes of the column in the data set description are the list.
    """

    values: tuple[str, ...] | None = None
    words: str | None = None

    def meaning(self) -> str:
        return f"{self.column} is not {self.words or 'one of its national codes'}"

    def sql(self, plan: Plan) -> exp.Expression | None:
        from sqlglot import exp

        values = self.values if self.values is not None else plan.codes(self.column)
        if not values:
            return None
        listed = plan.among(self.column, values)
        return exp.and_(plan.given(self.column), exp.not_(listed))


@dataclass(frozen=True)
class Algorithm(_OneColumn):
    """``check: {column, is: nhs-number}``: an algorithm of :mod:`idbmigrate.checks.values`."""

    algorithm: str

    def meaning(self) -> str:
        return f"{self.column} {ALGORITHMS[self.algorithm][1]}"

    def sql(self, plan: Plan) -> exp.Expression:
        return plan.failing(self.column, self.algorithm)


@dataclass(frozen=True)
class Compared(_OneColumn):
    """``after``, ``before``, ``differs``, ``equals``: ``{column, than, plus: {years, days}}``.

    Dates compare as ISO text, and only where both are real dates.
    """

    relation: str
    than: Operand

    def columns(self) -> tuple[str, ...]:
        other = self.than.column
        return (self.column, other) if other else (self.column,)

    def meaning(self) -> str:
        words = {"after": "is after", "before": "is before", "differs": "differs from", "equals": "is"}
        return f"{self.column} {words[self.relation]} {self.than.words()}"

    def sql(self, plan: Plan) -> exp.Expression | None:
        from sqlglot import exp

        other = self.than.sql(plan)
        if other is None:
            return None
        this = plan.column(self.column)
        if self.relation in ("differs", "equals"):
            same = exp.EQ(this=this, expression=other)
            holds = exp.not_(same) if self.relation == "differs" else same
            return exp.and_(plan.given(self.column), holds)
        width = 19 if self.than.text == "submission.time" else 10
        guards = [exp.RegexpLike(this=this.copy(), expression=exp.Literal.string(patterns.STARTS_WITH_DATE))]
        if not other.is_string:
            shape = exp.Literal.string(patterns.STARTS_WITH_DATE)
            guards.append(exp.RegexpLike(this=other.copy(), expression=shape))
        first, second = (_start(side, width) for side in (this, other))
        kind = exp.GT if self.relation == "after" else exp.LT
        # the comparison first: it spares nearly every row the patterns
        return exp.and_(kind(this=first, expression=second), *guards)


def _start(side: exp.Expression, width: int) -> exp.Expression:
    from sqlglot import exp

    if side.is_string:
        return exp.Literal.string(side.name[:width])
    return exp.Substring(this=side.copy(), start=exp.Literal.number(1), length=exp.Literal.number(width))


@dataclass(frozen=True)
class MonthBefore(_OneColumn):
    """``month_before: {column, than}``: a year and month that lies before the month of a date."""

    than: Operand

    def meaning(self) -> str:
        return f"{self.column} is before the month of {self.than.words()}"

    def sql(self, plan: Plan) -> exp.Expression | None:
        from sqlglot import exp

        other = self.than.sql(plan)
        if other is None:
            return None
        shape = exp.Literal.string(patterns.STARTS_WITH_DATE)
        return exp.and_(
            plan.matches(self.column, patterns.MONTH),
            exp.RegexpLike(this=other.copy(), expression=shape),
            exp.LT(this=_start(plan.column(self.column), 7), expression=_start(other, 7)),
        )
