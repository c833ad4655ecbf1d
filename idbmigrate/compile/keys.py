"""What natural keys say of source rows: which of them share a key, and a digest of it for identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from idbmigrate.compile import plan, portable, sql
from idbmigrate.compile.expressions import Scope, digest
from idbmigrate.compile.hoist import SELF, Hoisting
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


def natural_key_query(
    rule: m.SourceRule,
    columns: frozenset[str],
    days: frozenset[str],
    hoisting: Hoisting,
    *,
    keyed: bool,
) -> plan.NaturalKeyQuery:
    """The queries on the natural key of one source table."""
    known = frozenset(("", day) for day in days)
    scope = Scope({"": columns}, {}, {}, "confirmed", known, source=rule.table, hoisting=hoisting)
    values = [scope.value(item).sql for item in rule.natural_key]
    parts = [sql.coalesce(value, sql.text("")) for value in values]
    shared, numbers = _shared(rule.table, parts), _numbers(rule.table, parts, sorted(columns))
    keys = _keys(rule.table, values) if keyed else None
    marks = _marks(rule, parts, sorted(columns), keyed)
    for query in (shared, numbers, keys, marks):
        if query is not None:
            portable.check(query, rule.place)
    values_read = hoisting.needed(scope.hoisted)
    return plan.NaturalKeyQuery(rule.table, shared, numbers, keys, marks, rule.repeats, values_read)


def _keys(table: str, parts: list[Sql]) -> exp.Select:
    whole = digest([*parts, sql.column(plan.OCCURRENCE, SELF)], m.MAX_IDENTIFIER)
    columns = [sql.column(plan.ROW, SELF), sql.named(whole, plan.KEY)]
    return sql.select(columns, sql.relation(plan.staged(table), SELF))


def _shared(table: str, parts: list[Sql]) -> exp.Query:
    """Rows that share their key."""
    names = [f"_key_{i}" for i in range(len(parts))]
    keyed = _keyed(parts, sql.relation(plan.staged(table), SELF))
    duplicates = sql.select(map(sql.column, names), sql.relation("keyed"))
    duplicates.set("group", exp.Group(expressions=list(map(sql.column, names))))
    many = sql.compared(exp.GT, exp.Count(this=exp.Star()), sql.whole(1))
    duplicates.set("having", exp.Having(this=many))
    query = sql.select([sql.column(plan.ROW, "keyed")], sql.relation("keyed"))
    same = sql.both(*(sql.equal(sql.column(n, "keyed"), sql.column(n, "duplicates")) for n in names))
    query.set("joins", [exp.Join(this=sql.relation("duplicates"), on=same)])
    return sql.staged(query, (("keyed", keyed), ("duplicates", duplicates)))


def _keyed(parts: list[Sql], source: Sql, *more: Sql) -> exp.Select:
    named = [sql.named(sql.own(part), f"_key_{i}") for i, part in enumerate(parts)]
    return sql.select([sql.column(plan.ROW, SELF), *named, *more], source)


def _numbers(table: str, parts: list[Sql], columns: list[str]) -> exp.Query:
    """Of rows that share their key: the place of each by content, and whether it repeats another.

    What differs is numbered by content; repeats come after, so that they change no other number.
    """
    return _numbered(parts, columns, sql.relation(plan.rows(table), SELF))


def _numbered(parts: list[Sql], columns: list[str], source: Sql, *more: str) -> exp.Select:
    key = [sql.column(f"_key_{i}") for i in range(len(parts))]
    content, row, again = sql.column("_content"), sql.column(plan.ROW), sql.column("_again")
    values = [sql.without_mark(sql.column(name, SELF)) for name in columns]
    said = sql.named(sql.one_text(values), "_content")
    tied = sql.subquery(_keyed(parts, source, said), "tied")
    repeats = sql.row_number([*key, content], [sql.ascending(row)])
    counted = sql.select([row, *map(sql.own, key), sql.own(content), sql.named(repeats, "_again")], tied)
    place = sql.row_number(key, [sql.ascending(item) for item in (again, content, row)])
    columns_of = [sql.own(row), sql.named(place, plan.OCCURRENCE), sql.own(again), *map(sql.column, more)]
    return sql.select(columns_of, sql.subquery(counted, "counted"))


def _marks(rule: m.SourceRule, parts: list[Sql], columns: list[str], keyed: bool) -> exp.Select:
    """Of every row: whether it repeats another, its occurrence as a text, and the digest of its key."""
    names = [f"_key_{i}" for i in range(len(parts))] if keyed else []
    numbered = _numbered(parts, columns, sql.relation(plan.valued(rule.table), SELF), *names)
    repeat = sql.compared(exp.GT, sql.column("_again"), sql.whole(1)) if rule.repeats else exp.false()
    occurrence = sql.as_text(sql.column(plan.OCCURRENCE))
    marks = [sql.column(plan.ROW), sql.named(repeat, plan.REPEAT), sql.named(occurrence, plan.OCCURRENCE)]
    if keyed:
        whole = digest([*map(sql.column, names), occurrence], m.MAX_IDENTIFIER)
        marks.append(sql.named(whole, plan.KEY))
    return sql.select(marks, sql.subquery(numbered, "numbered"))
