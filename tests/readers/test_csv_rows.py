"""Rows of CSV against Python's own reader, and files that would shift or swallow them."""

from __future__ import annotations

import csv
import io
import random
import stat
import zipfile
from pathlib import Path

import pytest

from idbmigrate.errors import SourceError
from idbmigrate.readers import csv_files, csv_rows, is_csv_source, open_idb
from idbmigrate.readers.compare import compare_readers

SIGNS = ["a", "1", ",", '"', "\n", "\r", "\r\n", ";", "é", "NULL", "", " ", "bb"]


def folder(tmp_path: Path, **files: str | bytes) -> Path:
    place = tmp_path / "source"
    place.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (place / f"{name}.csv").write_bytes(data)
    return place


def refused(path: Path, table: str = "T", **options) -> SourceError:
    with pytest.raises(SourceError) as caught, open_idb(path, **options) as idb:
        idb.columns(table)
        idb.read(table)
    return caught.value


def lines_of(text: str) -> list[int]:
    """The line on which each row below the header begins, as Python counts them."""
    reader, numbers, line = csv.reader(io.StringIO(text, newline="")), [], 1
    for row in reader:
        if row:
            numbers.append(line)
        line = reader.line_num + 1
    return numbers[1:]


@pytest.mark.parametrize("seed", range(8))
def test_rows_and_lines_are_those_of_another_reader(seed, tmp_path, monkeypatch):
    draw = random.Random(seed)
    compared = 0
    for _ in range(150):
        monkeypatch.setattr(csv_rows, "_PIECE", draw.choice([16, 40, 100, 1 << 20]))
        rows = [["".join(draw.choices(SIGNS, k=draw.randint(0, 3))) for _ in "ABC"] for _ in range(6)]
        quoting, text = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), io.StringIO(newline="")
        writer = csv.writer(text, quoting=quoting, lineterminator=draw.choice(["\n", "\r\n"]))
        writer.writerows([["A", "B", "C"], *rows])
        told = [row for row in csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True) if row]
        try:
            with open_idb(folder(tmp_path, T=text.getvalue())) as idb:
                table, lines = idb.read_with_ids("T")
        except SourceError as error:
            # a lone return ends a row; values over lines that look like rows are doubtful; pieces are tiny
            assert error.code in ("csv-ragged", "csv-quotes", "csv-too-large")
            assert error.code != "csv-ragged" or any(len(row) != 3 for row in told)
            assert error.code != "csv-quotes" or "whole row" in error.message
            continue
        missing = ("NULL",) if quoting == csv.QUOTE_ALL else ("", "NULL")
        assert [list(row.values()) for row in table.to_pylist()] == [
            [None if value in missing else value for value in row] for row in told[1:]
        ]
        assert lines.tolist() == lines_of(text.getvalue())
        compared += 1
    assert compared > 50


SPOILED = {
    "one value too few": ("A,B\n1,2\n3\n", "csv-ragged", "line 3"),
    "one value too many": ("A,B\n1,2,9\n3,4\n", "csv-ragged", "line 2"),
    "a count of rows at the end": ("A,B\n1,2\n\n(1 rows affected)\n", "csv-ragged", "line 4"),
    "a quote inside a value": ('A,B\n1,O"Neil\n3,4\n', "csv-quotes", "line 2"),
    "text behind a closing quote": ('A,B\n"1"x,2\n', "csv-quotes", "line 2"),
    "a quote that is never closed": ('A,B\n1,2\n3,"4\n5,6\n', "csv-quotes", "line 3"),
    "a quote closed by the next one": ('A,B\n1,"2\n3,4\n5,"6"\n', "csv-quotes", "line 4"),
    "a quote that swallows a row": ('A,B\n1,"2\n3,4"\n5,6\n', "csv-quotes", "line 2"),
    "a quote escaped by a backslash": ('A,B\n"1\\"x",2\n', "csv-quotes", "line 2"),
    "two columns of one name": ("A,b,B\n1,2,3\n", "csv-header", "columns 2 and 3"),
    "a column without a name": ("A,,B\n1,2,3\n", "csv-header", "column 2"),
    "no header": ("P0001,1980-01-31,M\nP0002,1981-01-31,F\n", "csv-header", "column 2"),
    "no header, and values missing": ("P0001,NULL,M\nP0002,x,F\n", "csv-header", "column 2"),
    "nothing": ("", "empty-file", "T.csv"),
    "nothing but lines": ("\n\r\n\n", "empty-file", "T.csv"),
    "two delimiters that fit": ("A;B,C\n1;2,3\n", "csv-delimiter", "both"),
    "two delimiters of which none fits": ("A;B,C\n1;2;3,4,5\n", "csv-delimiter", "neither"),
    "two encodings": ("A,B\né,1\n".encode() + b"\xe9,2\n", "csv-encoding", "line 3"),
    "a mark that lies": (b"\xef\xbb\xbfA,B\n1,\xe9\n", "csv-encoding", "line 2"),
    "a byte of no encoding": (b"A,B\n1,\x81\n", "csv-encoding", "line 2"),
    "half of a UTF-16 letter": ("A,B\n1,2\n".encode("utf-16") + b"\x00", "csv-encoding", "line 3"),
    "a zero": (b"A,B\n1,\0\n", "csv-encoding", "line 2"),
    "a very long value": ("A,B\n1," + "x" * (csv_rows.MAX_VALUE + 1) + "\n", "csv-too-large", "line 2"),
    "too many columns": (",".join(f"C{n}" for n in range(2000)) + "\n", "csv-too-large", "columns"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_file_is_refused_by_file_and_line(name, tmp_path):
    content, code, word = SPOILED[name]
    error = refused(folder(tmp_path, T=content))
    assert error.code == code
    assert "source: T.csv" in str(error) and word in str(error)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("A;B\n1,5;2\n", [("1,5", "2")]),
        ('A|"B;C"\n1|2\n', [("1", "2")]),
        ("A;B, C\n1;2\n3;4\n", [("1", "2"), ("3", "4")]),
        ("A\tB\r\n007\t 1 \r\n", [("007", " 1 ")]),
        ("A,B\n\n1,2\n\n\n3,4\n", [("1", "2"), ("3", "4")]),
        ('A,B\n"",\n"NULL",NULL\n', [("", None), ("NULL", None)]),
        ('"A","B"\n"","NULL"\n', [("", None)]),
        ('A,B\n1,"two\nlines"\n', [("1", "two\nlines")]),
        ("A\n1\n\n2", [("1",), (None,), ("2",)]),
        ("A,B\n", []),
        ("A,B", []),
        ("A,B\nZoë,1\n".encode("cp1252"), [("Zoë", "1")]),
        ("A,B\nŁ,1\n".encode("utf-16"), [("Ł", "1")]),
        ("A,B\nŁ,1\n".encode("utf-16-be"), [("Ł", "1")]),
        ("Ä,B\nx,1\n".encode("cp1252"), [("x", "1")]),
    ],
)
def test_what_has_one_reading_is_read(content, rows, tmp_path):
    with open_idb(folder(tmp_path, T=content)) as idb:
        names = [column.name for column in idb.columns("T")]
        table = idb.read("T")
        assert table.column_names == names and idb.row_count("T") == len(rows)
        assert [tuple(row.values()) for row in table.to_pylist()] == rows


def test_salvage_leaves_rows_of_another_width_out_and_lists_them(tmp_path):
    place = folder(tmp_path, T="A,B\n1,2\n3\n4,5,6\n7,8\n")
    with open_idb(place, salvage=True) as idb:
        table, lines = idb.read_with_ids("T")
        assert table.to_pylist() == [{"A": "1", "B": "2"}, {"A": "7", "B": "8"}]
        assert lines.tolist() == [2, 5] and idb.row_count("T") == 4
        assert [problem.message.partition(" has")[0] for problem in idb.problems] == ["line 3", "line 4"]


def test_python_reads_the_same_and_a_difference_would_show(tmp_path, monkeypatch):
    place = folder(tmp_path, T='A,B\n1,\n"",NULL\n"x\ny",2\n', U="A;B\n1;2\n".encode("utf-16"))
    found = compare_readers(place)
    assert found.agreed and found.complete and [table.cells for table in found.tables] == [6, 2]
    monkeypatch.setattr("idbmigrate.readers.csv_source.NULL", "1")
    assert not compare_readers(place).agreed


# -- folders and zips ------------------------------------------------------------------------------


def test_two_files_of_one_table_are_named(tmp_path):
    place = folder(tmp_path, T="A,B\n1,2\n")
    (place / "t.TSV").write_text("A\tB\n1\t2\n")
    assert refused(place).code == "ambiguous-names"
    assert "T.csv and t.TSV" in str(refused(place))


def test_what_is_no_table_is_told_and_not_read(tmp_path):
    place = folder(tmp_path, T="A,B\n1,2\n")
    (place / "Referral.xlsx").write_bytes(b"PK")
    (place / "inner").mkdir()
    (place / ".hidden.csv").write_text("A,A\n")
    with open_idb(place) as idb:
        assert idb.tables == ["T"] and idb.other_files == ["Referral.xlsx", "inner"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refused(empty).code == "csv-missing"


def packed(tmp_path: Path, entries: dict[str, bytes], **facts) -> Path:
    path = tmp_path / "source.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for fact, value in facts.items():
                setattr(entry, fact, value)
            archive.writestr(entry, data)
    return path


GOOD = b"A,B\n1,2\n"


@pytest.mark.parametrize(
    "entries",
    [{"../T.csv": GOOD}, {"/T.csv": GOOD}, {"C:/T.csv": GOOD}, {"a\\..\\..\\T.csv": GOOD}],
    ids=str,
)
def test_a_name_that_leads_out_of_the_zip_is_refused(entries, tmp_path):
    assert refused(packed(tmp_path, entries)).code == "zip-refused"


def test_bombs_links_and_several_folders_are_refused(tmp_path, monkeypatch):
    link = (stat.S_IFLNK | 0o777) << 16
    assert "link" in str(refused(packed(tmp_path, {"T.csv": b"/etc/passwd"}, external_attr=link)))
    assert "more than one folder" in str(refused(packed(tmp_path, {"a/T.csv": GOOD, "b/U.csv": GOOD})))
    assert "times its size" in str(refused(packed(tmp_path, {"T.csv": b"A,B\n" + b"1,2\n" * (5 << 20)})))
    monkeypatch.setattr(csv_files, "MAX_ALL", 15)
    assert refused(packed(tmp_path, {"T.csv": GOOD, "U.csv": GOOD})).code == "csv-too-large"
    monkeypatch.setattr(csv_files, "MAX_ENTRIES", 1)
    assert "entries" in str(refused(packed(tmp_path, {"T.csv": GOOD, "U.csv": GOOD})))


def test_a_zip_in_a_zip_is_told_and_not_opened(tmp_path):
    inner = packed(tmp_path, {"U.csv": GOOD}).read_bytes()
    with open_idb(packed(tmp_path, {"T.csv": GOOD, "inner.zip": inner, "__MACOSX/._T.csv": b"?"})) as idb:
        assert idb.tables == ["T"] and idb.other_files == ["inner.zip"]


def test_a_zip_whose_sizes_lie_ends_at_the_size_it_declares(tmp_path):
    path = packed(tmp_path, {"T.csv": GOOD * 1000})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (8).to_bytes(4, "little")  # the unpacked size, in the list of entries
    path.write_bytes(data)
    assert refused(path).code == "damaged"


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_cut_zip_is_an_error(at, tmp_path):
    path = packed(tmp_path, {"T.csv": GOOD * 1000, "U.csv": GOOD})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * at)])
    assert is_csv_source(path) and refused(path).code == "damaged"


def test_only_some_names_are_read_where_the_zip_is_protected(tmp_path):
    path = packed(tmp_path, {"T.csv": GOOD})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refused(path).code == "password-needed"
    assert refused(path, password="x").code in ("wrong-password", "damaged")
