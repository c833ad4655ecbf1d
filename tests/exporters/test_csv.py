"""CSV for submission: exact bytes, and what any reader of CSV gets back."""

from __future__ import annotations

import csv
import hashlib
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idbmigrate.exporters import _text, publish
from idbmigrate.exporters import csv as exporter

NO_NUL = st.characters(exclude_characters="\0", exclude_categories=["Cs"])  # csv of Python 3.10 reads none
VALUES = st.one_of(
    st.none(), st.text(st.sampled_from('a,"\n\r é\U0001f600=;\t'), max_size=6), st.text(NO_NUL, max_size=4)
)


def written(table: pa.Table) -> bytes:
    file = io.BytesIO()
    exporter.write_table(table, file)
    return file.getvalue()


def test_exact_bytes(tmp_path):
    table = pa.table(
        {
            "LocalPatientId": ["01", " x ", "=1+1"],
            "Postcode": [None, "", 'a "b", c'],
            "Note": ["é", "NULL", "two\r\nlines"],
        }
    )
    empty = table.slice(0, 0)
    paths = exporter.write({"IDS001": table, "IDS002": empty}, tmp_path / "csv")
    assert [path.name for path in paths] == ["IDS001.csv", "IDS002.csv"]
    assert (
        paths[0].read_bytes()
        == ('LocalPatientId,Postcode,Note\n01,,é\n x ,,NULL\n=1+1,"a ""b"", c","two\r\nlines"\n').encode()
    )
    assert paths[1].read_bytes() == b"LocalPatientId,Postcode,Note\n"


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[VALUES] * width), min_size=1)))
def test_any_text_comes_back(rows):
    names = ["plain", 'with "quote"', "with, comma"][: len(rows[0])]
    table = pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names=names)
    found = list(csv.reader(io.StringIO(written(table).decode(), newline=""), strict=True))
    assert found == [names, *[[value or "" for value in row] for row in rows]]


@pytest.mark.parametrize("values", [["a", "b", "c", None], ["a", 'b"', "c", None]], ids=["plain", "quoted"])
def test_slices_chunks_and_text_types_give_the_same_bytes(values, monkeypatch):
    whole = pa.table({"x": values, "y": values[::-1]})
    expected = written(whole)
    monkeypatch.setattr(exporter, "_ROWS", 1)
    pieces = pa.concat_tables([pa.table({"x": ["z"], "y": ["z"]}), whole]).slice(1)
    codes = pa.array(values).dictionary_encode()
    words = pa.concat_arrays([codes.dictionary, pa.array(['"no row", has this'])])
    dictionaries = whole.set_column(0, "x", pa.DictionaryArray.from_arrays(codes.indices, words))
    views = whole.cast(pa.schema([("x", pa.string_view()), ("y", pa.large_string())]))
    assert [written(each) for each in (pieces, dictionaries, views)] == [expected] * 3


def test_batches_stay_small_however_long_the_texts_of_a_dictionary(monkeypatch):
    texts = ["x" * 1000, "y", None] * 50
    table = pa.table({"long": pa.array(texts).dictionary_encode(), "short": ["z"] * 150})
    expected = written(table)
    monkeypatch.setattr(_text, "BYTES", 10_000)
    batches = list(_text.batches(table))
    assert all(_text.plain(batch["long"]).nbytes <= 10_000 for batch in batches) and len(batches) > 10
    assert written(table) == expected


def test_a_hashed_file_of_many_batches_has_the_digest_of_what_it_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "_ROWS", 2)
    table = pa.table({"x": ["a", "b", 'c"', None, "d"], "y": pa.array(["z"] * 5).dictionary_encode()})
    writer = publish.DigestWriter(tmp_path)
    exporter.write({"T": table}, tmp_path, writer.open)
    content = (tmp_path / "T.csv").read_bytes()
    assert content == b'x,y\na,z\nb,z\n"c""",z\n,z\nd,z\n'
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert writer.digests == {"T.csv": facts}


def test_whole_numbers_have_one_text_form_and_other_types_are_refused():
    assert written(pa.table({"n": [1, None, -20]})) == b'n\n1\n""\n-20\n'
    with pytest.raises(TypeError, match="column n holds double"):
        written(pa.table({"n": [1.5]}))
