"""Several files in one call."""

from __future__ import annotations

import json
import os
import shutil
import weakref

import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli import group
from idbmigrate.errors import SourceError


def test_each_file_has_a_folder_of_its_own(sample_idb, tmp_path):
    (tmp_path / "april").mkdir()
    again = shutil.copy(sample_idb / "iapt-1.5.mdb", tmp_path / "april" / "IAPT-1.5.mdb")
    batch = idbmigrate.convert(
        [sample_idb / "iapt-1.5.mdb", sample_idb / "iapt-1.5.accdb", again],
        to="iapt-2.1",
        out=tmp_path / "out",
    )
    assert list(batch.runs) == ["iapt-1.5", "iapt-1.5-2", "IAPT-1.5-3"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert list(manifest["inputs"]) == sorted(batch.runs)
    for name, run in batch.runs.items():
        own = json.loads((tmp_path / "out" / name / "manifest.json").read_text())
        assert own["input"] == run.input == manifest["inputs"][name]
        assert f"{name}/manifest.json" in manifest["outputs"]
    first, third = batch.runs["iapt-1.5"], batch.runs["IAPT-1.5-3"]
    assert first.tables["IDS201CareContact"].equals(third.tables["IDS201CareContact"])
    assert batch.summary["runs"]["iapt-1.5"] == first.summary


def test_runs_that_are_handed_on_are_let_go(sample_idb):
    """However many files there are, no two are in memory at a time."""
    seen = []

    def each(run):
        assert run.tables["IDS001MPI"].num_rows and not any(earlier() for earlier in seen)
        seen.append(weakref.ref(run.staged["Person"]))

    files = [sample_idb / name for name in ("iapt-1.5.mdb", "iapt-1.5-messy.mdb", "iapt-1.0.mdb")]
    batch = idbmigrate.convert(files, to="iapt-2.1", each=each)
    assert len(seen) == 3 and not any(last() for last in seen) and not batch.runs
    sources = [summary["source"] for summary in batch.summary["runs"].values()]
    assert sources == ["iapt-1.5", "iapt-1.5", "iapt-1.0"]


def test_counts_of_both_sides_of_each_file(sample_idb, tmp_path):
    files = [str(sample_idb / name) for name in ("iapt-1.5.mdb", "iapt-1.5-messy.mdb")]
    words = [*files, "--to", "iapt-2.1", "--out", str(tmp_path / "out"), "--compare", "--json"]
    result = CliRunner().invoke(group, ["convert", *words])
    runs = json.loads(result.stdout)["runs"]
    assert list(runs) == ["iapt-1.5", "iapt-1.5-messy"]
    alone = CliRunner().invoke(group, ["convert", *words[1:4], "--out", str(tmp_path / "alone"), *words[6:]])
    assert runs["iapt-1.5-messy"]["measures"] == json.loads(alone.stdout)["measures"]
    assert runs["iapt-1.5"]["measures"] != runs["iapt-1.5-messy"]["measures"]


def test_what_all_files_come_to(sample_idb, tmp_path):
    files = [str(sample_idb / name) for name in ("iapt-1.5.mdb", "iapt-1.5-messy.mdb")]
    words = ["convert", *files, "--to", "iapt-2.1", "--out", str(tmp_path / "out")]
    summary = json.loads(CliRunner().invoke(group, [*words, "--json"]).stdout)
    places = [tmp_path / "out" / name / "manifest.json" for name in summary["runs"]]
    ledgers = [json.loads(place.read_text()) for place in places]
    lines = [line for manifest in ledgers for line in manifest["ledger"]]
    kinds = ("in", "carried", "rejected", "dropped")
    assert summary["total"] == {
        "files": 2,
        "rows": {kind: sum(line[kind] for line in lines if not line["column"]) for kind in kinds},
        "values": {kind: sum(line[kind] for line in lines if line["column"]) for kind in kinds},
        "findings": {
            effect: sum(manifest["findings"][effect] for manifest in ledgers)
            for effect in ("file", "group", "record", "warning")
        },
    }
    shown = CliRunner().invoke(group, [*words, "--overwrite"]).stdout
    [last] = [line for line in shown.splitlines() if line.startswith("  together")]
    assert f"{summary['total']['values']['in']:,}" in last and "dropped  findings" in shown
    # without rules there are only findings about people, and none of these in a clean file
    unchecked = CliRunner().invoke(group, [*words, "--overwrite", "--no-check"]).stdout
    assert "IDS" not in unchecked.partition("Findings")[2].partition("All files")[0]
    assert "conflict:" in unchecked
    clean = [str(sample_idb / name) for name in ("iapt-1.5.mdb", "iapt-ltc-1.5.4.mdb")]
    words = [
        "convert",
        *clean,
        "--to",
        "iapt-2.1",
        "--out",
        str(tmp_path / "out"),
        "--overwrite",
        "--no-check",
    ]
    assert "findings" not in CliRunner().invoke(group, [*words, "--no-check"]).stdout.lower()


@pytest.fixture
def good_and_bad(sample_idb, tmp_path):
    """Two files of one name in two folders; the second is empty."""
    for folder in ("april", "may"):
        (tmp_path / folder).mkdir()
    good = shutil.copy(sample_idb / "iapt-1.5.mdb", tmp_path / "april" / "data.mdb")
    bad = tmp_path / "may" / "data.mdb"
    bad.write_bytes(b"")
    return good, bad


def test_one_bad_file_publishes_none_where_that_is_asked_for(good_and_bad, tmp_path):
    with pytest.raises(SourceError) as caught:
        idbmigrate.convert(good_and_bad, to="iapt-2.1", out=tmp_path / "out", keep_going=False)
    assert caught.value.where == str(good_and_bad[1])
    assert sorted(os.listdir(tmp_path)) == ["april", "may"]


def test_one_bad_file_does_not_stop_the_others(good_and_bad, tmp_path):
    out = tmp_path / "out"
    words = ["convert", *map(str, reversed(good_and_bad)), "--to", "iapt-2.1", "--out", str(out)]
    result = CliRunner().invoke(group, words)
    assert result.exit_code == SourceError.exit_code
    assert "Not converted: 1 of 2" in result.stdout and f"{good_and_bad[1]}: " in result.stdout
    assert sorted(os.listdir(out)) == ["data-2", "manifest.json"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["failed"] == {"data": {"file": "data.mdb", "error": "empty-file"}}
    assert list(manifest["inputs"]) == ["data-2"]
    alone = tmp_path / "alone"
    idbmigrate.convert(good_and_bad[0], to="iapt-2.1", out=alone)
    assert (out / "data-2" / "manifest.json").read_bytes() == (alone / "manifest.json").read_bytes()


def test_nothing_is_published_where_every_file_is_bad(good_and_bad, tmp_path):
    bad = good_and_bad[1]
    with pytest.raises(SourceError) as caught:
        idbmigrate.convert([bad, bad], to="iapt-2.1", out=tmp_path / "out")
    assert caught.value.code == "empty-file"
    assert sorted(os.listdir(tmp_path)) == ["april", "may"]
