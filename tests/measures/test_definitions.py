"""The packs say only what they may, and only what the data sets know."""

from __future__ import annotations

import copy

import pytest

from idbmigrate.datasets import list_datasets, load_dataset
from idbmigrate.documents import yaml as yamlio
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
    for role, items in found.roles.items():
        spec = tables[items["table"]] if "table" in items else tables[found.roles["contact"]["table"]]
        for item, value in items.items():
            if item in ("table", "tools", "procedures", "mechanisms", "team_types"):
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
    found = load_reading(name)
    for fact in load_definitions().facts.values():
        assert all(found.column(place) for place in fact.places), fact.name


def test_a_measure_rests_on_the_facts_of_those_it_names():
    found = load_definitions()
    facts = found.facts_of(found.measures["reliable-recovery"])
    assert {"ended", "treatments", "phq9_first", "gad7_last", "phq9_rise"} <= facts


def change(path: list, value) -> dict:
    data = copy.deepcopy(DATA)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


@pytest.mark.parametrize(
    "path, value, says",
    [
        (["measures", 0, "unit"], "people", "not known here"),
        (["measures", 0, "when"], {"present": "nonsense"}, "no 'nonsense'"),
        (["measures", 4, "when"], {"fact": "wait", "at_most": "a-year"}, "no 'a-year'"),
        (["measures", 4, "when"], {"fact": "wait", "about": "six_weeks"}, "a condition is"),
        (["measures", 4, "within"], "reliable-recovery", "above this one"),
        (["measures", 0, "month"], "attended_on", "not one of referrals"),
        (["measures", 0, "source"], "HEARSAY", "no 'HEARSAY'"),
        (["measures", 0, "confidence"], "certain", "no 'certain'"),
        (["measures", 1, "name"], "referrals-received", "stands twice"),
        (["thresholds", "phq9_case"], {"value": "10"}, "is missing"),
        (["thresholds", "phq9_case", "source"], "HEARSAY", "no 'HEARSAY'"),
    ],
)
def test_a_pack_that_says_something_else_is_refused(path, value, says):
    with pytest.raises(DescriptionError, match=says) as caught:
        definitions(change(path, value))
    assert caught.value.code == "measures-invalid"


def test_a_reading_that_says_something_else_is_refused():
    with pytest.raises(DescriptionError, match="referral, contact, scores and activity"):
        reading({"data_sets": ["x"], "referral": {"table": "T"}})
    with pytest.raises(DescriptionError, match="not known here"):
        reading({"data_sets": ["x"], "nothing": "no", "lacks": {"nonsense": "why"}})
