"""Which rows of the files of a unit stay: queries on the engine's store, over key columns alone.

A record of a later month replaces the same record of an earlier one; a file that another replaces gives
nothing. Memory stays bounded: the store keeps what it does not hold on the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from idbmigrate.archive.unit import StoredTable, Unit
from idbmigrate.compile import belonging, plan
from idbmigrate.compile import consolidation as c
from idbmigrate.datasets import load_dataset
from idbmigrate.engine.store import FILE_NAME, ROW_IN_FILE, Store
from idbmigrate.mapping import model as m

#: What became of a row where no file replaces it: it stays, or its month's last file holds it no more.
STAYS, GONE = -1, -2


@dataclass(repr=False)
class RowFates:
    """What became of the rows of a unit: by table and number of the file, for each row :data:`STAYS`,
    :data:`GONE`, or the number of the file that replaces it."""

    fates: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<RowFates of {len(self.fates)} tables>"

    def stays(self, table: str, file: int) -> np.ndarray:
        """Mask over the rows of a table of a file."""
        return self.fates[table][file] == STAYS

    def put(self, table: str, rows: np.ndarray, by: np.ndarray) -> None:
        """Say of rows (file and row in one number) which file replaces them, or that they are gone."""
        files, order = rows >> 32, np.argsort(rows >> 32, kind="stable")
        starts = np.flatnonzero(np.diff(files[order], prepend=-1))
        for at in np.split(order, starts[1:]) if order.size else ():
            self.fates[table][int(files[at[0]])][rows[at] & (c.ROWS - 1)] = by[at]


class Consolidation:
    """One unit in a store; :meth:`rows` says what became of its rows."""

    def __init__(self, unit: Unit, mapping: m.Mapping, store: Store, allow: Collection[str] = ()):
        self.unit, self.sources, self.store, self.allow = unit, mapping.sources, store, allow
        self.known: dict[str, c.Known] = {}
        self.dates: dict[str, list[str]] = {}
        self.winners = len(unit.winners)

    def rows(self) -> RowFates:
        """What became of every row of every file."""
        fates = RowFates()
        for label in self.unit.labels:
            fates.fates[label] = {
                file.number: np.full(file.tables[label].rows, STAYS, np.int32)
                for file in self.unit.files
                if label in file.tables
            }
            for file, by in self.unit.others:
                if label in file.tables:
                    fates.fates[label][file.number][:] = by  # until its keys say more
        pairs = [(file.number, by) for file, by in self.unit.others]
        numbers, by_whom = (pa.array([pair[at] for pair in pairs], pa.int64()) for at in (0, 1))
        self.store.add("pairs", {c.FILE: numbers, c.BY: by_whom})
        for rule in self._ordered():
            self._read(rule)
            self._key(rule)
            self._replace(rule, fates)
        return fates

    def _ordered(self) -> list[m.SourceRule]:
        """The tables that files have and the mapping has a rule for, parents first."""
        belonging_first = [rule.table for rule in belonging.ordered(self.sources)]
        order = {name: at for at, name in enumerate(belonging_first)}
        there = [self.sources[name] for name in self.unit.labels if name in self.sources]
        return sorted(there, key=lambda rule: (order.get(rule.table, len(order)), rule.table))

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, rule: m.SourceRule) -> None:
        """The key columns of a table, of all files."""
        tables = {file.number: file.tables.get(rule.table) for file in self.unit.files}
        there = {number: table for number, table in tables.items() if table is not None}
        self.dates[rule.table] = self._dates(rule.table)
        wanted = [*c.columns_of(rule, self.sources), *self.dates[rule.table]]
        columns = list(dict.fromkeys(name for name in wanted if any(_knows(t, name) for t in there.values())))
        upper = c.folded(rule, self.sources)
        queries = []
        for relation, numbers, table in self._makes(rule.table, there, columns):
            stored = {name: table.clean(name) for name in columns}
            queries.append(c.extract(relation, numbers, stored, upper, FILE_NAME, ROW_IN_FILE))
        self.store.keep(c.keys(rule.table), c.together(queries))
        days = frozenset(name for name in columns if all(_only_days(t, name) for t in there.values()))
        self.known[rule.table] = c.Known(rule, tuple(columns), days)

    def _dates(self, table: str) -> list[str]:
        spec = load_dataset(self.unit.dataset).tables[table]
        return [name for name, column in spec.columns.items() if column.format.kind == "date"]

    def _makes(
        self, label: str, tables: Mapping[int, StoredTable], columns: Sequence[str] | None
    ) -> list[tuple[str, str, StoredTable]]:
        """Relations over the files of one make: those that hold these columns (all: none given) alike."""
        alike: dict[tuple[object, ...], list[int]] = {}
        for number, table in tables.items():
            names = sorted(table.facts["columns"]) if columns is None else columns
            alike.setdefault(tuple((name, table.clean(name)) for name in names), []).append(number)
        found = []
        for at, files in enumerate(alike.values()):
            relation, numbers = f"files_{label}_{at}", f"numbers_{label}_{at}"
            if columns is None:
                relation, numbers = f"all_{relation}", f"all_{numbers}"
            paths = [str(tables[number].path.absolute()) for number in files]
            self.store.add_files(relation, paths)
            self.store.add(numbers, {FILE_NAME: pa.array(paths), c.FILE: pa.array(files, pa.int64())})
            found.append((relation, numbers, tables[files[0]]))
        return found

    # -- keys ------------------------------------------------------------------------------------

    def _key(self, rule: m.SourceRule) -> None:
        known = self.known[rule.table]
        if rule.within and rule.key_column:
            by_file, over_all = c.owners_of(rule, self.winners)
            self.store.keep(c.owners(rule.table), by_file)
            self.store.keep(f"{c.owners(rule.table)}_all", over_all)
        asked = [item for item in rule.agree if item.conflict not in self.allow] if rule.key_column else []
        asked = [item for item in asked if c.can_ask(known, item)]
        if asked:
            winning = plan.rows(c.keys(rule.table))
            self.store.keep(winning, c.of_winners(rule.table, self.winners))
            queries = [c.contested_keys(known, item, winning) for item in asked]
            self.store.keep(c.contested(rule.table), c.different(c.together(queries)))
        self.store.keep(c.keyed(rule.table), c.keyed_rows(known, self.sources, bool(asked)))

    # -- what later files replace ----------------------------------------------------------------

    def _replace(self, rule: m.SourceRule, fates: RowFates) -> None:
        queries = [c.replaced_by_key(rule, self.winners)]
        told = f"told_{rule.table}"
        self.store.keep(told, c.told_by_content(rule, self.winners))
        if self.store.run(c.any_row(told)).num_rows:
            self._tell_by_content(rule.table, told)
            queries.append(c.replaced_by_content(told, f"contents_{rule.table}"))
        self.store.keep(c.replaced(rule.table), c.together(queries))
        self._put(rule.table, self.store.run(c.all_rows(c.replaced(rule.table))), fates)
        if self.unit.others:
            self._put(rule.table, self.store.run(c.of_replaced_files(rule, "pairs")), fates)

    def _tell_by_content(self, label: str, told: str) -> None:
        """What the rows hold that nothing but their content tells."""
        there = {file.number: file.tables[label] for file in self.unit.winners if label in file.tables}
        makes = self._makes(label, there, None)
        all_columns = [
            {name: table.clean(name) or "" for name in table.facts["columns"]} for *_, table in makes
        ]
        queries = [
            c.contents(relation, numbers, stored, told, FILE_NAME, ROW_IN_FILE)
            for (relation, numbers, _), stored in zip(makes, all_columns, strict=True)
        ]
        self.store.keep(f"contents_{label}", c.together(queries))

    @staticmethod
    def _put(table: str, found: pa.Table, fates: RowFates) -> None:
        if found.num_rows:
            by = found[c.BY].cast(pa.int64()).fill_null(GONE).to_numpy()
            fates.put(table, found[c.ROW].cast(pa.int64()).to_numpy(), by.astype(np.int32))


def _knows(table: StoredTable, name: str) -> bool:
    """Whether the data set of the table has the column, be it absent from the file."""
    return name in table.facts["columns"] or name in table.facts["absent"]


def _only_days(table: StoredTable, name: str) -> bool:
    return name in table.facts["days"] or name not in table.facts["columns"]
