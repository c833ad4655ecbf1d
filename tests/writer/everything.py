"""One table that holds every type the writer writes, with the values that are easy to get wrong."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa

from idbmigrate.access.write.writer import NewColumn, NewIndex

COLUMNS = [
    NewColumn("Id", "LONG"),
    NewColumn("Long text", "TEXT", 40),
    NewColumn("Code", "TEXT", 2),
    NewColumn("Plain", "TEXT", 40, compressed=False),
    NewColumn("When", "SHORT_DATE_TIME"),
    NewColumn("Yes", "BOOLEAN"),
    NewColumn("Byte", "BYTE"),
    NewColumn("Short", "INT"),
    NewColumn("Money", "MONEY"),
    NewColumn("Single", "FLOAT"),
    NewColumn("Double", "DOUBLE"),
    NewColumn("Guid", "GUID"),
    NewColumn("Decimal", "NUMERIC", precision=28, scale=6),
    NewColumn("Memo", "MEMO"),
    NewColumn("Ole", "OLE"),
    NewColumn("Binary", "BINARY", 30),
]
INDEXES = [
    NewIndex("PrimaryKey", ("Id",), primary=True),
    NewIndex("by text", ("Long text", "Id")),
    NewIndex("by date", ("When",)),
    NewIndex("by number", ("Double", "Money", "Short", "Byte", "Single", "Yes")),
    NewIndex("by guid", ("Guid",), unique=True),
]
_TEXTS = ["", "a", "ab", "abc", "Zoë", "Łódź", "日本", "𝄞 clef", "O'Neill-Smith", "x" * 40, "tab\tin", "end "]
_LATIN = [text for text in _TEXTS if all(ord(c) < 256 for c in text)]
_MEMOS = ["", "short", "x" * 61, "y" * 62, "z" * 63, "Łódź " * 30, "page " * 700, "chain " * 3000]
_DATES = [
    dt.datetime(1899, 12, 30),
    dt.datetime(1899, 12, 29, 6),
    dt.datetime(100, 1, 1),
    dt.datetime(9999, 12, 31),
    dt.datetime(2024, 2, 29, 23, 59, 59),
    dt.datetime(1850, 6, 1, 12, 30),
]


def table(rows: int, indexed: bool = True) -> pa.Table:
    """``rows`` rows; with ``indexed``, the text column keeps to characters whose sort weight is known."""
    ids = np.random.Generator(np.random.PCG64(5)).permutation(rows)
    texts = _LATIN if indexed else _TEXTS

    def each(kind, value, every=7):
        return pa.array([None if i % every == 3 else value(int(i)) for i in ids], kind)

    return pa.table(
        {
            "Id": pa.array(ids, pa.int32()),
            "Long text": each(pa.string(), lambda i: texts[i % len(texts)]),
            "Code": each(pa.string(), lambda i: f"{i % 100:02d}"),
            "Plain": each(pa.string(), lambda i: _TEXTS[i % len(_TEXTS)]),
            "When": each(pa.timestamp("ms"), lambda i: _DATES[i % len(_DATES)]),
            "Yes": pa.array([bool(i % 3) for i in ids]),
            "Byte": each(pa.uint8(), lambda i: i % 256),
            "Short": each(pa.int16(), lambda i: (i * 37) % 65536 - 32768),
            "Money": each(pa.decimal128(19, 4), lambda i: decimal.Decimal(i * 99_999_999 - 10**9).scaleb(-4)),
            "Single": each(pa.float32(), lambda i: (i - rows / 2) / 8),
            "Double": each(pa.float64(), lambda i: (i - rows / 2) / 3 * 10 ** (i % 300 - 150)),
            "Guid": pa.array([f"{{{i:08X}-0123-4567-89AB-{i * 77:012X}}}" for i in ids]),
            "Decimal": each(
                pa.decimal128(28, 6), lambda i: decimal.Decimal((i - rows // 2) * 10**18).scaleb(-6)
            ),
            "Memo": each(pa.string(), lambda i: _MEMOS[i % len(_MEMOS)]),
            "Ole": each(pa.binary(), lambda i: bytes([i % 256]) * (i % 90 * 60)),
            "Binary": each(pa.binary(), lambda i: bytes(range(i % 31))),
        }
    )
