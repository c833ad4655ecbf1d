"""Small tables drawn as text, as the measures see them: every column text."""

from __future__ import annotations

import pyarrow as pa

from idbmigrate.datasets import load_dataset
from idbmigrate.mapping.drawn import cells
from idbmigrate.staging.tables import StagedTable, staged_texts


def table(text: str) -> pa.Table:
    """One drawn table; an empty cell is a missing value."""
    head, *rows = [cells(line.strip()) for line in text.strip().splitlines()]
    columns = zip(*rows, strict=True) if rows else [()] * len(head)
    return pa.table({name: pa.array(values, pa.string()) for name, values in zip(head, columns, strict=True)})


def staged(dataset: str, **drawn: str) -> dict[str, StagedTable]:
    """Drawn tables of a legacy data set, staged as a file's would be."""
    tables = load_dataset(dataset).tables
    return {name: staged_texts(name, table(text), tables[name].columns) for name, text in drawn.items()}
