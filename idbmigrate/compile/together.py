"""Which records of an archive hang together, and the months that they are of.

Records hang together that name one patient, one referral or another record of each other, and patients whose
keys the rules compare. Whatever a mapping makes of a record it makes of records that hang together with it: a
month can be converted from those that have anything to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlglot import exp

from idbmigrate.compile import consolidation as c
from idbmigrate.compile import sql
from idbmigrate.compile.hoist import SELF
from idbmigrate.compile.sql import Sql
from idbmigrate.datasets.model import Dataset
from idbmigrate.mapping import model as m

NODE, OTHER, NUMBER, WHO = "_node", "_other", "_number", "_who"
FIRST, LAST, MONTH = "_first", "_last", "_month"
#: The month of what goes on.
NEVER = "9999-12"
_MONTH = "[0-9]{4}-(0[1-9]|1[0-2]).*"


def _nodes(known: c.Known, sources: Mapping[str, m.SourceRule]) -> list[Sql]:
    """What a row of a table names: its parents, and itself where it is one."""
    rule = known.rule
    named = [(parent.table, parent.by) for parent in rule.parents if parent.by in known.columns]
    if any(parent.table == rule.table for each in sources.values() for parent in each.parents):
        named.append((rule.table, rule.key_column or ""))
    return [sql.joined(sql.text(f"{table}\x1f"), sql.column(column, SELF)) for table, column in named]


def links(known: c.Known, sources: Mapping[str, m.SourceRule], winners: int) -> list[exp.Query]:
    """Pairs of what rows of a table name; a row that names one thing pairs it with itself."""
    nodes = _nodes(known, sources)
    if not nodes:
        return []
    pairs = [(nodes[0], node) for node in nodes]
    for item in known.rule.agree:
        if item.key is not None and c.can_ask(known, item):
            shared = sql.joined(sql.text(f"{item.conflict}\x1f"), known.value(item.key))
            pairs.append((nodes[0], shared))
    pairs += [(node, node) for node in nodes[1:]]
    return [_pair(known, one, other, winners) for one, other in pairs]


def _pair(known: c.Known, one: Sql, other: Sql, winners: int) -> exp.Query:
    named = [sql.named(sql.own(one), NODE), sql.named(sql.own(other), OTHER)]
    query = sql.select(named, sql.relation(c.keys(known.rule.table), SELF))
    wins = sql.compared(exp.LT, sql.column(c.FILE, SELF), sql.whole(winners))
    query.set("where", exp.Where(this=sql.both(wins, sql.not_null(one), sql.not_null(other))))
    query.set("group", exp.Group(expressions=[sql.own(one), sql.own(other)]))
    return query


def nodes(relation: str) -> exp.Query:
    """What a relation of pairs names, each once and numbered."""
    both = [sql.select([sql.named(sql.column(name), NODE)], sql.relation(relation)) for name in (NODE, OTHER)]
    different = sql.select([sql.column(NODE)], sql.subquery(sql.union_all(both), "all_nodes"))
    different.set("group", exp.Group(expressions=[sql.column(NODE)]))
    number = sql.row_number([], [sql.ascending(sql.column(NODE))])
    return sql.select([sql.column(NODE), sql.named(number, NUMBER)], sql.subquery(different, "different"))


def numbered_links(pairs: str, numbers: str) -> exp.Query:
    """The pairs as numbers."""
    query = sql.select(
        [sql.named(sql.column(NUMBER, side), name) for side, name in (("one", NODE), ("two", OTHER))],
        sql.relation(pairs, "pairs"),
    )
    query.set(
        "joins",
        [
            exp.Join(
                this=sql.relation(numbers, side),
                on=sql.equal(sql.column(name, "pairs"), sql.column(NODE, side)),
            )
            for side, name in (("one", NODE), ("two", OTHER))
        ],
    )
    return query


def who_is_who(numbers: str, groups: str) -> exp.Query:
    """What is named, and the group that it is of."""
    query = sql.select([sql.column(NODE, "one"), sql.column(WHO, "two")], sql.relation(numbers, "one"))
    same = sql.equal(sql.column(NUMBER, "one"), sql.column(NUMBER, "two"))
    query.set("joins", [exp.Join(this=sql.relation(groups, "two"), on=same)])
    return query


def groups_of_rows(known: c.Known, sources: Mapping[str, m.SourceRule], who: str, winners: int) -> exp.Query:
    """The group of each row that stays, missing where it names nothing."""
    named = _nodes(known, sources)
    table = known.rule.table
    columns: list[Sql] = [sql.column(c.ROW, SELF)]
    columns.append(sql.column(WHO, "who") if named else sql.named(sql.no_text(), WHO))
    query = sql.select(columns, sql.relation(c.keys(table), SELF))
    gone = sql.equal(sql.column(c.ROW, SELF), sql.column(c.ROW, "replaced"))
    joins = [exp.Join(this=sql.relation(c.replaced(table), "replaced"), on=gone, side="LEFT")]
    if named:
        same = sql.equal(sql.coalesce(*named), sql.column(NODE, "who"))
        joins.append(exp.Join(this=sql.relation(who, "who"), on=same, side="LEFT"))
    query.set("joins", joins)
    stays = sql.is_null(sql.column(c.ROW, "replaced"))
    wins = sql.compared(exp.LT, sql.column(c.FILE, SELF), sql.whole(winners))
    query.set("where", exp.Where(this=sql.both(wins, stays)))
    return query


def months_of(
    known: c.Known, relation: str, dates: Iterable[str], ends: Iterable[m.Expression]
) -> list[exp.Query]:
    """Group, missing for none, and month of each date of rows; of rows without an end, :data:`NEVER`."""
    found = []
    for name in dates:
        date = sql.column(name, SELF)
        there = sql.matches(sql.coalesce(date, sql.text("")), _MONTH)
        found.append(_touch(known, relation, sql.part(date, 1, 7), there))
    found += [_touch(known, relation, sql.text(NEVER), sql.is_null(known.value(end))) for end in ends]
    return found


def _touch(known: c.Known, relation: str, month: Sql, where: Sql) -> exp.Query:
    who = sql.column(WHO, "rows")
    query = sql.select([who, sql.named(month, MONTH)], sql.relation(c.keys(known.rule.table), SELF))
    same = sql.equal(sql.column(c.ROW, SELF), sql.column(c.ROW, "rows"))
    query.set("joins", [exp.Join(this=sql.relation(relation, "rows"), on=same)])
    query.set("where", exp.Where(this=where))
    return query


def spans(relation: str) -> exp.Query:
    """The first and the last month of each group."""
    first, last = exp.Min(this=sql.column(MONTH)), exp.Max(this=sql.column(MONTH))
    columns = [sql.column(WHO), sql.named(first, FIRST), sql.named(last, LAST)]
    query = sql.select(columns, sql.relation(relation))
    query.set("where", exp.Where(this=sql.not_null(sql.column(WHO))))
    query.set("group", exp.Group(expressions=[sql.column(WHO)]))
    return query


def different_months(relation: str) -> exp.Query:
    """The months in which anything has a date."""
    query = sql.select([sql.column(MONTH)], sql.relation(relation))
    query.set("group", exp.Group(expressions=[sql.column(MONTH)]))
    return query


def ends_of(mapping: m.Mapping, target: Dataset) -> dict[str, list[m.Expression]]:
    """What says of a source row that it has ended, by source table: where the target knows rows as open."""
    found: dict[str, list[m.Expression]] = {}
    for name, table in mapping.tables.items():
        period = target.tables[name].period
        if period is None or period.kind != "open" or len(period.columns) < 2:
            continue
        for branch in table.branches:
            for field in branch.fields:
                if field.name == period.columns[1]:
                    source, end = _of_one_table(branch, field.value)
                    if source is not None and end not in found.setdefault(source, []):
                        found[source].append(end)
    return found


def _of_one_table(branch: m.Branch, value: m.Expression) -> tuple[str | None, m.Expression]:
    """The source table that an expression is about, if it is one, and the expression as the table's own."""
    aliases = {reference.alias for reference in m.references(value)}
    if len(aliases) != 1:
        return None, value
    alias = aliases.pop()
    joined = {join.alias: join.table for join in branch.joins if not join.target}
    return (joined.get(alias), _own(value)) if alias else (branch.source, value)


def _own(node: Any) -> Any:
    """An expression with every column as the row's own."""
    if isinstance(node, m.Reference):
        return replace(node, alias="")
    if isinstance(node, tuple):
        return tuple(map(_own, node))
    if is_dataclass(node) and isinstance(node, (m.Expression, m.Condition)):
        return replace(node, **{each.name: _own(getattr(node, each.name)) for each in _inner(node)})
    return node


def _inner(node: Any) -> Iterator[Any]:
    return (each for each in fields(node) if each.name != "place")
