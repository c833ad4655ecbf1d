"""The rows of a unit that stay, table by table on the disk: what a run reads as if it were one file.

They lie in the order of the months of their files. Beside each row stands which file it is from and where it
lies there, and the months of the records that hang together with it, so that a month is read without the
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from idbmigrate.archive.consolidate import RowFates
from idbmigrate.archive.months import NOBODY, Groups
from idbmigrate.archive.unit import StoredFile, StoredTable, Unit
from idbmigrate.datasets import load_dataset
from idbmigrate.staging.several import SeveralValues
from idbmigrate.staging.spellings import CONTRADICTORY, DAY_FIRST, MONTH_FIRST, UNDECIDED, DateOrder
from idbmigrate.staging.tables import StagedTable, in_staged_form, number_place

#: Columns beside those of the tables: file, place in it, number of the row among those that stay, months.
FILE, PLACE, ID, FIRST, LAST = "_file", "_place", "_id", "_first", "_last"
_OURS = pa.schema(
    [(FILE, pa.int32()), (PLACE, pa.int64()), (ID, pa.int64()), (FIRST, pa.int32()), (LAST, pa.int32())]
)
#: What a column of several files proves: the least that one of them does.
_LEAST = (DAY_FIRST, UNDECIDED, MONTH_FIRST, CONTRADICTORY)


class Spool:
    """The spooled tables of a unit, in a folder that is there and empty."""

    def __init__(self, unit: Unit, fates: RowFates, folder: Path, groups: Groups | None = None):
        self.unit, self.folder = unit, folder
        self._paths: dict[str, Path] = {}
        self._tables: dict[str, _Layout] = {}
        for number, label in enumerate(unit.labels):
            files = [file for file in unit.winners if label in file.tables]
            if files:
                self._tables[label] = _Layout(label, files)
                self._paths[label] = folder / f"{number}.parquet"
                self._write(label, files, fates, groups)

    def _write(self, label: str, files: Iterable[StoredFile], fates: RowFates, groups: Groups | None) -> None:
        layout, count = self._tables[label], 0
        with parquet.ParquetWriter(self._paths[label], layout.schema, compression="zstd") as writer:
            for file in files:
                rows = np.flatnonzero(fates.stays(label, file.number))
                own = layout.read(file.tables[label]).take(pa.array(rows))
                places = own[PLACE].combine_chunks()
                of = groups.of.get(label, {}).get(file.number) if groups else None
                who = None if of is None else of[rows]
                columns = [own[name] for name in layout.names]
                columns += [pa.array(np.full(rows.size, file.number, np.int32)), places]
                columns.append(pa.array(np.arange(count, count + rows.size, dtype=np.int64)))
                columns += [pa.array(months) for months in _months(groups, who, rows.size)]
                writer.write_table(pa.table(columns, schema=layout.schema))
                count += rows.size
        layout.rows = count

    @property
    def rows(self) -> dict[str, int]:
        """Rows that stay, by table."""
        return {label: layout.rows for label, layout in self._tables.items()}

    def read(self, month: int | None = None) -> tuple[dict[str, StagedTable], dict[str, np.ndarray]]:
        """The staged tables, of one month or of all, and the number of each of their rows."""
        staged, ids = {}, {}
        for name, spec in load_dataset(self.unit.dataset).tables.items():
            if name not in self._tables:
                staged[name], ids[name] = _without_rows(name, list(spec.columns)), np.empty(0, np.int64)
            else:
                staged[name], ids[name] = self._read(name, month, list(spec.columns))
        for label in self._tables:
            if label not in staged:
                staged[label], ids[label] = self._read(label, month, None)
        return staged, ids

    def _read(self, label: str, month: int | None, known: list[str] | None) -> tuple[StagedTable, np.ndarray]:
        only = [(FIRST, "<=", month), (LAST, ">=", month)] if month is not None else None
        table = parquet.read_table(self._paths[label], filters=only)
        return self._tables[label].staged(table, known, tuple(self.unit.names)), table[ID].to_numpy()


class _Layout:
    """The columns of one table over all files, and what its staged form says of them."""

    def __init__(self, label: str, files: list[StoredFile]):
        self.label = label
        self.rows = 0
        self.tables = [file.tables[label] for file in files]
        spelled: dict[str, str] = {}
        self.columns = list(
            dict.fromkeys(
                spelled.setdefault(name.casefold(), name) for t in self.tables for name in t.facts["columns"]
            )
        )
        self.cleaned = [
            name
            for name in self.columns
            if any(t.clean(_own(t, name)) != t.raw(_own(t, name)) for t in self.tables)
        ]
        names = [(f"{name}.raw", pa.string()) for name in self.columns]
        names += [(f"{name}.clean", pa.string()) for name in self.cleaned]
        self.several = sorted({name for each in self.tables for name in each.facts["several"]})
        names += [(f"{name}.several", pa.bool_()) for name in self.several]
        self.schema = pa.schema([*names, *_OURS])
        self.names = [name for name, _ in names]

    def read(self, table: StoredTable) -> pa.Table:
        """The rows of one file in these columns, with their places."""
        whole = parquet.read_table(table.path)
        nothing = pa.nulls(whole.num_rows, pa.string())
        found: dict[str, Any] = {}
        for name in self.columns:
            own = table.raw(_own(table, name))
            found[f"{name}.raw"] = whole[own] if own else nothing
        for name in self.cleaned:
            own = table.clean(_own(table, name))
            found[f"{name}.clean"] = whole[own] if own else nothing
        for name in self.several:
            mask = np.zeros(whole.num_rows, bool)
            mask[table.facts["several"].get(name, {}).get("rows", [])] = True
            found[f"{name}.several"] = pa.array(mask)
        found[PLACE] = pa.chunked_array([_places(table, whole)])
        return pa.table(found)

    def staged(self, table: pa.Table, known: list[str] | None, files: tuple[str, ...]) -> StagedTable:
        raw = {name: in_staged_form(table[f"{name}.raw"]) for name in self.columns}
        clean = {
            name: in_staged_form(table[f"{name}.clean"]) if name in self.cleaned else raw[name]
            for name in self.columns
        }
        absent = [name for name in known or () if name not in raw]
        nothing = in_staged_form(pa.nulls(table.num_rows, pa.string()))
        facts, last = [each.facts for each in self.tables], self.tables[-1].facts
        sources = {name: source for each in facts for name, source in (each["source_columns"] or {}).items()}
        return StagedTable(
            last["name"],
            last["source_name"],
            pa.table(raw | dict.fromkeys(absent, nothing)),
            pa.table(clean | dict.fromkeys(absent, nothing)),
            table[PLACE].to_numpy(),
            days=frozenset(name for name in self.columns if self._only_days(name)),
            unknown=tuple(name for name in self.columns if known is not None and name not in known),
            absent=tuple(absent),
            source_columns={name: sources.get(name, name) for name in self.columns},
            dates=self._dates(facts),
            lost=frozenset(name for each in facts for name in each["lost"]),
            several={
                name: SeveralValues(
                    table[f"{name}.several"].combine_chunks().to_numpy(zero_copy_only=False), 0, 0
                )
                for name in self.several
            },
            keys=frozenset(name for each in facts for name in each["keys"]),
            cleaned=frozenset(self.cleaned),
            files=files,
            file_of=table[FILE].to_numpy(),
        )

    def _only_days(self, name: str) -> bool:
        return all(name in each.facts["days"] or name not in each.facts["columns"] for each in self.tables)

    @staticmethod
    def _dates(facts: list[dict[str, Any]]) -> dict[str, DateOrder]:
        """What the files prove together of each column of text dates."""
        found: dict[str, DateOrder] = {}
        for name in dict.fromkeys(name for each in facts for name in each["dates"]):
            orders = [DateOrder(**each["dates"][name]) for each in facts if name in each["dates"]]
            counts = {
                count: sum(getattr(order, count) for order in orders)
                for count in ("day_first", "month_first", "respelled", "unread")
            }
            found[name] = DateOrder(max((order.order for order in orders), key=_LEAST.index), **counts)
        return found


def _places(table: StoredTable, whole: pa.Table) -> pa.Array:
    """Where the rows lie in their file, as the place of a row among those of several files."""
    if PLACE not in table.names:
        return pa.array(number_place(np.arange(1, whole.num_rows + 1, dtype=np.int64), lines=False))
    places = whole[PLACE].to_numpy()
    return pa.array(number_place(places, lines=True) if table.facts["lines"] else places)


def _own(table: StoredTable, name: str) -> str:
    """How a file spells the name of a column that the data set does not know."""
    columns: Mapping[str, str] = table.facts["columns"]
    return (
        name if name in columns else next((own for own in columns if own.casefold() == name.casefold()), name)
    )


def _months(groups: Groups | None, who: np.ndarray | None, count: int) -> list[np.ndarray]:
    """The first and the last month of rows; those of a table that no rule knows are of the first alone."""
    if groups is None:
        return [np.zeros(count, np.int32)] * 2
    if who is None:
        return [np.full(count, groups.first[NOBODY], np.int32)] * 2
    return [each.astype(np.int32)[who] for each in (groups.first, groups.last)]


def _without_rows(name: str, columns: list[str]) -> StagedTable:
    empty = pa.table({column: in_staged_form(pa.nulls(0, pa.string())) for column in columns})
    return StagedTable(name, name, empty, empty, np.empty(0, np.int64), absent=tuple(columns))
