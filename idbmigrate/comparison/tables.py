"""One table of two outputs: which rows belong together, which stand alone, which values differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.comparison.model import ColumnDifference, TableComparison
from idbmigrate.compile import sql
from idbmigrate.datasets.model import TableSpec
from idbmigrate.engine import Engine

#: Row numbers that a difference shows at most.
EXAMPLES = 5
_A, _B, _ROW, _NTH = "a", "b", "_row", "_nth"
_SIDES = (_A, _B)
#: Row numbers of pairs: a row of each side.
Pairs = tuple[np.ndarray, np.ndarray]


def compare_table(
    name: str, spec: TableSpec, a: pa.Table | None, b: pa.Table | None, engine: Engine
) -> TableComparison:
    """Compare a table of two outputs, described by ``spec``.

    Its primary key tells rows apart, or else the first group of columns that no two rows share; without
    one, and where a side lacks a column of it, whole rows are compared. A header is one row on each side.
    Columns are text; a missing value and an empty text are the same, as in a submission.
    """
    key = spec.primary_key or next(iter(spec.unique), ())
    if a is None or b is None:
        there = a if b is None else b
        rows = 0 if there is None else there.num_rows
        return TableComparison(
            name, key, rows if b is None else 0, rows if a is None else 0, missing=_A if a is None else _B
        )
    common = [column for column in a.column_names if column in b.column_names]
    key = key if set(key) <= set(common) else ()
    sides = {_A: _texts(a.select(common)), _B: _texts(b.select(common))}
    repeated = _repeated(sides, key, engine)
    if spec.is_header and a.num_rows == b.num_rows == 1:
        repeated = {side: np.zeros(1, bool) for side in _SIDES}
    paired = _paired(sides, key, {side: ~repeated[side] for side in _SIDES}, engine)
    whole = _paired(sides, common, repeated, engine)
    alone = {side: _alone(sides[side].num_rows, paired[at], whole[at]) for at, side in enumerate(_SIDES)}
    found = [_column(column, sides, paired) for column in common if column not in key]
    return TableComparison(
        name,
        key,
        a.num_rows,
        b.num_rows,
        len(paired[0]) + len(whole[0]),
        len(alone[_A]),
        len(alone[_B]),
        sum(int(mask.sum()) for mask in repeated.values()) if key else 0,
        _examples(alone[_A]),
        _examples(alone[_B]),
        tuple(column for column in a.column_names if column not in common),
        tuple(column for column in b.column_names if column not in common),
        tuple(each for each in found if each.count),
    )


def _texts(table: pa.Table) -> pa.Table:
    """The table with texts alone, an empty one where a value is missing, and with the number of each row."""
    columns = [pc.fill_null(column.cast(pa.string()), "") for column in table.columns]
    numbers = pa.array(np.arange(table.num_rows, dtype=np.int64))
    return pa.table([*columns, numbers], names=[*table.column_names, _ROW])


def _repeated(sides: dict[str, pa.Table], key: Sequence[str], engine: Engine) -> dict[str, np.ndarray]:
    """For each side the rows whose key several rows of one side have; all rows where there is no key."""
    if not key:
        return {side: np.ones(table.num_rows, bool) for side, table in sides.items()}
    _register(sides, {side: np.ones(table.num_rows, bool) for side, table in sides.items()}, engine)
    columns = [sql.column(name) for name in key]
    many = sql.union_all([sql.grouped([sql.own(each) for each in columns], side, 1) for side in _SIDES])
    masks = {}
    for side, table in sides.items():
        query = sql.select([sql.column(_ROW, side)], sql.relation(side))
        same = sql.both(*(sql.equal(sql.column(each, side), sql.column(each, "many")) for each in key))
        found = engine.run(sql.staged(sql.joined_to(query, "many", same), [("many", many.copy())]))
        masks[side] = np.zeros(table.num_rows, bool)
        masks[side][found[_ROW].to_numpy().astype(np.int64)] = True
    return masks


def _paired(
    sides: dict[str, pa.Table], by: Sequence[str], masks: dict[str, np.ndarray], engine: Engine
) -> Pairs:
    """Rows of both sides, among those of the masks, that agree in these columns: the first with the first."""
    if not all(mask.any() for mask in masks.values()):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _register(sides, masks, engine)
    numbered = []
    for side in _SIDES:
        columns = [sql.column(name) for name in (*by, _ROW)]
        nth = sql.row_number([sql.column(name) for name in by], [sql.ascending(sql.column(_ROW))])
        numbered.append((f"{side}_", sql.select([*columns, sql.named(nth, _NTH)], sql.relation(side))))
    rows = [sql.named(sql.column(_ROW, f"{side}_"), side) for side in _SIDES]
    on = [sql.equal(sql.column(each, "a_"), sql.column(each, "b_")) for each in (*by, _NTH)]
    query = sql.joined_to(sql.select(rows, sql.relation("a_")), "b_", sql.both(*on))
    found = engine.run(sql.staged(query, numbered))
    first, second = (found[side].to_numpy().astype(np.int64) for side in _SIDES)
    order = np.argsort(first, kind="stable")
    return first[order], second[order]


def _register(sides: dict[str, pa.Table], masks: dict[str, np.ndarray], engine: Engine) -> None:
    for side, table in sides.items():
        mask = masks[side]
        engine.register(side, table if mask.all() else table.filter(pa.array(mask)))


def _alone(count: int, *paired: np.ndarray) -> np.ndarray:
    """The rows of a side that no pair has."""
    alone = np.ones(count, bool)
    for rows in paired:
        alone[rows] = False
    return np.flatnonzero(alone)


def _column(column: str, sides: dict[str, pa.Table], pairs: Pairs) -> ColumnDifference:
    a, b = (_taken(sides[side][column], rows) for side, rows in zip(_SIDES, pairs, strict=True))
    different = _mask(pc.not_equal(a, b))
    none_a, none_b = _mask(pc.equal(a, "")), _mask(pc.equal(b, ""))
    rows = np.flatnonzero(different)[:EXAMPLES]
    return ColumnDifference(
        column,
        int((different & ~none_a & ~none_b).sum()),
        int((different & none_b).sum()),
        int((different & none_a).sum()),
        tuple((int(pairs[0][row]) + 1, int(pairs[1][row]) + 1) for row in rows),
    )


def _taken(column: pa.ChunkedArray, rows: np.ndarray) -> pa.ChunkedArray:
    """The values of these rows, the column itself where they are all of them in their order."""
    if len(rows) == len(column) and (rows == np.arange(len(rows))).all():
        return column
    return column.take(pa.array(rows))


def _mask(found: pa.ChunkedArray) -> np.ndarray:
    return found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy()


def _examples(rows: np.ndarray) -> tuple[int, ...]:
    return tuple(int(row) + 1 for row in rows[:EXAMPLES])
