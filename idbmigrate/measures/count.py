"""Counts the measures: conditions become SQL over the facts, one query for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from idbmigrate.compile import sql
from idbmigrate.compile.sql import Sql
from idbmigrate.engine import open_engine
from idbmigrate.execution.parameters import month_bounds
from idbmigrate.measures.facts import Tables, make_facts
from idbmigrate.measures.load import load_definitions, load_reading
from idbmigrate.measures.model import Condition, Definitions, Measure

if TYPE_CHECKING:
    from idbmigrate.staging.tables import StagedTable

#: the parameter of the MHSDS mappings, and its value, that makes employment support an IPS team
IPS = ("employment_support", "ips")
NOT_IPS = "employment support is counted as individual placement and support only with employment_support=ips"

_BINARY = {"at_least": exp.GTE, "from_day": exp.GTE, "at_most": exp.LTE, "below": exp.LT}
_ROWS = pa.schema([("measure", pa.string()), ("who", pa.string()), ("n", pa.int64())])


@dataclass(frozen=True)
class Counted:
    """The measures of one set of tables.

    ``rows``: measure, who (referral, or patient for employment support) and how often, one line each.
    ``missing``: measures that this data set cannot give, with the reason.
    """

    dataset: str
    period: str | None = None
    rows: pa.Table = field(default_factory=_ROWS.empty_table)
    missing: Mapping[str, str] = field(default_factory=dict)

    def total(self, name: str) -> int | None:
        """The count of a measure; ``None`` where the data set cannot give it."""
        if name in self.missing:
            return None
        return pc.sum(self.of(name)["n"]).as_py() or 0

    def of(self, name: str) -> pa.Table:
        """Who is counted in a measure, and how often."""
        return self.rows.filter(pc.equal(self.rows["measure"], name)).drop_columns("measure")

    def lines(self) -> list[dict[str, Any]]:
        """One line a measure, in order, with its count or the reason why there is none."""
        return [
            {
                "measure": each.name,
                "title": each.title,
                "count": self.total(each.name),
                "within": each.within,
                "confidence": each.confidence,
                "source": each.source,
                "note": each.note,
                "why": self.missing.get(each.name),
            }
            for each in load_definitions().measures.values()
        ]


def count_staged(
    staged: Mapping[str, StagedTable], dataset: str, period: str | None = None, ips: bool = False
) -> Counted:
    """Count the measures in a legacy file's tables, as they stand and without any mapping.

    ``period``: only one month (``YYYY-MM``). ``ips``: whether its employment support is individual
    placement and support, which only the provider knows.
    """
    tables = {each.name: each.clean for each in staged.values() if each.name is not None}
    counted = count_target(tables, dataset, period, ips)
    if ips:
        return counted
    missing = {**dict.fromkeys(_of_support(), NOT_IPS), **counted.missing}
    kept = pc.invert(pc.is_in(counted.rows["measure"], pa.array(sorted(missing), pa.string())))
    return Counted(dataset, period, counted.rows.filter(kept), missing)


def count_target(tables: Tables, dataset: str, period: str | None = None, ips: bool = True) -> Counted:
    """Count the measures in the tables of a data set; every column is text, a missing value null."""
    definitions, reading = load_definitions(), load_reading(dataset)
    nothing = "nobody has said where the data set holds what the measures need"
    if reading is None or reading.nothing:
        why = reading.nothing if reading and reading.nothing else nothing
        return Counted(dataset, period, missing=dict.fromkeys(definitions.measures, why))
    missing = {}
    for measure in definitions.measures.values():
        lacking = [name for name in sorted(definitions.facts_of(measure)) if name in reading.lacks]
        if lacking:
            missing[measure.name] = reading.lacks[lacking[0]]
    wanted = [each for each in definitions.measures.values() if each.name not in missing]
    engine = open_engine()
    try:
        make_facts(engine, reading, tables, ips)
        rows = engine.run(_query(wanted, definitions, period)).cast(_ROWS)
    finally:
        engine.close()
    return Counted(dataset, period, rows, missing)


def _of_support() -> list[str]:
    return [each.name for each in load_definitions().measures.values() if each.of == "support"]


def _query(measures: list[Measure], definitions: Definitions, period: str | None) -> exp.Query:
    """For each measure who is in it and how often."""
    return sql.union_all([_one(measure, definitions, period) for measure in measures])


def _one(measure: Measure, definitions: Definitions, period: str | None) -> exp.Select:
    wanted = [compiled(definitions.condition(measure), definitions)]
    if period:
        first, last = (_day(text) for text in month_bounds(period))
        month = sql.column(measure.month)
        wanted += [sql.compared(exp.GTE, month, first), sql.compared(exp.LTE, month, last)]
    count = exp.Cast(this=exp.Count(this=exp.Star()), to=exp.DataType.build("bigint"))
    columns = [
        sql.named(sql.text(measure.name), "measure"),
        sql.named(sql.column("who"), "who"),
        sql.named(count, "n"),
    ]
    query = sql.select(columns, sql.relation(measure.of)).where(sql.both(*wanted), copy=False)
    return query.group_by(sql.column("who"), copy=False)


def compiled(condition: Condition, definitions: Definitions) -> Sql:
    """A condition as SQL, false (never unknown) where a fact is missing."""
    if condition.kind in ("all", "any", "none"):
        parts = [compiled(part, definitions) for part in condition.parts]
        if condition.kind == "all":
            return sql.both(*parts)
        return sql.either(*parts) if condition.kind == "any" else sql.negated(sql.either(*parts))
    if condition.kind == "measure":
        return compiled(definitions.condition(definitions.measures[condition.name]), definitions)
    fact = sql.column(condition.name)
    if condition.kind == "present":
        return sql.not_null(fact)
    value = definitions.thresholds[condition.limit].value
    limit = _day(value) if condition.kind == "from_day" else sql.whole(int(value))
    return sql.surely(sql.compared(_BINARY[condition.kind], fact, limit))


def _day(text: str) -> Sql:
    return exp.Cast(this=sql.text(text), to=exp.DataType.build("date"))
