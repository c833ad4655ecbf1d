"""Nothing that identifies is in any byte of pseudonymised output, and what belongs together still does."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import idbmigrate
from idbmigrate.datasets import list_datasets, load_dataset
from idbmigrate.errors import UsageError
from idbmigrate.pseudonyms import load_key
from idbmigrate.pseudonyms.forms import form
from idbmigrate.pseudonyms.items import IDENTIFIES, treatments
from idbmigrate.pseudonyms.tables import provider_of, pseudonymised, treatment

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef9f8e7d6c5b4a3921"
#: Seeds that stand in fields which are not made for them.
NAME, NUMBER, STREET, MAIL = "Zebedee Quux", "9990000018", "17 Acacia Avenue", "z.quux@example.org"
SEEDS = (NAME, NUMBER, STREET, MAIL)


@pytest.fixture
def key(tmp_path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("name", list_datasets("target"))
def test_every_column_of_every_target_is_classified(name):
    dataset = load_dataset(name)
    for table in dataset.tables.values():
        for column in table.columns.values():
            assert column.item in treatments(), f"{table.name}.{column.name}"
            assert treatment(column).identifies in IDENTIFIES
        for column, (parent, parent_key) in table.foreign_keys.items():
            mine, its = (
                treatment(t.columns[c]) for t, c in ((table, column), (dataset.tables[parent], parent_key))
            )
            assert (mine.becomes, mine.of, mine.scope) == (its.becomes, its.of, its.scope), (
                f"{table.name}.{column}"
            )


def test_a_column_that_is_not_classified_does_not_go_out(key):
    dataset = load_dataset("iapt-2.1")
    table = pa.table({"LocalPatientId": ["P1"], "Surname": ["Quux"]})
    made, left = pseudonymised({"IDS001MPI": table}, dataset, load_key(key), "RX1")
    assert made["IDS001MPI"]["Surname"].to_pylist() == [None]
    assert {"table": "IDS001MPI", "column": "Surname", "values": 1} in left


@pytest.mark.parametrize(
    ("becomes", "goes", "stays"),
    [
        ("district", {"SW1A 2AA": "SW1A", "zz993vz": "ZZ99", "M1 1AE": "M1"}, ["SW1A", "Quux", "17 High St"]),
        ("year", {"1980-02-29": "1980"}, ["29/02/1980", "1980-02-29 x"]),
        (
            "hour",
            {"09:41:07": "09:00:00", "2016-04-01T09:41:07+01:00": "2016-04-01T09:00:00+01:00"},
            ["9", "x"],
        ),
        (
            "clinical",
            {"F32.1": "F32.1", "F321": "F321", "718583008": "718583008"},
            [NUMBER, "Quux", "718583009"],
        ),
        (
            "organisation",
            {"RX1": "RX1", "RWK": "RWK", "A81001": "A81001"},
            ["LEE", "QUUX", "SW1A2AA", NUMBER],
        ),
        ("number", {"12": "12", "-0.5": "-0.5"}, [NUMBER, "12x", "1980-01-01"]),
        ("code", {"01": "01", "A": "A", "R0050": "R0050"}, ["LEE", "SMITH", NUMBER, NAME]),
        ("left-out", {}, ["1", "Quux"]),
    ],
)
def test_a_value_goes_out_in_the_form_of_its_kind_alone(becomes, goes, stays):
    turn = form(becomes, None)
    assert {text: turn(text) for text in goes} == goes
    assert [text for text in stays if turn(text) is not None] == []
    assert [form("code", {"1": ""})(text) for text in ("1", "2")] == ["1", None]


def source(folder: Path, sample: Path) -> set[str]:
    """A legacy file as CSV with seeds in wrong fields; gives all that identifies in it."""
    folder.mkdir()
    secrets = set(SEEDS)
    with idbmigrate.open_idb(sample) as idb:
        for name in idb.tables:
            rows = idb.read(name).to_pylist()
            for number, row in enumerate(rows):
                row["FULLNAME"], row["NOTE"] = f"{NAME} {number}", f"{STREET}; {MAIL}"
                for column in row:
                    if column in ("GENDER", "ETHNICITY", "ENDCODE", "THERTYPE1") and number % 7 == 0:
                        row[column] = SEEDS[number % 4]
                    if column in ("GMPC", "PHQ9_SCORE", "SOURCEREFERRAL") and number % 11 == 0:
                        row[column] = NUMBER
                for column, value in row.items():
                    if column in ("LPTID", "NHSNO", "SERVICEID", "POSTCODE", "PAUSEID") and value:
                        secrets.add(str(value))
                    if column == "DOB" and value:
                        secrets |= {value.strftime("%Y-%m-%d"), value.strftime("%d/%m/%Y")}
            made = (
                pa.table({column: [text(row[column]) for row in rows] for column in rows[0]})
                if rows
                else None
            )
            if made is not None:
                pa.csv.write_csv(made, folder / f"{name}.csv")
    return {secret for secret in secrets if len(secret) > 4}


def text(value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.strftime("%Y-%m-%d %H:%M:%S") if hasattr(value, "strftime") else f"{value:g}"


def every_byte(folder: Path):
    """The bytes of every file below a folder, and of what is packed in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            place = path.relative_to(folder).as_posix()
            yield place, place.encode() + data
            if zipfile.is_zipfile(io.BytesIO(data)):
                with zipfile.ZipFile(io.BytesIO(data)) as packed:
                    yield from ((f"{place}/{name}", packed.read(name)) for name in packed.namelist())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "target", "split"),
    [("iapt-1.5.mdb", "iapt-2.1", True), ("iapt-ltc-1.5.4.mdb", "mhsds-6.0", False)],
)
def test_no_seed_is_in_any_byte_of_the_output(sample, target, split, tmp_path, sample_idb, key, monkeypatch):
    secrets = source(tmp_path / "april", sample_idb / sample)
    write = pyarrow.parquet.write_table
    monkeypatch.setattr(
        pyarrow.parquet,
        "write_table",
        lambda *words, **options: write(*words, **{**options, "compression": "none"}),
    )
    options = {"to": target, "formats": ["csv", "parquet", "analysis"], "split": "month" if split else None}
    run = idbmigrate.convert(tmp_path / "april", out=tmp_path / "true", **options)
    found = b"\n".join(data for _, data in every_byte(tmp_path / "true"))
    seen = {secret for secret in secrets if secret.encode() in found}
    assert len(seen) > 100 and set(SEEDS) <= seen  # the search finds what is there
    idbmigrate.convert(tmp_path / "april", out=tmp_path / "out", pseudonymise=key, **options)
    for name, spec in load_dataset(target).tables.items():
        for column in run.tables[name].column_names if name in run.tables else ():
            if treatment(spec.columns[column]).becomes == "pseudonym":
                secrets |= {s for s in run.tables[name][column].to_pylist() if s and len(s) > 4}
    wanted = [form for s in {*secrets, KEY} for form in (s.encode(), s.encode("utf-16-le"))]
    files = dict(every_byte(tmp_path / "out"))
    assert {"report.xlsx", "report.html", "manifest.json"} <= files.keys() and len(files) > 20
    whole = b"\n".join(files.values())
    leaks = [secret for secret in wanted if secret in whole]
    assert [(name, secret) for secret in leaks for name, data in files.items() if secret in data] == []
    assert not (tmp_path / "out" / "rejects").exists() and not (tmp_path / "out" / "findings.csv").exists()


def children(tables, name, column, parent, key):
    """How many rows hang on each row of the parent table, without saying on which."""
    counts = Counter(tables[name][column].to_pylist())
    return sorted(counts[value] for value in tables[parent][key].to_pylist())


def test_what_belongs_together_still_does(tmp_path, sample_idb, key):
    dataset, secret = load_dataset("iapt-2.1"), load_key(key)
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1")
    provider = provider_of((run.tables, dataset))
    made, _ = pseudonymised(run.tables, dataset, secret, provider)
    again, _ = pseudonymised(
        {n: t.take(pa.array(range(t.num_rows)[::-1], pa.int64())) for n, t in run.tables.items()},
        dataset,
        secret,
        provider,
    )
    other, _ = pseudonymised(run.tables, dataset, secret, "RZZ")
    for name, table in run.tables.items():
        assert made[name].equals(again[name])
        for column, (parent, parent_key) in dataset.tables[name].foreign_keys.items():
            if table.num_rows and column in table.column_names:
                place = (name, column, parent, parent_key)
                assert children(made, *place) == children(run.tables, *place), place
    mine, its = (tables["IDS001MPI"] for tables in (made, other))
    assert set(mine["NHSNumber"].to_pylist()) == set(its["NHSNumber"].to_pylist())
    assert not set(mine["LocalPatientId"].to_pylist()) & set(its["LocalPatientId"].to_pylist())
    assert len(set(mine["LocalPatientId"].to_pylist())) == run.tables["IDS001MPI"].num_rows
    assert not set(mine["LocalPatientId"].to_pylist()) & set(mine["NHSNumber"].to_pylist())


def test_one_person_is_one_pseudonym_however_the_number_is_written(key):
    dataset = load_dataset("iapt-2.1")
    numbers = ["999 000 0018", "999-000-0018", "9990000018", "9990000026"]
    table = pa.table({"LocalPatientId": ["p1", "P1 ", "P2", "9990000018"], "NHSNumber": numbers})
    made = pseudonymised({"IDS001MPI": table}, dataset, load_key(key), "RX1")[0]["IDS001MPI"]
    assert sorted(map(made["NHSNumber"].to_pylist().count, made["NHSNumber"].to_pylist())) == [1, 3, 3, 3]
    assert len(set(made["LocalPatientId"].to_pylist())) == 3
    assert not set(made["LocalPatientId"].to_pylist()) & set(made["NHSNumber"].to_pylist())


def test_formats_without_room_and_files_without_provider_are_refused(tmp_path, sample_idb, key):
    for name in ("xml", "idb"):
        with pytest.raises(UsageError, match="no room"):
            idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", formats=[name], pseudonymise=key)
    with pytest.raises(UsageError, match="provider"):
        provider_of(({"IDS001MPI": pa.table({"LocalPatientId": ["P1"]})}, load_dataset("iapt-2.1")))


def test_the_manifest_tells_the_key_by_its_id(tmp_path, sample_idb, key):
    run = idbmigrate.convert(
        sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=tmp_path / "out", pseudonymise=key
    )
    facts = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert facts["pseudonymised"]["key"] == load_key(key).id and "ledger" not in facts
    assert facts["tables"] == {name: table.num_rows for name, table in run.tables.items()}
    assert all(len(line["column"]) and line["values"] > 0 for line in facts["pseudonymised"]["left_out"])
