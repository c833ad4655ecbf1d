"""A folder of CSV, or a zip of it, behind the face of all readers: a table a file, every value text.

What ``mdb-export``, extracts of SQL Server and exports of suppliers leave. The row of a value is known by the
line of its file on which it begins. What cannot be told for certain is an error that names file and line.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from idbmigrate.access import Problem
from idbmigrate.access.read.damage import Loss
from idbmigrate.access.read.unread import UnreadColumn
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.readers import csv_files
from idbmigrate.readers.base import FileFacts, RowReference
from idbmigrate.readers.csv_rows import MAX_COLUMNS, MAX_ROW, Rows, find_rows
from idbmigrate.readers.csv_text import as_utf8, sniffed

#: The type of every column: a CSV file says of none what it is.
CSV_TEXT = "CSV"
DELIMITERS = ",;\t|"
#: What an extract of SQL Server writes for a value that is missing.
NULL = "NULL"
#: Bytes in which the header of a file must end.
_HEAD = 256 << 10
_SALVAGE_HINT = "--salvage (salvage=True) leaves such rows out and lists them"


@dataclass(frozen=True)
class CsvColumn:
    """A column: its name, ``CSV``, and no length, as none is told."""

    name: str
    type: str = CSV_TEXT
    length: int = 0


@dataclass(frozen=True)
class _Content:
    """A whole file: text as UTF-8, its rows, and the names of its columns."""

    text: bytes
    rows: Rows
    names: list[str]


def open_reader(path: str | os.PathLike[str], password: str | None = None, salvage: bool = False) -> CsvIdb:
    """Open a folder of CSV or a zip of it."""
    return CsvIdb(path, password, salvage)


class CsvIdb:
    """:class:`~idbmigrate.readers.base.Idb` over CSV files; ids of rows are line numbers.

    ``salvage``: rows with more or fewer values than the header has names are left out and listed in
    ``problems``; without it the first one raises SourceError ``csv-ragged``. Other faults raise always.
    """

    reader = "csv"
    row_reference: RowReference = "line"

    def __init__(self, path: str | os.PathLike[str], password: str | None = None, salvage: bool = False):
        self._source = csv_files.open_source(path, password)
        self._files = {file.table: file for file in self._source.tables}
        self._salvage, self._columns = salvage, dict[str, list[str]]()
        self._facts: dict[str, FileFacts] = {}
        self.name = Path(path).name
        self.problems: list[Problem] = []
        self.linked_tables: list[Any] = []

    @property
    def tables(self) -> list[str]:
        """Names of the files without their endings, sorted."""
        return list(self._files)

    @property
    def other_files(self) -> list[str]:
        """What lies beside the tables and is not read."""
        return list(self._source.others)

    def content(self, table: str) -> bytes:
        """The bytes of a file, as it lies there."""
        return self._file(table).load(None)

    def facts(self, table: str) -> FileFacts:
        """How a file is written; it is read for that, unless it was already."""
        if table not in self._facts:
            self._load(table)
        return self._facts[table]

    def columns(self, table: str) -> list[CsvColumn]:
        """The columns, in the order of the header."""
        if table not in self._columns:
            self._columns[table] = self._header(table)
        return [CsvColumn(name) for name in self._columns[table]]

    def row_count(self, table: str) -> int:
        """How many rows stand below the header, those of the wrong width among them."""
        return self.facts(table).rows

    def unread_columns(self) -> list[UnreadColumn]:
        """None: a value of a CSV file is one value."""
        return []

    def several_values(self, table: str, column: str) -> pa.Table | None:
        """None: a value of a CSV file is one value."""
        return None

    @property
    def losses(self) -> list[Loss]:
        """How many rows of each table ``salvage`` left out."""
        counted = Counter(problem.table for problem in self.problems)
        return [Loss(table, None, count) for table, count in counted.items() if table]

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """A whole table, or some of its columns, all ``string``. Raises SourceError with file and line."""
        return self.read_with_ids(table, columns)[0]

    def read_with_ids(self, table: str, columns: list[str] | None = None) -> tuple[pa.Table, np.ndarray]:
        """:meth:`read`, and for each row the line of the file on which it begins, from 1."""
        content = self._load(table)
        kept = self._even(table, content)
        made = _parsed(content, self._facts[table].delimiter, self._where(table))
        if made.num_rows != int(kept.sum()):
            raise SourceError(
                "two ways of counting the rows differ", code="csv-ragged", where=self._where(table)
            )
        if columns is not None:
            for name in columns:
                if name not in content.names:
                    raise UsageError(
                        f"there is no column {name!r}", code="unknown-name", where=self._where(table)
                    )
            made = made.select(columns)
        return made, content.rows.lines[1:][kept]

    def close(self) -> None:
        """Let go of the files; tables that were read stay valid."""
        self._source.close()

    def __enter__(self) -> CsvIdb:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- one file ----------------------------------------------------------------------------------

    def _file(self, table: str) -> csv_files.TableFile:
        if table not in self._files:
            raise UsageError(
                f"there is no table {table!r}",
                code="unknown-name",
                where=self.name,
                hint="tables lists those that there are",
            )
        return self._files[table]

    def _where(self, table: str) -> str:
        return f"{self.name}: {self._file(table).name}"

    def _header(self, table: str) -> list[str]:
        """The names of the columns, from the beginning of the file where that is enough."""
        head = self._file(table).load(_HEAD)
        if len(head) == _HEAD:
            head = head[: head.rfind(b"\n") + 1]
        encoding, mark = sniffed(head)
        if (encoding is None or encoding == "utf-8") and head.isascii():
            first = next((line for line in head[len(mark) :].splitlines() if line), b"")
            told = _told(first.decode("ascii"))
            if len(told) < 2 and first.count(b'"') % 2 == 0:
                return _names(first.decode("ascii"), told or ",", self._where(table))
        return self._load(table).names

    def _load(self, table: str) -> _Content:
        """The whole file; how it is written is noted on the way."""
        where = self._where(table)
        text, encoding = as_utf8(self._file(table).load(None), where)
        if not text.strip():
            raise SourceError("the file has no header row", code="empty-file", where=where)
        first = next(line for line in text[:_HEAD].splitlines() if line).decode("utf-8", "replace")
        told = _told(first)
        if len(told) > 1:
            told = _proved(text, told, where)
        delimiter = told or ","
        rows = find_rows(text, delimiter, where)
        end = rows.starts[1] if len(rows.starts) > 1 else len(text)
        names = _names(text[rows.starts[0] : end].decode("utf-8"), delimiter, where)
        if table in self._columns and self._columns[table] != names:
            raise SourceError("its header has changed while it was read", code="csv-header", where=where)
        self._facts[table] = FileFacts(
            table, self._file(table).name, encoding, delimiter, len(rows.starts) - 1
        )
        return _Content(text, rows, names)

    def _even(self, table: str, content: _Content) -> np.ndarray:
        """Which rows have as many values as the header has names; the others are an error or a problem."""
        rows, width = content.rows, len(content.names)
        if rows.doubtful[1:].any():
            line = int(rows.lines[1:][rows.doubtful[1:]][0])
            raise SourceError(
                "a value in quotes goes over lines that would each be a whole row",
                code="csv-quotes",
                where=f"{self._where(table)}: line {line}",
                hint="a quote is lacking or too many: export it again, or take the line break out",
            )
        wrong = rows.widths[1:] != width
        found = zip(rows.lines[1:][wrong].tolist(), rows.widths[1:][wrong].tolist(), strict=True)
        for line, count in found:
            message = f"line {line} has {count} values; the header names {width} columns"
            if not self._salvage:
                raise SourceError(
                    message, code="csv-ragged", where=f"{self._where(table)}: line {line}", hint=_SALVAGE_HINT
                )
            problem = Problem(message, "csv-ragged", table)
            self.problems += [] if problem in self.problems else [problem]
        return ~wrong


def _told(header: str) -> str:
    """The delimiters that stand in a header outside quotes."""
    bare = "".join(header.split('"')[0::2])
    return "".join(each for each in DELIMITERS if each in bare)


def _proved(text: bytes, told: str, where: str) -> str:
    """The one delimiter with which every row has as many values as the header."""
    fits = []
    for each in told:
        try:
            widths = find_rows(text, each, where).widths
        except SourceError:
            continue
        fits += [each] if bool((widths == widths[0]).all()) else []
    if len(fits) != 1:
        shown = " and ".join(repr(each) for each in fits or told)
        words = f"{shown} may both part the values" if fits else f"neither of {shown} parts all rows alike"
        raise SourceError(
            words,
            code="csv-delimiter",
            where=where,
            hint="export it again with commas, and each text in quotes",
        )
    return fits[0]


def _names(header: str, delimiter: str, where: str) -> list[str]:
    """The names in a header; SourceError ``csv-header`` where they are none, or two are alike."""
    line = f"{where}: line 1"
    names = [name.strip() for name in next(csv.reader([header.strip("\r\n")], delimiter=delimiter))]
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"it has more than {MAX_COLUMNS} columns", code="csv-too-large", where=line)
    for number, name in enumerate(names, 1):
        if not any(map(str.isalpha, name)) or name == NULL:
            raise SourceError(
                f"column {number} has no name that begins as one does: perhaps there is no header row",
                code="csv-header",
                where=line,
                hint="export it again with the names of the columns in the first row",
            )
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        first = seen.setdefault(name.casefold(), number)
        if first != number:
            raise SourceError(
                f"columns {first} and {number} have the same name",
                code="csv-header",
                where=line,
                hint="take one of them away, or give it another name",
            )
    return names


def _parsed(content: _Content, delimiter: str, where: str) -> pa.Table:
    """The rows below the header as text. An empty value is missing, ``""`` is empty, ``NULL`` is missing."""
    from pyarrow import csv as arrow_csv

    names, rows = content.names, content.rows
    if len(rows.starts) < 2:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    below = pa.py_buffer(memoryview(content.text)[int(rows.starts[1]) :])
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(below),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=4 * MAX_ROW),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=rows.broken,
                ignore_empty_lines=len(names) > 1,
                invalid_row_handler=lambda row: "skip",  # those are listed already, or ended the reading
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                # Where every value is in quotes, these say nothing of whether one is missing.
                null_values=[NULL] if rows.all_quoted else ["", NULL],
                strings_can_be_null=True,
                quoted_strings_can_be_null=rows.all_quoted,
            ),
        )
    except pa.ArrowException:
        raise SourceError("it cannot be read as a table of text", code="csv-ragged", where=where) from None
