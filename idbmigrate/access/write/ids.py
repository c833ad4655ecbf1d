"""New Replication IDs for AutoNumber columns of that type."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Where the digits of a Replication ID stand in its text, and where its dashes.
_DASHES = (9, 14, 19, 24)
_PLACES = [place for place in range(1, 37) if place not in _DASHES]


def with_new_ids(batch: pa.Table, table: str, column: str, before: int) -> pa.Table:
    """The rows with an ID of their own where they bring none.

    An ID is a digest of all these rows, of the table and of how many rows (``before``) it had: the same input
    gives the same file, and another input other IDs.
    """
    if column in batch.schema.names:
        given = batch.column(column).cast(pa.string())
        if not given.null_count:
            return batch
        ids = pc.coalesce(given, new_ids(batch, f"{table}.{column}.{before}"))
        return batch.set_column(batch.schema.get_field_index(column), column, ids)
    return batch.append_column(column, new_ids(batch, f"{table}.{column}.{before}"))


def new_ids(batch: pa.Table, salt: str) -> pa.Array:
    """One ID a row, as text ``{XXXXXXXX-XXXX-4XXX-XXXX-XXXXXXXXXXXX}``."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_table(batch.combine_chunks())
    seed = hashlib.sha256(salt.encode() + sink.getvalue()).digest()
    raw = np.frombuffer(hashlib.shake_256(seed).digest(16 * batch.num_rows), np.uint8).reshape(-1, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40  # version 4, the variant of RFC 9562
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((batch.num_rows, 38), ord("-"), np.uint8)
    text[:, 0], text[:, 37] = ord("{"), ord("}")
    digits = np.frombuffer(raw.tobytes().hex().upper().encode(), np.uint8).reshape(-1, 32)
    text[:, _PLACES] = digits
    return pa.array(text.reshape(-1).view("S38").astype(str), pa.string())
