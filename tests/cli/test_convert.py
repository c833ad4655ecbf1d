"""The convert verb against a stand-in of the library: what it passes on, what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli.convert import command

SUMMARY = {
    "inputs": [{"file": "a.mdb", "bytes": 1, "sha256": "00"}],
    "source": "iapt-1.5",
    "target": "iapt-2.1",
    "mapping": {"name": "iapt-1.5-to-iapt-2.1", "version": "1.0.0"},
    "accept": "inferred",
    "period": None,
    "tables_in": [
        {
            "table": "Person",
            "rows": 1200,
            "carried": 1190,
            "rejected": 4,
            "dropped": 6,
            "values": {"in": 9000, "carried": 8000, "rejected": 400, "dropped": 600},
        },
    ],
    "tables_out": [{"table": "IDS001MPI", "rows": 1190}, {"table": "IDS999", "rows": 0}],
    "left_behind": [
        {"reason": f"reason-{n}", "outcome": "dropped", "meaning": "why", "rows": n, "values": n}
        for n in range(20, 0, -1)
    ],
    "findings": {"warning": 0, "record": 15, "group": 21, "file": 0},
    "root_causes": [
        {
            "code": f"IDS{n}" if n > 6 else None,
            "effect": "record",
            "table": "T",
            "column": "C",
            "count": n,
            "message": "is wrong",
            "do": "correct it",
        }
        for n in range(8, 0, -1)
    ],
    "out": "out",
    "files": [{"file": "csv/IDS001MPI.csv", "bytes": 2_000_000}],
}


@pytest.fixture
def calls(monkeypatch):
    seen = []

    def convert(path, **options):
        seen.append((path, options))
        return SimpleNamespace(summary=SUMMARY)

    monkeypatch.setitem(vars(idbmigrate), "convert", convert)
    return seen


def test_options_reach_the_library(calls):
    words = "a.mdb b.mdb --to iapt-2.1 --out o --format csv --format xml --set org=RX1 --set x=a=b"
    words += " --overlay l.yaml --accept proposed --period 2016-04 --split month --overwrite --password p"
    words += " --readable-by-others --template t.accdb --allow type --allow extra-table:T --share --salvage"
    words += " --no-check --no-optimise --pseudonymise k.key"
    result = CliRunner().invoke(command, [*words.split(), "--source", "iapt-1.5", "--mapping", "m.yaml"])
    assert result.exit_code == 1, result.output  # the findings that the stand-in gives
    [(path, options)] = calls
    assert path == ["a.mdb", "b.mdb"]
    assert (
        callable(options.pop("progress"))
        and callable(options.pop("notice"))
        and callable(options.pop("each"))
    )
    assert options == {
        "to": "iapt-2.1",
        "out": "o",
        "formats": ["csv", "xml"],
        "source": "iapt-1.5",
        "parameters": {"org": "RX1", "x": "a=b"},
        "overlay": ["l.yaml"],
        "accept": "proposed",
        "period": "2016-04",
        "split": "month",
        "overwrite": True,
        "readable_by_others": True,
        "password": "p",
        "template": "t.accdb",
        "allow": ("type", "extra-table:T"),
        "mapping": "m.yaml",
        "share": True,
        "check": False,
        "optimise": False,
        "pseudonymise": "k.key",
        "salvage": True,
        "keep_going": True,
    }


def test_a_run_without_rules_loads_nothing_of_them(sample_idb):
    code = """
import sys, idbmigrate
idbmigrate.convert(sys.argv[1], to="iapt-2.1", check=False).summary
print([name for name in sys.modules if name.startswith(("idbmigrate.checks", "idbmigrate.reports"))])
"""
    words = [sys.executable, "-c", code, str(sample_idb / "iapt-1.5.mdb")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_defaults(calls):
    CliRunner().invoke(command, ["a.mdb", "--to", "iapt-2.1", "--out", "o"])
    [(path, options)] = calls
    assert (path, options["formats"], options["accept"], options["overlay"]) == (
        "a.mdb",
        ["csv"],
        "inferred",
        None,
    )


def test_summary_shows_in_out_and_left_behind(calls):
    text = CliRunner().invoke(command, ["a.mdb", "--to", "iapt-2.1", "--out", "o"]).stdout
    assert "Person    1,200    1,190         4        6      9,000    8,000       400      600" in text
    assert "IDS001MPI  1,190" in text and "IDS999" not in text
    assert "reason-20" in text and "reason-8 " not in text and "8 more" in text
    assert "36" in text  # what the rest comes to
    assert "Findings: 15 record, 21 group" in text
    assert "8  record  IDS8    is wrong" in text and "3          2 more  report.html" in text
    assert "1,190 of 1,200 rows and 8,000 of 9,000 values are carried" in text
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= 110


def test_json_is_the_summary(calls):
    result = CliRunner().invoke(command, ["a.mdb", "--to", "iapt-2.1", "--out", "o", "--json"])
    assert json.loads(result.stdout) == SUMMARY and result.stderr == ""


@pytest.mark.parametrize(("level", "code"), [("warning", 1), ("record", 1), ("file", 0)])
def test_fail_on_decides_the_exit_code(calls, level, code):
    result = CliRunner().invoke(command, ["a.mdb", "--to", "x", "--out", "o", "--fail-on", level])
    assert result.exit_code == code


@pytest.mark.parametrize(
    "words", [["--set", "org"], ["--set", "=x"], ["--set", "org="], ["--accept", "all"], ["--split", "year"]]
)
def test_wrong_options(calls, words):
    result = CliRunner().invoke(command, ["a.mdb", "--to", "x", "--out", "o", *words])
    assert result.exit_code == 2 and not calls
