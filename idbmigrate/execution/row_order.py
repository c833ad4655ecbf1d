"""Rows in the order of their numbers, and stretches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

#: Up to this many stretches are put one after another as they are, without a copy.
_STRETCHES = 1000


def in_order(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows in the order of these columns of numbers, the first weighing most; no two rows are alike.

    An engine gives them so but for whole stretches, which it may make side by side.
    """
    stretches = sorted(_stretches(table, names))
    together = all(one.last < other.first for one, other in pairwise(stretches))
    if not together or len(stretches) > _STRETCHES:
        order = np.lexsort([table[name].to_numpy() for name in reversed(names)])
        return table.take(pa.array(order))
    if all(one.stop == other.start for one, other in pairwise(stretches)):
        return table
    return pa.concat_tables(table.slice(each.start, each.stop - each.start) for each in stretches)


class _Stretch(NamedTuple):
    """Rows in ascending order, from ``start`` to before ``stop``: the numbers of the first and the last."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    start: int
    stop: int


def _stretches(table: pa.Table, names: Sequence[str]) -> Iterator[_Stretch]:
    done = 0
    for batch in table.select(names).to_batches():
        if not batch.num_rows:
            continue
        numbers = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
        breaks = np.flatnonzero(~_ascending(numbers)) + 1
        for start, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), batch.num_rows], strict=True):
            first, last = (tuple(int(part[at]) for part in numbers) for at in (start, stop - 1))
            yield _Stretch(first, last, done + start, done + stop)
        done += batch.num_rows


def _ascending(numbers: Sequence[np.ndarray]) -> np.ndarray:
    """Whether each row but the first comes after the one before it."""
    after = numbers[-1][1:] > numbers[-1][:-1]
    for part in reversed(numbers[:-1]):
        after = (part[1:] > part[:-1]) | ((part[1:] == part[:-1]) & after)
    return after


def stretch(table: pa.Table, name: str, number: int) -> pa.Table:
    """The rows with this number in a column of ascending numbers. Nothing is copied."""
    chunks = [chunk.to_numpy() for chunk in table[name].chunks if len(chunk)]
    start, stop = (
        sum(int(np.searchsorted(chunk, chunk.dtype.type(bound))) for chunk in chunks)
        for bound in (number, number + 1)
    )
    return table.slice(start, stop - start)
