"""Two readers over the outside files: every difference is a known fault, and an unknown one is noticed."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pytest
from click.testing import CliRunner

from idbmigrate.cli.verify import command
from idbmigrate.readers import access_parser
from idbmigrate.readers.compare import compare_readers
from idbmigrate.readers.faults import REASONS
from tests.corpus.test_truth import outside_files


@pytest.mark.parametrize("path", [path for path, _ in outside_files()], ids=lambda p: p.name)
def test_access_parser_differs_only_by_known_faults(path):
    result = compare_readers(path)
    assert [d for t in result.tables for d in t.differences if d.rule is None] == []
    assert all(d.reason for t in result.tables for d in t.differences)


@pytest.mark.skipif(not shutil.which("mdb-export"), reason="mdbtools is not installed")
@pytest.mark.parametrize("path", [path for path, _ in outside_files()], ids=lambda p: p.name)
def test_mdbtools_differs_only_by_known_faults(path):
    result = compare_readers(path, reader="mdbtools")
    assert [d for t in result.tables for d in t.differences if d.rule is None] == []


@pytest.fixture
def lying_reader(monkeypatch):
    """access-parser with one cell of every text column changed."""
    honest = access_parser.AccessParserIdb.cells

    def cells(self, table):
        found = honest(self, table)
        arrays = []
        for column in found.table.columns:
            values = column.to_pylist()
            if values and pa.types.is_string(column.type):
                values[-1] = "changed"
            arrays.append(pa.array(values, column.type))
        found.table = pa.Table.from_arrays(arrays, names=found.table.column_names)
        return found

    monkeypatch.setattr(access_parser.AccessParserIdb, "cells", cells)


def test_an_unknown_difference_is_listed_with_its_place_and_no_value(shared_dir, lying_reader):
    path = str(shared_dir / "idb" / "iapt-1.5.mdb")
    outcome = CliRunner().invoke(command, [path, "--json"])
    assert outcome.exit_code == 5
    content = json.loads(outcome.stdout)
    found = [d for t in content["tables"] for d in t["differences"]]
    assert not content["agreed"]
    assert {d["rule"] for d in found} == {None}
    assert all(d["page"] and d["slot"] is not None and d["raw"] is None for d in found)
    assert "changed" not in outcome.output


def test_raw_shows_the_bytes(shared_dir, lying_reader):
    path = str(shared_dir / "idb" / "iapt-1.5.mdb")
    content = json.loads(CliRunner().invoke(command, [path, "--json", "--raw"]).stdout)
    found = next(d for t in content["tables"] for d in t["differences"] if d["raw"]["native"] != "None")
    assert found["raw"]["other"] == "changed"
    stored = bytes.fromhex(found["raw"]["bytes"])
    decoded = stored[2:].decode("latin-1") if stored[:2] == b"\xff\xfe" else stored.decode("utf-16-le")
    assert decoded == found["raw"]["native"]


def test_every_rule_has_a_reason():
    from idbmigrate.readers import faults

    assert {name for name, _, _ in faults._RULES} <= set(REASONS)


def test_the_documentation_lists_every_rule(root):
    page = (root / "docs" / "access-format.md").read_text(encoding="utf-8")
    assert [rule for rule, reason in REASONS.items() if f"| `{rule}` | {reason} |" not in page] == []
