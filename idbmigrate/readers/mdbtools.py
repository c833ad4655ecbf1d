"""mdbtools, the C programs, as a second opinion where they are installed. Faults: :mod:`.faults`."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from idbmigrate.errors import SourceError, UsageError
from idbmigrate.readers.second import Cells, Fault, SecondColumn, SecondReader, to_arrow

#: What stands for a null: a string that no sane value holds.
_NULL = "\x02NULL\x03"
_SECONDS = 1800
_EPOCH = datetime(1970, 1, 1)
_TYPES = {
    "Boolean": "BOOLEAN",
    "Byte": "BYTE",
    "Integer": "INT",
    "Long Integer": "LONG",
    "Currency": "MONEY",
    "Single": "FLOAT",
    "Double": "DOUBLE",
    "DateTime": "SHORT_DATE_TIME",
    "Binary": "BINARY",
    "Text": "TEXT",
    "OLE": "OLE",
    "Memo/Hyperlink": "MEMO",
    "Replication ID": "GUID",
    "Numeric": "NUMERIC",
    "Unknown_0012": "COMPLEX_TYPE",
}
_COLUMN = re.compile(
    r"^\s*\[(?P<name>.+)\]\t+(?P<type>[\w/ ]+?)(?: \((?P<a>\d+)(?:, (?P<b>\d+))?\))?(?: NOT NULL)?,? *$"
)


def open_reader(
    path: str | os.PathLike[str], password: str | None = None, salvage: bool = False
) -> MdbToolsIdb:
    """Open a file with mdbtools. It knows neither passwords nor salvage."""
    if password is not None or salvage:
        raise UsageError("mdbtools cannot open protected or damaged files", code="bad-option")
    return MdbToolsIdb(path)


class MdbToolsIdb(SecondReader):
    """A file as mdb-export reads it."""

    reader = "mdbtools"

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path)
        self.tables = self._run("mdb-tables", "-1", str(path)).split("\n")[:-1]

    def row_count(self, table: str) -> int:
        """How many rows the table definition declares."""
        return int(self._run("mdb-count", str(self.path), table))

    def columns(self, table: str) -> list[SecondColumn]:
        """The columns of a table, in the order in which mdb-schema prints them."""
        bare = ("--no-indexes", "--no-relations", "-T", table)
        lines = self._run("mdb-schema", *bare, str(self.path), "access")
        found = []
        for line in lines.split("\n"):
            match = _COLUMN.match(line)
            if match:
                kind = _TYPES.get(match["type"], "UNSUPPORTED_VARLEN")
                size, scale = int(match["a"] or 0), int(match["b"] or 0)
                precision, length = (size, 17) if kind == "NUMERIC" else (0, size)
                found.append(SecondColumn(match["name"], kind, length, precision, scale))
        return found

    def cells(self, table: str) -> Cells:
        """The whole table; see :class:`~idbmigrate.readers.second.Cells`."""
        stamp = "%Y-%m-%d %H:%M:%S"
        options = ("-b", "hex", "-0", _NULL, "-D", stamp, "-T", stamp)
        text = self._run("mdb-export", *options, str(self.path), table)
        columns = {column.name: column for column in self.columns(table)}
        csv.field_size_limit(2**30)
        lines = csv.reader(io.StringIO(text, newline=""))
        names = next(lines)
        rows = [row for row in lines if row]
        if any(len(row) != len(names) for row in rows):
            return Cells(pa.table({}), uneven=True)
        arrays, faults = [], {}
        for index, name in enumerate(names):
            column = columns.get(name, SecondColumn(name, "UNSUPPORTED_VARLEN", 0))
            array, bad = to_arrow(column, [_value(column, row[index]) for row in rows])
            arrays.append(array)
            if bad:
                faults[name] = bad
        return Cells(pa.Table.from_arrays(arrays, names=names), faults)

    def _run(self, program: str, *arguments: str) -> str:
        if shutil.which(program) is None:
            raise SourceError(
                f"{program} is not installed", code="reader-unavailable", hint="install the mdbtools package"
            )
        try:
            done = subprocess.run([program, *arguments], capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise SourceError(f"{program} did not end", code="damaged", where=self.path.name) from None
        if done.returncode:
            raise SourceError(f"{program} stops with {done.returncode}", code="damaged", where=self.path.name)
        return done.stdout.decode("utf-8", "surrogateescape")


def _value(column: SecondColumn, value: str) -> Any:
    """One cell in the form that :func:`to_arrow` takes."""
    if value == _NULL:
        return None
    try:
        convert = _CONVERT.get(column.type)
        return Fault("type-unknown") if convert is None else convert(value)
    except (ValueError, InvalidOperation):
        return Fault("not-of-the-type")


def _date(value: str) -> int | Fault:
    try:
        return (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)
    except ValueError:
        return Fault("date-range")


def _guid(value: str) -> str:
    """mdb-export prints the text of a GUID in hexadecimal, without its last dash."""
    text = value if value.startswith("{") else bytes.fromhex(value).decode("ascii")
    digits = "".join(c for c in text.upper() if c in "0123456789ABCDEF")
    if len(digits) != 32:
        raise ValueError("not a GUID")
    return "{" + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) + "}"


def _text(value: str) -> str | Fault:
    try:
        value.encode()
    except UnicodeEncodeError:
        return Fault("text-encoding")
    return value


_CONVERT: dict[str, Callable[[str], Any]] = {
    "BOOLEAN": lambda v: v != "0",
    "BYTE": int,
    "INT": int,
    "LONG": int,
    "BIG_INT": int,
    "COMPLEX_TYPE": int,
    "MONEY": Decimal,
    "NUMERIC": Decimal,
    "FLOAT": float,
    "DOUBLE": float,
    "SHORT_DATE_TIME": _date,
    "TEXT": _text,
    "MEMO": _text,
    "GUID": _guid,
    "BINARY": bytes.fromhex,
    "OLE": bytes.fromhex,
}
