"""Protected files: which cipher a file's pages need, and whether the password is right.

Three kinds, told apart by the first page: a Jet file "encoded" with a key that stands in the file; a
Jet file with a database password, whose pages are plain; an ACE file encrypted by the rules of Office
documents (:mod:`.office`).
"""

from __future__ import annotations

import hmac

import numpy as np

from idbmigrate.access.codepages import code_page_codec
from idbmigrate.access.header import Header
from idbmigrate.access.protection.base import PageCipher, needed, page_keys, wrong
from idbmigrate.access.protection.rc4 import rc4_pages


class JetCipher:
    """RC4 with the file's key, the page number mixed in; no password is needed."""

    def __init__(self, key: int):
        self._key = key

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray:
        return rc4_pages(page_keys(self._key, numbers), pages)


def make_cipher(header: Header, first_page: bytes, password: str | None, file: str) -> PageCipher | None:
    """The cipher for a protected file's pages, None if they are plain.

    Raises SourceError ``password-needed``, ``wrong-password`` or ``unsupported-version``. Neither the
    password nor anything derived from it is in the error.
    """
    if header.ace:
        if not header.key:
            return None
        from idbmigrate.access.protection.office import open_office_cipher

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
