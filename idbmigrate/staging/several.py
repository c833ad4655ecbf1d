"""Columns of several values in a cell, read as values, and what of a table is not read at all.

Access keeps the values of such a column in a table of its own and a number in the cell. A cell with one value
is that value. A cell with several is shown as Access shows it, ``a; b``, and is no value that a target could
take: nothing tells which of them holds. Nor is a value whose number stands in two cells.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.staging.texts import as_text

if TYPE_CHECKING:
    from idbmigrate.readers import Idb

_NEITHER = ("OLE", "COMPLEX_TYPE")
BETWEEN = "; "


@dataclass(frozen=True, repr=False)
class SeveralValues:
    """A column of several values: the cells that hold no single value of their own (bool a row), and how many
    values more than cells there are.

    ``stray``: values that belong to no row of the table.
    """

    mask: np.ndarray
    further: int
    stray: int

    def __repr__(self) -> str:
        return f"<SeveralValues: {np.count_nonzero(self.mask):,} cells>"


def read_values(
    idb: Idb, table: str, known: Collection[str]
) -> tuple[pa.Table, np.ndarray, dict[str, SeveralValues]]:
    """A table without its OLE objects and attachments; columns of several values, where ``known``, as text.

    Gives the table, the ids of its rows, and those columns by name.
    """
    columns = idb.columns(table)
    if not any(column.type in _NEITHER for column in columns):
        return *idb.read_with_ids(table), {}
    held = {c.name: idb.several_values(table, c.name) for c in columns if c.type == "COMPLEX_TYPE"}
    several = {name: values for name, values in held.items() if values is not None and name in known}
    wanted = [column.name for column in columns if column.type not in _NEITHER or column.name in several]
    found, ids = idb.read_with_ids(table, wanted)
    counts = {}
    for name, values in several.items():
        texts, counts[name] = cells_of(found[name], values)
        found = found.set_column(found.schema.get_field_index(name), name, texts)
    return found, ids, counts


def cells_of(cells: pa.ChunkedArray, values: pa.Table) -> tuple[pa.Array, SeveralValues]:
    """The text of each cell, from the numbers in the cells and the values with their numbers."""
    texts = as_text(values["value"])
    held = pa.table({"key": values["key"], "text": texts}).filter(pc.is_valid(texts))
    groups = held.group_by("key", use_threads=False).aggregate([("text", "list"), ("text", "count")])
    joined = pc.binary_join(groups["text_list"], BETWEEN)
    place = pc.index_in(cells.combine_chunks(), value_set=groups["key"].combine_chunks())
    counts = groups["text_count"].take(place).fill_null(0).to_numpy()
    numbers = place.drop_null().to_numpy()
    cells_a_number = np.bincount(numbers, minlength=groups.num_rows)
    shared = (pa.array(cells_a_number > 1).take(place)).fill_null(False).to_numpy(zero_copy_only=False)
    stray = int(groups["text_count"].to_numpy()[cells_a_number == 0].sum())
    further = int(np.maximum(counts - 1, 0).sum())
    return joined.take(place).combine_chunks(), SeveralValues((counts > 1) | shared, further, stray)
