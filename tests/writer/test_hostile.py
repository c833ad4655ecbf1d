"""Damaged templates end in an error of ours, never in a crash, and leave nothing behind."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, NewIndex, create_database
from idbmigrate.errors import IdbmigrateError
from idbmigrate.exporters import idb

ROWS = {"T": pa.table({"Id": ["c", "d"], "N": ["3", None], "M": ["m" * 100, None]})}


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("hostile") / "template.mdb"
    create_database(path)
    columns = [NewColumn("Id", "TEXT", 20), NewColumn("N", "LONG"), NewColumn("M", "MEMO")]
    with DatabaseWriter(path) as writer:
        writer.create_table("T", columns, [NewIndex("pk", ("Id",), primary=True)])
        writer.append(
            "T", pa.table({"Id": ["a", "b"], "N": pa.array([1, 2], pa.int32()), "M": ["x", "y" * 500]})
        )
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(8))
def test_bytes_changed_at_random(seed, template, tmp_path):
    rng, pages, outcomes = random.Random(seed), len(template) // 4096, set()
    path, out = tmp_path / "template.mdb", tmp_path / "out.mdb"
    for _ in range(20):
        damaged = bytearray(template)
        for _ in range(rng.choice([1, 2, 5, 20])):
            page = rng.choice([0, 1, 2, 3, 6, 7, 8, 17, *range(18, pages)])
            place = rng.randrange(120) if rng.random() < 0.6 else rng.randrange(4096)
            damaged[page * 4096 + place] = rng.choice([0, 255, 1, rng.randrange(256)])
        path.write_bytes(damaged[: rng.randrange(len(damaged))] if rng.random() < 0.1 else damaged)
        try:
            idb.fill(ROWS, path, out, overwrite=True)
            outcomes.add("filled")
        except IdbmigrateError as error:
            outcomes.add(error.code)
        assert {entry.name for entry in tmp_path.iterdir()} <= {"template.mdb", "out.mdb"}
    assert len(outcomes) > 1
