"""What of a file nobody has read: links, attachments, OLE objects, and what is lost of a damaged one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from idbmigrate.access.read.unread import ATTACHMENTS, OLE, SEVERAL, UNKNOWN
from idbmigrate.datasets import Dataset, Overlay
from idbmigrate.datasets.links import linked_tables
from idbmigrate.readers import Idb
from idbmigrate.result.summary import NotRead
from idbmigrate.staging.several import SeveralValues
from idbmigrate.staging.tables import StagedTable


class _Gone(NamedTuple):
    """A table whose definition is lost, by its name in the file."""

    name: str


#: Why a column is not read, by its kind.
_WHY = {
    ATTACHMENTS: "attachments are counted and not read",
    SEVERAL: "several values in one cell are counted and not read, as the data set has no such column",
    OLE: "OLE objects are counted and not read",
    UNKNOWN: "values of a kind of their own, which are not read",
}
_LINK = "a link to another file: its rows and values are not counted"
_OTHER = "a file beside the tables that is no CSV"
_LOST_ROWS = "rows that the file declares, or begins, and that could not be read"
_LOST = "values that are damaged and could not be read"
_STRAY = "values of cells that hold several which belong to no row"


def not_read(
    idb: Idb, staged: Mapping[str, StagedTable], dataset: Dataset, overlay: Overlay | None
) -> list[NotRead]:
    """What of the file nobody has read, once it is staged."""
    tables = {table.source_name: table for table in staged.values()}
    lines: list[NotRead] = [
        {"table": name, "name": own, "why": _LINK, "rows": None, "values": None}
        for name, own in linked_tables(idb.linked_tables, dataset, overlay).items()
    ]
    lines += [
        {"table": name, "name": name, "known": False, "why": _OTHER, "rows": None, "values": None}
        for name in idb.other_files
    ]
    for name, column, kind, count in idb.unread_columns():
        several = _several(tables.get(name), column)
        if several is not None and several.stray:
            lines.append(_values(name, tables.get(name), column, several.stray, _STRAY))
        elif several is None and count != 0:
            lines.append(_values(name, tables.get(name), column, count, _WHY[kind]))
    losses = idb.losses
    gone = [_Gone(loss.table) for loss in losses if loss.table not in tables]
    named = linked_tables(gone, dataset, overlay)
    tables |= {own: staged[name] for name, own in named.items() if name in staged}
    for name, lost, count in losses:
        table = tables.get(name)
        lines.append(_rows(name, table, count) if lost is None else _values(name, table, lost, count, _LOST))
    return lines


def _several(table: StagedTable | None, column: str) -> SeveralValues | None:
    """What was read of a column of several values, by its name in the file."""
    if table is None:
        return None
    names = table.source_columns or {}
    return next((several for name, several in table.several.items() if names.get(name) == column), None)


def _rows(name: str, table: StagedTable | None, count: int | None) -> NotRead:
    """Lost rows of a table; nobody knows which values stood in them."""
    label, known = _label(name, table)
    return {"table": label, "name": name, "known": known, "why": _LOST_ROWS, "rows": count, "values": None}


def _values(name: str, table: StagedTable | None, column: str, count: int | None, why: str) -> NotRead:
    label, known = _label(name, table)
    return {
        "table": label,
        "name": name,
        "column": column,
        "known": known,
        "why": why,
        "rows": 0,
        "values": count,
    }


def _label(name: str, table: StagedTable | None) -> tuple[str, bool]:
    """What the books call a table of the file, and whether the data set knows it."""
    return (name, False) if table is None else (table.label, table.name is not None)
