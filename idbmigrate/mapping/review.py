"""The workbook for reviewers, and the way back: what they decided becomes an overlay.

The sheet Codes lists every code of every lookup with an empty last column. A reviewer writes the target of
a code there; ``nowhere`` says that it has none. Rows may be added for local codes: lookup, code, target.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import DescriptionError, SourceError
from idbmigrate.mapping import model as m
from idbmigrate.mapping.codes import Use, allowed, cleaned, uses

#: A decision of the reviewer that a code has no target.
NOWHERE = "nowhere"
DECISION = "your target"
MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
_LONGEST = 32_767
_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

#: sheet -> (its columns: key in the document, heading, width)
_SHEETS: dict[str, tuple[str, Sequence[tuple[str, str, int]]]] = {
    "Source columns": (
        "source_columns",
        (
            ("table", "table", 18),
            ("column", "column", 22),
            ("item", "data item", 40),
            ("name_is", "name is", 11),
            ("outcome", "outcome", 12),
            ("into", "into", 60),
            ("reason", "reason", 60),
        ),
    ),
    "Codes": (
        "codes",
        (
            ("lookup", "lookup", 26),
            ("columns", "source columns", 32),
            ("code", "code", 10),
            ("meaning", "meaning", 44),
            ("outcome", "outcome", 11),
            ("into", "target columns", 40),
            ("to", "target", 20),
            ("to_meaning", "meaning of the target", 44),
            ("equivalence", "equivalence", 12),
            ("confidence", "confidence", 12),
            ("reason", "reason", 50),
            ("source", "source", 24),
            ("note", "note", 40),
            ("", DECISION, 20),
        ),
    ),
    "Target columns": (
        "target_columns",
        (
            ("table", "table", 30),
            ("column", "column", 30),
            ("item", "data item", 44),
            ("requirement", "required", 9),
            ("outcome", "outcome", 12),
            ("by", "filled by", 70),
            ("confidence", "confidence", 12),
            ("reason", "reason", 60),
        ),
    ),
}


def write(document: Mapping[str, Any], path: Path) -> Path:
    """Write the coverage of a mapping as a workbook in which every cell is text."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = datetime(2000, 1, 1)
    _sheet(book, "Summary", (("what", 30), ("value", 60)), _summary(document))
    for title, (key, columns) in _SHEETS.items():
        rows = ([_joined(row.get(name)) for name, _, _ in columns] for row in document[key])
        _sheet(book, title, [(heading, width) for _, heading, width in columns], rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def _summary(document: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for key in ("mapping", "version", "title", "source", "target"):
        yield key, document[key]
    for group, counts in document["totals"].items():
        yield from ((f"{group.replace('_', ' ')}: {word}", count) for word, count in counts.items())
    yield "how to answer", f"fill in '{DECISION}' in the sheet Codes; '{NOWHERE}' says that there is none"
    yield "and then", "idbmigrate mapping apply THIS_FILE --out overlay.yaml"


def _joined(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


def _sheet(book: Any, title: str, head: Sequence[tuple[str, int]], rows: Iterable[Sequence[Any]]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    for number, (_, width) in enumerate(head, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    header = [_cell(sheet, name) for name, _ in head]
    for cell in header:
        cell.font = bold
    sheet.append(header)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> Any:
    """A cell that holds text and stays text when it is typed into, so that 01 never becomes 1."""
    from openpyxl.cell import WriteOnlyCell

    text = "" if value is None else _NOT_ALLOWED.sub("\ufffd", str(value))[:_LONGEST]
    cell = WriteOnlyCell(sheet, value=text or None)
    cell.number_format = "@"
    if text:
        cell.data_type = "s"
    if text.startswith(("=", "+", "-", "@", "\t", "\r")):
        cell.quotePrefix = True
    return cell


# -- the way back ----------------------------------------------------------------------------------


def mapping_of(path: Path) -> str:
    """Name of the mapping that a workbook is about."""
    rows = _rows(path, "Summary")
    named = {str(row[0]): row[1] for _, row in rows if len(row) > 1}
    if not named.get("mapping"):
        raise _wrong(path, "the sheet Summary does not say which mapping this is about")
    return str(named["mapping"])


def decisions(path: Path, mapping: m.Mapping, target: Dataset) -> dict[str, dict[str, str | None]]:
    """What the reviewer filled in: lookup -> code -> target, ``None`` for ``nowhere``.

    Raises ``DescriptionError`` (``overlay-invalid``) with sheet and row where a lookup does not exist, a
    target is not among the codes of its column, or a cell is a formula.
    """
    known = uses(mapping)
    found: dict[str, dict[str, str | None]] = {}
    rows = _rows(path, "Codes")
    _, head = next(rows, (1, ()))
    places = {str(name): number for number, name in enumerate(head) if name is not None}
    missing = [name for name in ("lookup", "code", DECISION) if name not in places]
    if missing:
        raise _wrong(path, f"the sheet Codes has no column {missing[0]!r}")
    for number, row in rows:
        lookup, code, answer = (
            _text(path, number, row[places[name]] if places[name] < len(row) else None)
            for name in ("lookup", "code", DECISION)
        )
        if not answer:
            continue
        if lookup not in mapping.lookups:
            raise _wrong(path, f"{mapping.name} has no lookup {lookup!r}", number)
        if not code:
            raise _wrong(path, "there is a target without a code", number)
        to = None if answer.casefold() == NOWHERE else answer
        _check(path, number, to, known[lookup], target)
        clean = cleaned(mapping.lookups[lookup], code)
        if found.setdefault(lookup, {}).setdefault(clean, to) != to:
            raise _wrong(path, f"the code {clean!r} of {lookup} is given two targets", number)
    return found


def _check(path: Path, number: int, to: str | None, use: Use, target: Dataset) -> None:
    codes = allowed(use, target)
    if to is not None and codes is not None and to not in codes:
        columns = ", ".join(".".join(column) for column in use.targets)
        hint = f"codes: {', '.join(sorted(codes)[:40])}"
        raise _wrong(path, f"{to!r} is not a code of {columns}", number, hint)


def overlay_text(mapping: m.Mapping, found: Mapping[str, Mapping[str, str | None]], name: str) -> str:
    """The decisions as an overlay file."""
    lines = [f"# Decided in {_plain(name)} for {mapping.name} {mapping.version}", "lookups:"]
    for lookup, codes in found.items():
        lines.append(f"  {lookup}:")
        pairs = ((_quoted(code), "null" if to is None else _quoted(to)) for code, to in codes.items())
        lines += [f"    {code}: {to}" for code, to in pairs]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]", "_", text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_plain(escaped)}"'


def _rows(path: Path, sheet: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows of a sheet with their numbers; formulas are seen as such."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as whole:
            if sum(item.file_size for item in whole.infolist()) > MAX_BYTES:
                raise _wrong(path, "the workbook is larger than any review of a mapping")
        book = load_workbook(path, read_only=True, data_only=False)
    except OSError:
        raise
    except DescriptionError:
        raise
    except Exception as error:
        raise SourceError("not a workbook (.xlsx)", code="not-readable", where=path.name) from error
    try:
        if sheet not in book.sheetnames:
            raise _wrong(path, f"there is no sheet {sheet!r}")
        for number, row in enumerate(book[sheet].iter_rows(values_only=True), 1):
            if number > MAX_ROWS:
                raise _wrong(path, f"more than {MAX_ROWS} rows", number)
            yield number, row
    finally:
        book.close()


def _text(path: Path, number: int, value: Any) -> str:
    """A cell as text. A whole number is taken as it looks; anything else but text is refused."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return str(value)
    if not isinstance(value, str) or value.startswith("="):
        message = "a cell holds a formula, a date or a long number where text is expected"
        raise _wrong(path, message, number, "format the column as text and write the code again")
    return value.strip()


def _wrong(path: Path, message: str, row: int | None = None, hint: str | None = None) -> DescriptionError:
    where = path.name if row is None else f"{path.name}, sheet Codes, row {row}"
    return DescriptionError(message, code="overlay-invalid", where=where, hint=hint)
