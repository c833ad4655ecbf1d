"""A small IAPT v2.1 file that breaks no rule, and ways to break it."""

from __future__ import annotations

import copy

import pyarrow as pa

from idbmigrate.checks import Context, check
from idbmigrate.datasets import load_dataset

CONTEXT = Context(
    period_start="2022-04-01",
    period_end="2022-04-30",
    submitted="2022-05-10T12:00:00",
    provider="RX1",
    sender="RX1",
)

_PATIENT = {"LocalPatientId": "P1"}
_REFERRAL = {"ServiceRequestId": "R1"}

GOOD = {
    "IDS000Header": {
        "DatSetVer": "2.1",
        "OrgIDProv": "RX1",
        "OrgIDSubmit": "RX1",
        "PrimSystemInUse": "system",
        "ReportingPeriodStartDate": "2022-04-01",
        "ReportingPeriodEndDate": "2022-04-30",
        "DateTimeDatSetCreate": "2022-05-02T10:00:00",
    },
    "IDS001MPI": _PATIENT
    | {
        "OrgIDLocalPatientId": "RX1",
        "NHSNumber": "9434765919",
        "NHSNumberStatus": "01",
        "PersonBirthDate": "1980-01-01",
        "Postcode": "LS1 4AP",
        "Gender": "1",
        "GenderIdentity": "1",
        "GenderIdentitySameAtBirth": "Y",
        "EthnicCategory": "A",
        "ExBAFIndicator": "03",
        "LanguageCodePreferred": "en",
        "EduEstabTypeIAPT": "8",
    },
    "IDS002GP": _PATIENT | {"GMPCodeReg": "A12345", "StartDateGMPRegistration": "2010-01-01"},
    "IDS003AccommStatus": _PATIENT
    | {
        "AccommodationType": "01",
        "SettledAccommodationInd": "Y",
        "AccommodationTypeDate": "2022-04-02",
        "AccommodationTypeStartDate": "2015-01-01",
        "AccommodationTypeEndDate": "2022-04-20",
    },
    "IDS004EmpStatus": _PATIENT
    | {
        "EmployStatus": "01",
        "EmployStatusRecDate": "2022-04-02",
        "WeekHoursWorked": "01",
        "SelfEmployInd": "N",
        "SickAbsenceInd": "N",
        "SSPInd": "N",
        "BenefitRecInd": "N",
        "ESAInd": "N",
        "UCInd": "N",
        "PIPInd": "N",
        "EmpSupportInd": "Y",
        "EmpSupportReferral": "2022-04-03",
        "EmpSupportDischargeDate": "2022-04-20",
    },
    "IDS007DisabilityType": _PATIENT | {"DisabCode": "NN"},
    "IDS011SocPerCircumstances": _PATIENT
    | {
        "SocPerCircumstance": "160549006",
        "SocPerCircumstanceRecDate": "2022-04-02",
    },
    "IDS012OverseasVisitorChargCat": _PATIENT | {"OvsVisChCat": "A", "OvsVisChCatAppDate": "2022-04-02"},
    "IDS101Referral": _REFERRAL
    | _PATIENT
    | {
        "OrgIDComm": "15F",
        "ReferralRequestReceivedDate": "2022-03-01",
        "SourceOfReferralIAPT": "B1",
        "OnsetDate": "2020-05",
        "PrevDiagCondInd": "N",
        "EndCode": "46",
        "ServDischDate": "2022-04-28",
    },
    "IDS105OnwardReferral": _REFERRAL
    | {
        "OnwardReferDate": "2022-04-20",
        "OnwardReferTime": "10:00:00",
        "OnwardReferReason": "01",
        "OrgIDReceiving": "RX2",
    },
    "IDS108WaitingTimePauses": _REFERRAL
    | {
        "PauseID": "1",
        "PauseStartDate": "2022-03-20",
        "PauseEndDate": "2022-04-04",
        "PauseReason": "01",
    },
    "IDS201CareContact": {"CareContactId": "C1"}
    | _REFERRAL
    | {
        "CareContDate": "2022-04-05",
        "CareContTime": "09:30:00",
        "OrgIDComm": "15F",
        "PlannedCareContIndicator": "Y",
        "AttendOrDNACode": "5",
        "ClinContDurOfCareCont": "50",
        "IAPTLTCServiceInd": "N",
        "AppType": "02",
        "ConsMechanism": "01",
        "IntEnabledTherProg": "programme",
        "CareContPatientTherMode": "1",
        "NumGroupTherParticipants": "8",
        "NumGroupTherFacilitators": "2",
        "PsychMed": "01",
        "ActLocTypeCode": "A01",
        "SiteIDOfTreat": "RX101",
        "LanguageCodeTreat": "en",
        "InterpreterPresentInd": "4",
    },
    "IDS202CareActivity": {
        "CareActId": "A1",
        "CareContactId": "C1",
        "CarePersLocalId": "W1",
        "ClinContactDurOfCareAct": "50",
        "CodeProcAndProcStatus": "748051000000105",
        "FindSchemeInUse": "01",
        "CodeFind": "F412",
        "CodeObs": "720433000",
        "ObsValue": "7",
        "UnitMeasure": "1",
    },
    "IDS205InternetTherLog": _REFERRAL
    | {
        "StartDateIntEnabledTherLog": "2022-04-04",
        "EndDateIntEnabledTherLog": "2022-04-10",
        "IntEnabledTherProg": "programme",
        "DurationIntEnabledTher": "30",
        "CarePersLocalId": "W1",
        "IntegratedSoftwareInd": "N",
    },
    "IDS601MedHistPrevDiag": _PATIENT
    | {
        "DiagSchemeInUse": "02",
        "PrevDiag": "F321",
        "DiagDate": "2019-01-01",
    },
    "IDS602LongTermCondition": _REFERRAL | {"FindSchemeInUse": "04", "LongTermCondition": "195967001"},
    "IDS603PresentingComplaints": _REFERRAL
    | {
        "FindSchemeInUse": "01",
        "PresComp": "F411",
        "PresCompCodSig": "1",
        "PresCompDate": "2022-04-02",
    },
    "IDS606CodedScoreAssessmentRefer": _REFERRAL
    | {
        "CodedAssToolType": "445455005",
        "PersScore": "12",
        "AssToolCompDate": "2022-04-05",
        "AssToolCompTime": "09:30:00",
    },
    "IDS607CodedScoreAssessmentAct": {
        "CareActId": "A1",
        "CodedAssToolType": "720433000",
        "PersScore": "12",
    },
    "IDS803CareCluster": _PATIENT
    | {
        "AMHCareClustCodeFin": "03",
        "StartDateCareClust": "2022-04-05",
        "StartTimeCareClust": "09:30:00",
        "EndDateCareClust": "2022-04-28",
        "EndTimeCareClust": "10:00:00",
    },
    "IDS902CarePersQual": {
        "CarePersLocalId": "W1",
        "QualAttainLevelIAPT": "10",
        "QualAwardedDate": "2021-01-01",
    },
}

DATASET = load_dataset("iapt-2.1")


def good() -> dict[str, list[dict[str, str | None]]]:
    """The good file, to be changed at will: table -> rows."""
    return {name: [dict(row)] for name, row in copy.deepcopy(GOOD).items()}


def arrow(file: dict[str, list[dict[str, str | None]]]) -> dict[str, pa.Table]:
    """The file as target tables."""
    return {
        name: pa.table(
            {
                column: pa.array([row.get(column) for row in file.get(name, [])], pa.string())
                for column in spec.columns
            }
        )
        for name, spec in DATASET.tables.items()
    }


def outcome(file, context: Context = CONTEXT):
    """What the rules say about a file."""
    return check(arrow(file), DATASET, context)


def codes(file, context: Context = CONTEXT) -> set[str]:
    """Codes of the rules that a file breaks."""
    return set(outcome(file, context).findings["code"].to_pylist())


def nhs_numbers(count: int):
    """Numbers with the right check digit, of the range kept for tests (999...), that no rule refuses."""
    base = 999_000_000
    while count:
        base += 1
        check = 11 - sum(int(digit) * weight for digit, weight in zip(str(base), range(10, 1, -1))) % 11
        number = f"{base}{check % 11}"
        if check != 10 and number != number[::-1]:
            count -= 1
            yield number
