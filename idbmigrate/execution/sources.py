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
    natural_key = next((natural_key for natural_key in plan.natural_keys if natural_key.table == name), None)
    occurrence = np.ones(source.num_rows, np.int64)
    repeat = np.zeros(source.num_rows, bool)
    if natural_key is not None and source.num_rows:
        source = with_hoisted(natural_key.table, source, natural_key.values, engine)
        _number(source, natural_key, engine, occurrence, repeat)
    marked = {p.REPEAT: pa.array(repeat), p.OCCURRENCE: _numerals(occurrence)}
    if natural_key is None or natural_key.keys is None:
        return pa.table(marked)
    if not source.num_rows:
        return pa.table({**marked, p.KEY: pa.nulls(0, pa.string())})
    engine.register(p.staged(natural_key.table), source.append_column(p.OCCURRENCE, marked[p.OCCURRENCE]))
    keys = engine.run(natural_key.keys)
    keys = in_order(keys, [p.ROW])
    return pa.table({**marked, p.KEY: pc.cast(keys[p.KEY], pa.string())})


def _number(
    source: pa.Table,
    natural_key: p.NaturalKeyQuery,
    engine: Engine,
    occurrence: np.ndarray,
    repeat: np.ndarray,
) -> None:
    """Write down the places of rows that share their key, and which of them repeat another."""
    engine.register(p.staged(natural_key.table), source)
    shared = engine.run(natural_key.shared)[p.ROW].to_numpy().astype(np.int64)
    if not shared.size:
        return
    engine.register(p.rows(natural_key.table), source.take(pa.array(np.sort(shared))))
    numbered_rows = engine.run(natural_key.numbers)
    rows = numbered_rows[p.ROW].to_numpy().astype(np.int64)
    occurrence[rows] = numbered_rows[p.OCCURRENCE].to_numpy()
    if natural_key.repeats is not None:
        repeat[rows] = numbered_rows["_again"].to_numpy() > 1


def _numerals(numbers: np.ndarray) -> pa.DictionaryArray:
    """Whole numbers from 1 as text."""
    texts = pc.cast(pa.array(np.arange(1, numbers.max(initial=0) + 1)), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers - 1, pa.int32()), texts)
