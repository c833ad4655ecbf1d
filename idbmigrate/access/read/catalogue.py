"""The catalogue: which tables a file has (the system table MSysObjects)."""

from __future__ import annotations

from typing import NamedTuple

from idbmigrate.access import format as fmt
from idbmigrate.access.read.damage import Damage
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.table import read_table
from idbmigrate.access.read.tabledef import read_definition
from idbmigrate.errors import SourceError

_NAME = "MSysObjects"
_COLUMNS = ("Id", "Name", "Type", "Flags", "ForeignName")


class LinkedTable(NamedTuple):
    """A table that lives in another file or database; reported, never followed.

    ``name``: here; ``foreign_name``: there; ``kind``: ``access`` or ``odbc``. Where it lives is left
    out: connection strings hold passwords.
    """

    name: str
    foreign_name: str | None
    kind: str


class Catalogue(NamedTuple):
    """``tables``: user table -> first page of its definition, in catalogue order; ``system``: the others."""

    tables: dict[str, int]
    system: dict[str, int]
    linked: list[LinkedTable]


def read_catalogue(pages: PageFile, damage: Damage) -> Catalogue:
    """Read the names of all tables. Raises SourceError where the catalogue itself cannot be read."""
    if pages.page_count <= fmt.CATALOGUE_PAGE:
        raise SourceError("the file ends before its catalogue", code="truncated", where=pages.name)
    definition = read_definition(pages, fmt.CATALOGUE_PAGE, _NAME)
    by_name = {c.name: c for c in definition.columns}
    kinds = {"Id": "LONG", "Name": "TEXT", "Type": "INT", "Flags": "LONG", "ForeignName": "TEXT"}
    if any(name not in by_name or by_name[name].type != kind for name, kind in kinds.items()):
        where = f"{pages.name}: table {_NAME}: page {fmt.CATALOGUE_PAGE}"
        raise SourceError("the catalogue lacks its columns", code="damaged", where=where)
    content, _ = read_table(pages, definition, [by_name[name] for name in _COLUMNS], damage)
    found = Catalogue({}, {_NAME: fmt.CATALOGUE_PAGE}, [])
    for number, name, kind, flags, foreign in zip(*(column.to_pylist() for column in content.columns)):
        if name is None or kind is None or number is None:
            continue
        if kind in (fmt.OBJECT_LINKED, fmt.OBJECT_LINKED_ODBC):
            how = "odbc" if kind == fmt.OBJECT_LINKED_ODBC else "access"
            found.linked.append(LinkedTable(name, foreign, how))
        elif kind == fmt.OBJECT_TABLE:
            target = found.system if (flags or 0) & fmt.OBJECT_SYSTEM_FLAGS else found.tables
            if name in target and name != _NAME:
                damage.report("two tables have the same name", table=name)
                continue
            target[name] = number & 0xFFFFFF
    return found


def read_properties(pages: PageFile, damage: Damage, page: int) -> bytes | None:
    """The property block of the table whose definition begins on ``page``; None if it has none."""
    definition = read_definition(pages, fmt.CATALOGUE_PAGE, _NAME)
    chosen = [column for column in definition.columns if column.name in ("Id", "LvProp")]
    if len(chosen) < 2:
        return None
    content, _ = read_table(pages, definition, chosen, damage)
    for number, block in zip(content["Id"].to_pylist(), content["LvProp"]):
        if number is not None and number & 0xFFFFFF == page:
            return block.as_py()
    return None
