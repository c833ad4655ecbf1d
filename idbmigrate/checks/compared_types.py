"""Check types that compare a column with another one, a date or something from outside the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idbmigrate.checks import patterns
from idbmigrate.checks.check_types import Given, OneColumn
from idbmigrate.checks.operands import Operand

if TYPE_CHECKING:
    import numpy as np
    from sqlglot import exp

    from idbmigrate.checks.distinct import Column, Values
    from idbmigrate.checks.plan import Plan


@dataclass(frozen=True)
class Compared(OneColumn):
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

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        text = self.than.value(plan)
        if self.relation in ("differs", "equals"):
            same = values.among([text])
            return values.given & (~same if self.relation == "differs" else same)
        width = 19 if self.than.text == "submission.time" else 10
        compare = values.after if self.relation == "after" else values.before
        return compare(text[:width], width) & (values.days > 0)

    def sql(self, plan: Plan) -> exp.Expr:
        if self.than.same_for_all:
            return plan.tested(self)
        from sqlglot import exp

        this, other = plan.column(self.column), self.than.seen(plan)
        if self.relation in ("differs", "equals"):
            same = exp.EQ(this=plan.texts(this), expression=plan.texts(other))
            holds = exp.not_(same) if self.relation == "differs" else same
            return exp.and_(Given(self.column).sql(plan), holds)
        kind = exp.GT if self.relation == "after" else exp.LT
        left = (f"day of {self.column}", this, this.values.days)
        right = (f"day of {self.than.text}", other, other.values.days)
        return _ordered(kind, plan, left, right)


@dataclass(frozen=True)
class MonthBefore(OneColumn):
    """``month_before: {column, than}``: a year and month that lies before the month of a date."""

    than: Operand

    def meaning(self) -> str:
        return f"{self.column} is before the month of {self.than.words()}"

    def fails(self, values: Values, plan: Plan) -> np.ndarray:
        text = self.than.value(plan)
        return values.shaped(patterns.MONTH) & values.before(text[:7], 7)

    def sql(self, plan: Plan) -> exp.Expr:
        if self.than.same_for_all:
            return plan.tested(self)
        from sqlglot import exp

        this, other = plan.column(self.column), self.than.seen(plan)
        left = (f"month of {self.column}", this, this.values.numbers(patterns.MONTH, 7))
        right = (f"month of {self.than.text}", other, other.values.days // 100)
        return _ordered(exp.LT, plan, left, right)


def _ordered(kind: type[exp.Binary], plan: Plan, *sides: tuple[str, Column, np.ndarray]) -> exp.Expr:
    """A comparison of the numbers that stand for two columns; false where a side has none at all."""
    from sqlglot import exp

    if not all(numbers.any() for _, _, numbers in sides):
        return exp.false()
    this, other = (plan.numbers(*side) for side in sides)
    return kind(this=this, expression=other)
