"""Staged tables as queries read them: rows numbered, values prepared, marked by their natural key."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.prepare import MARKS
from idbmigrate.engine import Engine
from idbmigrate.engine.order import in_order
from idbmigrate.engine.prepared import Values, with_prepared
from idbmigrate.stage import StagedTable


def prepared_sources(
    plan: p.Plan, staged: Mapping[str, StagedTable], engine: Engine
) -> dict[str, pa.Table]:
    """The source tables of a plan, by name, with their prepared values but those of marks."""
    sources = {name: _numbered(table.clean) for name, table in staged.items() if table.name is not None}
    values = {name: _values(plan, name, marks=False) for name in sources}
    with_prepared(sources, values, engine, engine.workers)
    return sources


def marked(name: str, source: pa.Table, plan: p.Plan, engine: Engine) -> pa.Table:
    """A source table with its marks and what is prepared of them."""
    ties = {tie.table: tie for tie in plan.ties}
    sources = {name: _marked(source, ties.get(name), engine)}
    with_prepared(sources, {name: _values(plan, name, marks=True)}, engine)
    return sources[name]


def _numbered(table: pa.Table) -> pa.Table:
    return table.append_column(p.ROW, pa.array(np.arange(table.num_rows, dtype=np.int64)))


def _values(plan: p.Plan, table: str, marks: bool) -> Values:
    """Prepared values of the columns that the file has, or of those that the rows are marked with."""
    known = plan.values.get(table, {})
    return {column: values for column, values in known.items() if (column in MARKS) == marks}


def _marked(source: pa.Table, tie: p.TieQuery | None, engine: Engine) -> pa.Table:
    """The table with what the natural key says of each row."""
    occurrence = np.ones(source.num_rows, np.int64)
    repeat = np.zeros(source.num_rows, bool)
    if tie is not None and source.num_rows:
        _number(source, tie, engine, occurrence, repeat)
    marked = source.append_column(p.REPEAT, pa.array(repeat))
    marked = marked.append_column(p.OCCURRENCE, _numerals(occurrence))
    if tie is None or tie.keys is None:
        return marked
    if not source.num_rows:
        return marked.append_column(p.KEY, pa.nulls(0, pa.string()))
    engine.register(p.staged(tie.table), marked)
    keys = engine.run(tie.keys)
    keys = in_order(keys, [p.ROW])
    return marked.append_column(p.KEY, pc.cast(keys[p.KEY], pa.string()))


def _number(source: pa.Table, tie: p.TieQuery, engine: Engine, occurrence: np.ndarray, repeat: np.ndarray):
    """Write down the places of rows that share their key, and which of them repeat another."""
    engine.register(p.staged(tie.table), source)
    shared = engine.run(tie.shared)[p.ROW].to_numpy().astype(np.int64)
    if not shared.size:
        return
    engine.register(p.rows(tie.table), source.take(pa.array(np.sort(shared))))
    ties = engine.run(tie.numbers)
    rows = ties[p.ROW].to_numpy().astype(np.int64)
    occurrence[rows] = ties[p.OCCURRENCE].to_numpy()
    if tie.repeats is not None:
        repeat[rows] = ties["_again"].to_numpy() > 1


def _numerals(numbers: np.ndarray) -> pa.DictionaryArray:
    """Whole numbers from 1 as text."""
    texts = pc.cast(pa.array(np.arange(1, numbers.max(initial=0) + 1)), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers - 1, pa.int32()), texts)
