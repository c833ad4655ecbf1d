"""What a sample's tables look like in the file: their names, their columns' names and Access types."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from idbmigrate.access.write.writer import NewColumn
from idbmigrate.datasets.model import ColumnSpec, Dataset, TableSpec
from idbmigrate.errors import UsageError, nearest

#: naming style -> what it is; all of them are one data set to the converter
NAMINGS = {
    "extract": "long table names, column names in capitals, as in the national extracts",
    "mixed": "short table names, some columns under their other names and in mixed case",
    "v15": "table names with the version at their end",
    "rep": "table names with REP_ before them, as in the centre's warehouse",
}
_MIXED_CASE = {
    "SERVICEID": "ServiceID",
    "ATTENDANCE": "Attendance",
    "APPTYPE": "Apptype",
    "PHQ9_SCORE": "PHQ9_Score",
    "WSASWSCORE": "WSASWScore",
}
_TYPES = {"integer": "INT", "decimal": "DOUBLE", "date": "SHORT_DATE_TIME"}
#: numbers and dates of these tables are text where a file has drifted
DRIFTED_TABLES = frozenset({"WaitingTimePauses", "AssessmentPEQ", "TreatmentPEQ"})


@dataclass(frozen=True)
class Shape:
    """The physical side of one table: its name, and the name in the file of each canonical column."""

    name: str
    columns: dict[str, NewColumn]


def shapes(
    dataset: Dataset,
    naming: str,
    drift: bool,
    also: Collection[str] = (),
    without: Collection[str] = (),
) -> dict[str, Shape]:
    """The physical tables of a sample by their canonical names.

    ``also`` are tables that only some files hold, ``without`` columns (``Table.COLUMN``) that this one lacks.
    """
    if naming not in NAMINGS:
        hint = f"one of {', '.join(NAMINGS)}"
        raise UsageError(f"{naming!r} is no naming style", code="bad-option", where="--naming", hint=hint)
    rare = [name for name, table in dataset.tables.items() if not table.expected]
    _known("--with", also, rare, f"a table that only some files of {dataset.name} hold")
    columns = [f"{table}.{name}" for table, spec in dataset.tables.items() for name in spec.columns]
    _known("--without", without, columns, f"a column of {dataset.name}, written Table.COLUMN")
    return {
        name: Shape(
            _table_name(table, naming),
            {
                c.name: _column(c, naming, drift and name in DRIFTED_TABLES)
                for c in table.columns.values()
                if f"{name}.{c.name}" not in without
            },
        )
        for name, table in dataset.tables.items()
        if table.expected or name in also
    }


def _known(option: str, given: Collection[str], known: list[str], what: str) -> None:
    for name in given:
        if name not in known:
            message = f"{name!r} is not {what}"
            raise UsageError(message, code="unknown-name", where=option, hint=nearest(name, known))


def _table_name(table: TableSpec, naming: str) -> str:
    if naming == "extract":
        return next((alias for alias in table.aliases if alias.startswith("IAPTDataSet")), table.name)
    if naming == "v15":
        return next((alias for alias in table.aliases if alias.endswith("_v15")), table.name)
    if naming == "rep":
        return next((alias for alias in table.aliases if alias.startswith("REP_")), table.name)
    plain = [alias for alias in table.aliases if "_" not in alias and not alias.startswith("IAPTDataSet")]
    return plain[0] if plain and table.name.endswith(("PEQ", "Pauses")) else table.name


def _column(column: ColumnSpec, naming: str, as_text: bool) -> NewColumn:
    name = column.name
    if naming not in ("extract", "rep"):
        confirmed = [alias for alias, confidence in column.aliases.items() if confidence == "confirmed"]
        name = confirmed[0] if confirmed else _MIXED_CASE.get(name, name)
    kind = _TYPES.get(column.format.kind, "TEXT")
    if kind == "TEXT" or as_text:
        length = {"date": 10, "integer": 3}.get(column.format.kind, column.format.max_length or 50)
        return NewColumn(name, "TEXT", length)
    return NewColumn(name, kind)
