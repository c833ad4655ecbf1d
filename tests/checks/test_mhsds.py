"""The rules of MHSDS v6.0: every checked rule fails on a row made to break it, and every code is there."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from idbmigrate.checks import Context, check, load_pack
from idbmigrate.checks import forms_joined as j
from idbmigrate.datasets import load_dataset

from .breaking import satisfy

PACK = load_pack("mhsds-6.0")
DATASET = load_dataset("mhsds-6.0")
CONTEXT = Context("2022-04-01", "2022-04-30", "2022-05-10T12:00:00", "RX1", "RX1")

HEADER = {"OrgIDProvider": "RX1", "OrgIDSubmit": "RX1", "DateTimeDatSetCreate": "2022-05-02T10:00:00"}
STAY = ("2022-03-01", "2022-04-28")
#: rows that others belong to: a patient, a referral, a spell, a ward stay ...
PARENTS = {
    "MHS000Header": HEADER,
    "MHS001MPI": {"LocalPatientID": "P1", "PersonBirthDate": "1980-01-01"},
    "MHS008CarePlanType": {"CarePlanID": "CP1", "CarePlanCreatDate": "2022-03-01"},
    "MHS101Referral": {
        "ServiceRequestID": "R1",
        "ServDischDate": "2022-04-28",
        "DischPlanCreationDate": "2022-03-05",
    },
    "MHS501HospProvSpell": dict(
        zip(("HospProvSpellID", "StartDateHospProvSpell", "DischDateHospProvSpell"), ("H1", *STAY))
    ),
    "MHS502WardStay": dict(zip(("WardStayID", "StartDateWardStay", "EndDateWardStay"), ("W1", *STAY))),
    "MHS505RestrictiveInterventInc": dict(
        zip(
            ("RestrictiveIntIncID", "StartDateRestrictiveIntInc", "EndDateRestrictiveIntInc"),
            ("I1", *STAY),
        )
    ),
}


def arrow(file):
    return {
        name: pa.table(
            {c: pa.array([row.get(c) for row in file.get(name, [])], pa.string()) for c in spec.columns}
        )
        for name, spec in DATASET.tables.items()
    }


def rows_that_break(rule):
    """One or two rows of the rule's table, with the parents that they need."""
    form = rule.form
    row = {
        column: PARENTS[parent][key]
        for column, (parent, key) in DATASET.tables[rule.table].foreign_keys.items()
        if parent in PARENTS and key in PARENTS[parent]
    }
    if isinstance(form, j.Parent):
        row[form.column] = "nobody"
    elif isinstance(form, j.Child):
        row[form.column] = "childless"
    elif isinstance(form, j.Unique):
        row |= {name: f"{rule.code}-{name}" for name in form.names}
        satisfy(form.where, row)
        return [row, dict(row)]
    elif isinstance(form, j.Continued):
        row[form.end] = "2022-04-10"
    else:
        satisfy(form, row)
    return [row]


ROW_RULES = [r for r in PACK.rules if r.form is not None and r.table not in (None, "MHS000Header")]


def every_rule_broken():
    """One file with a row for each rule that breaks it, and where that row is."""
    file = {table: [dict(row)] for table, row in PARENTS.items()}
    mine = {}
    for rule in ROW_RULES:
        rows = file.setdefault(rule.table, [])
        rows += rows_that_break(rule)
        mine[rule.code] = len(rows)
    return file, mine


def test_each_rule_fails_on_the_row_that_breaks_it():
    file, mine = every_rule_broken()
    found = {
        (each["code"], each["row"]) for each in check(arrow(file), DATASET, CONTEXT).findings.to_pylist()
    }
    assert [code for code, row in mine.items() if (code, row) not in found] == []


@pytest.mark.parametrize(
    "rule", [r for r in PACK.rules if r.form is not None and r.table == "MHS000Header"], ids=lambda r: r.code
)
def test_header_rule_fails(rule):
    row = dict(HEADER)
    satisfy(rule.form, row)
    if rule.code in ("MHS00036", "MHS00037"):
        row["DateTimeDatSetCreate"] = "2022-03-31T10:00:00"
    counts = check(arrow({"MHS000Header": [row]}), DATASET, CONTEXT, replace(PACK, rules=(rule,))).counts
    assert rule.code in counts


def test_two_headers():
    fate = check(arrow({"MHS000Header": [HEADER, HEADER]}), DATASET, CONTEXT).fate
    assert "MHSREJ015" in fate["file_codes"] and "MHS00025" in fate["rejecting_codes"]


def test_a_registration_that_ends_is_followed_on_the_day_or_the_next():
    def codes(start):
        rows = [
            {
                "LocalPatientID": "P1",
                "StartDateGMPRegistration": "2015-01-01",
                "EndDateGMPRegistration": "2022-04-10",
            },
            {"LocalPatientID": "P1", "StartDateGMPRegistration": start},
        ]
        return check(arrow({"MHS002GP": rows}), DATASET, CONTEXT).counts

    assert "MHS00223" not in codes("2022-04-10") and "MHS00223" not in codes("2022-04-11")
    assert "MHS00223" in codes("2022-04-12")


def test_timestamps_count_by_their_day():
    def codes(stamp):
        row = {"CodedAssToolType": "445455005", "PersScore": "7", "AssToolCompTimestamp": stamp}
        return set(check(arrow({"MHS606CodedScoreAssessmentRefer": [row]}), DATASET, CONTEXT).counts)

    assert not codes("2022-04-30T23:59:59+01:00") & {"MHS60609", "MHS60616", "MHS60618"}
    assert "MHS60616" in codes("2022-05-01T00:00:00+01:00")
    assert "MHS60609" in codes("2022-04-30T23:59:59"), "the offset is required"


def test_every_published_code_is_accounted_for(shared_dir):
    import yaml

    text = (shared_dir / "spec" / "mhsds.yaml").read_text(encoding="utf-8")
    spec = yaml.load(text, Loader=yaml.BaseLoader)
    effects = {"rej": "record", "grp": "group", "file": "file", "warn": "warning", "warn1": "warning"}
    published = {each["code"]: "file" for each in spec["file_rejections"]}
    for table in spec["versions"]["v6.0"]["tables"].values():
        published |= {each["code"]: effects[each["severity"]] for each in table["table_rules"]}
        for column in table["columns"]:
            rules = (each.split(":") for each in column.get("rules") or ())
            published |= {code: effects[effect] for code, _, effect in rules}
    assert {rule.code: rule.effect for rule in PACK.rules if rule.published} == published
