"""The rules give the same findings on every engine, and lean on nothing that only one of them knows."""

from __future__ import annotations

import pytest

from idbmigrate.checks.plan import Plan
from idbmigrate.checks.run import check
from idbmigrate.compile import portable

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
def test_sqlite_agrees_with_duckdb(tables, dataset, context, monkeypatch):
    run = Plan._run
    queries = []

    def checked(plan, query):
        portable.check(query)
        queries.append(query)
        return run(plan, query)

    monkeypatch.setattr(Plan, "_run", checked)
    ours, other = (check(tables, dataset, context, engine=engine) for engine in ("duckdb", "sqlite"))
    assert other.findings.to_pylist() == ours.findings.to_pylist()
    assert ours.findings.num_rows > 500 and 30 < len(queries) <= 2 * len(dataset.tables), "one a table"
