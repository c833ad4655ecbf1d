"""Our own decoder, :mod:`idbmigrate.access`, behind the face of all readers."""

from __future__ import annotations

import os
from collections.abc import Sequence

from idbmigrate.access.read.database import Database
from idbmigrate.readers.base import RowReference


class NativeIdb(Database):
    """A :class:`Database`, which has the face already."""

    reader = "native"
    row_reference: RowReference = "page:slot"
    other_files: Sequence[str] = ()

    def facts(self, table: str) -> None:
        """None: an Access file is no CSV."""


def open_reader(
    path: str | os.PathLike[str], password: str | None = None, salvage: bool = False
) -> NativeIdb:
    """Open a file with the native decoder."""
    return NativeIdb(path, password, salvage)
