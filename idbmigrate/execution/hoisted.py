"""Makes the prepared values of source tables: each once for every text that occurs in its column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.brief import brief
from idbmigrate.compile import hoist
from idbmigrate.compile import plan as p
from idbmigrate.engine import Engine
from idbmigrate.execution.row_order import in_order

#: Up to this many texts it does not matter how many they are: engines work in blocks of such a size.
_BLOCK = 1 << 11

Values = Mapping[str, Sequence[p.Hoisted]]


class HoistedValues:
    """The work of making prepared values: ``parts``, which do not need each other.

    Columns that are asked the same have their texts one after another, such stacks of about as many texts
    stand side by side in one query, and each of so many workers has a share of them. ``on`` begins the names
    of parts, which are relations of the engine: no other work that goes on has the same.
    """

    def __init__(
        self, sources: Mapping[str, pa.Table], values: Mapping[str, Values], workers: int = 1, on: str = ""
    ):
        self._asked = [
            _Asked(table, column, tuple(wanted), sources[table][column])
            for table, columns in values.items()
            for column, wanted in columns.items()
        ]
        stacks = _grouped(self._asked, lambda each: (_magnitude(each), each.numbers))
        shares = [stacks[first::workers] for first in range(workers)]
        alike = [group for share in shares for group in _grouped(share, lambda stack: _magnitude(stack[0]))]
        self.parts = {on + p.texts(group[0][0].table, group[0][0].column): group for group in alike}
        self._made: dict[tuple[str, str], pa.ChunkedArray] = {}

    def tables(self, part: str) -> set[str]:
        """The source tables that a part makes values of."""
        return {each.table for stack in self.parts[part] for each in stack}

    def make(self, part: str, engine: Engine) -> None:
        """Make the values of a part."""
        self._made.update(_made(part, self.parts[part], engine))

    def added(self, name: str, source: pa.Table) -> pa.Table:
        """A source table with a column for each of its prepared values."""
        for each in self._asked:
            for value in each.values:
                column = f"{each.column}.{value.number}"
                if each.table == name:
                    source = source.append_column(column, self._made[name, column])
        return source


def with_hoisted(name: str, source: pa.Table, values: Values, engine: Engine) -> pa.Table:
    """A source table with a column for each of these prepared values, made for the marks of its rows."""
    hoisted_values_of = HoistedValues({name: source}, {name: values}, on=p.marks(""))
    for part in hoisted_values_of.parts:
        hoisted_values_of.make(part, engine)
    return hoisted_values_of.added(name, source)


def _magnitude(asked: _Asked) -> int:
    return max(asked.count, _BLOCK).bit_length()


def _made(
    relation: str, stacks: Sequence[Sequence[_Asked]], engine: Engine
) -> dict[tuple[str, str], pa.ChunkedArray]:
    """Columns of prepared values, by source table and name."""
    columns = {}
    answers = _answers(relation, stacks, engine)
    for number, stack in enumerate(stacks):
        start, missing = 0, sum(each.count for each in stack)
        for each in stack:
            for value in each.values:
                made = answers[f"{number}.{value.number}"]
                column = each.spread(made.slice(start, each.count), made.slice(missing, 1))
                columns[each.table, f"{each.column}.{value.number}"] = column
            start += each.count
    return columns


@brief
@dataclass(frozen=True)
class _Asked:
    """A column of a source table and what is asked of it."""

    table: str
    column: str
    values: tuple[p.Hoisted, ...]
    cells: pa.ChunkedArray

    @property
    def texts(self) -> list[pa.Array]:
        """The texts that occur, in pieces; the cells as they are where the column is not encoded."""
        if not self.encoded:
            return self.cells.chunks
        return [self.cells.chunk(0).dictionary] if self.cells.num_chunks else []

    @property
    def count(self) -> int:
        """How many texts that are."""
        return sum(map(len, self.texts))

    @property
    def numbers(self) -> tuple[int, ...]:
        """What is asked, by number."""
        return tuple(value.number for value in self.values)

    @property
    def encoded(self) -> bool:
        return pa.types.is_dictionary(self.cells.type)

    def spread(self, answers: pa.ChunkedArray, missing: pa.ChunkedArray) -> pa.ChunkedArray:
        """Answers for the texts, and that for a missing one, brought to the rows."""
        if not self.encoded:
            return answers
        chunks = [chunk.indices for chunk in self.cells.chunks]
        if missing[0].is_valid:
            chunks = [codes.fill_null(len(answers)) for codes in chunks]
            answers = pa.chunked_array([*answers.chunks, *missing.chunks])
        answer = answers.combine_chunks()
        made = [pa.DictionaryArray.from_arrays(codes, answer, safe=False) for codes in chunks]
        return pa.chunked_array(made, pa.dictionary(self.cells.type.index_type, answer.type))


def _answers(relation: str, stacks: Sequence[Sequence[_Asked]], engine: Engine) -> dict[str, pa.ChunkedArray]:
    """What is asked of each stack of columns, for all its texts and at the end for a missing one."""
    longest = 1 + max(sum(each.count for each in stack) for stack in stacks)
    columns = {p.ROW: pa.array(np.arange(longest, dtype=np.int64))}
    for number, stack in enumerate(stacks):
        pieces = [piece for each in stack for piece in each.texts]
        padding = pa.nulls(longest - sum(map(len, pieces)), pa.string())
        columns[str(number)] = pa.chunked_array([*pieces, padding])
    texts = pa.table(columns)
    few = longest <= 2 * _BLOCK  # in pieces large ones go to several threads, small ones only cost
    engine.register(relation, texts.combine_chunks() if few else texts)
    wanted = {str(number): stack[0].values for number, stack in enumerate(stacks)}
    made = engine.run(hoist.query(relation, wanted))
    engine.forget(relation)
    made = in_order(made, [p.ROW])
    return {
        f"{number}.{value.number}": _typed(made[f"{number}.{value.number}"], value.truth)
        for number, values in wanted.items()
        for value in values
    }


def _typed(answers: pa.ChunkedArray, truth: bool) -> pa.ChunkedArray:
    return pc.cast(answers, pa.bool_() if truth else pa.string())


def _grouped(items: Iterable[Any], key: Callable[[Any], object]) -> list[list[Any]]:
    groups: dict[object, list[Any]] = {}
    for each in items:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())
