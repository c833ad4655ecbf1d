"""Lookups: what happens to codes that are listed, homeless, uncertain, unknown."""

from __future__ import annotations

import pytest

from idbmigrate.errors import DescriptionError
from tests.spec.small import column, holds, read, run

CODES = """
lookups:
  l:
    clean: [upper, {pad: 2}]
    unknown: %s
    same: {codes: ['10', '11'], confidence: confirmed}
    rows:
      - {from: '01', to: one, confidence: confirmed}
      - {from: '02', to: two, equivalence: broader, confidence: inferred}
      - {from: '03', to: three, confidence: proposed}
      - {from: '04', to: null, reason: no such thing, confidence: confirmed}
      - {from: X, to: ex, confidence: confirmed}
"""
LISTED = """
    A   | gives | why A
    10  | 10    |
    1   | one   |
    01  | one   |
    2   | two   |
    4   |       | no-equivalent
    x   | ex    |
        |       |
"""


@pytest.mark.parametrize(
    ("unknown", "given", "why"),
    [
        ("null", "", "unknown-code"),
        ("keep", "99Z", ""),
        ("default\n    default: other", "other", "unknown-code"),
    ],
    ids=["null", "keep", "default"],
)
def test_policy(unknown, given, why, engine):
    unlisted = f"    99z | {given} | {why}\n    001 | {given.replace('99Z', '001')} | {why}\n"
    beyond = "    3   |       | not-accepted\n"
    holds("{lookup: l, of: A}", LISTED.rstrip() + "\n" + unlisted + beyond, engine, sections=CODES % unknown)


@pytest.mark.parametrize(
    ("accept", "made"),
    [("confirmed", {"1"}), ("inferred", {"1", "2"}), ("proposed", {"1", "2", "3"})],
)
def test_accept_says_how_far_the_user_goes(accept, made, engine):
    body = "tables: {Out: {from: Rows, fields: {Key: KEY, Value: {lookup: l, of: A}}}}" + CODES % "null"
    source = "KEY | A\n1 | 1\n2 | 2\n3 | 3\n"
    outcome = run(body, {"Rows": source}, engine, accept=accept)
    assert {row["Key"] for row in outcome.tables["Out"] if row["Value"]} == made
    assert outcome.why() == {(f"#{n}", "A"): "not-accepted" for n in {"1", "2", "3"} - made}


@pytest.mark.parametrize(
    "fields",
    [
        "{Key: KEY, Value: {lookup: l, of: A}}",
        "{Key: KEY, _x: {lookup: l, of: A}, Value: _x}",
        "{Key: KEY, Value: {upper: {lookup: l, of: A}}}",
        "{Key: KEY, Value: {when: {present: A}, then: {lookup: l, of: A}}}",
    ],
    ids=["plain", "helper", "nested", "case"],
)
def test_reject_rejects_the_whole_row(fields, engine):
    body = f"tables: {{Out: {{from: Rows, fields: {fields}}}}}" + CODES % "reject"
    outcome = run(body, {"Rows": "KEY | A\n1 | 1\n2 | 99\n3 | 4\n4 |\n"}, engine)
    assert column(outcome, "Out", "Key") == ["1", "3", "4"]
    why = outcome.why()
    assert why["#2", "A"] == "rejected-code"
    assert why["#2", "KEY"] == "rejected-code:Value"
    assert why["#3", "A"] == "no-equivalent"
    assert len(why) == 3


def test_a_case_that_is_not_taken_rejects_nothing(engine):
    body = (
        """
tables:
  Out:
    from: Rows
    fields: {Key: KEY, Value: {when: {value: KEY, is: '1'}, then: {lookup: l, of: A}, otherwise: A}}
"""
        + CODES % "reject"
    )
    outcome = run(body, {"Rows": "KEY | A\n1 | 1\n2 | 99\n3 | 4\n"}, engine)
    assert column(outcome, "Out", "Value") == ["4", "99", "one"]
    assert outcome.why() == {}


def test_first_character(engine):
    sections = """
lookups: {l: {clean: [first_character], unknown: 'null', rows: [{from: é, to: e, confidence: confirmed}]}}
"""
    table = "A | gives | why A\nétat | e |\nx | | unknown-code\n"
    holds("{lookup: l, of: A}", table, engine, sections=sections)


@pytest.mark.parametrize(
    "lookup",
    [
        "{rows: [{from: a, to: b, confidence: confirmed}]}",  # unknown is missing
        "{unknown: maybe, rows: []}",
        "{unknown: default, rows: []}",
        "{unknown: keep, default: x, rows: []}",
        "{unknown: keep, rows: [{from: a, to: b}]}",
        "{unknown: keep, rows: [{from: a, confidence: confirmed}]}",
        "{unknown: keep, rows: [{from: a, to: null, confidence: confirmed}]}",
        "{unknown: keep, rows: [{from: a, to: b, confidence: certain}]}",
        "{unknown: keep, rows: [{from: a, to: b, equivalence: same, confidence: confirmed}]}",
        "{unknown: keep, same: {codes: [a, a], confidence: confirmed}}",
        "{unknown: keep, clean: [trim], rows: []}",
    ],
)
def test_a_lookup_leaves_nothing_open(lookup):
    with pytest.raises(DescriptionError) as raised:
        read(f"lookups: {{l: {lookup}}}")
    assert raised.value.code == "mapping-invalid"
    assert raised.value.where.startswith("small.yaml:5")
