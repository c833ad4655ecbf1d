"""Monthly packages of a whole file, recounted row by row."""

from __future__ import annotations

import calendar
from collections import Counter

import pytest
from lxml import etree

import idbmigrate
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.schema import xsd

pytestmark = pytest.mark.slow

TARGET = load_dataset("iapt-2.1")


def rows(table):
    return [dict(zip(table.column_names, row)) for row in zip(*(c.to_pylist() for c in table.columns))]


def keys(table, spec):
    return {tuple(row[column] for column in spec.primary_key) for row in rows(table)}


def bounds(month):
    year, number = map(int, month.split("-"))
    return f"{month}-01", f"{month}-{calendar.monthrange(year, number)[1]}"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("split") / "out"


@pytest.fixture(scope="module", params=["iapt-1.5-messy"])
def run(request, sample_idb, out):
    source = sample_idb / f"{request.param}.mdb"
    return idbmigrate.convert(source, to="iapt-2.1", out=out, formats=["csv", "xml"], split="month")


def test_activity_falls_in_one_month_and_in_the_right_one(run):
    for name, spec in TARGET.tables.items():
        if spec.period and spec.period.kind == "date":
            whole = Counter(tuple(row.values()) for row in rows(run.tables[name]))
            parts: Counter = Counter()
            for month, tables in run.packages.items():
                found = rows(tables[name])
                assert all((row[spec.period.columns[0]] or "")[:7] == month for row in found), name
                parts.update(tuple(row.values()) for row in found)
            assert parts == whole, name


def test_referrals_are_in_every_month_in_which_they_are_open(run):
    spec = TARGET.tables["IDS101Referral"]
    start, end = spec.period.columns
    contacts = {
        month: {row["ServiceRequestId"] for row in rows(tables["IDS201CareContact"])}
        for month, tables in run.packages.items()
    }
    for month, tables in run.packages.items():
        first, last = bounds(month)
        package = {row["ServiceRequestId"]: row for row in rows(tables["IDS101Referral"])}
        for row in rows(run.tables["IDS101Referral"]):
            is_open = (row[start] or "") <= last and (row[end] or "9999") >= first
            key = row["ServiceRequestId"]
            assert (key in package) == (is_open or key in contacts[month]), (month, row[start], row[end])
            if key in package:
                later = row[end] is not None and row[end] > last
                assert package[key][end] == (None if later else row[end])


def test_every_package_stands_alone(run):
    """No row refers to one that is not in its package; patients are those that something refers to."""
    for tables in run.packages.values():
        for name, spec in TARGET.tables.items():
            for column, (parent, key) in spec.foreign_keys.items():
                there = set(tables[parent][key].to_pylist())
                if run.tables[parent].num_rows:
                    assert set(tables[name][column].to_pylist()) - {None} <= there, (name, column)
        patients = set(tables["IDS001MPI"]["LocalPatientId"].to_pylist())
        assert patients == set(tables["IDS101Referral"]["LocalPatientId"].to_pylist())


def test_every_package_has_the_header_of_its_month_and_valid_xml(run, out):
    schema = etree.XMLSchema(etree.fromstring(xsd(TARGET)))
    for month, tables in run.packages.items():
        (header,) = rows(tables["IDS000Header"])
        assert (header["ReportingPeriodStartDate"], header["ReportingPeriodEndDate"]) == bounds(month)
        document = etree.parse(out / month / "xml" / "iapt-2.1.xml")
        assert schema.validate(document), schema.error_log.filter_from_errors()[0]


def test_what_belongs_to_no_month_is_in_the_books(run):
    for name in run.tables:
        spec = TARGET.tables[name]
        if spec.period and spec.period.kind not in ("header", "all"):
            packaged = set().union(*(keys(tables[name], spec) for tables in run.packages.values()))
            assert packaged == keys(run.tables[name], spec), name
    for line in run.ledger:
        assert line["in"] == line["carried"] + line["rejected"] + line["dropped"]
