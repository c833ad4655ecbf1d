"""Runs a plan over staged tables: natural keys of the sources first, then the target tables in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from idbmigrate.compile import plan as p
from idbmigrate.compile import sql
from idbmigrate.datasets.model import Dataset, TableSpec
from idbmigrate.engine import Engine
from idbmigrate.engine.coded import plain
from idbmigrate.engine.copies import with_copies
from idbmigrate.engine.order import in_order
from idbmigrate.engine.sources import marks, numbered, preparing
from idbmigrate.engine.together import together
from idbmigrate.errors import BooksError
from idbmigrate.stage import StagedTable

#: Rows of a query stand in the order of these columns.
_ORDER = (p.BRANCH, p.ITEM, p.ROW)


@dataclass(frozen=True)
class TableResult:
    """Rows of one target table.

    ``made`` holds what the query gave: the target's columns as text or as dictionaries of different texts,
    and where each row came from.
    ``kept`` is a mask over its rows, ``left_out`` the word for those that are not kept. ``blanked`` are
    columns from which values were taken out under that word. ``beaten`` are the rows that had to make way
    for another with the same key, by word, as the numbers of :func:`row_names` in ascending order.
    """

    query: p.TableQuery
    made: pa.Table
    kept: np.ndarray
    beaten: Mapping[str, np.ndarray] = field(default_factory=dict)
    left_out: str = ""
    blanked: frozenset[str] = frozenset()

    def rows(self, spec: TableSpec) -> pa.Table:
        """Published rows: all columns of the data set, in its order, as text or dictionaries of text."""
        table = self.made.select(self.query.published)
        table = table if self.kept.all() else table.filter(pa.array(self.kept))
        missing = pa.nulls(table.num_rows, pa.string())
        columns = {name: table[name] if name in self.query.published else missing for name in spec.columns}
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


@dataclass
class Execution:
    """A plan that has been run: its results, and the means to ask why a row or value is not in them."""

    plan: p.Plan
    engine: Engine
    sources: dict[str, pa.Table]
    results: dict[str, TableResult] = field(default_factory=dict)

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
) -> Execution:
    """Run all target tables, each after those that it needs.

    Raises ``BooksError`` (``identifier-clash``) where two published rows share a primary key.
    """
    run = Execution(plan, engine, numbered(staged))
    queries = {p.target(query.table): query for query in plan.tables}
    largest_first = sorted(run.sources, key=lambda name: -run.sources[name].num_rows)
    values = preparing(plan, run.sources, engine.workers)
    marked: dict[str, pa.Table] = {}

    def mark(name: str) -> None:
        marked[name] = marks(name, run.sources[name], plan, engine)

    def read(name: str) -> None:
        source = values.added(name, run.sources[name])
        for mark in marked[name].column_names:
            source = source.append_column(mark, marked[name][mark])
        run.sources[name] = source
        engine.register(p.staged(name), source)
        engine.register(p.rows(name), source)

    def make(relation: str) -> None:
        query = queries[relation]
        progress(query.table)
        _make(run, query, target.tables[query.table])

    work: dict[str, Callable[[], None]] = {p.marks(name): partial(mark, name) for name in largest_first}
    needs: dict[str, set[str]] = {name: set() for name in work}
    sizes = {p.marks(name): run.sources[name].num_rows for name in largest_first}
    for part in values.parts:
        work[part], needs[part] = partial(values.make, part, engine), set()
    for name in largest_first:
        own = {part for part in values.parts if name in values.tables(part)}
        work[name], needs[name] = partial(read, name), {p.marks(name), *own}
    sources = {relation(name): name for relation in (p.rows, p.staged) for name in largest_first}
    for relation, query in queries.items():
        named = {found.name for found in query.query.find_all(exp.Table)} - {relation}
        work[relation] = partial(make, relation)
        needs[relation] = {sources.get(name, name) for name in named} & {*sources.values(), *queries}
        sizes[relation] = max((sizes.get(p.marks(name), 0) for name in needs[relation]), default=0)
    together(needs, lambda name: work[name](), engine.workers, sizes)
    run.results = {query.table: run.results[query.table] for query in plan.tables}
    engine.give_back()
    return run


def _make(run: Execution, query: p.TableQuery, spec: TableSpec) -> None:
    """Make one target table."""
    made = _as_text(run.engine.run(query.query), {*query.published, *query.helpers}.difference(query.copies))
    made = with_copies(in_order(made, _ORDER), query, run.sources)
    beaten = {}
    for rule, ranking in query.rankings:
        run.engine.register(p.made(query.table), made)
        beaten[f"one-per:{rule}"] = np.sort(_names(run.engine.run(ranking)))
        run.engine.forget(p.made(query.table))
        made = _without(made, beaten[f"one-per:{rule}"])
    run.results[query.table] = TableResult(query, made, np.ones(made.num_rows, bool), beaten)
    run.engine.register(p.target(query.table), made.select([*query.published, *query.helpers, p.ROW]))
    _unique(run, query, spec, made.num_rows)


def row_names(branch: np.ndarray, row: np.ndarray, item: np.ndarray) -> np.ndarray:
    """One number for each row of a query, in the order of branch, item and source row."""
    return (branch << 52) | (item << 40) | row


def _as_text(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """The table with these columns as text: engines differ in the type of one that holds only nulls."""
    wanted = {name for name in names if table.schema.field(name).type != pa.string()}
    fields = [field.with_type(pa.string()) if field.name in wanted else field for field in table.schema]
    return table.cast(pa.schema(fields)) if wanted else table


def _without(made: pa.Table, beaten: np.ndarray) -> pa.Table:
    return made.filter(pa.array(~np.isin(_names(made), beaten))) if beaten.size else made


def _names(table: pa.Table) -> np.ndarray:
    numbers = (as_numpy(table[name]) for name in (p.BRANCH, p.ROW, p.ITEM))
    return row_names(*(part.astype(np.int64, copy=False) for part in numbers))


def _unique(run: Execution, query: p.TableQuery, spec: TableSpec, count: int) -> None:
    """Refuse a table in which two rows share the primary key of the data set."""
    key = [sql.column(name) for name in spec.primary_key]
    if not key or not set(spec.primary_key) <= set(query.published):
        return
    groups = sql.select(key, sql.relation(p.target(query.table)))
    groups.set("group", exp.Group(expressions=[column.copy() for column in key]))
    different = sql.select([sql.named(exp.Count(this=exp.Star()), "n")], sql.subquery(groups, "groups"))
    shared = count - run.engine.run(different)["n"][0].as_py()
    if shared:
        raise BooksError(
            f"{shared} rows share their {', '.join(spec.primary_key)} with another row",
            code="identifier-clash",
            where=spec.name,
            hint="the mapping needs one_per for this table, or more parts in its identifier",
        )


def as_numpy(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column without missing values as a numpy array."""
    return values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(zero_copy_only=False)
