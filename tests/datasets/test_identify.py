"""Which data set a file holds: by tables and columns, through aliases, case and overlays."""

from __future__ import annotations

import pytest

from idbmigrate.datasets import identify, load_dataset, load_overlay
from idbmigrate.datasets.match import drift
from idbmigrate.errors import DescriptionError, SourceError, UsageError

TYPES = {
    "date": "SHORT_DATE_TIME",
    "integer": "INT",
    "decimal": "DOUBLE",
    "text": "TEXT",
    "time": "TEXT",
    "month": "TEXT",
}


@pytest.fixture
def file_of(drawn):
    """Tables of a file that holds all that a data set expects, as its pack names it."""

    def make(name: str) -> dict:
        lines = []
        for table in load_dataset(name).tables.values():
            columns = [c for c in table.columns.values() if c.expected]
            kinds = [f"{c.name} {TYPES[c.format.kind]} {c.format.max_length or 0}" for c in columns]
            lines.append(f"{table.name}: {', '.join(kinds)}")
        return drawn("\n".join(lines))

    return make


@pytest.mark.parametrize("name", ["iapt-1.0", "iapt-1.5", "iapt-ltc-1.5.4"])
def test_a_file_as_the_data_set_has_it_is_that_data_set(file_of, name):
    found = identify(file_of(name))
    assert (found.dataset, found.version, found.score) == (name, load_dataset(name).version, 1.0)
    assert found.confidence == "inferred"
    assert found.missing_tables == found.extra_tables == ()
    assert {c.how for t in found.tables for c in t.columns} == {"exact"}
    assert not [c for t in found.tables for c in t.columns if c.drift]


def test_an_item_of_v15_in_a_v10_file_makes_it_the_pilot_edition(file_of):
    tables = file_of("iapt-1.0")
    assert identify(tables).dataset == "iapt-1.0"
    tables["Referral"].append(file_of("iapt-1.5")["Referral"][-1])
    found = identify(tables)
    assert found.dataset == "iapt-1.0-pbr"
    assert found.table("Referral").columns[-1].canonical == "CARECLUSTER"
    assert found.table("Referral").columns[-1].confidence == "proposed"
    assert "not iapt-1.0: it does not have Referral.CARECLUSTER" in found.evidence


def test_v15_without_its_new_tables_is_still_v15(file_of):
    tables = file_of("iapt-1.5")
    for name in ("WaitingTimePauses", "AssessmentPEQ", "TreatmentPEQ"):
        del tables[name]
    found = identify(tables)
    assert found.dataset == "iapt-1.5"
    assert found.missing_tables == ("WaitingTimePauses", "AssessmentPEQ", "TreatmentPEQ")


def test_letter_case_and_aliases_do_not_matter_and_are_told(file_of):
    tables = file_of("iapt-1.5")
    tables["person_V15"] = tables.pop("Person")
    columns = {column.name: column for column in tables["person_V15"]}
    columns["LPTID"].name = "LptId"
    columns["RELIGION"].name = "RELIGIOUSGROUP"
    columns["DOB"].name = "birthdate"
    match = identify(tables).table("Person")
    assert (match.source, match.how, match.confidence) == ("person_V15", "alias", "inferred")
    known = {c.canonical: (c.source, c.how, c.confidence) for c in match.columns}
    assert known["LPTID"] == ("LptId", "case", "confirmed")
    assert known["RELIGION"] == ("RELIGIOUSGROUP", "alias", "confirmed")
    assert known["DOB"] == ("birthdate", "alias", "proposed")


def test_missing_and_extra_columns_are_listed(file_of):
    tables = file_of("iapt-1.5")
    tables["Person"][0].name = "Nickname"
    tables["Local"] = tables["Person"][:1]
    found = identify(tables)
    assert found.table("Person").missing == ("NHSNO",)
    assert found.table("Person").extra == ("Nickname",)
    assert found.extra_tables == ("Local",)


def test_what_fits_nothing_is_refused_with_the_nearest(drawn, file_of):
    with pytest.raises(SourceError) as caught:
        identify(drawn("Orders: ID, Amount MONEY 8\nCustomers: ID, Name"))
    assert caught.value.code == "unknown-dataset"
    assert "--source" in caught.value.hint and "--overlay" in caught.value.hint
    with pytest.raises(SourceError) as caught:
        identify({"Person": file_of("iapt-1.5")["Person"][:3]})
    assert "iapt-1" in caught.value.message and "Referral" in caught.value.message
    with pytest.raises(SourceError):
        identify({})


def test_a_renamed_table_is_recognised_by_its_columns(file_of):
    tables = {f"tbl{n}": columns for n, columns in enumerate(file_of("iapt-1.5").values())}
    with pytest.raises(SourceError) as caught:
        identify(tables)
    assert "tbl0 has the columns of Person" in caught.value.hint


def test_the_user_may_say_what_it_is(file_of):
    found = identify(file_of("iapt-1.5"), source="iapt-1.0")
    assert (found.dataset, found.confidence) == ("iapt-1.0", "confirmed")
    assert "WaitingTimePauses" in found.extra_tables
    with pytest.raises(UsageError) as caught:
        identify(file_of("iapt-1.5"), source="iapt-2.1")
    assert caught.value.code == "bad-option"
    with pytest.raises(UsageError) as caught:
        identify(file_of("iapt-1.5"), source="iapt-9")
    assert caught.value.code == "unknown-name"


@pytest.mark.parametrize("what", ["table", "column"])
def test_two_names_for_one_are_an_error(file_of, what):
    tables = file_of("iapt-1.5")
    if what == "table":
        tables["IAPTDataSetPerson"] = tables["Person"]
    else:
        tables["Person"][-1].name = "ReligiousGroup"
    with pytest.raises(SourceError) as caught:
        identify(tables)
    assert caught.value.code == "ambiguous-names"
    assert "--overlay" in caught.value.hint
    assert ("Person.RELIGION" in caught.value.message) == (what == "column")


@pytest.mark.parametrize(
    ("type_", "length", "column", "said"),
    [
        ("TEXT", 20, "Person.LPTID", None),
        ("TEXT", 10, "Person.LPTID", "10 characters, narrower than 20"),
        ("TEXT", 255, "Person.LPTID", "255 characters, wider than 20"),
        ("MEMO", 0, "Person.LPTID", None),
        ("LONG", 4, "Person.LPTID", "LONG where text is expected"),
        ("TEXT", 10, "Person.DOB", "TEXT where a date is expected"),
        ("BYTE", 1, "Appointment.PHQ9_SCORE", None),
        ("DOUBLE", 8, "Appointment.PHQ9_SCORE", "DOUBLE where a whole number is expected"),
        ("MONEY", 8, "Appointment.AGORASCOREACC", None),
        ("SHORT_DATE_TIME", 8, "Appointment.APPOINTMENTTIME", None),
    ],
)
def test_drift_of_types_and_widths(drawn, type_, length, column, said):
    table, name = column.split(".")
    (own,) = drawn(f"T: {name} {type_} {length}")["T"]
    assert drift(own, load_dataset("iapt-1.5").tables[table].columns[name]) == said


# -- overlays --------------------------------------------------------------------------------------


@pytest.fixture
def overlay(tmp_path):
    def write(*texts: str):
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"overlay{number}.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        return load_overlay(*paths)

    return write


def test_an_overlay_binds_names_that_nobody_knows(file_of, overlay):
    tables = file_of("iapt-1.5")
    tables["tblClients"] = tables.pop("Person")
    number = next(place for place, c in enumerate(tables["tblClients"]) if c.name == "LPTID")
    tables["tblClients"][number].name = "ClientNo"
    own = overlay("tables: {Person: {from: TBLCLIENTS, columns: {LPTID: clientno}}}")
    match = identify(tables, own).table("Person")
    assert (match.source, match.how, match.missing) == ("tblClients", "overlay", ())
    assert (match.columns[number].canonical, match.columns[number].how) == ("LPTID", "overlay")


def test_an_overlay_may_call_a_column_by_another_of_its_names(file_of, overlay):
    tables = file_of("iapt-1.5")
    next(column for column in tables["Person"] if column.name == "DOB").name = "Born"
    match = identify(tables, overlay("tables: {Person: {columns: {BIRTHDATE: Born}}}")).table("Person")
    assert {c.canonical: c.how for c in match.columns}["DOB"] == "overlay" and match.missing == ()


def test_an_overlay_decides_between_two_names(file_of, overlay):
    tables = file_of("iapt-1.5")
    tables["Person"][-1].name = "ReligiousGroup"
    tables["IAPTDataSetPerson"] = tables["Person"]
    decided = "tables: {Person: {columns: {RELIGION: ReligiousGroup}}}"
    found = identify(tables, overlay(f"ignore: [IAPTDATASETPERSON]\n{decided}"))
    assert found.extra_tables == ("IAPTDataSetPerson",)
    assert found.table("Person").extra == ("RELIGION",)
    found = identify(tables, overlay("ignore: [Person, IAPTDataSetPerson.RELIGION]"))
    assert found.table("Person").source == "IAPTDataSetPerson"
    assert found.table("Person").extra == ("RELIGION",)


def test_an_overlay_may_name_the_data_set_and_carry_codes(file_of, overlay):
    own = overlay("dataset: iapt-1.0\nlookups: {end_code: {01: 10}}", "lookups: {end_code: {02: ~}}")
    assert own.lookups == {"end_code": {"01": "10", "02": None}}
    assert identify(file_of("iapt-1.5"), own).dataset == "iapt-1.0"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("tables:\n  Persons: {from: Person}", 2, "no table 'Persons'"),
        ("tables:\n  Person:\n    from: Nobody", 3, "no table 'Nobody'"),
        ("tables:\n  Person:\n    columns:\n      NAME: LPTID", 4, "no column Person.NAME"),
        ("tables:\n  Person:\n    columns:\n      NHSNO: Number", 4, "no column 'Number'"),
        ("tables:\n  Person: [LPTID]", 2, "mapping of names is expected"),
        ("tables:\n  Person: {columns: {NHSNO: [a]}}", 2, "text is expected"),
        ("\ntabels: {}", 2, "'tabels'"),
        ("ignore: Person", 1, "list is expected"),
        ("dataset: iapt-1.6", 1, "'iapt-1.6'"),
        ("- Person", 1, "mapping of names is expected"),
    ],
)
def test_an_overlay_that_fits_nothing_is_refused_with_its_line(file_of, overlay, text, line, word):
    with pytest.raises(DescriptionError) as caught:
        identify(file_of("iapt-1.5"), overlay(text))
    assert caught.value.code == "overlay-invalid"
    assert f"overlay0.yaml:{line} ($" in caught.value.where
    assert word in caught.value.message


def test_overlays_must_agree(overlay):
    first = "tables: {Person: {from: A, columns: {LPTID: X}}}"
    assert overlay(first, "tables: {Person: {columns: {NHSNO: Y}}}").tables["Person"].columns == {
        "LPTID": "X",
        "NHSNO": "Y",
    }
    with pytest.raises(DescriptionError) as caught:
        overlay(first, "\ntables: {Person: {columns: {LPTID: Y}}}")
    assert "overlay1.yaml:2 ($.tables.Person.columns.LPTID)" in caught.value.where


# -- outside files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "dataset"),
    [
        ("iapt-1.0", "iapt-1.0"),
        ("iapt-1.0-pbr", "iapt-1.0-pbr"),
        ("iapt-1.5", "iapt-1.5"),
        ("iapt-1.5-messy", "iapt-1.5"),
        ("iapt-1.5-textdates", "iapt-1.5"),
        ("iapt-ltc-1.5.4", "iapt-ltc-1.5.4"),
    ],
)
def test_outside_files_are_what_they_are(truth_tables, file, dataset):
    found = identify(truth_tables(file))
    assert (found.dataset, found.confidence, found.score) == (dataset, "inferred", 1.0)
    assert found.missing_tables == ()
    expected = load_dataset(dataset).tables
    for table in found.tables:
        assert not [name for name in table.missing if expected[table.canonical].columns[name].expected]
    local = {"LocalNotes", "KeyWorker", "LocalFlag"}
    assert {name for t in found.tables if t.canonical for name in t.extra} <= local


#: The table of the employment adviser pilot, whose name nobody published.
PILOT = "LPTID, SERVICEID, EMPSTATUS, EMPSTATUSRECDATE DATE, JSASTATUS, ESASTATUS, UCSTATUS, PIPSTATUS"


@pytest.fixture
def with_pilot(file_of, drawn):
    tables = file_of("iapt-1.5")
    tables.pop("EmploymentAdviser", None)
    return lambda **more: tables | {name: drawn(f"{name}: {columns}")[name] for name, columns in more.items()}


def test_a_table_is_known_by_its_columns_whatever_its_name(with_pilot):
    found = identify(with_pilot(EA_2017=PILOT))
    assert found.dataset == "iapt-1.5" and found.missing_tables == ()
    match = found.table("EmploymentAdviser")
    assert (match.source, match.how, match.confidence) == ("EA_2017", "columns", "inferred")
    assert found.evidence[0].startswith("8 of 8 tables")


def test_a_file_without_it_lacks_nothing(with_pilot):
    found = identify(with_pilot())
    assert found.missing_tables == () and found.table("EmploymentAdviser") is None
    assert found.evidence[0].startswith("7 of 7 tables")


def test_fewer_of_its_columns_do_not_tell_it(with_pilot):
    found = identify(with_pilot(EA_2017=PILOT.replace("UCSTATUS", "OTHER")))
    assert found.table("EmploymentAdviser") is None and found.extra_tables == ("EA_2017",)


def test_two_such_tables_are_for_the_user_to_tell_apart(with_pilot, overlay):
    two = with_pilot(EA_2017=PILOT, EA_2018=PILOT)
    with pytest.raises(SourceError) as caught:
        identify(two)
    assert caught.value.code == "ambiguous-names"
    own = overlay("tables: {EmploymentAdviser: {from: EA_2018}}")
    assert identify(two, own).table("EmploymentAdviser").source == "EA_2018"
    assert identify(two, overlay("ignore: [EA_2017]")).table("EmploymentAdviser").source == "EA_2018"


def test_the_other_editions_have_no_such_table():
    assert "EmploymentAdviser" not in load_dataset("iapt-1.0").tables
    assert not load_dataset("iapt-ltc-1.5.4").tables["EmploymentAdviser"].expected
