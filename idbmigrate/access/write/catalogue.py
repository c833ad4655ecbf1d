"""The catalogue of an Access file for the writer: which tables there are, and the rows for a new one."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from idbmigrate.access.write.layout import ColumnLayout, TableLayout, load
from idbmigrate.access.write.pages import DATA_HEADER, PageStore, UsageMap, row_span
from idbmigrate.errors import OutputError

CATALOGUE_PAGE = 2
RIGHTS_PAGE = 3
_TABLES_FOLDER = 0x0F000001
_DATABASES_FOLDER = 0x0F000002
_LOCAL_TABLE = 1
_FULL_RIGHTS = 0xFFFFF
_DELETED, _MOVED = 0x8000, 0x4000


@dataclass(frozen=True)
class Entry:
    """One object of the catalogue."""

    id: int
    parent: int
    name: str
    kind: int
    flags: int
    owner: bytes | None
    properties: bytes | None


def stored_rows(store: PageStore, layout: TableLayout) -> Iterator[dict[str, Any]]:
    """Each live row of a (small) table as a dict of raw bytes by column name; null is None."""
    for number in UsageMap(store, *layout.owned).pages.tolist():
        page = store.read(number)
        if page[0] != 1 or int.from_bytes(page[4:8], "little") != layout.number:
            continue
        for slot in range(int.from_bytes(page[12:14], "little")):
            mark = int.from_bytes(page[DATA_HEADER + 2 * slot : DATA_HEADER + 2 * slot + 2], "little")
            if mark & _DELETED:
                continue
            holder, at = page, slot
            if mark & _MOVED:
                start, _ = row_span(page, slot)
                holder, at = store.read(int.from_bytes(page[start + 1 : start + 4], "little")), page[start]
            start, end = row_span(holder, at)
            yield _split(bytes(holder[start:end]), layout)


def _split(row: bytes, layout: TableLayout) -> dict[str, Any]:
    slots = int.from_bytes(row[:2], "little")
    bits = (slots + 7) // 8
    mask, at = row[-bits:], len(row) - bits - 2
    variables = int.from_bytes(row[at : at + 2], "little")

    def stop(place: int) -> int:
        return int.from_bytes(row[at - 2 * place - 2 : at - 2 * place], "little")

    def value(column: ColumnLayout) -> bytes | bool | None:
        present = column.number < slots and bool(mask[column.number >> 3] >> (column.number & 7) & 1)
        if column.type == "BOOLEAN":
            return present
        if not present:
            return None
        if column.fixed:
            return row[2 + column.offset : 2 + column.offset + column.length]
        return row[stop(column.variable) : stop(column.variable + 1)] if column.variable < variables else None

    return {column.name: value(column) for column in layout.columns}


def _text(raw: bytes) -> str:
    """Short text, plain or wholly compressed, as catalogue names are."""
    if raw[:2] != b"\xff\xfe":
        return raw.decode("utf-16-le", "replace")
    out = ""
    for place, piece in enumerate(raw[2:].split(b"\0")):
        out += piece.decode("latin-1") if place % 2 == 0 else piece.decode("utf-16-le", "replace")
    return out


def _number(raw: bytes | None) -> int:
    return int.from_bytes(raw or b"", "little", signed=True)


def entries(store: PageStore) -> list[Entry]:
    """Every object of the catalogue, in the order of its rows."""
    found = []
    for row in stored_rows(store, load(store, CATALOGUE_PAGE)):
        try:
            found.append(
                Entry(
                    id=_number(row["Id"]),
                    parent=_number(row["ParentId"]),
                    name=_text(row["Name"] or b""),
                    kind=_number(row["Type"]),
                    flags=_number(row["Flags"]),
                    owner=row["Owner"],
                    properties=row["LvProp"],
                )
            )
        except KeyError as error:
            raise OutputError("the catalogue is not an Access catalogue", code="template-mismatch") from error
    return found


def tables(found: list[Entry]) -> dict[str, int]:
    """Name -> page of the definition, of the tables that people made (no system or hidden ones)."""
    return {
        entry.name: entry.id & 0xFFFFFF
        for entry in found
        if entry.kind == _LOCAL_TABLE and entry.flags & 0xFFFFFFFF & 0x8000000A == 0
    }


def catalogue_row(found: list[Entry], name: str, page: int, stamp: dt.datetime) -> pa.Table:
    """The row of MSysObjects that makes a table definition a table."""
    owner = next((e.owner for e in found if e.parent == _DATABASES_FOLDER and e.name == "MSysDb"), None)
    moment = pa.array([stamp], pa.timestamp("ms"))
    return pa.table(
        {
            "Id": pa.array([page], pa.int32()),
            "ParentId": pa.array([_TABLES_FOLDER], pa.int32()),
            "Name": [name],
            "Type": pa.array([_LOCAL_TABLE], pa.int16()),
            "DateCreate": moment,
            "DateUpdate": moment,
            "Owner": pa.array([owner], pa.binary()),
            "Flags": pa.array([0], pa.int32()),
        }
    )


def rights_rows(store: PageStore, page: int) -> pa.Table:
    """The rows of MSysACEs for a new table: full rights for everybody who may use the tables folder."""
    users = []
    for row in stored_rows(store, load(store, RIGHTS_PAGE)):
        if row["ObjectId"] == struct.pack("<I", _TABLES_FOLDER) and row["SID"] not in users:
            users.append(row["SID"])
    count = len(users)
    return pa.table(
        {
            "ObjectId": pa.array([page] * count, pa.int32()),
            "ACM": pa.array([_FULL_RIGHTS] * count, pa.int32()),
            "FInheritable": pa.array([False] * count, pa.bool_()),
            "SID": pa.array(users, pa.binary()),
        }
    )
