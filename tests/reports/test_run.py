"""Reports of a real conversion: the numbers agree with the run, and what is shared holds nobody."""

from __future__ import annotations

import json
import re
from zipfile import ZipFile

import pytest

import idbmigrate
from idbmigrate.datasets import load_dataset
from idbmigrate.reports import html, xlsx
from idbmigrate.reports.document import for_run
from idbmigrate.reports.share import shared

#: columns of the legacy file whose values name a person, a record or a place
NAMING = {
    "Person": ["LPTID", "NHSNO", "POSTCODE", "DOB", "GMPC"],
    "Referral": ["SERVICEID", "REFRECDATE"],
    "Appointment": ["SERVICEID", "APPOINTMENT"],
}


@pytest.fixture(scope="module")
def run(shared_dir):
    return idbmigrate.convert(shared_dir / "idb" / "iapt-1.5-messy.mdb", to="iapt-2.1")


@pytest.fixture(scope="module")
def document(run):
    return for_run(run, load_dataset(run.plan.target), load_dataset(run.plan.source), run.outcome)


def test_the_document_agrees_with_the_run(run, document):
    assert sum(document["findings"].values()) == run.findings.num_rows
    assert sum(cause["count"] for cause in document["root_causes"]) == run.findings.num_rows
    assert {line["table"]: line["rows"] for line in document["flow"]["targets"]} == {
        name: table.num_rows for name, table in run.tables.items()
    }
    codes = {"unknown-code", "rejected-code", "no-equivalent", "not-accepted"}
    left = sum(
        count
        for line in run.ledger
        if line["column"]
        for reason, count in line["reasons"].items()
        if reason.partition(":")[0] in codes
    )
    assert sum(line["count"] for line in document["unmapped"]) == left
    for line in document["vodim"]:
        for side in ("before", "after"):
            counts = dict(line[side] or {"total": 0})
            assert counts.pop("total") == sum(counts.values())


def test_root_causes_name_the_source(document):
    causes = {cause["code"]: cause["origin"] for cause in document["root_causes"]}
    assert "Referral.ENDCODE" in causes["IDS10137"]
    assert causes["IDS00111"] == ["Person.NHSNO"]


def test_the_document_is_plain_json_and_the_same_each_time(run, document):
    again = for_run(run, load_dataset(run.plan.target), load_dataset(run.plan.source), run.outcome)
    assert json.loads(json.dumps(document)) == again


def test_nothing_that_names_anybody_is_shared(run, document, tmp_path):
    names = {
        value.strip()
        for table, columns in NAMING.items()
        for column in columns
        for value in run.staged[table].raw[column].to_pylist()
        if value and len(value.strip()) > 3
    }
    for table in ("IDS101Referral", "IDS201CareContact", "IDS202CareActivity"):
        names |= set(run.tables[table].column(0).to_pylist())
    assert len(names) > 1500
    safe = shared(document)
    book = ZipFile(xlsx.write(safe, tmp_path / "r.xlsx", run.findings))
    text = html.write(safe, tmp_path / "r.html").read_text(encoding="utf-8") + json.dumps(safe)
    text += "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    words = set(re.split(r"\W+", text))
    assert sorted(name for name in names if name in words or (len(name) > 5 and name in text)) == []
    assert "iapt-1.5-messy" not in text and "tblLookup_Local" not in text and "KeyWorker" not in text
