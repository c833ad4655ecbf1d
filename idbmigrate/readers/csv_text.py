"""Bytes of a CSV file as UTF-8, where what they are can be told for certain.

A byte order mark tells UTF-8 and UTF-16; without one, UTF-16 is told by the zero beside the first letter.
What is well-formed UTF-8 is that. All else is Windows-1252, unless a part of it is UTF-8: a file of two
encodings would get wrong letters somewhere, and is refused.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from idbmigrate.errors import SourceError

#: Bytes that are looked at in one go. A piece ends with a line.
_PIECE = 16 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def as_utf8(data: bytes, where: str) -> tuple[bytes, str]:
    """The text of a file as UTF-8 without a mark, and its encoding by Python's name.

    Raises SourceError ``csv-encoding`` with the line.
    """
    encoding, mark = sniffed(data)
    body = data[len(mark) :] if mark else data
    if encoding and encoding != "utf-8":
        body = _utf16(body, encoding, where)
    elif not body.isascii():
        body, encoding = _utf8_or_1252(body, bool(mark), where)
    if (at := body.find(b"\0")) >= 0:
        raise _fault("a character that is zero", body, at, where)
    return body, encoding or "ascii"


def sniffed(data: bytes) -> tuple[str | None, bytes]:
    """The encoding that the first bytes of a file prove, and the mark that they begin with."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, mark
    first = data[:2]
    if len(first) == 2 and 0 in first and first != b"\0\0":
        return ("utf-16-le" if first[1] == 0 else "utf-16-be"), b""
    return None, b""


def _utf16(body: bytes, encoding: str, where: str) -> bytes:
    try:
        return body.decode(encoding).encode("utf-8")
    except UnicodeDecodeError as error:
        text = body[: error.start].decode(encoding, "replace").encode()
        raise _fault(f"bytes that are not {encoding}", text, len(text), where) from None


def _utf8_or_1252(body: bytes, marked: bool, where: str) -> tuple[bytes, str]:
    """The same bytes where they are UTF-8, else those of Windows-1252 as UTF-8."""
    wrong, some = -1, False
    for start, piece in _pieces(body):
        try:
            some = not piece.decode("utf-8").isascii() or some
        except UnicodeDecodeError as error:
            wrong = start + error.start if wrong < 0 else wrong
            some = not piece.decode("utf-8", "ignore").isascii() or some
    if wrong < 0:
        return body, "utf-8"
    if marked:
        raise _fault("bytes that are not UTF-8, which its mark says it is", body, wrong, where)
    if some:
        raise _fault("bytes that are not UTF-8, while other lines are", body, wrong, where)
    made = []
    for start, piece in _pieces(body):
        try:
            made.append(piece.decode("cp1252").encode("utf-8"))
        except UnicodeDecodeError as error:
            raise _fault(
                "bytes that are neither UTF-8 nor Windows-1252", body, start + error.start, where
            ) from None
    return b"".join(made), "cp1252"


def _pieces(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes in pieces that end with a line, each with its place."""
    start = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + _PIECE) + 1 if start + _PIECE < len(body) else len(body)
        end = end if end > start else min(start + _PIECE, len(body))
        yield start, body[start:end]
        start = end


def _fault(what: str, body: bytes, at: int, where: str) -> SourceError:
    line = body.count(b"\n", 0, at) + 1
    return SourceError(
        f"there are {what}" if what.startswith("bytes") else f"there is {what}",
        code="csv-encoding",
        where=f"{where}: line {line}",
        hint="export it again as UTF-8",
    )
