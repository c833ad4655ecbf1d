"""Protected files: which cipher a file's pages need, and whether the password is right.

Three kinds, told apart by the first page: a Jet file "encoded" with a key that stands in the file; a
Jet file with a database password, whose pages are plain; an ACE file encrypted by the rules of Office
documents (:mod:`.office`).
"""

from __future__ import annotations

import hmac
import struct
from typing import Protocol

import numpy as np

from idbmigrate.access.header import Header
from idbmigrate.access.rc4 import rc4_pages
from idbmigrate.access.tabledef import code_page_codec
from idbmigrate.errors import SourceError

_HINT = "give it with --password (password=) or in the environment variable IDBMIGRATE_PASSWORD"


class PageCipher(Protocol):
    """Decrypts pages, by their numbers (int64 array) and bytes (uint8, shape (pages, page size))."""

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray: ...


class JetCipher:
    """RC4 with the file's key, the page number mixed in; no password is needed."""

    def __init__(self, key: int):
        self._key = key

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray:
        return rc4_pages(page_keys(self._key, numbers), pages)


def page_keys(key: int, numbers: np.ndarray) -> np.ndarray:
    """The four bytes that differ from page to page: the file's key XOR the page number."""
    mixed = np.uint32(key) ^ numbers.astype(np.uint32)
    return mixed.astype("<u4").view(np.uint8).reshape(len(numbers), 4)


def make_cipher(header: Header, first_page: bytes, password: str | None, file: str) -> PageCipher | None:
    """The cipher for a protected file's pages, None if they are plain.

    Raises SourceError ``password-needed``, ``wrong-password`` or ``unsupported-version``. Neither the
    password nor anything derived from it is in the error.
    """
    if header.ace:
        if not header.key:
            return None
        from idbmigrate.access.office import open_office_cipher

        if password is None:
            raise needed(file)
        return open_office_cipher(header.key, first_page, password, file)
    if header.password:
        if password is None:
            raise needed(file)
        if not _same_password(header, password):
            raise wrong(file)
    return JetCipher(header.key) if header.key else None


def _same_password(header: Header, password: str) -> bool:
    codec = "utf-16-le" if header.layout.character_size == 2 else code_page_codec(header.code_page)
    stored = header.password.ljust(header.layout.password_length, b"\0")
    given = password.encode(codec, "replace")[: len(stored)].ljust(len(stored), b"\0")
    return hmac.compare_digest(stored, given)


def needed(file: str) -> SourceError:
    return SourceError("the file is protected by a password", code="password-needed", where=file, hint=_HINT)


def wrong(file: str) -> SourceError:
    return SourceError("the password does not open the file", code="wrong-password", where=file, hint=_HINT)


def malformed(file: str, what: str) -> SourceError:
    return SourceError(f"the encryption settings {what}", code="damaged", where=file)


def read_u32(data: bytes, at: int, file: str) -> int:
    """A number of the encryption settings, which may be cut off."""
    if at + 4 > len(data):
        raise malformed(file, "are cut off")
    return struct.unpack_from("<I", data, at)[0]
