"""Columns that are taken as they are hold what a query would have given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idbmigrate
from idbmigrate.execution.pass_through import _Source
from idbmigrate.staging.dictionary import all_different, distinct, one_type, plain

SAMPLES = Path(__file__).resolve().parents[2] / "sample_idb"


TEXTS = st.lists(st.sampled_from(["", "a", "b", "long text"]) | st.none(), max_size=12)


@st.composite
def columns(draw):
    """A column in pieces: text, or a dictionary in which texts may be missing or occur twice."""
    pieces = draw(st.lists(TEXTS, min_size=1, max_size=4))
    if draw(st.booleans()):
        return pa.chunked_array([pa.array(piece, pa.string()) for piece in pieces], pa.string())
    words = pa.array(["a", None, "a", "", "b"], pa.string())
    places = [[None if t is None else draw(st.integers(0, 4)) for t in piece] for piece in pieces]
    coded = [pa.DictionaryArray.from_arrays(pa.array(piece, pa.int16()), words) for piece in places]
    return pa.chunked_array(coded)


@given(columns(), st.data())
def test_rows_of_a_column_in_pieces(column, data):
    rows = data.draw(st.sets(st.integers(0, len(column) - 1))) if len(column) else set()
    rows = np.array(sorted(rows), np.int64)
    taken = _Source(pa.table({"x": column})).take("x", rows)
    found = one_type(taken)
    assert plain(pa.table({"x": found}))["x"].to_pylist() == [column[int(row)].as_py() for row in rows]
    assert found.null_count == found.to_pylist().count(None)


@given(columns())
def test_no_two_texts_of_a_dictionary_are_equal(column):
    same = distinct(column)
    assert same.to_pylist() == column.to_pylist() and same.type == column.type
    for piece in same.chunks if pa.types.is_dictionary(same.type) else ():
        texts = piece.dictionary.to_pylist()
        assert len(set(texts)) == len(texts) and None not in texts


def test_a_proved_primary_key_is_a_dictionary_that_no_one_need_make_again():
    run = idbmigrate.convert(SAMPLES / "iapt-1.5-messy.mdb", to="iapt-2.1")
    key = run.coded["IDS201CareContact"]["CareContactId"]
    assert pa.types.is_dictionary(key.type)
    texts = key.chunk(0).dictionary
    assert key.to_pylist() == texts.to_pylist() and len(set(texts.to_pylist())) == len(key) > 0
    child = run.coded["IDS202CareActivity"]["CareContactId"]
    assert all(chunk.dictionary.equals(texts) for chunk in child.chunks)


@pytest.mark.parametrize("column", [pa.chunked_array([["a"], ["b", None]]), pa.chunked_array([[1, 2]])])
def test_what_may_be_missing_or_is_no_text_stays_as_it_is(column):
    assert all_different(column) is column


def test_pieces_of_different_types_become_text():
    coded = pa.array(["a", None]).dictionary_encode()
    assert one_type([coded, pa.array(["b"])]) == pa.chunked_array([["a", None], ["b"]])
    assert one_type([]) == pa.chunked_array([], pa.string())
