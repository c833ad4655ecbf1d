"""Rows in the order of their numbers, and stretches of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

#: Up to this many stretches are put one after another as they are, without a copy.
_STRETCHES = 1000


def in_order(table: pa.Table, numbers: np.ndarray) -> pa.Table:
    """The rows in the order of these numbers, of which there is one a row and none twice.

    An engine gives them so but for whole stretches, which it may make side by side.
    """
    if np.all(numbers[1:] > numbers[:-1]):
        return table
    order = np.argsort(numbers, kind="stable")
    ends = np.append(np.flatnonzero(order[1:] != order[:-1] + 1), order.size - 1)
    if ends.size > _STRETCHES:
        return table.take(pa.array(order))
    starts = np.append(0, ends[:-1] + 1)
    return pa.concat_tables(table.slice(order[s], e - s + 1) for s, e in zip(starts, ends, strict=True))


def stretch(table: pa.Table, name: str, number: int) -> pa.Table:
    """The rows with this number in a column of ascending numbers. Nothing is copied."""
    chunks = [chunk.to_numpy() for chunk in table[name].chunks if len(chunk)]
    start, stop = (
        sum(int(np.searchsorted(chunk, chunk.dtype.type(bound))) for chunk in chunks)
        for bound in (number, number + 1)
    )
    return table.slice(start, stop - start)
