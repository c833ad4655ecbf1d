"""Files for analysis, read with DuckDB: every text is that of the CSV, every typed value its."""

from __future__ import annotations

import csv
import datetime as dt
import json

import duckdb
import pyarrow as pa
import pytest

import idbmigrate
from idbmigrate.datasets import load_dataset
from idbmigrate.exporters import Job, analysis

DATASET = load_dataset("iapt-2.1")
#: What Python makes of the text of each type that DuckDB tells.
READ = {
    "DATE": dt.date.fromisoformat,
    "TIME": dt.time.fromisoformat,
    "TIMESTAMP": lambda text: dt.datetime.fromisoformat(text[:19]),
    "BIGINT": int,
    "DOUBLE": float,
}


@pytest.fixture(scope="module")
def out(tmp_path_factory, root):
    place = tmp_path_factory.mktemp("analysis") / "out"
    source = root / "sample_idb" / "iapt-1.5-messy.mdb"
    idbmigrate.convert(source, to="iapt-2.1", out=place, formats=["csv", "analysis"])
    return place


@pytest.fixture
def connection(out, monkeypatch):
    monkeypatch.chdir(out / "analysis")
    with duckdb.connect("analysis.duckdb", read_only=True) as connection:
        yield connection


def of_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: text or None for name, text in row.items()} for row in csv.DictReader(file)]


def typed(kind: str, text: str | None):
    try:
        return None if text is None else READ[kind](text)
    except ValueError:
        return None


def test_every_cell_is_that_of_the_csv(out, connection):
    counted, types = {}, set()
    files = sorted((out / "csv").glob("*.csv"))
    assert {file.stem for file in files} == {name for (name,) in connection.sql("SHOW TABLES").fetchall()}
    for file in files:
        rows = of_csv(file)
        found = connection.sql(f'SELECT * FROM "{file.stem}" ORDER BY _row')
        kinds = dict(zip(found.columns, map(str, found.types), strict=True))
        read = [dict(zip(found.columns, values, strict=True)) for values in found.fetchall()]
        assert [row["_row"] for row in read] == list(range(len(rows)))
        with open(file, encoding="utf-8", newline="") as whole:
            header = next(csv.reader(whole))
        for name in header:
            text_name = f"{name}_text" if f"{name}_text" in kinds else name
            assert kinds[text_name] == "VARCHAR"
            assert [row[text_name] for row in read] == [row[name] for row in rows], f"{file.stem}.{name}"
            if text_name != name:
                types.add(kinds[name])
                wanted = [typed(kinds[name], row[name]) for row in rows]
                assert [row[name] for row in read] == wanted, f"{file.stem}.{name}"
                lost = sum(w is None and row[name] is not None for w, row in zip(wanted, rows, strict=True))
                if lost:
                    counted[file.stem, name] = lost
    assert types == set(READ)
    lines = json.loads((out / "manifest.json").read_text())["not_of_type"]
    assert {(line["table"], line["column"]): line["values"] for line in lines} == counted and counted


def test_a_row_lies_in_the_month_of_its_date_or_of_its_parent(connection):
    for table, column in (
        ("IDS201CareContact", "CareContDate"),
        ("IDS101Referral", "ReferralRequestReceivedDate"),
    ):
        wrong = connection.sql(f'SELECT count(*) FROM "{table}" WHERE month <> {column}_text[:7]').fetchall()
        assert wrong == [(0,)]
    wrong = connection.sql(
        "SELECT count(*), count(DISTINCT a.month) FROM IDS202CareActivity a JOIN IDS201CareContact c "
        "USING (CareContactId) WHERE a.month <> c.month"
    ).fetchall()
    assert wrong == [(0, 0)]
    assert connection.sql("SELECT count(DISTINCT month) > 3 FROM IDS202CareActivity").fetchall() == [(True,)]


def test_the_descriptions_of_the_data_set_are_comments(connection):
    [(comment,)] = connection.sql(
        "SELECT comment FROM duckdb_views() WHERE view_name = 'IDS101Referral'"
    ).fetchall()
    assert DATASET.tables["IDS101Referral"].title in comment
    words = dict(
        connection.sql(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'IDS001MPI'"
        ).fetchall()
    )
    assert all(words.values()) and DATASET.tables["IDS001MPI"].columns["Gender"].item in words["Gender"]


def test_texts_that_are_not_of_their_type_are_null_and_counted(tmp_path):
    dates = ["2015-02-29", "2016-02-29", "29/02/2016", "2016-02-29\n", None, "2016-13-01"]
    times = ["24:00:00", "09:41:07", "9:41", "09:41:07 ", None, "09:60:00"]
    table = pa.table({"CareContactId": list("abcdef"), "CareContDate": dates, "CareContTime": times})
    job = Job(DATASET, tmp_path / "made", None)  # it names its own files
    analysis.export({"IDS201CareContact": table}, job)
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{tmp_path / 'made'}'")
        connection.execute(f"ATTACH '{tmp_path / 'made' / 'analysis.duckdb'}' AS made (READ_ONLY)")
        found = connection.sql(
            "SELECT CareContDate, CareContTime, month FROM made.IDS201CareContact ORDER BY _row"
        )
        assert found.fetchall() == [
            (None, None, "2015-02"),
            (dt.date(2016, 2, 29), dt.time(9, 41, 7), "2016-02"),
            (None, None, "none"),
            (None, None, "2016-02"),
            (None, None, "none"),
            (None, None, "none"),
        ]
    assert {(line["column"], line["values"]) for line in job.not_of_type} == {
        ("CareContDate", 4),
        ("CareContTime", 4),
    }


def test_the_same_tables_give_the_same_bytes_without_a_place_of_the_machine(tmp_path):
    table = pa.table({"CareContactId": ["a"], "CareContDate": ["2016-04-01"]})
    made = []
    for name in ("one", "two"):
        analysis.export({"IDS201CareContact": table}, Job(DATASET, tmp_path / name, None))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        made.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert made[0] == made[1] and len(made[0]) == 2
    assert not any(str(tmp_path).encode() in data for data in made[0].values())
