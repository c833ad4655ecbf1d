"""The output folder of a conversion, read again as all-text tables."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import SourceError


def read_output(
    folder: str | os.PathLike[str], name: str | None = None
) -> tuple[Dataset, dict[str, pa.Table]]:
    """The data set and the tables that ``convert`` wrote to ``folder`` as Parquet or CSV.

    An empty field of a CSV file is null. Raises SourceError ``not-found`` where there is no output.
    """
    place = Path(folder)
    dataset = load_dataset(name or _target(place))
    tables = {}
    for table in dataset.tables:
        parquet_file, csv_file = place / "parquet" / f"{table}.parquet", place / "csv" / f"{table}.csv"
        if parquet_file.exists():
            from pyarrow import parquet

            tables[table] = parquet.read_table(parquet_file)
        elif csv_file.exists():
            tables[table] = _read_csv(csv_file, list(dataset.tables[table].columns))
    if not tables:
        raise SourceError(
            "there is no converted output",
            code="not-found",
            where=str(place),
            hint="name the folder that convert wrote, with --format csv or parquet",
        )
    return dataset, tables


def _target(place: Path) -> str:
    try:
        return json.loads((place / "manifest.json").read_text(encoding="utf-8"))["target"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceError(
            "there is no readable manifest of a conversion",
            code="not-found",
            where=str(place),
            hint="name the folder that convert wrote, or the data set with --as",
        ) from None


def _read_csv(path: Path, columns: list[str]) -> pa.Table:
    options = arrow_csv.ConvertOptions(
        column_types={column: pa.string() for column in columns},
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )
    try:
        return arrow_csv.read_csv(
            path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True), convert_options=options
        )
    except pa.ArrowInvalid:
        raise SourceError(
            "the file is not the CSV of a conversion", code="damaged", where=path.name
        ) from None
