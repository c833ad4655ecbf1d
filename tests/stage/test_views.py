"""What staging promises of its tables: the texts, and the shape that everything behind it leans on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from idbmigrate.engine import open_engine
from idbmigrate.staging import tables as stage

SPACE = " \t\u00a0"
TEXTS = st.lists(st.none() | st.text(SPACE + "aé1", max_size=4), max_size=30)


def staged(**columns) -> stage.StagedTable:
    return stage.staged_texts("T", pa.table(columns), [*columns, "ABSENT"])


def is_coded(column: pa.ChunkedArray) -> bool:
    return pa.types.is_dictionary(column.type)


def check(table: stage.StagedTable) -> None:
    """The promises that hold for every staged table."""
    for view in (table.raw, table.clean):
        bounds = {tuple(len(piece) for piece in column.chunks) for column in view.columns}
        assert len(bounds) <= 1
        for column in view.columns:
            column.validate(full=True)
            if is_coded(column):
                first = column.chunk(0).dictionary if column.num_chunks else pa.array([], pa.string())
                assert first.null_count == 0
                assert len(first.unique()) == len(first)
                addresses = {piece.dictionary.buffers()[2].address for piece in column.chunks if len(first)}
                assert len(addresses) <= 1
            else:
                assert column.type == pa.string()


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from([1, 20]), st.sampled_from([4, 1000]))
def test_raw_is_what_was_read_and_clean_is_trimmed(values, times, piece):
    values = values * times
    usual, stage._PIECE = stage._PIECE, piece
    try:
        table = staged(A=pa.array(values, pa.string()))
    finally:
        stage._PIECE = usual
    check(table)
    assert table.raw["A"].to_pylist() == values
    assert table.clean["A"].to_pylist() == [(v or "").strip(SPACE) or None for v in values]
    assert table.clean["A"].null_count == sum(not (v or "").strip(SPACE) for v in values)
    assert table.raw["ABSENT"].null_count == len(values)


def test_texts_that_trimming_makes_equal_are_one_value():
    table = staged(A=pa.array(["1", "1 ", " ", None, "2"] * 20))
    check(table)
    assert table.raw["A"].chunk(0).dictionary.to_pylist() == ["1", "1 ", " ", "2"]
    assert table.clean["A"].chunk(0).dictionary.to_pylist() == ["1", "2"]
    assert table.clean["A"].to_pylist() == ["1", "1", None, None, "2"] * 20


def test_a_column_with_nothing_to_clean_is_there_once():
    table = staged(A=pa.array(["1", "2"] * 20), B=pa.array([f"{i}" for i in range(40)]))
    assert is_coded(table.raw["A"]) and not is_coded(table.raw["B"])
    for name in ("A", "B"):
        before, after = (view[name].chunk(0).buffers() for view in (table.raw, table.clean))
        assert [b and b.address for b in before] == [b and b.address for b in after]


def test_trimmed_values_share_the_indices():
    table = staged(A=pa.array(["1 ", "2"] * 20))
    before, after = (view["A"].chunk(0).indices.buffers()[1] for view in (table.raw, table.clean))
    assert before.address == after.address


def test_large_tables_come_in_pieces_that_an_engine_reads_in_order():
    count = 2 * stage._PIECE + 5
    codes = pa.array([None, "a ", "", "b", "c"] * (count // 5 + 1)).slice(0, count)
    keys = pa.array([f"K{i}" for i in range(count)])
    table = staged(CODE=codes, KEY=keys)
    check(table)
    assert table.raw["CODE"].num_chunks == 3
    engine = open_engine()
    try:
        engine.register("t", table.clean)
        rows = engine.run(sqlglot.parse_one('SELECT "KEY", "CODE" FROM t'))
    finally:
        engine.close()
    assert rows["KEY"].to_pylist() == keys.to_pylist()
    assert rows["CODE"].to_pylist() == ([None, "a", None, "b", "c"] * (count // 5 + 1))[:count]


DAY, NOON = dt.datetime(2016, 4, 1), dt.datetime(2016, 4, 1, 12, 30)
CLOCK, PART = dt.datetime(1899, 12, 30, 9, 5, 7), dt.datetime(2016, 4, 1, 12, 30, 0, 250_000)


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    ("values", "texts", "days"),
    [
        ([DAY, None, dt.datetime(100, 1, 1)], ["2016-04-01", None, "0100-01-01"], True),
        ([DAY, NOON], ["2016-04-01", "2016-04-01 12:30:00"], False),
        ([CLOCK], ["09:05:07"], False),
        ([dt.datetime(1899, 12, 30), CLOCK], ["1899-12-30", "09:05:07"], False),
        ([PART, DAY], ["2016-04-01 12:30:00", "2016-04-01"], False),
        ([dt.datetime(9999, 12, 31)], ["9999-12-31"], True),
        ([None], [None], True),
    ],
)
def test_dates(values, texts, days, times, unit):
    table = staged(D=pa.array(values * times, pa.timestamp(unit)))
    check(table)
    assert table.clean["D"].to_pylist() == texts * times
    assert table.days == ({"D"} if days else set())


def test_extended_dates_keep_what_lies_below_the_millisecond():
    value = dt.datetime(2016, 4, 1, 12, 30, 0, 123_456)
    table = staged(D=pa.array([value], pa.timestamp("us")))
    assert table.raw["D"].to_pylist() == ["2016-04-01 12:30:00.123456"]


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        ([1, None, -5], pa.int16(), ["1", None, "-5"]),
        ([0.5, 1e-7, 1e22], pa.float64(), ["0.5", "0.0000001", "10000000000000000000000"]),
        (
            [Decimal("1.50"), Decimal("200.00"), Decimal(0), None],
            pa.decimal128(19, 4),
            ["1.5", "200", "0", None],
        ),
        ([Decimal("-1E-9"), Decimal(100)], pa.decimal128(28, 10), ["-0.000000001", "100"]),
        ([Decimal(100), None], pa.decimal128(28, 0), ["100", None]),
        ([True, False, None], pa.bool_(), ["true", "false", None]),
        ([b"\x00\xff", None], pa.binary(), ["00ff", None]),
    ],
)
def test_every_other_type_is_written_alike_once_and_often(values, kind, texts, times):
    table = staged(N=pa.array(values * times, kind))
    check(table)
    assert table.raw["N"].to_pylist() == texts * times


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.null(),
        pa.bool_(),
        pa.int32(),
        pa.float64(),
        pa.decimal128(19, 4),
        pa.binary(),
        pa.timestamp("ms"),
        pa.timestamp("us"),
    ],
    ids=str,
)
@pytest.mark.parametrize("chunks", [[], [[]]], ids=["no chunk", "empty chunk"])
def test_a_column_without_rows_is_text_of_any_type(kind, chunks):
    check(stage.staged_texts("T", pa.table({"A": pa.chunked_array(chunks, kind)}), ["A", "B"]))
