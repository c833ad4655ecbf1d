"""Data sets: what they are (``load_dataset``), and which of them a file holds (``identify``)."""

from idbmigrate.datasets.identify import Candidate, Identification, identify
from idbmigrate.datasets.load import list_datasets, load_dataset
from idbmigrate.datasets.match import ColumnMatch, TableMatch
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
from idbmigrate.datasets.overlay import Overlay, load_overlay

__all__ = [
    "Assessment",
    "Candidate",
    "CodeList",
    "ColumnMatch",
    "ColumnSpec",
    "Concept",
    "Dataset",
    "Format",
    "Identification",
    "Overlay",
    "Period",
    "TableMatch",
    "TableSpec",
    "identify",
    "list_datasets",
    "load_dataset",
    "load_overlay",
]
