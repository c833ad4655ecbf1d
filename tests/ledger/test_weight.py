"""Of several reasons the weightiest stands, whichever query met the value first."""

from __future__ import annotations

import pytest

from idbmigrate.engine import ENGINES
from tests.spec.small import run

STOPPED = "where: [{name: f, keep: {value: KEY, is: never}, reason: never}], fields: {Key: A}"
ORPHANED = "fields: {Key: KEY, Parent: {constant: nobody}, Value: A}"


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "tables",
    [
        f"Parent: {{from: Rows, {STOPPED}}}, Child: {{from: Rows, {ORPHANED}}}",
        f"Parent: {{from: Others, fields: {{Key: ID}}}}, Child: {{from: Rows, {ORPHANED}}}, "
        f"Typed: {{from: Rows, {STOPPED}}}",
    ],
    ids=["the rule first", "the data first"],
)
def test_what_is_wrong_with_the_data_outweighs_a_rule(tables, engine, plain):
    body = f"tables: {{Out: {{from: Rows, fields: {{Key: KEY}}}}, {tables}}}"
    sources = {"Rows": "KEY | A\n1 | x\n", **({"Others": "ID\np\n"} if "Others" in tables else {})}
    outcome = run(body, sources, engine, optimise=not plain)
    assert outcome.why() == {("#1", "A"): "no-parent:Parent"}


ENTRIES = """
tables:
  Parent: {from: Others, fields: {Key: ID}}
  Child:
    from: Rows
    each: [{column: A, name: one}, {column: B, name: two}]
    where: [{name: f, keep: {value: item.name, is: two}, reason: only two}]
    fields: {Key: KEY, Parent: {constant: nobody}, Value: item.value}
"""
JOINED = """
tables:
  Parent: {from: Others, fields: {Key: ID}}
  Child:
    from: Rows
    with: {other: {table: Others, on: {ID: KEY}}}
    where: [{name: f, keep: {value: N, is: 2}, reason: only two}]
    fields: {Key: N, Parent: {constant: nobody}, Value: other.V}
retired: {Rows: {KEY: it only finds the other row}}
"""


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_order_of_rows_and_entries_gives_no_reason(engine, plain):
    """A filter stops one row that the value would be in, and another lacks its parent."""
    sources = {"Rows": "KEY | A | B\n1 | x | y\n2 | x | \n", "Others": "ID\np\n"}
    why = run(ENTRIES, sources, engine, optimise=not plain).why()
    assert why["#1", "KEY"] == "no-parent:Parent" and why["#2", "KEY"] == "filter:f"
    for rows in ("a | 1\na | 2\n", "a | 2\na | 1\n"):
        sources = {"Rows": f"KEY | N\n{rows}", "Others": "ID | V\na | v\n"}
        outcome = run(JOINED, sources, engine, optimise=not plain)
        assert outcome.why("Others")["#1", "V"] == "no-parent:Parent"
