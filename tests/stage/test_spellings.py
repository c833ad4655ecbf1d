"""Dates and times as text: what has one reading in its column, and what has none."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from idbmigrate.datasets import load_dataset
from idbmigrate.staging import spellings
from idbmigrate.staging import tables as stage

APPOINTMENT = load_dataset("iapt-1.5").tables["Appointment"].columns

DAY_FIRST = {
    "2016-04-18": "2016-04-18",
    "18/04/2016": "2016-04-18",
    "18/4/2016": "2016-04-18",
    "8/4/2016": "2016-04-08",
    "03/04/2016": "2016-04-03",
    "18-04-2016": "2016-04-18",
    "8.4.2016": "2016-04-08",
    "18.04.2016": "2016-04-18",
    "18-Apr-2016": "2016-04-18",
    "8 APRIL 2016": "2016-04-08",
    "18 sept 2016": "2016-09-18",
    "20160418": "2016-04-18",
    "2016/4/8": "2016-04-08",
    "18/04/16": "2016-04-18",
    "18-Apr-16": "2016-04-18",
    "29/2/2016": "2016-02-29",
    "18/04/2016 00:00:00": "2016-04-18",
    "18/4/2016 9:30": "2016-04-18 09:30:00",
    "18/4/2016 2:30 PM": "2016-04-18 14:30:00",
    "2016-04-18T00:00:00": "2016-04-18",
    "2016-04-18 09:29:59.997": "2016-04-18 09:30:00",
    "2016-04-18 23:59:59.997": "2016-04-18 23:59:59",
    "04/18/2016": None,
    "31/04/2016": None,
    "29/02/2015": None,
    "42478": None,
    "18/04/99": None,
    "18-04/2016": None,
    "18/04/2016 25:00": None,
    "18042016": None,
    "banana": None,
}


def read(*texts: str | None) -> tuple[list[str | None], spellings.DateOrder | None]:
    found, order = spellings.dates(pa.array(texts, pa.string()))
    return found.to_pylist(), order


def test_a_column_that_its_values_prove_day_first():
    found, order = read(None, *DAY_FIRST)
    assert dict(zip(DAY_FIRST, found[1:], strict=True)) == {k: v or k for k, v in DAY_FIRST.items()}
    assert found[0] is None
    assert order is not None
    assert (order.order, order.month_first, order.unread) == ("day-first", 1, 9)
    assert order.respelled == len(DAY_FIRST) - 1 - order.unread


def test_a_column_that_proves_nothing_keeps_what_could_be_two_days():
    texts = ["8/4/2016", "08/04/2016", "5/5/2016", "8-Apr-2016", "20160408", "08/04/16"]
    found, order = read(*texts)
    assert found == ["8/4/2016", "08/04/2016", "2016-05-05", "2016-04-08", "2016-04-08", "08/04/16"]
    assert order == spellings.DateOrder("undecided", 0, 0, respelled=3, unread=3)


@pytest.mark.parametrize(
    "others, order", [(["04/18/2016"], "month-first"), (["04/18/2016", "18/4/2016"], "contradictory")]
)
def test_where_values_speak_against_it_nothing_is_read_day_first_unless_it_can_be_no_other(others, order):
    found, proof = read("04/05/2016", "4/5/2016", *others)
    assert proof is not None and proof.order == order
    assert found[:3] == ["04/05/2016 ambiguous", "4/5/2016", "04/18/2016 ambiguous"]
    assert found[3:] == (["2016-04-18"] if order == "contradictory" else [])


@pytest.mark.parametrize(
    "others, read_as",
    [
        (["13/01/1950", "13/01/1999"], "1980-05-06"),
        (["13/01/1950", "13/01/1970"], "06/05/80"),  # 1980 is none of the column's years, and so is 2080
        (["13/01/1920", "13/01/2020"], "1980-05-06"),
        (["13/01/1870", "13/01/1990"], "06/05/80"),  # 1880 and 1980
        (["13/01/70"], "06/05/80"),
    ],
)
def test_two_digits_of_a_year_where_one_century_is_certain(others, read_as):
    assert read("06/05/80", *others)[0][0] == read_as


def test_days_alone_need_no_proof_and_no_new_texts():
    texts = pa.array(["2016-04-18", None, "2016-02-31"])
    assert spellings.dates(texts) == (texts, None)


TIMES = {
    "10:00:00": "10:00:00",
    "10:00": "10:00:00",
    "9:30": "09:30:00",
    "09.30": "09:30:00",
    "9.30": "09:30:00",
    "0930": "09:30:00",
    "10:00:00.000": "10:00:00",
    "09:29:59.997": "09:30:00",
    "23:59:59.997": "23:59:59",
    "10:00 AM": "10:00:00",
    "2:30 PM": "14:30:00",
    "2:30:15 p.m.": "14:30:15",
    "12:15 am": "00:15:00",
    "12:15pm": "12:15:00",
    "1899-12-30 9:30": "1899-12-30 09:30:00",
    "24:00": None,
    "24:00:00": None,
    "25:61": None,
    "23:59:60": None,
    "0.5": None,
    "0.50": None,
    "14:30 PM": None,
    "0:30 AM": None,
    "9am": None,
    "930": None,
    "2460": None,
}


def test_times_that_have_one_reading():
    found = spellings.times(pa.array([*TIMES, None])).to_pylist()
    assert dict(zip(TIMES, found, strict=False)) == {k: v or k for k, v in TIMES.items()}
    assert found[-1] is None


@pytest.mark.parametrize("times", [1, 20])  # as they are, and as a dictionary
def test_stored_times_are_at_the_nearest_second_and_never_on_the_next_day(times):
    stored = [
        dt.datetime(2016, 4, 18, 9, 29, 59, 997000),
        dt.datetime(2016, 4, 18, 9, 30),
        dt.datetime(2016, 4, 18, 23, 59, 59, 997000),
        dt.datetime(2016, 4, 18, 0, 0, 0, 3000),
        None,
        dt.datetime(1899, 12, 30, 23, 59, 59, 600000),
        dt.datetime(1899, 12, 30, 9, 29, 59, 500000),
    ]
    table = stage.staged_texts("T", pa.table({"A": pa.array(stored * times, pa.timestamp("ms"))}), ["A"])
    assert table.clean["A"].to_pylist()[:7] == [
        "2016-04-18 09:30:00",
        "2016-04-18 09:30:00",
        "2016-04-18 23:59:59",
        "2016-04-18",
        None,
        "23:59:59",
        "09:30:00",
    ]
    assert table.raw["A"][0].as_py() == "2016-04-18 09:29:59.997"


@pytest.mark.parametrize("times", [1, 20])
def test_columns_of_dates_and_times_alone_are_respelled(times):
    columns = {
        "APPOINTMENT": ["18/4/2016", "18/04/2016", "1/2/2016"] * times,
        "APPOINTMENTTIME": ["9:30", "09:30:00", None] * times,
        "SERVICEID": ["1/2/2016", "9:30", "0930"] * times,
    }
    table = stage.staged_texts("Appointment", pa.table(columns), APPOINTMENT)
    assert table.clean["APPOINTMENT"].to_pylist() == ["2016-04-18", "2016-04-18", "2016-02-01"] * times
    assert table.clean["APPOINTMENTTIME"].to_pylist() == ["09:30:00", "09:30:00", None] * times
    assert table.clean["SERVICEID"].to_pylist() == columns["SERVICEID"]
    assert table.raw.select([*columns]).to_pydict() == columns
    assert {name: proof.order for name, proof in table.dates.items()} == {"APPOINTMENT": "day-first"}
