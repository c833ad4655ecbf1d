"""AutoNumber columns of the type Replication ID are filled."""

from __future__ import annotations

import uuid

import pyarrow as pa

from idbmigrate.access import open_database
from idbmigrate.access.write.layout import COLUMN_AUTO_ID
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database

_GIVEN = "{0F0E0D0C-0B0A-4908-8706-050403020100}"


def filled(path, *batches: pa.Table) -> list[str]:
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("Id", "GUID"), NewColumn("N", "LONG")])
        page = writer.layout("T").number
    content = bytearray(path.read_bytes())
    flags = page * 4096 + 63 + 15  # of the first column, in a table without indexes
    assert content[flags - 15] == 15
    content[flags] |= COLUMN_AUTO_ID
    path.write_bytes(content)
    with DatabaseWriter(path) as writer:
        for batch in batches:
            writer.append("T", batch)
    with open_database(path) as database:
        return database.read("T")["Id"].to_pylist()


def numbers(*values: int) -> pa.Table:
    return pa.table({"N": pa.array(values, pa.int32())})


def test_each_row_has_an_id_of_its_own_and_the_same_input_the_same(tmp_path):
    ids = filled(tmp_path / "a.mdb", numbers(1, 2, 3), numbers(1, 2, 3))
    assert len(set(ids)) == 6 and None not in ids
    assert {uuid.UUID(each).version for each in ids} == {4}
    assert filled(tmp_path / "b.mdb", numbers(1, 2, 3), numbers(1, 2, 3)) == ids
    assert not set(filled(tmp_path / "c.mdb", numbers(1, 2, 4))) & set(ids)


def test_an_id_that_is_given_stays(tmp_path):
    table = numbers(1, 2).append_column("Id", pa.array([_GIVEN, None], pa.string()))
    first, second = filled(tmp_path / "a.mdb", table)
    assert first == _GIVEN and second not in (None, _GIVEN)
