"""Arrow tables in the canonical form of the truth files, for comparison cell by cell.

The form: ``null``; numbers of the integer types and true/false as they are; ``s:`` text and memo;
``n:`` plain decimal without trailing zeros; ``d:`` and ``f:`` the bits of doubles and singles in
hexadecimal; ``t:`` date and time to the millisecond; ``g:`` GUID; ``sha1:digest:length`` of binary;
``complex`` for the key of a complex column. ``?`` marks a value that the other library could not name.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa


@dataclass
class TruthTable:
    """One table of a truth file; ``error``: the other library could not read it (a linked table)."""

    name: str
    columns: list[list] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    error: str | None = None


def load_truth(path: Path) -> dict[str, TruthTable]:
    tables: dict[str, TruthTable] = {}
    current = None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            content = json.loads(line)
            if isinstance(content, list):
                current.rows.append(content)
            elif "cols" in content:
                current = tables[content["t"]] = TruthTable(content["t"], content["cols"])
            elif "t" in content:
                tables[content["t"]] = TruthTable(content["t"], error=content["err"])
            else:
                current.error = content["err"]
    return tables


def canonical_column(array: pa.ChunkedArray, access_type: str) -> list:
    """A column's cells in the form of the truth files."""
    if access_type == "SHORT_DATE_TIME" or access_type == "EXT_DATE_TIME":
        import numpy as np

        unit = "ms"
        values = np.asarray(array.to_numpy()).astype("datetime64[ms]")
        texts = np.datetime_as_string(values, unit=unit)
        return [None if text == "NaT" else f"t:{text}" for text in texts.tolist()]
    form = _FORMS.get(access_type, lambda value: value)
    return [None if value is None else form(value) for value in array.to_pylist()]


def _decimal(value) -> str:
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "n:" + ("0" if text == "-0" else text)


def _binary(value: bytes) -> str:
    return f"sha1:{hashlib.sha1(value).hexdigest()}:{len(value)}"


_FORMS = {
    "TEXT": lambda v: f"s:{v}",
    "MEMO": lambda v: f"s:{v}",
    "GUID": lambda v: f"g:{v}",
    "MONEY": _decimal,
    "NUMERIC": _decimal,
    "DOUBLE": lambda v: "d:" + format(struct.unpack("<Q", struct.pack("<d", v))[0], "x"),
    "FLOAT": lambda v: "f:" + format(struct.unpack("<I", struct.pack("<f", v))[0], "x"),
    "BINARY": _binary,
    "OLE": _binary,
    "COMPLEX_TYPE": lambda v: "complex",
}


def same(mine, truth) -> bool:
    """Whether a cell equals the truth.

    Two marks of the truth files are no values: ``?`` (a type that the other library has no name for)
    and U+FFFD in Access 97 files, whose Windows-1252 bytes the other library took for UTF-8. The
    latter is undone, so that these cells are compared to the last byte too.
    """
    if isinstance(truth, str) and truth.startswith("?"):
        return mine is not None
    if isinstance(truth, str) and "\ufffd" in truth and isinstance(mine, str):
        raw = b"".join(c.encode("latin-1" if "\x80" <= c <= "\x9f" else "cp1252", "replace") for c in mine)
        mine = raw.decode("utf-8", "replace")
    return type(mine) is type(truth) and mine == truth


def compare(table: pa.Table, columns: list, truth: TruthTable) -> list[str]:
    """The differences between a table as read and the truth, as text; empty if there are none."""
    shape = [[c.name, c.type, c.length] for c in columns]
    if shape != truth.columns:
        return [f"columns: {shape} is not {truth.columns}"]
    if table.num_rows != len(truth.rows):
        return [f"{table.num_rows} rows, not {len(truth.rows)}"]
    found = []
    for index, column in enumerate(columns):
        for row, value in enumerate(canonical_column(table.column(index), column.type)):
            if not same(value, truth.rows[row][index]):
                found.append(f"{column.name} row {row}: {value!r} is not {truth.rows[row][index]!r}")
    return found
