"""Without what makes it quicker a plan gives the same, to the byte, and all by itself."""

from __future__ import annotations

import importlib
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from pyarrow import parquet

import idbmigrate
from idbmigrate.cli import group as cli
from idbmigrate.compile import plan as p
from idbmigrate.engine import open_engine
from idbmigrate.execution.sources import numbered
from idbmigrate.ledger.by_engine import raw_relation
from idbmigrate.ledger.rejects import rejects
from idbmigrate.mapping.load import list_mappings
from idbmigrate.staging.dictionary import plain

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
    complete = runs[False].plan.tables
    assert not any(query.pass_through or query.references or query.same_row_parents for query in complete)
    assert not any(names for query in complete for _, names in query.hoisted)
    quick = runs[True].plan.tables
    assert any(query.pass_through for query in quick) and any(n for q in quick for _, n in q.hoisted)
    folders = [contents(tmp_path / str(way)) for way in runs]
    assert folders[0].keys() == folders[1].keys() and len(folders[0]) > 10
    assert not [name for name in folders[0] if folders[0][name] != folders[1][name]]


@pytest.mark.parametrize("source, target", [*PAIRS, ("iapt-1.5-messy", "iapt-2.1")])
def test_sqlite_runs_the_complete_plan(source, target, sample_idb, monkeypatch):
    quick = idbmigrate.convert(sample_idb / f"{source}.mdb", to=target)
    monkeypatch.setattr(PIPELINE, "open_engine", lambda: open_engine("sqlite"))
    slow = idbmigrate.convert(sample_idb / f"{source}.mdb", to=target, optimise=False)
    assert slow.tables == quick.tables and slow.ledger == quick.ledger
    assert slow.findings == quick.findings
    assert rejects(slow.books, slow.staged) == rejects(quick.books, quick.staged)


@pytest.mark.parametrize("target", ["iapt-2.1", "ea-iapt-1.0", "mhsds-6.0"])
@pytest.mark.parametrize("period", [None, "2016-09"])
def test_a_messy_file_gives_the_same_both_ways(target, period, sample_idb):
    quick, slow = (
        idbmigrate.convert(sample_idb / "iapt-1.5-messy.mdb", to=target, optimise=way, period=period)
        for way in (True, False)
    )
    assert slow.tables == quick.tables and slow.ledger == quick.ledger and slow.summary == quick.summary
    assert slow.findings == quick.findings
    assert rejects(slow.books, slow.staged) == rejects(quick.books, quick.staged)


@pytest.fixture(scope="module")
def staged_files(sample_idb, tmp_path_factory):
    """A run, and its staged tables as Parquet files of the names that the printed script reads."""
    folder, execute = tmp_path_factory.mktemp("staged"), PIPELINE.execute

    def executed(plan, staged, *rest):
        known = frozenset(name for name, table in staged.items() if table.name)
        for name, table in numbered(staged, known).items():
            parquet.write_table(plain(table), folder / f"{p.clean(name)}.parquet")
        for name, table in staged.items():
            parquet.write_table(plain(raw_relation(table)), folder / f"{p.raw(name)}.parquet")
        return execute(plan, staged, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PIPELINE, "execute", executed)
        return idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False), folder


def pasted(run, folder, *words):
    """A bare DuckDB over the staged files in which the printed script was run as it is."""
    settings = [word for name, text in run.plan.parameters.items() for word in ("--set", f"{name}={text}")]
    command = ["mapping", "show", run.plan.mapping, "--sql", "--no-optimise", "--accept", "inferred"]
    printed = CliRunner().invoke(cli, [*command, *settings, *words])
    bare = duckdb.connect()
    for path in folder.iterdir():
        bare.execute(f"""CREATE VIEW "{path.stem}" AS SELECT * FROM '{path}'""")
    bare.execute(printed.stdout)
    return bare


def published(bare, run, name):
    [query] = [query for query in run.plan.tables if query.table == name]
    columns = ", ".join(f'"{column}"' for column in query.published)
    order = f'"{p.BRANCH}", "{p.ITEM}", "{p.ROW}"'
    rows = bare.sql(f'SELECT {columns} FROM "{p.target(name)}" ORDER BY {order}').to_arrow_table()
    return rows.to_pylist(), plain(run.tables[name].select(query.published)).to_pylist()


def test_the_script_of_one_table_runs_in_a_bare_shell(staged_files):
    run, folder = staged_files
    bare = pasted(run, folder, "--table", "IDS202CareActivity")
    found, expected = published(bare, run, "IDS202CareActivity")
    assert found == expected and len(found) > 100
    assert not bare.sql("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'books_%'").fetchall()


def test_the_whole_script_gives_every_table_and_the_ledger(staged_files):
    run, folder = staged_files
    bare = pasted(run, folder)
    for query in run.plan.tables:
        found, expected = published(bare, run, query.table)
        assert found == expected, query.table
    counted = 0
    for line in run.ledger:
        table = run.staged[line["table"]]
        if table.name is None or line["column"] in table.unknown:
            continue  # the script is over the data set's tables and columns
        where = "IS NULL" if line["column"] is None else f"""= '{line["column"]}'"""
        books = f'FROM "{p.books(table.name)}" WHERE "column" {where} AND "count" > 0'
        found = dict(bare.sql(f'SELECT "what", "count" {books}').fetchall())
        counted += found.get("in", 0)
        expected = {"in": line["in"], "carried": line["carried"], **line["reasons"]}
        assert found == {word: count for word, count in expected.items() if count}, line
    assert counted > 10_000
