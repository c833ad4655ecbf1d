"""The verb: reads every form of output back alike, says the worst first, and exits as --fail-on asks."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from idbmigrate.cli import group
from idbmigrate.errors import SourceError
from idbmigrate.exporters import csv, parquet, xml
from idbmigrate.exporters.read_back import read_output

from .good import DATASET, arrow, good


@pytest.fixture
def file():
    found = good()
    found["IDS101Referral"][0]["EndCode"] = None  # a warning
    found["IDS603PresentingComplaints"][0]["PresComp"] = "F41.100"  # a record
    found["IDS001MPI"][0]["LocalPatientId"] = 'P"1,\n'
    for rows in found.values():
        for row in rows:
            if row.get("LocalPatientId") == "P1":
                row["LocalPatientId"] = 'P"1,\n'
    return found


def written(kind, tables, folder):
    if kind == "csv":
        csv.write(tables, folder / "csv")
    elif kind == "parquet":
        parquet.write(tables, folder / "parquet")
    else:
        xml.write(tables, DATASET, folder / "xml" / "iapt-2.1.xml")
    return folder


def run(*words):
    result = CliRunner().invoke(group, ["validate", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("kind", ["csv", "parquet", "xml"])
def test_every_form_reads_back_alike(kind, file, tmp_path):
    tables = arrow(file)
    assert read_output(written(kind, tables, tmp_path), DATASET) == tables


@pytest.mark.parametrize(
    ("fail_on", "code"), [("warning", 1), ("record", 1), ("group", 0), ("file", 0), ("never", 0), (None, 1)]
)
def test_exit_code(fail_on, code, file, tmp_path):
    folder = written("csv", arrow(file), tmp_path)
    options = ["--fail-on", fail_on] if fail_on else []
    assert run(folder, "--as", "iapt-2.1", *options)[0] == code


def test_worst_first_and_all_of_it_in_json(file, tmp_path):
    file["IDS001MPI"][0]["Postcode"] = "nowhere"
    folder = written("csv", arrow(file), tmp_path)
    code, out, _ = run(folder, "--as", "iapt-2.1", "--json")
    document = json.loads(out)
    assert code == 1 and document["fate"]["outcome"] == "rejected"
    assert [cause["code"] for cause in document["root_causes"]] == [
        "IDSREJ007",
        "IDS60310",
        "IDS10137",
        "OWN040",
    ]
    assert "nowhere" not in out
    text = run(folder, "--as", "iapt-2.1")[1]
    assert text.startswith("The file would be rejected as a whole (IDSREJ007)") and "nowhere" not in text


def test_files(file, tmp_path):
    folder = written("csv", arrow(file), tmp_path / "out")
    names = {
        option: tmp_path / name
        for option, name in (("--findings", "f.csv"), ("--html", "r.html"), ("--xlsx", "r.xlsx"))
    }
    run(folder, "--as", "iapt-2.1", "--share", *(word for pair in names.items() for word in pair))
    assert "F41.100" in names["--findings"].read_text(encoding="utf-8"), "the local file holds the value"
    assert "F41.100" not in names["--html"].read_text(encoding="utf-8")


def test_portal_values_are_compared(file, tmp_path):
    folder = written("csv", arrow(file), tmp_path)
    code, out, _ = run(folder, "--as", "iapt-2.1", "--json", "--provider", "RX9", "--period", "2022-04")
    found = {cause["code"] for cause in json.loads(out)["root_causes"]}
    assert "IDS00030" in found and "IDS00016" not in found and code == 1, (
        "the header falls, and the file with it"
    )


def test_rules_are_counted():
    document = json.loads(run("--as", "iapt-2.1", "--rules", "--json")[1])
    reasons = sum(each["rules"] for each in document["not_checked"])
    assert document["published"] == 382 == document["checked"] + reasons
    assert "382" in run("--as", "iapt-2.1", "--rules")[1]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><DataSet/>', "damaged"),
        ("a.xml", b"<DataSet><Unknown/></DataSet>", "damaged"),
        ("a.xml", b"<DataSet><IDS001MPI><Gender><deep/></Gender></IDS001MPI></DataSet>", "damaged"),
        ("a.xml", b"not xml at all", "damaged"),
        ("IDS001MPI.csv", b"LocalPatientId,Gender\nP1\n", "damaged"),
        ("IDS001MPI.csv", b"LocalPatientId,LocalPatientId\nP1,P2\n", "damaged"),
        ("IDS001MPI.csv", b"LocalPatientId\n\xff\xfe\n", "damaged"),
        ("IDS001MPI.parquet", b"PAR1 not really", "damaged"),
        ("other.csv", b"a,b\n", "missing-table"),
    ],
)
def test_what_is_no_output(name, content, code, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_output(tmp_path / name if name.endswith("xml") else tmp_path, DATASET)
    assert caught.value.code == code and "P1" not in str(caught.value)


def test_a_folder_of_months_asks_for_one(tmp_path, file):
    written("csv", arrow(file), tmp_path / "2022-04")
    with pytest.raises(SourceError, match="2022-04"):
        read_output(tmp_path, DATASET)


@pytest.mark.parametrize(
    "words", [["x", "--as", "iapt-9"], ["--as", "iapt-2.1"], ["x", "--as", "iapt-2.1", "--submitted", "now"]]
)
def test_wrong_usage(words):
    assert run(*words)[0] == 2


def test_a_report_that_cannot_be_written(file, tmp_path):
    folder = written("csv", arrow(file), tmp_path)
    (tmp_path / "taken").mkdir()
    code, _, err = run(folder, "--as", "iapt-2.1", "--html", tmp_path / "taken")
    assert code == 6 and "output-failed" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "taken"]


def test_the_manifest_names_the_data_set(file, tmp_path):
    folder = written("csv", arrow(file), tmp_path)
    code, _, message = run(folder)
    assert code == 2 and "--as" in message
    top = folder if (folder / "csv").is_dir() else folder.parent
    (top / "manifest.json").write_text(json.dumps({"target": "iapt-2.1"}), encoding="utf-8")
    assert run(top)[1] == run(top, "--as", "iapt-2.1")[1]


def test_one_csv_is_checked_as_the_table_of_its_name(file, tmp_path):
    file["IDS001MPI"][0]["PersonBirthDate"] = "31/12/1980"
    written("csv", arrow(file), tmp_path)
    [table] = tmp_path.rglob("IDS001MPI.csv")
    code, out, _ = run(table, "--as", "iapt-2.1", "--json")
    causes = {(cause["code"], cause["column"]) for cause in json.loads(out)["root_causes"]}
    assert code == 1 and ("OWN032", "PersonBirthDate") in causes
    assert json.loads(out)["fate"]["rejected"]["IDS001MPI"] == len(file["IDS001MPI"])
    other = table.rename(table.with_name("patients.csv"))
    assert run(other, "--as", "iapt-2.1", "--json")[0] == 1
    causes = json.loads(run(other, "--as", "iapt-2.1", "--json")[1])["root_causes"]
    assert ("OWN032", "PersonBirthDate") in {(cause["code"], cause["column"]) for cause in causes}
    for header, why in (("LocalPatientId\n", "the columns are those of"), ("a,b\n", "no table has these")):
        other.write_text(header, encoding="utf-8")
        code, _, message = run(other, "--as", "iapt-2.1")
        assert code == 3 and "IDS000Header.csv" in message and why in message


def test_a_birth_date_that_is_none_rejects_the_record(file, tmp_path):
    """For the exit code and for the fate alike."""
    file["IDS001MPI"][0]["PersonBirthDate"] = "banana"
    _, out, _ = run(written("csv", arrow(file), tmp_path), "--as", "iapt-2.1", "--json")
    document = json.loads(out)
    assert document["findings"]["record"] and document["fate"]["outcome"] != "accepted"
    assert "OWN032" in document["fate"]["rejecting_codes"] and document["fate"]["rejected"]["IDS001MPI"]
