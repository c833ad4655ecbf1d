"""Work done side by side, in stretches or once for many rows gives what plain work gives."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idbmigrate
from idbmigrate.compile import optimise
from idbmigrate.engine.duckdb import DuckEngine
from idbmigrate.execution.row_order import in_order
from idbmigrate.execution.scheduler import run_tasks
from idbmigrate.staging import tables as stage

SAMPLES = Path(__file__).resolve().parents[2] / "sample_idb"


def converted(target="iapt-2.1"):
    run = idbmigrate.convert(SAMPLES / "iapt-1.5-messy.mdb", to=target, check=False)
    return run.tables, run.ledger


@pytest.mark.parametrize("repeats", [0, 10**9])
def test_texts_give_the_same_encoded_or_not(monkeypatch, repeats):
    plain = converted()
    monkeypatch.setattr(stage, "_REPEATS", repeats)
    assert converted() == plain


def test_one_worker_gives_what_two_give(monkeypatch):
    two = converted("mhsds-6.0")
    monkeypatch.setattr(DuckEngine, "workers", 1)
    assert converted("mhsds-6.0") == two


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0"])
def test_rows_are_found_by_number_as_by_identifier(monkeypatch, target):
    by_number = converted(target)
    by_identifier = optimise.RULES - {optimise.SAME_ROW_JOIN, optimise.SAME_ROW_PARENT}
    monkeypatch.setattr(importlib.import_module("idbmigrate.execution.planning"), "RULES", by_identifier)
    assert converted(target) == by_number


@given(st.data(), st.integers(1, 3))
def test_work_waits_for_what_it_needs(data, workers):
    names = [str(number) for number in range(data.draw(st.integers(0, 12)))]
    needs: dict[str, set[str]] = {}
    for name in names:
        needs[name] = data.draw(st.sets(st.sampled_from(list(needs)))) if needs else set()
    done, lock = [], threading.Lock()

    def work(name):
        with lock:
            assert needs[name] <= set(done)
            done.append(name)

    run_tasks(needs, work, workers)
    assert sorted(done) == sorted(names)


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_begins_after_an_error(workers):
    begun = []

    def work(name):
        begun.append(name)
        if name == "bad":
            raise ValueError(name)

    with pytest.raises(ValueError, match="bad"):
        run_tasks({"bad": (), "after": {"bad"}}, work, workers)
    assert begun == ["bad"]


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 50)), max_size=8)),
    st.integers(0, 3),
)
def test_rows_come_in_the_order_of_their_numbers(pieces, most):
    """Whatever pieces the rows come in, ordered in themselves or not; ``most`` stretches stay as they are."""
    pieces = [sorted(piece) if len(piece) % 2 else piece for piece in pieces]
    unlike = dict.fromkeys(row for piece in pieces for row in piece)
    chunks = [[row for row in piece if unlike.pop(row, 0) is None] for piece in pieces]
    columns = [
        pa.chunked_array([pa.array([row[at] for row in chunk], pa.int32()) for chunk in chunks], pa.int32())
        for at in range(3)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idbmigrate.execution.row_order._STRETCHES", most)
        ordered = in_order(pa.table(columns, ["branch", "item", "row"]), ["branch", "item", "row"])
    rows = [tuple(row.values()) for row in ordered.to_pylist()]
    assert rows == sorted(row for chunk in chunks for row in chunk)


def test_threads_see_the_table_that_was_registered_last():
    from idbmigrate.compile import sql

    engine = DuckEngine()
    query = sql.select([sql.column("x")], sql.relation("t"))
    seen = []

    def look(name):
        seen.append(engine.run(query)["x"].to_pylist())

    for value in range(3):
        engine.register("t", pa.table({"x": [value]}))
        run_tasks({"a": (), "b": ()}, look, 2)
        look("here")
    assert seen == [[0]] * 3 + [[1]] * 3 + [[2]] * 3
    engine.close()
