"""The Access file of ours has the types of the centre's own definitions, and reads back as it was."""

from __future__ import annotations

import pyarrow as pa
import pytest

from idbmigrate.access import open_database
from idbmigrate.checks import check
from idbmigrate.datasets import load_dataset
from idbmigrate.exporters import idb
from idbmigrate.exporters.read_back import read_output
from tests.checks.good import CONTEXT, arrow, good

TARGETS = ("iapt-2.1", "mhsds-6.0", "mhsds-5.0")


def types(dataset, folder):
    """Access type and length of each column of the test file."""
    (path,) = idb.write({}, dataset, folder)
    with open_database(path) as database:
        return {
            (table, column.name): (column.type, column.length)
            for table in database.tables
            for column in database.columns(table)
        }


@pytest.mark.parametrize("name", TARGETS)
def test_types(name, tmp_path):
    dataset = load_dataset(name)
    found = types(dataset, tmp_path)
    for table, spec in dataset.tables.items():
        for column, about in spec.columns.items():
            kind, length = found[table, column]
            if about.format.kind in ("date", "time"):
                assert kind == "SHORT_DATE_TIME", column
            elif about.format.kind in ("text", "month") and about.format.max_length:
                assert (kind, length) == ("TEXT", about.format.max_length), column
    header = next(iter(dataset.tables))
    assert found[header, "DateTimeDatSetCreate"][0] == "SHORT_DATE_TIME"
    if name.startswith("mhsds"):
        assert found["MHS606CodedScoreAssessmentRefer", "AssToolCompTimestamp"][0] == "TEXT", "has an offset"
        assert found["MHS517SMHExceptionalPackOfCare", "SMHEPCCharge"] == ("TEXT", 10)
        assert found["MHS001MPI", "NHSNumber"] == ("TEXT", 10)
    if name == "mhsds-6.0":
        assert found["MHS014eMED3FitNote", "FitNoteCond"][0] == "NUMERIC"


def test_midnight_and_moments_come_back(tmp_path):
    dataset, file = load_dataset("iapt-2.1"), good()
    file["IDS000Header"][0]["DateTimeDatSetCreate"] = "2022-05-02T00:00:00"
    file["IDS201CareContact"][0]["CareContTime"] = "00:00:00"
    tables = arrow(file)
    (path,) = idb.write(tables, dataset, tmp_path)
    back = read_output(path, dataset)
    for name, table in tables.items():
        assert back[name].select(table.column_names).to_pylist() == table.to_pylist(), name
    assert check(back, dataset, CONTEXT).findings.num_rows == 0


def test_a_long_code_stays_whole_as_a_number(tmp_path):
    dataset = load_dataset("mhsds-6.0")
    code = "900000000000207008"  # 18 digits, more than a Double holds
    table = pa.table({"LocalPatientID": ["P1"], "FitNoteCond": [code]})
    (path,) = idb.write({"MHS014eMED3FitNote": table}, dataset, tmp_path)
    assert read_output(path, dataset)["MHS014eMED3FitNote"]["FitNoteCond"].to_pylist() == [code]
