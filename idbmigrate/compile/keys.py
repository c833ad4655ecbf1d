"""What natural keys say of source rows: which of them share a key, and a digest of it for identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from idbmigrate.compile import plan, portable, sql
from idbmigrate.compile.expressions import Scope, digest
from idbmigrate.compile.prepare import Preparation
from idbmigrate.compile.sql import Sql
from idbmigrate.mapping import model as m


def keyed_tables(mapping: m.Mapping) -> frozenset[str]:
    """Source tables whose natural key is part of an identifier."""
    return frozenset(
        branch.source
        for table in mapping.tables.values()
        for branch in table.branches
        if branch.source and any(_names_key(node) for node in _expressions(branch))
    )


def _expressions(branch: m.Branch) -> Iterator[m.Expression]:
    yield from (field.value for field in branch.fields)
    for join in branch.joins:
        yield from (expression for _, expression in join.on)


def _names_key(node: m.Expression | None) -> bool:
    if isinstance(node, m.Identifier):
        return any(part is None or _names_key(part) for part in node.parts)
    return node is not None and any(_names_key(child) for child in node.children)


def tie_query(
    rule: m.SourceRule,
    columns: frozenset[str],
    days: frozenset[str],
    preparation: Preparation,
    *,
    keyed: bool,
) -> plan.TieQuery:
    """The queries on the natural key of one source table."""
    known = frozenset(("", day) for day in days)
    scope = Scope({"": columns}, {}, {}, "confirmed", known, source=rule.table, preparation=preparation)
    parts = [scope.said(sql.coalesce(scope.value(item).sql, sql.text(""))) for item in rule.natural_key]
    ties = _ties(rule.table, parts, sorted(columns))
    keys = _keys(rule.table, parts) if keyed else None
    for query in (ties, keys):
        if query is not None:
            portable.check(query, rule.place)
    return plan.TieQuery(rule.table, ties, keys, rule.repeats, frozenset(scope.prepared))


def _keys(table: str, parts: list[Sql]) -> exp.Select:
    whole = digest([*parts, sql.column(plan.OCCURRENCE, "a")])
    query = sql.select(
        [sql.column(plan.ROW, "a"), sql.named(whole, plan.KEY)], sql.relation(plan.staged(table), "a")
    )
    query.set("order", exp.Order(expressions=[sql.ascending(sql.column(plan.ROW, "a"))]))
    return query


def _ties(table: str, parts: list[Sql], columns: list[str]) -> exp.Query:
    """Rows that share their key: their place among them by content, and whether they repeat one.

    Keys are grouped first, so that content is only put together for the few rows that share one.
    """
    names = [f"_key_{i}" for i in range(len(parts))]
    of_keyed = [sql.column(name, "keyed") for name in names]
    keyed = sql.select(
        [sql.column(plan.ROW, "a"), *(sql.named(p, n) for p, n in zip(parts, names, strict=True))],
        sql.relation(plan.staged(table), "a"),
    )
    ties = sql.select([sql.column(name) for name in names], sql.relation("keyed"))
    ties.set("group", exp.Group(expressions=[sql.column(name) for name in names]))
    many = sql.compared(exp.GT, exp.Count(this=exp.Star()), sql.whole(1))
    ties.set("having", exp.Having(this=many))
    content = sql.one_text([sql.column(name, "a") for name in columns])
    tied = sql.select(
        [sql.column(plan.ROW, "keyed"), *of_keyed, sql.named(content, "_content")], sql.relation("keyed")
    )
    same = sql.both(*(sql.equal(one, sql.column(one.name, "ties")) for one in of_keyed))
    row = sql.equal(sql.column(plan.ROW, "keyed"), sql.column(plan.ROW, "a"))
    tied.set(
        "joins",
        [
            exp.Join(this=sql.relation("ties"), on=same),
            exp.Join(this=sql.relation(plan.staged(table), "a"), on=row),
        ],
    )
    query: exp.Query = _numbered([sql.column(name) for name in names])
    for name, stage in (("keyed", keyed), ("ties", ties), ("tied", tied)):
        query = query.with_(exp.to_identifier(name, quoted=True), stage, copy=False)
    return query


def _numbered(key: list[Sql]) -> exp.Select:
    """What differs is numbered by content; repeats come after, so that they change no other number."""
    content, row, again = sql.column("_content"), sql.column(plan.ROW), sql.column("_again")
    repeats = sql.row_number([*key, content], [sql.ascending(row)])
    counted = sql.select([row, *key, content, sql.named(repeats, "_again")], sql.relation("tied"))
    place = sql.row_number(key, [sql.ascending(item) for item in (again, content, row)])
    query = sql.select(
        [row, sql.named(place, plan.OCCURRENCE), again], sql.subquery(counted, "counted")
    )
    query.set("order", exp.Order(expressions=[sql.ascending(row)]))
    return query
