"""A converted file in an Access template, read cell by cell by programs that know nothing of us."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import idbmigrate
from idbmigrate.datasets import load_dataset
from idbmigrate.exporters import idb


@pytest.fixture(scope="module")
def filled(sample_idb, tmp_path_factory):
    """(the target tables, the Access file that was made of them)."""
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", "iapt-2.1", parameters={"org_id_provider": "RX1"})
    folder = tmp_path_factory.mktemp("filled")
    [path] = idb.write(run.tables, load_dataset("iapt-2.1"), folder)
    return run.tables, path


def expected(tables) -> dict[str, list[dict[str, str]]]:
    """Rows of text as Access keeps them: a day has a midnight, a time the day zero; nothing for null."""
    layouts = {"date": "{} 00:00:00", "time": "1899-12-30 {}"}

    def shown(value, spec):
        if value is None:
            return ""
        if spec.format.kind == "timestamp":
            return value.replace("T", " ")
        return layouts.get(spec.format.kind, "{}").format(value)

    specs = load_dataset("iapt-2.1").tables
    return {
        name: [{k: shown(v, specs[name].columns[k]) for k, v in row.items()} for row in t.to_pylist()]
        for name, t in tables.items()
    }


def test_mdbtools(filled):
    if shutil.which("mdb-export") is None:
        pytest.skip("mdb-export is not installed")
    tables, path = filled
    for name, rows in expected(tables).items():
        command = ["mdb-export", "-T", "%Y-%m-%d %H:%M:%S", str(path), name]
        out = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        assert list(csv.DictReader(io.StringIO(out))) == rows, name


def test_mdb_reader(filled):
    modules = os.environ.get("IDBMIGRATE_NODE_MODULES")
    if not modules or shutil.which("node") is None:
        pytest.skip("set IDBMIGRATE_NODE_MODULES to a node_modules folder with mdb-reader")
    tables, path = filled
    script = (
        f"import M from {json.dumps(Path(modules, 'mdb-reader', 'lib', 'node', 'index.js').as_uri())};"
        "import {readFileSync} from 'node:fs'; const m = new M(readFileSync(process.argv[1]));"
        "const text = v => v === null ? '' : v instanceof Date "
        "? v.toISOString().slice(0, 19).replace('T', ' ') : String(v);"
        "console.log(JSON.stringify(Object.fromEntries(m.getTableNames().map(t => [t, m.getTable(t).getData()"
        ".map(r => Object.fromEntries(Object.entries(r).map(([k, v]) => [k, text(v)])))]))));"
    )
    command = ["node", "--input-type=module", "-e", script, str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert found == expected(tables)
