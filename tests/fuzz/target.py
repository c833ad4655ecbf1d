"""One fuzzed input: patches to a small real file, read in every way. What may come of it is an error of ours.

Fuzzing whole files from nothing would spend its time on the first page. An input is a program of
patches instead: which seed file, salvage or not, then (page, offset, byte) each in five bytes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from idbmigrate.access import open_database
from idbmigrate.errors import SourceError, UsageError

_ROOT = Path(__file__).resolve().parents[2]
_MAX_PATCHES = 64


def load_seeds() -> list[bytes]:
    """The files that are patched: the smallest of each kind in ``sample_idb``."""
    found = sorted((_ROOT / "sample_idb").glob("*.*db"), key=lambda p: p.stat().st_size)
    return [path.read_bytes() for path in found[:4]]


def patched(seeds: list[bytes], data: bytes) -> tuple[bytes, bool]:
    """The file that an input stands for, and whether to salvage."""
    head, body = data[:1] or b"\0", data[1:]
    content = bytearray(seeds[(head[0] >> 1) % len(seeds)])
    pages = len(content) // 4096
    for at in range(0, min(len(body), 5 * _MAX_PATCHES) - 4, 5):
        page = int.from_bytes(body[at : at + 2], "little") % pages
        offset = int.from_bytes(body[at + 2 : at + 4], "little")
        if offset & 0xF000 == 0xF000:  # one patch in sixteen cuts the file
            del content[page * 4096 + (offset & 0xFFF) :]
            break
        content[page * 4096 + (offset & 0xFFF)] = body[at + 4]
    return bytes(content), bool(head[0] & 1)


def one_input(seeds: list[bytes], data: bytes) -> int:
    """Read everything of one patched file; returns the number of rows. Only errors of ours are let by."""
    content, salvage = patched(seeds, data)
    rows = 0
    handle, name = tempfile.mkstemp(suffix=".mdb")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        try:
            with open_database(name, salvage=salvage) as database:
                for table in database.tables:
                    try:
                        read, ids = database.read_with_ids(table)
                    except (SourceError, UsageError):
                        continue
                    read.validate(full=True)
                    assert len(ids) == read.num_rows <= len(content)
                    rows += read.num_rows
        except SourceError:
            pass
    finally:
        os.unlink(name)
    return rows
