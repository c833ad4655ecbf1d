"""Two monthly files that overlap, and a refresh in another order: the same contact, the same identifier."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import idbmigrate
from idbmigrate.access import open_database
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database

pytestmark = pytest.mark.slow

DAYS = {"IAPTDataSetAppointment": "APPOINTMENT"}


def rewritten(source, path, keep, order):
    """A file with the rows of another for which ``keep`` holds, in another order."""
    create_database(path)
    with open_database(source) as old, DatabaseWriter(path) as writer:
        for name in old.tables:
            table = old.read(name)
            if name in DAYS:
                days = pc.strftime(table[DAYS[name]], "%Y-%m")
                table = table.filter(pa.array([keep(day) for day in days.to_pylist()]))
            shuffled = table.take(pa.array(order.permutation(table.num_rows)))
            sized = [(c, [c.length] if c.type == "TEXT" else []) for c in old.columns(name)]
            writer.create_table(name, [NewColumn(c.name, c.type, *length) for c, length in sized])
            writer.append(name, shuffled)
    return path


@pytest.fixture(scope="module")
def runs(sample_idb, tmp_path_factory):
    folder = tmp_path_factory.mktemp("months")
    source, order = sample_idb / "iapt-1.5.mdb", np.random.default_rng(7)
    parts = {
        "whole": lambda month: True,
        "spring": lambda month: month is not None and month <= "2016-07",
        "summer": lambda month: month is not None and "2016-06" <= month <= "2016-09",
    }
    made = {
        name: idbmigrate.convert(rewritten(source, folder / f"{name}.mdb", keep, order), to="iapt-2.1")
        for name, keep in parts.items()
    }
    return {"as it was": idbmigrate.convert(source, to="iapt-2.1"), **made}


def rows(run, table):
    return {tuple(row) for row in zip(*(column.to_pylist() for column in run.tables[table].columns))}


def test_another_order_of_the_rows_changes_nothing(runs):
    for name in runs["whole"].tables:
        if name != "IDS000Header":  # its creation time and period come from the parameters
            assert rows(runs["as it was"], name) == rows(runs["whole"], name), name


ACTIVITY = ["IDS201CareContact", "IDS202CareActivity", "IDS607CodedScoreAssessmentAct"]


@pytest.mark.parametrize("table", ACTIVITY)
def test_what_is_in_two_files_is_the_same_row_with_the_same_identifier(runs, table):
    whole, spring, summer = (rows(runs[name], table) for name in ("whole", "spring", "summer"))
    assert spring < whole and summer < whole
    assert spring & summer and spring - summer and summer - spring
