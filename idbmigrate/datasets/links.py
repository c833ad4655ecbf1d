"""Tables of a data set that a file only links to: they live elsewhere, and nobody has read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from idbmigrate.datasets.load import list_datasets, load_dataset
from idbmigrate.datasets.match import match
from idbmigrate.datasets.model import Dataset
from idbmigrate.datasets.overlay import Overlay
from idbmigrate.errors import SourceError

#: What ``--allow`` takes to go on without them.
ALLOW = "linked-tables"


class Link(Protocol):
    """A table that lives elsewhere, by its name in the file."""

    @property
    def name(self) -> str: ...


def linked_tables(links: Iterable[Link], dataset: Dataset, overlay: Overlay | None = None) -> dict[str, str]:
    """The tables of the data set that these links stand for: its name of a table -> the file's."""
    found = match(dataset, {link.name: [] for link in links}, overlay or Overlay("overlay"))
    return {table.canonical: table.source for table in found.tables if table.canonical is not None}


def require_none(links: Iterable[Link], dataset: Dataset | None, overlay: Overlay | None, where: str) -> None:
    """Refuse a file that only links to tables of the data set, or of any source where none was found.

    Raises SourceError ``linked-tables``, which names the tables and asks for the file that holds them.
    """
    links = list(links)
    datasets = [dataset] if dataset is not None else [load_dataset(name) for name in list_datasets("source")]
    names = dict.fromkeys(name for each in datasets for name in linked_tables(links, each, overlay).values())
    if names:
        more = f", or give --allow {ALLOW} to go on without them" if dataset is not None else ""
        raise SourceError(
            f"{_listed(list(names))} only linked to: the rows are in another file, and were not read",
            code="linked-tables",
            where=where,
            hint=f"convert the back-end file that holds the tables{more}",
        )


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last} are" if most else f"{last} is"
