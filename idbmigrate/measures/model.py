"""What the two packs of this room say, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: what a measure may count, and so the relations that facts belong to
RELATIONS = ("referrals", "contacts", "support")


@dataclass(frozen=True)
class Threshold:
    """A published number or day that conditions name."""

    value: str
    says: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Codes:
    """Published codes that stand for one thing in every data set."""

    values: tuple[str, ...]
    says: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Fact:
    """Something that is known of each referral or contact, and the places (``role.item``) it comes from."""

    name: str
    relation: str
    says: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Condition:
    """One node of a measure's condition.

    ``kind``: ``all``, ``any``, ``none`` of ``parts``; ``measure`` (``name``); ``present`` (the fact
    ``name``); or a comparison of the fact ``name`` with the threshold ``limit``.
    """

    kind: str
    name: str = ""
    limit: str = ""
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One published count.

    ``of`` is the relation whose rows are counted, ``month`` the fact that decides their month, ``within``
    the measure that it is a part of.
    """

    name: str
    title: str
    of: str
    month: str
    when: Condition
    source: str
    confidence: str
    within: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Definitions:
    """All measures, in order, with what their conditions name, and the measures that are left out."""

    title: str
    note: str
    sources: Mapping[str, tuple[str, str]]
    thresholds: Mapping[str, Threshold]
    codes: Mapping[str, Codes]
    facts: Mapping[str, Fact]
    measures: Mapping[str, Measure]
    left_out: Mapping[str, str]

    def facts_of(self, measure: Measure) -> set[str]:
        """Names of all facts that a measure rests on, through the measures that it names."""
        return {measure.month} | self._condition(self.condition(measure))

    def condition(self, measure: Measure) -> Condition:
        """The whole condition, with that of the measure it lies within."""
        outer = (Condition("measure", measure.within),) if measure.within else ()
        return Condition("all", parts=(*outer, measure.when))

    def _condition(self, condition: Condition) -> set[str]:
        if condition.kind in ("all", "any", "none"):
            return {name for part in condition.parts for name in self._condition(part)}
        if condition.kind == "measure":
            return self._condition(self.condition(self.measures[condition.name]))
        return {condition.name}


@dataclass(frozen=True)
class Reading:
    """Where one data set holds what the measures need.

    ``roles`` are the mappings of the pack by name (referral, contact, scores, activity, teams, support).
    ``lacks`` says of facts why the data set cannot give them; ``nothing`` that it gives none at all.
    """

    data_sets: tuple[str, ...]
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    nothing: str | None = None
    note: str | None = None

    @property
    def own_support_referral(self) -> bool:
        """Whether employment support has referrals of its own, as it has in the current data sets."""
        return "teams" in self.roles

    def column(self, place: str) -> list[tuple[str, str]]:
        """Tables and columns behind a place (``role.item``) of a fact; empty where there is none."""
        role, _, item = place.partition(".")
        table = self.roles[role if role != "score" else "contact"].get("table", "")
        if role == "score":
            columns = [self.roles["scores"].get("columns", {}).get(item)]
        elif item == "therapy":
            columns = list(self.roles["activity"].get("columns", ()))
        elif item == "support":
            table, columns = self.roles["contact"]["table"], [self.roles["support"].get("received")]
        else:
            columns = [self.roles[role].get(item)]
        return [(table, column) for column in columns if column]
