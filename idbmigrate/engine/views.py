"""A DuckDB file that holds no row, only views on Parquet files beside it, with comments."""

from __future__ import annotations

import errno
import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

#: Where DuckDB keeps a number of chance in the first block of a file, whose first 8 bytes are its checksum.
_CHANCE, _BLOCK, _CHECKSUM = slice(124, 140), 4096, 8
_FACTOR, _START = np.uint64(0xBF58476D1CE4E5B9), np.uint64(5381)


@dataclass(frozen=True)
class View:
    """A view on the Parquet files of a folder with folders ``month=...``; its comment, its columns' too."""

    name: str
    comment: str
    columns: Mapping[str, str]


def write_views(path: Path, views: Sequence[View]) -> None:
    """Write ``path`` with views on the folders of their names beside it; the same views give the same bytes.

    The views name the files from the folder of ``path``: who uses them stands in it, or sets
    ``file_search_path``. Raises OSError where the file cannot be written.
    """
    safe: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "threads": 1,
        "file_search_path": str(path.parent),
    }
    try:
        connection = duckdb.connect(str(path), config=safe)
        try:
            for view in views:
                for statement in _statements(view):
                    connection.execute(statement)
        finally:
            connection.close()
    except duckdb.Error as error:
        free = shutil.disk_usage(path.parent).free
        number = errno.EFBIG if free > 1 << 20 else errno.ENOSPC
        raise OSError(number, os.strerror(number), str(path)) from error
    _without_chance(path)


def _statements(view: View) -> list[str]:
    name = _quoted(view.name)
    files = _text(f"{view.name}/*/*.parquet")
    made = [
        f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files}, hive_partitioning = true, "
        "hive_types = {'month': VARCHAR})",
        f"COMMENT ON VIEW {name} IS {_text(view.comment)}",
    ]
    columns = view.columns.items()
    return made + [f"COMMENT ON COLUMN {name}.{_quoted(c)} IS {_text(words)}" for c, words in columns]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _without_chance(path: Path) -> None:
    """Put zeros where DuckDB writes a number of chance, so that the same views give the same bytes.

    A file whose first block is not as expected, that of a later version perhaps, stays as it is.
    """
    with open(path, "r+b") as file:
        block = bytearray(file.read(_BLOCK))
        if len(block) < _BLOCK or _checksum(block) != struct.unpack_from("<Q", block)[0]:
            return
        block[_CHANCE] = bytes(16)
        struct.pack_into("<Q", block, 0, _checksum(block))
        file.seek(0)
        file.write(block)


def _checksum(block: bytearray) -> int:
    """DuckDB's checksum over a block without its first 8 bytes."""
    words = np.frombuffer(bytes(block[_CHECKSUM:]), np.uint64)
    return int(_START ^ np.bitwise_xor.reduce(words * _FACTOR))
