"""Read the two packs: YAML in, typed and checked definitions out. Anything not listed here is refused."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from idbmigrate.documents import yaml as yamlio
from idbmigrate.errors import DescriptionError
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

_TOP = {
    "title",
    "note",
    "sources",
    "thresholds",
    "codes",
    "disorders",
    "facts",
    "measures",
    "rates",
    "left_out",
}
_MEASURE = {"name", "title", "of", "month", "when", "says", "source", "confidence"}
_OF_MEASURE = {"within", "stock", "note", "unpublished"}
_RATE = {"name", "title", "part", "of", "says", "source", "confidence"}
_ROLES = {
    "referral": {"table", "key", "patient", "provider", "received", "ended", "source"},
    "diagnosis": {"table", "referral", "scheme", "schemes", "code"},
    "contact": {"table", "key", "referral", "patient", "day", "attendance", "purpose", "mechanism"},
    "scores": {"columns", "table", "activity", "tool", "value", "tools"},
    "activity": {"columns", "table", "key", "contact", "procedure", "low", "high"},
    "employment": {"table", "patient", "day", "status"},
    "teams": {"table", "referral", "team", "type", "of_referral"},
    "other_teams": {"table", "referral", "team"},
    "support": {"procedures", "mechanisms", "team_types", "received"},
}
_READING = {"data_sets", "note", "support_note", "lacks", "nothing", *_ROLES}


@cache
def load_definitions() -> Definitions:
    """The measures that come along."""
    return definitions(yamlio.load(PACKS / "definitions.yaml"))


def load_reading(dataset: str) -> Reading | None:
    """Where a data set holds what the measures need; ``None`` where no reading names it."""
    return next((each for each in _readings() if dataset in each.data_sets), None)


@cache
def _readings() -> tuple[Reading, ...]:
    data = _mapping(yamlio.load(PACKS / "readings.yaml"), {"title", "readings"}, "readings")
    return tuple(reading(each) for each in data["readings"])


def refused(message: str, place: str) -> DescriptionError:
    """The error that names the place in a pack."""
    return DescriptionError(message, code="measures-invalid", where=place)


def definitions(data: Any) -> Definitions:
    """Typed definitions; ``DescriptionError`` (``measures-invalid``) where they are not what they may be."""
    data = _mapping(data, _TOP, "top", required=_TOP)
    sources = {
        name: (each["title"], each["where"])
        for name, each in data["sources"].items()
        if _mapping(each, {"title", "where"}, f"sources.{name}", required={"title", "where"})
    }
    found = Definitions(
        title=data["title"],
        note=data["note"],
        sources=sources,
        thresholds={n: Threshold(**_limit(each, "value", n)) for n, each in data["thresholds"].items()},
        codes={n: _codes(_limit(each, "values", n)) for n, each in data["codes"].items()},
        facts=_facts(data["facts"]),
        disorders=tuple(_disorder(each, data["thresholds"]) for each in data["disorders"]),
        measures={},
        rates={},
        left_out={each["name"]: each["why"] for each in data["left_out"]},
    )
    for each in data["measures"]:
        measure = _measure(each, found)
        found.measures[measure.name] = measure  # type: ignore[index]
    for each in data["rates"]:
        rate = _rate(each, found)
        found.rates[rate.name] = rate  # type: ignore[index]
    _sourced(found)
    return found


def reading(data: Any) -> Reading:
    """Typed reading of one or several data sets."""
    data = _mapping(data, _READING, "readings", required={"data_sets"})
    place = ", ".join(data["data_sets"])
    roles = {
        name: _mapping(data[name], allowed, f"{place}: {name}")
        for name, allowed in _ROLES.items()
        if name in data
    }
    lacks = _mapping(data.get("lacks") or {}, set(load_definitions().facts), f"{place}: lacks")
    if "nothing" not in data and not {"referral", "contact", "scores", "activity"} <= set(roles):
        raise refused("a reading names referral, contact, scores and activity", place)
    return Reading(tuple(data["data_sets"]), roles, lacks, data.get("nothing"), data.get("note"))


def _facts(data: Any) -> dict[str, Fact]:
    return {
        name: Fact(name, relation, each["says"], tuple(each["from"]), _yes(each, "score", name))
        for relation, facts in _mapping(data, set(RELATIONS), "facts").items()
        for name, each in facts.items()
        if _mapping(each, {"says", "from", "score"}, f"facts.{name}", required={"says", "from"})
    }


def _measure(data: Any, found: Definitions) -> Measure:
    place = str(data.get("name")) if isinstance(data, dict) else "measures"
    _mapping(data, _MEASURE | _OF_MEASURE, place, required=_MEASURE)
    if data["name"] in found.measures:
        raise refused("the measure stands twice", place)
    if data.get("within") and data["within"] not in found.measures:
        raise refused(f"there is no measure {data['within']!r} above this one", place)
    condition = _condition(data["when"], found, place)
    measure = Measure(**{**data, "when": condition, "stock": _yes(data, "stock", place)})
    if found.facts[measure.month].relation != measure.of or any(
        found.facts[name].relation != measure.of for name in found.facts_of(measure)
    ):
        raise refused(f"a fact is not one of {measure.of}", place)
    return measure


def _disorder(data: Any, thresholds: Any) -> Disorder:
    keys = {"diagnosis", "tool", "case", "says", "source", "confidence"}
    data = _mapping(data, keys, "disorders", required=keys)
    _known(data["case"], thresholds, data["diagnosis"])
    return Disorder(**data)


def _rate(data: Any, found: Definitions) -> Rate:
    place = str(data.get("name")) if isinstance(data, dict) else "rates"
    _mapping(data, _RATE | {"note"}, place, required=_RATE)
    if data["name"] in {**found.rates, **found.measures}:
        raise refused("the name stands twice", place)
    for measure in (data["part"], data["of"]):
        _known(measure, found.measures, place)
    return Rate(**data)


def _yes(data: dict[str, Any], key: str, place: str) -> bool:
    """A key that can only be ``yes``, and is no without."""
    if data.get(key, "yes") != "yes":
        raise refused(f"{key} is yes or not there", place)
    return key in data


def _condition(data: Any, found: Definitions, place: str) -> Condition:
    if not isinstance(data, dict):
        raise refused("a condition is a mapping", place)
    keys = set(data)
    if keys in ({"all"}, {"any"}, {"none"}):
        ((kind, parts),) = data.items()
        return Condition(kind, parts=tuple(_condition(part, found, place) for part in parts))
    if keys == {"measure"}:
        return Condition("measure", _known(data["measure"], found.measures, place))
    if keys == {"present"}:
        return Condition("present", _known(data["present"], found.facts, place))
    if len(keys) == 2 and "fact" in keys and (kind := (keys - {"fact"}).pop()) in COMPARISONS:
        limit = _known(data[kind], found.thresholds, place)
        return Condition(kind, _known(data["fact"], found.facts, place), limit)
    raise refused(
        f"a condition is all, any, none, measure, present, or fact with {', '.join(COMPARISONS)}", place
    )


def _known(name: Any, names: Iterable[str], place: str) -> str:
    if name not in names:
        raise refused(f"there is no {name!r}", place)
    return name


def _limit(data: Any, value: str, name: str) -> dict[str, Any]:
    keys = {value, "says", "source", "confidence"}
    return _mapping(data, keys, name, required=keys)


def _codes(data: dict[str, Any]) -> Codes:
    return Codes(**{**data, "values": tuple(data["values"])})


def _sourced(found: Definitions) -> None:
    """Every number, code and measure names sources that are listed, and how sure it is."""
    disorders = {each.diagnosis: each for each in found.disorders}
    stated: dict[str, Any] = {**found.thresholds, **found.codes, **disorders, **found.measures, **found.rates}
    for name, each in stated.items():
        for source in each.source.split(", "):
            _known(source, found.sources, name)
        _known(each.confidence, STATED_CONFIDENCE, name)


def _mapping(data: Any, allowed: set[str], place: str, required: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise refused("a mapping is expected here", place)
    if unknown := sorted(set(data) - allowed):
        raise refused(f"the key {unknown[0]!r} is not known here; {', '.join(sorted(allowed))} are", place)
    if missing := sorted(set(required) - set(data)):
        raise refused(f"{missing[0]} is missing", place)
    return data
