"""What must be true of the B-tree of every index, whoever wrote it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from idbmigrate.access import open_database
from idbmigrate.access.write import index as trees
from idbmigrate.access.write.keys import key_part, refusal
from idbmigrate.access.write.layout import IndexLayout, TableLayout, load
from idbmigrate.access.write.pages import PageStore, UsageMap
from idbmigrate.access.write.writer import DatabaseWriter
from idbmigrate.errors import OutputError


def check(path: Path, table: str) -> dict[str, int]:
    """Check every index of a table against its rows; gives the number of its pages by index name."""
    with open_database(path) as db:
        rows, ids = db.read_with_ids(table)
    with_layout = DatabaseWriter(path)
    layout = with_layout.layout(table)
    with_layout.abandon()
    store = PageStore(path)
    pages = {}
    for index in layout.indexes:
        entries, numbers = trees.read(store, index)
        assert entries.equals(trees.order(entries)), "entries in order"
        assert set(numbers) == set(UsageMap(store, *index.usage).pages.tolist()), "usage map"
        expected = expected_entries(layout, index, rows, ids)
        assert sorted(expected) == entries.to_pylist(), "an entry a row, with the row's key and place"
        _check_pages(store, layout, index)
        pages[index.title] = len(numbers)
    store.close()
    return pages


def expected_entries(layout: TableLayout, index: IndexLayout, rows, ids: np.ndarray) -> list[bytes]:
    """The entries that the rows of a table call for. Raises OutputError where a key cannot be made."""
    columns = {column.number: column for column in layout.columns}
    keys, empty = [b""] * len(ids), np.ones(len(ids), bool)
    for number, ascending in index.columns:
        column = columns[number]
        reason = refusal(column, ascending)
        if reason:
            raise OutputError(reason, code="index-unsupported")
        values = rows.column(column.name).combine_chunks()
        empty &= values.is_null().to_numpy(zero_copy_only=False) & (column.type != "BOOLEAN")
        parts = key_part(values, column, ascending, column.name).to_pylist()
        keys = [key + part for key, part in zip(keys, parts, strict=True)]
    keep = ~empty if index.ignores_nulls else np.ones(len(ids), bool)
    return [key + int(n).to_bytes(4, "big") for key, n, k in zip(keys, ids, keep, strict=True) if k]


def _check_pages(store: PageStore, layout: TableLayout, index: IndexLayout) -> None:
    """Leaves at one depth; pages linked to neighbours; a node's entries the last of each child."""
    level = [index.root]
    while True:
        pages = [store.read(number) for number in level]
        kinds = {page[0] for page in pages}
        assert len(kinds) == 1, "all leaves at one depth"
        for place, page in enumerate(pages):
            _, owner, _, before, after = struct.unpack_from("<HIIII", page, 2)
            assert owner == layout.number
            assert before == (level[place - 1] if place else 0)
            assert after == (level[place + 1] if place + 1 < len(level) else 0)
        if kinds == {4}:
            return
        below = [entry for page in pages for entry in trees._entries(page).to_pylist()]
        level = [int.from_bytes(entry[-4:], "big") for entry in below]
        for entry, number in zip(below, level, strict=True):
            page = store.read(number)
            last = trees._entries(page).to_pylist()[-1]
            assert entry[:-4] == (last if page[0] == 4 else last[:-4])


def tables_with_indexes(path: Path):
    """(definition page, layout) of every table of a file that has an index."""
    store = PageStore(path)
    for number in range(2, store.count):
        page = store.read(number)
        if page[:2] == b"\x02\x01" and page[12:16] == b"\x59\x06\0\0":
            try:
                layout = load(store, number)
            except OutputError:
                continue
            if layout.indexes:
                yield store, layout
    store.close()
