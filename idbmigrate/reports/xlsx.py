"""The report as a workbook with the sheets that providers know.

openpyxl makes the workbook: its styles, and its sheets with their headings. The rows under a heading
join their sheet as text when the workbook is saved, since as objects, cell by cell, thousands of
findings take longer than checking them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pyarrow as pa
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from idbmigrate.reports import cells
from idbmigrate.reports.document import counted
from idbmigrate.reports.overlay import overlay_lines
from idbmigrate.words import EFFECTS

#: Rows that the sheet Error Data holds at most, the gravest first: findings.csv has all.
MAX_ROWS = 5_000

_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")
_ROWS_END = b"</sheetData>"
_ERROR_DATA = ("code", "effect", "kind", "table", "row", "reference", "column", "value", "message", "follows")


def write(document: Mapping[str, Any], path: Path, findings: pa.Table | None = None) -> Path:
    """Write the workbook and return its path.

    ``findings`` fills the sheet Error Data; without it, and in a document for sharing, the sheet says
    that it is left out. Raises ``OSError`` where the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheets = {
        "Summary": (["Item", "Value"], _summary(document), [34, 90]),
        "Error Summary": _error_summary(document),
        "Error Data": _error_data(None if document["shared"] else findings),
        "Ledger": _ledger(document),
        **({"Whose record": _keys(document)} if document.get("keys") else {}),
        "Unmapped codes": _unmapped(document),
        "Coverage": _coverage(document),
    }
    return write_sheets(sheets, path)


#: A sheet: its headings, its lines, the widths of its columns in characters.
Sheet = tuple[Sequence[str], Iterable[Sequence[Any]], Sequence[int]]


def write_sheets(sheets: Mapping[str, Sheet], path: Path) -> Path:
    """Write sheets, by title, as a workbook, and return its path."""
    book = Workbook(write_only=True)
    rows = {}
    for title, (head, lines, widths) in sheets.items():
        sheet = _headed(book, title, head, widths)
        rows[title] = cells.rows(lines, 2, partial(_marked_style, sheet))
    _save(book, rows, path)
    return path


def _headed(book: Any, title: str, head: Sequence[str], widths: Sequence[int]) -> Any:
    """A new sheet with its first row, which stays in sight."""
    sheet = book.create_sheet(title)
    for place, width in enumerate(widths):
        sheet.column_dimensions[chr(65 + place)].width = width
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    header = []
    for name in head:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = bold
        header.append(cell)
    sheet.append(header)
    return sheet


def _marked_style(sheet: Any) -> int:
    """The number of the style of texts that Excel must not take for formulas."""
    cell = WriteOnlyCell(sheet)
    cell.quotePrefix = True
    return cell.style_id


def _summary(document: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    yield "Report", document["title"]
    yield "idbmigrate", document["tool_version"]
    if document["shared"]:
        yield (
            "For sharing",
            "no identifiers or values; counts below 5 suppressed, others rounded to the nearest 5",
        )
    if document["input"]:
        yield "File", document["input"]["file"]
        yield "SHA-256", document["input"]["sha256"]
    if document["identification"]:
        yield "Found to be", document["identification"]["dataset"]
    if document["mapping"] or not document["identification"]:
        yield "Target", document["target"]["dataset"]
    if period := (document["settings"] or {}).get("period"):
        yield "Month that reasons, keys, codes and counts speak of", period
    for line in document["not_read"]:
        yield f"Not read: {line['what']}", line["why"] + counted(line)
    yield "What it is good for", document["use"]
    if result := document["fate"]:
        yield "Fate of a submission", result["words"]
        yield "Codes that reject the file", ", ".join(result["file_codes"])
        yield "Codes that reject records", ", ".join(result["rejecting_codes"])
    for effect, count in document["findings"].items():
        yield f"Findings: {effect}", count
    for line in document["flow"]["sources"]:
        yield f"Rows in: {line['table']}", line["rows"]
    for line in document["flow"]["targets"]:
        yield f"Rows out: {line['table']}", line["rows"]
    yield from overlay_lines(document["settings"])
    for name, value in sorted((document["settings"] or {}).get("parameters", {}).items()):
        yield f"Setting: {name}", value


def _error_summary(document: Mapping[str, Any]) -> Sheet:
    head = [
        "Rule",
        "Effect",
        "Kind",
        "Table",
        "Column",
        "Comes from",
        "Count",
        "Message",
        "Example",
        "What to do",
    ]
    rows = [
        [
            line["code"] or "",
            line["effect"],
            line["kind"],
            line["table"] or "",
            line["column"] or "",
            ", ".join(line["origin"]),
            line["count"],
            line["message"],
            line["example"],
            line["do"],
        ]
        for line in document["root_causes"]
    ]
    return head, rows, [12, 10, 12, 30, 28, 36, 10, 60, 24, 60]


def _error_data(findings: pa.Table | None) -> Sheet:
    head = [
        "Rule",
        "Effect",
        "Kind",
        "Table",
        "Row",
        "Reference",
        "Column",
        "Value",
        "Message",
        "Follows from another",
    ]
    widths = [12, 10, 12, 30, 10, 28, 28, 20, 60, 10]
    if findings is None:
        return head, [["", "", "", "", None, "", "", "", "Left out of a report that is shared", ""]], widths
    shown = findings.take(_gravest_first(findings))
    rows = list(zip(*(_values(shown[name]) for name in _ERROR_DATA)))
    rest = findings.num_rows - len(rows)
    if rest > 0:
        rows.append(("", "", "", "", None, "", "", "", f"{rest:,} more findings are in findings.csv", ""))
    return head, rows, widths


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A column as Python values; texts, which are the most, without a scalar object for each."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        return column.cast(pa.string()).to_numpy().tolist()
    return column.to_pylist()


def _gravest_first(findings: pa.Table) -> pa.Array:
    """Numbers of the first findings to show: file, group, record, warning, each in the order of the rules."""
    effects = findings["effect"].dictionary_encode().combine_chunks()
    numbers = effects.indices.to_numpy()
    words = effects.dictionary.to_pylist()
    rows = [np.flatnonzero(numbers == words.index(effect)) for effect in reversed(EFFECTS) if effect in words]
    return pa.array(np.concatenate([np.empty(0, np.int64), *rows])[:MAX_ROWS])


def _ledger(document: Mapping[str, Any]) -> Sheet:
    head = ["Table", "Column", "In", "Carried", "Rejected", "Dropped", "Less exactly", "Reasons"]
    ledger = document["ledger"] or {"lines": []}
    rows = [
        [
            line["table"],
            line["column"] or "(rows)",
            line["in"],
            line["carried"],
            line["rejected"],
            line["dropped"],
            line["less_exactly"],
            ", ".join(f"{word}: {count}" for word, count in line["reasons"].items()),
        ]
        for line in ledger["lines"]
    ]
    return head, rows, [28, 28, 12, 12, 12, 12, 12, 80]


def _keys(document: Mapping[str, Any]) -> Sheet:
    head = ["Source table", "Source column", "Rows", "Finding", "Meaning"]
    names = ("table", "column", "rows", "finding", "meaning")
    rows = [[line[name] for name in names] for line in document["keys"]]
    return head, rows, [24, 24, 10, 32, 80]


def _unmapped(document: Mapping[str, Any]) -> Sheet:
    head = ["Source table", "Source column", "Code", "Target column", "Values", "Reason", "Meaning"]
    rows = [
        [each[name] for name in ("table", "column", "code", "target", "count", "reason", "meaning")]
        for each in document["unmapped"]
    ]
    return head, rows, [24, 24, 16, 44, 10, 18, 70]


def _coverage(document: Mapping[str, Any]) -> Sheet:
    head = [
        "Rule",
        "Effect",
        "Kind",
        "Table",
        "Columns",
        "State",
        "Fails when",
        "Why not checked",
        "Note",
        "Published",
    ]
    rules = (document["coverage"] or {"rules": []})["rules"]
    rows = [
        [
            each["code"],
            each["effect"],
            each["kind"],
            each["table"] or "",
            ", ".join(each["columns"]),
            each["state"],
            each["fails_when"] or "",
            each["because"] or "",
            each["note"] or "",
            each["published"],
        ]
        for each in rules
    ]
    return head, rows, [12, 10, 12, 30, 40, 14, 70, 20, 60, 10]


def _save(book: Any, rows: Mapping[str, bytes], path: Path) -> None:
    """Write the workbook with the rows of each sheet, by its title.

    Not a word on when it was made, so that the same run gives the same bytes.
    """
    made = BytesIO()
    book.save(made)
    parts = {sheet.path.lstrip("/"): rows[sheet.title] for sheet in book.worksheets}
    with ZipFile(made) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _MOMENT.sub(b"2000-01-01T00:00:00Z", content)
            elif name in parts:
                content = content.replace(_ROWS_END, parts[name] + _ROWS_END)
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            new.writestr(entry, content)
