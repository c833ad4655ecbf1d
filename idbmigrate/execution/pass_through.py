"""Columns that a target table takes as they are, from its source rows or its parents: by the row's number.

An engine would copy every value of such a column, row by row. Here a whole stretch of rows, made from one
branch and one entry of ``each``, takes the numbers of its values in the dictionary of the source column;
where no row between them is missing, it shares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from idbmigrate.compile import plan as p
from idbmigrate.execution.row_order import stretch
from idbmigrate.staging.dictionary import distinct, one_type, plain

#: Gives the rows of a target table that is made.
Parents = Callable[[str], pa.Table]
#: Type of a column in which every value is the same, or missing.
_CONSTANT = pa.dictionary(pa.int16(), pa.string())


def with_pass_through(made: pa.Table, query: p.TableQuery, sources: Mapping[str, pa.Table]) -> pa.Table:
    """The rows that a query gave, in their order, with the columns that it leaves out.

    Columns come as text or as dictionaries of different texts, truth values as they are.
    """
    if not query.pass_through:
        return made
    columns: dict[str, list[pa.Array]] = {name: [] for name in query.pass_through}
    for number, branch in enumerate(query.branches):
        source = _Source(sources[branch.source]) if branch.source else None
        for item, rows in _items(stretch(made, p.BRANCH, number), len(branch.items)):
            picked = _numbers(rows)
            for name, passed in query.pass_through.items():
                columns[name] += _copied(passed[number][item], source, picked, _truth(query, name))
    for name, chunks in columns.items():
        column = one_type(chunks)
        made = made.append_column(name, column.cast(pa.bool_()) if _truth(query, name) else column)
    return made


def with_parent_keys(made: pa.Table, query: p.TableQuery, parents: Parents) -> pa.Table:
    """The rows with the keys of the rows that they were joined with, instead of their numbers."""
    for name, (parent, key) in query.references.items():
        index = made.schema.get_field_index(p.there(name))
        made = made.set_column(index, name, _keys(parents(parent), key, made[index].combine_chunks()))
    return made


def with_same_row_parents(made: pa.Table, query: p.TableQuery, parents: Parents) -> pa.Table:
    """The rows that have all parents made from the same source row, with the keys of these."""
    for name, (parent, key) in query.same_row_parents.items():
        rows, known = _numbers(made), _numbers(parents(parent))
        place = np.full(max(rows.max(initial=-1), known.max(initial=-1)) + 1, -1)
        place[known] = np.arange(known.size)
        there = place[rows]
        if (there < 0).any():
            made, there = made.filter(pa.array(there >= 0)), there[there >= 0]
        made = made.append_column(name, _keys(parents(parent), key, pa.array(there)))
    return made


def _keys(parents: pa.Table, key: str, places: pa.Array) -> pa.DictionaryArray:
    """The keys of parents with these numbers, missing where a number is; no two of them are equal."""
    texts = plain(parents.select([key]))[key].combine_chunks()
    return pa.DictionaryArray.from_arrays(places.cast(pa.int32()), texts, safe=False)


def _truth(query: p.TableQuery, name: str) -> bool:
    return query.columns[name].type == "truth"


def _items(rows: pa.Table, count: int) -> Iterator[tuple[int, pa.Table]]:
    """The rows of a branch by entry of its ``each``; all of them where it has none."""
    if not rows.num_rows:
        return
    if not count:
        yield 0, rows
    for item in range(count):
        yield item, stretch(rows, p.ITEM, item)


def _numbers(rows: pa.Table) -> np.ndarray:
    return rows[p.ROW].to_numpy().astype(np.int64, copy=False)


def _copied(copy: p.PassThrough, source: _Source | None, rows: np.ndarray, truth: bool) -> list[pa.Array]:
    if not rows.size:
        return []
    if copy.column is not None and source is not None:
        return source.take(copy.column, rows)
    if copy.text is None:
        return [pa.nulls(rows.size, pa.bool_() if truth else _CONSTANT)]
    return [pa.DictionaryArray.from_arrays(np.zeros(rows.size, np.int16), pa.array([copy.text]))]


class _Source:
    """A source table, of which columns are taken by row numbers."""

    def __init__(self, table: pa.Table):
        self.table = table
        self._columns: dict[str, list[pa.Array]] = {}
        self._parts: dict[tuple[int, ...], list[tuple[int, slice | pa.Array]]] = {}
        self._rows: np.ndarray | None = None

    def take(self, name: str, rows: np.ndarray) -> list[pa.Array]:
        """The values of a column in these rows, which are in ascending order."""
        if name not in self._columns:
            self._columns[name] = distinct(self.table[name]).chunks
        chunks = self._columns[name]
        if rows is not self._rows:
            self._rows, self._parts = rows, {}
        bounds = tuple(map(len, chunks))
        if bounds not in self._parts:
            self._parts[bounds] = list(_parts(bounds, rows))
        return [
            chunks[number][part] if isinstance(part, slice) else chunks[number].take(part)
            for number, part in self._parts[bounds]
        ]


def _parts(lengths: tuple[int, ...], rows: np.ndarray) -> Iterator[tuple[int, slice | pa.Array]]:
    """Which rows of which chunk: a slice where none between them is missing."""
    ends = np.cumsum(lengths)
    cuts = np.append(0, np.searchsorted(rows, ends))
    for number, (end, length) in enumerate(zip(ends.tolist(), lengths, strict=True)):
        mine = rows[cuts[number] : cuts[number + 1]]
        if mine.size:
            first, last = int(mine[0]) - (end - length), int(mine[-1]) - (end - length)
            whole = last - first + 1 == mine.size
            yield number, slice(first, last + 1) if whole else pa.array(mine - (end - length))
