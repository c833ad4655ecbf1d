"""An Access file, open for reading: the public face of this room."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from idbmigrate.access import format as fmt
from idbmigrate.access.read.catalogue import Catalogue, LinkedTable, read_catalogue, read_properties
from idbmigrate.access.read.damage import Damage, Loss, Problem
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.table import count_values, read_table
from idbmigrate.access.read.tabledef import Column, TableDefinition, read_definition, with_result_type
from idbmigrate.errors import SourceError, UsageError

if TYPE_CHECKING:
    from idbmigrate.access.read.rawcell import RawCell
    from idbmigrate.access.read.unread import UnreadColumn


class Database:
    """Tables, columns and rows of one Access file. A context manager; the file is never written.

    ``salvage=False``: the first contradiction to the format raises SourceError. ``salvage=True``:
    reading goes on without what is damaged, and ``problems`` lists it.
    """

    def __init__(self, path: str | os.PathLike[str], password: str | None = None, salvage: bool = False):
        self._pages = PageFile(path, password)
        self._damage = Damage(self._pages.name, salvage)
        self._definitions: dict[str, TableDefinition] = {}
        self._rows: dict[str, int] = {}
        try:
            self._catalogue: Catalogue = read_catalogue(self._pages, self._damage)
            if salvage:
                self._leave_out_lost_tables()
        except BaseException:
            self._pages.close()
            raise

    def _leave_out_lost_tables(self) -> None:
        """Take tables off the list whose definition cannot be read."""
        for name in list(self._catalogue.tables):
            try:
                self.definition(name)
            except SourceError as error:
                self._damage.report(error.message, code=error.code, table=name)
                del self._catalogue.tables[name]

    @property
    def version(self) -> str:
        """The product whose files have this format, such as ``Access 2000-2003 (Jet 4)``."""
        return self._pages.header.product

    @property
    def tables(self) -> list[str]:
        """Names of the user tables, in catalogue order."""
        return list(self._catalogue.tables)

    @property
    def linked_tables(self) -> list[LinkedTable]:
        """Tables that live elsewhere. They are not in :attr:`tables`."""
        return list(self._catalogue.linked)

    @property
    def problems(self) -> list[Problem]:
        """What was found so far: with ``salvage`` all that could not be read, else declared counts that
        differ from the rows there are."""
        return self._damage.problems

    def columns(self, table: str) -> list[Column]:
        """The table's columns in the file's order."""
        return list(self.definition(table).columns)

    def row_count(self, table: str) -> int:
        """How many rows the table definition declares."""
        return self.definition(table).row_count

    def definition(self, table: str) -> TableDefinition:
        """The table's definition; user and system tables alike."""
        known = self._definitions.get(table)
        if known is None:
            page = self._catalogue.tables.get(table, self._catalogue.system.get(table))
            if page is None:
                raise UsageError(
                    f"there is no table {table!r}",
                    code="unknown-name",
                    where=self._pages.name,
                    hint="tables lists those that there are",
                )
            known = read_definition(self._pages, page, table)
            if any(column.calculated for column in known.columns):
                known = self._with_result_types(known)
            self._definitions[table] = known
        return known

    def _with_result_types(self, definition: TableDefinition) -> TableDefinition:
        from idbmigrate.access.read.properties import column_properties

        block = read_properties(self._pages, self._damage, definition.page)
        properties = column_properties(block, self._pages.layout is fmt.JET3)
        columns = []
        for column in definition.columns:
            result = properties.get(column.name, {}).get("ResultType", b"")[:1]
            told = column.calculated and result
            columns.append(with_result_type(column, result[0]) if told else column)
        return definition._replace(columns=tuple(columns))

    @property
    def system_tables(self) -> dict[str, int]:
        """Names of the system tables, and the first page of the definition of each."""
        return dict(self._catalogue.system)

    def unread_columns(self) -> list[UnreadColumn]:
        """Columns whose values are not given by :meth:`read`: attachments, several values, OLE objects."""
        from idbmigrate.access.read.unread import unread_columns  # few files have such columns

        return unread_columns(self)

    def several_values(self, table: str, column: str) -> pa.Table | None:
        """The values of a column that holds several in a cell: see :func:`.unread.several_values`."""
        from idbmigrate.access.read.unread import several_values

        return several_values(self, table, column)

    def count_values(self, table: str, column: str) -> int:
        """How many rows of a table have a value in the column, without reading one."""
        definition = self.definition(table)
        (chosen,) = (c for c in definition.columns if c.name == column)
        return count_values(self._pages, definition, chosen, self._damage)

    @property
    def losses(self) -> list[Loss]:
        """What was lost of the tables that were read so far: rows, and values of a column.

        Rows that a definition declares and nobody found are lost, and so is what ``salvage`` read around.
        """
        lost = self._damage.losses()
        for table, found in self._rows.items():
            missing = self.definition(table).row_count - found
            if missing > 0:
                lost[table, None] = max(missing, lost.get((table, None)) or 0)
        return [Loss(table, column, count) for (table, column), count in lost.items()]

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """A whole table, or some of its columns, with the Arrow types of the contract.

        Rows come in the order of their pages. Raises SourceError ``damaged`` or ``truncated`` with the
        table, page and slot, unless the database was opened with ``salvage``.
        """
        return self.read_with_ids(table, columns)[0]

    def read_with_ids(self, table: str, columns: list[str] | None = None) -> tuple[pa.Table, np.ndarray]:
        """:meth:`read`, and an int64 id for each row that says where it lies: page << 8 | slot."""
        definition = self.definition(table)
        chosen = list(definition.columns)
        if columns is not None:
            by_name = {c.name: c for c in chosen}
            missing = [name for name in columns if name not in by_name]
            if missing:
                where = f"{self._pages.name}: table {table}"
                raise UsageError(f"there is no column {missing[0]!r}", code="unknown-name", where=where)
            chosen = [by_name[name] for name in columns]
        found = read_table(self._pages, definition, chosen, self._damage)
        if table in self._catalogue.tables:
            self._rows[table] = len(found[1])
        return found

    def raw_cell(self, table: str, row_id: int, column: str) -> RawCell:
        """One cell as the file stores it, by the id of its row; for looking into a difference."""
        from idbmigrate.access.read.rawcell import raw_cell  # for people who look into a file: rarely needed

        definition = self.definition(table)
        (chosen,) = (c for c in definition.columns if c.name == column)
        return raw_cell(self._pages, definition, int(row_id), chosen)

    def moved_rows(self, table: str, ids: np.ndarray) -> np.ndarray:
        """Which rows, by id, lie on another page than their id says (bool)."""
        from idbmigrate.access.read.rawcell import moved_rows

        return moved_rows(self._pages, self.definition(table), ids)

    def changed_rows(self, table: str, ids: np.ndarray) -> np.ndarray:
        """Which rows, by id, were written when the table had another number of columns (bool)."""
        from idbmigrate.access.read.rawcell import changed_rows

        return changed_rows(self._pages, self.definition(table), ids)

    def close(self) -> None:
        """Let go of the file; tables that were read stay valid."""
        self._pages.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_database(
    path: str | os.PathLike[str], password: str | None = None, salvage: bool = False
) -> Database:
    """Open an Access file for reading; see :class:`Database`.

    Raises SourceError: not-found, not-readable, empty-file, not-access, unsupported-version,
    truncated, damaged, password-needed, wrong-password.
    """
    return Database(path, password, salvage)
