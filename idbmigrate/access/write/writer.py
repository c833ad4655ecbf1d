"""Write Access files: Jet 4 (``.mdb``) and ACE (``.accdb``), from Arrow tables.

    create_database("new.mdb")
    with DatabaseWriter("new.mdb") as writer:
        writer.create_table("Person", [NewColumn("LPTID", "TEXT", 20), NewColumn("LTC", "BOOLEAN")])
        writer.append("Person", table)

The same calls give the same bytes: time stamps are pinned, nothing depends on clock or machine. The file is
changed in place; who needs all or nothing writes beside and renames (``exporters.idb`` does).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.header import parse_header
from idbmigrate.access.write import catalogue, definition, upkeep
from idbmigrate.access.write import index as index_pages
from idbmigrate.access.write import layout as layouts
from idbmigrate.access.write.definition import NewColumn, NewIndex
from idbmigrate.access.write.ids import with_new_ids
from idbmigrate.access.write.layout import TableLayout
from idbmigrate.access.write.pages import (
    DATA_HEADER,
    LONG_VALUE_OWNER,
    PAGE,
    PageStore,
    UsageMap,
    empty_map,
    release_beyond,
)
from idbmigrate.access.write.properties import ColumnRules, column_rules, long_value
from idbmigrate.access.write.rows import Packed, encode, long_value_columns, long_values, pack, rows_of
from idbmigrate.access.write.values import binary_of, conform
from idbmigrate.errors import OutputError, UsageError

__all__ = ["DatabaseWriter", "NewColumn", "NewIndex", "create_database"]

#: creation date of tables, always the same so that the same input gives the same bytes
STAMP = dt.datetime(2020, 4, 1)
#: rows encoded at once: bounds memory, whatever the caller hands over
BATCH = 1 << 17
#: a long value of up to this many bytes stays in its row
_INLINE = 64
_MAX_COLUMNS = 255


def create_database(path: str | os.PathLike[str], format: str | None = None) -> None:
    """Make an empty database: ``format`` is "mdb" (Jet 4) or "accdb" (ACE), by default the file's ending.

    The empty files are those that the package ``msaccessdb`` brings, as Access itself made them.
    """
    import msaccessdb

    kind = format or Path(path).suffix.lower().lstrip(".")
    if kind not in ("mdb", "accdb"):
        raise UsageError(f"{kind!r} is no Access format", code="bad-option", hint="use .mdb or .accdb")
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / f"empty.{kind}"
        msaccessdb.create(str(empty))
        shutil.copyfile(empty, path)


@dataclass
class _Open:
    """A table that is being written: its definition, its maps, and what its indexes still have to get."""

    layout: TableLayout
    owned: UsageMap
    free: UsageMap
    rows: int
    autonumber: int
    entries: dict[int, list[pa.Array]] = field(default_factory=dict)
    new_pages: list[np.ndarray] = field(default_factory=list)
    free_pages: dict[int, bool] = field(default_factory=dict)
    long_maps: dict[int, tuple[UsageMap, UsageMap]] = field(default_factory=dict)
    long_pages: dict[int, list[np.ndarray]] = field(default_factory=dict)
    long_last: dict[int, int] = field(default_factory=dict)
    last: int | None = None


class DatabaseWriter:
    """Adds tables and rows to an Access file. A context manager; :meth:`close` completes the file.

    Until it is closed, counts, usage maps and indexes of the file lag behind its rows.
    """

    def __init__(self, path: str | os.PathLike[str]):
        _require_plain(path)
        self._store = PageStore(path)
        self._closed = False
        try:
            self._objects = catalogue.entries(self._store)
        except BaseException:
            self._store.close()
            raise
        self._pages = catalogue.tables(self._objects)
        self._open: dict[str, _Open] = {}
        self._map_page: int | None = None
        self._map_rows = 0

    # -- what there is ------------------------------------------------------------------------------

    @property
    def tables(self) -> list[str]:
        """Names of the tables, in catalogue order."""
        return list(self._pages)

    def layout(self, table: str) -> TableLayout:
        """The definition of a table: columns, indexes, flags."""
        return self._opened(table).layout

    def rules(self, table: str) -> dict[str, ColumnRules]:
        """What the table's design demands of its columns, by column name."""
        entry = next(e for e in self._objects if e.id & 0xFFFFFF == self._pages[table] and e.name == table)
        return column_rules(long_value(self._store, entry.properties))

    def require_indexes(self, table: str) -> None:
        """Raise ``index-unsupported``, naming it, if an index of the table could not be kept right."""
        upkeep.require_kept(self.layout(table), table)

    def _opened(self, table: str) -> _Open:
        if table not in self._open:
            page = {
                "MSysObjects": catalogue.CATALOGUE_PAGE,
                "MSysACEs": catalogue.RIGHTS_PAGE,
                **self._pages,
            }.get(table)
            if page is None:
                raise OutputError("the database has no such table", code="template-mismatch", where=table)
            layout = layouts.load(self._store, page)
            state = _Open(
                layout,
                UsageMap(self._store, *layout.owned),
                UsageMap(self._store, *layout.free),
                layout.rows,
                layout.last_autonumber,
            )
            owned = state.owned.pages
            state.last = int(owned[-1]) if len(owned) else None
            self._open[table] = state
        return self._open[table]

    # -- tables -------------------------------------------------------------------------------------

    def create_table(self, name: str, columns: Sequence[NewColumn], indexes: Sequence[NewIndex] = ()) -> None:
        """Add an empty table.

        ``columns`` need ``name``, ``type`` and (Text, Binary) ``length``; :class:`NewColumn` has them,
        and so have the columns that a reader gives.
        """
        columns = [_new_column(column) for column in columns]
        if name.lower() in {known.lower() for known in self._pages}:
            raise UsageError("the database has a table of that name already", code="bad-option", where=name)
        if not 0 < len(columns) <= _MAX_COLUMNS or len({c.name.lower() for c in columns}) < len(columns):
            raise UsageError(
                "a table needs 1 to 255 columns of different names", code="bad-option", where=name
            )
        store = self._store
        maps = 2 + len(indexes) + 2 * sum(c.type in layouts.LONG_VALUE_TYPES for c in columns)
        places = [self._new_map() for _ in range(maps)]
        roots = [store.reserve(1) for _ in indexes]
        layout = definition.build(store, columns, list(indexes), places, roots, self._sort_order)
        for index in layout.indexes:
            store.write(index.root, index_pages.empty_page(layout.number))
            usage = UsageMap(store, *index.usage)
            usage.replace(np.array([index.root]))
            usage.flush()
        self._pages[name] = layout.number
        self.append("MSysObjects", catalogue.catalogue_row(self._objects, name, layout.number, STAMP))
        self.append("MSysACEs", catalogue.rights_rows(store, layout.number))

    @property
    def _sort_order(self) -> bytes:
        """The sort order of the file, as the names in its catalogue have it."""
        return next(column.misc for column in self.layout("MSysObjects").columns if column.name == "Name")

    def _new_map(self) -> tuple[int, int]:
        """A row for a usage map on the page that holds those of the tables made here."""
        if self._map_page is None or (PAGE - DATA_HEADER) // (len(empty_map()) + 2) <= self._map_rows:
            self._map_page, self._map_rows = self._store.reserve(1), 0
            page: bytearray | None = None
        else:
            page = self._store.read(self._map_page)
        row = empty_map()
        packed = pack(binary_of(np.array([0, len(row)]), row), 0, page)
        self._store.write(self._map_page, packed.pages[0].tobytes())
        self._map_rows += 1
        return self._map_page, self._map_rows - 1

    # -- rows ---------------------------------------------------------------------------------------

    def append(self, table: str, data: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch]) -> int:
        """Add rows; gives how many. Columns go by name, in the types that a reader gives them in.

        Raises OutputError ``value-does-not-fit`` (table, column and row named, never the value),
        ``template-mismatch`` for a column that the table does not have, ``size-limit`` near 2 GB.
        """
        state = self._opened(table)
        before = state.rows
        for batch in _batches(data):
            self._append(table, state, batch)
        return state.rows - before

    def _append(self, table: str, state: _Open, batch: pa.Table | pa.RecordBatch) -> None:
        unknown = [name for name in batch.schema.names if name not in {c.name for c in state.layout.columns}]
        if unknown:
            raise OutputError(f"the table has no column {unknown[0]}", code="template-mismatch", where=table)
        if not batch.num_rows:
            return
        upkeep.require_kept(state.layout, table)
        batch = self._numbered(table, state, batch)
        encoded = encode(state.layout, batch, table, state.rows)
        for number in long_value_columns(state.layout):
            if number in encoded.variable:
                store_rows = partial(self._store_long, state, number)
                encoded.variable[number] = long_values(encoded.variable[number], _INLINE, store_rows)
        rows = rows_of(state.layout, encoded, table, state.rows)
        page, slot = self._lay(state, rows)
        for place, index in enumerate(state.layout.indexes):
            added = upkeep.entries(state.layout, index, batch, page, slot, table, state.rows)
            state.entries.setdefault(place, []).append(added)
        state.rows += batch.num_rows

    def _lay(self, state: _Open, rows: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Put rows on the table's last page and on new ones; gives page and slot of each."""
        last = None
        if state.last is not None:
            page = self._store.read(state.last)
            if page[0] == 1 and int.from_bytes(page[4:8], "little") == state.layout.number:
                last = page
        packed = pack(rows, state.layout.number, last)
        numbers = self._put(packed, state.last)
        state.last = int(numbers[-1])
        state.new_pages.append(numbers)
        room = packed.free
        state.free_pages.update({int(n): bool(f > 100) for n, f in zip(numbers[-1:], room[-1:], strict=True)})
        if packed.continued and len(numbers) > 1:
            state.free_pages[int(numbers[0])] = False
        return numbers[packed.page], packed.slot

    def _put(self, packed: Packed, last: int | None) -> np.ndarray:
        if last is None or not packed.continued:
            first = self._store.append(packed.pages)
            return np.arange(first, first + len(packed.pages))
        self._store.write(last, packed.pages[0].tobytes())
        first = self._store.append(packed.pages[1:]) if len(packed.pages) > 1 else 0
        return np.concatenate([[last], np.arange(first, first + len(packed.pages) - 1)]).astype(np.int64)

    def _store_long(self, state: _Open, column: int, rows: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Lay long values onto long-value pages of their column, the last one first while it has room."""
        last = state.long_last.get(column)
        packed = pack(rows, LONG_VALUE_OWNER, None if last is None else self._store.read(last))
        numbers = self._put(packed, last)
        state.long_last[column] = int(numbers[-1])
        state.long_pages.setdefault(column, []).append(numbers)
        return numbers[packed.page], packed.slot

    def _numbered(
        self, table: str, state: _Open, batch: pa.Table | pa.RecordBatch
    ) -> pa.Table | pa.RecordBatch:
        """Give automatic numbers to rows that bring none, and remember the highest."""
        for column in state.layout.columns:
            if column.autonumber and column.type == "GUID":
                batch = with_new_ids(batch, table, column.name, state.rows)
            if not column.autonumber or column.type != "LONG":
                continue
            if column.name in batch.schema.names:
                given = conform(batch.column(column.name), column, f"{table}.{column.name}")
            else:
                given = pa.nulls(batch.num_rows, pa.int32())
            highest = max(state.autonumber, pc.max(given).as_py() or 0)
            missing = given.is_null().to_numpy(zero_copy_only=False)
            filled = given.fill_null(0).to_numpy(zero_copy_only=False).copy()
            filled[missing] = highest + np.arange(1, int(missing.sum()) + 1)
            state.autonumber = highest + int(missing.sum())
            names = [*batch.schema.names] + ([] if column.name in batch.schema.names else [column.name])
            arrays = [pa.array(filled) if name == column.name else batch.column(name) for name in names]
            batch = pa.table(dict(zip(names, arrays, strict=True)))
        return batch

    # -- end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write indexes, usage maps and counts, sync and close. Without it the file is not whole."""
        if self._closed:
            return
        try:
            for table, state in self._open.items():
                self._finish(table, state)
            release_beyond(self._store)
            self._store.sync()
        finally:
            self.abandon()

    def _finish(self, table: str, state: _Open) -> None:
        if not state.new_pages:
            return
        counts = {
            place: upkeep.merge(self._store, state.layout, state.layout.indexes[place], added, table)
            for place, added in state.entries.items()
        }
        state.owned.add(np.concatenate(state.new_pages))
        room = np.array([page for page, free in state.free_pages.items() if free], np.int64)
        full = [page for page, free in state.free_pages.items() if not free]
        state.free.replace(np.setdiff1d(np.union1d(state.free.pages, room), full))
        maps = [state.owned, state.free]
        for column, pages in state.long_pages.items():
            owned, free = (UsageMap(self._store, *place) for place in state.layout.long_values[column])
            owned.add(np.concatenate(pages))
            free.add(np.array([state.long_last[column]]))
            maps += [owned, free]
        for usage in maps:
            usage.flush()
        state.layout.count(state.rows, state.autonumber, counts)
        state.layout.save(self._store)

    def abandon(self) -> None:
        """Close the file as it is, without completing it: for looking only, or after a failure."""
        self._store.close()
        self._closed = True

    def __enter__(self) -> DatabaseWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _require_plain(path: str | os.PathLike[str]) -> None:
    """Refuse what is not a Jet 4 or ACE file, and files whose pages are encrypted."""
    with open(path, "rb") as file:
        header = parse_header(file.read(PAGE), os.path.basename(path))
    if header.layout.page_size != PAGE:
        raise OutputError(
            f"files of {header.product} cannot be written",
            code="template-mismatch",
            where=os.path.basename(path),
            hint="save the template in the format of Access 2002-2003 or 2007 and later",
        )
    if header.key or header.password:
        raise OutputError(
            "a protected file cannot be written",
            code="template-mismatch",
            where=os.path.basename(path),
            hint="take the password off a copy of the template",
        )


def _new_column(column: Any) -> NewColumn:
    if isinstance(column, NewColumn):
        return column
    return NewColumn(
        column.name,
        column.type,
        column.length,
        getattr(column, "precision", 18) or 18,
        getattr(column, "scale", 0) or 0,
    )


def _batches(data: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch]) -> Iterable[pa.Table]:
    """Slices of bounded size with one chunk a column."""
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    tables = [data] if isinstance(data, pa.Table) else (pa.Table.from_batches([batch]) for batch in data)
    for table in tables:
        for start in range(0, table.num_rows, BATCH):
            yield table.slice(start, BATCH).combine_chunks()
