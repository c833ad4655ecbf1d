"""The workbook: the sheets that providers know, and no cell that is a formula."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idbmigrate.checks.findings import SCHEMA
from idbmigrate.reports import cells, xlsx

from .test_share import document

SHEETS = ["Summary", "Error Summary", "Error Data", "Ledger", "Unmapped codes", "Coverage"]


def one_finding(value):
    row = dict.fromkeys(SCHEMA.names, "x") | {"row": 1, "follows": False, "value": value, "reference": value}
    row["effect"] = "warning"
    return pa.table({name: [row[name]] for name in SCHEMA.names})


@pytest.mark.parametrize(
    "value", ["=1+1", '=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\t=1", "=\x00", "007", "1e5"]
)
def test_a_value_that_looks_like_a_formula_stays_text(value, tmp_path):
    from openpyxl import load_workbook

    found = document()
    found["unmapped"][0]["code"] = value
    path = xlsx.write(found, tmp_path / "r.xlsx", one_finding(value))
    book = load_workbook(path)
    assert book.sheetnames == SHEETS
    cells = [book["Error Data"].cell(2, 6), book["Error Data"].cell(2, 8), book["Unmapped codes"].cell(2, 3)]
    expected = value.replace("\x00", "\ufffd")
    assert [(cell.value, cell.data_type) for cell in cells] == [(expected, "s")] * 3
    parts = ZipFile(path)
    assert not any(b"<f>" in parts.read(name) for name in parts.namelist())


#: what openpyxl takes for text too: no control character, no formula, no word of an error
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")).filter(
    lambda text: not text.startswith(("=", "+", "-", "@", "#"))
)
LINES = st.lists(st.lists(st.one_of(TEXT, st.integers(0, 1 << 50), st.none()), max_size=26), max_size=4)


@settings(max_examples=50)
@given(LINES)
def test_rows_are_as_openpyxl_writes_them(lines):
    from openpyxl import Workbook

    book, saved = Workbook(write_only=True), BytesIO()
    sheet = book.create_sheet()
    for line in [["first"], *lines]:
        sheet.append(line)
    book.save(saved)
    assert cells.rows([["first"], *lines], 1, int) in ZipFile(saved).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a\x00\ud800\uffffb", "<t>a\ufffd\ufffd\ufffdb</t>"),
        ("a\r\nb", "<t>a&#13;\nb</t>"),
        ("x" * 40_000, f"<t>{'x' * 32_767}</t>"),
        ("#N/A", "<t>#N/A</t>"),
        (True, "<t>yes</t>"),
        (1, "<v>1</v>"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_a_sheet_cannot_hold_as_it_is(value, written):
    assert written.encode("ascii", "xmlcharrefreplace") in cells.rows([[1, True, value]], 1, int)


def test_counts_are_numbers_and_codes_are_text(tmp_path):
    from openpyxl import load_workbook

    book = load_workbook(xlsx.write(document(), tmp_path / "r.xlsx"))
    assert book["Error Summary"].cell(2, 7).value == 3
    assert book["Ledger"].cell(2, 3).value == 119


def test_shared_workbook_has_no_error_data(tmp_path):
    from openpyxl import load_workbook

    book = load_workbook(
        xlsx.write(document() | {"shared": True}, tmp_path / "r.xlsx", one_finding("secret"))
    )
    texts = [cell.value for row in book["Error Data"].iter_rows() for cell in row]
    assert "secret" not in texts


def test_more_findings_than_fit_are_announced(tmp_path, monkeypatch):
    from openpyxl import load_workbook

    monkeypatch.setattr(xlsx, "MAX_ROWS", 2)
    many = pa.concat_tables([one_finding("a")] * 5)
    sheet = load_workbook(xlsx.write(document(), tmp_path / "r.xlsx", many))["Error Data"]
    assert sheet.max_row == 4 and "3 more findings" in sheet.cell(4, 9).value


def test_same_document_same_bytes(tmp_path, monkeypatch):
    import time

    first = xlsx.write(document(), tmp_path / "a.xlsx", one_finding("x")).read_bytes()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 90_000)
    time.sleep(1.1)
    second = xlsx.write(document(), tmp_path / "b.xlsx", one_finding("x")).read_bytes()
    assert first == second
