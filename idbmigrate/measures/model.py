"""What the two packs of this room say, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

#: what a measure may count, and so the relations that facts belong to
RELATIONS = ("referrals", "contacts", "support", "support_years")
#: scores are kept in hundredths, as one of them has two decimals
HUNDREDTHS = 100


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
    """Something that is known of each referral or contact, and the places (``role.item``) it comes from.

    ``score``: whether it is a score, and so a number of hundredths.
    """

    name: str
    relation: str
    says: str
    places: tuple[str, ...]
    score: bool = False


@dataclass(frozen=True)
class Disorder:
    """A diagnosis whose own questionnaire takes the place of GAD-7 where its first score is at caseness.

    ``diagnosis`` is how the cleaned ICD-10 code begins, ``tool`` the questionnaire, ``case`` the threshold.
    """

    diagnosis: str
    tool: str
    case: str
    says: str
    source: str
    confidence: str


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
    the measure that it is a part of. ``stock``: what there is at the end of the month, from whichever day.
    ``says`` is the definition in words, ``unpublished`` what no public source tells of it.
    """

    name: str
    title: str
    of: str
    month: str
    when: Condition
    says: str
    source: str
    confidence: str
    within: str | None = None
    stock: bool = False
    note: str | None = None
    unpublished: str | None = None


@dataclass(frozen=True)
class Rate:
    """One measure as a percentage of another."""

    name: str
    title: str
    part: str
    of: str
    says: str
    source: str
    confidence: str
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
    disorders: tuple[Disorder, ...]
    measures: Mapping[str, Measure]
    rates: Mapping[str, Rate]
    left_out: Mapping[str, str]

    def hundredths(self, threshold: str) -> int:
        """A threshold of scores as a number of hundredths."""
        return int(Decimal(self.thresholds[threshold].value) * HUNDREDTHS)

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

    ``roles`` are the mappings of the pack by name (referral, diagnosis, contact, scores, activity,
    employment, teams, support).
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
        contact, referral = self.roles["contact"]["table"], self.roles["referral"]["table"]
        if role == "score":
            table, columns = contact, [self.roles["scores"].get("columns", {}).get(item)]
        elif item == "therapy":
            table, columns = contact, list(self.roles["activity"].get("columns", ()))
        elif item == "support":
            table, columns = contact, [self.roles["support"].get("received")]
        elif role == "diagnosis":
            table, columns = referral, [self.roles["diagnosis"].get("code")]
        elif role == "employment":
            table, columns = contact, [self.roles["employment"].get("status")]
        else:
            table, columns = self.roles[role]["table"], [self.roles[role].get(item)]
        return [(table, column) for column in columns if column]
