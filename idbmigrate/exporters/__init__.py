"""Target tables become files, for submission and for analysis, in a folder that appears whole or not at all.

A format is a module of this room with its name, which writes tables and reads back what it wrote
(:class:`Exporter`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from idbmigrate.datasets.model import Dataset
    from idbmigrate.exporters._text import Create
    from idbmigrate.result.summary import NotOfType

#: The one list of formats, in the order in which they are offered and looked for; how their files' names end.
FORMATS = {
    "csv": (".csv",),
    "parquet": (".parquet",),
    "xml": (".xml",),
    "idb": (".accdb", ".mdb"),
    "analysis": (".duckdb",),
}


@dataclass(frozen=True)
class Job:
    """What a format is given: the data set, a folder of its own, how a file is begun, what the user asked.

    ``create`` opens a file that is hashed and brought to the disk as it is written; a format that cannot
    write through it names its own files. ``template`` and ``allow`` are for ``idb`` alone; ``analysis``
    tells ``not_of_type``.
    """

    target: Dataset
    folder: Path
    create: Create
    template: str | os.PathLike[str] | None = None
    allow: Sequence[str] = ()
    not_of_type: list[NotOfType] = field(default_factory=list)


class Exporter(Protocol):
    """A module of :data:`FORMATS`.

    ``DICTIONARIES``: whether it takes columns that are dictionaries, or text alone. ``export`` writes tables
    below ``job.folder``. ``written`` gives the files in a folder that it wrote there, and ``read_back`` the
    tables of one, all text, a missing value null; what is no file of the format is refused with SourceError.
    """

    DICTIONARIES: bool

    def export(self, tables: Mapping[str, pa.Table], job: Job) -> object: ...

    def written(self, folder: Path, dataset: Dataset) -> list[Path]: ...

    def read_back(self, file: Path, dataset: Dataset) -> dict[str, pa.Table]: ...


def exporter(name: str) -> Exporter:
    """The module of a format, loaded when it is asked for."""
    module: Any = import_module(f"idbmigrate.exporters.{name}")
    return module
