"""The digest of what tables hold, and the difference of two, against plain Python."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idbmigrate.archive.cells import Difference, difference, table_digest

texts = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "a ", "é", "1"]))
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
rows = st.lists(st.tuples(texts, texts, texts), max_size=8)


def table(found: list[tuple], names: str = "abc") -> pa.Table:
    return pa.table(
        {name: pa.array([row[at] for row in found], pa.string()) for at, name in enumerate(names)}
    )


@calm
@given(rows, rows)
def test_equal_digests_mean_equal_rows(one, other):
    assert (table_digest(table(one)) == table_digest(table(other))) == (Counter(one) == Counter(other))


@calm
@given(rows, st.randoms())
def test_neither_the_order_of_rows_nor_of_columns_counts(found, draw):
    shuffled = draw.sample(found, len(found))
    again = table(shuffled).select(["c", "a", "b"])
    assert table_digest(again) == table_digest(table(found))
    coded = pa.table({name: again[name].dictionary_encode() for name in again.column_names})
    assert table_digest(coded) == table_digest(table(found))


def test_values_do_not_run_together():
    assert table_digest(table([("ab", "c", None)])) != table_digest(table([("a", "bc", None)]))
    assert table_digest(table([("a", None, None)])) != table_digest(table([(None, "a", None)]))
    assert table_digest(table([("a", None, None)])) != table_digest(table([("a", "", None)]))
    assert table_digest(table([("a", "b", None)])) == table_digest(
        table([("a", "b", None)]).select(["a", "b"])
    )


def recount(one: list[tuple], other: list[tuple]) -> Difference:
    keys = {row[:1] for row in [*one, *other]}
    same = changed = first = second = 0
    for key in keys:
        a, b = (Counter(row for row in side if row[:1] == key) for side in (one, other))
        same += a == b
        changed += bool(a and b and a != b)
        first += bool(a and not b)
        second += bool(b and not a)
    return Difference(same, changed, first, second)


@calm
@given(rows, rows)
def test_the_difference_is_that_of_a_plain_count(one, other):
    assert difference(table(one), table(other), ["a"]) == recount(one, other)


@calm
@given(rows, rows)
def test_without_a_key_whole_rows_are_compared(one, other):
    found = difference(table(one), table(other), [])
    assert found == difference(table(one), table(other), ["a", "b", "c"])
    assert found.only_first == len(set(one) - set(other))
    assert found == difference(table(one), table(other), ["d"])


def test_a_table_that_is_not_there_holds_nothing():
    assert difference(table([("a", "b", "c")]), pa.table({}), ["a"]) == Difference(0, 0, 1, 0)
