"""Staged tables as queries read them: rows numbered, values hoisted, marks of their natural key."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.engine import Engine
from idbmigrate.execution.hoisted import HoistedValues, with_hoisted
from idbmigrate.execution.row_order import in_order
from idbmigrate.staging.tables import StagedTable


def numbered(staged: Mapping[str, StagedTable], conflicts: Collection[str] = ()) -> dict[str, pa.Table]:
    """The staged tables that the data set knows, by name, with the number of each row.

    Those named in ``conflicts`` say of each row why it must not be carried.
    """
    known = {name: table for name, table in staged.items() if table.name is not None}
    return {name: _numbered(table, name in conflicts) for name, table in known.items()}


def _numbered(staged: StagedTable, conflicts: bool) -> pa.Table:
    table, count = staged.clean, staged.clean.num_rows
    if conflicts:
        words = pa.nulls(count, pa.string()) if staged.conflicts is None else staged.conflicts
        table = table.append_column(p.CONFLICT, words)
    return table.append_column(p.ROW, pa.array(np.arange(count, dtype=np.int64)))


def hoisted_values_of(plan: p.Plan, sources: Mapping[str, pa.Table], workers: int) -> HoistedValues:
    """The work of making what is prepared of the columns that the file has."""
    return HoistedValues(sources, {name: plan.values.get(name, {}) for name in sources}, workers)


def marks(name: str, source: pa.Table, plan: p.Plan, engine: Engine) -> pa.Table:
    """What the natural key of a source table says of its rows."""
    tie = next((tie for tie in plan.ties if tie.table == name), None)
    occurrence = np.ones(source.num_rows, np.int64)
    repeat = np.zeros(source.num_rows, bool)
    if tie is not None and source.num_rows:
        source = with_hoisted(tie.table, source, tie.values, engine)
        _number(source, tie, engine, occurrence, repeat)
    marked = {p.REPEAT: pa.array(repeat), p.OCCURRENCE: _numerals(occurrence)}
    if tie is None or tie.keys is None:
        return pa.table(marked)
    if not source.num_rows:
        return pa.table({**marked, p.KEY: pa.nulls(0, pa.string())})
    engine.register(p.staged(tie.table), source.append_column(p.OCCURRENCE, marked[p.OCCURRENCE]))
    keys = engine.run(tie.keys)
    keys = in_order(keys, [p.ROW])
    return pa.table({**marked, p.KEY: pc.cast(keys[p.KEY], pa.string())})


def _number(
    source: pa.Table, tie: p.NaturalKeyQuery, engine: Engine, occurrence: np.ndarray, repeat: np.ndarray
) -> None:
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
