"""XML: what a parser reads back, the order of tables, and characters that XML cannot hold."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from idbmigrate.datasets import ColumnSpec, Dataset, Format, Period, TableSpec
from idbmigrate.errors import OutputError
from idbmigrate.exporters import _text, xml

TEXT = Format("max an20", "text")
COLUMNS = {name: ColumnSpec(name, TEXT) for name in ("Id", "A", "B")}
DATASET = Dataset(
    "made-up",
    "1",
    "Made up",
    "target",
    {"T1": TableSpec("T1", COLUMNS), "T000": TableSpec("T000", COLUMNS, period=Period("header"))},
)
LEGAL = st.text(
    st.one_of(st.sampled_from("&<>\"'\r\n\t]]> é"), st.characters(exclude_categories=["Cs", "Cc"])).filter(
        lambda mark: mark not in "\ufffe\uffff"
    ),
    max_size=6,
)


def document(tables, folder):
    path = folder / "made-up.xml"
    xml.write_document(tables, DATASET, path)
    return path


def parsed(path) -> list[tuple[str, dict[str, str]]]:
    root = etree.parse(path).getroot()
    space = f"{{urn:idbmigrate:{DATASET.name}}}"
    assert root.tag == f"{space}DataSet"
    return [
        (
            row.tag.removeprefix(space),
            {cell.tag.removeprefix(space): cell.text or "" for cell in row},
        )
        for row in root
    ]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[st.one_of(st.none(), LEGAL)] * 3)))
def test_any_legal_text_comes_back_and_nulls_are_left_out(rows, tmp_path):
    columns = list(zip(*rows, strict=True)) or [[]] * 3
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=list(COLUMNS))
    path = document({"T1": table}, tmp_path)
    expected = [
        ("T1", {name: value for name, value in zip(COLUMNS, row, strict=True) if value is not None})
        for row in rows
    ]
    assert parsed(path) == expected


def coded(texts, unused) -> pa.DictionaryArray:
    """Texts as a dictionary that also holds one that no row has."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    words = pa.concat_arrays([encoded.dictionary, pa.array([unused])])
    return pa.DictionaryArray.from_arrays(encoded.indices, words)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[st.one_of(st.none(), LEGAL)] * 3)))
def test_a_dictionary_is_written_as_its_texts(rows, tmp_path):
    columns = list(zip(*rows, strict=True)) or [[]] * 3
    texts = pa.table([pa.array(column, pa.string()) for column in columns], names=list(COLUMNS))
    codes = pa.table([coded(column, "\x01") for column in columns], names=list(COLUMNS))
    expected = document({"T1": texts}, tmp_path).read_bytes()
    assert document({"T1": codes}, tmp_path).read_bytes() == expected


def test_a_forbidden_character_in_a_dictionary_is_named_with_its_row(tmp_path):
    table = pa.table({"Id": ["1", "2", "3"], "A": coded(["fine", None, "a\x0bb"], "\x02")})
    with pytest.raises(OutputError) as caught:
        document({"T1": table}, tmp_path)
    assert caught.value.where == "T1.A, row 3"


def test_header_first_and_rows_in_order_across_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(_text, "ROWS", 2)
    numbers = [str(number) for number in range(101)]
    rows = pa.table({"Id": numbers, "A": [None, *numbers[1:]]})
    header = pa.table({"Id": ["RX1"]})
    path = document({"T1": rows, "T000": header}, tmp_path)
    found = parsed(path)
    assert found[0] == ("T000", {"Id": "RX1"})
    assert [row["Id"] for _, row in found[1:]] == numbers
    assert [row.get("A") for _, row in found[1:]] == [None, *numbers[1:]]
    assert b"No inbound XML schema is published" in path.read_bytes()[:300]


@pytest.mark.parametrize("mark", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_character_that_xml_cannot_hold_is_an_error_that_says_where(mark, tmp_path):
    values = ["fine"] * 70_000 + [None, f"secret{mark}"]
    with pytest.raises(OutputError) as caught:
        document({"T1": pa.table({"Id": values})}, tmp_path)
    assert (caught.value.code, caught.value.where) == ("value-does-not-fit", "T1.Id, row 70002")
    assert "secret" not in str(caught.value)


def test_neighbours_of_the_forbidden_characters_are_written(tmp_path):
    text = "\ufffd\uffef\ue000\x7f\x85\U0010ffff \t\n"
    path = document({"T1": pa.table({"Id": [text]})}, tmp_path)
    assert parsed(path) == [("T1", {"Id": text})]
