"""Compiles a mapping and its data sets into a plan: what an engine runs, in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlglot import exp

from idbmigrate.compile import optimise, plan, portable, sql
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.expressions import Scope
from idbmigrate.compile.hoist import Hoisting
from idbmigrate.compile.keys import keyed_tables, natural_key_query
from idbmigrate.compile.tables import compile_table
from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m
from idbmigrate.words import StatedConfidence


def compile_mapping(
    mapping: m.Mapping,
    source_columns: Mapping[str, frozenset[str]],
    target: Dataset,
    *,
    parameters: Mapping[str, str],
    accept: StatedConfidence = "inferred",
    days: Mapping[str, frozenset[str]] | None = None,
    conflicts: frozenset[str] = frozenset(),
    rules: frozenset[str] = optimise.RULES,
    empty: Collection[str] = (),
) -> plan.Plan:
    """The plan of a mapping.

    ``source_columns`` are the columns of each staged table, ``days`` those of them that hold nothing but
    ``YYYY-MM-DD``, ``conflicts`` the tables of which rows have a conflict, ``rules`` what may make the
    plan quicker (:mod:`idbmigrate.compile.optimise`), ``empty`` the tables without a row. Raises
    ``DescriptionError`` (``mapping-invalid``, ``mapping-inexpressible``) before a row has moved.
    """
    days = days or {}
    keyed = keyed_tables(mapping)
    made: dict[str, tuple[str, ...]] = {}
    queries: list[plan.TableQuery] = []
    hoisting = Hoisting(optimise.HOIST in rules)
    for name in ordered_tables(mapping, target):
        around = CompileContext(
            mapping,
            target.tables[name],
            source_columns,
            days,
            made,
            parameters,
            accept,
            keyed,
            target.tables,
            hoisting,
            {query.table: query.identities for query in queries},
            conflicts,
            rules,
            empty,
        )
        query = compile_table(mapping.tables[name], around)
        portable.check(query.query, mapping.tables[name].place)
        made[name] = (*query.published, *query.helpers)
        queries.append(query)
    natural_keys = []
    for rule in mapping.sources.values():
        if rule.natural_key and rule.table in source_columns:
            columns, known = source_columns[rule.table], days.get(rule.table, frozenset())
            natural_keys.append(natural_key_query(rule, columns, known, hoisting, keyed=rule.table in keyed))
    return plan.Plan(
        mapping.name,
        mapping.source,
        mapping.target,
        accept,
        dict(parameters),
        tuple(natural_keys),
        tuple(queries),
        hoisted_values(hoisting, queries),
        _reasons(mapping),
        conflicts,
        rules,
        tuple(source_columns),
    )


def hoisted_values(
    hoisting: Hoisting, queries: Iterable[plan.TableQuery]
) -> dict[str, dict[str, tuple[plan.Hoisted, ...]]]:
    """The prepared values that these queries read, by source table and column."""
    wanted: dict[str, set[str]] = {}
    for query in queries:
        for table, names in query.hoisted:
            wanted.setdefault(table, set()).update(names)
    return {table: hoisting.needed(names) for table, names in wanted.items()}


def ordered_tables(mapping: m.Mapping, target: Dataset) -> list[str]:
    """Target tables of a mapping, parents and joined tables first, else in the order of the data set."""
    for name, table in mapping.tables.items():
        if name not in target.tables:
            raise DescriptionError(
                f"{target.name} has no table {name!r}", code="mapping-invalid", where=table.place
            )
    ordered: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in visiting:
            raise DescriptionError(
                f"{name} needs itself through its joins or parents",
                code="mapping-invalid",
                where=mapping.tables[name].place,
            )
        visiting.add(name)
        for needed in _needed(mapping, target, name):
            visit(needed)
        ordered.append(name)

    for name in target.tables:
        if name in mapping.tables:
            visit(name)
    return ordered


def needed_tables(mapping: m.Mapping, target: Dataset, names: Iterable[str]) -> set[str]:
    """These target tables and all that they need: their parents and the tables that they join."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _needed(mapping, target, name)
    return found


def _needed(mapping: m.Mapping, target: Dataset, name: str) -> list[str]:
    parents = [parent for parent, _ in target.tables[name].foreign_keys.values()]
    joined = [j.table for b in mapping.tables[name].branches for j in b.joins if j.target]
    return [table for table in (*parents, *joined) if table in mapping.tables and table != name]


def scalar(mapping: m.Mapping, table: str, column: str, days: frozenset[str]) -> exp.Select:
    """A query of the earliest and the latest date in one source column."""
    scope = Scope({"": frozenset({column})}, {}, {}, "proposed", frozenset(("", day) for day in days))
    place = mapping.place
    value = scope.value(m.Call(place, "date", (m.Reference(place, "", column),), {})).sql
    return sql.select(
        [
            sql.named(exp.Min(this=value.copy()), "earliest"),
            sql.named(exp.Max(this=value.copy()), "latest"),
        ],
        sql.relation(plan.staged(table), "a"),
    )


def _reasons(mapping: m.Mapping) -> dict[str, str]:
    """What the names that a mapping gives mean: filters, rules, repeats."""
    found = {
        f"repeat:{rule.repeats}": rule.repeats_reason or ""
        for rule in mapping.sources.values()
        if rule.repeats
    }
    found |= {
        f"undecided-no:{name}": "a Yes/No column says no; what that means is for an overlay to say: "
        f"lookups: {{{name}: {{false: CODE, 0: CODE}}}}"
        for name, lookup in mapping.lookups.items()
        if any(row.undecided for row in lookup.rows)
    }
    found |= {f"conflict:{name}": reason for name, reason in mapping.conflicts.items()}
    for table in mapping.tables.values():
        found |= {f"one-per:{rule.rule}": rule.reason for rule in table.one_per}
        for branch in table.branches:
            found |= {f"filter:{rule.name}": rule.reason for rule in branch.where}
    return found
