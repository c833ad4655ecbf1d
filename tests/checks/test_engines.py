"""The rules give the same findings on every engine, and lean on nothing that only one of them knows."""

from __future__ import annotations

import pytest

from idbmigrate.checks.plan import Plan
from idbmigrate.checks.run import check
from idbmigrate.compile import portable
from idbmigrate.engine import ENGINES

from . import good, test_every_rule, test_mhsds


def files():
    """A file of each data set that breaks every rule of its pack."""
    yield "iapt-2.1", good.arrow(test_every_rule.every_rule_broken()[0]), good.DATASET, good.CONTEXT
    yield (
        "mhsds-6.0",
        test_mhsds.arrow(test_mhsds.every_rule_broken()[0]),
        test_mhsds.DATASET,
        test_mhsds.CONTEXT,
    )


@pytest.mark.parametrize(
    ("tables", "dataset", "context"), [pytest.param(*rest, id=name) for name, *rest in files()]
)
def test_every_engine_agrees_with_the_first(tables, dataset, context, monkeypatch):
    run = Plan._run
    queries = []

    def checked(plan, query):
        portable.check(query)
        queries.append(query)
        return run(plan, query)

    monkeypatch.setattr(Plan, "_run", checked)
    ours, *others = (check(tables, dataset, context, engine=engine) for engine in ENGINES)
    for other in others:
        assert other.findings.to_pylist() == ours.findings.to_pylist()
    assert ours.findings.num_rows > 500
    assert 15 * len(ENGINES) < len(queries) <= len(ENGINES) * len(dataset.tables), "one a table"
