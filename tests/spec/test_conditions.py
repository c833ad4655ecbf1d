"""Every condition, drawn; and filters."""

from __future__ import annotations

import pytest

from idbmigrate.errors import DescriptionError
from tests.spec.small import column, read, run

# condition, and for which of these rows it holds
ROWS = """
    KEY | A          | B
    1   | x          | x
    2   | y          | x
    3   |            | x
    4   | x          |
    5   | 2016-06-14 | 2016-06-15
    6   | 10         | 9
"""
HOLDS = {
    "{present: A}": "12456",
    "{blank: A}": "3",
    "{value: A, is: x}": "14",
    "{value: A, in: [x, y]}": "124",
    "{value: A, in: []}": "",
    "{value: A, not_in: [x]}": "256",
    "{value: A, not_in: []}": "12456",
    "{value: A, matches: '[xy]'}": "124",
    "{value: A, matches: '1'}": "",
    "{value: A, before: B}": "56",  # texts are compared place by place: 10 lies before 9
    "{value: A, after: {constant: '2016-06-13'}}": "1245",
    "{value: A, on_or_before: B}": "156",
    "{value: A, on_or_after: B}": "12",
    "{value: A, equals: B}": "1",
    "{value: {upper: A}, is: X}": "14",
    "{known: l, of: A}": "14",
    "{parameter: p, is: 'on'}": "123456",
    "{parameter: p, is: 'off'}": "",
    "{parameter: p, in: ['on', 'off']}": "123456",
    "{all: [{present: A}, {present: B}]}": "1256",
    "{any: [{blank: A}, {blank: B}]}": "34",
    "{none: [{blank: A}, {value: A, is: x}]}": "256",
    "{none: [{value: A, equals: B}]}": "23456",
    "{all: [{any: [{value: A, is: x}, {value: A, is: y}]}, {none: [{blank: B}]}]}": "12",
}
SECTIONS = """
parameters: {p: {default: 'on'}}
retired: {Rows: {A: decides, B: decides}}
lookups:
  l:
    unknown: keep
    rows:
      - {from: x, to: z, confidence: inferred}
      - {from: y, to: w, confidence: proposed}
"""


@pytest.mark.parametrize("condition", HOLDS)
def test_holds(condition, engine):
    """As a filter and as a case: both give the same rows."""
    body = f"""
tables:
  Out:
    from: Rows
    where: [{{name: chosen, keep: {condition}, reason: why not}}]
    fields: {{Key: KEY}}
  Parent:
    from: Rows
    fields: {{Key: KEY, Value: {{when: {condition}, then: {{constant: held}}}}}}
"""
    outcome = run(body + SECTIONS, {"Rows": ROWS}, engine)
    assert column(outcome, "Out", "Key") == list(HOLDS[condition])
    held = [key for key, value in column(outcome, "Parent", "Key", "Value") if value]
    assert held == list(HOLDS[condition])


def test_every_comparison_is_drawn_here():
    from idbmigrate.mapping.functions import COMPARISONS

    assert not [name for name in COMPARISONS if not any(f", {name}: " in condition for condition in HOLDS)]


def test_what_a_filter_stops_is_booked_under_its_name(engine):
    body = """
tables:
  Out:
    from: Rows
    where:
      - {name: has-a, keep: {present: A}, reason: no A}
      - {name: has-b, keep: {present: B}, reason: no B}
    fields: {Key: KEY, Value: A, Other: B}
"""
    outcome = run(body, {"Rows": ROWS}, engine)
    assert outcome.why() == {
        ("#3", "KEY"): "filter:has-a",
        ("#3", "B"): "filter:has-a",
        ("#4", "KEY"): "filter:has-b",
        ("#4", "A"): "filter:has-b",
    }
    assert {(row["row"], row["reason"]) for row in outcome.rows_left} == {
        ("#3", "filter:has-a"),
        ("#4", "filter:has-b"),
    }
    assert outcome.books.meaning("filter:has-a") == "no A"


@pytest.mark.parametrize(
    "pattern",
    ["a(?=b)", "(?P<n>a)", "(?i)a", "a++", "a*+", "a{,3}", r"\d", r"\w+", "[[:alpha:]]", "(", "a{1001}"],
)
def test_patterns_that_engines_read_differently_are_refused(pattern):
    with pytest.raises(DescriptionError) as raised:
        fields = f"{{Key: KEY, Value: {{matching: A, pattern: '{pattern}'}}}}"
        read(f"tables: {{Out: {{from: Rows, fields: {fields}}}}}")
    assert raised.value.code == "mapping-invalid"
