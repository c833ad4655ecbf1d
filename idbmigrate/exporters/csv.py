"""Target tables as CSV for submission.

UTF-8 without a byte order mark; a header row with the exact column names; values exactly as they are,
never escaped for spreadsheets; a null and an empty text are both an empty field. Lines end with a line
feed. A value is quoted only if it holds a comma, a quote or a line end (RFC 4180).
"""

from __future__ import annotations

import csv as python_csv
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from idbmigrate.concurrency import workers
from idbmigrate.datasets.model import Dataset
from idbmigrate.exporters import Job
from idbmigrate.exporters._files import read_table, table_files
from idbmigrate.exporters._text import (
    ROWS,
    WORKERS,
    Create,
    batches,
    content,
    create,
    different,
    holds,
    in_order,
    is_coded,
    plain,
)

#: Dictionaries are written out piece by piece.
DICTIONARIES = True
_SPECIAL = (b'"', b",", b"\n", b"\r")
#: Arrow's writer cuts what it is given itself; the fewer calls, the less it is held up by other threads.
_ROWS = 1 << 16
_PLAIN = arrow_csv.WriteOptions(include_header=False, quoting_style="none", batch_size=ROWS)


def export(tables: Mapping[str, pa.Table], job: Job) -> list[Path]:
    """Write the tables as files of the job's folder."""
    return write(tables, job.folder, job.create)


def write(tables: Mapping[str, pa.Table], folder: Path, create: Create = create) -> list[Path]:
    """Write each table to ``folder/<TABLE>.csv``, empty ones too; return the paths in that order.

    Tables are written side by side: Arrow lets go of the interpreter while it formats.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.csv" for name in tables]
    with workers(WORKERS) as pool:
        list(pool.map(partial(write_file, create=create), tables.values(), paths))
    return paths


def write_file(table: pa.Table, path: Path, create: Create = create) -> None:
    """Write one table with its header row."""
    with create(path) as file:
        write_table(table, file)


def write_parts(
    names: Iterable[str], parts: Iterable[Callable[[], pa.Table]], path: Path, create: Create = create
) -> None:
    """Write a table whose parts are made when they are called, so that it is never in memory as a whole."""
    with create(path) as file:
        _write_header(names, file)
        for rows in in_order(_formatted, parts):
            file.write(rows)


def write_table(table: pa.Table, file: Any) -> None:
    """Write one table with its header row to a binary file."""
    _write_header(table.column_names, file)
    for batch in batches(table, _ROWS):
        _write_rows(batch, file)


def _write_header(names: Iterable[str], file: Any) -> None:
    file.write(",".join(_quoted_word(name) for name in names).encode() + b"\n")


def _formatted(part: Callable[[], pa.Table]) -> pa.Buffer:
    rows = pa.BufferOutputStream()
    for batch in batches(part(), _ROWS):
        _write_rows(batch, rows)
    return rows.getvalue()


def _write_rows(batch: pa.RecordBatch, file: Any) -> None:
    special = [holds(different(column), _SPECIAL) for column in batch.columns]
    if any(special) or batch.num_columns == 1:
        file.write(_quoted_rows(batch, special))
    else:  # Arrow's own writer is the fastest; its quoting differs by release
        columns = [column if is_coded(column) else plain(column) for column in batch.columns]
        arrow_csv.write_csv(pa.record_batch(columns, names=batch.schema.names), file, _PLAIN)


def _quoted_rows(batch: pa.RecordBatch, special: list[bool]) -> pa.Buffer:
    """Rows as bytes, with quotes around the values that need them."""
    # a row of one empty field would be an empty line, which readers skip
    empty = '""' if batch.num_columns == 1 else ""
    columns = [
        _quoted_values(column) if needed else column
        for column, needed in zip(map(plain, batch.columns), special, strict=True)
    ]
    if empty:
        columns = [pc.if_else(pc.equal(pc.fill_null(columns[0], ""), ""), empty, columns[0])]
    rows = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
    return content(pc.binary_join_element_wise(rows, "", "\n"))


def _quoted_values(column: pa.StringArray) -> pa.StringArray:
    doubled = pc.replace_substring(column, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(column, '[",\r\n]'), quoted, column)


def _quoted_word(word: str) -> str:
    quoted = word.replace('"', '""')
    return f'"{quoted}"' if any(mark.decode() in word for mark in _SPECIAL) else word


def written(folder: Path, dataset: Dataset) -> list[Path]:
    """The files that hold a table each."""
    return table_files(folder, dataset, ".csv")


def read_back(file: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The table that a file holds; a column that stands twice is refused."""
    return read_table(file, dataset, _header, _read)


def _read(path: Path) -> pa.Table:
    names = _header(path)
    if len(set(names)) != len(names):
        raise KeyError("a column stands twice")
    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _header(path: Path) -> list[str]:
    with open(path, "rb") as file:
        header = file.readline(1 << 20).decode("utf-8-sig").strip("\r\n")
    return next(iter(python_csv.reader([header])), [])
