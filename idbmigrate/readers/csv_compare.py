"""The second opinion on a folder of CSV: Python's own ``csv``, row by row, against whole columns."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pyarrow as pa

from idbmigrate.readers.comparison import Comparison, Difference, TableResult
from idbmigrate.readers.csv_rows import MAX_VALUE
from idbmigrate.readers.csv_source import NULL, CsvIdb

SECOND = "python-csv"
_CODECS = {"ascii": "utf-8-sig", "utf-8": "utf-8-sig"}


def compare_csv(path: str | os.PathLike[str], password: str | None, raw: bool, limit: int) -> Comparison:
    """Read each file of a folder of CSV twice and compare lines, columns and cells.

    The second reader cannot tell an empty value from a missing one: the two count as equal. ``raw`` and
    ``limit`` are those of :func:`~idbmigrate.readers.compare.compare_readers`.
    """
    results = []
    with CsvIdb(path, password) as idb:
        for name in idb.tables:
            table, lines = idb.read_with_ids(name)
            result = TableResult(name, idb.row_count(name), table.num_rows)
            header, rows, numbers = _second(idb, name)
            result.other_rows = len(rows)
            results.append(result)
            if header != table.column_names:
                result.add(Difference("column", name, other="other names"), limit)
            if numbers != lines.tolist():
                result.add(Difference("rows", name, native=f"{len(lines)}", other=f"{len(rows)}"), limit)
            if not result.unexplained:
                _cells(result, table, rows, numbers, raw, limit)
    return Comparison(Path(path).name, SECOND, results)


def _second(idb: CsvIdb, name: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Names, rows and the line on which each row begins, as Python reads them."""
    facts = idb.facts(name)
    encoding = _CODECS.get(facts.encoding, facts.encoding)
    text = idb.content(name).decode(encoding).removeprefix("\ufeff")
    csv.field_size_limit(MAX_VALUE + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=facts.delimiter, strict=True)
    header: list[str] | None = None
    rows: list[list[str]] = []
    numbers, line = [], 1
    for row in reader:
        if header is None:
            header = [each.strip() for each in row] or None
        elif row or len(header) == 1:
            rows.append(row or [""])
            numbers.append(line)
        line = reader.line_num + 1
    return header or [], rows, numbers


def _cells(
    result: TableResult, table: pa.Table, rows: list[list[str]], numbers: list[int], raw: bool, limit: int
) -> None:
    for at, name in enumerate(table.column_names):
        result.cells += len(rows)
        for row, (mine, its) in enumerate(zip(table[name].to_pylist(), (r[at] for r in rows), strict=True)):
            if (mine or "") != its and not (mine is None and its == NULL):
                values = {"native": mine, "other": its} if raw else None
                words = ("missing" if mine is None else f"{len(mine)} characters", f"{len(its)} characters")
                found = Difference("cell", result.name, name, numbers[row], None, *words, raw=values)
                result.add(found, limit)
