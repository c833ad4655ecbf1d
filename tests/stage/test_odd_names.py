"""Columns that a file names as queries name their own are kept apart from these."""

from __future__ import annotations

import pyarrow as pa
import pytest

from idbmigrate import convert, open_idb
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.ledger.rejects import rejects

ODD = ["_row", "_key", "_repeat", "_branch", "LPTID.0", "LPTID:0 (not matched)", "GENDER.1", "a"]


@pytest.fixture
def with_columns(sample_idb, tmp_path):
    def make(name, columns):
        """The sample with more columns in each table, every column text."""
        path = tmp_path / f"{name}.mdb"
        create_database(path)
        with open_idb(sample_idb / "iapt-1.5.mdb") as idb, DatabaseWriter(path) as writer:
            for table in idb.tables:
                content = idb.read(table)
                texts = {column: content[column].cast(pa.string()) for column in content.column_names}
                texts |= {column: pa.array(["x"] * content.num_rows) for column in columns}
                writer.create_table(table, [NewColumn(column, "TEXT", 50) for column in texts])
                writer.append(table, pa.table(texts))
        return convert(path, to="iapt-2.1", check=False)

    return make


def test_odd_columns_change_nothing_and_are_left_behind_under_their_names(with_columns):
    plain, odd = with_columns("plain", []), with_columns("odd", ODD)
    assert odd.tables == plain.tables
    left = rejects(odd.books, odd.staged)
    for label, table in odd.staged.items():
        if not table.raw.num_rows:
            continue  # the file has no such table
        found = left[label].to_pandas()
        found = found[found["reason"] == "unknown-column"]
        assert found["column"].value_counts().to_dict() == dict.fromkeys(ODD, table.raw.num_rows)
