"""Columns as dictionaries: their different texts, and for each row which of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def plain(table: pa.Table) -> pa.Table:
    """The table with every dictionary written out."""
    columns = [_written_out(column) if pa.types.is_dictionary(column.type) else column for column in table]
    return pa.table(columns, table.column_names)


def _written_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type)


def distinct(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column; a dictionary of texts with one in which no two are equal and none is missing.

    All its pieces have the same dictionary, as those of a staged column. One of truth values is written out.
    """
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return column
    if not pa.types.is_string(column.type.value_type):
        return _written_out(column)
    texts = column.chunk(0).dictionary
    again = pc.dictionary_encode(texts)
    if len(again.dictionary) == len(texts):
        return column
    places = again.indices.cast(column.type.index_type)
    chunks = [
        pa.DictionaryArray.from_arrays(places.take(chunk.indices), again.dictionary, safe=False)
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, column.type)


def all_different(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Encode a column in which no two rows have the same text, without a look for equal ones."""
    if not pa.types.is_string(column.type) or column.null_count:
        return column
    rows = pa.array(np.arange(len(column), dtype=np.int32))
    return pa.chunked_array([pa.DictionaryArray.from_arrays(rows, column.combine_chunks(), safe=False)])


def one_type(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Join pieces into a column; pieces of different types become ``string``."""
    kinds = {chunk.type for chunk in chunks}
    if len(kinds) > 1:
        return pa.chunked_array([chunk.cast(pa.string()) for chunk in chunks], pa.string())
    return pa.chunked_array(chunks, kinds.pop() if kinds else pa.string())
