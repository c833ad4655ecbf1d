"""Runs a plan over staged tables: natural keys of the sources first, then the target tables in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from idbmigrate.compile import plan as p
from idbmigrate.compile import sql
from idbmigrate.compile.complete import is_complete, relations, superseded_relations
from idbmigrate.datasets.model import Dataset, TableSpec
from idbmigrate.engine import Engine
from idbmigrate.errors import BooksError
from idbmigrate.execution.pass_through import with_parent_keys, with_pass_through, with_same_row_parents
from idbmigrate.execution.row_order import in_order
from idbmigrate.execution.scheduler import run_tasks
from idbmigrate.execution.sources import hoisted_values_of, marks, numbered
from idbmigrate.staging.dictionary import all_different, plain
from idbmigrate.staging.tables import StagedTable

#: Rows of a query stand in the order of these columns.
_ORDER = (p.BRANCH, p.ITEM, p.ROW)


@dataclass(frozen=True)
class OtherMonths:
    """What a run over one month asks of rows that it does not publish, whatever else is wrong with them.

    ``columns`` are the dates that tell the month, ``of`` gives the mask of rows that are of another month.
    ``standing``: the rows hold from their day on, so that those of an earlier month are in the run's, too.
    ``closing`` are columns that tell of the end of a row, ``ended_later`` the mask of rows that end after the
    month.
    """

    columns: tuple[str, ...]
    of: Callable[[pa.Table], np.ndarray]
    standing: bool
    closing: tuple[str, ...]
    ended_later: Callable[[pa.Table], np.ndarray]


@dataclass(frozen=True, repr=False)
class TableResult:
    """Rows of one target table.

    ``made`` holds what the query gave: the target's columns as text or as dictionaries of different texts,
    and where each row came from.
    ``kept`` is a mask over its rows, ``left_out`` the word for those that are not kept. ``blanked`` are
    columns from which values were taken out under that word. ``superseded`` are the rows that had to make way
    for another with the same key, by word, as the numbers of :func:`row_names` in ascending order.
    ``others`` is there in a run over one month.
    """

    query: p.TableQuery
    made: pa.Table
    kept: np.ndarray
    superseded: Mapping[str, np.ndarray] = field(default_factory=dict)
    left_out: str = ""
    blanked: frozenset[str] = frozenset()
    others: OtherMonths | None = None

    def __repr__(self) -> str:
        return (
            f"<TableResult {self.query.table}: {int(self.kept.sum()):,} of {self.made.num_rows:,} rows kept>"
        )

    def rows(self, spec: TableSpec) -> pa.Table:
        """Published rows: all columns of the data set, in its order, as text or dictionaries of text.

        A primary key of one column, which the run has proved to be one, is a dictionary.
        """
        table = self.made.select(self.query.published)
        table = table if self.kept.all() else table.filter(pa.array(self.kept))
        missing = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        columns = {name: table[name] if name in self.query.published else missing for name in spec.columns}
        if len(spec.primary_key) == 1:
            columns |= {name: all_different(columns[name]) for name in spec.primary_key}
        return pa.table(columns)

    def only(self, mask: np.ndarray, word: str) -> TableResult:
        """The same without the kept rows outside the mask, which has one entry a kept row."""
        if mask.all():
            return self
        kept = self.kept.copy()
        kept[np.flatnonzero(self.kept)[~mask]] = False
        return replace(self, kept=kept, left_out=word)

    def without_values(self, name: str, mask: pa.ChunkedArray, word: str) -> TableResult:
        """The same with the values of one column taken out where the mask over all rows is true."""
        index = self.made.schema.get_field_index(name)
        made = plain(self.made)
        values = pc.if_else(mask, pa.scalar(None, pa.string()), made[name])
        made = made.set_column(index, name, values)
        return replace(self, made=made, left_out=word, blanked=self.blanked | {name})


@dataclass(repr=False)
class Execution:
    """A plan that has been run: its results, and the means to ask why a row or value is not in them."""

    plan: p.Plan
    engine: Engine
    sources: dict[str, pa.Table]
    results: dict[str, TableResult] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Execution of {self.plan.mapping}: {len(self.results)} tables>"

    def explain(self, asked: exp.Query, rows: Mapping[str, np.ndarray]) -> pa.Table:
        """What a query says of the candidate rows that are made from these rows of its source tables."""
        used = {column.name for column in asked.find_all(exp.Column)}
        for name, wanted in rows.items():
            columns = [column for column in self.sources[name].column_names if column in used]
            self.engine.register(p.rows(name), self.sources[name].select(columns).take(pa.array(wanted)))
        said = self.engine.run(asked)
        return in_order(said, _ORDER)


def execute(
    plan: p.Plan,
    staged: Mapping[str, StagedTable],
    engine: Engine,
    target: Dataset,
    progress: Callable[[str], None] = lambda message: None,
    while_waiting: Callable[[], None] = lambda: None,
) -> Execution:
    """Run all target tables, each after those that it needs; ``while_waiting`` is
    called where a worker would wait for them.

    Raises ``BooksError`` (``identifier-clash``) where two published rows share a primary key.
    """
    run = Execution(plan, engine, numbered(staged, plan.conflicts))
    if is_complete(plan):
        while_waiting()
        _run_complete(run, target, progress)
        return run
    work = _Work(run, target, progress)
    work.add("while_waiting", set(), 0, lambda _: while_waiting())
    run_tasks(work.needs, work.do, engine.workers, work.sizes)
    run.results = {query.table: run.results[query.table] for query in plan.tables}
    return run


class _Work:
    """The work of a run, by the names of what is made: what each needs, and how much it is."""

    def __init__(self, run: Execution, target: Dataset, progress: Callable[[str], None]):
        self.run, self.engine, self.target, self.progress = run, run.engine, target, progress
        self.needs: dict[str, set[str]] = {}
        self.sizes: dict[str, int] = {}
        self._calls: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self._marks: dict[str, pa.Table] = {}
        self._values = hoisted_values_of(run.plan, run.sources, run.engine.workers)
        self._add_sources()
        for query in run.plan.tables:
            self._add_table(query)

    def add(self, name: str, needs: set[str], size: int, call: Callable[..., None], *given: Any) -> None:
        """Add a piece of work: a function of this object, and what else it is given."""
        self.needs[name], self.sizes[name], self._calls[name] = needs, size, (call, given)

    def do(self, name: str) -> None:
        """Make what has this name."""
        call, given = self._calls[name]
        call(self, *given)

    def _add_sources(self) -> None:
        largest_first = sorted(self.run.sources, key=self._rows, reverse=True)
        for name in largest_first:
            self.add(p.marks(name), set(), self._rows(name), _Work._mark, name)
        for part in self._values.parts:
            self.add(part, set(), 1, _Work._prepare, part)
        for name in largest_first:
            parts = {part for part in self._values.parts if name in self._values.tables(part)}
            self.add(p.rows(name), {p.marks(name), *parts}, 1, _Work._finish, name)

    def _rows(self, source: str) -> int:
        return self.run.sources[source].num_rows

    def _add_table(self, query: p.TableQuery) -> None:
        named = {found.name for found in query.query.find_all(exp.Table)}
        read = {name for name in self.run.sources if named & {p.rows(name), p.staged(name)}}
        made = {p.target(each.table) for each in self.run.plan.tables if p.target(each.table) in named}
        size = max(map(self._rows, read), default=1)
        self.add(p.made(query.table), {*map(p.rows, read), *made}, size, _Work._make, query)
        parents = {p.target(parent) for parent, _ in query.same_row_parents.values()}
        self.add(p.target(query.table), {p.made(query.table), *parents}, size, _Work._publish, query)
        spec = self.target.tables[query.table]
        if spec.primary_key and set(spec.primary_key) <= set(query.published):
            name = f"unique {query.table}"
            self.add(name, {p.target(query.table)}, 1, _Work._require_unique, query.table, spec.primary_key)

    def _mark(self, name: str) -> None:
        self._marks[name] = marks(name, self.run.sources[name], self.run.plan, self.engine)

    def _prepare(self, part: str) -> None:
        self._values.make(part, self.engine)

    def _finish(self, name: str) -> None:
        """A source table with all that is made of it."""
        source = self._values.added(name, self.run.sources[name])
        for mark in self._marks[name].column_names:
            source = source.append_column(mark, self._marks[name][mark])
        self.run.sources[name] = source
        self.engine.register(p.staged(name), source)
        self.engine.register(p.rows(name), source)

    def _make(self, query: p.TableQuery) -> None:
        """The rows of a target table, before rows are taken out for others of this or another table."""
        self.progress(query.table)
        made = self.engine.run(query.query)
        made = _typed(made, query)
        made = with_pass_through(in_order(made, _ORDER), query, self.run.sources)
        made = with_parent_keys(made, query, self._made)
        self.run.results[query.table] = TableResult(query, made, np.ones(made.num_rows, bool))

    def _made(self, table: str) -> pa.Table:
        return self.run.results[table].made

    def _publish(self, query: p.TableQuery) -> None:
        """What is left of a target table without orphans and what has to make way, for others to read."""
        made, superseded = with_same_row_parents(self.run.results[query.table].made, query, self._made), {}
        for rule, ranking in query.rankings:
            self.engine.register(p.made(query.table), made)
            superseded[f"one-per:{rule}"] = np.sort(_names(self.engine.run(ranking)))
            self.engine.forget(p.made(query.table))
            made = _without(made, superseded[f"one-per:{rule}"])
        self.run.results[query.table] = TableResult(query, made, np.ones(made.num_rows, bool), superseded)
        known = made.select([*query.published, *query.helpers, p.ROW])
        known = known.append_column(p.PLACE, pa.array(np.arange(made.num_rows)))
        self.engine.register(p.target(query.table), known)

    def _require_unique(self, table: str, names: Sequence[str]) -> None:
        _require_unique(self.run, table, names)


def _run_complete(run: Execution, target: Dataset, progress: Callable[[str], None]) -> None:
    """Let the engine make every relation of a complete plan by itself, and fetch what is published."""
    for name, source in run.sources.items():
        run.engine.register(p.clean(name), source)
    known = [name for name in run.plan.sources if name in run.sources]
    for relation in relations(replace(run.plan, sources=tuple(known))):
        progress(relation.name)
        run.engine.define(relation.name, relation.query, relation.stored)
    for query in run.plan.tables:
        made = in_order(_typed(all_of(run.engine, p.target(query.table)), query), _ORDER)
        superseded = {
            f"one-per:{rule}": np.sort(_names(all_of(run.engine, name)))
            for rule, name in superseded_relations(query)
        }
        run.results[query.table] = TableResult(query, made, np.ones(made.num_rows, bool), superseded)
        spec = target.tables[query.table]
        if spec.primary_key and set(spec.primary_key) <= set(query.published):
            _require_unique(run, query.table, spec.primary_key)
    for name in run.sources:
        run.sources[name] = in_order(all_of(run.engine, p.staged(name)), [p.ROW])


def all_of(engine: Engine, relation: str) -> pa.Table:
    """All rows of a relation of the engine."""
    return engine.run(sql.select([exp.Star()], sql.relation(relation)))


def _require_unique(run: Execution, table: str, names: Sequence[str]) -> None:
    """Refuse a table in which two rows share the primary key of the data set."""
    key = [sql.column(name) for name in names]
    groups = sql.select(key, sql.relation(p.target(table)))
    groups.set("group", exp.Group(expressions=[column.copy() for column in key]))
    count = sql.named(exp.Count(this=exp.Star()), "n")
    different = run.engine.run(sql.select([count], sql.subquery(groups, "groups")))["n"][0].as_py()
    shared = run.results[table].made.num_rows - different
    if shared:
        raise BooksError(
            f"{shared} rows share their {', '.join(names)} with another row",
            code="identifier-clash",
            where=table,
            hint="the mapping needs one_per for this table, or more parts in its identifier",
        )


def row_names(branch: np.ndarray, row: np.ndarray, item: np.ndarray) -> np.ndarray:
    """One number for each row of a query, in the order of branch, item and source row."""
    return (branch << 52) | (item << 40) | row


def _typed(made: pa.Table, query: p.TableQuery) -> pa.Table:
    """What a query gave, typed as the plan says: engines may not know truth values or the type of nulls."""
    types = {"text": pa.string(), "truth": pa.bool_()}
    wanted = [types.get(query.columns[field.name].type, field.type) for field in made.schema]
    fields = [field.with_type(kind) for field, kind in zip(made.schema, wanted, strict=True)]
    return made if wanted == made.schema.types else made.cast(pa.schema(fields))


def _without(made: pa.Table, superseded: np.ndarray) -> pa.Table:
    return made.filter(pa.array(~np.isin(_names(made), superseded))) if superseded.size else made


def _names(table: pa.Table) -> np.ndarray:
    numbers = (as_numpy(table[name]) for name in (p.BRANCH, p.ROW, p.ITEM))
    return row_names(*(part.astype(np.int64, copy=False) for part in numbers))


def as_numpy(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column without missing values as a numpy array."""
    return values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(zero_copy_only=False)
