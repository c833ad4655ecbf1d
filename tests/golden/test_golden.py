"""Whole files become what they became before, byte for byte, and the XML is valid."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest
from lxml import etree

import idbmigrate
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.schema import xsd
from idbmigrate.engine import ENGINES, open_engine
from idbmigrate.ledger.rejects import rejects
from tests.golden import cases

pytestmark = pytest.mark.slow

AGAIN = """
import os, sys, threading
import idbmigrate.engine.duckdb as duck
from tests.golden import cases

made = duck.DuckEngine.__init__
def with_threads(self):
    made(self)
    self._connection.execute(f"SET threads = {sys.argv[1]}")
duck.DuckEngine.__init__ = with_threads
if os.environ.get("IDBMIGRATE_THREADS") == "0":
    def refuse(self):
        raise AssertionError("a thread is made")
    threading.Thread.start = refuse
path, target = cases.CASES[int(sys.argv[2])]
cases.convert(path, target, sys.argv[3])
"""


@pytest.mark.parametrize(("path", "target"), cases.CASES, ids=lambda value: getattr(value, "name", value))
def test_a_file_becomes_what_it_became_before(path, target, tmp_path):
    out = tmp_path / "out"
    found = json.loads(cases.written_down(cases.convert(path, target, out), out))
    wanted = json.loads(cases.expected(path, target).read_text(encoding="utf-8"))
    hint = "python -m tests.golden.refresh writes them anew, for you to look at the difference"
    assert found["tables"] == wanted["tables"], hint
    assert found["left_behind"] == wanted["left_behind"], hint
    assert found["sha256"] == wanted["sha256"], hint
    document = etree.parse(out / "xml" / f"{target}.xml")
    schema = etree.XMLSchema(etree.fromstring(xsd(load_dataset(target))))
    assert schema.validate(document), schema.error_log.filter_from_errors()[0]


def test_there_is_a_golden_file_for_every_case():
    assert {path.name for path in cases.FOLDER.glob("*.json")} == {
        cases.expected(path, target).name for path, target in cases.CASES
    }


@pytest.mark.parametrize("case", [i for i, (path, _) in enumerate(cases.CASES) if "messy" in path.name][:1])
def test_the_same_bytes_whatever_the_threads_and_the_seed_of_hashes(case, tmp_path):
    folders = []
    for threads, seed in (("1", "0"), ("4", "4242")):
        folders.append(tmp_path / threads)
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        environment |= {"IDBMIGRATE_THREADS": "0"} if threads == "1" else {}
        arguments = [sys.executable, "-c", AGAIN, threads, str(case), str(folders[-1])]
        subprocess.run(arguments, check=True, cwd=cases.ROOT, env=environment)
    files = [sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file()) for f in folders]
    assert files[0] == files[1] and len(files[0]) > 10
    different = [f for f in files[0] if len({(folder / f).read_bytes() for folder in folders}) > 1]
    assert not different


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0"])
def test_every_engine_gives_the_same_tables_and_the_same_residue(target, sample_idb, monkeypatch):
    made = []
    for name in ENGINES:
        module = importlib.import_module("idbmigrate.conversion.pipeline")
        monkeypatch.setattr(module, "open_engine", lambda name=name: open_engine(name))
        run = idbmigrate.convert(sample_idb / "iapt-1.5-messy.mdb", to=target)
        made.append({**run.tables, **rejects(run.books, run.staged)})
    first, *others = made
    for other in others:
        assert list(other) == list(first)
        assert not [name for name, table in first.items() if not table.equals(other[name])]
