"""A table or column that an overlay leaves out must not be taken for the one that it is named like."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from idbmigrate.datasets import identify, load_dataset, load_overlay
from idbmigrate.staging.tables import stage


class Idb:
    row_reference = "page:slot"

    def __init__(self, **tables: pa.Table):
        self.content = tables
        self.tables = list(tables)

    def columns(self, table):
        names = self.content[table].column_names
        return [SimpleNamespace(name=name, type="TEXT", length=20) for name in names]

    def read_with_ids(self, table, columns=None):
        own = self.content[table]
        return own, np.arange(own.num_rows)


@pytest.fixture
def staged(tmp_path):
    def run(overlay: str, **tables: pa.Table):
        path = tmp_path / "overlay.yaml"
        path.write_text(f"dataset: iapt-1.5\n{overlay}", encoding="utf-8")
        idb = Idb(**tables)
        found = identify({name: idb.columns(name) for name in idb.tables}, load_overlay(path))
        return stage(idb, found, load_dataset("iapt-1.5"))

    return run


@pytest.mark.parametrize("name", ["RELIGION", "Religion"])
def test_a_column_left_out_keeps_its_values_apart(staged, name):
    person = pa.table({"LPTID": ["1"], "ReligiousGroup": ["C"], name: ["old"]})
    table = staged("tables: {Person: {columns: {RELIGION: ReligiousGroup}}}", Person=person)["Person"]
    assert table.raw["RELIGION"].to_pylist() == ["C"]
    assert table.raw[f"{name} (not matched)"].to_pylist() == ["old"]
    assert table.unknown == (f"{name} (not matched)",)


def test_a_table_left_out_keeps_its_rows_apart(staged):
    old, new = pa.table({"LPTID": ["old"]}), pa.table({"LPTID": ["new"]})
    tables = staged("ignore: [Person]", Person=old, IAPTDataSetPerson=new)
    assert tables["Person"].raw["LPTID"].to_pylist() == ["new"]
    assert tables["Person (not matched)"].raw["LPTID"].to_pylist() == ["old"]
