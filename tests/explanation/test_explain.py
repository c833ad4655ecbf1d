"""Cells explained down to the file's bytes, source rows up to the cells; the two directions must agree."""

from __future__ import annotations

import csv
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import idbmigrate
from idbmigrate.errors import UsageError
from idbmigrate.explanation import explain
from idbmigrate.explanation.again import run_again
from idbmigrate.explanation.source_row import explain_source_row
from idbmigrate.explanation.target_row import explain_target_row

explanation = importlib.import_module("idbmigrate.explanation.explain")
SAMPLES = Path(__file__).resolve().parents[2] / "sample_idb"
#: Every so many rows of a table are looked at.
STEP = 17


@pytest.fixture(scope="module", params=["iapt-1.5", "iapt-ltc-1.5.4"])
def case(request, tmp_path_factory):
    """An output beside the file that it was made from."""
    top = tmp_path_factory.mktemp("explained")
    file = Path(shutil.copy(SAMPLES / f"{request.param}.mdb", top))
    idbmigrate.convert(file, to="iapt-2.1", out=top / "out", parameters={"org_id_provider": "RX1"})
    return file, top / "out"


@pytest.fixture(scope="module")
def again(case):
    return run_again(case[1], None, None, (), None, lambda message: None)[0]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The same of one data set, for what does not hang on it."""
    top = tmp_path_factory.mktemp("one")
    file = Path(shutil.copy(SAMPLES / "iapt-1.0.mdb", top))
    idbmigrate.convert(file, to="iapt-2.1", out=top / "out", parameters={"org_id_provider": "RX1"})
    return file, top / "out"


def test_the_run_that_is_made_again_is_the_one_that_was_written(case, again):
    for name, table in again.tables.items():
        written = list(csv.reader((case[1] / "csv" / f"{name}.csv").open(encoding="utf-8", newline="")))
        assert written[0] == table.column_names
        rows = [[row[column] or "" for column in table.column_names] for row in table.to_pylist()]
        assert written[1:] == rows, name


def test_a_source_value_is_in_the_cells_that_it_is_said_to_be_in(case, again):
    content, seen = case[0].read_bytes(), 0
    with idbmigrate.open_idb(case[0]) as idb:
        for staged in again.staged.values():
            for row in range(0, staged.raw.num_rows, STEP):
                found = explain_source_row(again, staged, row, None)
                for entry in found.values:
                    for word in entry.cells:
                        table, column, number = re.fullmatch(r"(\w+)\.(\w+) (\d+)", word).groups()
                        (cell,) = explain_target_row(again, idb, table, int(number) - 1, column).cells
                        mine = [each for each in cell.origins if each.place == found.place]
                        mine = [each for each in mine if each.carried and each.column == entry.column]
                        assert cell.value is not None and mine and mine[0].raw == entry.value, word
                        for each in mine:
                            stored = bytes.fromhex(each.stored)
                            assert content[each.offset :][: len(stored)] == stored
                        seen += 1
    assert seen > 100


def test_a_cell_names_the_source_values_that_are_said_to_be_in_it(case, again):
    """Unless another value of the same cell came first."""
    seen = 0
    with idbmigrate.open_idb(case[0]) as idb:
        for name, table in again.coded.items():
            for number in range(0, table.num_rows, 5 * STEP):
                for cell in explain_target_row(again, idb, name, number, None).cells:
                    carried = [each for each in cell.origins if each.carried and each.clean is not None]
                    told = [_cells_of(again, each) for each in carried]
                    if cell.value is not None and carried:
                        mine = [f"{name}.{cell.column} {number + 1}" in cells for cells in told]
                        assert any(mine) and (all(mine) or len(mine) > 1), (name, cell.column, number)
                        seen += 1
    assert seen > 50


def _cells_of(run, origin):
    staged = run.staged[origin.table]
    row = staged.places(np.arange(staged.raw.num_rows)).to_pylist().index(origin.place)
    return explain_source_row(run, staged, row, origin.column).values[0].cells


def test_what_stayed_behind_has_the_reason_of_the_rejects(case, again):
    reasons = {}
    for file in (case[1] / "rejects").glob("*.csv"):
        for line in csv.DictReader(file.open(encoding="utf-8", newline="")):
            if "value" in line and line.keys() >= {"row", "column", "reason"}:
                reasons[line["table"], line["row"], line["column"]] = line["reason"]
    seen = 0
    for staged in again.staged.values():
        for row in range(0, staged.raw.num_rows, STEP):
            found = explain_source_row(again, staged, row, None)
            for entry in found.values:
                shown = (staged.source_columns or {}).get(entry.column, entry.column)
                assert entry.reason == reasons.get((found.table, found.place, shown)), (found, entry.column)
                assert (entry.outcome == "carried") == bool(entry.cells)
                seen += entry.reason is not None
    assert seen > 20


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "idbmigrate", "explain", *map(str, words)], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command(one):
    file, out = one
    row = next(csv.DictReader((out / "csv" / "IDS101Referral.csv").open(encoding="utf-8")))
    code, said, wrong = command(out, "IDS101Referral", row["ServiceRequestId"], "--json")
    assert (code, wrong) == (0, "")
    cells = {cell["column"]: cell for cell in json.loads(said)["cells"]}
    assert cells["ServiceRequestId"]["value"] == row["ServiceRequestId"]
    origin = cells["ServiceRequestId"]["origins"][0]
    code, said, _ = command(out, "--source", file, origin["table"], origin["place"])
    assert code == 0 and "carried: IDS101Referral.ServiceRequestId 1" in said
    code, shared, _ = command(out, "IDS101Referral", "#1", "--share")
    assert code == 0 and "source_of_referral" in shared
    values = {value for value in row.values() if value} - {"1"}
    assert not [value for value in values if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", shared)]


@pytest.mark.parametrize(
    "table, which, words",
    [
        ("IDS101Referal", ("#1",), "has no table"),
        ("IDS101Referral", ("nobody",), "has no such row"),
        ("IDS101Referral", ("OrgIDComm=99A",), "rows of IDS101Referral are so"),
        ("IDS002GP", ("one",), "no primary key of one column"),
        ("IDS101Referral", ("Nonsense=1",), "has no column"),
    ],
)
def test_a_row_that_is_not_named(case, again, monkeypatch, table, which, words):
    monkeypatch.setattr(explanation, "run_again", lambda *_: (again, case[0]))
    with pytest.raises(UsageError, match=words):
        explain(case[1], table, *which)


def test_what_is_not_of_the_run_is_refused(one, tmp_path):
    file, out = one
    other = Path(shutil.copy(file, tmp_path))
    with other.open("ab") as end:
        end.write(b"\0" * 4096)
    with pytest.raises(UsageError, match="is not the file that it read") as caught:
        explain(out, "IDS101Referral", "#1", file=other)
    assert caught.value.code == "not-of-the-run"
    older = tmp_path / "older"
    shutil.copytree(out, older)
    manifest = json.loads((older / "manifest.json").read_text(encoding="utf-8"))
    (older / "manifest.json").write_text(
        json.dumps(manifest | {"tool": {"name": "idbmigrate", "version": "0"}})
    )
    with pytest.raises(UsageError, match="idbmigrate 0 made the run"):
        explain(older, "IDS101Referral", "#1", file=file)
    name = next(iter(manifest["mapping"]["files"]))
    manifest["mapping"]["files"][name] = "0" * 64
    (older / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=f"its mapping is another: {name}"):
        explain(older, "IDS101Referral", "#1", file=file)
    (older / "manifest.json").write_text(json.dumps(manifest | {"pseudonymised": {}}))
    with pytest.raises(UsageError, match="its output is pseudonymised"):
        explain(older, "IDS101Referral", "#1", file=file)
    with pytest.raises(UsageError, match="no manifest"):
        explain(tmp_path, "IDS101Referral", "#1")


def test_no_value_in_a_repr(case, again):
    with idbmigrate.open_idb(case[0]) as idb:
        row = explain_target_row(again, idb, "IDS101Referral", 0, None)
    source = explain_source_row(again, again.staged["Referral"], 0, None)
    for value in [cell.value for cell in row.cells] + [entry.value for entry in source.values]:
        assert value is None or len(value) < 3 or value not in repr(row) + repr(source) + repr(row.cells)
