"""A run over one month speaks of that month: what it says of others is that they are others."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli import group
from idbmigrate.datasets import load_dataset
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.reports import html
from idbmigrate.reports.document import for_run
from tests.people.test_people import Rows, converted, found, person, written

#: April: P1. May: unknown codes, orphans and a contradiction.
FILE: Rows = {
    "Person": [
        person("P1", "9990120005"),
        person("P2", "9990120013"),
        ("P3", "RX1", "9990120048", "1980-01-01", "K"),
        person("P4", "9990120056"),
        person("P4", "9990120056", "1982-02-02"),
    ],
    "Referral": [
        ("P1", "S1", "02N", "2016-04-04"),
        ("P2", "S2", "02N", "2016-05-02"),
        ("P3", "S3", "02N", "2016-05-02"),
        ("P4", "S4", "02N", "2016-05-02"),
        ("P9", "S9", "02N", "2016-05-02"),
    ],
    "Appointment": [
        ("P1", "S1", "2016-04-18", "5", "02", "14", "01"),
        ("P1", "S1", "2016-04-20", "X", "02", "9", "01"),
        ("P1", "S1", "2016-05-18", "X", "02", "9", "01"),
        ("P2", "S2", "2016-05-18", "Y", "02", "9", "01"),
        ("P4", "S4", "2016-05-18", "5", "02", "14", "01"),
        ("P9", "S9", "2016-05-18", "5", "02", "14", "01"),
        ("P1", "S7", "2016-05-18", "5", "02", "14", "01"),
    ],
}


def document(run, to="iapt-2.1"):
    return for_run(run, load_dataset(to), load_dataset("iapt-1.5"), run.outcome)


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0"])
def test_reasons_speak_of_the_month(tmp_path, target):
    run = converted(tmp_path / "a.mdb", FILE, to=target, period="2016-04")
    reasons = {line["reason"].partition(":")[0] for line in run.summary["left_behind"]}
    whole = idbmigrate.convert(tmp_path / "a.mdb", to=target, source="iapt-1.5")
    of_file = {line["reason"].partition(":")[0] for line in whole.summary["left_behind"]}
    assert {"no-parent", "conflict", "unknown-code"} <= of_file
    counts = {line["reason"]: (line["rows"], line["values"]) for line in run.summary["left_behind"]}
    # of nobody with a conflict is known when it was
    assert reasons - {"conflict"} <= {"outside-period", "unknown-code", "bad-format", "no-parent", "retired"}
    assert sum(rows for word, (rows, _) in counts.items() if word.startswith("no-parent")) == 0
    assert counts["outside-period"][0] == 11


def test_codes_of_other_months_are_not_among_the_unmapped(tmp_path):
    run = converted(tmp_path / "a.mdb", FILE, period="2016-04")
    lines = {(line["column"], line["code"]): line["count"] for line in document(run)["unmapped"]}
    assert lines == {("ATTENDANCE", "X"): 1}
    of_file = idbmigrate.convert(tmp_path / "a.mdb", to="iapt-2.1", source="iapt-1.5")
    every = {(line["column"], line["code"]): line["count"] for line in document(of_file)["unmapped"]}
    assert every == {("ATTENDANCE", "X"): 2, ("ATTENDANCE", "Y"): 1, ("GENDER", "K"): 1}


def test_data_quality_is_that_of_the_month(tmp_path):
    run = converted(tmp_path / "a.mdb", FILE, period="2016-04")
    lines = {line["item"]: line for line in document(run)["vodim"]}
    assert lines["gender"]["after"]["total"] == 1
    # P1, and the two of whom nothing says which month they are of
    assert lines["gender"]["before"]["total"] == 3 and lines["gender"]["before"]["invalid"] == 0


def test_keys_are_those_of_the_month(tmp_path):
    whole = converted(tmp_path / "a.mdb", FILE)
    run = idbmigrate.convert(tmp_path / "a.mdb", to="iapt-2.1", source="iapt-1.5", period="2016-04")
    conflict = "conflict:person-birth-date"
    assert found(whole)[(conflict, "Referral", None)] == found(whole)[(conflict, "Appointment", None)] == 1
    assert not {table for finding, table, _ in found(run)} & {"Referral", "Appointment"}


def test_a_month_says_that_it_is_one(tmp_path):
    path = written(tmp_path / "a.mdb", FILE)
    words = ["convert", str(path), "--to", "iapt-2.1", "--source", "iapt-1.5", "--period", "2016-04"]
    shown = CliRunner().invoke(group, [*words, "--out", str(tmp_path / "out"), "--fail-on", "never"])
    assert shown.exit_code == 0 and "month 2016-04" in shown.stdout
    run = idbmigrate.convert(path, to="iapt-2.1", source="iapt-1.5", period="2016-04")
    page = html.render(document(run))
    assert page.count("Of the month 2016-04 alone.") >= 2


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0"])
@pytest.mark.parametrize("month", ["2016-03", "2016-06", "1999-01"])
def test_a_month_outside_the_file_is_an_error_that_names_its_months(tmp_path, target, month):
    with pytest.raises(
        SourceError, match=f"nothing of {month}: its dates are of 2016-04 to 2016-05"
    ) as caught:
        converted(tmp_path / "a.mdb", FILE, to=target, period=month)
    assert caught.value.code == "empty-period" and caught.value.where == "a.mdb"
    assert "--allow empty-period" in caught.value.hint
    run = idbmigrate.convert(
        tmp_path / "a.mdb", to=target, source="iapt-1.5", period=month, allow=["empty-period"]
    )
    assert {line["reason"].partition(":")[0] for line in run.summary["left_behind"]} >= {"outside-period"}


def test_of_several_files_one_without_the_month_fails_alone(tmp_path):
    one = written(tmp_path / "a.mdb", FILE)
    other = written(
        tmp_path / "b.mdb", {**FILE, "Appointment": FILE["Appointment"][:2], "Referral": FILE["Referral"][:1]}
    )
    batch = idbmigrate.convert([one, other], to="iapt-2.1", source="iapt-1.5", period="2016-05")
    assert list(batch.runs) == ["a"] and batch.failed["b"].code == "empty-period"


@pytest.mark.parametrize(
    "word, near",
    [
        ("linked-table", "did you mean linked-tables?"),
        ("empty-periods", "did you mean empty-period?"),
        ("extra-tabel", "did you mean extra-table?"),
        ("IDS001MIP", "did you mean IDS001MPI?"),
        ("everything", "docs/cli.md"),
    ],
)
def test_a_word_that_allows_nothing_is_refused(tmp_path, word, near):
    with pytest.raises(UsageError) as caught:
        converted(tmp_path / "a.mdb", FILE, allow=[word])
    assert caught.value.code == "bad-option" and near in caught.value.hint


def test_words_of_the_page_are_those_that_are_taken(tmp_path):
    from idbmigrate.conversion.options import ALLOWED, Options

    for word in (*ALLOWED, "extra-table", "type:IDS001MPI.Gender", "IDS001MPI", "IDS001MPI.Gender"):
        assert Options("iapt-2.1", allow=(word,)).allow == (word,)
    said = CliRunner().invoke(group, ["convert", "--help"]).stdout
    assert all(word in said for word in ALLOWED)
