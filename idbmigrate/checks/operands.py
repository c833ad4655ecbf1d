"""What a column is compared with: another column, a related row's column, the period, a fixed date."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idbmigrate.checks.distinct import Column
    from idbmigrate.checks.plan import Plan

#: name in a rule pack -> the words for it
OUTSIDE = {
    "period.start": "the first day of the reporting period",
    "period.end": "the last day of the reporting period",
    "submission.time": "the moment of submission",
    "submission.day": "the day of submission",
    "portal.provider": "the provider chosen in the portal",
    "portal.sender": "the organisation that is logged in to the portal",
    "header.provider": "the provider in the header",
    "header.created": "the creation of the data set",
}
_NO_LIST = "the data set description has no list of codes for the column"
_NO_DAY = "the day to compare with lies outside the calendar"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class CannotRun(Exception):
    """A rule looks at what is not there.

    ``outside`` are the names of values from outside the tables (:data:`OUTSIDE`) that were not given,
    ``code_list`` says that a column has no list of codes. Else a day to compare with lies outside the
    calendar.
    """

    def __init__(self, outside: Iterable[str] = (), code_list: bool = False):
        super().__init__()
        self.outside, self.code_list = frozenset(outside), code_list

    def words(self) -> str:
        """The reason as reports give it."""
        if self.outside:
            return f"not given: {' and '.join(OUTSIDE[name] for name in OUTSIDE if name in self.outside)}"
        return _NO_LIST if self.code_list else _NO_DAY


@dataclass(frozen=True)
class Operand:
    """One side of a comparison, as a rule pack writes it.

    ``period.end``, ``submission.day``, ``portal.provider`` ... come from outside the table;
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
        return None if self.same_for_all or "." in self.text else self.text

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

    @property
    def same_for_all(self) -> bool:
        """Whether it is one value for all rows: one from outside the table, or a date."""
        return self.outside or bool(_DAY.fullmatch(self.text))

    def value(self, plan: Plan) -> str:
        """The value that is the same for all rows; raises :class:`CannotRun` where there is none."""
        value = plan.outside(self.text) if self.outside else self.text
        if value is None:
            raise CannotRun([self.text])
        moved = shifted(value, self.years, self.days)
        if moved is None:
            raise CannotRun
        return moved

    def seen(self, plan: Plan) -> Column:
        """The column of the same row, or of the row that it belongs to."""
        table, _, column = self.text.rpartition(".")
        return plan.related(table, column) if table else plan.column(column)


def shifted(value: str, years: int, days: int) -> str | None:
    """Move an ISO date by whole years and days; None where that leaves the calendar.

    29 February becomes 28 where the year has none.
    """
    if not (years or days):
        return value
    try:
        day = date.fromisoformat(value[:10])
        last = 28 if (day.month, day.day) == (2, 29) and not isleap(day.year + years) else day.day
        return (day.replace(year=day.year + years, day=last) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return None
