"""The report as a workbook with the sheets that providers know. Every cell is text or a count.

A text that starts like a formula stays text: it is written as an inline string, never evaluated, and
marked so that Excel does not take it for one when the cell is edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from idbmigrate.checks.model import EFFECTS

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that the sheet Error Data holds at most, the gravest first: findings.csv has all.
MAX_ROWS = 5_000

_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")
_LONGEST = 32_767
_ERROR_DATA = ("code", "effect", "kind", "table", "row", "reference", "column", "value", "message", "follows")


def write(document: Mapping[str, Any], path: Path, findings: pa.Table | None = None) -> Path:
    """Write the workbook and return its path.

    ``findings`` fills the sheet Error Data; without it, and in a document for sharing, the sheet says
    that it is left out. Raises ``OSError`` where the file cannot be written.
    """
    from openpyxl import Workbook

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(write_only=True)
    _sheet(book, "Summary", ["Item", "Value"], _summary(document), [34, 90])
    _sheet(book, "Error Summary", *_error_summary(document))
    shown = None if document["shared"] else findings
    _sheet(book, "Error Data", *_error_data(shown))
    _sheet(book, "Ledger", *_ledger(document))
    _sheet(book, "Unmapped codes", *_unmapped(document))
    _sheet(book, "Coverage", *_coverage(document))
    _save(book, path)
    return path


def _sheet(
    book: Any, title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], widths: Sequence[int]
) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

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
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> Any:
    """A count as a number, everything else as text that is never a formula."""
    if value is None or isinstance(value, int):
        return value if not isinstance(value, bool) else "yes" if value else "no"
    text = _NOT_ALLOWED.sub("�", str(value))[:_LONGEST]
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


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
    yield "Target", document["target"]["dataset"]
    if fate := document["fate"]:
        yield "Fate of a submission", fate["words"]
        yield "Codes that reject the file", ", ".join(fate["file_codes"])
        yield "Codes that reject records", ", ".join(fate["rejecting_codes"])
    for effect, count in document["findings"].items():
        yield f"Findings: {effect}", count
    for line in document["flow"]["sources"]:
        yield f"Rows in: {line['table']}", line["rows"]
    for line in document["flow"]["targets"]:
        yield f"Rows out: {line['table']}", line["rows"]
    for name, value in sorted((document["settings"] or {}).get("parameters", {}).items()):
        yield f"Setting: {name}", value


def _error_summary(document: Mapping[str, Any]) -> tuple:
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


def _error_data(findings: pa.Table | None) -> tuple:
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
    rows = list(zip(*(shown[name].to_pylist() for name in _ERROR_DATA)))
    rest = findings.num_rows - len(rows)
    if rest > 0:
        rows.append(("", "", "", "", None, "", "", "", f"{rest:,} more findings are in findings.csv", ""))
    return head, rows, widths


def _gravest_first(findings: pa.Table) -> pa.Array:
    """Numbers of the first findings to show: file, group, record, warning, each in the order of the rules."""
    import numpy as np
    import pyarrow as pa

    effects = findings["effect"].cast(pa.string()).to_numpy(zero_copy_only=False)
    rows = [np.flatnonzero(effects == effect) for effect in reversed(EFFECTS)]
    return pa.array(np.concatenate(rows)[:MAX_ROWS])


def _ledger(document: Mapping[str, Any]) -> tuple:
    head = ["Table", "Column", "In", "Carried", "Rejected", "Dropped", "Reasons"]
    ledger = document["ledger"] or {"lines": []}
    rows = [
        [
            line["table"],
            line["column"] or "(rows)",
            line["in"],
            line["carried"],
            line["rejected"],
            line["dropped"],
            ", ".join(f"{word}: {count}" for word, count in line["reasons"].items()),
        ]
        for line in ledger["lines"]
    ]
    return head, rows, [28, 28, 12, 12, 12, 12, 80]


def _unmapped(document: Mapping[str, Any]) -> tuple:
    head = ["Source table", "Source column", "Code", "Target column", "Values", "Reason", "Meaning"]
    rows = [
        [each[name] for name in ("table", "column", "code", "target", "count", "reason", "meaning")]
        for each in document["unmapped"]
    ]
    return head, rows, [24, 24, 16, 44, 10, 18, 70]


def _coverage(document: Mapping[str, Any]) -> tuple:
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


def _save(book: Any, path: Path) -> None:
    """Write the workbook without a word on when it was made, so that the same run gives the same bytes."""
    made = BytesIO()
    book.save(made)
    with ZipFile(made) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _MOMENT.sub(b"2000-01-01T00:00:00Z", content)
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            new.writestr(entry, content)
