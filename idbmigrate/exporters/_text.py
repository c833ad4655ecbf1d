"""Whole columns of text as bytes: what the CSV and XML exporters share."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.concurrency import workers

Part = TypeVar("Part")
#: Opens a file that is to be written.
Create = Callable[[Path], AbstractContextManager[Any]]

#: rows of a batch, few enough to stay in the cache; fewer where values are long
ROWS, BYTES = 1 << 14, 1 << 27

#: threads that format at the same time
WORKERS = max(1, min(4, os.cpu_count() or 1))
_TEXT = {"string", "large_string", "string_view", "null", "bool"}


def create(path: Path) -> AbstractContextManager[Any]:
    """A file, written as it is."""
    return open(path, "wb")


def batches(table: pa.Table, rows: int | None = None) -> Iterator[pa.RecordBatch]:
    """Cut a table into batches of text columns, small enough for 32-bit offsets when written out.

    Columns may come as any of Arrow's text types, dictionaries included, or as whole numbers or
    truth values; other types are refused with TypeError: their text form is the mapping's to choose.
    ``rows``: how many a batch has at most, instead of :data:`ROWS`.
    """
    for field in table.schema:
        _require_text(field)
    if not table.num_columns:
        return
    for batch in table.to_batches(max_chunksize=rows or ROWS):
        step = max(1, batch.num_rows * BYTES // max(1, sum(map(_size, batch.columns))))
        for start in range(0, batch.num_rows, step):
            columns = [_lean(column.slice(start, step)) for column in batch.columns]
            yield pa.record_batch(columns, names=batch.schema.names)


def _size(column: pa.Array) -> int:
    """About as many bytes as the values have when written out, and no fewer."""
    if not pa.types.is_dictionary(column.type):
        return column.nbytes
    longest = pc.max(pc.binary_length(column.dictionary.cast(pa.string()))).as_py()
    return len(column) * (longest or 0)


def _lean(column: pa.Array) -> pa.Array:
    """A column; one with a dictionary that is longer than itself with every value written out."""
    long = pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column)
    return plain(column) if long else column


def plain(column: pa.Array) -> pa.StringArray:
    """A column with every value written out."""
    return column.cast(pa.string())


def is_coded(column: pa.Array) -> bool:
    """Whether a column is a dictionary of texts."""
    return pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type)


def different(column: pa.Array) -> pa.StringArray:
    """Texts among which is every one of a column; those of a dictionary once each."""
    return plain(column.dictionary if pa.types.is_dictionary(column.type) else column)


def _require_text(field: pa.Field) -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if str(kind) not in _TEXT and not pa.types.is_integer(kind):
        raise TypeError(f"column {field.name} holds {field.type}, not text")


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
    with workers(WORKERS) as pool:
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
