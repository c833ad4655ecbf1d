"""Data sets: what they are (``load_dataset``), and which of them a file holds (``identify``)."""

from idbmigrate.datasets.load import list_datasets, load_dataset
from idbmigrate.datasets.model import (
    Assessment,
    CodeList,
    ColumnSpec,
    Concept,
    Dataset,
    Format,
    Period,
    TableSpec,
)

__all__ = [
    "Assessment",
    "CodeList",
    "ColumnSpec",
    "Concept",
    "Dataset",
    "Format",
    "Period",
    "TableSpec",
    "list_datasets",
    "load_dataset",
]
