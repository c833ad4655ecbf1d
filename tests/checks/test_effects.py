"""What a rejected record takes with it, and what becomes of the submission."""

from __future__ import annotations

import pytest

from idbmigrate.checks import Context

from .good import CONTEXT, codes, good, nhs_numbers, outcome


def two_patients():
    """The good file and a second patient, P2, with a referral, R2, a contact and a score."""
    file, other = good(), good()
    for table, rows in other.items():
        if table in ("IDS000Header", "IDS902CarePersQual"):
            continue
        for row in rows:
            for column in ("LocalPatientId", "ServiceRequestId", "CareContactId", "CareActId"):
                if column in row:
                    row[column] = row[column].replace("1", "2")
            if table == "IDS001MPI":
                row["NHSNumber"] = next(nhs_numbers(1))
        file[table] += rows
    return file


def rejected(result):
    return {table: count for table, count in result.submission["rejected"].items() if count}


def test_everything_is_accepted():
    result = outcome(two_patients())
    assert result.submission["outcome"] == "accepted" and not rejected(result)


def test_a_bad_score_falls_alone():
    file = two_patients()
    file["IDS607CodedScoreAssessmentAct"][1]["PersScore"] = "1.5"
    result = outcome(file)
    assert result.submission["outcome"] == "accepted-in-part"
    assert rejected(result) == {"IDS607CodedScoreAssessmentAct": 1}
    assert result.submission["rejecting_codes"] == ["IDS60711"]


def test_a_contact_takes_its_activity_and_score_with_it():
    file = two_patients()
    file["IDS201CareContact"][1]["AppType"] = None
    result = outcome(file)
    lost = {"IDS201CareContact", "IDS202CareActivity", "IDS607CodedScoreAssessmentAct"}
    assert rejected(result) == dict.fromkeys(lost, 1)
    follows = {
        finding["code"]: finding["follows"]
        for finding in result.findings.to_pylist()
        if finding["effect"] != "warning"
    }
    assert follows == {"IDS20154": False, "IDS20224": True, "IDS60708": True}


def test_a_patient_without_a_valid_referral_goes_altogether():
    """Down from the referral, up to the patient, and down again to everything of the patient."""
    file = two_patients()
    file["IDS101Referral"][1]["OrgIDComm"] = None
    result = outcome(file)
    kept = {"IDS000Header", "IDS902CarePersQual", "IDS003AccommStatus", "IDS601MedHistPrevDiag"}
    assert set(rejected(result)) == set(file) - kept
    assert result.submission["outcome"] == "accepted-in-part"


def test_a_bad_nhs_number_rejects_the_file():
    file = two_patients()
    file["IDS001MPI"][0]["NHSNumber"] = "1234567890"
    result = outcome(file)
    assert (result.submission["outcome"], result.submission["file_codes"]) == ("rejected", ["IDSREJ006"])


@pytest.mark.parametrize("number", ["9990110999", "1111111111"])
def test_a_number_that_reads_the_same_backwards_rejects_the_file_and_says_why(number):
    file = two_patients()
    file["IDS001MPI"][0]["NHSNumber"] = number
    result = outcome(file)
    assert (result.submission["outcome"], result.submission["file_codes"]) == ("rejected", ["IDSREJ006"])
    (finding,) = result.findings.to_pylist()
    assert "check digit" in finding["message"] and "reads the same backwards" in finding["message"]


def test_a_number_of_the_scottish_range_is_accepted():
    file = two_patients()
    file["IDS001MPI"][0]["NHSNumber"] = "1234567881"
    assert outcome(file).submission["outcome"] == "accepted"


def test_rules_of_our_own_decide_nothing():
    file = good()
    file["IDS001MPI"][0]["GenderIdentity"] = "?"
    result = outcome(file)
    assert result.submission["outcome"] == "accepted" and result.findings.num_rows == 1


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("PersonBirthDate", "1901-04-01", "IDSREJ008"),
        ("PersonBirthDate", "2022-05-01", "IDSREJ008"),
        ("Postcode", "LS14AP", "IDSREJ007"),
    ],
)
def test_values_that_reject_the_file(column, value, code):
    file = good()
    file["IDS001MPI"][0][column] = value
    assert code in codes(file)


def test_exactly_120_years_old_is_accepted():
    file = good()
    file["IDS001MPI"][0]["PersonBirthDate"] = "1901-04-02"
    assert codes(file) == set()


@pytest.mark.parametrize("birth", ["1980-02-30", "not a date", ""])
def test_a_date_that_is_none_is_not_compared(birth):
    file = good()
    file["IDS001MPI"][0]["PersonBirthDate"] = birth
    assert not codes(file) & {"IDSREJ008", "IDS10140", "IDS60316"}


def test_blank_keys_are_no_duplicates_but_blank_times_are():
    file = good()
    file["IDS001MPI"][0]["NHSNumber"] = None
    file["IDS001MPI"].append(file["IDS001MPI"][0] | {"LocalPatientId": "P9"})
    score = file["IDS606CodedScoreAssessmentRefer"][0]
    score["AssToolCompTime"] = None
    file["IDS606CodedScoreAssessmentRefer"].append(dict(score))
    found = codes(file)
    assert "IDSREJ009" not in found and "IDS60616" in found


def test_a_follow_up_or_a_questionnaire_keeps_an_old_discharge():
    file = good()
    file["IDS101Referral"][0]["ServDischDate"] = "2022-03-15"
    assert "IDS10129" in codes(file)
    follow_up, questionnaire = (two_patients() for _ in range(2))
    follow_up["IDS101Referral"][0]["ServDischDate"] = "2022-03-15"
    follow_up["IDS201CareContact"][0]["AppType"] = "06"
    questionnaire["IDS101Referral"][0]["ServDischDate"] = "2022-03-15"
    questionnaire["IDS607CodedScoreAssessmentAct"][0] |= {
        "CodedAssToolType": "747901000000107",
        "PersScore": "4",
    }
    assert "IDS10129" not in codes(follow_up) | codes(questionnaire)


def test_portal_rules_wait_for_the_portal():
    result = outcome(good(), Context())
    assert set(result.not_run) == {"IDS00027", "IDS00030", "IDS00033"}
    assert "IDS20108" not in result.not_run, "the header gives the period"


def test_another_period_than_the_header_s():
    other = Context(period_start="2022-05-01", period_end="2022-05-31")
    assert {"IDS00016", "IDS00019", "IDS20170"} <= codes(good(), other)


def test_a_missing_column_is_a_changed_structure():
    from idbmigrate.checks import check

    from .good import DATASET, arrow

    tables = arrow(good())
    tables["IDS002GP"] = tables["IDS002GP"].drop_columns(["GMPCodeReg"])
    found = check(tables, DATASET, CONTEXT)
    assert "IDSREJ001" in found.submission["file_codes"] and found.counts.get("IDS00203") == 1


def test_no_tables_at_all():
    from idbmigrate.checks import check

    from .good import DATASET

    submission = check({}, DATASET).submission
    assert set(submission["file_codes"]) == {"IDSREJ001", "IDSREJ002", "IDSREJ003", "IDSREJ004", "IDSREJ005"}


@pytest.mark.parametrize(
    ("start", "practice", "found"),
    [
        ("2022-04-11", "B12345", set()),
        ("2022-04-10", "B12345", {"IDS00223"}),
        ("2022-04-12", "B12345", {"IDS00223"}),
        ("2022-04-11", "A12345", {"IDS00223"}),
        ("2022-04-11", "B1234", {"IDS00223", "IDS00204"}),
    ],
)
def test_a_registration_is_followed_by_a_valid_one_of_another_practice(start, practice, found):
    file = good()
    file["IDS002GP"][0]["EndDateGMPRegistration"] = "2022-04-10"
    file["IDS002GP"].append(
        {"LocalPatientId": "P1", "GMPCodeReg": practice, "StartDateGMPRegistration": start}
    )
    assert codes(file) == found


def test_the_header_against_the_portal():
    def header(**values):
        file = good()
        file["IDS000Header"][0] |= values
        return codes(file)

    assert "IDS00021" in header(DateTimeDatSetCreate="1889-12-31T23:59:59")
    assert "IDS00021" not in header(DateTimeDatSetCreate="1890-01-01T00:00:00")
    assert header(DateTimeDatSetCreate="2022-05-10T23:59:59") == set(), "later by the clock, the same day"
    assert "IDS00027" in header(DateTimeDatSetCreate="2022-05-11T00:00:00")
    names = ("OrgIDProv", "OrgIDSubmit", "ReportingPeriodStartDate", "ReportingPeriodEndDate")
    for value in (None, " "):
        assert {"IDS00016", "IDS00019", "IDS00030", "IDS00033"} <= header(**dict.fromkeys(names, value))


@pytest.mark.parametrize(
    ("concept", "score", "found"),
    [
        ("720433000", "27", {}),
        ("720433000", "28", {"IDS60707": False}),
        ("720433000", "1.5", {"IDS60711": False}),
        ("720433000", "x", {"IDS60707": True, "IDS60711": False}),
        ("720433000", "28.5", {"IDS60707": True, "IDS60711": False}),
        ("473354003", "0.51", {}),
        ("473354003", "5.01", {"IDS60707": False}),
        ("473354003", "3", {"IDS60711": False}),
    ],
)
def test_a_score_of_a_wrong_shape_is_out_of_range_as_a_consequence(concept, score, found):
    file = good()
    file["IDS607CodedScoreAssessmentAct"][0] |= {"CodedAssToolType": concept, "PersScore": score}
    findings = outcome(file).findings.to_pylist()
    assert {each["code"]: each["follows"] for each in findings} == found


def test_codes_with_a_blank_at_the_end_and_expressions():
    file = good()
    activity = file["IDS202CareActivity"][0]
    activity["CodeProcAndProcStatus"] = "748051000000105 "
    activity["CodeObs"] = "748051000000105:408730004=385658003"
    assert codes(file) & {"IDS20230", "IDS20231"} == {"IDS20230"}


def test_cells_of_blanks_are_values():
    """The rules for blank values trim, all others see the blanks: so does the centre."""
    file = good()
    file["IDS001MPI"][0] |= {"Postcode": "  ", "Gender": "  ", "EthnicCategory": "   "}
    file["IDS201CareContact"][0] |= {"ClinContDurOfCareCont": " ", "AttendOrDNACode": " "}
    file["IDS202CareActivity"][0] |= {"CodeObs": "      "}
    found = codes(file)
    assert {"IDSREJ007", "IDS00123", "IDS00129", "IDS00130", "IDS00131", "IDS00132"} <= found
    assert {"IDS20114", "IDS20128", "IDS20231"} <= found
