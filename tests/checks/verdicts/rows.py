"""A good row of each table of a target data set: it breaks no rule of its pack, and fills what it can."""

from __future__ import annotations

from idbmigrate.datasets import load_dataset
from tests.checks import good

#: Days of a family: a referral of March, care in April, the period that is submitted.
BORN, REFERRED, BEGUN, DAY, ENDED = "1980-01-01", "2022-03-01", "2022-04-05", "2022-04-10", "2022-04-20"

_STARTS = ("Start", "Creat", "Receiv", "Decision", "Reques", "Appl", "Made", "Date")
_ENDS = ("End", "Disch", "Clos", "Update", "Reject", "Expir", "Achiev", "Cancel", "Replac")

#: What the format and the lists of a column do not tell.
_MHSDS = {
    "PersonBirthDate": BORN,
    "NHSNumber": "9434765919",
    "NHSNumberStatus": "01",
    "Postcode": "LS1 4AP",
    "PostcodeDischDestHospProvSpell": "LS1 4AP",
    "OrgIDProvider": "RX1",
    "OrgIDSubmit": "RX1",
    "OrgIDLocalPatientID": "RX1",
    "LanguageCodePreferred": "en",
    "LanguageCodeTreat": "en",
    "SpecialisedMHServiceCode": "NCBPS22E/ASSESS",
    "DatSetVer": "6.0",
    "ReportingPeriodStartDate": "2022-04-01",
    "ReportingPeriodEndDate": "2022-04-30",
    "DateTimeDatSetCreate": "2022-05-02T10:00:00",
    "SMHEPCCharge": "1234.50",
    "CodedAssToolType": "720433000",
    "PersScore": "12",
    "ReferralRequestReceivedDate": REFERRED,
}


def rows(name: str) -> dict[str, dict[str, str | None]]:
    """One good row a table; keys without the number of their family."""
    if name == "iapt-2.1":
        return {table: dict(row) for table, row in good.GOOD.items()}
    dataset = load_dataset(name)
    return {table: _row(dataset, spec) for table, spec in dataset.tables.items()}


def _row(dataset, table):
    row = {column: _value(dataset, spec) for column, spec in table.columns.items()}
    for column in (*table.primary_key, *table.foreign_keys):
        row[column] = f"{table.foreign_keys.get(column, ('', column))[1]}"[:12]
    return {**row, **OVERRIDES.get(table.name, {})}


def _value(dataset, spec):
    if spec.name in _MHSDS:
        return _MHSDS[spec.name]
    codes = dataset.codes_of(spec)
    if codes:
        return next(iter(codes.codes))
    kind, low = spec.format.kind, spec.format.min_length or 1
    if kind == "date":
        return ENDED if any(word in spec.name for word in _ENDS) else DAY
    if kind == "time":
        return "10:00:00"
    if kind == "timestamp":
        return f"{DAY}T10:00:00+01:00"
    if "SNOMED" in (spec.item or "").upper():
        return "720433000"
    if kind == "integer":
        return "1" * low
    if spec.name.startswith(("OrgID", "SiteID", "GMP")):
        return "RX1AB12"[: max(low, 3)]
    return "A" * max(low, 3 if not spec.format.max_length or spec.format.max_length >= 3 else low)


#: Where the rules want more of a row than each column by itself.
OVERRIDES: dict[str, dict[str, str | None]] = {
    "MHS002GP": {"EndDateGMPRegistration": None},
    "MHS005PatInd": {"IMCARequired": "Y", "IMHARequired": "Y"},
    "MHS202CareActivity": {"FindSchemeInUse": "04", "Finding": "720433000"},
    "MHS204IndirectActivity": {"FindSchemeInUse": "04", "Finding": "720433000"},
    "MHS501HospProvSpell": {"PostcodeMainVisitor": "LS1 4AP"},
    "MHS502WardStay": {"WardCode": "WardCode"},
    "MHS518ClinReadyforDischarge": {"AttribToIndic": "05"},
    "MHS601MedHistPrevDiag": {"PrevDiag": "F321"},
    "MHS604PrimDiag": {"PrimDiag": "F321"},
    "MHS605SecDiag": {"SecDiag": "F321"},
    "MHS609PresComp": {"PresComp": "F321"},
}
