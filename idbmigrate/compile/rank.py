"""Which of several rows with one key is kept: preferences first, then content."""

from __future__ import annotations

from sqlglot import exp

from idbmigrate.compile import plan, sql
from idbmigrate.compile.sql import Sql
from idbmigrate.mapping import model as m


def preferred(preference: m.Preference, value: Sql) -> Sql:
    """How a preference sorts: what is preferred comes first, what is missing last."""
    if preference.how == "filled":
        return sql.ascending(sql.case([(sql.not_null(value), sql.whole(0))], sql.whole(1)))
    return sql.descending(value) if preference.how == "highest" else sql.ascending(value)


def ranking(
    table: str, one_per: m.OnePer, published: tuple[str, ...], days: frozenset[str] = frozenset()
) -> exp.Query:
    """The rows of a made table that have to make way for another with the same key.

    Keys are grouped first: only rows that share one are ordered, and that is rare. ``days`` are columns of
    dates: rows without one, or with one that cannot be read, are never taken for rows of one day.
    """
    made = plan.made(table)
    names = [f"_key_{i}" for i in range(len(one_per.key))]
    keys = [sql.coalesce(sql.column(name), sql.text("")) for name in one_per.key]
    duplicates = sql.select([sql.named(k, n) for k, n in zip(keys, names, strict=True)], sql.relation(made))
    duplicates.set("group", exp.Group(expressions=[key.copy() for key in keys]))
    dated = [sql.not_null(sql.column(name)) for name in one_per.key if name in days]
    if dated:
        duplicates.set("where", exp.Where(this=sql.both(*dated)))
    many = sql.compared(exp.GT, exp.Count(this=exp.Star()), sql.whole(1))
    duplicates.set("having", exp.Having(this=many))

    same = [
        sql.equal(sql.coalesce(sql.column(name, "m"), sql.text("")), sql.column(key, "duplicates"))
        for name, key in zip(one_per.key, names, strict=True)
    ]
    row = [sql.column(name, "m") for name in (plan.BRANCH, plan.ROW, plan.ITEM)]
    content = sql.one_text([sql.column(name, "m") for name in published])
    order = [preferred(p, sql.column(p.field, "m")) for p in one_per.prefer]
    order += [sql.ascending(item) for item in (content, *row[1:], row[0])]  # no tie is left open
    place = sql.row_number([sql.column(name, "duplicates") for name in names], order)
    placed = sql.select([*row, sql.named(place, "_place")], sql.relation(made, "m"))
    placed.set("joins", [exp.Join(this=sql.relation("duplicates"), on=sql.both(*same))])

    superseded = sql.select([sql.column(column.name) for column in row], sql.subquery(placed, "placed"))
    superseded.set("where", exp.Where(this=sql.compared(exp.GT, sql.column("_place"), sql.whole(1))))
    return sql.staged(superseded, [("duplicates", duplicates)])
