"""A staged table that was written to the disk comes back as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from idbmigrate.datasets import identify, load_dataset
from idbmigrate.readers import open_idb
from idbmigrate.sample import write_sample
from idbmigrate.staging.several import SeveralValues
from idbmigrate.staging.stored import load, save
from idbmigrate.staging.tables import StagedTable, each_staged, staged_texts


def assert_same(one: StagedTable, other: StagedTable) -> None:
    for view in ("raw", "clean"):
        held, back = getattr(one, view), getattr(other, view)
        assert sorted(back.column_names) == sorted(held.column_names)
        for name in held.column_names:
            assert back[name].to_pylist() == held[name].to_pylist(), name
    for name in ("name", "source_name", "days", "unknown", "source_columns", "dates", "lost", "keys"):
        assert getattr(other, name) == getattr(one, name), name
    assert set(other.absent) == set(one.absent)
    assert other.columns == one.columns
    assert (one.ids is None) == (other.ids is None)
    assert one.ids is None or np.array_equal(one.ids, other.ids)
    assert one.several.keys() == other.several.keys()
    for name, several in one.several.items():
        assert several.mask.tolist() == other.several[name].mask.tolist()
        assert (several.further, several.stray) == (other.several[name].further, other.several[name].stray)


@pytest.mark.parametrize("drifted", [False, True])
def test_every_table_of_a_file(tmp_path, drifted):
    write_sample(tmp_path / "a.mdb", dataset="iapt-1.5", patients=60, faults="many", drifted=drifted)
    with open_idb(tmp_path / "a.mdb") as idb:
        found = identify({name: idb.columns(name) for name in idb.tables})
        tables = list(each_staged(idb, found, load_dataset(found.dataset)))
    assert any(table.name is None for table in tables) == drifted
    for table in tables:
        save(table, tmp_path / "t.parquet")
        assert_same(table, load(tmp_path / "t.parquet"))


def test_columns_that_are_called_as_ours_are(tmp_path):
    names = ["_place", "A", "A.clean", "_PLACE'", "a.CLEAN'"]
    table = staged_texts("own", pa.table({name: [f" {name}", None] for name in names}), [])
    assert table.raw["A"].to_pylist() == [" A", None]
    assert table.clean["A"].to_pylist() == ["A", None]
    save(table, tmp_path / "t.parquet")
    assert_same(table, load(tmp_path / "t.parquet"))


def test_cells_of_several_values(tmp_path):
    table = staged_texts("own", pa.table({"A": ["1", "1; 2; 3", None]}), ["A"])
    table = replace(table, several={"A": SeveralValues(np.array([False, True, False]), 2, 1)})
    save(table, tmp_path / "t.parquet")
    assert_same(table, load(tmp_path / "t.parquet"))
