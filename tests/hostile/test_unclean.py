"""Files that contradict nothing at first sight: not closed, with lost characters, with odd results."""

from __future__ import annotations

import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from idbmigrate.access import format as fmt
from idbmigrate.access import open_database
from idbmigrate.access.codepages import known_code_page
from idbmigrate.access.read import calculated
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.errors import SourceError


def written(path, texts):
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("Person", [NewColumn("LPTID", "TEXT", 20)])
        writer.append("Person", pa.table({"LPTID": texts}))
    return path


def not_closed(path):
    """The file as it is where the rows were written, but neither their count nor the map of their pages."""
    with open_database(path) as database:
        definition, layout = database.definition("Person"), fmt.JET4
    content = bytearray(path.read_bytes())
    at = definition.page * layout.page_size + layout.row_count_at
    content[at : at + 4] = bytes(4)
    page, slot = definition.usage_map >> 8, definition.usage_map & 0xFF
    entry = page * layout.page_size + layout.slots_at + 2 * slot
    start = page * layout.page_size + struct.unpack_from("<H", content, entry)[0] % 0x2000
    content[start + 5 : start + 5 + 64] = bytes(64)
    path.write_bytes(content)
    return path


def test_rows_of_a_file_that_was_not_closed_are_damage_and_salvage_reads_them(tmp_path):
    path = not_closed(written(tmp_path / "x.mdb", ["P1", "P2"]))
    with open_database(path) as database:
        assert database.row_count("Person") == 0
        with pytest.raises(SourceError) as caught:
            database.read("Person")
    assert caught.value.code == "damaged" and "table Person" in caught.value.where
    with open_database(path, salvage=True) as database:
        assert database.read("Person")["LPTID"].to_pylist() == ["P1", "P2"]
        assert any("0 rows are declared and 2 are there" in problem.message for problem in database.problems)


def test_a_table_whose_rows_were_all_deleted_is_empty(tmp_path):
    path = not_closed(written(tmp_path / "x.mdb", ["P1"]))
    content = bytearray(path.read_bytes())
    with open_database(path, salvage=True) as database:
        ((page, slot),) = [(int(i) >> 8, int(i) & 255) for i in database.read_with_ids("Person")[1]]
    at = page * fmt.JET4.page_size + fmt.JET4.slots_at + 2 * slot
    content[at + 1] |= fmt.ROW_DELETED >> 8
    path.write_bytes(content)
    with open_database(path) as database:
        assert database.read("Person").num_rows == 0 and database.problems == []


def test_keys_that_end_in_different_halves_of_a_pair_stay_two_and_are_listed_once(tmp_path):
    path = written(tmp_path / "x.mdb", ["P1é", "P1è", "P2", "P3\ufffd"])
    content = path.read_bytes()
    for letter, half in ((b"\xe9", b"\x3d\xd8"), (b"\xe8", b"\x3e\xd8")):
        packed = b"\xff\xfeP1" + letter  # as long as a switch to two bytes and one half
        assert content.count(packed) == 1
        content = content.replace(packed, b"\xff\xfe\0" + half)
    path.write_bytes(content)
    with open_database(path) as database:
        for _ in range(2):
            assert database.read("Person")["LPTID"].to_pylist() == ["\ue03d", "\ue03e", "P2", "P3\ufffd"]
        ((message, table, column),) = [(p.message, p.table, p.column) for p in database.problems]
    assert message.startswith("3 values hold a lost character") and (table, column) == ("Person", "LPTID")


def test_code_pages_that_nobody_knows():
    assert all(known_code_page(number) for number in (0, 1252, 1250, 1251, 932, 65001))
    assert not known_code_page(12345)


def test_an_unknown_code_page_is_listed_once_a_column_however_often_it_is_read(shared_dir, tmp_path):
    source, number = shared_dir / "corpus" / "V1997" / "testV1997.mdb", 12345
    content = bytearray(source.read_bytes())
    masked = int.from_bytes(content[0x3C:0x3E], "little") ^ 1252 ^ number
    content[0x3C:0x3E] = masked.to_bytes(2, "little")
    path = tmp_path / "x.mdb"
    path.write_bytes(content)
    with open_database(path) as database:
        for _ in range(2):
            database.read("Table1")
        texts = [column.name for column in database.columns("Table1") if column.type in ("TEXT", "MEMO")]
        told = [problem for problem in database.problems if problem.table == "Table1"]
        assert [problem.column for problem in told] == texts and len(texts) > 1
        assert all(f"code page {number} is not known" in problem.message for problem in told)
        assert database.losses == []


def decimals(*values: tuple[int, int]) -> tuple[ByteView, np.ndarray, np.ndarray]:
    """Calculated decimals of 16 bytes, as digits and scale."""
    stored = b""
    for digits, scale in values:
        words = (abs(digits) >> 64).to_bytes(8, "little") + (abs(digits) & (1 << 64) - 1).to_bytes(
            8, "little"
        )
        stored += struct.pack("<HBB", 18, scale, 0x80 if digits < 0 else 0) + words
    start = np.arange(len(values)) * 20
    return ByteView(stored + bytes(8)), start, np.full(len(values), 20)


def test_calculated_decimals_beyond_38_digits_at_one_scale_are_exact_as_text():
    values = [(10**37 + 1, 0), (-5, 20), (12345, 2)]
    array, wrong = calculated.decode_decimal(*decimals(*values), np.array([True, False, True, True]), 0)
    assert wrong is None
    assert array.to_pylist() == [str(10**37 + 1), None, "-0.00000000000000000005", "123.45"]


def test_calculated_decimals_that_fit_one_scale_stay_decimals():
    array, wrong = calculated.decode_decimal(*decimals((15, 1), (-2, 3)), np.ones(2, bool), 0)
    assert wrong is None and array.to_pylist() == [Decimal("1.500"), Decimal("-0.002")]


def test_chunks_that_fit_no_one_scale_become_text():
    wide = pa.array([Decimal(10**37)], pa.decimal128(38, 0))
    fine = pa.array([Decimal("0.0000000001"), None], pa.decimal128(38, 10))
    assert [chunk.to_pylist() for chunk in calculated.same_scale([wide, fine])] == [
        [str(10**37)],
        ["0.0000000001", None],
    ]


def test_empty_wrappers_are_nulls(shared_dir):
    path = shared_dir / "cases" / "calculated-empty.accdb"
    if not path.is_file():
        pytest.skip("no file with empty calculated values")
    with open_database(path) as database:
        found = database.read("Referral")["WaitDays"]
        assert database.problems == []
    assert found.null_count == 32 and set(found.to_pylist()) == {None, 30}
