"""Submission windows: when a portal took which month, as primary submission or as refresh.

The windows are data (``packs/windows.yaml``), each calendar with its source and confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypedDict

from idbmigrate.documents.node import Node
from idbmigrate.documents.records import (
    dict_of,
    flag,
    known,
    list_of,
    maybe,
    one_of,
    record,
    text,
    texts,
    values_of,
)
from idbmigrate.execution.parameters import month_bounds
from idbmigrate.words import CONFIDENCE

PACK = Path(__file__).parent / "packs" / "windows.yaml"
_NOBODY = "nobody has said when its windows were"


class WindowLine(TypedDict):
    """A window that took a month, as ``primary`` or ``refresh``."""

    month: str
    kind: str
    opens: str
    closes: str


class CalendarFacts(TypedDict):
    """What is known of the windows of a data set, and those that took certain months."""

    unknown: str | None
    source: str | None
    confidence: str | None
    note: str | None
    last_closes: str | None
    taken: list[WindowLine]


@dataclass(frozen=True)
class Window:
    """A time in which a portal took submissions: from ``opens`` to ``closes``, both included.

    ``months`` (``YYYY-MM``) in order: the last is primary, those before it are refreshed. ``test``: for
    testers of the portal only.
    """

    opens: date
    closes: date
    months: tuple[str, ...]
    test: bool = False

    @property
    def primary(self) -> str:
        """The month of the primary submission."""
        return self.months[-1]

    def takes_on(self, day: date) -> bool:
        """Whether the window is open on a day."""
        return self.opens <= day <= self.closes

    def as_dict(self, month: str) -> WindowLine:
        """The window as it takes one month."""
        return {
            "month": month,
            "kind": "primary" if month == self.primary else "refresh",
            "opens": self.opens.isoformat(),
            "closes": self.closes.isoformat(),
        }


@dataclass(frozen=True)
class Calendar:
    """The windows of a data set, in order; ``unknown`` says why there are none.

    ``current``: whether the data set still flows, so that there are windows after the last known one.
    """

    data_sets: tuple[str, ...]
    windows: tuple[Window, ...] = ()
    source: str | None = None
    confidence: str | None = None
    note: str | None = None
    unknown: str | None = None
    current: bool = False

    def of(self, month: str) -> tuple[Window, ...]:
        """The windows that took a month (``YYYY-MM``): as primary first, then as refresh.

        Raises ``UsageError`` (``bad-option``) where it is no month. A window that opens before its primary
        month is over takes it from the first day after.
        """
        first_after = _after(month)
        return tuple(
            Window(max(each.opens, first_after), each.closes, each.months)
            for each in self.windows
            if month in each.months and not each.test
        )

    def open_on(self, day: date) -> tuple[Window, ...]:
        """The windows that are open on a day."""
        return tuple(each for each in self.windows if not each.test and each.takes_on(day))

    @property
    def last_closes(self) -> date | None:
        """The last day of the last window that is known."""
        return max((each.closes for each in self.windows if not each.test), default=None)

    def open_for(self, day: date) -> list[str] | None:
        """The months that a window takes on a day, none where all are closed.

        ``None`` where nobody knows: the calendar is unknown, or it goes on after its last known window.
        """
        last = self.last_closes
        if last is None or (self.current and day > last):
            return None
        over = {month for window in self.open_on(day) for month in window.months if _after(month) <= day}
        return sorted(over)

    def as_dict(self, months: Iterable[str]) -> CalendarFacts:
        """The calendar with the windows that took each of these months, as one JSON object."""
        last = self.last_closes
        taken = [each.as_dict(month) for month in months for each in self.of(month)]
        return {
            "unknown": self.unknown,
            "source": self.source,
            "confidence": self.confidence,
            "note": self.note,
            "last_closes": last.isoformat() if last else None,
            "taken": taken,
        }


def load_calendar(dataset: str) -> Calendar:
    """The calendar of a data set; one without windows that says why where none is known."""
    return _calendars().get(dataset) or Calendar((dataset,), unknown=_NOBODY)


def load_calendars() -> list[Calendar]:
    """All calendars, each for one or several data sets."""
    return list(dict.fromkeys(_calendars().values()))


@cache
def _calendars() -> Mapping[str, Calendar]:
    top = Node.load(PACK, "calendar-invalid", PACK.name)
    sources = dict_of(values_of({"title": text, "where": text}))(top.need("sources"))
    window = record(
        _window,
        {"opens": _day, "closes": _day, "months": maybe(list_of(_month), ()), "test": maybe(flag, False)},
    )
    calendar = record(
        Calendar,
        {
            "data_sets": texts,
            "windows": maybe(list_of(window), ()),
            "source": maybe(known(sources, "source")),
            "confidence": maybe(one_of(CONFIDENCE)),
            "note": maybe(text),
            "unknown": maybe(text),
            "current": maybe(flag, False),
        },
    )
    top.only("title", "note", "sources", "calendars")
    return {name: each for each in list_of(calendar)(top.need("calendars")) for name in each.data_sets}


def _window(opens: date, closes: date, months: tuple[str, ...], test: bool) -> Window:
    return Window(opens, closes, months or tuple(_year_to_date(closes)), test)


def _day(node: Node) -> date:
    try:
        return date.fromisoformat(node.text())
    except ValueError:
        raise node.error("a day is written YYYY-MM-DD") from None


def _month(node: Node) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", node.text()):
        raise node.error("a month is written YYYY-MM")
    return node.text()


def months_between(first: str, last: str) -> list[str]:
    """The months (``YYYY-MM``) from one to another, both included."""
    start, stop = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(start, stop + 1)]


def _year_to_date(closes: date) -> list[str]:
    """From April to the month before the one in which a window closes; until May that of the year before."""
    before = date.fromordinal(closes.replace(day=1).toordinal() - 1)
    april = closes.year - (closes.month < 6)
    return months_between(f"{april}-04", f"{before:%Y-%m}")


def _after(month: str) -> date:
    """The first day after a month."""
    last = date.fromisoformat(month_bounds(month)[1])
    return date.fromordinal(last.toordinal() + 1)
