"""A small archive whose truth is known: monthly files of synthetic people, by the project's own writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.writer import DatabaseWriter, create_database
from idbmigrate.datasets import load_dataset
from idbmigrate.sample import care
from idbmigrate.sample.shape import shapes

DATASET = "iapt-1.5"


def tables_of(month: str | None, provider: str, seed: int = 1, patients: int = 25) -> dict[str, pa.Table]:
    """A provider's tables by their canonical names; of appointments, those of the month alone."""
    made = dict(care.tables(load_dataset(DATASET), care.Block(seed, 0, patients, 0)))
    for name, table in made.items():
        if "ORGCODEPROVIDER" in table.column_names:
            at = table.schema.get_field_index("ORGCODEPROVIDER")
            made[name] = table.set_column(at, "ORGCODEPROVIDER", pa.array([provider] * table.num_rows))
    if month is not None:
        days = pc.strftime(made["Appointment"]["APPOINTMENT"], format="%Y-%m")
        made["Appointment"] = made["Appointment"].filter(pc.equal(days, month))
        assert made["Appointment"].num_rows
    return made


def write(
    path: Path, tables: dict[str, pa.Table], naming: str = "extract", shuffle: int | None = None
) -> Path:
    """Write tables as an Access file; ``shuffle`` gives the same cells in another order of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    create_database(path, path.suffix[1:])
    with DatabaseWriter(path) as writer:
        for name, shape in shapes(load_dataset(DATASET), naming, False).items():
            writer.create_table(shape.name, list(shape.columns.values()))
            table = tables[name]
            if shuffle is not None:
                order = np.random.default_rng(shuffle).permutation(table.num_rows)
                table = table.take(pa.array(order))
            columns = {shape.columns[c].name: table[c] for c in table.column_names}
            writer.append(shape.name, pa.table(columns))
    return path


def changed(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables after a refresh: one referral closed, one new, one gone, with all else as it was."""
    referral = tables["Referral"]
    ended = referral["ENDCODE"].to_pylist()
    ended[0] = "47" if ended[0] != "47" else "48"
    names = referral["SERVICEID"].to_pylist()
    names[1] = "S-NEW"
    for name, values in (("ENDCODE", ended), ("SERVICEID", names)):
        at = referral.schema.get_field_index(name)
        referral = referral.set_column(at, name, pa.array(values, pa.string()))
    return {**tables, "Referral": referral}
