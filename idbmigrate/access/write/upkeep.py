"""Indexes of a table that gets rows: which can be kept right, their new entries, and merging these in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write import index as indexes
from idbmigrate.access.write.keys import key_part, refusal
from idbmigrate.access.write.layout import INDEX_REQUIRED, IndexLayout, TableLayout
from idbmigrate.access.write.pages import PageStore
from idbmigrate.access.write.values import arrow_type, conform
from idbmigrate.errors import OutputError


def require_kept(layout: TableLayout, table: str) -> None:
    """Raise ``index-unsupported``, naming it, if an index of the table could not be kept right."""
    columns = {column.number: column for column in layout.columns}
    for index in layout.indexes:
        for number, ascending in index.columns:
            reason = refusal(columns[number], ascending)
            if reason:
                raise OutputError(
                    f"index {index.title} cannot be kept right: {reason}",
                    code="index-unsupported",
                    where=table,
                    hint="take the index off in a copy of the template",
                )


def entries(
    layout: TableLayout,
    index: IndexLayout,
    batch: pa.Table | pa.RecordBatch,
    page: np.ndarray,
    slot: np.ndarray,
    table: str,
    first_row: int,
) -> pa.Array:
    """What a batch of rows, which lie at ``page`` and ``slot``, adds to an index.

    Raises ``value-does-not-fit`` for a missing value where the index requires one.
    """
    columns = {column.number: column for column in layout.columns}
    parts, empty = [], np.ones(batch.num_rows, bool)
    for number, ascending in index.columns:
        column = columns[number]
        where = f"{table}.{column.name}"
        if column.name in batch.schema.names:
            values = conform(batch.column(column.name), column, where)
        else:
            values = pa.nulls(batch.num_rows, arrow_type(column))
        nullable = column.type != "BOOLEAN"
        missing = nullable & values.is_null().to_numpy(zero_copy_only=False)
        if missing.any() and (index.primary or index.flags & INDEX_REQUIRED):
            row = first_row + int(missing.argmax()) + 1
            message = f"row {row}: index {index.title} does not allow a missing value"
            raise OutputError(message, code="value-does-not-fit", where=where)
        empty &= missing
        parts.append(key_part(values, column, ascending, where))
    keys = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.binary()))
    if index.ignores_nulls and empty.any():  # a row is left out if it has no value in any column
        keys, page, slot = keys.filter(pa.array(~empty)), page[~empty], slot[~empty]
    return indexes.entries_of(keys, page, slot)


def merge(
    store: PageStore, layout: TableLayout, index: IndexLayout, added: list[pa.Array], table: str
) -> int:
    """Write an index anew with further entries; gives the number of different keys, which is its count.

    Raises ``value-does-not-fit`` when a unique index would hold a key twice.
    """
    old, pages = indexes.read(store, index)
    merged = indexes.order(pa.concat_arrays([old, *added]))
    keys = pc.binary_slice(merged, 0, -4)
    repeated = keys[1:].filter(pc.equal(keys[1:], keys[:-1]))  # in order, equal keys stand side by side
    if index.unique and len(repeated):
        _refuse_duplicates(index, repeated, table)
    indexes.rebuild(store, layout.number, index, merged, pages)
    return len(keys) - len(repeated)


def _refuse_duplicates(index: IndexLayout, repeated: pa.Array, table: str) -> None:
    """Rows without any value may repeat in a unique index; others may not."""
    # a column without a value gives one byte, a column with one at least two
    count = pc.sum(pc.greater(pc.binary_length(repeated), len(index.columns))).as_py()
    if count:
        message = f"index {index.title} allows each value once; {count} rows repeat one"
        raise OutputError(message, code="value-does-not-fit", where=table)
