"""A legacy file that breaks no check: one patient with a row in every table, made of the description."""

from __future__ import annotations

from idbmigrate.checks import Context
from idbmigrate.datasets.model import ColumnSpec, Dataset

#: The month of the good file lies where each data set has its codes.
CONTEXT = {
    "iapt-1.0": Context("2014-04-01", "2014-04-30"),
    "iapt-1.0-pbr": Context("2014-04-01", "2014-04-30"),
    "iapt-1.5": Context("2019-04-01", "2019-04-30"),
    "iapt-ltc-1.5.4": Context("2019-04-01", "2019-04-30"),
}
LEGACY = tuple(CONTEXT)
#: Day of the month of what is not in the middle of the course.
_DAYS = {"REFRECDATE": "02", "ENDDATE": "28", "PAUSESTARTDATE": "05", "PAUSEENDDATE": "08"}
_VALUES = {
    "ORGCODEPROVIDER": "RX1",
    "ORGCODECOMM": "02N",
    "ORGCODEPROVIDSTEPTO": "RX1",
    "DOB": "1980-01-01",
    "POSTCODE": "ZZ99 3VZ",
    "GMPC": "V81999",
    "PROVDIAG": "F321",
    "PAUSEID": "1",
}


def good(dataset: Dataset, number: int, nhs_number: str) -> dict[str, list[dict[str, str | None]]]:
    """The rows of a patient who shares no key with another."""
    own = {"LPTID": f"P{number}", "SERVICEID": f"S{number}", "NHSNO": nhs_number}
    return {
        name: [
            {
                column.name: own.get(column.name) or _value(dataset, column)
                for column in table.columns.values()
            }
        ]
        for name, table in dataset.tables.items()
    }


def _value(dataset: Dataset, column: ColumnSpec) -> str:
    month = str(CONTEXT[dataset.name].period_start)[:7]
    if column.name in _VALUES:
        return _VALUES[column.name]
    if codes := dataset.listed(column):
        return codes[0]
    if column.range is not None:
        return {"decimal": "1.25"}.get(column.format.kind, str(int(column.range[0])))
    dates = {"date": f"{month}-{_DAYS.get(column.name, '10')}", "time": "10:00:00", "month": month}
    return dates.get(column.format.kind, "1" * max(column.format.min_length or 1, 1))
