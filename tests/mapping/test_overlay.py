"""Codes that an overlay decides, and those that it may not."""

from __future__ import annotations

import hashlib
import json

import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.cli import group
from idbmigrate.datasets import load_overlay
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping.load import find_mapping, load_mapping, with_overlay


def decided(tmp_path, codes: str) -> dict[str, str | None]:
    path = tmp_path / "codes.yaml"
    path.write_text(f"lookups:\n  yes_no: {codes}\n", encoding="utf-8")
    mapping = with_overlay(load_mapping(find_mapping("iapt-1.5", "iapt-2.1")), load_overlay(path))
    return {row.code: row.to for row in mapping.lookups["yes_no"].rows}


def test_what_no_means_is_decided_in_a_line(tmp_path):
    codes = decided(tmp_path, "{false: N, 0: N}")
    assert codes == {"Y": "Y", "N": "N", "TRUE": "Y", "-1": "Y", "FALSE": "N", "0": "N"}


def test_two_entries_that_clean_to_one_code_must_agree(tmp_path):
    assert decided(tmp_path, "{x: N, X: N}")["X"] == "N"
    with pytest.raises(DescriptionError, match="'X' and 'x' are one code of yes_no, 'X'") as caught:
        decided(tmp_path, "{x: N, X: Y}")
    assert caught.value.code == "overlay-invalid"


def test_both_places_of_a_clash_are_named(tmp_path):
    """Two entries of one file, and two files."""
    with pytest.raises(DescriptionError, match=r"the other is at .*codes.yaml:3") as caught:
        decided(tmp_path, "\n    x: N\n    X: Y")
    assert "codes.yaml:4 ($.lookups.yes_no.X)" in caught.value.where
    for name, code in (("a.yaml", "N"), ("b.yaml", "Y")):
        (tmp_path / name).write_text(f"lookups:\n  yes_no: {{x: {code}}}\n", encoding="utf-8")
    with pytest.raises(
        DescriptionError, match=r"another overlay says something else at .*a.yaml:2"
    ) as caught:
        load_overlay(tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert "b.yaml:2 ($.lookups.yes_no.x)" in caught.value.where


def test_a_code_is_trimmed_as_values_of_the_source_are(tmp_path):
    with pytest.raises(DescriptionError, match="are one code of yes_no") as caught:
        decided(tmp_path, "{x: N, ' x': Y}")
    assert caught.value.code == "overlay-invalid"


def test_what_an_overlay_decided_is_told_wherever_the_run_is(sample_idb, tmp_path):
    path = tmp_path / "local-words.yaml"
    path.write_text("lookups:\n  yes_no: {wibble: N}\n", encoding="utf-8")
    words = ["convert", str(sample_idb / "iapt-1.5.mdb"), "--to", "iapt-2.1", "--overlay", str(path)]
    shown = CliRunner().invoke(group, [*words, "--out", str(tmp_path / "out")]).stdout
    assert "overlay local-words.yaml, codes decided: 1" in shown
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = {"codes": {"yes_no": {"wibble": "N"}}, "decided": 1}
    files = [{"file": "local-words.yaml", "sha256": digest}]
    assert manifest["overlay"] == {"files": files, **expected}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert digest in page and "yes_no wibble" in page
    sheet = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx").worksheets[0]
    assert any(row[0].value == "Decided: yes_no wibble" and row[1].value == "N" for row in sheet.iter_rows())
    CliRunner().invoke(group, [*words, "--out", str(tmp_path / "shared"), "--share"])
    page = (tmp_path / "shared" / "report.html").read_text(encoding="utf-8")
    assert "Codes decided by an overlay" in page and "wibble" not in page and digest not in page


def test_inspect_names_the_lookup_that_a_no_is_read_by(tmp_path):
    """The same lookup as the reason of the conversion."""
    path = tmp_path / "a.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        for table, texts in (
            ("Person", {"LPTID": "P1", "ORGCODEPROVIDER": "RX1", "BIRTHDATE": "1980-01-01"}),
            (
                "Referral",
                {"LPTID": "P1", "SERVICEID": "S1", "ORGCODECOMM": "02N", "REFRECDATE": "2016-04-04"},
            ),
            (
                "Appointment",
                {"LPTID": "P1", "SERVICEID": "S1", "APPOINTMENT": "2016-04-18", "ATTENDANCE": "5"},
            ),
        ):
            columns = {name: pa.array([value]) for name, value in texts.items()}
            if table == "Appointment":
                columns["SSPIND"] = pa.array([False])
            kinds = [NewColumn(name, "BOOLEAN" if name == "SSPIND" else "TEXT", 50) for name in columns]
            writer.create_table(table, kinds)
            writer.append(table, pa.table(columns))
    told = CliRunner().invoke(group, ["inspect", str(path), "--source", "iapt-1.5"]).stdout
    [line] = [line for line in told.splitlines() if "false: CODE" in line]
    run = idbmigrate.convert(path, to="iapt-2.1", source="iapt-1.5", check=False)
    [reason] = [x["reason"] for x in run.summary["left_behind"] if x["reason"].startswith("undecided-no:")]
    assert f"{{{reason.partition(':')[2]}: {{" in line and line.endswith("for Appointment.SSPIND")
