"""One face over all that can read an Access file: the native decoder and two independent ones."""

from __future__ import annotations

import os
from importlib import import_module

from idbmigrate.errors import UsageError
from idbmigrate.readers.base import Idb

#: reader -> the module that has it; each has a function ``open_reader(path, password, salvage)``.
READERS = {
    "native": "idbmigrate.readers.native",
    "access-parser": "idbmigrate.readers.access_parser",
    "mdbtools": "idbmigrate.readers.mdbtools",
}


def open_idb(
    path: str | os.PathLike, password: str | None = None, reader: str = "native", salvage: bool = False
) -> Idb:
    """Open an Access file for reading, as a context manager.

    ``reader``: ``native`` (all versions, protected files, damage reported), or one of the second
    opinions ``access-parser`` and ``mdbtools``. ``salvage`` is for the native one only. Raises
    SourceError if the file cannot be read, ``reader-unavailable`` if the reader is not installed.
    """
    if reader not in READERS:
        known = ", ".join(READERS)
        raise UsageError(f"there is no reader {reader!r}", code="bad-option", hint=f"one of: {known}")
    return import_module(READERS[reader]).open_reader(path, password, salvage)


__all__ = ["READERS", "Idb", "open_idb"]
