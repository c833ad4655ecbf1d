"""Rows brought into the order of their numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def in_order(table: pa.Table, numbers: np.ndarray) -> pa.Table:
    """The rows in the order of these numbers, of which there is one a row and none twice.

    An engine gives them so but for whole stretches, which it may make side by side.
    """
    starts = np.flatnonzero(numbers[1:] <= numbers[:-1]) + 1
    if not starts.size:
        return table
    starts, ends = np.append(0, starts), np.append(starts, numbers.size)
    order = np.argsort(numbers[starts])
    if np.any(numbers[ends[order] - 1][:-1] > numbers[starts[order]][1:]):  # one lies within another
        return table.take(pa.array(np.argsort(numbers)))
    return pa.concat_tables(table.slice(starts[i], ends[i] - starts[i]) for i in order)
