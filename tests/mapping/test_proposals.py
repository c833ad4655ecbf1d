"""What would be carried if the run accepted our proposals."""

from __future__ import annotations

import pytest

import idbmigrate


@pytest.fixture(scope="module")
def convert(sample_idb):
    return lambda accept: idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", accept=accept)


def test_behavioural_activation_is_named_first_of_what_proposals_would_carry(convert):
    run = convert("inferred")
    found = run.summary["proposals"]
    assert {line["code"] for line in found[:2]} <= {"24", "41"} and found[0]["lookup"] == "therapy_v15"
    assert all(line["confidence"] == "proposed" and line["to"] for line in found)
    not_accepted = [line for line in run.summary["left_behind"] if line["reason"] == "not-accepted"]
    assert sum(line["values"] for line in found) == sum(line["values"] for line in not_accepted)


def test_nothing_is_named_where_all_is_accepted(convert):
    assert convert("proposed").summary["proposals"] == []
