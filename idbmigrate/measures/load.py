"""Read the two packs: YAML in, typed and checked definitions out. Anything not listed here is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from idbmigrate.documents.node import Node
from idbmigrate.documents.records import (
    Key,
    Keys,
    Read,
    dict_of,
    known,
    list_of,
    maybe,
    one_of,
    record,
    remark,
    text,
    texts,
)
from idbmigrate.measures.model import (
    RELATIONS,
    Codes,
    Condition,
    Definitions,
    Disorder,
    Fact,
    Measure,
    Rate,
    Reading,
    Threshold,
)
from idbmigrate.words import STATED_CONFIDENCE

PACKS = Path(__file__).parent / "packs"
COMPARISONS = ("at_least", "at_most", "above", "below", "from_day")

_LISTS = {"schemes", "low", "high", "procedures", "mechanisms", "team_types"}
_ROLES = {
    "referral": ("table", "key", "patient", "provider", "received", "ended", "source"),
    "diagnosis": ("table", "referral", "scheme", "schemes", "code"),
    "contact": ("table", "key", "referral", "patient", "day", "attendance", "purpose", "mechanism"),
    "scores": ("columns", "table", "activity", "tool", "value", "tools"),
    "activity": ("columns", "table", "key", "contact", "procedure", "low", "high"),
    "employment": ("table", "patient", "day", "status"),
    "teams": ("table", "referral", "team", "type", "of_referral"),
    "other_teams": ("table", "referral", "team"),
    "support": ("procedures", "mechanisms", "team_types", "received"),
}


@cache
def load_definitions() -> Definitions:
    """The measures that come along."""
    return definitions(_load("definitions.yaml"))


def load_reading(dataset: str) -> Reading | None:
    """Where a data set holds what the measures need; ``None`` where no reading names it."""
    return next((each for each in _readings() if dataset in each.data_sets), None)


@cache
def _readings() -> tuple[Reading, ...]:
    top = _load("readings.yaml")
    top.only("title", "readings")
    return list_of(reading)(top.need("readings"))


def _load(name: str) -> Node:
    return Node.load(PACKS / name, "measures-invalid", name)


def definitions(top: Node) -> Definitions:
    """Typed definitions; ``DescriptionError`` (``measures-invalid``) where they are not what they may be."""
    titled = record(lambda title, where: (title, where), {"title": text, "where": text})
    sources = dict_of(titled)(top.need("sources"))
    stated = {"says": text, "source": _sources(sources), "confidence": one_of(STATED_CONFIDENCE)}
    thresholds = dict_of(record(Threshold, {"value": text, **stated}))(top.need("thresholds"))
    facts = _facts(top.need("facts"))
    found = Definitions("", "", sources, thresholds, {}, facts, (), {}, {}, {})
    named = {"name": text, "title": text}
    measure = record(
        Measure,
        {
            **named,
            "of": one_of(RELATIONS),
            "month": known(facts, "fact"),
            "when": partial(_condition, found),
            "within": maybe(known(found.measures, "measure above this one called")),
            "stock": maybe(_yes, False),
            "note": maybe(text),
            "unpublished": maybe(text),
            **stated,
        },
    )
    of_measures = known(found.measures, "measure")
    rate = record(Rate, {**named, "part": of_measures, "of": of_measures, "note": maybe(text), **stated})
    disorder = {"diagnosis": text, "tool": text, "case": known(thresholds, "threshold"), **stated}
    left_out = record(lambda name, why: (name, why), {"name": text, "why": text})
    read = record(
        Definitions,
        {
            "title": text,
            "note": text,
            "sources": dict_of(titled),
            "thresholds": Key(lambda node: thresholds),
            "codes": dict_of(record(Codes, {"values": texts, **stated})),
            "disorders": list_of(record(Disorder, disorder)),
            "facts": Key(lambda node: facts),
            "measures": partial(_by_name, found.measures, partial(_measure, measure, found)),
            "rates": partial(_by_name, found.rates, rate),
            "left_out": lambda node: dict(list_of(left_out)(node)),
        },
    )
    return read(top)


def _by_name(found: Any, read: Read[Any], node: Node) -> Mapping[str, Any]:
    """What a list says, by its names, each of which stands once; those that follow may name those before."""
    for entry in node.entries():
        each = read(entry)
        if each.name in found:
            raise entry.error(f"{each.name} stands twice")
        found[each.name] = each
    return found


def _measure(read: Read[Measure], found: Definitions, node: Node) -> Measure:
    measure = read(node)
    for name in found.facts_of(measure):
        if found.facts[name].relation != measure.of:
            raise node.error(f"the fact {name} is not one of {measure.of}")
    return measure


def _role(items: Collection[str]) -> Read[dict[str, Any]]:
    """Reader of what a data set has of some items, in the order in which it says so."""

    def read(node: Node) -> dict[str, Any]:
        node.only(*items)
        return {item: (_codes if item in _LISTS else _item)(child) for item, child in node.items()}

    return read


def _item(node: Node) -> Any:
    """What a role says of an item: a column, or columns or codes by name."""
    return dict_of(text)(node) if node.is_map else _codes(node) if node.is_list else node.text()


def _codes(node: Node) -> list[str]:
    return list(node.texts())


def reading(node: Node) -> Reading:
    """Typed reading of one or several data sets."""
    found = record(
        lambda data_sets, lacks, nothing, note, **roles: Reading(
            data_sets, {role: items for role, items in roles.items() if items}, lacks, nothing, note
        ),
        {
            "data_sets": texts,
            "note": maybe(text),
            "support_note": remark,
            "lacks": maybe(_role(load_definitions().facts), {}),
            "nothing": maybe(text),
            **{role: maybe(_role(items)) for role, items in _ROLES.items()},
        },
    )(node)
    if found.nothing is None and not {"referral", "contact", "scores", "activity"} <= set(found.roles):
        raise node.error("a reading names referral, contact, scores and activity")
    return found


def _facts(node: Node) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    node.only(*RELATIONS)
    for relation, facts in node.items():
        keys: Keys = {"says": text, "from": Key(texts, field="places"), "score": maybe(_yes, False)}
        found |= dict_of(record(partial(Fact, relation=relation), keys, key="name"))(facts)
    return found


def _yes(node: Node) -> bool:
    """A key that can only be ``yes``, and is no without."""
    if node.data != "yes":
        raise node.error(f"{node.key} is yes or not there")
    return True


def _sources(sources: Mapping[str, object]) -> Read[str]:
    """Reader of names of sources, with commas between them."""

    def read(node: Node) -> str:
        for source in node.text().split(", "):
            if source not in sources:
                raise node.unknown(f"there is no source {source!r}", source, sources)
        return node.text()

    return read


def _condition(found: Definitions, node: Node) -> Condition:
    keys = set(node.names())
    if keys in ({"all"}, {"any"}, {"none"}):
        (kind,) = keys
        return Condition(kind, parts=list_of(partial(_condition, found))(node[kind]))
    if keys == {"measure"}:
        return Condition("measure", node["measure"].known(found.measures, "measure"))
    if keys == {"present"}:
        return Condition("present", node["present"].known(found.facts, "fact"))
    if len(keys) == 2 and "fact" in keys and (kind := (keys - {"fact"}).pop()) in COMPARISONS:
        limit = node[kind].known(found.thresholds, "threshold")
        return Condition(kind, node["fact"].known(found.facts, "fact"), limit)
    raise node.error(
        f"a condition is all, any, none, measure, present, or fact with {', '.join(COMPARISONS)}"
    )
