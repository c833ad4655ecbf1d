"""Whose submission a file is, of which month, primary or refresh: evidence in order of its weight.

The user's word stands first (``submissions.csv``), then the user's pattern, a header in the file, the rows,
and names of files and folders. Evidence of one weight that contradicts itself decides nothing and is a
question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from idbmigrate.archive.model import Kind
from idbmigrate.archive.names import Patterns, kind, kind_of_place, month_of_place, of_all, parts
from idbmigrate.periods.windows import WindowLine, load_calendar

#: A month with this share of a file's activity is the file's, whatever its name says; with more than half it
#: is where no name says otherwise.
_NEARLY_ALL, _HALF = 0.9, 0.5
#: Unique_MonthID of April 2019 (Reusable-Code-Library: 1429 to 1445 are April 2019 to August 2020).
_COUNTED_FROM = (1429, 2019 * 12 + 3)
#: The user's own word.
_USER = "submissions.csv"


@dataclass(frozen=True)
class Evidence:
    """What a file is found to be; ``words`` says of each where it is from, ``questions`` are open."""

    provider: str | None
    period: str | None
    kind: Kind | None
    words: Mapping[str, str]
    questions: tuple[str, ...] = ()


@dataclass
class _Weighed:
    """Evidence for one fact: the first that speaks decides, and the later is compared with it."""

    name: str
    value: str | None = None
    words: str = ""
    questions: list[str] = field(default_factory=list)

    def hear(self, values: Iterable[str], source: str) -> None:
        """Take what one source says; where it says two things it decides nothing, nor does what follows."""
        said = sorted(set(values))
        if not said:
            return
        if self.value is None and not self.words:
            if len(said) == 1:
                self.value, self.words = said[0], source
            else:
                self.words = f"contradictory: {source} gives {' and '.join(said)}"
                self.questions.append(f"{self.name}: {source} gives {' and '.join(said)}; which is it?")
        elif self.value is not None and said != [self.value]:
            other = " and ".join(said)
            self.questions.append(f"{self.name}: {self.words} gives {self.value}, {source} {other}")


def gather(
    facts: Mapping[str, Any],
    places: Sequence[str],
    patterns: Patterns,
    decided: Mapping[str, str],
    known: Collection[str] = (),
) -> Evidence:
    """Weigh the evidence of a file: its facts, its places, and what the user says.

    ``known`` are providers of other files: the name of a file that cannot be read may name one of them.
    """
    matches = [match for place in places for match in patterns.match(place)]
    period = _period(facts, places)
    provider, of_kind = _provider(facts, places, known), _Weighed("kind")
    weighed = {"provider": _Weighed("provider"), "period": _Weighed("period"), "kind": of_kind}
    for name, each in weighed.items():
        if name in decided:
            each.value, each.words = decided[name], _USER
            continue
        each.hear(of_all(matches, name), "the pattern " + " and ".join(sorted({m.pattern for m in matches})))
    for name, found in (("provider", provider), ("period", period)):
        for source, values in found:
            if weighed[name].words != _USER:
                weighed[name].hear(values, source)
    if of_kind.words != _USER:
        for source, values in _kind(facts, places, weighed["period"].value):
            of_kind.hear(values, source)
    questions = [question for each in weighed.values() for question in each.questions]
    questions += _open_questions(facts, weighed)
    said = {name: each.words for name, each in weighed.items() if each.words}
    return Evidence(
        weighed["provider"].value,
        weighed["period"].value,
        cast("Kind | None", of_kind.value),
        said,
        tuple(questions),
    )


_Found = list[tuple[str, set[str]]]


def _provider(facts: Mapping[str, Any], places: Sequence[str], known: Collection[str]) -> _Found:
    found: _Found = []
    header = facts.get("header", {}).get("orgcodeprovider", [])
    found.append(("the header of the file", {code.upper() for code in header}))
    for column, counts in sorted(facts.get("providers", {}).items()):
        found.append((f"the column {column}", set(counts)))
    if not facts.get("dataset"):
        words = {word.upper() for place in places for part in parts(place) for word in _words(part)}
        found.append(("the name", words & set(known)))
    return found


def _words(text: str) -> list[str]:
    return re.split(r"[^A-Za-z0-9]+", text)


def _period(facts: Mapping[str, Any], places: Sequence[str]) -> _Found:
    found: _Found = [("the header of the file", _header_months(facts.get("header", {})))]
    named = [said for place in places if (said := month_of_place(place))]
    names = (_names("the name", named), {month for month, _ in named})
    column, month, share, words = _most(facts.get("months", {}))
    dates = (f"the dates in {column} ({words})", {month} if share > _HALF else set())
    return [*found, dates, names] if share >= _NEARLY_ALL else [*found, names, dates]


def _most(months: Mapping[str, Mapping[str, int]]) -> tuple[str, str, float, str]:
    """The month with most of the activity, its column and its share, also in words."""
    if not months:
        return "", "", 0.0, ""
    column, counts = max(sorted(months.items()), key=lambda item: sum(item[1].values()))
    month, total = max(counts, key=lambda name: (counts[name], name)), sum(counts.values())
    return column, month, counts[month] / total, f"{counts[month]:,} of {total:,}"


def _header_months(header: Mapping[str, Sequence[str]]) -> set[str]:
    days = [
        *header.get("reportingperiodstartdate", ()),
        *header.get("reportingperiodenddate", ()),
    ]
    found = {day[:7] for day in days if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day)}
    if not found:
        first, month = _COUNTED_FROM
        for number in header.get("unique_monthid", ()):
            if number.isdigit():
                at = month + int(number) - first
                found.add(f"{at // 12:04d}-{at % 12 + 1:02d}")
    return found


def _kind(facts: Mapping[str, Any], places: Sequence[str], period: str | None) -> _Found:
    types = facts.get("header", {}).get("file_type", ())
    found: _Found = [("the header of the file", {word for text in types if (word := kind(text))})]
    named = [said for place in places if (said := kind_of_place(place))]
    found.append((_names("the name", named), {word for word, _ in named}))
    if period and facts.get("modified") and facts.get("dataset"):
        day = facts["modified"][:10]
        taken: dict[str, WindowLine] = {
            line["kind"]: line
            for line in load_calendar(facts["dataset"]).as_dict([period])["taken"]
            if line["opens"] <= day <= line["closes"]
        }
        if len(taken) == 1:
            [(of_window, line)] = taken.items()
            window = f"{line['opens']} to {line['closes']}"
            found.append((f"the submission window {window}, in which the file was changed", {of_window}))
    return found


def _names(lead: str, named: Sequence[tuple[str, str]]) -> str:
    return f"{lead} {' and '.join(sorted({name for _, name in named}))}"


def _open_questions(facts: Mapping[str, Any], weighed: Mapping[str, _Weighed]) -> list[str]:
    """What nothing says, where it has to be known."""
    if not facts.get("dataset"):
        return []
    found = []
    if weighed["provider"].value is None and not weighed["provider"].questions:
        found.append("provider: nothing in the file or its name says it")
    period = weighed["period"]
    spread = sorted({month for months in facts.get("months", {}).values() for month in months})
    held = f"its dates are of {spread[0]} to {spread[-1]}" if spread else "it has no dates"
    if period.value is None and not period.questions:
        found.append(f"period: no month stands out, and no name says it; {held}")
    elif period.value and spread and period.value not in spread and period.words != _USER:
        found.append(f"period: {period.words} gives {period.value}, of which the file has no date; {held}")
    return found
