"""``submissions.csv``: what was found of each submission, and what the user says instead.

The columns ``provider``, ``period`` and ``kind`` are the user's, empty where what was found is right; those
that begin with ``found_`` are ours, and written anew. A line belongs to the file of its ``sha256``, or else
to those whose place ends with its ``file``. Columns that the user adds stay, and are told to whoever
chooses between files.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from idbmigrate.archive import names
from idbmigrate.archive.model import Submission
from idbmigrate.errors import UsageError
from idbmigrate.exporters.whole import whole_file

NAME = "submissions.csv"
#: The user's columns, which stand above all that is found.
OURS = ("provider", "period", "kind")
_KEYS = ("sha256", "file")
_FOUND = "found_"


def load(archive: Path, places: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """The user's words by file: the filled columns of its lines; none where there is no such table.

    ``places`` are the names of all files by digest. Raises ``UsageError`` (``bad-option``) for a line that
    names no file, for one that cannot be used, and for two that contradict each other.
    """
    decided: dict[str, dict[str, str]] = {}
    for number, line in _lines(archive / NAME):
        said = {
            name: text for name, text in line.items() if text and name not in _KEYS and not _is_found(name)
        }
        if not said:
            continue
        where = f"{NAME}: line {number}"
        said = {name: _usable(name, text, where) for name, text in said.items()}
        for sha256 in _files(line, places, where):
            known = decided.setdefault(sha256, {})
            for name, text in said.items():
                if known.setdefault(name, text) != text:
                    raise UsageError(
                        f"another line says {known[name]} for {name}", code="bad-option", where=where
                    )
    return decided


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        return []
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:  # what a spreadsheet of Windows saves
        text = raw.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    comma = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=comma)
    return [
        (
            reader.line_num,
            {str(k).strip().lower(): (v or "").strip() for k, v in line.items() if k and isinstance(v, str)},
        )
        for line in reader
    ]


def _is_found(name: str) -> bool:
    return name.startswith(_FOUND)


def _files(line: Mapping[str, str], places: Mapping[str, Sequence[str]], where: str) -> list[str]:
    sha256, file = line.get("sha256", "").lower(), line.get("file", "").replace("\\", "/")
    if sha256 in places:
        return [sha256]
    if sha256 and re.fullmatch("[0-9a-f]{64}", sha256):
        return []  # of a file that is not read yet
    found = [
        digest
        for digest, shown in places.items()
        if file and any(each == file or each.endswith(("/" + file, "!" + file)) for each in shown)
    ]
    if not found:
        raise UsageError(
            "no file of the archive has this name",
            code="bad-option",
            where=where,
            hint="archive status lists them",
        )
    return found


def _usable(name: str, text: str, where: str) -> str:
    if name == "period":
        month = names.month(text)
        if month is None:
            raise UsageError(
                f"{text!r} is no month", code="bad-option", where=where, hint="write it as YYYY-MM"
            )
        return month
    if name == "kind":
        kind = names.kind(text)
        if kind is None:
            raise UsageError(f"{text!r} is neither primary nor refresh", code="bad-option", where=where)
        return kind
    return text.upper() if name == "provider" else text


def write(archive: Path, submissions: Iterable[Submission]) -> None:
    """Write the table anew: a line for each submission with the user's words, and lines that wait for a file.

    The submissions are as they were found, without the user's words.
    """
    old = _lines(archive / NAME)
    extra = list(
        dict.fromkeys(
            name for _, line in old for name in line if name not in (*_KEYS, *OURS) and not _is_found(name)
        )
    )
    lines: list[dict[str, str]] = []
    known = set()
    for each in submissions:
        known.add(each.sha256)
        lines.append(
            {
                "sha256": each.sha256,
                "file": _safe(each.places[0] if each.places else ""),
                **{name: _raw(old, each, name) for name in (*OURS, *extra)},
                **_found(each),
            }
        )
    lines += [line for _, line in old if line.get("sha256") and line["sha256"] not in known]
    lines += [line for _, line in old if not line.get("sha256")]
    columns = [*_KEYS, *OURS, *extra, *_found_columns()]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n", restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(sorted(lines, key=lambda line: (line.get("file", ""), line.get("sha256", ""))))
    content = ("\ufeff" + text.getvalue()).encode()
    path = archive / NAME
    if path.is_file() and path.read_bytes() == content:
        return
    with whole_file(path, overwrite=True) as part, open(part, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _raw(old: Sequence[tuple[int, Mapping[str, str]]], each: Submission, name: str) -> str:
    """What the user's line of this file has in a column; lines without a digest keep theirs."""
    own = (line.get(name, "") for _, line in old if line.get("sha256", "").lower() == each.sha256)
    return next(filter(None, own), "")


def _found_columns() -> list[str]:
    return [f"{_FOUND}{name}" for name in (*OURS, "dataset", "rows", "evidence", "problem")]


def _found(each: Submission) -> dict[str, str]:
    said = "; ".join(f"{name}: {words}" for name, words in each.evidence.items())
    values = (
        each.provider,
        each.period,
        each.kind,
        each.dataset,
        str(sum(each.tables.values())),
        said,
        each.problem,
    )
    return dict(zip(_found_columns(), (_safe(value or "") for value in values), strict=True))


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
