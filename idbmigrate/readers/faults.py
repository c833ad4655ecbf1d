"""Known faults of the second readers: each a rule that recognises it, and who is believed and why.

A difference that a rule explains is still listed, with the rule's name. A rule looks only at the one
cell: the values of both readers, the bytes of the cell, and facts of its row and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idbmigrate.brief import brief

#: rule -> why the native reader is believed. Listed in docs/access-format.md.
REASONS: dict[str, str] = {
    "byte-sign": "access-parser reads a Byte as signed: 128 to 255 come out negative",
    "money-format": "access-parser applies the column's display format to Currency, which rounds it",
    "date-range": "the second reader has no form for this date; Access dates run from year 100 to 9999",
    "time-before-1899": "in a negative date the fraction is the time of day; the second reader subtracts it",
    "sub-second": "the second reader keeps no milliseconds, or rounds them another way",
    "guid-byte-order": "access-parser prints a Replication ID's bytes in the order they are stored in",
    "text-mode-switch": "access-parser does not follow compressed text that switches to two-byte characters",
    "text-code-page": "access-parser guesses UTF-8 or Latin-1 where the file has another encoding",
    "empty-long-value": "access-parser gives an empty Memo or OLE value as null",
    "type-unknown": "the second reader does not know this column type",
    "calculated": "the second reader does not unwrap the values of calculated columns",
    "fixed-text": "access-parser reads a fixed-length text to the end of the row",
    "shape-changed": "access-parser reads a row by today's columns, though the table had others then",
    "moved-row": "the row was moved to another page; the second reader loses it or misreads its end",
    "numeric-scale": "mdbtools prints Decimal values without their fraction",
    "float-digits": "mdbtools prints fewer digits than the value has",
    "text-encoding": "mdbtools prints this text in bytes that are not UTF-8",
    "not-of-the-type": "the second reader gives something that is no value of the column's type",
    "long-value-chain": "access-parser reads past the end of a long value's part",
    "cut-rows": "access-parser gives columns of different lengths, so its rows cannot be told apart",
    "stops": "the second reader stops with an error on what the native reader decodes without contradiction",
    "stale-count": "the definition's row count is out of date: both readers find the same rows",
    "undefined-byte": "mdbtools has no character for a byte that the code page leaves undefined; Windows has",
    "variable-position": "access-parser takes variable values in the order of columns, not by their number",
    "empty-text": "mdbtools gives an empty text as null",
    "text-cut-at-nul": "mdbtools ends a text at its first character U+0000",
    "surrogate-pair": "mdbtools gives a character beyond U+FFFF as two question marks, half a pair as one",
    "moved-row-order": "mdbtools lists a moved row where it lies now, and earlier places of it as rows too",
}


@brief
@dataclass(frozen=True)
class Case:
    """One differing cell as the rules see it. ``other`` is None where the reader gave a null.

    ``neighbour`` is None, or the bytes that stand in the row where the column would have them if variable
    values stood in the order of their columns.
    """

    reader: str
    type: str
    native: Any
    other: Any
    content: bytes | None
    fixed: bool
    calculated: bool
    moved: bool
    row_columns: int
    table_columns: int
    jet3: bool
    neighbour: bytes | None = None


def explain(case: Case) -> str | None:
    """The first rule that recognises the difference, or None."""
    for name, readers, test in _RULES:
        if case.reader in readers and test(case):
            return name
    return None


def _time_before_1899(case: Case) -> bool:
    """Whether the other date is what comes of subtracting the time of day."""
    zero = datetime(1899, 12, 30)
    if not (isinstance(case.native, datetime) and isinstance(case.other, datetime) and case.native < zero):
        return False
    midnight = case.native.replace(hour=0, minute=0, second=0, microsecond=0)
    return abs(midnight - (case.native - midnight) - case.other) <= timedelta(milliseconds=1)


def _sub_second(case: Case) -> bool:
    both = isinstance(case.native, datetime) and isinstance(case.other, datetime)
    limit = timedelta(seconds=1) if case.reader == "mdbtools" else timedelta(milliseconds=1)
    return both and abs(case.native - case.other) <= limit


def _guid_order(case: Case) -> bool:
    if not (isinstance(case.native, str) and isinstance(case.other, str)):
        return False
    import uuid

    return uuid.UUID(case.native).bytes_le == uuid.UUID(case.other).bytes


def _mode_switch(case: Case) -> bool:
    content = case.content or b""
    return _is_text(case) and content[:2] == b"\xff\xfe" and 0 in content[2:]


def _code_page(case: Case) -> bool:
    """Whether the other text is the bytes as UTF-8, or failing that as Latin-1."""
    return _is_text(case) and case.content is not None and _guess(case.content, case.jet3) == case.other


def _guess(content: bytes, jet3: bool) -> str:
    """Bytes as access-parser makes text of them."""
    packed = content[:2] == b"\xff\xfe"
    if not (packed or jet3):
        return _printable(content.decode("utf-16-le", "ignore"))
    body = content[2:] if packed else content
    try:
        guess = body.decode()
    except UnicodeDecodeError:
        guess = body.decode("latin-1")
    return _printable(guess)


def _by_position(case: Case) -> bool:
    """Whether the other value is what the bytes of another variable column come to."""
    if case.neighbour is None:
        return False
    if case.type == "TEXT":
        return case.other == _guess(case.neighbour, case.jet3)
    return case.other is None or case.other == case.neighbour


def _empty_text(case: Case) -> bool:
    return _is_text(case) and case.native == "" and case.other is None and case.content in (b"", b"\xff\xfe")


def _cut_at_nul(case: Case) -> bool:
    if not isinstance(case.native, str) or "\0" not in case.native:
        return False
    return (case.other or "") == _halved(case, case.native.partition("\0")[0])


def _surrogate_pair(case: Case) -> bool:
    return isinstance(case.native, str) and case.other == _halved(case, case.native) != case.native


def _halved(case: Case, text: str) -> str:
    """The text with a question mark for every half of a surrogate pair."""
    plain = re.sub("[\U00010000-\U0010ffff]", "??", text)
    alone = case.content is not None and re.search(rb"[\xd8-\xdf]", case.content)
    return re.sub("[\ue000-\ue7ff]", "?", plain) if alone else plain


def _printable(text: str) -> str:
    return text.replace("\x00", "")


def _has_control(text: str | None) -> bool:
    return text is not None and any("\x80" <= character <= "\x9f" for character in text)


def _is_text(case: Case) -> bool:
    return case.type in ("TEXT", "MEMO")


def _close(case: Case) -> bool:
    if not (isinstance(case.native, float) and isinstance(case.other, float)):
        return False
    digits = 1e-6 if case.type == "FLOAT" else 1e-14
    return abs(case.native - case.other) <= digits * max(abs(case.native), abs(case.other))


def _numeric_scale(case: Case) -> bool:
    both = case.native is not None and case.other is not None
    return case.type == "NUMERIC" and both and case.native != int(case.native)


_BOTH, _PARSER, _MDBTOOLS = ("access-parser", "mdbtools"), ("access-parser",), ("mdbtools",)
_RULES: list[tuple[str, tuple[str, ...], Callable[[Case], bool]]] = [
    ("type-unknown", _BOTH, lambda c: c.type.startswith(("UNSUPPORTED", "UNKNOWN"))),
    ("time-before-1899", _BOTH, _time_before_1899),
    ("sub-second", _BOTH, _sub_second),
    ("guid-byte-order", _PARSER, lambda c: c.type == "GUID" and _guid_order(c)),
    ("empty-long-value", _PARSER, lambda c: c.type in ("MEMO", "OLE") and not c.native and c.other is None),
    ("text-mode-switch", _PARSER, _mode_switch),
    ("text-code-page", _PARSER, _code_page),
    ("undefined-byte", _MDBTOOLS, lambda c: c.jet3 and _is_text(c) and _has_control(c.native)),
    ("calculated", _BOTH, lambda c: c.calculated),
    ("variable-position", _PARSER, _by_position),
    ("empty-text", _MDBTOOLS, _empty_text),
    ("text-cut-at-nul", _MDBTOOLS, _cut_at_nul),
    ("surrogate-pair", _MDBTOOLS, _surrogate_pair),
    ("fixed-text", _PARSER, lambda c: c.fixed and c.type in ("TEXT", "BINARY")),
    ("shape-changed", _PARSER, lambda c: c.row_columns != c.table_columns),
    ("moved-row", _PARSER, lambda c: c.moved),
    ("float-digits", _MDBTOOLS, _close),
    ("numeric-scale", _MDBTOOLS, _numeric_scale),
    (
        "long-value-chain",
        _PARSER,
        lambda c: c.type in ("MEMO", "OLE") and c.native and c.other and c.other[: len(c.native)] == c.native,
    ),
]
