"""Reporting months: which target rows belong to which month.

Each table of a data set says how its rows belong (:class:`idbmigrate.datasets.model.Period`): by a date
of their own, by being open, with their parent, or by rows that refer to them. Activity falls in one
month; patients and referrals are in every month in which they are open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import Dataset, Period, TableSpec
from idbmigrate.errors import SourceError
from idbmigrate.execution.parameters import month_bounds
from idbmigrate.execution.run import OtherMonths, TableResult, as_numpy
from idbmigrate.staging.dictionary import plain
from idbmigrate.words import OUTSIDE_PERIOD as OUTSIDE

#: What ``--allow`` takes to go on with a month that the file has nothing of.
ALLOW = "empty-period"
#: Kinds of period by which something happens in a month; all others hold or follow.
_HAPPENING = ("date", "open")


def months(tables: Mapping[str, pa.Table], dataset: Dataset) -> list[str]:
    """Months (``YYYY-MM``) in which something happened: activity, or a record that opened or closed."""
    found: set[str] = set()
    for name, spec in dataset.tables.items():
        if name in tables and spec.period and spec.period.kind in _HAPPENING:
            for column in spec.period.columns:
                values = pc.utf8_slice_codeunits(tables[name][column], 0, 7)
                found |= {month for month in pc.unique(values).to_pylist() if month}
    return sorted(found)


def belonging(tables: Mapping[str, pa.Table], dataset: Dataset, month: str) -> dict[str, np.ndarray]:
    """For each table the mask of its rows that belong to the month."""
    return _Month(tables, dataset, month).masks()


def closed(table: pa.Table, spec: TableSpec, month: str) -> pa.Table:
    """The rows as they were known in the month: what happened after its end is not in them yet."""
    period = spec.period
    if not period or period.kind != "open" or len(period.columns) < 2:
        return table
    later = _later(table[period.columns[1]], month)
    if not pc.any(later).as_py():
        return table
    for name in (period.columns[1], *period.closing):
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, pc.if_else(later, pa.scalar(None, pa.string()), table[name]))
    return table


def by_dates(table: pa.Table, period: Period, month: str) -> np.ndarray:
    """Mask of the rows that belong to the month by dates of their own; of all, where they have none."""
    if period.kind not in ("date", "until", "open"):
        return np.ones(table.num_rows, bool)
    start, end = month_bounds(month)
    first = pc.utf8_slice_codeunits(table[period.columns[0]], 0, 10)
    not_after = pc.less_equal(first, end)
    if period.kind == "date":
        return as_numpy(pc.fill_null(pc.and_(pc.greater_equal(first, start), not_after), False))
    mask = as_numpy(pc.fill_null(not_after, True))  # a missing start is not after the month
    if period.kind == "open" and len(period.columns) > 1:
        over = pc.less(pc.utf8_slice_codeunits(table[period.columns[1]], 0, 10), start)
        mask = mask & ~as_numpy(pc.fill_null(over, False))
    return mask


class _Month:
    def __init__(self, tables: Mapping[str, pa.Table], dataset: Dataset, month: str):
        self.tables, self.dataset, self.month = tables, dataset, month
        self.found: dict[str, np.ndarray] = {}

    def masks(self) -> dict[str, np.ndarray]:
        for name in self.tables:
            self._mask(name)
        return self.found

    def _mask(self, name: str) -> np.ndarray:
        if name not in self.found:
            count = self.tables[name].num_rows
            self.found[name] = np.ones(count, bool)  # what a table that leads back to itself starts from
            self.found[name] = self._own(name, self.dataset.tables[name])
        return self.found[name]

    def _own(self, name: str, spec: TableSpec) -> np.ndarray:
        table, period = self.tables[name], spec.period
        if period is None or period.kind in ("all", "header"):
            return np.ones(table.num_rows, bool)
        mask = by_dates(table, period, self.month)
        if period.kind == "with":
            mask = self._referred(name, period.columns[0])
        for child in period.also:
            if child in self.tables:
                mask = mask | self._referred(name, child, by_parent=False)
        return mask if period.kind == "with" else mask & self._with_parents(name, spec)

    def _with_parents(self, name: str, spec: TableSpec) -> np.ndarray:
        table = self.tables[name]
        mask = np.ones(table.num_rows, bool)
        for column, (parent, key) in spec.foreign_keys.items():
            if parent in self.tables and parent != name and not self._follows(parent, name):
                keys = self.tables[parent][key].filter(pa.array(self._mask(parent)))
                present = pc.is_in(table[column], value_set=_values(keys))
                mask = mask & (as_numpy(present) | as_numpy(pc.is_null(table[column])))
        return mask

    def _follows(self, parent: str, child: str) -> bool:
        """Whether the parent belongs because this child does, and not the other way round."""
        period = self.dataset.tables[parent].period
        return period is not None and period.kind == "with" and period.columns[0] == child

    def _referred(self, name: str, child: str, by_parent: bool = True) -> np.ndarray:
        """Rows that a row of ``child`` belonging to the month refers to."""
        table = self.tables[name]
        if child not in self.tables:
            return np.zeros(table.num_rows, bool)
        for column, (parent, key) in self.dataset.tables[child].foreign_keys.items():
            if parent == name:
                rows = self._mask(child) if by_parent else self._by_own_dates(child)
                keys = self.tables[child][column].filter(pa.array(rows))
                return as_numpy(pc.is_in(table[key], value_set=_values(keys)))
        return np.zeros(table.num_rows, bool)

    def _by_own_dates(self, name: str) -> np.ndarray:
        period = self.dataset.tables[name].period
        table = self.tables[name]
        return by_dates(table, period, self.month) if period else np.ones(table.num_rows, bool)


def _values(column: pa.ChunkedArray) -> pa.Array:
    combined = pc.unique(column)
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined


# -- results of a run ------------------------------------------------------------------------------


def only_month(
    results: Mapping[str, TableResult], dataset: Dataset, month: str, where: str, allow: Collection[str] = ()
) -> dict[str, TableResult]:
    """The results with everything left out, under ``outside-period``, that the month does not know.

    Raises ``SourceError`` (``empty-period``) for a month before the first or after the last in which anything
    happened in the file (``where``), unless ``allow`` has :data:`ALLOW`.
    """
    tables = {name: plain(result.rows(dataset.tables[name])) for name, result in results.items()}
    if ALLOW not in allow and any(
        spec.period and spec.period.kind in _HAPPENING for spec in dataset.tables.values()
    ):
        _require_some(months(tables, dataset), month, where)
    masks = belonging(tables, dataset, month)
    kept = {name: result.only(masks[name], OUTSIDE) for name, result in results.items()}
    for name, result in kept.items():
        period = dataset.tables[name].period
        closing = period.columns[1:2] if period and period.kind == "open" else ()
        if period and set(closing) & set(result.query.published):
            result = _closing_unknown(result, period, month)
        kept[name] = replace(result, left_out=OUTSIDE, others=_others(result, period, month))
    return kept


def _require_some(found: Sequence[str], month: str, where: str) -> None:
    if found and found[0] <= month <= found[-1]:
        return
    stated = (
        f"its dates are of {found[0]} to {found[-1]}"
        if found
        else "no row of it that can be carried has a date"
    )
    raise SourceError(
        f"the file has nothing of {month}: {stated}",
        code="empty-period",
        where=where,
        hint=f"choose a month of the file with --period, or give --allow {ALLOW}",
    )


def _others(result: TableResult, period: Period | None, month: str) -> OtherMonths:
    """What tells of another month; a row without a date is of none."""
    own = period if period and period.kind in ("date", "until", "open") else Period("all")
    columns = tuple(name for name in own.columns[:2] if name in result.query.published)
    dated, ending = own.columns[:2] == columns != (), own.kind == "open" and len(columns) == 2

    def elsewhen(rows: pa.Table) -> np.ndarray:
        if not dated:
            return np.zeros(rows.num_rows, bool)
        return as_numpy(pc.is_valid(rows[columns[0]])) & ~by_dates(rows, own, month)

    return OtherMonths(
        columns,
        elsewhen,
        own.kind == "until",
        (columns[1], *own.closing) if ending else (),
        lambda rows: as_numpy(_later(rows[columns[1]], month)),
    )


def _later(ends: pa.ChunkedArray, month: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.greater(ends, month_bounds(month)[1]), False)


def _closing_unknown(result: TableResult, period: Period, month: str) -> TableResult:
    later = _later(plain(result.made.select(period.columns[1:2]))[0], month)
    for name in (period.columns[1], *period.closing):
        if name in result.query.published:
            result = result.without_values(name, later, OUTSIDE)
    return result
