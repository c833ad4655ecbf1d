"""Target tables as Parquet, for analysis: text columns as they are, nulls kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from idbmigrate.datasets.model import Dataset
from idbmigrate.exporters import Job
from idbmigrate.exporters._files import read_table, table_files

#: Columns are text, so that every reader finds the same types.
DICTIONARIES = False


def export(tables: Mapping[str, pa.Table], job: Job) -> list[Path]:
    """Write the tables as files of the job's folder."""
    return write(tables, job.folder)


def write(tables: Mapping[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table to ``folder/<TABLE>.parquet``; return the paths in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.parquet")
        parquet.write_table(table, paths[-1], compression="zstd")
    return paths


def written(folder: Path, dataset: Dataset) -> list[Path]:
    """The files that hold a table each."""
    return table_files(folder, dataset, ".parquet")


def read_back(file: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The table that a file holds."""
    return read_table(file, dataset, lambda path: list(parquet.read_schema(path).names), parquet.read_table)
