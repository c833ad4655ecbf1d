"""``inspect`` and ``dataset`` on the command line: data on stdout, one JSON document with --json."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from click.testing import CliRunner

from idbmigrate.cli import group
from idbmigrate.datasets import list_datasets
from idbmigrate.datasets.survey import survey


def run(*words: str):
    return CliRunner().invoke(group, list(words))


def test_dataset_list_names_all():
    out = run("dataset", "list").stdout
    assert all(name in out for name in list_datasets())
    entries = json.loads(run("dataset", "list", "--json").stdout)
    assert {entry["name"] for entry in entries} == set(list_datasets())


def test_dataset_show_tells_columns_and_codes():
    assert "IDS101Referral" in run("dataset", "show", "iapt-2.1").stdout
    out = run("dataset", "show", "iapt-1.5", "Person").stdout
    assert "ReligiousGroup" in out and "PERSON BIRTH DATE" in out and "Ex-services member" in out
    shown = json.loads(run("dataset", "show", "iapt-1.5", "Person", "--json").stdout)
    assert shown["columns"]["GENDER"]["codes"] in shown["code_lists"]
    assert json.loads(run("dataset", "show", "iapt-1.5", "--json").stdout)["name"] == "iapt-1.5"


def test_dataset_schema_prints_either_kind():
    assert run("dataset", "schema", "iapt-2.1").stdout.startswith("<?xml")
    as_json = run("dataset", "schema", "iapt-2.1", "--as", "json").stdout
    assert json.loads(as_json) == json.loads(run("dataset", "schema", "iapt-2.1", "--json").stdout)


@pytest.mark.parametrize("words", [("show", "iapt-3"), ("show", "iapt-1.5", "Persn"), ("schema", "none")])
def test_unknown_names_are_wrong_usage_with_a_hint(words):
    result = run("dataset", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "unknown-name" in result.stderr and "hint" in result.stderr


@dataclass
class FakeIdb:
    """A file of two tables, one of them with values that no code list has."""

    content: dict[str, pa.Table]
    types: dict[str, str] = field(default_factory=dict)
    problems = ()
    linked_tables = ()
    other_files = ()
    losses = ()
    row_reference = "page:slot"

    def unread_columns(self):
        return []

    def facts(self, table):
        return None

    @property
    def tables(self):
        return list(self.content)

    def columns(self, table):
        @dataclass
        class Column:
            name: str
            type: str = "TEXT"
            length: int = 2

        return [Column(name) for name in self.content[table].column_names]

    def row_count(self, table):
        return 99

    def read(self, table):
        return self.content[table]


def test_new_codes_are_values_of_coded_columns_that_no_list_has():
    secret = "4857773456"
    person = pa.table(
        {
            "LPTID": [secret, "b", "c", "d", "e"],
            "NHSNO": [secret] * 5,
            "GENDER": ["1", "1", "7", None, ""],
            "ETHNICITY": ["A", "a ", "QQ", "QQ", "a remark that is no code"],
            "NHSNOSTATUS": pa.array([1, 2, 1, 77, None], pa.int16()),
        }
    )
    result = survey(FakeIdb({"Person": person, "Other": pa.table({"X": [secret]})}), source="iapt-1.5")
    listed = {(c.column, c.value): (c.rows, c.like) for c in result.new_codes}
    assert listed == {
        ("GENDER", "7"): (1, None),
        ("ETHNICITY", "QQ"): (2, None),
        ("ETHNICITY", "a "): (1, "A"),
        ("ETHNICITY", None): (1, None),
        ("NHSNOSTATUS", "1"): (2, "01"),
        ("NHSNOSTATUS", "2"): (1, "02"),
        ("NHSNOSTATUS", "77"): (1, None),
    }
    assert [(c.table, c.declared, c.read) for c in result.counts] == [("Person", 99, 5), ("Other", 99, 1)]
    assert secret not in json.dumps(result.as_dict())


def test_a_column_full_of_other_values_is_listed_in_part():
    person = pa.table({"LPTID": [str(n) for n in range(100)], "GENDER": [f"g{n}" for n in range(100)]})
    result = survey(FakeIdb({"Person": person}), source="iapt-1.5")
    assert len(result.new_codes) == 21
    assert sum(code.rows for code in result.new_codes) == 100
    assert result.new_codes[-1].value is None


def test_inspect_shows_no_control_characters_of_the_file(monkeypatch):
    person = pa.table({"LPTID": ["a"], "GENDER": ["\x1b[2J"], "\x1b[31mRed": ["x"]})
    idb = FakeIdb({"Person": person, "T\x07": person})
    monkeypatch.setattr("idbmigrate.readers.open_idb", lambda *a, **k: contextlib.nullcontext(idb))
    result = run("inspect", "any.mdb", "--source", "iapt-1.5")
    assert result.exit_code == 0, result.output
    assert "Red" in result.stdout and "[2J" in result.stdout
    assert not set("\x1b\x07") & set(result.stdout)


@pytest.mark.parametrize("name", ["iapt-1.0", "iapt-1.0-pbr", "iapt-1.5", "iapt-1.5-messy", "iapt-ltc-1.5.4"])
def test_inspect_on_outside_files(shared_dir, name):
    path = str(shared_dir / "idb" / f"{name}.mdb")
    result = run("inspect", path)
    assert result.exit_code == 0, result.output
    told = json.loads(run("inspect", path, "--json").stdout)
    assert told["dataset"] == name.removesuffix("-messy")
    assert result.stdout.startswith(f"{path}: {told['dataset']}")
    for table in told["tables"]:
        assert table["declared_rows"] == table["read_rows"]
        assert table["source"] in result.stdout


def test_inspect_obeys_overlays(shared_dir, tmp_path):
    overlay = tmp_path / "o.yaml"
    overlay.write_text("ignore: [Treatments]\n", encoding="utf-8")
    path = str(shared_dir / "idb" / "iapt-1.5-messy.mdb")
    told = json.loads(run("inspect", path, "--overlay", str(overlay), "--json").stdout)
    assert "Treatments" in told["extra_tables"] and told["missing_tables"] == ["TreatmentPEQ"]
    overlay.write_text("ignore: [Treatments\n", encoding="utf-8")
    result = run("inspect", path, "--overlay", str(overlay))
    assert (result.exit_code, result.stdout) == (4, "")
    assert "yaml-syntax" in result.stderr
