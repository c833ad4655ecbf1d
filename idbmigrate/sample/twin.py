"""A synthetic twin of a real file: same tables, columns, drift and kinds of fault, and not one real value.

    open -> identify -> profile (counts and code frequencies alone) -> draw -> write -> hold twin against file

The last step holds every text and every date of the twin against the file, so that a twin is published
only if none that is not a national code, or one written in one of the usual wrong ways, is the same.
Numbers such as scores are drawn from the ranges that the data set gives, whatever the file holds.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.datasets import identify, load_dataset
from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import BooksError, UsageError
from idbmigrate.exporters.whole import whole_file
from idbmigrate.readers import is_csv_source, open_idb
from idbmigrate.sample import draw, pools
from idbmigrate.sample.profile import TableProfile, folded, of_table, orphans

_REPLACED = {"COMPLEX_TYPE": "LONG", "EXT_DATE_TIME": "SHORT_DATE_TIME"}
#: how long the made-up course of care may last, in days
CARE = 900


def write_twin(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    password: str | None = None,
    dataset: str | None = None,
    seed: int = 1,
    overwrite: bool = False,
):
    """Write a twin of ``source`` to ``out``; gives a :class:`~idbmigrate.sample.write.Sample`.

    ``dataset`` says what the file is where that cannot be found out. Raises BooksError where a real
    value would reach the twin.
    """
    from .write import Sample

    if is_csv_source(source):
        raise UsageError("a twin is made of an Access file, not of CSV", code="bad-option")
    with open_idb(source, password=password) as idb:
        columns = {name: list(idb.columns(name)) for name in idb.tables}
        found = identify(columns, source=dataset)
        spec = load_dataset(found.dataset)
        real = {name: idb.read(name) for name in idb.tables}
    profiles = profile(real, columns, found, spec)
    rng = np.random.Generator(np.random.PCG64([seed, 17]))
    days = _days(real, profiles)
    days = _days(real, profiles)
    calendar = draw.Calendar(pools.free_window(days, CARE), CARE, pools.free_births(days))
    made = draw.tables(profiles, calendar, rng)
    prove(real, made, profiles, spec)
    sample = Sample(Path(out), spec.name)
    with whole_file(out, overwrite) as part:
        create_database(part, Path(out).suffix.lower().lstrip("."))
        with DatabaseWriter(part) as writer:
            for name in columns:
                writer.create_table(name, [_design(column) for column in columns[name]])
                sample.rows[name] = writer.append(name, made[name])
    return sample


def profile(real: dict[str, pa.Table], columns, found, dataset: Dataset) -> dict[str, TableProfile]:
    """Profiles of all tables, parents before their children, by their names in the file."""
    matches = {match.source: match for match in found.tables}
    profiles, places, held = {}, {}, _texts(real)
    for name, table in real.items():
        match = matches.get(name)
        spec = dataset.tables.get(match.canonical) if match and match.canonical else None
        names = {c.source: c.canonical for c in match.columns if c.canonical} if match and spec else {}
        profiles[name] = of_table(name, spec, names, dataset, table, columns[name], held)
        if spec:
            places[spec.name] = (name, spec, {canonical: column for column, canonical in names.items()})
    for name, spec, own in places.values():
        for column, (parent, key) in spec.foreign_keys.items():
            if parent in places and column in own and key in places[parent][2]:
                above, _, above_columns = places[parent]
                child = real[name].column(own[column])
                lost = orphans(child, real[above].column(above_columns[key]), len(child))
                profiles[name].orphans[column] = lost
    rank = {name: place for place, name in enumerate(dataset.tables)}
    order = sorted(profiles.values(), key=lambda p: rank.get(p.spec.name, len(rank)) if p.spec else len(rank))
    return {table.name: table for table in order}


def _texts(real: dict[str, pa.Table]) -> set[str]:
    """Every text of a file."""
    texts: set[str] = set()
    for table in real.values():
        for values in table.columns:
            if pa.types.is_string(values.type):
                texts |= folded(values)
    return texts


def _days(real: dict[str, pa.Table], profiles: dict[str, TableProfile]) -> set[int]:
    """Every day that the file holds, as days since 1970."""
    days: set[int] = set()
    for name, held in profiles.items():
        for column, about in held.columns.items():
            if about.kind in ("date", "birth"):
                values = real[name].column(column)
                if pa.types.is_timestamp(values.type):
                    days |= set(pc.unique(values.cast(pa.date32(), safe=False)).cast(pa.int32()).to_pylist())
                else:
                    days |= draw.days_of(pc.unique(values).to_pylist(), about.layout)
    return days - {None}


def _design(column) -> NewColumn:
    kind = _REPLACED.get(column.type, column.type)
    return NewColumn(
        column.name,
        kind,
        column.length or None,
        getattr(column, "precision", 0) or 18,
        getattr(column, "scale", 0) or 0,
        getattr(column, "compressed", True),
    )


def prove(real, made, profiles: dict[str, TableProfile], dataset: Dataset) -> None:
    """Hold every text and date of the twin against the file. Raises BooksError."""
    held = _texts(real)
    for name, table in profiles.items():
        for column, about in table.columns.items():
            if about.kind in ("number", "other"):
                continue
            twin = folded(made[name].column(column))
            if about.kind == "code" and about.spec is not None:
                codes = {code.lower() for code in dataset.listed(about.spec)}
                twin = {text for text in twin if text not in codes and f"0{text}" not in codes}
            if twin & (held | folded(real[name].column(column))):
                message = "a value of the file would have reached the twin; nothing was written"
                raise BooksError(message, code="twin-not-clean", where=f"{name}.{column}")
