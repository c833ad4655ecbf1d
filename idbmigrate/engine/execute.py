"""Runs a plan over staged tables: ties of the sources first, then the target tables in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.datasets.model import Dataset, TableSpec
from idbmigrate.engine import Engine
from idbmigrate.errors import BooksError
from idbmigrate.stage import StagedTable


@dataclass(frozen=True)
class TableResult:
    """One target table: every candidate row, and which of them are published.

    ``candidates`` holds the columns of the query; ``published`` is a mask over its rows.
    """

    query: p.TableQuery
    candidates: pa.Table
    published: np.ndarray

    @classmethod
    def of(cls, query: p.TableQuery, candidates: pa.Table) -> TableResult:
        return cls(query, candidates, as_numpy(pc.is_null(candidates[p.REJECT])))

    def rows(self, spec: TableSpec) -> pa.Table:
        """Published rows: all columns of the data set, in its order, as text."""
        kept = self.candidates.select(self.query.published).filter(pa.array(self.published))
        missing = pa.nulls(kept.num_rows, pa.string())
        columns = {name: kept[name] if name in self.query.published else missing for name in spec.columns}
        return pa.table(columns)

    def rejecting(self, mask: np.ndarray, word: str) -> TableResult:
        """The same with more rows left out, under a word."""
        newly = pa.array(mask & self.published)
        verdict = pc.if_else(newly, pa.scalar(word), self.candidates[p.REJECT])
        index = self.candidates.schema.get_field_index(p.REJECT)
        return replace(
            self,
            candidates=self.candidates.set_column(index, p.REJECT, verdict),
            published=self.published & ~mask,
        )

    def without_values(self, name: str, mask: pa.ChunkedArray, word: str) -> TableResult:
        """The same with the values of one column taken out where the mask is true, under a word."""
        candidates, query = self.candidates, self.query
        index = candidates.schema.get_field_index(name)
        there = pc.and_(mask, pc.is_valid(candidates[name]))
        blank = pc.if_else(there, pa.scalar(None, pa.string()), candidates[name])
        candidates = candidates.set_column(index, name, blank)
        verdict = pc.if_else(there, pa.scalar(word), pa.scalar(None, pa.string()))
        column = f"_misfit_{name}"
        if column in candidates.column_names:
            verdict = pc.coalesce(candidates[column], verdict)
            candidates = candidates.set_column(candidates.schema.get_field_index(column), column, verdict)
        else:
            candidates = candidates.append_column(column, verdict)
            query = query.with_misfit(name, column)
        return replace(self, query=query, candidates=candidates)


def execute(
    plan: p.Plan,
    staged: Mapping[str, StagedTable],
    engine: Engine,
    target: Dataset,
    progress: Callable[[str], None] = lambda message: None,
) -> dict[str, TableResult]:
    """Results of all target tables, in the order of the plan.

    Raises ``BooksError`` (``identifier-clash``) where two published rows share a primary key.
    """
    ties = {tie.table: tie for tie in plan.ties}
    for name, table in staged.items():
        if table.name is None:
            continue
        bare = _marked(table, None, None)
        engine.register(p.staged(name), bare.clean)
        if name in ties and table.clean.num_rows:
            marked = _marked(table, engine.run(ties[name].query), ties[name].repeats)
            engine.register(p.staged(name), marked.clean)
    results: dict[str, TableResult] = {}
    for query in plan.tables:
        progress(query.table)
        result = TableResult.of(query, engine.run(query.query))
        _unique(result, target.tables[query.table])
        kept = result.candidates.select([*query.published, *query.helpers])
        engine.register(p.target(query.table), kept.filter(pa.array(result.published)))
        results[query.table] = result
    return results


def _marked(table: StagedTable, ties: pa.Table | None, repeats: str | None) -> StagedTable:
    """The table with its row numbers, and what the natural key says of each row."""
    count = table.clean.num_rows
    occurrence = np.ones(count, np.int64)
    repeat = np.zeros(count, bool)
    if ties is not None and ties.num_rows:
        rows = ties[p.ROW].to_numpy()
        occurrence[rows] = ties[p.OCCURRENCE].to_numpy()
        if repeats is not None:
            repeat[rows] = ties["_again"].to_numpy() > 1
    return table.with_marks(
        **{
            p.ROW: pa.array(np.arange(count, dtype=np.int64)),
            p.REPEAT: pa.array(repeat),
            p.OCCURRENCE: pc.cast(pa.array(occurrence), pa.string()),
        }
    )


def _unique(result: TableResult, spec: TableSpec) -> None:
    key = [name for name in spec.primary_key if name in result.query.published]
    if not key or len(key) != len(spec.primary_key):
        return
    rows = result.candidates.select(key).filter(pa.array(result.published))
    different = rows.group_by(key).aggregate([]).num_rows
    if different != rows.num_rows:
        raise BooksError(
            f"{rows.num_rows - different} rows share their {', '.join(key)} with another row",
            code="identifier-clash",
            where=spec.name,
            hint="the mapping needs one_per for this table, or more parts in its identifier",
        )


def as_numpy(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column without missing values as a numpy array."""
    combined = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([], combined.type)
    return combined.to_numpy(zero_copy_only=False)
