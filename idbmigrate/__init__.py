"""Convert legacy IAPT and mental health Access databases to the current NHS data sets.

The public names, and nothing else. Each is imported on first use, so that ``import idbmigrate``
costs next to nothing:

==================  ===============================================================
``open_idb``        open an Access file: tables, columns, whole tables as Arrow
``convert``         the main job: file in, target tables, ledger and findings out
``compare``         two outputs of one data set: rows and values that differ, and why
``explain``         where a cell came from, or what became of a row of the file
``list_datasets``   the data sets that are described
``load_dataset``    one data set description
``identify``        which data set a file holds, with the evidence
``run_mapping``     a mapping over tables in memory, to test it
==================  ===============================================================

and the exceptions of :mod:`idbmigrate.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers see; at run time each name is imported when it is first used
    from idbmigrate.comparison.compare import compare as compare
    from idbmigrate.conversion.convert import convert as convert
    from idbmigrate.datasets import identify as identify
    from idbmigrate.datasets import list_datasets as list_datasets
    from idbmigrate.datasets import load_dataset as load_dataset
    from idbmigrate.errors import BooksError as BooksError
    from idbmigrate.errors import DescriptionError as DescriptionError
    from idbmigrate.errors import IdbmigrateError as IdbmigrateError
    from idbmigrate.errors import OutputError as OutputError
    from idbmigrate.errors import SourceError as SourceError
    from idbmigrate.errors import UsageError as UsageError
    from idbmigrate.explanation.explain import explain as explain
    from idbmigrate.mapping_tests.run_mapping import run_mapping as run_mapping
    from idbmigrate.readers import open_idb as open_idb

__version__ = "0.2.0"

#: public name -> the module that defines it
_HOMES = {
    "open_idb": "idbmigrate.readers",
    "convert": "idbmigrate.conversion.convert",
    "compare": "idbmigrate.comparison.compare",
    "explain": "idbmigrate.explanation.explain",
    "list_datasets": "idbmigrate.datasets",
    "load_dataset": "idbmigrate.datasets",
    "identify": "idbmigrate.datasets",
    "run_mapping": "idbmigrate.mapping_tests.run_mapping",
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
