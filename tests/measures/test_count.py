"""Counts of drawn tables against truth counted by hand, at the edges of every threshold."""

from __future__ import annotations

import pytest

from idbmigrate.measures import count_staged, count_target, load_definitions
from idbmigrate.measures.share import HIDDEN, safe, shared
from tests.measures.drawn import staged, table

#: S1 to S9 each sit on an edge; the words behind say on which
REFERRAL = """
    SERVICEID | LPTID | REFRECDATE | ENDDATE
    S1        | P1    | 2016-01-04 | 2016-06-30
    S2        | P2    | 04/01/2016 | 30/06/2016
    S3        | P3    | 2016-01-04 | 2016-07-01
    S4        | P4    | 2016-01-04 | 2016-06-30
    S5        | P5    | 2016-01-04 | 2016-06-30
    S6        | P6    | 2016-01-04 | 2016-06-30
    S7        | P7    | 2016-01-04 |
    S8        | P8    | 2016-01-04 | 2016-06-30
    S9        | P9    | 2016-01-04 | 2016-06-30
    S9        | P9    | 2016-01-04 |
    S10       | P9    | 2016-02-30 |
"""
APPOINTMENT = """
    SERVICEID | APPOINTMENT      | APPOINTMENTTIME | ATTENDANCE | APPTYPE | PHQ9_SCORE | GAD7SCORE
    S1        | 2016-02-15       | 09:00:00        | 5          | 02      | 10         | 7
    S1        | 2016-03-01       | 09:00:00        | 6          | 05      | 4          | 7
    S2        | 16/02/2016       | 09:00           | 05         | 2       | 9          | 8
    S2        | 01/03/2016 10:15 | 10:15           | 6          | 3       | 9          | 4
    S3        | 2016-05-10       | 09:00:00        | 5          | 02      | 9          | 7
    S3        | 2016-05-20       | 09:00:00        | 5          | 02      | 4          | 4
    S4        | 2016-05-09       | 09:00:00        | 5          | 03      | 20         | 10
    S4        | 2016-05-20       | 09:00:00        | 5          | 02      | 10         | 14
    S5        | 2016-01-20       | 09:00:00        | 5          | 01      | 15         | 15
    S5        | 2016-01-27       | 09:00:00        | 5          | 02      | 3          | 3
    S6        | 2016-01-20       | 09:00:00        | 5          | 02      | 15         | 15
    S6        | 2016-01-27       | 09:00:00        | 3          | 02      |            |
    S6        | 2016-02-03       | 09:00:00        | 7          | 02      |            |
    S6        | 2016-01-20       | 09:00:00        | 5          | 02      | 15         | 15
    S7        | 2016-01-20       | 09:00:00        | 5          | 02      | 15         | 15
    S7        | 2016-01-27       | 09:00:00        | 5          | 02      | 3          | 3
    S8        | 2016-01-20       | 09:00:00        | 5          | 02      | 12         | 2
    S8        | 2016-01-27       | 14:00:00        | 5          | 02      | 11         | 2
    S8        | 2016-01-27       | 09:00:00        | 5          | 04      | 1          | 2
    S8        | 2016-04-27       | 09:00:00        | 5          | 06      | 3          | 1
    S9        | 2016-01-20       | 09:00:00        | 5          | 02      | 12         | x
    S9        | 2016-01-27       | 09:00:00        | 5          | 02      | 5          |
"""
OF_SUPPORT = [name for name in load_definitions().measures if name.startswith("ips-")]
FINISHED = {"S1", "S2", "S3", "S4", "S8", "S9"}
TRUTH = {
    "referrals-received": {f"S{n}" for n in range(1, 10)},  # S10: there is no 30 February
    "referrals-ended": {f"S{n}" for n in range(1, 10)} - {"S7"},
    "entered-treatment": {f"S{n}" for n in range(1, 10)},
    "entered-within-6-weeks": {"S1", "S5", "S6", "S7", "S8", "S9"},  # S1: 42 days, S2: 43
    "finished-course": FINISHED,  # S5: an assessment is none; S6: one told twice, two missed; S7: not ended
    "finished-waited-6-weeks": {"S1", "S8", "S9"},
    "finished-waited-18-weeks": FINISHED - {"S3"},  # S3: 127 days, S4: 126
    "at-caseness": {"S1", "S2", "S4", "S8", "S9"},  # S1: PHQ-9 of 10; S2: GAD-7 of 8; S3: 9 and 7
    "moved-to-recovery": {"S1", "S2", "S8"},  # S8: the later record of the last day; S9: no last GAD-7
    "reliable-improvement": {"S1", "S2", "S8", "S9"},  # S3: 5 and 3; S4: PHQ-9 fell by 10, GAD-7 rose by 4
    "reliable-recovery": {"S1", "S2", "S8"},
}


def who(counted, name: str) -> set[str]:
    return set(counted.of(name)["who"].to_pylist())


@pytest.fixture(scope="module")
def legacy():
    return count_staged(staged("iapt-1.5", Referral=REFERRAL, Appointment=APPOINTMENT), "iapt-1.5")


@pytest.mark.parametrize("name", TRUTH)
def test_legacy_tables_at_every_edge(legacy, name):
    assert who(legacy, name) == TRUTH[name]
    assert legacy.total(name) == len(TRUTH[name])


def test_contacts_are_counted_once_however_often_they_are_told(legacy):
    assert legacy.total("contacts-attended") == 19
    assert dict(zip(*legacy.of("contacts-attended").to_pydict().values(), strict=True))["S6"] == 1


def test_every_measure_is_counted_or_says_why_not(legacy):
    lines = {line["measure"]: line for line in legacy.lines()}
    assert list(lines) == list(load_definitions().measures)
    assert all((line["count"] is None) == bool(line["why"]) for line in lines.values())
    assert {name for name, line in lines.items() if line["why"]} == set(OF_SUPPORT)


def test_a_month_takes_what_falls_in_it():
    tables = staged("iapt-1.5", Referral=REFERRAL, Appointment=APPOINTMENT)
    counted = count_staged(tables, "iapt-1.5", "2016-06")
    assert counted.total("referrals-received") == counted.total("entered-treatment") == 0
    assert who(counted, "finished-course") == FINISHED - {"S3"}  # S3 ended on 1 July
    may = count_staged(tables, "iapt-1.5", "2016-05")
    assert who(may, "entered-treatment") == {"S3", "S4"}
    assert may.total("contacts-attended") == 4


def test_converted_tables_hold_scores_below_activities_and_by_concept():
    counted = count_target(
        {
            "IDS101Referral": table("""
                ServiceRequestId | LocalPatientId | ReferralRequestReceivedDate | ServDischDate
                S1               | P1             | 2016-01-04                  | 2016-06-30
                S2               | P2             | 2016-01-04                  | 2016-06-30"""),
            "IDS201CareContact": table("""
                CareContactId | ServiceRequestId | CareContDate | CareContTime | AttendOrDNACode | AppType
                C1            | S1               | 2016-02-15   | 09:00:00     | 5               | 02
                C2            | S1               | 2016-03-01   | 09:00:00     | 5               | 02
                C3            | S2               | 2016-02-15   | 09:00:00     | 5               | 02
                C4            | S2               | 2016-03-01   | 09:00:00     | 5               | 08"""),
            "IDS202CareActivity": table("""
                CareActId | CareContactId | CodeProcAndProcStatus
                A1        | C1            | 1129471000000105
                A2        | C1            |
                A3        | C2            |"""),
            "IDS607CodedScoreAssessmentAct": table("""
                CareActId | CodedAssToolType | PersScore
                A1        | 720433000        | 10
                A2        | 445455005        | 7
                A2        | 446793008        | 50
                A3        | 720433000        | 4
                A3        | 445455005        | 7"""),
        },
        "iapt-2.1",
    )
    for name in ("finished-course", "at-caseness", "moved-to-recovery", "reliable-recovery"):
        assert who(counted, name) == {"S1"}, name
    assert counted.total("entered-treatment") == 2
    assert "team type" in counted.missing["ips-access"]


SUPPORT = {
    "Referral": """
        SERVICEID | LPTID | REFRECDATE
        S1        | P1    | 2016-01-04
        S2        | P2    | 2016-01-04
        S3        | P3    | 2016-01-04
        S4        | P4    | 2015-01-04""",
    "Appointment": """
        SERVICEID | APPOINTMENT | ATTENDANCE | CONSMEDIUM | THERTYPE1 | THERTYPE2 | EMPSUPPORTREFERRAL
        S1        | 2016-02-01  | 5          | 01         | 29        |           | 2016-01-20
        S1        | 2016-02-08  | 5          | 02         | 49        |           |
        S2        | 2016-02-01  | 5          | 05         | 29        | 40        |
        S3        | 2016-02-01  | 3          | 01         | 29        |           |
        S4        | 2016-02-01  | 6          | 03         | 40        | 29        | 2015-12-31""",
}


def test_access_to_ips_takes_a_direct_attended_contact_and_a_referral_since_2016():
    tables = staged("iapt-1.5", **SUPPORT)
    counted = count_staged(tables, "iapt-1.5", support="ips")
    assert counted.of("ips-access").to_pydict() == {"who": ["P1"], "n": [1]}
    # contacts for employment support alone belong to the IPS team; S2 and S4 were for therapy too
    assert who(counted, "contacts-attended") == {"S2", "S4"}
    assert count_staged(tables, "iapt-1.5").total("contacts-attended") == 4
    # given by the team of the therapy, they are contacts of that team; the referral is the host's
    host = count_staged(tables, "iapt-1.5", support="ips-in-host-team")
    assert host.total("contacts-attended") == 4
    assert who(host, "ips-access") == {"P1"}  # S2: not direct; S3: missed; S4: received before 2016


@pytest.mark.parametrize("version", ["mhsds-5.0", "mhsds-6.0"])
def test_access_to_ips_by_team_type_and_by_procedure(version):
    last, attendance = ("d", "AttendOrDNACode") if version == "mhsds-5.0" else ("D", "AttendStatus")
    tables = {
        "MHS101Referral": table(f"""
            ServiceRequestI{last} | LocalPatientI{last} | ReferralRequestReceivedDate | CareProfTeamLocalID
            S1                    | P1                  | 2016-01-01                  | TT
            E1                    | P1                  | 2016-01-20                  | EA
            E2                    | P2                  | 2015-12-31                  | EA
            S3                    | P3                  | 2016-01-20                  | TT
            S4                    | P4                  | 2016-01-20                  | TT"""),
        "MHS201CareContact": table(f"""
            CareContactI{last} | ServiceRequestI{last} | CareContDate | {attendance} | ConsMechanismMH
            C1                 | S1                    | 2016-02-01   | 5            | 01
            C2                 | E1                    | 2016-02-01   | 5            | 05
            C3                 | E1                    | 2016-02-08   | 6            | 11
            C4                 | E2                    | 2016-02-08   | 5            | 01
            C5                 | S3                    | 2016-02-08   | 5            | 01
            C6                 | S4                    | 2016-02-08   | 5            | 03"""),
        "MHS202CareActivity": table(f"""
            CareActI{last} | CareContactI{last} | Procedure | CodeProcAndProcStatus
            A5             | C5                 | 772822000 | 772822000
            A6             | C6                 | 772822000 | 772822000"""),
        "MHS902ServiceTeamDetails": table("""
            CareProfTeamLocalID | ServTeamTypeMH
            TT                  | A05
            EA                  | D05"""),
        "MHS102ServiceTypeReferredTo": table("""
            ServiceRequestId | CareProfTeamLocalId | ServTeamTypeRefToMH
            S1               | TT                  | A05
            E1               | EA                  | D05
            E2               | EA                  | D05"""),
    }
    counted = count_target(tables, version)
    assert who(counted, "ips-access") == {"P1", "P3"}
    assert count_target(tables, version, "2016-03").total("ips-access") == 0
    assert who(counted, "referrals-received") == {"S1", "S3", "S4"}  # not those to the IPS team
    assert "assessment or for treatment" in counted.missing["entered-treatment"]


def test_a_data_set_without_such_facts_says_so():
    counted = count_target({}, "ea-iapt-1.0")
    assert set(counted.missing) == set(load_definitions().measures) and not counted.rows.num_rows


def test_missing_tables_count_nothing():
    counted = count_target({}, "iapt-2.1")
    assert counted.total("referrals-received") == 0 and counted.total("contacts-attended") == 0


def test_small_counts_are_not_shown():
    shown = [safe(count) for count in (None, 0, 1, 4, 5, 7, 8, 1002)]
    assert shown == [None, 0, HIDDEN, HIDDEN, 5, 5, 10, 1000]
    assert shared([{"measure": "m", "count": 3, "why": None}])[0]["count"] == HIDDEN
