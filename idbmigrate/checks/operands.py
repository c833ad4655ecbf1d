"""What a column is compared with: another column, a related row's column, the period, a fixed date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from idbmigrate.checks.plan import Plan

#: name in a rule pack -> the words for it
OUTSIDE = {
    "period.start": "the first day of the reporting period",
    "period.end": "the last day of the reporting period",
    "submission.time": "the moment of submission",
    "portal.provider": "the provider chosen in the portal",
    "portal.sender": "the organisation that is logged in to the portal",
    "header.provider": "the provider in the header",
    "header.created": "the creation of the data set",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Operand:
    """One side of a comparison, as a rule pack writes it.

    ``period.end``, ``submission.time``, ``portal.provider`` ... come from outside the table;
    ``Table.Column`` is the value of the row that this one belongs to, over as many relations as it
    takes; ``2005-01-01`` is a date; anything else is a column of the same row. ``plus`` moves a value
    from outside by whole years and days.
    """

    text: str
    years: int = 0
    days: int = 0

    @property
    def column(self) -> str | None:
        """The column of the same row, where it is one."""
        return None if self.outside or "." in self.text or _DAY.fullmatch(self.text) else self.text

    @property
    def outside(self) -> bool:
        """Whether the value comes from outside the table and is the same for every row."""
        return self.text in OUTSIDE

    def words(self) -> str:
        """The operand in words."""
        moves = [
            f"{'plus' if number > 0 else 'less'} {abs(number)} {unit[: None if abs(number) > 1 else -1]}"
            for number, unit in ((self.years, "years"), (self.days, "days"))
            if number
        ]
        return " ".join([OUTSIDE.get(self.text, self.text), *moves])

    def sql(self, plan: Plan) -> exp.Expression | None:
        """The operand as an expression; None where the context does not hold it."""
        from sqlglot import exp

        if self.outside:
            value = plan.outside(self.text)
            if value is None:
                return None
            return exp.Literal.string(shifted(value, self.years, self.days))
        if _DAY.fullmatch(self.text):
            return exp.Literal.string(self.text)
        if "." in self.text:
            table, column = self.text.split(".", 1)
            return plan.related(table, column)
        return plan.column(self.text)


def shifted(value: str, years: int, days: int) -> str:
    """Move an ISO date by whole years and days; 29 February becomes 28 where the year has none."""
    if not (years or days):
        return value
    day = date.fromisoformat(value[:10])
    try:
        day = day.replace(year=day.year + years)
    except ValueError:
        day = day.replace(year=day.year + years, day=28)
    return (day + timedelta(days=days)).isoformat()
