"""Write a synthetic legacy database, block by block, so that a million patients fit in little memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from idbmigrate.access.write.writer import DatabaseWriter, create_database
from idbmigrate.datasets import list_datasets, load_dataset
from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import UsageError
from idbmigrate.exporters.whole import whole_file
from idbmigrate.sample import care, drift
from idbmigrate.sample.faults import share_of, spoil
from idbmigrate.sample.shape import Shape, shapes

#: patients made at once; part of the recipe, since each block draws from its own stream
BLOCK = 20_000
MOST = 1_000_000


@dataclass
class Sample:
    """What was written: the file, its tables and their rows."""

    path: Path
    dataset: str
    rows: dict[str, int] = field(default_factory=dict)


def write_sample(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    patients: int,
    seed: int = 1,
    faults: str = "none",
    naming: str = "extract",
    drifted: bool = False,
    also: Collection[str] = (),
    without: Collection[str] = (),
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Sample:
    """Write a sample of a source data set to an ``.mdb`` or ``.accdb`` file.

    The same arguments give the same bytes. ``faults`` is ``none``, ``some``, ``many`` or a share;
    ``naming`` one of :data:`shape.NAMINGS`; ``drifted`` adds local columns and tables and stores some
    dates and numbers as text. ``also`` are tables that only some files hold, ``without`` columns
    (``Table.COLUMN``) that the file lacks. The file appears whole or not at all.
    """
    target, spec, share = Path(path), _source(dataset), share_of(faults)
    if not 1 <= patients <= MOST:
        raise UsageError(f"from 1 to {MOST:,} patients", code="bad-option", where="--patients")
    physical = shapes(spec, naming, drifted, also, without)
    with whole_file(target, overwrite) as part:
        create_database(part, target.suffix.lower().lstrip("."))
        sample = Sample(target, dataset)
        with DatabaseWriter(part) as writer:
            _create(writer, physical, drifted)
            referrals = 0
            for first in range(0, patients, BLOCK):
                block = care.Block(seed, first, min(BLOCK, patients - first), referrals)
                made = care.tables(spec, block, also)
                referrals += made["Referral"].num_rows
                rng = np.random.Generator(np.random.PCG64([seed, first + 1, 7]))
                for name, table in spoil(spec, made, share, rng).items():
                    rows = writer.append(
                        physical[name].name, _stored(name, table, physical[name], drifted, rng)
                    )
                    sample.rows[physical[name].name] = sample.rows.get(physical[name].name, 0) + rows
                if progress:
                    progress(block.first + block.patients, patients)
    return sample


def _source(name: str) -> Dataset:
    sources = [known for known in list_datasets() if load_dataset(known).role == "source"]
    if name not in sources:
        raise UsageError(
            f"there is no legacy data set {name!r}",
            code="unknown-name",
            where="--dataset",
            hint=f"one of {', '.join(sources)}",
        )
    return load_dataset(name)


def _create(writer: DatabaseWriter, physical: dict[str, Shape], drifted: bool) -> None:
    for name, shape in physical.items():
        extra = drift.LOCAL_COLUMNS.get(name, ()) if drifted else ()
        writer.create_table(shape.name, [*shape.columns.values(), *extra])
    if drifted:
        columns, table = drift.local_table()
        writer.create_table(drift.LOCAL_TABLE, columns)
        writer.append(drift.LOCAL_TABLE, table)


def _stored(name: str, table: pa.Table, shape: Shape, drifted: bool, rng: np.random.Generator) -> pa.Table:
    if drifted:
        table = drift.as_stored(name, table)
    columns = {own.name: table.column(column) for column, own in shape.columns.items()}
    if drifted:
        columns |= drift.local_columns(name, table.num_rows, rng)
    return pa.table(columns)
