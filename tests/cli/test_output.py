"""What every verb shares: one message, the right exit code, no value of a record in it."""

from __future__ import annotations

import errno
import json

import click
import pytest
from click.testing import CliRunner

from idbmigrate import errors
from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, aligned, run_verb


def call(fault: BaseException | int | None, *words: str):
    @click.command()
    @run_verb
    def verb(console):
        console.say("text")
        console.document({"done": True})
        if isinstance(fault, BaseException):
            raise fault
        return fault

    return CliRunner().invoke(verb, words)


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_exit_code_of_a_verb(code, expected):
    assert call(code).exit_code == expected


def test_text_or_one_document():
    assert call(None).stdout == "text\n"
    assert json.loads(call(None, "--json").stdout) == {"done": True}


ERRORS = [
    (errors.UsageError("m", code="unknown-name", where="w", hint="h"), 2, "unknown-name"),
    (errors.SourceError("m", code="not-access"), 3, "not-access"),
    (errors.DescriptionError("m", code="yaml-syntax"), 4, "yaml-syntax"),
    (errors.BooksError("m", code="books-open"), 5, "books-open"),
    (errors.OutputError("m", code="output-exists"), 6, "output-exists"),
    (KeyboardInterrupt(), 6, "interrupted"),
    (click.Abort(), 6, "interrupted"),
    (OSError(errno.ENOSPC, "secret", "secret"), 6, "output-failed"),
    (FileNotFoundError(errno.ENOENT, "no", "f.mdb"), 3, "not-found"),
    (PermissionError(errno.EACCES, "no", "f.mdb"), 3, "not-readable"),
    (MemoryError(), 6, "output-failed"),
    (ValueError("secret"), 70, "internal-fault"),
]


@pytest.mark.parametrize(("fault", "code", "word"), ERRORS, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_every_fault_is_one_message_and_the_right_code(fault, code, word, debug):
    result = call(fault, *debug)
    assert result.exit_code == code
    assert result.stdout == "text\n"
    assert result.stderr.count("error:") == 1 and f"[{word}]" in result.stderr
    assert "Traceback" not in result.stderr
    if not isinstance(fault, OSError):
        assert "secret" not in result.stderr

    document = json.loads(call(fault, "--json").stdout.removeprefix('{\n  "done": true\n}\n'))
    assert document["error"] == word
    assert set(document) == {"error", "message", "where", "hint"}


def test_debug_shows_places_and_no_values():
    result = call(ValueError("secret"), "--debug")
    assert "test_output.py" in result.stderr and "raise fault" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(("somebody", "code"), [(True, 0), (False, 3)])
def test_a_missing_password_is_asked_for_where_somebody_can_answer(somebody, code, monkeypatch):
    monkeypatch.setattr(
        Console, "may_ask", property(lambda self: somebody, lambda self, value: None), raising=False
    )

    @click.command()
    @_options.password
    @run_verb
    def verb(console, password):
        if password != "sesame":
            raise errors.SourceError("m", code="password-needed")

    result = CliRunner().invoke(verb, input="sesame\n")
    assert result.exit_code == code
    assert "sesame" not in result.output


def test_columns_line_up():
    assert aligned([["Person", 40000, True], ["é", None, False]], ["table", "rows", "ok"]) == [
        "table     rows  ok",
        "Person  40,000  yes",
        "é               no",
    ]
    assert aligned([]) == []


@pytest.mark.parametrize(
    ("findings", "fail_on", "expected"),
    [
        ({}, "warning", False),
        ({"file": 3}, "never", False),
        ({"warning": 3}, "warning", True),
        ({"warning": 3}, "record", False),
        ({"group": 1}, "record", True),
        ({"file": 0}, "record", False),
    ],
)
def test_fail_on(findings, fail_on, expected):
    assert _options.reached(findings, fail_on) is expected


@pytest.mark.parametrize("width", [50, 60, 80, 200, None])
def test_a_table_wraps_its_last_column_and_loses_nothing(width):
    words = "the code is not in the lookup, and nobody has said what becomes of it"
    rows = [(1200, "unknown-code", words), (7, "filter", "short")]
    lines = aligned(rows, ["values", "reason", "meaning"], width)
    assert width is None or max(map(len, lines)) <= width
    shown = " ".join(line[line.index("the code") :] if "the code" in line else line for line in lines)
    assert words in " ".join(shown.split())
    assert sum("unknown-code" in line for line in lines) == 1 and lines[-1].endswith("short")
