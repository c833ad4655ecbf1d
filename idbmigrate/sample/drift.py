"""Local drift: what a service added to its file over the years, and what it stored its own way."""

from __future__ import annotations

import decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.writer import NewColumn
from idbmigrate.sample.shape import DRIFTED_TABLES

#: canonical table -> columns that the service added
LOCAL_COLUMNS = {
    "Person": (NewColumn("LocalNotes", "MEMO"), NewColumn("KeyWorker", "TEXT", 50)),
    "Referral": (NewColumn("LocalFlag", "BOOLEAN"),),
}
LOCAL_TABLE = "tblLookup_Local"
_LOCAL_TABLE_COLUMNS = (
    NewColumn("Code", "TEXT", 10),
    NewColumn("Label", "TEXT", 255),
    NewColumn("Rate", "MONEY"),
    NewColumn("Ratio", "NUMERIC", precision=18, scale=4),
)
_NOTES = ("Rang back", "Łódź: see note", "café “later”", "needs step-free room ", "=SUM(A1)")
_WORKERS = ("Zoë O'Neill", "A. Example", "B. <Sample> & Co")


def as_stored(name: str, table: pa.Table) -> pa.Table:
    """Dates of some tables as ``DD/MM/YYYY`` and their numbers as text."""
    if name not in DRIFTED_TABLES:
        return table
    columns = {}
    for column in table.column_names:
        values = table.column(column).combine_chunks()
        if pa.types.is_timestamp(values.type):
            values = _day_first(values)
        elif pa.types.is_integer(values.type):
            values = values.cast(pa.string())
        columns[column] = values
    return pa.table(columns)


def _day_first(values: pa.Array) -> pa.Array:
    iso = values.cast(pa.date32()).cast(pa.string())
    parts = [pc.utf8_slice_codeunits(iso, *span) for span in ((8, 10), (5, 7), (0, 4))]
    return pc.binary_join_element_wise(*parts, "/")


def local_columns(name: str, rows: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Values of the columns that the service added to a table."""
    if name == "Person":
        note = pa.array([None, *_NOTES, _NOTES[0] * 40, _NOTES[1] * 400])
        return {
            "LocalNotes": note.take(
                pa.array(rng.choice(len(note), rows, p=[0.8, *[0.036] * 5, 0.019, 0.001]))
            ),
            "KeyWorker": pa.array([None, *_WORKERS]).take(pa.array(rng.integers(0, 4, rows))),
        }
    if name == "Referral":
        return {"LocalFlag": pa.array(rng.random(rows) < 0.2)}
    return {}


def local_table() -> tuple[tuple[NewColumn, ...], pa.Table]:
    """A lookup table that belongs to no data set."""
    return _LOCAL_TABLE_COLUMNS, pa.table(
        {
            "Code": ["A", "B"],
            "Label": ["=cmd|local", "Naïve"],
            "Rate": pa.array([decimal.Decimal("12.5000"), None], pa.decimal128(19, 4)),
            "Ratio": pa.array([decimal.Decimal("0.1234"), decimal.Decimal("-3.5000")], pa.decimal128(18, 4)),
        }
    )
