"""Column types and stored forms that no outside file has: each written out by hand and read back."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from idbmigrate.access import format as fmt
from idbmigrate.access import open_database
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.read.rowparts import RowParts
from idbmigrate.access.read.rows import RowSet
from idbmigrate.access.read.tabledef import Column, TableDefinition
from idbmigrate.access.read.text import decode_code_page, decode_unicode
from idbmigrate.access.read.values import milliseconds
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database


def wrapped(value: bytes) -> bytes:
    """A value as a calculated column stores it."""
    return bytes(16) + struct.pack("<I", len(value)) + value + bytes(3)


def calculated_decimal(text: str, width: int) -> bytes:
    value = Decimal(text)
    scale = -value.as_tuple().exponent
    digits = int(abs(value).scaleb(scale)).to_bytes(width, "big")
    words = [digits[:4]] if width % 8 else []
    rest = digits[width % 8 :]
    words += [rest[i : i + 8] for i in range(0, len(rest), 8)]
    body = b"".join(word[::-1] for word in words)
    return struct.pack("<HBB", width + 2, scale, 0x80 if value < 0 else 0) + body


def retyped(path, code: int, extra: int, fixed: bool | None = None) -> None:
    """Turn the only column of table T (Binary) into one of another type."""
    with open_database(path) as database:
        page = database.definition("T").page
    content = bytearray(path.read_bytes())
    layout = fmt.JET4
    at = page * layout.page_size
    (indexes,) = struct.unpack_from("<I", content, at + layout.real_indexes_at)
    at += layout.definition_end + indexes * layout.real_index_size
    assert content[at] == fmt.BINARY
    content[at] = code
    content[at + layout.extra_flags_at] |= extra
    path.write_bytes(content)


def read_as(
    tmp_path, values: list[bytes | None], code: int, extra: int = 0
) -> tuple[Column, pa.ChunkedArray]:
    path = tmp_path / "typed.accdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("C", "BINARY", 255)])
        writer.append("T", pa.table({"C": pa.array(values, pa.binary())}))
    retyped(path, code, extra)
    with open_database(path) as database:
        return database.columns("T")[0], database.read("T").column("C")


CALCULATED = [
    (fmt.BOOLEAN, [b"\xff", b"\0"], [True, False]),
    (fmt.INT, [struct.pack("<h", -7)], [-7]),
    (fmt.LONG, [struct.pack("<i", 2**31 - 1)], [2**31 - 1]),
    (fmt.DOUBLE, [struct.pack("<d", 0.1)], [0.1]),
    (fmt.MONEY, [struct.pack("<q", -123456)], [Decimal("-12.3456")]),
    (fmt.DATE, [struct.pack("<d", 44000.25)], [datetime(2020, 6, 18, 6)]),
    (fmt.TEXT, ["Łódź".encode("utf-16-le"), b"\xff\xfeabc"], ["Łódź", "abc"]),
    (fmt.BIG_INT, [struct.pack("<q", -(2**63))], [-(2**63)]),
]


@pytest.mark.parametrize(("code", "stored", "expected"), CALCULATED, ids=lambda v: str(v)[:12])
def test_calculated_columns(code, stored, expected, tmp_path):
    values = [wrapped(value) for value in stored]
    column, found = read_as(tmp_path, [*values, None], code, fmt.COLUMN_CALCULATED)
    assert column.calculated
    assert found.to_pylist() == [*expected, None]


def test_calculated_decimals_each_have_a_scale(tmp_path):
    texts = ["1.5", "-3", "123456789.123456789", "-79228162514264337593.54", "0.0001"]
    widths = [4, 8, 12, 12, 16]
    values = [wrapped(calculated_decimal(text, width)) for text, width in zip(texts, widths)]
    _, found = read_as(tmp_path, values, fmt.NUMERIC, fmt.COLUMN_CALCULATED)
    assert found.to_pylist() == [Decimal(text) for text in texts]


def test_extended_dates(tmp_path):
    def stored(day: int, ticks: int) -> bytes:
        return b"%019d:%019d:7\0" % (day, ticks)

    values = [stored(0, 0), stored(737593, 432_000_000_001), stored(3_652_058, 863_999_999_999), None]
    column, found = read_as(tmp_path, values, fmt.EXT_DATE)
    assert column.type == "EXT_DATE_TIME"
    assert found.to_pylist() == [
        datetime(1, 1, 1),
        datetime(2020, 6, 18, 12),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
        None,
    ]


def test_large_numbers(tmp_path):
    values = [struct.pack("<q", number) for number in (0, -1, 2**63 - 1, -(2**63))]
    _, found = read_as(tmp_path, values, fmt.BIG_INT)
    assert found.type == pa.int64()
    assert found.to_pylist() == [0, -1, 2**63 - 1, -(2**63)]


def test_dates_to_the_millisecond_on_both_sides_of_the_zero():
    dice = np.random.default_rng(3)
    days = np.concatenate([dice.uniform(-600000, 2900000, 3000), [0.0, -0.25, -1.75, 1e-9, 36526.999999999]])
    for day, found in zip(days.tolist(), milliseconds(days).tolist()):
        whole = int(day)
        second = abs(day - whole) * 86400
        expected = datetime(1899, 12, 30) + timedelta(days=whole, seconds=int(second))
        expected += timedelta(milliseconds=round((second - int(second)) * 1000))
        assert datetime(1970, 1, 1) + timedelta(milliseconds=found) == expected


TEXTS = [
    "",
    "a",
    "ab",
    "plain text",
    "é",
    "naïve café",
    "Łódź",
    "漢字かな",
    "🙂 smile",
    "\U0010ffff",
    "x" * 300,
    "mixed é and 漢 and 🙂",
    "\u0100\u3000",
    "tab\tnew\nline",
]


def stored_text(text: str, form: str) -> bytes:
    """Text in one of the stored forms; ``switch`` compresses runs of characters below 256."""
    if form == "plain":
        return text.encode("utf-16-le")
    if form == "packed":
        return b"\xff\xfe" + text.encode("latin-1")
    out, packed = b"\xff\xfe", True
    for character in text:
        small = 0 < ord(character) < 256
        if small != packed:
            out, packed = out + b"\0", small
        out += character.encode("latin-1" if small else "utf-16-le")
    return out


def forms_of(text: str):
    yield "plain"
    if all(0 < ord(c) < 256 for c in text):
        yield "packed"
    elif not any(0 in c.encode("utf-16-le") for c in text if ord(c) > 255):
        yield "switch"


def decoded(sizes, data) -> list[str]:
    ends = np.cumsum(sizes)
    content = data.tobytes()
    return [content[end - size : end].decode() for end, size in zip(ends.tolist(), sizes.tolist())]


@pytest.mark.parametrize("repeat", [1, 40])
@pytest.mark.parametrize("seed", range(6))
def test_text_in_every_stored_form(seed, repeat):
    """Columns of texts drawn at random in forms drawn at random, so that every road is taken."""
    dice = np.random.default_rng(seed)
    pairs = [(text, form) for text in TEXTS for form in forms_of(text)]
    chosen = [pairs[i] for i in dice.integers(0, len(pairs), 12 * repeat)]
    if seed == 0:
        chosen = [pair for pair in chosen if pair[0].isascii() and pair[1] == "packed"] or chosen
    stored = [stored_text(*pair) for pair in chosen]
    length = np.array([len(value) for value in stored])
    start = np.cumsum(length) - length
    sizes, data, bad, _ = decode_unicode(ByteView(b"".join(stored) + bytes(8)), start, length)
    assert not bad.any()
    assert decoded(sizes, data) == [text for text, _ in chosen]


def test_half_characters_and_halves_of_pairs():
    stored = ["ab".encode("utf-16-le"), b"abc", b"\xff\xfea\0b\0", b"\x3d\xd8", b"\x42\xdex\x00"]
    length = np.array([len(value) for value in stored])
    view = ByteView(b"".join(stored) + bytes(8))
    sizes, data, bad, halves = decode_unicode(view, np.cumsum(length) - length, length)
    assert halves == 2
    assert bad.tolist() == [False, True, True, False, False]
    assert decoded(sizes, data) == ["ab", "", "", "\ue03d", "\ue642x"]


@pytest.mark.parametrize("codec", ["cp1252", "cp1251", "cp932"])
def test_code_pages(codec):
    texts = {"cp1252": ["a", "£ é"], "cp1251": ["Мир", "x"], "cp932": ["漢字", "kana カナ", ""]}[codec]
    stored = [text.encode(codec) for text in texts]
    length = np.array([len(value) for value in stored])
    view = ByteView(b"".join(stored) + bytes(8))
    sizes, data, *_ = decode_code_page(view, np.cumsum(length) - length, length, codec)
    assert decoded(sizes, data) == texts


def jet3_row(values: list[bytes], fixed: bytes) -> bytes:
    """A row of Access 97 whose values reach past 256 bytes, with the jump table that this needs."""
    head = bytes([len(values) + 1]) + fixed
    offsets, at = [], len(head)
    for value in [*values, b""]:
        offsets.append(at)
        at += len(value)
    body = head + b"".join(values)
    jumps = [next(i for i, o in enumerate(offsets) if o >= 256 * (n + 1)) for n in range(offsets[-1] // 256)]
    tail_length = len(offsets) + len(jumps) + 2
    if (len(body) + tail_length - 1) // 256 > len(jumps):
        jumps.append(255)  # the dummy: the row, but no value, reaches past another 256 bytes
    tail = bytes(o & 255 for o in reversed(offsets)) + bytes(reversed(jumps)) + bytes([len(values)])
    return body + tail + b"\xff"


@pytest.mark.parametrize("sizes", [[10, 20, 30], [250, 1, 5], [100, 200, 300], [255, 255, 255], [0, 600, 0]])
def test_offsets_of_long_rows_in_access_97(sizes):
    values = [bytes([65 + i]) * size for i, size in enumerate(sizes)]
    row = jet3_row(values, b"\x01\x02\x03\x04")
    columns = tuple(
        Column(f"c{i}", "TEXT", 255, fmt.TEXT, i + 1, i, False, 0, i, 0, 0, False, False, False, 255)
        for i in range(3)
    )
    table = TableDefinition("T", 3, 1, 78, 4, 3, 0, columns, (3,))
    content = bytes(1000) + row + bytes(10)
    rows = RowSet(*(np.array([n]) for n in (5, 0, 1000, 1000 + len(row))))
    parts = RowParts(ByteView(content), fmt.JET3, table, rows)
    assert not any(bad.any() for bad in parts.bad_counts().values()) and not parts.bad_offsets().any()
    for index, value in enumerate(values):
        start, length, _ = parts.variable(index, np.ones(1, bool))
        assert content[start[0] : start[0] + length[0]] == value


def test_long_values_are_read_in_chunks_of_bounded_size(tmp_path, monkeypatch):
    texts = [("é" * size) for size in (5000, 1, 20000, 300, 0, 8000)] * 7
    path = tmp_path / "long.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("M", "MEMO"), NewColumn("N", "LONG")])
        writer.append("T", pa.table({"M": texts, "N": pa.array(range(len(texts)), pa.int32())}))
    with open_database(path) as database:
        whole, ids = database.read_with_ids("T")
        monkeypatch.setattr("idbmigrate.access.read.table.CHUNK_BYTES", 30000)
        parts, same_ids = database.read_with_ids("T")
    assert parts.column("M").num_chunks > whole.column("M").num_chunks
    assert parts.column("M").to_pylist() == whole.column("M").to_pylist() == texts
    assert parts.column("N").to_pylist() == list(range(len(texts)))
    assert same_ids.tolist() == ids.tolist()
