"""``--salvage`` on the command line: what is lost is said, in words and in the manifest."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from idbmigrate.access import open_database
from idbmigrate.cli.convert import command as convert
from idbmigrate.cli.inspect import command as inspect

TABLE = "IAPTDataSetAppointment"


@pytest.fixture
def harmed(sample_idb, tmp_path):
    """A file one of whose data pages is all zeros, and the number of that page."""
    source = sample_idb / "iapt-1.5.mdb"
    with open_database(source) as database:
        page = int(database.read_with_ids(TABLE)[1][-1]) >> 8
    content = bytearray(source.read_bytes())
    content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path = tmp_path / "harmed.mdb"
    path.write_bytes(content)
    return path, page


def test_inspect_lists_what_is_lost(harmed):
    path, page = harmed
    assert CliRunner().invoke(inspect, [str(path)]).exit_code == 3
    outcome = CliRunner().invoke(inspect, [str(path), "--salvage", "--json"])
    assert outcome.exit_code == 0
    assert page in [problem["page"] for problem in json.loads(outcome.stdout)["problems"]]


def test_convert_says_so_in_the_manifest(harmed, tmp_path):
    path, page = harmed
    words = [str(path), "--to", "iapt-2.1", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(convert, words).exit_code == 3
    assert not (tmp_path / "out").exists()
    outcome = CliRunner().invoke(convert, [*words, "--salvage"])
    assert outcome.exit_code == 0
    assert f"table {TABLE}: page {page}" in outcome.stdout
    assert f"table {TABLE}: page {page}" in (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")


def test_a_table_whose_definition_is_lost_leaves_the_others(sample_idb, tmp_path):
    source = sample_idb / "iapt-1.5.mdb"
    with open_database(source) as database:
        page, names = database.definition(TABLE).page, database.tables
    content = bytearray(source.read_bytes())
    content[page * 4096] = 9
    path = tmp_path / "harmed.mdb"
    path.write_bytes(content)
    with open_database(path, salvage=True) as database:
        assert database.tables == [name for name in names if name != TABLE]
        assert [problem.table for problem in database.problems] == [TABLE]
    words = [str(path), "--to", "iapt-2.1", "--out", str(tmp_path / "out"), "--salvage"]
    outcome = CliRunner().invoke(convert, words)
    assert outcome.exit_code == 3 and "inspect --salvage" in outcome.stderr
    assert not (tmp_path / "out").exists()
