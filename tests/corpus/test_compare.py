"""Two readers over the outside files: every difference is a known fault, and an unknown one is noticed."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pytest
from click.testing import CliRunner

from idbmigrate.cli.verify import command
from idbmigrate.errors import UsageError
from idbmigrate.readers import access_parser
from idbmigrate.readers.compare import compare_readers
from idbmigrate.readers.faults import REASONS, Case, explain
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


@pytest.mark.parametrize(
    ("reader", "name"), [("access-parser", "47-memo-before-text.mdb"), ("mdbtools", "26-empty.mdb")]
)
def test_sound_files_are_not_accused(shared_dir, reader, name):
    path = shared_dir / "cases" / name
    if not path.is_file() or (reader == "mdbtools" and not shutil.which("mdb-export")):
        pytest.skip("no such file, or mdbtools is not installed")
    assert CliRunner().invoke(command, [str(path), "--reader", reader]).exit_code == 0


def test_a_changed_text_beside_a_misplaced_memo_is_no_known_fault(shared_dir, lying_reader):
    path = shared_dir / "cases" / "47-memo-before-text.mdb"
    if not path.is_file():
        pytest.skip("no file with a memo before its texts")
    outcome = CliRunner().invoke(command, [str(path), "--json"])
    (table,) = json.loads(outcome.stdout)["tables"]
    assert outcome.exit_code == 5
    assert {d["column"] for d in table["differences"] if d["rule"] is None} == {"code", "name"}


def text_case(reader: str, native, other, content: bytes, **facts) -> Case:
    given = {"type": "TEXT", "fixed": False, "calculated": False, "moved": False, "jet3": False, **facts}
    return Case(reader, native=native, other=other, content=content, row_columns=3, table_columns=3, **given)


@pytest.mark.parametrize(
    ("native", "other", "rule"),
    [
        ("", None, "empty-text"),
        ("a", None, None),
        ("ab\0cd", "ab", "text-cut-at-nul"),
        ("\0cd", None, "text-cut-at-nul"),
        ("ab\0cd", "a", None),
        ("ab\0cd", None, None),
        ("a\U0001f600b", "a??b", "surrogate-pair"),
        ("a\U0001f600b", "a?b", None),
        ("\U0001f600\0", "??", "text-cut-at-nul"),
        ("what", "what?", None),
    ],
)
def test_faults_of_mdbtools_in_texts(native, other, rule):
    content = native.encode("utf-16-le")
    assert explain(text_case("mdbtools", native, other, content)) == rule
    assert explain(text_case("access-parser", native, "else", content)) is None


def test_half_a_pair_is_one_question_mark_and_a_private_character_is_not():
    assert explain(text_case("mdbtools", "a\ue03d", "a?", b"a\0\x3d\xd8")) == "surrogate-pair"
    assert explain(text_case("mdbtools", "a\ue03d", "a?", b"a\0\x3d\xe0")) is None


@pytest.mark.parametrize(
    ("other", "neighbour", "rule"),
    [("Bo", b"\xff\xfeBo", "variable-position"), ("Bo", b"\xff\xfeBa", None), ("Bo", None, None)],
)
def test_a_value_of_another_column_is_known_by_its_bytes(other, neighbour, rule):
    case = text_case("access-parser", "A1", other, b"\xff\xfeA1", neighbour=neighbour)
    assert explain(case) == rule


def test_the_native_reader_is_no_second_one(sample_idb):
    with pytest.raises(UsageError) as caught:
        compare_readers(sample_idb / "iapt-1.5.mdb", reader="native")
    assert caught.value.code == "bad-option" and caught.value.hint == "one of: access-parser, mdbtools"
