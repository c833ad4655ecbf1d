"""One table of two outputs against a comparison by dictionaries, over random tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idbmigrate.comparison.tables import compare_table
from idbmigrate.datasets import load_dataset
from idbmigrate.engine import open_engine

SPEC = load_dataset("iapt-2.1").tables["IDS101Referral"]
COLUMNS = ["K", "L", "V", "W"]
CELLS = st.sampled_from([None, "", "1", "2", "a", "A"])
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=12)


def table(rows):
    return pa.table(
        {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(COLUMNS)}
    )


def by_dictionaries(key, a, b):
    """Rows in both, only in A, only in B; and per column how many values changed, only in A, only in B."""
    a, b = ([tuple(cell or "" for cell in row) for row in rows] for rows in (a, b))
    at = [COLUMNS.index(name) for name in key]

    def of(row):
        return tuple(row[place] for place in at)

    counts = [Counter(map(of, rows)) for rows in (a, b)]
    lone = {each for each in {*counts[0], *counts[1]} if at and max(c[each] for c in counts) == 1}
    first, second = ({of(row): row for row in rows if of(row) in lone} for rows in (a, b))
    rest = [Counter(row for row in rows if of(row) not in lone) for rows in (a, b)]
    both = first.keys() & second.keys()
    same = sum((rest[0] & rest[1]).values())
    columns = defaultdict(lambda: [0, 0, 0])
    for each in both:
        for place, name in enumerate(COLUMNS):
            x, y = first[each][place], second[each][place]
            if x != y:
                columns[name][2 if not x else 1 if not y else 0] += 1
    return len(both) + same, len(a) - len(both) - same, len(b) - len(both) - same, dict(columns)


@pytest.fixture(scope="module", params=["duckdb", "sqlite"])
def engine(request):
    engine = open_engine(request.param)
    yield engine
    engine.close()


@settings(deadline=None, max_examples=60)
@given(a=ROWS, b=ROWS, key=st.sampled_from([(), ("K",), ("K", "L")]))
def test_the_same_as_by_dictionaries(engine, a, b, key):
    found = compare_table("T", replace(SPEC, primary_key=key, unique=()), table(a), table(b), engine)
    columns = {each.column: [each.changed, each.only_a, each.only_b] for each in found.columns}
    assert (found.both, found.only_a, found.only_b, columns) == by_dictionaries(key, a, b)
    for each in found.columns:  # an example is a pair of rows of one key in which the column differs
        place = COLUMNS.index(each.column)
        for x, y in each.examples:
            assert (a[x - 1][place] or "") != (b[y - 1][place] or "")
            assert all((a[x - 1][COLUMNS.index(k)] or "") == (b[y - 1][COLUMNS.index(k)] or "") for k in key)


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, order=st.randoms(use_true_random=False), key=st.sampled_from([(), ("K",)]))
def test_order_is_no_difference(engine, rows, order, key):
    shuffled = list(rows)
    order.shuffle(shuffled)
    spec = replace(SPEC, primary_key=key, unique=())
    assert compare_table("T", spec, table(rows), table(shuffled), engine).equal


def test_columns_that_one_side_lacks(engine):
    spec = replace(SPEC, primary_key=("K",), unique=())
    a, b = table([("1", "x", "y", "z")]), table([("1", "x", "y", "z")]).drop_columns(["L"])
    found = compare_table("T", spec, a, b, engine)
    assert (found.columns_a, found.columns_b, found.both, found.equal) == (("L",), (), 1, False)
    without_key = compare_table("T", spec, a.drop_columns(["K"]), b, engine)
    assert (without_key.key, without_key.columns_b, without_key.both) == ((), ("K",), 1)


def test_a_table_that_one_side_lacks(engine):
    found = compare_table("T", SPEC, None, table([("1", "x", "y", "z")]), engine)
    assert (found.missing, found.rows_a, found.rows_b, found.equal) == ("a", 0, 1, False)
