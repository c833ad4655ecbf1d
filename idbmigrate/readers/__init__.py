"""One face over all that can be read: Access files, by our decoder and two others, and folders of CSV."""

from __future__ import annotations

import os
from importlib import import_module

from idbmigrate.errors import UsageError
from idbmigrate.readers.base import Idb
from idbmigrate.readers.csv_files import is_csv_source

#: reader -> the module that has it; each has a function ``open_reader(path, password, salvage)``.
READERS = {
    "native": "idbmigrate.readers.native",
    "access-parser": "idbmigrate.readers.access_parser",
    "mdbtools": "idbmigrate.readers.mdbtools",
}
#: The module for a folder of CSV, or a zip of it, which is told from an Access file by what it is.
_CSV = "idbmigrate.readers.csv_source"


def open_idb(
    path: str | os.PathLike[str], password: str | None = None, reader: str = "native", salvage: bool = False
) -> Idb:
    """Open an Access file, a folder of CSV or a zip of it for reading, as a context manager.

    ``reader``: ``native`` (all versions, protected files, damage reported), or one of the second
    opinions ``access-parser`` and ``mdbtools``, which read Access files only. ``salvage`` is for the native
    one and for CSV, whose rows of another width than their header it leaves out. Raises SourceError if the
    file cannot be read, ``reader-unavailable`` if the reader is not installed.
    """
    if reader not in READERS:
        known = ", ".join(READERS)
        raise UsageError(f"there is no reader {reader!r}", code="bad-option", hint=f"one of: {known}")
    if reader == "native" and is_csv_source(path):
        return import_module(_CSV).open_reader(path, password, salvage)
    return import_module(READERS[reader]).open_reader(path, password, salvage)


__all__ = ["READERS", "Idb", "is_csv_source", "open_idb"]
