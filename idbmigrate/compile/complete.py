"""The complete plan: every relation from staged tables to published rows, in the order of their making.

What is given are the staged tables as queries read them, ``clean_<table>``, each row with its number.
All else is a query over those before it, so that an engine that runs SQL needs nothing else, and nothing
leaves it. A plan with rules of the optimiser that leave something to the run (:data:`INCOMPLETE`) is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from idbmigrate.compile import hoist, optimise, plan, sql
from idbmigrate.compile.hoist import SELF
from idbmigrate.compile.sql import Sql

#: Rules after which the run, and not a query, gives some of the columns.
INCOMPLETE = frozenset({optimise.SAME_ROW_PARENT, optimise.PARENT_KEY, optimise.PASS_THROUGH})
_PLACE = (plan.BRANCH, plan.ROW, plan.ITEM)


def is_complete(made: plan.Plan) -> bool:
    """Whether every column of the plan is given by its queries alone."""
    return not made.rules & INCOMPLETE


def relations(made: plan.Plan) -> Iterator[plan.Relation]:
    """All relations up to the published rows, ``target_<table>``: sources first, then target tables."""
    for table in made.sources:
        yield from source_relations(made, table)
    for query in made.tables:
        yield from target_relations(query)


def source_relations(made: plan.Plan, table: str) -> Iterator[plan.Relation]:
    """A source table with its hoisted values and with what its natural key says of each row."""
    natural_key = next((natural_key for natural_key in made.natural_keys if natural_key.table == table), None)
    values = _together(made.values.get(table, {}), natural_key.values if natural_key else {})
    valued = hoist.query(plan.clean(table), values, whole=True)
    yield plan.Relation(plan.valued(table), valued, f"{table} with hoisted values")
    marks: list[Sql] = [sql.column(name, "marks") for name in _marks(natural_key)]
    if natural_key is None:
        marks = [sql.named(exp.false(), plan.REPEAT), sql.named(sql.text("1"), plan.OCCURRENCE)]
    else:
        meaning = f"what the natural key of {table} says"
        yield plan.Relation(plan.marks(table), natural_key.marks, meaning, stored=True)
    source = sql.select([sql.all_of(SELF), *marks], sql.relation(plan.valued(table), SELF))
    if natural_key is not None:
        same = sql.equal(sql.column(plan.ROW, SELF), sql.column(plan.ROW, "marks"))
        source.set("joins", [exp.Join(this=sql.relation(plan.marks(table), "marks"), on=same)])
    yield plan.Relation(plan.staged(table), source, f"{table} as target tables read it", stored=True)
    rows = sql.select([exp.Star()], sql.relation(plan.staged(table)))
    yield plan.Relation(plan.rows(table), rows, f"rows of {table} that target rows are made of")


def _marks(natural_key: plan.NaturalKeyQuery | None) -> list[str]:
    keyed = natural_key is not None and natural_key.keys is not None
    return [plan.REPEAT, plan.OCCURRENCE, *([plan.KEY] if keyed else [])]


def _together(
    one: Mapping[str, tuple[plan.Hoisted, ...]], other: Mapping[str, tuple[plan.Hoisted, ...]]
) -> dict[str, tuple[plan.Hoisted, ...]]:
    found = {}
    for column in {**one, **other}:
        numbered = {value.number: value for value in (*one.get(column, ()), *other.get(column, ()))}
        found[column] = tuple(numbered[number] for number in sorted(numbered))
    return found


def target_relations(query: plan.TableQuery) -> Iterator[plan.Relation]:
    """The rows of a target table, and what is left of them once ``one_per`` has chosen."""
    table, ranked = query.table, len(query.rankings)
    name = plan.made(table) if ranked else plan.target(table)
    yield plan.Relation(name, query.query, f"rows of {table}", stored=True)
    for number, (rule, ranking) in enumerate(query.rankings, 1):
        losers = _numbered(plan.superseded(table), number)
        over = _over(ranking, plan.made(table), name)
        yield plan.Relation(losers, over, f"rows of {table} that make way ({rule})", stored=True)
        left = plan.target(table) if number == ranked else _numbered(plan.made(table), number + 1)
        yield plan.Relation(left, _without(name, losers), f"rows of {table} without these", stored=True)
        name = left


def superseded_relations(query: plan.TableQuery) -> list[tuple[str, str]]:
    """The rules of a target table and the relations of the rows that each does not keep, in their order."""
    names = enumerate(query.rankings, 1)
    return [(rule, _numbered(plan.superseded(query.table), number)) for number, (rule, _) in names]


def _numbered(name: str, number: int) -> str:
    kind, _, table = name.partition("_")
    return name if number == 1 else f"{kind}{number}_{table}"


def _over(query: exp.Query, name: str, relation: str) -> exp.Query:
    """The query over another relation than the one of this name."""
    query = query.copy()
    for found in query.find_all(exp.Table):
        if found.name == name:
            found.set("this", sql.relation(relation).this)
    return query


def sources_read(made: plan.Plan) -> list[str]:
    """The source tables that the target tables of a plan read."""
    named = {found.name for query in made.tables for found in query.query.find_all(exp.Table)}
    return [table for table in made.sources if named & {plan.rows(table), plan.staged(table)}]


def statement(relation: plan.Relation, dialect: str) -> str:
    """What makes a relation in a shell of an engine that speaks this dialect."""
    name = sql.relation(relation.name).sql(dialect=dialect)
    text = relation.query.sql(dialect=dialect, pretty=True)
    if dialect == "spark":
        return f"{'CACHE TABLE' if relation.stored else 'CREATE TEMPORARY VIEW'} {name} AS\n{text};"
    return f"CREATE {'TABLE' if relation.stored else 'VIEW'} {name} AS\n{text};"


def _without(relation: str, losers: str) -> exp.Query:
    """The rows of a relation that are not among others, told by their places."""
    query = sql.select([sql.all_of("m")], sql.relation(relation, "m"))
    query.set("joins", [place_join(losers, "gone", "m")])
    query.set("where", exp.Where(this=sql.is_null(sql.column(plan.BRANCH, "gone"))))
    return query


def place_join(relation: str, alias: str, to: str) -> exp.Join:
    """A join that finds the row of the same place, if it is there."""
    same = [sql.equal(sql.column(name, to), sql.column(name, alias)) for name in _PLACE]
    return exp.Join(this=sql.relation(relation, alias), on=sql.both(*same), side="LEFT")
