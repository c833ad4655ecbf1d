"""Whole columns of text as bytes: what the CSV and XML exporters share."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

Part = TypeVar("Part")

#: rows that are formatted at a time: few enough to stay in the cache; fewer where values are long
ROWS, BYTES = 1 << 14, 1 << 27

#: threads that format at the same time
WORKERS = max(1, min(4, os.cpu_count() or 1))
_TEXT = {"string", "large_string", "string_view", "null", "bool"}


def batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Cut a table into batches of plain text columns, small enough for 32-bit offsets.

    Columns may come as any of Arrow's text types, dictionaries included, or as whole numbers or
    truth values; other types are refused with TypeError: their text form is the mapping's to choose.
    """
    arrays = [_text(table.column(at), name) for at, name in enumerate(table.column_names)]
    if not table.num_rows or not arrays:
        return
    plain = pa.table(arrays, names=table.column_names)
    step = max(1, min(ROWS, plain.num_rows * BYTES // max(1, plain.nbytes)))
    yield from plain.to_batches(max_chunksize=step)


def _text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.type == pa.string():
        return column
    if str(kind) in _TEXT or pa.types.is_integer(kind):
        return column.cast(pa.string())
    raise TypeError(f"column {name} holds {column.type}, not text")


def content(array: pa.StringArray) -> pa.Buffer:
    """The bytes of an array's values, one after the other. No copy."""
    offsets = memoryview(array.buffers()[1]).cast("i")
    data = array.buffers()[2]
    first, last = offsets[array.offset], offsets[array.offset + len(array)]
    return data.slice(first, last - first) if data is not None else pa.py_buffer(b"")


def holds(array: pa.StringArray, characters: Iterable[bytes]) -> bool:
    """Whether one of some ASCII characters occurs anywhere in a column."""
    text = content(array).to_pybytes()
    return any(character in text for character in characters)


def in_order(work: Callable[[Part], pa.Buffer], parts: Iterable[Part]) -> Iterator[pa.Buffer]:
    """Do work on parts in threads, and give the results in the order of the parts.

    Arrow lets go of the interpreter while it computes. Only a few results wait at a time, so that
    memory stays bounded by the batch size.
    """
    waiting: deque[Future[pa.Buffer]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(work, part))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
