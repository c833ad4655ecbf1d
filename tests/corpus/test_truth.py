"""Every cell of every outside test file equals its truth file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from idbmigrate.access import open_database
from tests.corpus.truth import compare, load_truth

pytestmark = pytest.mark.slow

_SHARED = Path(os.environ.get("IDBMIGRATE_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def outside_files() -> list[tuple[Path, Path]]:
    """Access files under ../shared with a truth file beside them, named either way."""
    pairs = []
    for path in sorted(p for folder in ("corpus", "idb") for p in (_SHARED / folder).rglob("*.*db")):
        for truth in (path.with_name(path.name + ".truth.jsonl"), path.with_suffix(".truth.jsonl")):
            if truth.is_file():
                pairs.append((path, truth))
                break
    return pairs


@pytest.mark.parametrize(("path", "truth"), outside_files(), ids=lambda p: p.name)
def test_every_cell_equals_the_truth(path, truth):
    expected = load_truth(truth)
    with open_database(path) as database:
        linked = {t.name for t in database.linked_tables}
        assert set(database.tables) | linked == set(expected)
        for name in database.tables:
            if expected[name].error is None:
                assert compare(database.read(name), database.columns(name), expected[name]) == []


def test_there_are_outside_files(shared_dir):
    """Says why nothing ran where the outside files are absent."""
    assert outside_files(), "../shared has neither corpus nor idb"
