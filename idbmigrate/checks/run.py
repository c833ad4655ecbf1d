"""Run every rule of a pack over target tables, and only then give the findings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from idbmigrate.checks.check_types import CheckType
from idbmigrate.checks.findings import Hits, findings_table
from idbmigrate.checks.joined_types import Child
from idbmigrate.checks.load import load_pack
from idbmigrate.checks.model import Context, Outcome, Rule, RulePack
from idbmigrate.checks.operands import CannotRun
from idbmigrate.checks.plan import Plan
from idbmigrate.checks.relations import Relations
from idbmigrate.checks.submission import AFTERWARDS, Submission
from idbmigrate.engine import open_engine

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset


def check(
    tables: Mapping[str, pa.Table],
    dataset: Dataset,
    context: Context | None = None,
    pack: RulePack | None = None,
    engine: str = "duckdb",
) -> Outcome:
    """Run the rules of a data set over its tables (all columns text, null is missing).

    Rows are numbered from 1 in the order of the table. Raises ``UsageError`` where the data set has no
    rule pack.
    """
    pack, context = pack or load_pack(dataset.name), context or Context()
    relations = Relations(tables, dataset)
    outside = outside_values(context, pack, relations)
    given = {name: set(table.column_names) for name, table in tables.items()}
    with closing(open_engine(engine)) as opened:
        plans = {name: Plan(name, relations, outside, opened) for name in dataset.tables}
        hits, not_run = row_hits(pack, plans)
        not_run |= _unlimited(pack, plans)
        submission = Submission(pack, relations, plans, given, not_run)
        hits = submission.add_consequences(hits)
    found = findings_table(pack, hits, relations, context.references)
    counts = {code: len(each.rows) for code, each in hits.items() if len(each.rows)}
    return Outcome(found, counts, submission.result(hits), not_run, pack)


def run_rules(tables: Mapping[str, pa.Table], dataset: Dataset, context: Context | None = None) -> pa.Table:
    """Give only the findings of :func:`check`, one row a finding."""
    return check(tables, dataset, context).findings


def outside_values(context: Context, pack: RulePack, relations: Relations) -> dict[str, str | None]:
    """Values from outside the tables, by their names in rules; the header gives a period that nobody gave."""
    header = pack.header

    def in_header(name: str) -> str | None:
        if name not in header or not relations.rows(header["table"]):
            return None
        return relations.column(header["table"], header[name]).take(np.zeros(1, int))[0].as_py()

    start, end = in_header("start"), in_header("end")
    return {
        "period.start": context.period_start or _day(start),
        "period.end": context.period_end or _day(end),
        "submission.time": context.submitted,
        "submission.day": _day(context.submitted),
        "portal.provider": context.provider,
        "portal.sender": context.sender,
        "header.provider": in_header("provider"),
        "header.created": _day(in_header("created")),
    }


def _day(value: str | None) -> str | None:
    import re

    from idbmigrate.checks.patterns import STARTS_WITH_DATE

    return value[:10] if value and re.match(STARTS_WITH_DATE, value) else None


def row_hits(pack: RulePack, plans: Mapping[str, Plan]) -> tuple[dict[str, Hits], dict[str, str]]:
    """Rows that fail each rule on rows, by code, and why rules could not be run, by code."""
    hits: dict[str, Hits] = {}
    not_run: dict[str, str] = {}
    by_table: dict[str, list[tuple[Rule, CheckType]]] = {}
    for rule in pack.rules:
        if rule.check is not None and not isinstance(rule.check, AFTERWARDS):
            by_table.setdefault(rule.table or "", []).append((rule, rule.check))
    for table, rules in by_table.items():
        if plans[table].size:
            _run_table(plans[table], rules, hits, not_run)
    return hits, not_run


def _unlimited(pack: RulePack, plans: Mapping[str, Plan]) -> dict[str, str]:
    """Relations that hold for some rows only, where what says for which is not given."""
    not_run = {}
    for rule in pack.rules:
        if rule.table and isinstance(rule.check, Child) and rule.check.where is not None:
            try:
                rule.check.where.sql(plans[rule.table])
            except CannotRun as error:
                not_run[rule.code] = error.words()
    return not_run


def _run_table(
    plan: Plan, rules: list[tuple[Rule, CheckType]], hits: dict[str, Hits], not_run: dict[str, str]
) -> None:
    conditions = {}
    for rule, check in rules:
        try:
            conditions[rule.code] = check.sql(plan)
        except CannotRun as error:
            not_run[rule.code] = error.words()
    found = dict(zip(conditions, plan.rows_where(list(conditions.values())), strict=True))
    for rule, check in rules:
        rows = found.get(rule.code)
        if rows is not None and len(rows):
            hits[rule.code] = Hits(rule, rows, _caused(check, plan)[rows])


def _caused(check: CheckType, plan: Plan) -> np.ndarray:
    """Rows that fail a check only as a consequence of what another one looks at."""
    cause = check.cause()
    return np.zeros(plan.size, bool) if cause is None else plan.mask(cause.sql(plan))
