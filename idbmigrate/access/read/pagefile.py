"""An Access file as numbered pages over a memory map; encrypted pages are decrypted on first use."""

from __future__ import annotations

import contextlib
import mmap
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.header import Header, parse_header
from idbmigrate.access.read.gather import ByteView
from idbmigrate.errors import SourceError

if TYPE_CHECKING:
    from idbmigrate.access.protection.base import PageCipher

#: Pages decrypted at a time.
_BATCH = 2048


class PageFile:
    """The pages of one file, opened read-only.

    ``view`` is a :class:`ByteView` over the whole (decrypted) file: page ``n`` begins at byte
    ``n * page_size``. Call :meth:`require` with the numbers of the pages before looking at them.
    """

    def __init__(self, path: str | os.PathLike[str], password: str | None = None):
        self.path = Path(path)
        self.name = self.path.name
        self._map = _map_file(self.path, self.name)
        try:
            self.header: Header = parse_header(self._map[:4096], self.name)
            self.layout = self.header.layout
            self.page_size = self.layout.page_size
            self.page_count = len(self._map) // self.page_size
            self._cipher = self._make_cipher(password)
        except BaseException:
            self._map.close()
            raise
        if self._cipher is None:
            self.view = ByteView(self._map)
            self._ready = None
        else:
            self._plain = np.zeros(len(self._map), np.uint8)  # zero pages cost no memory until written
            self.view = ByteView(self._plain)
            self._ready = np.zeros(self.page_count, bool)
            self._plain[: self.page_size] = np.frombuffer(self._map, np.uint8, self.page_size)
            self._ready[:1] = True  # the first page is never encrypted

    def _make_cipher(self, password: str | None) -> PageCipher | None:
        if not (self.header.key or self.header.password):
            return None
        from idbmigrate.access.protection.cipher import (
            make_cipher,  # few files are protected: imported for them only
        )

        return make_cipher(self.header, bytes(self._map[: self.page_size]), password, self.name)

    def require(self, pages: np.ndarray) -> None:
        """Make the pages readable in ``view``: decrypts those not yet seen, does nothing in a plain file."""
        cipher = self._cipher
        if cipher is None or self._ready is None or not len(pages):
            return
        missing = np.unique(pages[~self._ready[pages]])
        whole = self.page_count * self.page_size
        source = np.frombuffer(self._map, np.uint8, whole).reshape(self.page_count, self.page_size)
        target = self._plain[:whole].reshape(source.shape)
        for first in range(0, len(missing), _BATCH):
            numbers = missing[first : first + _BATCH]
            target[numbers] = cipher.decrypt(numbers, source[numbers])
        self._ready[missing] = True

    @cached_property
    def owners(self) -> np.ndarray:
        """For each page of the file, the page that owns it where it is a data page, else -1 (int64)."""
        every = np.arange(self.page_count, dtype=np.int64)
        self.require(every)
        base = every * self.page_size
        owner = self.view.u32(base + 4).astype(np.int64)
        return np.where(self.view.u8(base) == fmt.PAGE_DATA, owner, -1)

    def page(self, number: int) -> np.ndarray:
        """The bytes of one page (uint8). The caller has checked ``number < page_count``."""
        self.require(np.array([number]))
        at = number * self.page_size
        return self.view.bytes[at : at + self.page_size]

    def raw(self, at: int, length: int) -> bytes:
        """``length`` bytes from byte ``at`` of the decrypted file, for people who want to see them."""
        return self.view.bytes[at : at + length].tobytes()

    def close(self) -> None:
        """Let go of the file. Arrow tables read from it stay valid: they hold copies."""
        self._plain = np.zeros(0, np.uint8)
        self.view = ByteView(self._plain)
        with contextlib.suppress(BufferError):  # a traceback may hold a view: the map goes when that does
            self._map.close()


def _map_file(path: Path, name: str) -> mmap.mmap:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # opening a pipe would wait for ever
            raise SourceError("this is not a file", code="not-readable", where=name)
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise SourceError("the file is empty", code="empty-file", where=name)
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise SourceError("no such file", code="not-found", where=name, hint="check the path") from None
    except IsADirectoryError:
        raise SourceError("this is a folder, not a file", code="not-readable", where=name) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be mapped into memory"
        raise SourceError(
            f"the file cannot be read: {reason}",
            code="not-readable",
            where=name,
            hint="check its permissions, and that Access does not hold it open exclusively",
        ) from None
