"""access-parser, an independent pure Python reader, as a second opinion. Its faults: :mod:`.faults`."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from idbmigrate.errors import SourceError, UsageError
from idbmigrate.readers.second import Cells, Fault, SecondColumn, SecondReader, decimal_of, to_arrow

_TYPES = {
    1: "BOOLEAN",
    2: "BYTE",
    3: "INT",
    4: "LONG",
    5: "MONEY",
    6: "FLOAT",
    7: "DOUBLE",
    8: "SHORT_DATE_TIME",
    9: "BINARY",
    10: "TEXT",
    11: "OLE",
    12: "MEMO",
    15: "GUID",
    16: "NUMERIC",
    18: "COMPLEX_TYPE",
    19: "BIG_INT",
    20: "EXT_DATE_TIME",
}
_EPOCH = datetime(1970, 1, 1)
_ZERO_DATE = datetime(1899, 12, 30)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def open_reader(
    path: str | os.PathLike[str], password: str | None = None, salvage: bool = False
) -> AccessParserIdb:
    """Open a file with access-parser. It knows neither passwords nor salvage."""
    if password is not None or salvage:
        raise UsageError("access-parser cannot open protected or damaged files", code="bad-option")
    return AccessParserIdb(path)


class AccessParserIdb(SecondReader):
    """A file as access-parser reads it."""

    reader = "access-parser"

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path)
        try:
            from access_parser import AccessParser
        except ImportError:
            raise SourceError(
                "access-parser is not installed", code="reader-unavailable", hint="pip install access-parser"
            ) from None
        # Its log messages quote the bytes of records: they must never be seen.
        logging.getLogger("access_parser").setLevel(logging.CRITICAL + 1)
        with _own_errors(self.path.name, "the file"):
            self._parser = AccessParser(str(path))
        self.tables = [name for name in self._parser.catalog if name != "MSysObjects"]

    def row_count(self, table: str) -> int:
        """How many rows the table definition declares."""
        return self._table(table).table_header.number_of_rows

    def columns(self, table: str) -> list[SecondColumn]:
        """The columns of a table in the file's order."""
        raw_columns = self._table(table).columns
        with _own_errors(self.path.name, f"table {table}"):
            return self._described(raw_columns)

    def _described(self, raw_columns: Mapping[Any, Any]) -> list[SecondColumn]:
        found = []
        for raw in sorted(raw_columns.values(), key=lambda c: c.column_id):
            kind = _TYPES.get(raw.type)
            if kind is None:
                kind = "UNSUPPORTED_FIXEDLEN" if raw.column_flags.fixed_length else "UNSUPPORTED_VARLEN"
            various = raw.various if kind == "NUMERIC" else None
            precision, scale = (various.prec, various.scale) if various is not None else (0, 0)
            found.append(
                SecondColumn(raw.col_name_str, kind, self._length(kind, raw.length), precision, scale)
            )
        return found

    def _length(self, kind: str, length: int) -> int:
        if kind == "TEXT":
            return length // (1 if self._parser.version == 3 else 2)
        if kind in ("MEMO", "OLE"):
            return 0
        return 1 if kind == "BOOLEAN" else length

    def cells(self, table: str) -> Cells:
        """The whole table; see :class:`~idbmigrate.readers.second.Cells`."""
        columns = self.columns(table)
        with _own_errors(self.path.name, f"table {table}"):
            content = self._table(table).parse()
        lists = [list(content.get(column.name, [])) for column in columns]
        if len({len(values) for values in lists}) > 1:
            return Cells(pa.table({}), uneven=True)
        arrays, faults = [], {}
        for column, values in zip(columns, lists):
            array, bad = to_arrow(column, [_value(column, value) for value in values])
            arrays.append(array)
            if bad:
                faults[column.name] = bad
        return Cells(pa.Table.from_arrays(arrays, names=[c.name for c in columns]), faults)

    def _table(self, name: str) -> Any:
        if name not in self._parser.catalog:
            raise UsageError(f"there is no table {name!r}", code="unknown-name", where=self.path.name)
        with _own_errors(self.path.name, f"table {name}"):
            return self._parser.get_table(name)


class _own_errors:
    """Turns whatever access-parser raises into one error that names the kind of exception, no data."""

    def __init__(self, file: str, what: str):
        self._file, self._what = file, what

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None or not issubclass(kind, Exception):
            return
        raise SourceError(
            f"access-parser stops with {kind.__name__} on {self._what}", code="damaged", where=self._file
        ) from None


def _value(column: SecondColumn, value: Any) -> Any:
    """One cell in the form that :func:`to_arrow` takes."""
    if value is None:
        return None
    convert = _CONVERT.get(column.type)
    if convert is not None:
        return convert(column, value)
    if isinstance(value, (int, float, bool)) and column.type in _PLAIN:
        return value
    return Fault("type-unknown" if value == "" else "not-of-the-type")


_PLAIN = {"BOOLEAN", "INT", "LONG", "FLOAT", "DOUBLE", "COMPLEX_TYPE"}


def _byte(column: SecondColumn, value: Any) -> Any:
    return value if value >= 0 else Fault("byte-sign")


def _money(column: SecondColumn, value: Any) -> Any:
    return decimal_of(value, 4) if isinstance(value, int) else Fault("money-format")


def _numeric(column: SecondColumn, value: Any) -> Any:
    """Digits with a point that may be misplaced, but all digits; or the 17 bytes as they are."""
    if isinstance(value, bytes) and len(value) == 17:
        words = [value[i : i + 4][::-1] for i in (1, 5, 9, 13)]
        digits = int.from_bytes(b"".join(words), "big")
        return decimal_of(-digits if value[0] else digits, column.scale)
    if isinstance(value, str) and value.replace(".", "").lstrip("-").isdigit():
        return decimal_of(int(value.replace(".", "")), column.scale)
    return Fault("not-of-the-type")


def _date(column: SecondColumn, value: Any) -> Any:
    if value == "(Empty Date)":
        moment = _ZERO_DATE
    else:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return Fault("date-range")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _text(column: SecondColumn, value: Any) -> Any:
    return value if isinstance(value, str) else Fault("not-of-the-type")


def _guid(column: SecondColumn, value: Any) -> Any:
    if isinstance(value, str) and _GUID.fullmatch(value):
        return "{" + value.upper() + "}"
    return Fault("not-of-the-type")


def _binary(column: SecondColumn, value: Any) -> Any:
    if value == "":
        return b""
    return value if isinstance(value, bytes) else Fault("not-of-the-type")


_CONVERT = {
    "BYTE": _byte,
    "MONEY": _money,
    "NUMERIC": _numeric,
    "SHORT_DATE_TIME": _date,
    "TEXT": _text,
    "MEMO": _text,
    "GUID": _guid,
    "BINARY": _binary,
    "OLE": _binary,
}
