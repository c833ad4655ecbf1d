"""One target table becomes one query, in two readings: what is published, and why the rest is not.

Beside the target's columns the query says where a row came from (``_branch``, ``_row``, ``_row_<n>`` for
joined tables, ``_item``). Its stages are common table expressions:

    made     the branches, one after another: fields, joins, filters
    fitted   values that do not fit the format of their column are taken out
    judged   mandatory columns, parents: ``_reject`` says why a row is not published
    kept     the rows without a verdict, where one of several with the same key has to be chosen
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from idbmigrate.compile import fit, plan, sql
from idbmigrate.compile.branches import BranchCompiler, MadeBranch
from idbmigrate.compile.sql import Sql
from idbmigrate.datasets.model import TableSpec
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a table query needs to know of the rest.

    ``made`` maps the target tables that are made before this one to all their columns, helpers included;
    ``keyed`` are the source tables that have a digest of their natural key.
    """

    mapping: m.Mapping
    spec: TableSpec
    sources: Mapping[str, frozenset[str]]
    days: Mapping[str, frozenset[str]]
    made: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, str]
    accept: str
    keyed: frozenset[str]


def compile_table(table: m.TableMap, around: Surroundings) -> plan.TableQuery:
    """The query of one target table; raises ``mapping-invalid`` or ``mapping-inexpressible``."""
    branches = [BranchCompiler(branch, around).made(number) for number, branch in enumerate(table.branches)]
    named_columns = list(dict.fromkeys(name for branch in branches for name, _ in branch.outputs))
    names = [name for name in named_columns if name not in _ALWAYS]
    published = tuple(name for name in around.spec.columns if name in names)
    helping = {field.name for branch in branches for field in branch.fields if field.helper}
    helpers = tuple(name for name in names if name in helping)
    _check_fields(table, around.spec, names, published, helpers, branches)

    made = sql.union_all([_padded(branch, names) for branch in branches])
    misfits = fit.misfits(branches, around.spec, published)
    rest = [name for name in names if name not in published]
    parents = tuple(_parents(around, published))
    stages = [
        ("made", made),
        ("fitted", _fitted(published, rest, misfits, around.spec)),
        ("judged", _judged(published, rest, misfits, around, parents)),
    ]
    traces = [name for name in rest if name in helpers or name.startswith(("_row_", "_kept_"))]
    return plan.TableQuery(
        table.name,
        _published(table.one_per, published, traces, stages),
        _with_stages(sql.select(_all([*published, *rest, *misfits.values()]), sql.relation("judged")), stages),
        table.one_per.rule if table.one_per is not None else None,
        published,
        helpers,
        tuple(_columns(branch, misfits) for branch in branches),
        parents,
    )


def _all(names: Iterable[str]) -> list[Sql]:
    return [sql.column(name) for name in (*_ALWAYS, *names)]


def _with_stages(query: exp.Select, stages: Iterable[tuple[str, exp.Query]]) -> exp.Select:
    order = [sql.ascending(sql.column(name)) for name in (plan.BRANCH, plan.ROW, plan.ITEM)]
    query.set("order", exp.Order(expressions=order))
    for name, stage in stages:
        query = query.with_(exp.to_identifier(name, quoted=True), stage.copy(), copy=False)
    return query


def _published(one_per: m.OnePer | None, published, traces: list[str], stages) -> exp.Select:
    columns = [sql.column(n) for n in (plan.BRANCH, plan.ROW, plan.ITEM, *published, *traces)]
    kept = sql.select(columns, sql.relation("judged"))
    kept.set("where", exp.Where(this=sql.is_null(sql.column(plan.REJECT))))
    if one_per is None:
        return _with_stages(kept, stages)
    ranked = _ranked(one_per, [column.name for column in columns], published)
    return _with_stages(ranked, [*stages, ("kept", kept)])


_ALWAYS = (plan.BRANCH, plan.ROW, plan.ITEM, plan.REJECT)


def _check_fields(table, spec: TableSpec, names, published, helpers, branches: list[MadeBranch]) -> None:
    for branch in branches:
        for field in branch.fields:
            if not field.helper and field.name not in spec.columns:
                raise DescriptionError(
                    f"{table.name} has no column {field.name!r}", code="mapping-invalid",
                    where=str(branch.places[field.name]),
                )  # fmt: skip
    if table.one_per is not None:
        for name in (*table.one_per.key, *(p.field for p in table.one_per.prefer)):
            if name not in published and name not in helpers:
                raise DescriptionError(
                    f"{name!r} is not a field of {table.name}", code="mapping-invalid",
                    where=str(table.one_per.place),
                )  # fmt: skip


def _padded(branch: MadeBranch, names: Iterable[str]) -> exp.Select:
    """The branch with a column for each name, so that the branches can follow each other."""
    outputs = dict(branch.outputs)
    columns = [sql.named(outputs.get(name, sql.no_text()), name) for name in (*_ALWAYS, *names)]
    return branch.query(columns)


def _fitted(published, rest, misfits: Mapping[str, str], spec: TableSpec) -> exp.Select:
    inner = [sql.column(name) for name in (*_ALWAYS, *published, *rest)]
    if not misfits:
        return sql.select(inner, sql.relation("made"))
    tested = sql.select(
        [
            *inner,
            *(
                sql.named(fit.misfit_sql(name, spec.columns[name].format), column)
                for name, column in misfits.items()
            ),
        ],
        sql.relation("made"),
    )
    columns: list[Sql] = [sql.column(name) for name in _ALWAYS]
    for name in published:
        value: Sql = sql.column(name)
        if name in misfits:
            value = sql.named(sql.case([(sql.is_null(sql.column(misfits[name])), value)]), name)
        columns.append(value)
    columns += [sql.column(name) for name in (*rest, *misfits.values())]
    return sql.select(columns, sql.subquery(tested, "tested"))


def _parents(around: Surroundings, published) -> Iterable[str]:
    for column, (parent, _) in around.spec.foreign_keys.items():
        if column in published and parent in around.mapping.tables and parent != around.spec.name:
            yield parent


def _judged(published, rest, misfits, around: Surroundings, parents) -> exp.Select:
    verdicts: list[tuple[Sql, Sql]] = [(sql.not_null(sql.column(plan.REJECT)), sql.column(plan.REJECT))]
    for name, spec in around.spec.columns.items():
        available = around.mapping.unavailable_reason(around.spec.name, name) is None
        if spec.mandatory and (name in published or available):
            missing = sql.is_null(sql.column(name)) if name in published else exp.true()
            verdicts.append((missing, sql.text(f"blank:{name}")))
    for column, (parent, key) in around.spec.foreign_keys.items():
        if parent in parents and column in published:
            known = sql.select([sql.column(key)], sql.relation(plan.target(parent)))
            there = exp.In(this=sql.column(column), query=exp.Subquery(this=known))
            orphan = sql.both(sql.not_null(sql.column(column)), sql.negated(sql.surely(there)))
            verdicts.append((orphan, sql.text(f"no-parent:{parent}")))
    columns = [sql.column(name) for name in (plan.BRANCH, plan.ROW, plan.ITEM)]
    columns.append(sql.named(sql.case(verdicts, sql.no_text()), plan.REJECT))
    columns += [sql.column(name) for name in (*published, *rest, *misfits.values())]
    return sql.select(columns, sql.relation("fitted"))


def _ranked(one_per: m.OnePer, names: list[str], published) -> exp.Select:
    """Of the rows that share a key the first by preference and content.

    Content is only put together where a key is shared, which is rare: the window that counts is cheap.
    """
    key: list[Sql] = [sql.coalesce(sql.column(name), sql.text("")) for name in one_per.key]
    everything = [sql.column(name) for name in names]
    counted = sql.select([*everything, sql.named(sql.row_count(key), "_sharing")], sql.relation("kept"))
    shared = sql.compared(exp.GT, sql.column("_sharing"), sql.whole(1))
    content = sql.case([(shared, sql.one_text([sql.column(name) for name in published]))])
    order = [preferred(p, sql.column(p.field)) for p in one_per.prefer]
    order += [sql.ascending(item) for item in (content, sql.column(plan.ROW), sql.column(plan.ITEM))]
    placed = sql.select(
        [*everything, sql.named(sql.row_number(key, order), "_place")], sql.subquery(counted, "counted")
    )
    first = sql.select(everything, sql.subquery(placed, "placed"))
    first.set("where", exp.Where(this=sql.equal(sql.column("_place"), sql.whole(1))))
    return first


def preferred(preference: m.Preference, value: Sql) -> Sql:
    """How a preference sorts: what is preferred comes first, what is missing last."""
    if preference.how == "filled":
        return sql.ascending(sql.case([(sql.not_null(value), sql.whole(0))], sql.whole(1)))
    return sql.descending(value) if preference.how == "highest" else sql.ascending(value)


def _columns(branch: MadeBranch, misfits: Mapping[str, str]) -> plan.BranchColumns:
    fields = tuple(
        plan.FieldColumns(field.name, field.carriers, misfits.get(field.name)) for field in branch.fields
    )
    return plan.BranchColumns(branch.rows, branch.source, branch.joined, branch.items, fields)
