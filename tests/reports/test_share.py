"""A report that is shared gives nobody away."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idbmigrate.reports import html, xlsx
from idbmigrate.reports.share import HIDDEN, SMALLEST, shared, suppress

#: seeded identifiers and values: none of them may be found in anything that is shared
SECRETS = {
    "file": "smith-jones-clinic-SECRETFILE.mdb",
    "digest": "deadbeefSECRETDIGEST",
    "reference": "PATIENT-SECRET-77",
    "nhs": "9434765919",
    "code": "SECRETCODE",
    "parameter": "SECRETORG",
    "evidence": "table SECRETTABLE is there",
    "own table": "SECRET_OWN_TABLE",
    "own column": "SECRET_OWN_COLUMN",
}


def line(table, column, count, *, known=True, **more):
    return {
        "table": table,
        "column": column,
        "in": count,
        "carried": count - 2,
        "rejected": 2,
        "dropped": 0,
        "less_exactly": 0,
        "reasons": {f"unknown-column:{SECRETS['own column']}": 2},
        "known": known,
        **more,
    }


def unread(what, table, why, rows, values):
    return {"what": what, "table": table, "why": why, "rows": rows, "values": values}


def document():
    values = {"in": 900, "carried": 893, "rejected": 4, "dropped": 3}
    source = {"table": "Person", "rows": 119, "carried": 118, "rejected": 0, "dropped": 1, "values": values}
    counts = {"valid": 113, "other": 0, "default": 1, "invalid": 2, "missing": 3, "total": 119}
    return {
        "report": "idbmigrate",
        "tool_version": "1",
        "title": f"secret {SECRETS['file']}",
        "shared": False,
        "use": "A converted month is good for an archive.",
        "input": {"file": SECRETS["file"], "bytes": 1, "sha256": SECRETS["digest"]},
        "not_read": [
            unread("Disability", "Disability", "a link to another file", None, None),
            unread(f"Person.{SECRETS['own table']}", "Person", "not read", 0, 3),
            unread(f"table {SECRETS['own table']}, page 7", None, "damaged", None, None),
        ],
        "identification": {
            "dataset": "iapt-1.5",
            "version": "1.5",
            "confidence": "inferred",
            "evidence": [SECRETS["evidence"]],
        },
        "mapping": {"name": "m", "version": "1", "title": "IAPT v1.5 to IAPT v2.1"},
        "target": {"dataset": "iapt-2.1", "title": "IAPT v2.1"},
        "settings": {
            "accept": "inferred",
            "period": None,
            "months": [],
            "parameters": {"org": SECRETS["parameter"]},
        },
        "flow": {
            "sources": [
                {**source, "known": True},
                {**source, "table": SECRETS["own table"], "known": False},
            ],
            "targets": [{"table": "IDS001MPI", "title": "patients", "rows": 118}],
            "links": [{"source": "Person", "target": "IDS001MPI"}],
        },
        "ledger": {
            "lines": [
                line("Person", None, 119),
                line("Person", SECRETS["own column"], 50, known=False),
                line(SECRETS["own table"], None, 50, known=False),
            ],
            "reasons": [
                {"reason": "blank:X", "outcome": "rejected", "meaning": "m", "rows": 2, "values": 61},
                {
                    "reason": f"unknown-column:{SECRETS['own column']}",
                    "outcome": "dropped",
                    "meaning": "m",
                    "rows": 0,
                    "values": 99,
                },
            ],
        },
        "coverage": {
            "published": 1,
            "checked": 1,
            "with_portal": 0,
            "own": 0,
            "note": "",
            "not_checked": [],
            "not_run": {},
            "rules": [],
        },
        "vodim": [
            {
                "item": "gender",
                "column": "IDS001MPI.Gender",
                "confidence": "proposed",
                "after": counts,
                "legacy_column": "Person.GENDER",
                "before": counts,
            },
        ],
        "fate": {
            "outcome": "accepted-in-part",
            "file_codes": [],
            "rejecting_codes": ["IDS00101"],
            "rows": {"IDS001MPI": 118},
            "rejected": {"IDS001MPI": 3},
            "rejected_total": 3,
            "words": "the file would be accepted without 3 of its 118 records",
        },
        "findings": {"warning": 212, "record": 3, "group": 0, "file": 0},
        "dates": [
            {
                "table": "Appointment",
                "column": "APPOINTMENT",
                "order": "day-first",
                "day_first": 21,
                "month_first": 1,
                "respelled": 40,
                "unread": 3,
            }
        ],
        "root_causes": [
            {
                "code": "IDS00101",
                "effect": "record",
                "kind": "blank",
                "table": "IDS001MPI",
                "column": "LocalPatientId",
                "origin": [],
                "message": "m",
                "count": 3,
                "example": SECRETS["reference"],
                "do": "d",
                "published": True,
            },
        ],
        "unmapped": [
            {
                "table": "Person",
                "column": "GENDER",
                "code": code,
                "target": "IDS001MPI.Gender",
                "reason": "unknown-code",
                "meaning": "m",
                "count": 4,
            }
            for code in (SECRETS["code"], SECRETS["nhs"])
        ],
        "confidence": {"columns": {"confirmed": 2}, "codes": {"proposed": 1}},
    }


def everything(tmp_path):
    """All that is shared, as text: JSON, the page, and every part of the workbook."""
    safe = shared(document())
    page = html.write(safe, tmp_path / "r.html").read_text(encoding="utf-8")
    book = ZipFile(xlsx.write(safe, tmp_path / "r.xlsx", findings()))
    parts = "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return {"json": json.dumps(safe), "page": page, "workbook": parts}


def findings():
    import pyarrow as pa

    from idbmigrate.checks.findings import SCHEMA

    names = {"reference": SECRETS["reference"], "value": SECRETS["nhs"], "row": 1, "follows": False}
    columns = [
        pa.array([names.get(field.name, "x")], field.type if field.name in names else pa.string())
        for field in SCHEMA
    ]
    return pa.table(columns, names=SCHEMA.names)


@pytest.mark.parametrize("name", SECRETS)
def test_no_seeded_identifier_is_in_anything_shared(name, tmp_path):
    whole = html.render(document()) + json.dumps(document())
    assert SECRETS[name] in whole, "the seed must be in the report that is not shared"
    for kind, text in everything(tmp_path).items():
        assert SECRETS[name] not in text, kind


def counts_of_records(found):
    """Every number in the sections that count records."""

    def walk(node):
        if isinstance(node, dict):
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)
        elif isinstance(node, int) and not isinstance(node, bool):
            yield node

    for section in ("flow", "ledger", "vodim", "fate", "findings", "root_causes", "dates", "unmapped"):
        yield from walk(found[section])


def test_no_small_count_is_shown_and_none_is_a_difference():
    shown = list(counts_of_records(shared(document())))
    assert shown and all(count == 0 or (count >= SMALLEST and count % 5 == 0) for count in shown)


def test_the_fate_in_words_holds_no_number():
    assert not any(letter.isdigit() for letter in shared(document())["fate"]["words"])


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), min_size=1))
def test_secondary_suppression(parts):
    total = sum(parts.values())
    safe = suppress(parts, total)
    gone = [name for name, value in safe.items() if value == HIDDEN]
    assert all(name in gone for name, count in parts.items() if 0 < count < SMALLEST)
    if gone and total >= SMALLEST:
        missing = sum(parts[name] for name in gone)
        assert len(gone) >= 2 or len([count for count in parts.values() if count]) == 1
        assert missing >= SMALLEST
