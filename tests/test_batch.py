"""Several files in one call."""

from __future__ import annotations

import json
import os
import shutil

import pytest

import idbmigrate
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


def test_one_bad_file_publishes_none(sample_idb, tmp_path):
    (tmp_path / "bad.mdb").write_bytes(b"")
    with pytest.raises(SourceError):
        idbmigrate.convert(
            [sample_idb / "iapt-1.5.mdb", tmp_path / "bad.mdb"], to="iapt-2.1", out=tmp_path / "out"
        )
    assert os.listdir(tmp_path) == ["bad.mdb"]
