"""Convert legacy IAPT and mental health Access databases to the current NHS data sets.

The public names, and nothing else. Each is imported on first use, so that ``import idbmigrate``
costs next to nothing:

==================  ===============================================================
``open_idb``        open an Access file: tables, columns, whole tables as Arrow
``convert``         the main job: file in, target tables, ledger and findings out
``list_datasets``   the data sets that are described
``load_dataset``    one data set description
``identify``        which data set a file holds, with the evidence
==================  ===============================================================

and the exceptions of :mod:`idbmigrate.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

#: public name -> the module that defines it
_HOMES = {
    "open_idb": "idbmigrate.readers",
    "convert": "idbmigrate.conversion.convert",
    "list_datasets": "idbmigrate.datasets",
    "load_dataset": "idbmigrate.datasets",
    "identify": "idbmigrate.datasets",
    "IdbmigrateError": "idbmigrate.errors",
    "UsageError": "idbmigrate.errors",
    "SourceError": "idbmigrate.errors",
    "DescriptionError": "idbmigrate.errors",
    "BooksError": "idbmigrate.errors",
    "OutputError": "idbmigrate.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
