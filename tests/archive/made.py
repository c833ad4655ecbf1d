"""Submissions made in memory: staged tables written as an archive stages them, without any Access file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from idbmigrate.archive.model import Submission
from idbmigrate.datasets import load_dataset
from idbmigrate.staging import stored
from idbmigrate.staging.tables import staged_texts

Rows = Sequence[Mapping[str, "str | None"]]


def submission(
    folder: Path, name: str, tables: Mapping[str, Rows], *, dataset: str = "iapt-1.5", **facts
) -> Submission:
    """A submission of these tables: rows are dicts of the columns that they fill."""
    place, spec = folder / name, load_dataset(dataset).tables
    place.mkdir(parents=True, mode=0o700)
    for at, (label, rows) in enumerate(tables.items()):
        columns = list(dict.fromkeys(column for row in rows for column in row)) or list(spec[label].columns)
        table = pa.table(
            {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
        )
        known = label if label in spec else f"_{at}"
        stored.save(
            staged_texts(label, table, spec[label].columns if label in spec else []),
            place / f"{known}.parquet",
        )
    plain = {
        "dataset": dataset,
        "edition": "1.5",
        "provider": "RX1",
        "period": "2016-04",
        "kind": "primary",
        "evidence": {},
        "places": (f"{name}.mdb",),
        "tables": {label: len(rows) for label, rows in tables.items()},
        "staged": place,
        "cells": name,
        "modified": None,
        "readable": True,
        "problem": None,
    }
    return Submission(sha256=name, **{**plain, **facts})
