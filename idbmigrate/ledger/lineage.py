"""From target rows back to source rows: what was carried.

A lineage path is one way of a source column into one target column. Following the lineage of the published
rows says what was carried; :mod:`idbmigrate.ledger.row_reasons` asks why the rest was not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.lineage import LineagePath, paths
from idbmigrate.execution.row_order import stretch
from idbmigrate.execution.run import Execution, TableResult, as_numpy
from idbmigrate.staging.tables import StagedTable

#: Name of the column that says which rows of a made table are published.
PUBLISHED = "_published"


def candidates(path: LineagePath, table: pa.Table) -> pa.Table:
    """The rows of a query that a way is about: one stretch of them, and nothing is copied.

    Rows are in the order of their branches, items and source rows.
    """
    rows = stretch(table, p.BRANCH, path.branch)
    return rows if path.item is None else stretch(rows, p.ITEM, path.item)


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Whole numbers, -1 where missing."""
    if column.null_count:
        column = pc.fill_null(pc.cast(column, pa.int64()), -1)
    return as_numpy(column).astype(np.int64, copy=False)  # a column without any chunk has no type of its own


class Lineage:
    """All lineage of one run, by source table and column; those of rows under no column.

    ``made`` are the rows that each query gave, with a column that says which are published.
    """

    def __init__(self, run: Execution):
        self.run = run
        self.made = {
            name: result.made.append_column(PUBLISHED, pa.array(result.kept))
            for name, result in run.results.items()
        }
        self.found: dict[tuple[str, str], list[LineagePath]] = {}
        for result in run.results.values():
            for table, column, path in paths(result.query):
                self.found.setdefault((table, column), []).append(path)

    def published(self, path: LineagePath) -> np.ndarray:
        """Rows of the source table whose value was published on this way, or of which a row was."""
        rows = candidates(path, self.made[path.query.table])
        mask = rows[PUBLISHED]
        if path.field is not None:
            mask = pc.and_(mask, pc.is_valid(rows[path.field.name]))
        if path.contribution is not None and path.contribution.kept is not None:
            mask = pc.and_(mask, rows[path.contribution.kept])
        return numbers(rows[path.row_column].filter(mask).drop_null())

    def carried(self, table: str, column: str, count: int) -> np.ndarray:
        """Mask over the rows of a source table: the target has the value of this column, or the row."""
        carried = np.zeros(count, bool)
        for path in self.found.get((table, column), ()):
            carried[self.published(path)] = True
        return carried

    def only_standing(self, table: str, count: int) -> np.ndarray:
        """Mask over the rows of a source table that a run over one month has from an earlier month alone.

        Of such a row a record was left out as another month's, and what was published of it still holds.
        """
        left, kept = np.zeros(count, bool), np.zeros(count, bool)
        for path in self.found.get((table, ""), ()):
            result = self.run.results[path.query.table]
            rows = candidates(path, self.made[path.query.table])
            if result.others and not result.others.standing:
                left[numbers(rows[p.ROW])] = True
                kept[self.published(path)] = True
        return left & ~kept

    def may_skip_rows(self, table: str, column: str) -> bool:
        """Whether a way of the column is met by no row that lacks all columns of an ``each``."""
        ways = self.found.get((table, column), ())
        return any(not way.joined and way.query.branches[way.branch].items for way in ways)

    def may_join(self, table: str, column: str) -> bool:
        """Whether a way of the column is met only by rows that something joins."""
        return any(way.joined for way in self.found.get((table, column), ()))


class Origins:
    """Where the published rows of each target table came from, by table, put into words when asked."""

    def __init__(self, run: Execution, staged: Mapping[str, StagedTable]):
        self.run, self.staged = run, staged

    def __contains__(self, table: object) -> bool:
        return table in self.run.results

    def __getitem__(self, table: str) -> _Origin:
        return _Origin(self.run.results[table], self.staged)


class _Origin:
    def __init__(self, result: TableResult, staged: Mapping[str, StagedTable]):
        self.result, self.staged = result, staged

    def take(self, rows: pa.Array) -> pa.Array:
        """Source table and place (``page:slot``) of these published rows; nothing for a header."""
        at = np.flatnonzero(self.result.kept)[rows.to_numpy()]
        branch, row = (as_numpy(self.result.made[n].take(pa.array(at))) for n in (p.BRANCH, p.ROW))
        words = np.full(at.size, None, object)
        for number, made in enumerate(self.result.query.branches):
            mine = np.flatnonzero(branch == number)
            if made.source and mine.size:
                places = self.staged[made.source].places(row[mine].astype(np.int64))
                named = pc.binary_join_element_wise(pa.scalar(made.source), places, " ")
                words[mine] = named.to_numpy(zero_copy_only=False)
        return pa.array(words, pa.string())
