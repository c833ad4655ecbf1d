"""One target table becomes one query, in two readings: what is published, and why the rest is not.

Beside the target's columns the query says where a row came from (``_branch``, ``_row``, ``_row_<n>`` for
joined tables, ``_item``). Its branches, one after another, are read either without the rows that filters
stop, or that lack a mandatory column or a parent, or with them and the word for it in ``_reject``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlglot import exp

from idbmigrate.compile import optimise, plan, sql
from idbmigrate.compile.branches import BranchCompiler, MadeBranch
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.rank import ranking
from idbmigrate.compile.sql import Sql
from idbmigrate.datasets.model import TableSpec
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m

#: Named queries, each of which may read those before it.
Stages = list[tuple[str, exp.Query]]


class _Verdict(NamedTuple):
    """A condition under which a made row is not published, with its word.

    ``same_row``: the field of a parent that the run looks for by the number of the source row, once both
    tables are made.
    """

    condition: Sql
    word: str
    same_row: str | None = None


def _judged(verdicts: Iterable[_Verdict]) -> set[str]:
    """The columns that verdicts look at."""
    return {column.name for each in verdicts for column in each.condition.find_all(exp.Column)}


def compile_table(table: m.TableMap, around: CompileContext) -> plan.TableQuery:
    """The query of one target table; raises ``mapping-invalid`` or ``mapping-inexpressible``."""
    branches = [BranchCompiler(branch, around).made(number) for number, branch in enumerate(table.branches)]
    columns = {column.name: column for branch in branches for column in branch.outputs}
    named_columns = list(columns)
    names = [name for name in named_columns if name not in (*_ALWAYS, plan.REJECT)]
    published = tuple(name for name in around.spec.columns if name in names)
    helpers = tuple(name for name in names if columns[name].role == "helper")
    _check_fields(table, around.spec, published, helpers, branches)

    days = frozenset(c.name for c in around.spec.columns.values() if c.format.kind in ("date", "timestamp"))
    rest = [name for name in names if name not in published]
    parents = _parents(around, published, branches)
    identities = optimise.source_row_identities(branches)
    verdicts = [*_orphans(around, parents, identities), *_blanks(around, published, branches)]
    shared = _shared_joins(branches)

    def stages(made: list[MadeBranch], names: Iterable[str], stopped: bool) -> list[tuple[str, exp.Query]]:
        read = optimise.with_rows(made, around.empty) if optimise.EMPTY_BRANCH in around.rules else made
        wanted = [columns[name] for name in (*_ALWAYS, *names)]
        rows = [branch.query(wanted, stopped) for branch in read]
        return [*((name, query.copy()) for name, query in shared), ("made", sql.union_all(rows))]

    def query(names: Iterable[str], judging: Sequence[_Verdict]) -> exp.Query:
        wanted = {plan.REJECT, *names, *_judged(judging)}.difference(_ALWAYS)
        looked_at = [name for name in named_columns if name in wanted]
        return _published(names, judging, stages(branches, looked_at, stopped=False))

    def explain(numbers: frozenset[int], asked: frozenset[str]) -> exp.Query:
        needed = asked | _judged(verdicts) if plan.REJECT in asked else asked
        made = [branches[number] for number in sorted(numbers)]
        read = [name for name in named_columns if name in needed and name not in _ALWAYS]
        return _explained(sorted(asked), verdicts, stages(made, read, stopped=True))

    lineage = [name for name in rest if columns[name].role in _TOLD]
    told = [*published, *lineage]
    rules, keys = around.rules, around.spec.foreign_keys
    passed = optimise.pass_through(branches, told) if optimise.PASS_THROUGH in rules else {}
    references = optimise.parent_keys(keys, branches) if optimise.PARENT_KEY in rules else {}
    same_row_parents = {each.same_row: parents[each.same_row] for each in verdicts if each.same_row}
    passed = {name: copied for name, copied in passed.items() if name not in same_row_parents}
    given = [name for name in told if name not in {**passed, **same_row_parents, **references}]
    given += map(plan.there, references)
    return plan.TableQuery(
        table=table.name,
        query=query(given, [each for each in verdicts if not each.same_row]),
        pass_through=passed,
        references=references,
        same_row_parents=same_row_parents,
        explain=cache(explain),
        rankings=tuple((rule.rule, ranking(table.name, rule, published, days)) for rule in table.one_per),
        published=published,
        helpers=helpers,
        columns=columns,
        branches=tuple(_columns(branch) for branch in branches),
        hoisted=tuple((branch.source, branch.hoisted) for branch in branches if branch.source),
        identities=identities,
    )


def _shared_joins(branches: list[MadeBranch]) -> list[tuple[str, exp.Query]]:
    """Joined rows that several branches look at, as stages of their own, so that they are found once."""
    found: dict[str, list[exp.Join]] = {}
    for branch in branches:
        for join in branch.joins:
            found.setdefault(join.this.this.sql(), []).append(join)
    shared: list[tuple[str, exp.Query]] = []
    for joins in found.values():
        if len(joins) > 1:
            name = f"joined_{len(shared)}"
            shared.append((name, joins[0].this.this))
            for join in joins:
                join.set("this", sql.relation(name, join.this.alias))
    return shared


def _published(names: Iterable[str], verdicts: Sequence[_Verdict], stages: Stages) -> exp.Select:
    columns = [sql.column(name) for name in (*_ALWAYS, *names)]
    kept = sql.select(columns, sql.relation("made"))
    blamed = [sql.is_null(sql.column(plan.REJECT)), *(sql.negated(each.condition) for each in verdicts)]
    kept.set("where", exp.Where(this=sql.both(*blamed)))
    return sql.staged(kept, stages)


def _explained(names: Iterable[str], verdicts: Sequence[_Verdict], stages: Stages) -> exp.Select:
    given = sql.column(plan.REJECT)
    words = [(each.condition, sql.text(each.word)) for each in verdicts]
    verdict = sql.named(sql.case([(sql.not_null(given), given), *words], sql.no_text()), plan.REJECT)
    columns = [verdict if name == plan.REJECT else sql.column(name) for name in (*_ALWAYS, *names)]
    return sql.staged(sql.select(columns, sql.relation("made")), stages)


_ALWAYS = (plan.BRANCH, plan.ROW, plan.ITEM)
#: What a published row says of itself beside its place and its fields.
_TOLD: tuple[plan.Role, ...] = ("helper", "joined-row", "kept")


def _check_fields(
    table: m.TableMap,
    spec: TableSpec,
    published: Sequence[str],
    helpers: Sequence[str],
    branches: list[MadeBranch],
) -> None:
    for branch in branches:
        for field in branch.fields:
            if not field.helper and field.name not in spec.columns:
                raise DescriptionError(
                    f"{table.name} has no column {field.name!r}",
                    code="mapping-invalid",
                    where=branch.places[field.name],
                )
    for rule in table.one_per:
        for name in (*rule.key, *(p.field for p in rule.prefer)):
            if name not in published and name not in helpers:
                raise DescriptionError(
                    f"{name!r} is not a field of {table.name}",
                    code="mapping-invalid",
                    where=rule.place,
                )


def _parents(
    around: CompileContext, published: Sequence[str], branches: list[MadeBranch]
) -> dict[str, tuple[str, str]]:
    """Columns whose parent has to be looked for: column -> parent table and its key.

    A value that comes from a row of the parent, joined, needs no looking for.
    """
    return {
        column: (parent, key)
        for column, (parent, key) in around.spec.foreign_keys.items()
        if column in published
        and parent in around.mapping.tables
        and parent != around.spec.name
        and not all(branch.comes_from(column, parent, key) for branch in branches)
    }


def _blanks(around: CompileContext, published: Sequence[str], branches: list[MadeBranch]) -> list[_Verdict]:
    """Mandatory columns that may be empty.

    One that names a joined row of its parent table is empty where that row is not there: the parent is lost.
    """
    blanks = []
    filled = set.intersection(*({f.name for f in branch.fields if f.filled} for branch in branches))
    for name, spec in around.spec.columns.items():
        available = around.mapping.unavailable_reason(around.spec.name, name) is None
        if spec.mandatory and (name in published or available) and name not in filled:
            missing = sql.is_null(sql.column(name)) if name in published else exp.true()
            parent, key = around.spec.foreign_keys.get(name, ("", ""))
            lost = bool(parent) and all(branch.comes_from(name, parent, key) for branch in branches)
            blanks.append(_Verdict(missing, f"no-parent:{parent}" if lost else f"blank:{name}"))
    return sorted(blanks, key=lambda blank: not blank.word.startswith("no-parent:"))


def _orphans(
    around: CompileContext, parents: Mapping[str, tuple[str, str]], identities: plan.Identities
) -> list[_Verdict]:
    """Columns that may name a parent that is not there.

    A parent with the identifier of the very row is looked for by the number of that row.
    """
    orphans = []
    for column, (parent, key) in parents.items():
        own = identities.get(column)
        same_row = own is not None and around.identities.get(parent, {}).get(key) == own
        same_row = same_row and around.primary_key(parent) == (key,)
        same_row = same_row and optimise.SAME_ROW_PARENT in around.rules
        sought, key = (plan.ROW, plan.ROW) if same_row else (column, key)
        known = sql.select([sql.column(key)], sql.relation(plan.target(parent)))
        there = exp.In(this=sql.column(sought), query=exp.Subquery(this=known))
        orphan = sql.both(sql.not_null(sql.column(column)), sql.negated(sql.surely(there)))
        orphans.append(_Verdict(orphan, f"no-parent:{parent}", column if same_row else None))
    return orphans


def _columns(branch: MadeBranch) -> plan.BranchColumns:
    fields = tuple(plan.FieldColumns(each.name, each.contributions, each.misfit) for each in branch.fields)
    return plan.BranchColumns(branch.rows, branch.source, branch.joined, branch.items, fields)
