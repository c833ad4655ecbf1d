"""Columns whose values :meth:`Database.read` does not give: attachments, several in a cell, OLE objects.

A complex column holds a number for each row. Its values are the rows of a system table of its own, the flat
table, which the catalogue ``MSysComplexColumns`` names by the page of its definition. The flat table has the
columns of its kind (``Value`` alone where a cell holds several values, ``FileData`` and more of attachments),
the number of the cell that a value belongs to, and a number of its own (AutoNumber).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from idbmigrate.access.read.tabledef import Column

if TYPE_CHECKING:
    from idbmigrate.access.read.database import Database

_CATALOGUE = "MSysComplexColumns"
_FIELDS = ["ConceptualTableID", "ColumnName", "FlatTableID"]
_PAGE = 0xFFFFFF
ATTACHMENTS, SEVERAL, OLE, UNKNOWN = "attachments", "several values", "OLE objects", "complex"
_ATTACHED = "FileData"
_VALUE = "Value"


class UnreadColumn(NamedTuple):
    """A column of ``attachments``, ``several values``, ``OLE objects``, or ``complex`` of another kind.

    ``values``: how many it holds, one by one; None where nobody can tell.
    """

    table: str
    column: str
    kind: str
    values: int | None


def unread_columns(database: Database) -> list[UnreadColumn]:
    """All such columns of the user tables, in the file's order, with the number of their values."""
    found = []
    for table in database.tables:
        definition = database.definition(table)
        for column in definition.columns:
            if column.type == "OLE":
                found.append(UnreadColumn(table, column.name, OLE, database.count_values(table, column.name)))
            elif column.type == "COMPLEX_TYPE":
                flat = _flat_table(database, definition.page, column.name)
                count = len(database.read_with_ids(flat, [])[1]) if flat is not None else None
                found.append(UnreadColumn(table, column.name, _kind(database, flat), count))
    return found


def several_values(database: Database, table: str, column: str) -> pa.Table | None:
    """The values of a column of several values: ``key``, the number in the column's cell, and ``value``.

    They come in the order of their pages. None where the column is not of that kind, or its values are of a
    type that nobody knows.
    """
    flat = _flat_table(database, database.definition(table).page, column)
    if flat is None or _kind(database, flat) != SEVERAL:
        return None
    columns = {each.name: each for each in database.columns(flat)}
    keys = [name for name, each in columns.items() if _is_key(each)]
    if len(keys) != 1 or columns[_VALUE].type.startswith(("UNSUPPORTED", "UNKNOWN")):
        return None
    return database.read(flat, [keys[0], _VALUE]).rename_columns(["key", "value"])


def _is_key(column: Column) -> bool:
    return column.name != _VALUE and column.type == "LONG" and not column.auto_number


def _flat_table(database: Database, page: int, column: str) -> str | None:
    """The system table that holds the values of a complex column of the table defined on ``page``."""
    if _CATALOGUE not in database.system_tables:
        return None
    names = {at: name for name, at in database.system_tables.items()}
    found = database.read(_CATALOGUE, _FIELDS)
    for owner, name, flat in zip(*(part.to_pylist() for part in found.columns), strict=True):
        if None not in (owner, flat) and (owner & _PAGE, name) == (page, column):
            return names.get(flat & _PAGE)
    return None


def _kind(database: Database, flat: str | None) -> str:
    names = set() if flat is None else {column.name for column in database.columns(flat)}
    if _ATTACHED in names:
        return ATTACHMENTS
    return SEVERAL if _VALUE in names and len(names) == 3 else UNKNOWN
