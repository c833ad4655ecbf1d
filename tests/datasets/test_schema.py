"""Schemas made from packs: what they accept and what they do not."""

from __future__ import annotations

import pytest

from idbmigrate.datasets import list_datasets, load_dataset
from idbmigrate.datasets.schema import json_schema, xsd

etree = pytest.importorskip("lxml.etree")

HEADER = """\
<IDS000Header><DatSetVer>2.1</DatSetVer><OrgIDProv>RX1</OrgIDProv><OrgIDSubmit>RX1</OrgIDSubmit>
<PrimSystemInUse>none</PrimSystemInUse><ReportingPeriodStartDate>2022-04-01</ReportingPeriodStartDate>
<ReportingPeriodEndDate>2022-04-30</ReportingPeriodEndDate>
<DateTimeDatSetCreate>2022-05-01T09:00:00</DateTimeDatSetCreate></IDS000Header>"""
PERSON = """\
<IDS001MPI><LocalPatientId>1</LocalPatientId><OrgIDLocalPatientId>RX1</OrgIDLocalPatientId>
<NHSNumber>9990000018</NHSNumber><PersonBirthDate>1980-01-31</PersonBirthDate><Gender>7</Gender></IDS001MPI>"""


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.fromstring(xsd(load_dataset("iapt-2.1"))))


def document(body: str):
    return etree.fromstring(f'<DataSet xmlns="urn:idbmigrate:iapt-2.1">{body}</DataSet>')


def test_every_data_set_has_a_schema_that_says_it_is_ours():
    for name in list_datasets():
        text = xsd(load_dataset(name))
        etree.XMLSchema(etree.fromstring(text))
        assert b"No inbound XML schema is published" in text


def test_a_document_in_order_is_valid_whatever_its_codes(schema):
    assert schema.validate(document(HEADER + PERSON + PERSON)), schema.error_log
    assert schema.validate(document(HEADER))


@pytest.mark.parametrize(
    "body",
    [
        PERSON,  # no header
        HEADER + HEADER,
        PERSON + HEADER,
        HEADER + PERSON.replace("<LocalPatientId>1</LocalPatientId>", ""),
        HEADER + PERSON.replace("1980-01-31", "31/01/1980"),
        HEADER + PERSON.replace("9990000018", "999 000 0018"),
        HEADER + PERSON.replace(">RX1<", ">RX1234<"),
        HEADER + PERSON.replace("<Gender>7</Gender>", "<Gender></Gender>"),
        HEADER + PERSON.replace("<Gender>7</Gender>", "<Sex>7</Sex>"),
        HEADER + PERSON.replace("T09:00", " 09:00").replace("IDS001MPI", "IDS001"),
    ],
)
def test_a_document_out_of_shape_is_not_valid(schema, body):
    assert not schema.validate(document(body))


def test_the_json_schema_says_the_same():
    described = json_schema(load_dataset("iapt-2.1"))
    assert next(iter(described["properties"])) == "IDS000Header"
    header = described["properties"]["IDS000Header"]
    assert (header["minItems"], header["maxItems"]) == (1, 1)
    person = described["properties"]["IDS001MPI"]["items"]
    assert person["required"] == ["LocalPatientId", "OrgIDLocalPatientId", "PersonBirthDate"]
    assert person["properties"]["Gender"]["type"] == ["string", "null"]
    assert person["properties"]["NHSNumber"]["pattern"] == "^([0-9]{10})$"
