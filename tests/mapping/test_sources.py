"""Where the rows of the lookups come from: sources that are not ours, each with the date of what was read."""

from __future__ import annotations

import re

import pytest

from idbmigrate.mapping.load import list_mappings, load_mapping

#: A source without a date of its own, and our own word.
UNDATED = {"v1.5 export", "TERM34", "A"}
#: Lookups of which some rows have one source, because no other that was read tells of them.
ONE_SOURCE = {
    "care_cluster": "what the dictionary says of cluster 9, which the rules let pass",
    "long_term_condition": "the concept in the monthly metadata",
    "therapy_v15": "the concept of ante- and postnatal counselling in dashboard code",
    "peq_yes_no": "that not applicable is no answer in v2",
    "peq_zero_to_four": "that not applicable is no answer in v2",
}


@pytest.fixture(scope="module")
def lookups():
    return {name: lookup for m in list_mappings() for name, lookup in load_mapping(m).lookups.items()}


def test_every_source_has_its_date(lookups):
    for lookup in lookups.values():
        for row in lookup.rows:
            for source in (row.source or "A").split(", "):
                dated = source in UNDATED or re.search(r" (19|20)\d\d(-\d\d){0,2}$", source)
                assert dated, (lookup.name, row.code, source)


def test_what_is_more_than_our_proposal_has_two_sources(lookups):
    single = {
        lookup.name
        for lookup in lookups.values()
        for row in lookup.rows
        if row.confidence != "proposed" and row.source != "A" and len((row.source or "").split(", ")) < 2
    }
    assert single == {*ONE_SOURCE}
