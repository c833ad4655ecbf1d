"""The rows of a table that another is joined with: at most one for each key, whatever their order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from idbmigrate.compile import plan, sql
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.rank import preferred
from idbmigrate.compile.sql import Sql
from idbmigrate.mapping import model as m


def one_a_key(
    join: m.Join, keys: Sequence[str], columns: Sequence[str], around: CompileContext
) -> exp.Select:
    """These columns of the rows of the other table, of several rows with one key the preferred one."""
    relation = sql.relation(plan.target(join.table) if join.target else plan.staged(join.table))
    selected: list[Sql] = [sql.column(column) for column in columns]
    rule = None if join.target else around.mapping.sources.get(join.table)
    natural = [e.name if isinstance(e, m.Reference) else None for e in rule.natural_key] if rule else []
    if natural and natural == [*keys] and not join.prefer:
        first = sql.equal(sql.column(plan.OCCURRENCE), sql.text("1"))
        query = sql.select(selected, relation)
        query.set("where", exp.Where(this=sql.both(first, sql.negated(sql.column(plan.REPEAT)))))
        return query
    unique = around.primary_key(join.table) if join.target else ()
    if unique and {*unique} <= {*keys}:  # every run proves it
        return sql.select(selected, relation)
    key: list[Sql] = [sql.column(column) for column in keys]
    order = [preferred(p, sql.column(p.field)) for p in join.prefer]
    inner: Sql = relation
    if unique:
        order += [sql.ascending(sql.column(column)) for column in unique]
    else:
        content = _content(key, sorted(around.columns_of(join)))
        inner = sql.subquery(sql.select([exp.Star(), content], relation), "counted")
        order.append(sql.ascending(sql.column("_content")))
        order += [] if join.target else [sql.ascending(sql.column(plan.ROW))]
    place = sql.named(sql.row_number(key, order), "_place")
    placed = sql.select([*map(sql.own, selected), place], inner)
    query = sql.select(map(sql.own, selected), sql.subquery(placed, "placed"))
    query.set("where", exp.Where(this=sql.equal(sql.column("_place"), sql.whole(1))))
    return query


def _content(key: list[Sql], columns: list[str]) -> Sql:
    """The row as one text where its key is shared, so that the choice never hangs on the file's order."""
    shared = sql.compared(exp.GT, sql.row_count(key), sql.whole(1))
    content = sql.one_text([sql.column(column) for column in columns])
    return sql.named(sql.case([(shared, content)], sql.text("")), "_content")
