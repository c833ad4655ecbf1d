"""What every cipher of a file's pages has in common: its face, the keys of pages, the errors."""

from __future__ import annotations

import struct
from typing import Protocol

import numpy as np

from idbmigrate.errors import SourceError

_HINT = "give it with --password (password=) or in the environment variable IDBMIGRATE_PASSWORD"


class PageCipher(Protocol):
    """Decrypts pages, by their numbers (int64 array) and bytes (uint8, shape (pages, page size))."""

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray: ...


def page_keys(key: int, numbers: np.ndarray) -> np.ndarray:
    """The four bytes that differ from page to page: the file's key XOR the page number."""
    mixed = np.uint32(key) ^ numbers.astype(np.uint32)
    return mixed.astype("<u4").view(np.uint8).reshape(len(numbers), 4)


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
