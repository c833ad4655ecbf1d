"""What is worked out on distinct values and on numbers agrees with a look at each row."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from idbmigrate.checks import check, many_rows
from idbmigrate.checks.distinct import Values, encode
from idbmigrate.checks.values import nhs_numbers

from . import test_every_rule
from .good import CONTEXT, DATASET, arrow, good

WORDS = st.sampled_from([None, "", "a", "b", "c"])
DAYS = [None, "", "no day", *(date(2022, 4, day).isoformat() for day in (1, 2, 3))]


def column(rows):
    return encode(pa.chunked_array([pa.array(rows, pa.string())]))


@settings(deadline=None)
@given(st.lists(st.lists(WORDS, max_size=5), max_size=4), st.booleans())
def test_a_column_reads_back(chunks, dictionaries):
    rows = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    found = encode(rows.cast(pa.dictionary(pa.int8(), pa.string())) if dictionaries else rows)
    assert found.take(np.arange(len(rows))).to_pylist() == rows.to_pylist()
    assert found.values.texts[-1].as_py() is None
    assert found.holds(~found.values.given) == any(not text for text in rows.to_pylist())


@settings(deadline=None)
@given(st.lists(WORDS), st.lists(st.sampled_from("abc"), unique=True))
def test_a_column_shares_the_values_of_the_keys_that_it_refers_to(rows, keys):
    known = Values(pa.array([*keys, None], pa.string()))
    found = encode(pa.chunked_array([pa.array(rows, pa.string())]), known)
    assert found.take(np.arange(len(rows))).to_pylist() == rows
    assert (found.values is known) == (set(rows) <= {*keys, None} and set(rows) != {None} and bool(rows))


@pytest.mark.parametrize("many", [1 << 62, 2])
@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS, WORDS, st.booleans()), max_size=30))
def test_repeated(many, rows):
    *keys, chosen = zip(*rows) if rows else ((), (), (), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many_rows, "_MANY", many)
        found = many_rows.repeated([column(key) for key in keys], np.array(chosen, bool))
    counts = Counter(row[:3] for row in rows if row[3])
    assert found.tolist() == [row[3] and counts[row[:3]] > 1 for row in rows]


ROWS = st.tuples(WORDS, st.sampled_from(DAYS), st.sampled_from(DAYS), st.sampled_from("xy"), st.booleans())


@settings(deadline=None)
@given(st.lists(ROWS, max_size=12), st.booleans())
def test_not_continued(rows, same_day):
    def fails(at):
        per, _, end, by, _ = rows[at]
        if not end or end == "no day":
            return False
        day = date.fromisoformat(end)
        good = {(day + timedelta(days=1)).isoformat()} | ({end} if same_day else set())
        following = [other[3] for other in rows if other[4] and other[0] == per and other[1] in good]
        return not following or by in following

    columns = (column([row[at] for row in rows]) for at in range(4))
    valid = np.array([row[4] for row in rows], bool)
    found = many_rows.not_continued(*columns, valid, "yes" if same_day else None)
    assert found.tolist() == [fails(at) for at in range(len(rows))]


def is_nhs_number(text):
    """The check digit as the NHS Data Dictionary tells it: 11 less the remainder, 11 stands for 0."""
    if len(text) != 10 or not set(text) <= set("0123456789") or text == text[::-1]:
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1))) % 11
    return str((11 - rest) % 11) == text[9]


@settings(deadline=None)
@given(st.lists(st.from_regex(r"\A[0-9]{10}\Z") | st.text(max_size=12)))
@example(["9434765919", "9434765918", "943 476 5919", "0101010001", "3112999999", "٩٤٣٤٧٦٥٩١٩", " "])
@example(["9990110999", "1111111111", "1234567881", "0000000000", "4001200309"])
def test_many_nhs_numbers(texts):
    found = nhs_numbers(pa.array([*texts, None], pa.string()))
    assert found.tolist() == [not text or is_nhs_number(text) for text in texts] + [True]


def test_columns_may_come_as_dictionaries():
    tables = arrow(test_every_rule.every_rule_broken()[0])
    coded = {
        name: pa.table({head: table[head].dictionary_encode() for head in table.column_names})
        for name, table in tables.items()
    }
    assert check(coded, DATASET, CONTEXT).findings == check(tables, DATASET, CONTEXT).findings


@pytest.mark.parametrize("day", ["0000-01-01", "0001-01-01", "9999-12-31"])
def test_a_period_at_the_end_of_the_calendar(day):
    file = good()
    file["IDS000Header"][0] |= {"ReportingPeriodStartDate": day, "ReportingPeriodEndDate": day}
    found = check(arrow(file), DATASET)
    assert ("IDSREJ008" in found.not_run) == (day < "0002")
