"""How the rows of the target tables belong to each other, as row numbers.

Keys are compared once, by hashing whole columns; from then on everything is integer arithmetic, so
that a rejection can run from parents to children and back as often as it needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset


@dataclass(frozen=True)
class Link:
    """One relation: ``child`` and ``parent`` number the keys of each row, -1 where there is none.

    ``first`` gives the first parent row of each key.
    """

    child: np.ndarray
    parent: np.ndarray
    first: np.ndarray

    def parent_rows(self) -> np.ndarray:
        """The parent row of each child row, -1 where there is none."""
        return np.where(self.child >= 0, self.first[self.child], -1) if len(self.first) else self.child

    def has_parent(self, valid_parents: np.ndarray) -> np.ndarray:
        """Whether each child row has a parent among the valid ones."""
        return _looked_up(self._marked(self.parent, valid_parents), self.child)

    def has_child(self, valid_children: np.ndarray) -> np.ndarray:
        """Whether each parent row has a child among the valid ones."""
        return _looked_up(self._marked(self.child, valid_children), self.parent)

    def _marked(self, keys: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        marks = np.zeros(len(self.first), dtype=bool)
        marks[keys[chosen & (keys >= 0)]] = True
        return marks


def _looked_up(marks: np.ndarray, keys: np.ndarray) -> np.ndarray:
    if not len(marks):
        return np.zeros(len(keys), dtype=bool)
    return np.where(keys >= 0, marks[keys], False)


class Relations:
    """The target tables with the relations of their data set, worked out when first asked for.

    A table of the data set that is not among ``tables`` counts as empty; a missing column as blank.
    """

    def __init__(self, tables: Mapping[str, pa.Table], dataset: Dataset):
        self.dataset = dataset
        self.tables = {
            name: tables[name].combine_chunks() if name in tables else _empty(spec.columns)
            for name, spec in dataset.tables.items()
        }
        self._links: dict[tuple[str, str, str, str], Link] = {}

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return self.tables[table].num_rows

    def values(self, table: str, column: str) -> pa.Array:
        """One column as one text array."""
        found = self.tables[table]
        if column not in found.column_names:
            return pa.nulls(found.num_rows, pa.string())
        chunks = found[column]
        array = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.string())
        return array if array.type == pa.string() else array.cast(pa.string())

    def link(self, child: str, column: str, parent: str, key: str) -> Link:
        """The relation of a child column with a parent column."""
        name = (child, column, parent, key)
        if name not in self._links:
            parents = self.values(parent, key)
            keys = pc.drop_null(pc.unique(parents))
            child_keys, parent_keys = (
                pc.fill_null(pc.index_in(side, value_set=keys), -1).to_numpy().astype(np.int64)
                for side in (self.values(child, column), parents)
            )
            first = np.zeros(len(keys), dtype=np.int64)
            known = np.flatnonzero(parent_keys >= 0)[::-1]
            first[parent_keys[known]] = known
            self._links[name] = Link(child_keys, parent_keys, first)
        return self._links[name]

    def path(self, table: str, target: str) -> list[tuple[str, str, str, str]]:
        """The relations that lead from a table to one of its ancestors; the shortest way."""
        ways: deque[tuple[str, list]] = deque([(table, [])])
        seen = {table}
        while ways:
            at, way = ways.popleft()
            if at == target:
                return way
            for column, (parent, key) in self.dataset.tables[at].foreign_keys.items():
                if parent not in seen:
                    seen.add(parent)
                    ways.append((parent, [*way, (at, column, parent, key)]))
        raise KeyError(f"no relation leads from {table} to {target}")

    def ancestor_rows(self, table: str, target: str) -> np.ndarray:
        """The row of ``target`` that each row of ``table`` belongs to, -1 where there is none."""
        rows: np.ndarray | None = None
        for step in self.path(table, target):
            up = self.link(*step).parent_rows()
            if rows is None:
                rows = up
            elif len(up):
                rows = np.where(rows >= 0, up[rows], -1)
            else:
                rows = np.full(len(rows), -1)
        return rows if rows is not None else np.arange(self.rows(table))

    def related(self, table: str, target: str, column: str) -> pa.Array:
        """A column of an ancestor, one value for each row of ``table``."""
        rows = self.ancestor_rows(table, target)
        return self.values(target, column).take(pa.array(rows, mask=rows < 0))


def _empty(columns: Mapping[str, object]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in columns})
