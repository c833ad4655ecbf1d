"""The proof that nobody's record is under another patient: what it must notice, and what it must not mind."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import idbmigrate
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.errors import BooksError
from idbmigrate.ledger.lineage import numbers
from idbmigrate.ledger.proof import PATIENT_ITEM, Examined, Proof, _keys, prove
from idbmigrate.staging.dictionary import plain

#: A mapping that takes the referral number for unique: a contact hangs on it whoever its patient is.
BY_REFERRAL_NUMBER = """
mapping: by-referral-number
version: 1.0.0
source: iapt-1.5
target: iapt-2.1
sources:
  Appointment: {natural_key: [SERVICEID, LPTID, APPOINTMENT]}
tables:
  IDS001MPI:
    from: Person
    fields: {LocalPatientId: LPTID, OrgIDLocalPatientId: ORGCODEPROVIDER, PersonBirthDate: {date: DOB}}
    one_per: {key: [LocalPatientId], rule: one-patient, reason: one row a patient}
  IDS101Referral:
    from: Referral
    fields:
      ServiceRequestId: SERVICEID
      LocalPatientId: LPTID
      OrgIDComm: ORGCODECOMM
      ReferralRequestReceivedDate: {date: REFRECDATE}
    one_per: {key: [ServiceRequestId], rule: one-referral, reason: one row a referral}
  IDS201CareContact:
    from: Appointment
    fields:
      CareContactId: {identifier: [natural_key], prefix: C}
      ServiceRequestId: SERVICEID
      CareContDate: {date: APPOINTMENT}
      IAPTLTCServiceInd: {constant: N}
      AppType: APPTYPE
"""
COLUMNS = {
    "Person": "LPTID ORGCODEPROVIDER DOB",
    "Referral": "SERVICEID LPTID ORGCODECOMM REFRECDATE",
    "Appointment": "SERVICEID LPTID APPOINTMENT APPTYPE",
}


class Seen:
    """What a proof was given."""

    def __init__(self, **given: Any):
        self.__dict__ |= given

    def __repr__(self) -> str:
        return "Seen()"


def written(path, **rows: str):
    """An Access file with tables of the data set; rows as ``P1 RX1; P2 RX1``."""
    create_database(path)
    with DatabaseWriter(path) as writer:
        for table, columns in COLUMNS.items():
            names = columns.split()
            writer.create_table(table, [NewColumn(name, "TEXT", 20) for name in names])
            values = [row.split() for row in rows[table].split(";")]
            writer.append(table, pa.table(dict(zip(names, map(list, zip(*values)), strict=True))))
    return path


def proved(path, monkeypatch, to="iapt-2.1", **options) -> tuple[Proof, Seen]:
    """The proof of a run, whether or not it holds, and what it was given."""
    module, seen = importlib.import_module("idbmigrate.conversion.pipeline"), []

    def note(run, tables, staged, source, target, allowed):
        seen.append(Seen(run=run, tables=tables, staged=staged, source=source, target=target))
        seen.append(prove(run, tables, staged, source, target, allowed))
        return Proof()

    monkeypatch.setattr(module, "prove", note)
    try:
        idbmigrate.convert(path, to=to, **options)
    except BooksError as error:  # of a mapping that leaves columns behind
        assert error.code == "books-open"
    finally:
        monkeypatch.undo()
    return seen[1], seen[0]


# -- whole files -----------------------------------------------------------------------------------


def shared_number(tmp_path):
    return written(
        tmp_path / "shared.mdb",
        Person="P1 RX1 1980-01-01; P2 RX1 1980-01-02",
        Referral="S1 P1 07K 2016-04-01; S2 P2 07K 2016-04-02",
        Appointment="S1 P2 2016-04-20 01",
    )


def test_a_contact_under_the_referral_of_another_patient_ends_the_run(tmp_path):
    path, mapping = shared_number(tmp_path), tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    with pytest.raises(BooksError) as caught:
        idbmigrate.convert(path, to="iapt-2.1", source="iapt-1.5", mapping=str(mapping), out=tmp_path / "out")
    error = caught.value
    assert (error.code, error.exit_code) == ("another-patient", 5)
    assert error.where == "IDS201CareContact.ServiceRequestId"
    assert "1 row " in error.message and "from Appointment " in error.message
    assert not {"P1", "P2", "S1"} & set(str(error).replace(",", " ").split())
    assert {each.name for each in tmp_path.iterdir()} == {path.name, mapping.name}


def test_of_two_referrals_with_one_number_one_is_another_patients(tmp_path, monkeypatch):
    path = written(
        tmp_path / "reused.mdb",
        Person="P1 RX1 1980-01-01; P2 RX1 1980-01-02",
        Referral="S1 P1 07K 2016-04-01; S1 P2 07K 2016-04-02",
        Appointment="S1 P1 2016-04-19 01; S1 P2 2016-04-20 01",
    )
    mapping = tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    proof, _ = proved(path, monkeypatch, source="iapt-1.5", mapping=str(mapping))
    assert [(breach.where, breach.count) for breach in proof.breaches] == [
        ("IDS201CareContact.ServiceRequestId", 1)
    ]


@pytest.mark.parametrize("person", ["p1", "P1 ", "\u200bP1"])
def test_spellings_of_one_identifier_are_one_patient(tmp_path, monkeypatch, person):
    path = written(
        tmp_path / "spelt.mdb",
        Person="P1 RX1 1980-01-01; P2 RX1 1980-01-02",
        Referral="S1 P1 07K 2016-04-01; S2 P2 07K 2016-04-02",
        Appointment="S1 ? 2016-04-20 01",
    )
    mapping = tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    _, seen = proved(path, monkeypatch, source="iapt-1.5", mapping=str(mapping))
    appointment = seen.staged["Appointment"]
    spelt = appointment.raw.set_column(
        appointment.raw.column_names.index("LPTID"), "LPTID", pa.array([person])
    )
    staged = seen.staged | {"Appointment": replace(appointment, raw=spelt)}
    assert not prove(seen.run, seen.tables, staged, seen.source, seen.target).breaches


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0", "ea-iapt-1.0"])
@pytest.mark.parametrize("options", [{}, {"period": "2016-09"}, {"split": "month"}], ids=str)
def test_clean_files_pass_and_every_published_row_is_examined(sample_idb, target, options):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to=target, **options)
    assert not run.proof.breaches
    published = {name: table.num_rows for name, table in run.tables.items() if name in run.proof.examined}
    assert {name: each.rows for name, each in run.proof.examined.items()} == published
    for name, each in run.proof.examined.items():
        nobodys = name.endswith(("Header", "ServiceTeamDetails"))
        assert each.named == (0 if nobodys else each.rows), name


def test_the_manifest_says_what_was_examined(sample_idb, tmp_path):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["proof"] == run.proof.lines()
    assert manifest["proof"]["IDS201CareContact"] == {"rows": 749, "named": 749, "allowed": 0}


# -- what the user allows --------------------------------------------------------------------------


def test_rows_that_the_user_allows_are_counted_and_not_compared(tmp_path, monkeypatch):
    mapping = tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    _, seen = proved(shared_number(tmp_path), monkeypatch, source="iapt-1.5", mapping=str(mapping))
    allowed = {"Appointment": np.array([True])}
    proof = prove(seen.run, seen.tables, seen.staged, seen.source, seen.target, allowed)
    assert not proof.breaches
    assert proof.examined["IDS201CareContact"] == Examined(rows=1, named=1, allowed=1)


# -- two people with one identifier ----------------------------------------------------------------


def test_an_identifier_of_two_providers_is_two_patients(tmp_path, monkeypatch):
    path = written(
        tmp_path / "providers.mdb",
        Person="P1 RX1 1980-01-01; P1 RX2 1980-01-02",
        Referral="S1 P1 07K 2016-04-01",
        Appointment="S1 P1 2016-04-20 01",
    )
    mapping = tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    _, seen = proved(path, monkeypatch, source="iapt-1.5", mapping=str(mapping))
    kept = seen.run.results["IDS001MPI"].made
    other = 1 - numbers(kept["_row"])[0]
    referral = seen.staged["Referral"]
    providers = seen.staged["Person"].clean["ORGCODEPROVIDER"].to_pylist()
    for provider, breaches in ((providers[other], 1), (providers[1 - other], 0), ("RX9", 0), (None, 0)):
        column = referral.raw.column_names.index("ORGCODEPROVIDER")
        raw = referral.raw.set_column(column, "ORGCODEPROVIDER", pa.array([provider], pa.string()))
        staged = seen.staged | {"Referral": replace(referral, raw=raw)}
        proof = prove(seen.run, seen.tables, staged, seen.source, seen.target)
        assert len(proof.breaches) == breaches, provider


# -- rows that name nobody -------------------------------------------------------------------------


def test_a_row_without_a_patient_is_of_whoever_alone_has_its_referral(tmp_path, monkeypatch):
    mapping = tmp_path / "by-referral-number.yaml"
    mapping.write_text(BY_REFERRAL_NUMBER, encoding="utf-8")
    _, seen = proved(shared_number(tmp_path), monkeypatch, source="iapt-1.5", mapping=str(mapping))
    appointment = seen.staged["Appointment"]
    at = appointment.raw.column_names.index("LPTID")
    raw = appointment.raw.set_column(at, "LPTID", pa.nulls(1, pa.string()))
    staged = seen.staged | {"Appointment": replace(appointment, raw=raw)}
    contacts = seen.tables["IDS201CareContact"]
    for referral, breaches in (("S1", 0), ("S2", 1)):
        column = contacts.column_names.index("ServiceRequestId")
        moved = contacts.set_column(column, "ServiceRequestId", pa.array([referral]))
        tables = seen.tables | {"IDS201CareContact": moved}
        assert len(prove(seen.run, tables, staged, seen.source, seen.target).breaches) == breaches, referral


# -- keys ------------------------------------------------------------------------------------------


def key(text: str) -> str | None:
    return _keys(pa.array([text], pa.string()))[0].as_py()


@given(st.lists(st.text(st.sampled_from(" \t\x00\u00a0\u200b\ufeffaAbBßÉé-"), max_size=6), max_size=8))
def test_keys_are_the_same_column_by_column_and_text_by_text(texts):
    assert _keys(pa.array(texts, pa.string())).to_pylist() == [key(text) for text in texts]


def test_what_a_key_leaves_out():
    assert key("\ufeff\u200b P 1\u00a0\r\n") == "p 1"
    assert key(" \t\u2060") is None
    assert key("STRASSE") == key("straße") and key("ı") == key("I")


# -- lineage at random -----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["iapt-2.1", "mhsds-6.0"])
def seen(request, sample_idb):
    with pytest.MonkeyPatch.context() as monkeypatch:
        proof, seen = proved(sample_idb / "iapt-ltc-1.5.4.mdb", monkeypatch, to=request.param)
    assert not proof.breaches
    return seen


def named(seen, table: str) -> dict[int, str]:
    """Whom each row of a source table names, row by row in Python; nobody is left out."""
    columns = [n for n, c in seen.source.tables[table].columns.items() if c.item == PATIENT_ITEM]
    values = seen.staged[table].clean[columns[0]].to_pylist() if columns else []
    return {row: value.strip().casefold() for row, value in enumerate(values) if value}


def with_column(seen, name: str, column: str, values) -> tuple:
    """The results with one column of one table changed, in what was made and in what is published."""
    result, tables = seen.run.results[name], dict(seen.tables)
    made = result.made.set_column(result.made.column_names.index(column), column, values)
    results = seen.run.results | {name: replace(result, made=made)}
    if column in tables[name].column_names:
        at = tables[name].column_names.index(column)
        tables[name] = tables[name].set_column(at, column, values.filter(pa.array(result.kept)))
    return replace(seen.run, results=results), tables


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck]
)
@given(data=st.data())
def test_a_row_made_from_another_patients_row_is_noticed(seen, data):
    ways = []
    for name, result in sorted(seen.run.results.items()):
        branch = result.query.branches[0]
        lineage = [("_row", branch.source), *((column, table) for _, table, column in branch.joined)]
        if result.made.num_rows:
            ways += [(name, column, table) for column, table in lineage if table and named(seen, table)]
    name, column, table = data.draw(st.sampled_from(ways))
    result = seen.run.results[name]
    rows, whom = numbers(result.made[column]).copy(), named(seen, table)
    first = numbers(result.made["_branch"]) == 0
    victims = np.flatnonzero(result.kept & first & np.isin(rows, list(whom)))
    victim = int(data.draw(st.sampled_from(victims.tolist())))
    others = [row for row, patient in whom.items() if patient != whom[int(rows[victim])]]
    rows[victim] = data.draw(st.sampled_from(others))
    run, tables = with_column(seen, name, column, pa.chunked_array([pa.array(rows)]))
    assert prove(run, tables, seen.staged, seen.source, seen.target).breaches, (name, column)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck]
)
@given(data=st.data())
def test_a_row_that_is_published_under_another_patient_is_noticed(seen, data):
    keys = [
        (name, column, parent, key)
        for name, table in sorted(seen.tables.items())
        for column, (parent, key) in seen.target.tables[name].foreign_keys.items()
        if table.num_rows
        and seen.target.tables[parent].primary_key == (key,)
        and seen.tables[parent].num_rows
    ]
    name, column, parent, key = data.draw(st.sampled_from(keys))
    child, above = plain(seen.tables[name])[column].to_pylist(), plain(seen.tables[parent])[key].to_pylist()
    owners = owner_by_key(seen, parent)
    victim = data.draw(st.integers(0, len(child) - 1))
    others = [value for value in above if owners[value] != owners.get(child[victim])]
    child[victim] = data.draw(st.sampled_from(others))
    at = seen.tables[name].column_names.index(column)
    tables = seen.tables | {name: seen.tables[name].set_column(at, column, pa.array(child, pa.string()))}
    breaches = prove(seen.run, tables, seen.staged, seen.source, seen.target).breaches
    assert breaches, (name, column)


def owner_by_key(seen, table: str) -> dict[str, str]:
    """The published patient of each record of a target table, by its key, row by row in Python."""
    spec, rows = seen.target.tables[table], plain(seen.tables[table]).to_pylist()
    [key] = spec.primary_key
    if spec.parent is None:
        return {row[key]: row[key] for row in rows}
    above = owner_by_key(seen, spec.parent)
    column = next(c for c, (parent, _) in spec.foreign_keys.items() if parent == spec.parent)
    return {row[key]: above[row[column]] for row in rows}
