"""Columns of attachments and of several values: how many values they hold (``MSysComplexColumns``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idbmigrate.access.read.database import Database

_CATALOGUE = "MSysComplexColumns"


def complex_values(
    database: Database, system: Mapping[str, int], tables: Iterable[str]
) -> dict[tuple[str, str], int | None]:
    """(table, column) -> number of values, for such columns of these tables; None where it cannot be told.

    Each value is a row of a system table that belongs to the column, which the catalogue of complex columns
    names by the page of its definition.
    """
    flat: dict[tuple[int, str], int] = {}
    if _CATALOGUE in system:
        found = database.read(_CATALOGUE, ["ConceptualTableID", "ColumnName", "FlatTableID"])
        for owner, column, place in zip(*(part.to_pylist() for part in found.columns), strict=True):
            if None not in (owner, column, place):
                flat[owner & 0xFFFFFF, column] = place & 0xFFFFFF
    names = {page: name for name, page in system.items()} | {
        database.definition(name).page: name for name in database.tables
    }
    counts: dict[tuple[str, str], int | None] = {}
    for table in sorted(tables):
        definition = database.definition(table)
        for column in definition.columns:
            if column.type == "COMPLEX_TYPE":
                place = names.get(flat.get((definition.page, column.name), -1))
                counts[table, column.name] = None if place is None else database.read(place).num_rows
    return counts
