"""Without what makes it quicker a plan gives the same, to the byte, and all by itself."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli import group as cli
from idbmigrate.compile import plan as p
from idbmigrate.engine import open_engine
from idbmigrate.mapping.load import list_mappings

pytestmark = pytest.mark.slow

PIPELINE = importlib.import_module("idbmigrate.conversion.pipeline")
PAIRS = [tuple(name.split("-to-")) for name in list_mappings()]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("source, target", PAIRS)
def test_every_pair_gives_the_same_folder_both_ways(source, target, sample_idb, tmp_path):
    runs = {
        way: idbmigrate.convert(
            sample_idb / f"{source}.mdb", to=target, out=tmp_path / str(way), formats=["csv"], optimise=way
        )
        for way in (True, False)
    }
    plain = runs[False].plan.tables
    assert not any(query.pass_through or query.references or query.same_row_parents for query in plain)
    assert not any(names for query in plain for _, names in query.hoisted)
    quick = runs[True].plan.tables
    assert any(query.pass_through for query in quick) and any(n for q in quick for _, n in q.hoisted)
    folders = [contents(tmp_path / str(way)) for way in runs]
    assert folders[0].keys() == folders[1].keys() and len(folders[0]) > 10
    assert not [name for name in folders[0] if folders[0][name] != folders[1][name]]


@pytest.mark.parametrize("source, target", [("iapt-1.0-pbr", "iapt-2.1"), ("iapt-ltc-1.5.4", "iapt-2.1")])
def test_sqlite_runs_the_plain_plan(source, target, sample_idb, monkeypatch):
    quick = idbmigrate.convert(sample_idb / f"{source}.mdb", to=target)
    monkeypatch.setattr(PIPELINE, "open_engine", lambda: open_engine("sqlite"))
    plain = idbmigrate.convert(sample_idb / f"{source}.mdb", to=target, optimise=False)
    assert plain.tables == quick.tables and plain.ledger == quick.ledger
    assert plain.findings == quick.findings


def test_a_messy_file_gives_the_same_both_ways(sample_idb):
    quick, plain = (
        idbmigrate.convert(sample_idb / "iapt-1.5-messy.mdb", to="iapt-2.1", optimise=way)
        for way in (True, False)
    )
    assert plain.tables == quick.tables and plain.ledger == quick.ledger and plain.summary == quick.summary
    assert plain.findings == quick.findings


def test_what_is_printed_runs_in_a_bare_engine(sample_idb, monkeypatch):
    """The text of `mapping show --sql --no-optimise`, over the run's relations, gives the published rows."""
    asked = {}
    execute = PIPELINE.execute

    def executed(plan, staged, engine, *rest):
        asked["run"] = done = execute(plan, staged, engine, *rest)
        asked["sources"] = dict(done.sources)
        return done

    monkeypatch.setattr(PIPELINE, "execute", executed)
    file = sample_idb / "iapt-1.5.mdb"
    run = idbmigrate.convert(file, to="iapt-2.1", optimise=False, check=False)
    settings = [word for name, text in run.plan.parameters.items() for word in ("--set", f"{name}={text}")]
    command = ["mapping", "show", run.plan.mapping, "--sql", "--no-optimise", "--json", *settings]
    printed = json.loads(CliRunner().invoke(cli, [*command, "--accept", "inferred"]).stdout)
    bare = duckdb.connect()
    for name, table in asked["sources"].items():
        bare.register(p.staged(name), table)
        bare.register(p.rows(name), table)
    compared = 0
    for name, text in printed["sql"].items():
        if name not in asked["run"].results:
            continue
        result = asked["run"].results[name]
        bare.register(p.target(name), result.made)
        if result.superseded:
            continue
        columns = ", ".join(f'"{column}"' for column in result.query.published)
        order = f'"{p.BRANCH}", "{p.ITEM}", "{p.ROW}"'
        rows = bare.sql(f"SELECT {columns} FROM ({text}) ORDER BY {order}").to_arrow_table()
        assert rows.to_pylist() == result.made.select(result.query.published).to_pylist(), name
        compared += rows.num_rows
    assert compared > 1000
