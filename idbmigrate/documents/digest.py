"""What tells one version of a description from another."""

from __future__ import annotations

import hashlib
import os


def digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a text file in hex, whatever the line ends of a checkout."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()
