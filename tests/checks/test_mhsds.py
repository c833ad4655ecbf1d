"""The rules of MHSDS v6.0: every checked rule fails on a row made to break it, and every code is there."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from idbmigrate.checks import Context, check, load_pack
from idbmigrate.checks import joined_types as j
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
    check = rule.check
    row = {
        column: PARENTS[parent][key]
        for column, (parent, key) in DATASET.tables[rule.table].foreign_keys.items()
        if parent in PARENTS and key in PARENTS[parent]
    }
    if isinstance(check, j.Parent):
        row[check.column] = "nobody"
    elif isinstance(check, j.Child):
        row[check.column] = "childless"
    elif isinstance(check, j.Unique):
        row |= {name: f"{rule.code}-{name}" for name in check.names}
        satisfy(check.where, row)
        return [row, dict(row)]
    elif isinstance(check, j.Continued):
        row[check.end] = "2022-04-10"
    else:
        satisfy(check, row)
    return [row]


ROW_RULES = [r for r in PACK.rules if r.check is not None and r.table not in (None, "MHS000Header")]


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
    "rule", [r for r in PACK.rules if r.check is not None and r.table == "MHS000Header"], ids=lambda r: r.code
)
def test_header_rule_fails(rule):
    row = dict(HEADER)
    satisfy(rule.check, row)
    if rule.code in ("MHS00036", "MHS00037"):
        row["DateTimeDatSetCreate"] = "2022-03-31T10:00:00"
    counts = check(arrow({"MHS000Header": [row]}), DATASET, CONTEXT, replace(PACK, rules=(rule,))).counts
    assert rule.code in counts


def test_two_headers():
    submission = check(arrow({"MHS000Header": [HEADER, HEADER]}), DATASET, CONTEXT).submission
    assert "MHSREJ015" in submission["file_codes"] and "MHS00025" in submission["rejecting_codes"]


def registrations(*rows):
    names = ("StartDateGMPRegistration", "EndDateGMPRegistration", "GMPReg")
    return [{"LocalPatientID": "P1", **dict(zip(names, row))} for row in rows]


def not_continued(*rows):
    """Rows, from 1, that no other registration follows."""
    findings = check(arrow({"MHS002GP": registrations(*rows)}), DATASET, CONTEXT).findings.to_pylist()
    return [each["row"] for each in findings if each["code"] == "MHS00223"]


def test_a_registration_that_ends_is_followed_on_the_day_or_the_next():
    ended = ("2015-01-01", "2022-04-10", "A12345")
    for start, found in (("2022-04-10", []), ("2022-04-11", []), ("2022-04-12", [1])):
        assert not_continued(ended, (start, None, "B12345")) == found


def test_what_follows_a_registration_is_valid_and_with_another_practice():
    ended = ("2015-01-01", "2022-04-10", "A12345")
    assert not_continued(ended, ("2022-04-11", None, "A12345")) == [1]
    assert not_continued(ended, ("2022-04-11", None, "B1")) == [1], "the code is too short: rejected"
    assert not_continued(ended, ("2022-04-11", None, None)) == [1]
    both = (("2022-04-11", "2022-04-20", "B12345"), ("2022-04-11", None, "A12345"))
    assert not_continued(ended, *both) == [1, 2], "the code looks at each that follows"


def test_timestamps_count_by_their_day():
    def codes(stamp):
        row = {"CodedAssToolType": "445455005", "PersScore": "7", "AssToolCompTimestamp": stamp}
        return set(check(arrow({"MHS606CodedScoreAssessmentRefer": [row]}), DATASET, CONTEXT).counts)

    assert not codes("2022-04-30T23:59:59+01:00") & {"MHS60609", "MHS60616", "MHS60618"}
    assert "MHS60616" in codes("2022-05-01T00:00:00+01:00")
    assert "MHS60609" in codes("2022-04-30T23:59:59"), "the offset is required"
    for stamp in ("2022-04-20T10:00:00+02:00", "2022-04-20T10:00:00-01:00", "2022-04-20T10:00:00.5+01:00"):
        assert "MHS60609" in codes(stamp)
    assert "MHS60609" in codes("1889-12-31T10:00:00Z") and "MHS60609" not in codes("1890-01-01T10:00:00Z")


def found(table, column, value, **others):
    """Codes for one row of a table."""
    rows = [{**others, column: value}]
    return set(check(arrow({"MHS000Header": [HEADER], table: rows}), DATASET, CONTEXT).counts)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("1234567.00", False), ("0.50", False)]
    + [(value, True) for value in ("1111", "1.5", "12345678.00", ".50", "1,50", "-1.00", None, "  ")],
)
def test_the_charge_of_a_package_of_care(value, wrong):
    assert ("MHS51708" in found("MHS517SMHExceptionalPackOfCare", "SMHEPCCharge", value)) is wrong


def test_a_rejected_referral_has_a_reason():
    table = "MHS102OtherServiceType"
    assert "MHS10227" in found(table, "ReferRejectionDate", "2022-04-10")
    assert "MHS10227" not in found(table, "ReferRejectionDate", "2022-04-10", ReferRejectReason="01")
    assert "MHS10227" not in found(table, "ReferClosReason", "01", ReferClosureDate="2022-04-10")


@pytest.mark.parametrize(
    ("concept", "right", "wrong"),
    [
        ("720433000", ["0", "27", "0.5", "3"], ["0.51", "3.", " 3", "03", "28", "", "1e1", "NA", "9.99"]),
        ("979641000000103", ["0", "4", "9"], ["5", "8", "10", "0.5", "09", "N"]),
        ("987191000000101", ["0", "3", "999"], ["4", "9", "99"]),
        ("747861000000100", ["Y", "N"], ["NA", "y", "1"]),
        ("747881000000109", ["Y", "N", "NA"], ["N/A", "na", "9"]),
        ("979831000000108", ["J", "A", "anything"], []),
    ],
)
def test_scores(concept, right, wrong):
    for table, code in (
        ("MHS606CodedScoreAssessmentRefer", "MHS60607"),
        ("MHS607CodedScoreAssessmentAct", "MHS60707"),
        ("MHS608AnonSelfAssess", "MHS60807"),
    ):
        fails = {
            value: code in found(table, "PersScore", value, CodedAssToolType=concept)
            for value in (*right, *wrong)
        }
        assert fails == {**dict.fromkeys(right, False), **{value: value != "" for value in wrong}}


@pytest.mark.parametrize("table", ["MHS101Referral", "MHS201CareContact", "MHS502WardStay"])
def test_specialised_service_categories(table):
    code = {"MHS101Referral": "MHS10152", "MHS201CareContact": "MHS20155", "MHS502WardStay": "MHS50242"}[
        table
    ]
    for value, wrong in (("NCBPS22E/ASSESS", False), ("NCBPS23U/OUTREACH", False), ("NCBPS22E", True)):
        assert (code in found(table, "SpecialisedMHServiceCode", value)) is wrong


def test_the_header_against_the_portal():
    def codes(**values):
        return set(check(arrow({"MHS000Header": [HEADER | values]}), DATASET, CONTEXT).counts)

    blank = codes(OrgIDProvider=None, OrgIDSubmit=" ", ReportingPeriodStartDate=None)
    assert {"MHS00016", "MHS00019", "MHS00030", "MHS00033"} <= blank
    assert "MHS00021" in codes(DateTimeDatSetCreate="1889-12-31T10:00:00")
    assert "MHS00021" not in codes(DateTimeDatSetCreate="1890-01-01T00:00:00")
    late = codes(DateTimeDatSetCreate="2022-05-10T12:00:01")
    assert "MHS00027" in late and "MHS00027" not in codes(DateTimeDatSetCreate="2022-05-10T12:00:00")


def test_nhs_numbers_that_read_the_same_backwards():
    for table, code in (("MHS001MPI", "MHSREJ006a"), ("MHS302MHDropInContact", "MHSREJ006b")):
        assert code in found(table, "NHSNumber", "9990110999") and code in found(
            table, "NHSNumber", "1111111111"
        )
        assert code not in found(table, "NHSNumber", "1234567881")


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
