"""The packs say only what they may, and only what the data sets know."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from idbmigrate.datasets import list_datasets, load_dataset
from idbmigrate.documents import yaml as yamlio
from idbmigrate.documents.node import Document, Node
from idbmigrate.errors import DescriptionError
from idbmigrate.measures.load import PACKS, definitions, load_definitions, load_reading, reading

DATA = yamlio.load(PACKS / "definitions.yaml")


@pytest.mark.parametrize("name", list_datasets())
def test_every_data_set_is_read_from_tables_and_columns_that_it_has(name):
    found, tables = load_reading(name), load_dataset(name).tables
    assert found is not None
    if found.nothing:
        return
    assert set(found.lacks) <= set(load_definitions().facts)
    codes = ("table", "tools", "procedures", "mechanisms", "team_types", "low", "high", "schemes")
    for role, items in found.roles.items():
        holder = "referral" if role == "diagnosis" else "contact"
        spec = tables[items.get("table", found.roles[holder]["table"])]
        for item, value in items.items():
            if item in codes:
                continue
            if item == "of_referral":
                assert value in tables[found.roles["referral"]["table"]].columns
                continue
            names = (
                value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
            )
            assert set(names) <= set(spec.columns), (role, item)


@pytest.mark.parametrize("name", ["iapt-1.0", "iapt-1.5"])
def test_every_fact_says_which_legacy_columns_it_rests_on(name):
    found, tables = load_reading(name), load_dataset(name).tables
    for fact in load_definitions().facts.values():
        for place in fact.places:
            columns = found.column(place)
            assert columns, (fact.name, place)
            assert all(column in tables[table].columns for table, column in columns), (fact.name, place)


def test_every_measure_and_rate_has_a_section_on_the_page():
    """Its text, where it is from, and what is not published of it."""
    page = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
    found = load_definitions()
    for each in [*found.measures.values(), *found.rates.values()]:
        section = page.partition(f"\n### `{each.name}`\n")[2].partition("\n##")[0]
        assert each.says in section and f"**Source:** {each.source} ({each.confidence})" in section, each.name
        for text in (each.note, getattr(each, "unpublished", None)):
            assert not text or text in section, each.name
    inferred = [each for each in found.measures.values() if each.confidence != "confirmed"]
    assert all(each.note or each.unpublished for each in inferred)


def test_a_measure_rests_on_the_facts_of_those_it_names():
    found = load_definitions()
    facts = found.facts_of(found.measures["reliable-recovery"])
    assert {"ended", "treatments", "phq9_first", "anxiety_last_above", "phq9_rise"} <= facts


def node(data) -> Node:
    return Node(data, Document("pack.yaml", "measures-invalid", {}))


def change(path: list, value) -> dict:
    data = copy.deepcopy(DATA)
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


@pytest.mark.parametrize(
    "path, value, says",
    [
        (["measures", 0, "unit"], "people", "not known here"),
        (["measures", 0, "when"], {"present": "nonsense"}, "'nonsense'"),
        (["measures", 4, "when"], {"fact": "wait", "at_most": "a-year"}, "'a-year'"),
        (["measures", 4, "when"], {"fact": "wait", "about": "six_weeks"}, "a condition is"),
        (["measures", 4, "within"], "reliable-recovery", "above this one"),
        (["measures", 4, "stock"], "no", "is yes or not there"),
        (["facts", "referrals", "phq9_first", "score"], "no", "is yes or not there"),
        (["rates", 0, "of"], "nonsense", "'nonsense'"),
        (["rates", 1, "name"], "recovery-rate", "stands twice"),
        (["rates", 0, "says"], None, "is missing"),
        (["disorders", 0, "case"], "nonsense", "'nonsense'"),
        (["disorders", 0, "source"], "HEARSAY", "'HEARSAY'"),
        (["measures", 0, "month"], "attended_on", "not one of referrals"),
        (["measures", 0, "source"], "HEARSAY", "'HEARSAY'"),
        (["measures", 0, "confidence"], "certain", "one of confirmed"),
        (["measures", 1, "name"], "referrals-received", "stands twice"),
        (["thresholds", "phq9_case"], {"value": "10"}, "is missing"),
        (["thresholds", "phq9_case", "source"], "HEARSAY", "'HEARSAY'"),
    ],
)
def test_a_pack_that_says_something_else_is_refused(path, value, says):
    with pytest.raises(DescriptionError, match=says) as caught:
        definitions(node(change(path, value)))
    assert caught.value.code == "measures-invalid"


def test_a_reading_that_says_something_else_is_refused():
    with pytest.raises(DescriptionError, match="referral, contact, scores and activity"):
        reading(node({"data_sets": ["x"], "referral": {"table": "T"}}))
    with pytest.raises(DescriptionError, match="not known here"):
        reading(node({"data_sets": ["x"], "nothing": "no", "lacks": {"nonsense": "why"}}))
