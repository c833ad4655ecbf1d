"""How the rows of the target tables belong to each other, as row numbers.

Keys are compared once, by their distinct values; from then on everything is integer arithmetic, so
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

from idbmigrate.checks.distinct import Column, encode

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset


#: A relation: a child table and its column, a parent table and its key.
Step = tuple[str, str, str, str]


@dataclass(frozen=True)
class Link:
    """One relation: ``child`` and ``parent`` number the keys of each row.

    ``first`` gives the first parent row of each key. The last number stands for no key, or one that no
    parent has; its row is -1.
    """

    child: np.ndarray
    parent: np.ndarray
    first: np.ndarray

    def parent_rows(self) -> np.ndarray:
        """int64 a child row: its parent row, -1 for none."""
        return self.first[self.child]

    def has_parent(self, valid_parents: np.ndarray) -> np.ndarray:
        """Whether each child row has a parent among the valid ones."""
        return self._keys_of(self.parent, valid_parents)[self.child]

    def has_child(self, valid_children: np.ndarray) -> np.ndarray:
        """Whether each parent row has a child among the valid ones."""
        return self._keys_of(self.child, valid_children)[self.parent]

    def _keys_of(self, keys: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        chosen_keys = np.zeros(len(self.first), dtype=bool)
        chosen_keys[keys if chosen.all() else keys[chosen]] = True
        chosen_keys[-1] = False
        return chosen_keys


class Relations:
    """The target tables with the relations of their data set, worked out when first asked for.

    A table of the data set that is not among ``tables`` counts as empty; a missing column as null.
    """

    def __init__(self, tables: Mapping[str, pa.Table], dataset: Dataset):
        self.dataset = dataset
        self.tables = {name: tables.get(name, _NO_ROWS) for name in dataset.tables}
        self._columns: dict[tuple[str, str], Column] = {}
        self._links: dict[Step, Link] = {}

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return self.tables[table].num_rows

    def column(self, table: str, name: str) -> Column:
        """A column as its distinct values; a foreign key shares those of the key where it holds no others."""
        if (table, name) not in self._columns:
            found = self.tables[table]
            there = name in found.column_names
            texts = found[name] if there else pa.chunked_array([pa.nulls(found.num_rows, pa.string())])
            parent = self.dataset.tables[table].foreign_keys.get(name)
            self._columns[table, name] = encode(texts, self.column(*parent).values if parent else None)
        return self._columns[table, name]

    def link(self, child: str, column: str, parent: str, key: str) -> Link:
        """The relation of a child column with a parent column."""
        name = (child, column, parent, key)
        if name not in self._links:
            own, keys = self.column(child, column), self.column(parent, key)
            nothing = len(keys.values.texts) - 1
            first = np.full(nothing + 1, -1)
            first[keys.at[::-1]] = np.arange(len(keys.at))[::-1]
            first[-1] = -1
            numbers = own.at
            if own.values is not keys.values:
                known = pc.index_in(own.values.texts, value_set=keys.values.texts[:-1])
                numbers = pc.fill_null(known, nothing).to_numpy()[own.at]
            self._links[name] = Link(numbers, keys.at, first)
        return self._links[name]

    def path(self, table: str, target: str) -> list[Step]:
        """The fewest relations that lead from a table to an ancestor; raises KeyError where none do."""
        paths: deque[tuple[str, list[Step]]] = deque([(table, [])])
        seen = {table}
        while paths:
            at, path = paths.popleft()
            if at == target:
                return path
            for column, (parent, key) in self.dataset.tables[at].foreign_keys.items():
                if parent not in seen:
                    seen.add(parent)
                    paths.append((parent, [*path, (at, column, parent, key)]))
        raise KeyError(f"no relation leads from {table} to {target}")

    def ancestor_rows(self, table: str, target: str) -> np.ndarray:
        """int64 a row of ``table``: the row of ``target`` that it belongs to, -1 for none."""
        rows = np.arange(self.rows(table))
        for place, step in enumerate(self.path(table, target)):
            up = self.link(*step).parent_rows()
            # the -1 of a row without a parent finds the -1 that stands at the end
            rows = np.append(up, -1)[rows] if place else up
        return rows

    def related(self, table: str, target: str, column: str) -> Column:
        """A column of an ancestor, one value for each row of ``table``."""
        return self.column(target, column).moved(self.ancestor_rows(table, target))


_NO_ROWS = pa.table({})
