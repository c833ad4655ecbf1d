"""Our own decoder, :mod:`idbmigrate.access`, behind the face of all readers."""

from __future__ import annotations

from idbmigrate.access.read.database import Database


class NativeIdb(Database):
    """A :class:`Database`, which has the face already."""

    reader = "native"


def open_reader(path, password=None, salvage=False) -> NativeIdb:
    """Open a file with the native decoder."""
    return NativeIdb(path, password, salvage)
