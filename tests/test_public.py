"""The public names: what is exported, and that their signatures and results are typed."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import idbmigrate
from idbmigrate.conversion.options import Options

PACKAGE = Path(idbmigrate.__file__).parent


def test_the_public_names():
    """A name that is added or taken away changes what other people's scripts rely on."""
    assert sorted(idbmigrate.__all__) == [
        "BooksError",
        "DescriptionError",
        "IdbmigrateError",
        "OutputError",
        "SourceError",
        "UsageError",
        "__version__",
        "compare",
        "convert",
        "explain",
        "identify",
        "list_datasets",
        "load_dataset",
        "open_idb",
        "run_mapping",
    ]
    assert set(dir(idbmigrate)) == set(idbmigrate.__all__)
    assert all(getattr(idbmigrate, name) is not None for name in idbmigrate.__all__)
    with pytest.raises(AttributeError):
        idbmigrate.nonsense  # noqa: B018


def test_convert_takes_every_option_by_its_name():
    parameters = inspect.signature(idbmigrate.convert).parameters
    assert {field.name for field in dataclasses.fields(Options)} <= set(parameters)
    assert inspect.Parameter.VAR_KEYWORD not in {each.kind for each in parameters.values()}
    for field in dataclasses.fields(Options):
        if field.default is not dataclasses.MISSING:
            assert parameters[field.name].default == field.default, field.name


PROGRAM = """
import idbmigrate

run = idbmigrate.convert("file.mdb", to="iapt-2.1", out="out", parameters={"org_id_provider": "RX1"})
reveal_type(run)
reveal_type(run.summary["tables_in"][0]["values"]["carried"])
reveal_type(run.ledger[0]["reasons"])
batch = idbmigrate.convert(["one.mdb", "two.mdb"], to="iapt-2.1")
reveal_type(batch.summary["total"]["rows"]["in"])
with idbmigrate.open_idb("file.mdb") as idb:
    reveal_type(idb.tables)
reveal_type(idbmigrate.load_dataset("iapt-2.1").name)
idbmigrate.convert("file.mdb", to="iapt-2.1", periode="2016-06")
idbmigrate.convert("file.mdb", to="iapt-2.1", accept="maybe")
"""

REVEALED = [
    "idbmigrate.result.run.Run",
    "int",
    "dict[str, int]",
    "int",
    "list[str]",
    "str",
]


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_a_users_program_is_checked_against_the_types(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path]
    done = subprocess.run(
        [*command, "--config-file", PACKAGE.parent / "pyproject.toml", file],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    )
    lines = done.stdout.splitlines()
    revealed = [line.split('"')[1] for line in lines if "Revealed type" in line]
    assert [each.replace("builtins.", "") for each in revealed] == REVEALED, done.stdout
    wrong = PROGRAM.splitlines()
    faults = {wrong[int(line.split(":")[1]) - 1] for line in lines if ": error:" in line}
    assert faults == set(wrong[-2:]), done.stdout


def test_a_table_that_the_target_has_not_names_the_nearest(sample_idb):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="ea-iapt-1.0", check=False)
    name = next(iter(run.tables))
    assert list(run.frame(name).columns) == run.tables[name].column_names
    with pytest.raises(idbmigrate.UsageError, match=f"did you mean {name}"):
        run.frame(name[:-1])
