"""Counts the measures: conditions become SQL over the facts, one query for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from idbmigrate.compile import sql
from idbmigrate.compile.sql import Sql
from idbmigrate.engine import ENGINES, open_engine
from idbmigrate.execution.parameters import month_bounds
from idbmigrate.measures.bind import Tables
from idbmigrate.measures.facts import make_facts
from idbmigrate.measures.load import load_definitions, load_reading
from idbmigrate.measures.model import Condition, Definitions, Measure, Reading

if TYPE_CHECKING:
    from idbmigrate.staging.tables import StagedTable

#: The parameter of the MHSDS mappings that says what a legacy file's employment support is: nothing of its
#: own; an IPS team with referrals of its own; or IPS that the team of the therapy gives.
EMPLOYMENT_SUPPORT = "employment_support"
NONE, OWN_TEAM, HOST_TEAM = SUPPORTS = ("none", "ips", "ips-in-host-team")
NOT_IPS = (
    f"employment support is counted as individual placement and support only with {EMPLOYMENT_SUPPORT}=ips"
)

_BINARY = {
    "at_least": exp.GTE,
    "from_day": exp.GTE,
    "at_most": exp.LTE,
    "above": exp.GT,
    "below": exp.LT,
}
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

    def rates(self) -> list[dict[str, Any]]:
        """One line a rate, in order, with its two counts and their percentage, or why there is none."""
        lines = []
        for each in load_definitions().rates.values():
            part, of = self.total(each.part), self.total(each.of)
            why = self.missing.get(each.part) or self.missing.get(each.of)
            lines.append(
                {
                    "rate": each.name,
                    "title": each.title,
                    "percent": percent(part, of),
                    "part": part,
                    "of": of,
                    "confidence": each.confidence,
                    "source": each.source,
                    "note": each.note,
                    "why": why,
                }
            )
        return lines

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


def percent(part: int | None, of: int | None) -> float | None:
    """A count as a percentage of another, to one decimal; ``None`` where there is nothing to divide by."""
    return round(100 * part / of, 1) if of and part is not None else None


def count_staged(
    staged: Mapping[str, StagedTable],
    dataset: str,
    period: str | None = None,
    support: str = NONE,
    engine: str = ENGINES[0],
) -> Counted:
    """Count the measures in a legacy file's tables, as they stand and without any mapping.

    ``period``: only one month (``YYYY-MM``). ``support``: what its employment support is, which only the
    provider knows, one of :data:`SUPPORTS`. ``engine``: one of :data:`idbmigrate.engine.ENGINES`.
    """
    tables = {each.name: each.clean for each in staged.values() if each.name is not None}
    missing = dict.fromkeys(_of_support(), NOT_IPS) if support == NONE else {}
    return _counted(tables, dataset, period, engine, missing, support != NONE, support == HOST_TEAM)


def count_target(
    tables: Tables, dataset: str, period: str | None = None, engine: str = ENGINES[0]
) -> Counted:
    """Count the measures in the tables of a data set; every column is text, a missing value null."""
    return _counted(tables, dataset, period, engine, {}, support=True, own=None)


def _counted(
    tables: Tables,
    dataset: str,
    period: str | None,
    engine: str,
    missing: dict[str, str],
    support: bool,
    own: bool | None,
) -> Counted:
    definitions, reading = load_definitions(), load_reading(dataset)
    if reading is None or reading.nothing:
        nothing = "nobody has said where the data set holds what the measures need"
        why = reading.nothing if reading and reading.nothing else nothing
        return Counted(dataset, period, missing=dict.fromkeys(definitions.measures, why))
    missing = {**missing, **_lacking(definitions, reading)}
    wanted = [each for each in definitions.measures.values() if each.name not in missing]
    month = tuple(_day_number(text) for text in month_bounds(period)) if period else None
    running = open_engine(engine)
    try:
        make_facts(running, reading, tables, support, own, month[1] if month else None)
        rows = running.run(sql.union_all([_one(each, definitions, month) for each in wanted]))
    finally:
        running.close()
    return Counted(dataset, period, rows.select(_ROWS.names).cast(_ROWS), missing)


def _lacking(definitions: Definitions, reading: Reading) -> dict[str, str]:
    """Measures that rest on a fact which the data set cannot give, with the reason."""
    missing = {}
    for measure in definitions.measures.values():
        lacking = sorted(definitions.facts_of(measure) & reading.lacks.keys())
        if lacking:
            missing[measure.name] = reading.lacks[lacking[0]]
    return missing


def _of_support() -> list[str]:
    return [each.name for each in load_definitions().measures.values() if each.of.startswith("support")]


def _one(measure: Measure, definitions: Definitions, month: tuple[int, ...] | None) -> exp.Select:
    """Who is in a measure and how often, of one month where it is given (its first and its last day)."""
    wanted = [compiled(definitions.condition(measure), definitions)]
    if month:
        day = sql.column(measure.month)
        wanted += [] if measure.stock else [sql.compared(exp.GTE, day, sql.whole(month[0]))]
        wanted += [sql.compared(exp.LTE, day, sql.whole(month[1]))]
    columns = [
        sql.named(sql.text(measure.name), "measure"),
        sql.named(sql.column("who"), "who"),
        sql.named(exp.Count(this=exp.Star()), "n"),
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
    limit = sql.whole(_limit(condition, definitions))
    return sql.surely(sql.compared(_BINARY[condition.kind], fact, limit))


def _limit(condition: Condition, definitions: Definitions) -> int:
    """A threshold as the fact is counted: a day's number, hundredths of a score, or as it stands."""
    value = definitions.thresholds[condition.limit].value
    if condition.kind == "from_day":
        return _day_number(value)
    score = definitions.facts[condition.name].score
    return definitions.hundredths(condition.limit) if score else int(value)


def _day_number(text: str) -> int:
    """A day (``YYYY-MM-DD``) as the number of days since 1 January 1970."""
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
