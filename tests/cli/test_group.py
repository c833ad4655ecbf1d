"""The group of verbs: lazy, complete, and helpful when a word is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from idbmigrate import cli

#: what no verb-less call may load
HEAVY = {"numpy", "pyarrow", "duckdb", "pandas", "sqlglot", "lxml", "openpyxl", "yaml", "cryptography"}


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "idbmigrate", *words], capture_output=True, text=True)


def test_help_loads_nothing_heavy_and_no_verb():
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from idbmigrate.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(result.stderr.split())
    assert "Examples:" in result.stdout
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("idbmigrate.cli.")}


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_of_each_verb_is_light_and_opens_as_the_list_says(verb):
    code = f"import os, sys; from idbmigrate.cli import main; sys.argv[1:] = [{verb!r}, '--help']\n" + (
        "os._exit = sys.exit\n"
        "try: main()\nexcept SystemExit as end: print(end.code, *sys.modules, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    end, *loaded = result.stderr.split()
    assert end == "0", result.stderr
    assert not set(loaded) & HEAVY
    assert "--json" in result.stdout or "Commands:" in result.stdout


def test_each_verb_is_one_file_and_each_file_a_verb():
    files = {path.stem for path in Path(cli.__file__).parent.glob("[!_]*.py")}
    assert files == set(cli.VERBS)
    for verb in cli.VERBS:
        command = cli.group.get_command(click.Context(cli.group), verb)
        assert isinstance(command, click.Command) and command.name == verb


def test_a_wrong_verb_is_told_its_neighbour():
    result = run("convrt")
    assert (result.returncode, result.stdout) == (2, "")
    assert "Did you mean 'convert'?" in result.stderr


def test_wrong_usage_with_json_is_one_document():
    result = run("convert", "x.mdb", "--json")
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"] == "bad-option"
    assert "--to" in json.loads(result.stdout)["message"]


def test_version():
    import idbmigrate

    assert run("--version").stdout.strip().endswith(idbmigrate.__version__)
