"""Ten referrals with what years of care hold, counted by hand from the published text of the derivations."""

from __future__ import annotations

from idbmigrate.measures import count_staged
from tests.measures.drawn import staged

REFERRAL = """
    LPTID | SERVICEID | REFRECDATE | ENDDATE    | PROVDIAG
    P1    | S1        | 2016-05-10 | 2016-09-01 | F322
    P2    | S2        | 2016-05-10 | 2016-09-01 | F322
    P3    | S3        | 2016-05-10 | 2016-09-01 | F322
    P4    | S4        | 2016-05-10 | 2016-09-01 | F322
    P5    | S5        | 2016-05-10 | 2016-09-01 | F322
    P6    | S6        | 2016-05-10 | 2016-09-01 | F401
    P7    | S7        | 2016-05-10 | 2016-09-01 | F431
    P8    | S8        | 2016-05-10 | 2016-09-01 | F322
    P9    | S9        | 2016-05-10 | 2016-06-15 | F322
    P10   | S10       | 2016-05-10 | 2016-09-01 | F322
"""
#: contacts before and after the referral, scores that nobody took twice, none at all, measures of disorders
APPOINTMENT = """
    SERVICEID | APPOINTMENT | ATTENDANCE | APPTYPE | PHQ9_SCORE | GAD7SCORE | SOCPHOBIAINVSCORE | PTSDSCORE
    S1        | 2016-05-01  | 5          | 02      | 15         | 12        |                   |
    S1        | 2016-06-01  | 5          | 02      | 12         | 10        |                   |
    S2        | 2016-06-01  | 5          | 02      | 15         | 12        |                   |
    S2        | 2016-08-01  | 5          | 02      | 5          | 4         |                   |
    S2        | 2016-10-01  | 5          | 02      | 20         | 18        |                   |
    S3        | 2016-06-01  | 5          | 02      | 5          | 12        |                   |
    S3        | 2016-08-01  | 5          | 02      |            | 4         |                   |
    S4        | 2016-06-01  | 5          | 02      | 5          | 4         |                   |
    S4        | 2016-08-01  | 5          | 02      | 3          | 2         |                   |
    S5        | 2016-06-01  | 5          | 02      |            |           |                   |
    S5        | 2016-08-01  | 5          | 02      |            |           |                   |
    S6        | 2016-06-01  | 5          | 02      | 6          | 5         | 45                |
    S6        | 2016-08-01  | 5          | 02      | 4          | 3         | 10                |
    S7        | 2016-06-01  | 5          | 02      | 12         | 9         |                   | 60
    S7        | 2016-08-01  | 5          | 02      | 6          | 4         |                   | 45
    S8        | 2016-06-01  | 5          | 02      | 15         | 12        |                   |
    S8        | 2016-08-01  | 5          | 02      | 5          | 4         |                   |
    S8        | 2016-10-01  | 5          | 06      | 20         | 18        |                   |
    S9        | 2016-06-01  | 5          | 02      | 15         | 12        |                   |
    S9        | 2016-07-01  | 5          | 02      | 5          | 4         |                   |
    S10       | 2016-06-01  | 5          | 02      | 15         | 12        |                   |
    S10       | 2016-07-01  | 5          | 02      | 14         | 11        |                   |
"""
WANTED = {
    "contacts": 22,
    "contacts-attended": 18,
    "finished-course": 8,
    "finished-waited-6-weeks": 8,
    "finished-waited-18-weeks": 8,
    "at-caseness": 6,
    "not-at-caseness": 1,
    "eligible-for-recovery": 7,
    "moved-to-recovery": 3,
}


def test_counts_of_files_with_years_of_care():
    counted = count_staged(staged("iapt-1.5", Referral=REFERRAL, Appointment=APPOINTMENT), "iapt-1.5")
    assert {name: counted.total(name) for name in WANTED} == WANTED
