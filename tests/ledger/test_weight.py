"""Of several reasons the weightiest stands, whichever query met the value first."""

from __future__ import annotations

import pytest

from idbmigrate.engine import ENGINES
from tests.spec.small import run

STOPPED = "where: [{name: f, keep: {value: KEY, is: never}, reason: never}], fields: {Key: A}"
ORPHANED = "fields: {Key: KEY, Parent: {constant: nobody}, Value: A}"


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
def test_what_is_wrong_with_the_data_outweighs_a_rule(tables, engine):
    body = f"tables: {{Out: {{from: Rows, fields: {{Key: KEY}}}}, {tables}}}"
    sources = {"Rows": "KEY | A\n1 | x\n", **({"Others": "ID\np\n"} if "Others" in tables else {})}
    outcome = run(body, sources, engine)
    assert outcome.why() == {("#1", "A"): "no-parent:Parent"}
