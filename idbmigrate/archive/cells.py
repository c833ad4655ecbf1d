"""What tables hold, whatever the order of their rows: a digest of it, and what differs between two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.staging.dictionary import plain


def table_digest(table: pa.Table) -> str:
    """SHA-256 over the rows of a table of texts as a multiset, and over the names of its columns.

    Neither the order of rows nor that of columns counts, and a column without a value counts as absent:
    Access writes rows in another order when it compacts a file. Two tables of equal digest hold the same.
    """
    columns = {name: _Column(table[name]) for name in sorted(table.column_names)}
    held = {name: column for name, column in columns.items() if len(column.texts)}
    whole = hashlib.sha256(f"{table.num_rows}\n".encode())
    order = _order(list(held.values()), table.num_rows)
    for name, column in held.items():
        lengths = pc.binary_length(column.texts).to_numpy(zero_copy_only=False).astype("<i8")
        name_bytes = name.encode("utf-8", "surrogatepass")
        whole.update(f"{len(name_bytes)} {len(lengths)}\n".encode() + name_bytes)
        whole.update(lengths.tobytes())
        whole.update("".join(column.texts.to_pylist()).encode())
        whole.update(column.codes[order].astype("<i4").tobytes())
    return whole.hexdigest()


def digest_of(tables: Mapping[str, str]) -> str:
    """One digest of the digests of a file's tables, by label."""
    lines = "".join(f"{digest} {label}\n" for label, digest in sorted(tables.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


class _Column:
    """A column as its different texts in order, and for each row which of them (-1 where there is none)."""

    def __init__(self, values: pa.ChunkedArray):
        coded = _one_dictionary(values)
        again = coded.dictionary.dictionary_encode()  # two of its texts may be equal
        rank = pc.sort_indices(again.dictionary).to_numpy(zero_copy_only=False)
        place = np.empty(len(rank), np.int32)
        place[rank] = np.arange(len(rank), dtype=np.int32)
        of_entry = np.append(place[again.indices.to_numpy(zero_copy_only=False)], np.int32(-1))
        entry = pc.fill_null(coded.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
        codes = of_entry[entry]
        used, within = np.unique(codes, return_inverse=True)  # and some may not occur
        missing = int(len(used) > 0 and used[0] < 0)
        texts = again.dictionary.take(pa.array(rank))
        self.texts: pa.Array = texts.take(pa.array(used[missing:]))
        self.codes: np.ndarray = (within - missing).astype(np.int32)


def _one_dictionary(values: pa.ChunkedArray) -> pa.DictionaryArray:
    """All pieces of a column as one dictionary, with nulls among the rows only."""
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    whole = coded.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no piece
        whole = pa.array([], pa.string()).dictionary_encode()
    return whole


def _groups(columns: Iterable[_Column], count: int) -> np.ndarray:
    """A number for each row: that of its place among the different rows, in one and the same order always.

    Columns of many different texts come first, so that few of them tell all rows apart.
    """
    group, different = np.zeros(count, np.int64), min(count, 1)
    for column in sorted(columns, key=lambda each: -len(each.texts)):
        if different == count:
            break
        both = group * (len(column.texts) + 1) + column.codes + 1
        found, group = np.unique(both, return_inverse=True)
        different = len(found)
    return group


def _order(columns: Sequence[_Column], count: int) -> np.ndarray:
    return np.argsort(_groups(columns, count), kind="stable")


# -- two tables ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """How two tables differ, in records by key: ``same``, ``changed``, and those that ``only`` one has."""

    same: int
    changed: int
    only_first: int
    only_second: int


def difference(first: pa.Table, second: pa.Table, key: Sequence[str]) -> Difference:
    """Compare two tables of texts by their key columns, which need not be unique.

    A key whose rows are the same in both is the same, in whatever order; where a table lacks a key column
    all columns are the key. A column that one table does not have counts as empty there.
    """
    names = list(dict.fromkeys([*first.column_names, *second.column_names]))
    sides = [_with_all(plain(each), names) for each in (first, second)]
    columns = {
        name: _Column(pa.chunked_array([*sides[0][name].chunks, *sides[1][name].chunks], pa.string()))
        for name in names
    }
    count = first.num_rows + second.num_rows
    own = [columns[name] for name in key if name in columns]
    keys = _groups(own if key and len(own) == len(key) else list(columns.values()), count)
    rows = _groups(list(columns.values()), count)
    sign = np.where(np.arange(count) < first.num_rows, 1, -1)
    return _counted(keys, rows, sign)


def _counted(keys: np.ndarray, rows: np.ndarray, sign: np.ndarray) -> Difference:
    if not len(keys):
        return Difference(0, 0, 0, 0)
    most = int(keys.max()) + 1
    has_first = np.bincount(keys[sign > 0], minlength=most) > 0
    has_second = np.bincount(keys[sign < 0], minlength=most) > 0
    balance = np.bincount(rows, weights=sign)  # of each different row: how many more the first has
    differs = np.zeros(most, bool)
    differs[keys[balance[rows] != 0]] = True
    both = has_first & has_second
    return Difference(
        same=int((both & ~differs).sum()),
        changed=int((both & differs).sum()),
        only_first=int((has_first & ~has_second).sum()),
        only_second=int((has_second & ~has_first).sum()),
    )


def _with_all(table: pa.Table, names: Sequence[str]) -> pa.Table:
    empty = pa.nulls(table.num_rows, pa.string())
    return pa.table({name: table[name] if name in table.column_names else empty for name in names})
