"""Counts before and after a conversion: equal, explained by the books, or a fault."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli import group
from idbmigrate.measures import compare, compare_run, count_staged, count_target, load_definitions
from idbmigrate.measures.comparison import EQUAL, EXPLAINED, FAULT, ONE_SIDED

IPS = ("ips", "ips-in-host-team")


@pytest.fixture(scope="module")
def run(sample_idb):
    """A file with orphans, repeats and unknown codes, converted."""
    return idbmigrate.convert(sample_idb / "iapt-1.5-messy.mdb", "iapt-2.1")


def lines_of(run) -> dict:
    return {line.measure.name: line for line in compare_run(run)}


def replaced(run, table: str, column: str, change) -> dict[str, pa.Table]:
    """The run's target tables with one column changed."""
    old = run.tables[table]
    new = old.set_column(old.schema.get_field_index(column), column, change(old[column]))
    return {**run.tables, table: new}


def compared(run, tables: dict[str, pa.Table]) -> dict:
    legacy = count_staged(run.staged, run.plan.source)
    found = compare(legacy, count_target(tables, run.plan.target), run.staged, run.books)
    return {line.measure.name: line for line in found}


def test_every_difference_of_a_messy_file_has_its_reason_in_the_books(run):
    lines = lines_of(run)
    assert list(lines) == list(load_definitions().measures)
    outcomes = {line.outcome for line in lines.values()}
    assert outcomes <= {EQUAL, EXPLAINED, ONE_SIDED} and EXPLAINED in outcomes
    received = lines["referrals-received"]
    assert received.legacy - received.target == received.records == sum(received.reasons.values()) > 0
    assert set(received.reasons) == {"no-parent:IDS001MPI"}


def swap(old: str, new: str):
    return lambda values: pc.if_else(pc.equal(values, old), new, values)


@pytest.mark.parametrize(
    "table, column, change, measure",
    [
        ("IDS201CareContact", "AppType", swap("02", "01"), "entered-treatment"),
        ("IDS201CareContact", "AttendOrDNACode", swap("5", "3"), "finished-course"),
        ("IDS101Referral", "ServDischDate", lambda v: pa.nulls(len(v), pa.string()), "referrals-ended"),
        (
            "IDS101Referral",
            "ReferralRequestReceivedDate",
            lambda v: pa.repeat("2001-01-01", len(v)),
            "entered-within-6-weeks",
        ),
        ("IDS607CodedScoreAssessmentAct", "PersScore", lambda v: pa.repeat("1", len(v)), "at-caseness"),
        (
            "IDS607CodedScoreAssessmentAct",
            "CodedAssToolType",
            lambda v: pa.repeat("445455005", len(v)),
            "moved-to-recovery",
        ),
    ],
)
def test_a_mapping_that_changes_what_it_carries_is_found_out(run, table, column, change, measure):
    line = compared(run, replaced(run, table, column, change))[measure]
    assert line.outcome == FAULT and line.unexplained > 0


def test_records_that_make_up_for_each_other_are_still_a_difference(run):
    marked = replaced(
        run, "IDS101Referral", "ServiceRequestId", lambda v: pc.binary_join_element_wise("x", v, "")
    )
    line = compared(run, marked)["referrals-received"]
    assert line.target == lines_of(run)["referrals-received"].target
    assert line.outcome == FAULT


def test_what_was_not_carried_explains_no_more_than_it_changes(run):
    """Contacts that got another attendance on the way, beside others of the same referral that were lost."""
    changed = replaced(run, "IDS201CareContact", "AttendOrDNACode", swap("5", "3"))
    before, after = (
        {
            row["who"]: row["n"]
            for row in count_target(tables, run.plan.target).of("contacts-attended").to_pylist()
        }
        for tables in (run.tables, changed)
    )
    line = compared(run, changed)["contacts-attended"]
    assert line.unexplained == sum(count != after.get(who, 0) for who, count in before.items()) > 0
    assert lost_contacts(run) & {who for who, count in before.items() if count != after.get(who, 0)}


def lost_contacts(run) -> set[str]:
    """Referrals of which a contact was not carried."""
    [account] = [each for each in run.books.rows if each.table == "Appointment"]
    keys = run.staged["Appointment"].clean["SERVICEID"].take(pa.array(account.uncarried))
    return set(keys.to_pylist())


def test_without_books_nothing_is_explained(run):
    legacy = count_staged(run.staged, run.plan.source)
    found = compare(legacy, count_target(run.tables, run.plan.target))
    assert {line.outcome for line in found} == {EQUAL, FAULT, ONE_SIDED}


def test_a_month_says_that_the_rest_of_the_history_is_in_other_months(sample_idb):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", "iapt-2.1", period="2016-06")
    lines = lines_of(run)
    assert lines["contacts-attended"].outcome == lines["referrals-received"].outcome == EQUAL
    entered = lines["entered-treatment"]  # somebody's first treatment of the month is not the first of all
    assert entered.outcome == EXPLAINED and set(entered.reasons) == {"outside-period"}


@pytest.mark.parametrize("to", ["mhsds-5.0", "mhsds-6.0"])
@pytest.mark.parametrize("support", IPS)
def test_access_to_ips_is_the_same_before_and_after(sample_idb, to, support):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to, parameters={"employment_support": support})
    lines = lines_of(run)
    assert lines["contacts-attended"].outcome == EQUAL
    for name in [each for each in load_definitions().measures if each.startswith("ips-")]:
        assert lines[name].outcome in (EQUAL, EXPLAINED), (name, lines[name].as_dict())
        assert lines[name].legacy > 0, name
    assert lines["ips-access"].outcome == lines["ips-access-in-year"].outcome == EQUAL
    assert lines["finished-course"].outcome == ONE_SIDED and "assessment" in lines["finished-course"].why


@pytest.mark.parametrize(
    "file, to",
    [
        ("iapt-1.0.mdb", "iapt-2.1"),
        ("iapt-1.0-pbr.mdb", "iapt-2.1"),
        ("iapt-1.5.mdb", "iapt-2.1"),
        ("iapt-1.5-messy.mdb", "mhsds-6.0"),
        ("iapt-1.5-textdates.accdb", "iapt-2.1"),
        ("iapt-ltc-1.5.4.mdb", "iapt-2.1"),
    ],
)
def test_no_outside_file_has_a_difference_without_a_reason(shared_dir, file, to):
    run = idbmigrate.convert(shared_dir / "idb" / file, to)
    lines = lines_of(run)
    assert not [line.as_dict() for line in lines.values() if line.outcome == FAULT]
    assert lines["referrals-received"].legacy > 50 and lines["contacts-attended"].legacy > 100


@pytest.mark.parametrize("support", IPS)
def test_employment_support_leaves_no_difference_without_a_reason(shared_dir, support):
    """Also where the therapy beside it has no equivalent, and the contact is for employment support alone."""
    parameters = {"org_id_provider": "RX1", "employment_support": support}
    run = idbmigrate.convert(shared_dir / "idb" / "iapt-1.0.mdb", "mhsds-5.0", parameters=parameters)
    assert not [line.as_dict() for line in compare_run(run) if line.outcome == FAULT]


# -- the verbs -------------------------------------------------------------------------------------


def call(*words: str):
    return CliRunner().invoke(group, list(map(str, words)))


def test_the_verbs_tell_the_same_of_a_file_and_of_its_output(sample_idb, tmp_path):
    file, out = sample_idb / "iapt-1.5.mdb", tmp_path / "out"
    done = call("convert", file, "--to", "iapt-2.1", "--out", out, "--compare", "--json")
    assert done.exit_code == 0
    compared = {line["measure"]: line for line in json.loads(done.stdout)["measures"]}
    before, after = (
        {
            line["measure"]: line["count"]
            for line in json.loads(call("measures", path, "--json").stdout)["measures"]
        }
        for path in (file, out)
    )
    assert {name: line["legacy"] for name, line in compared.items() if line["why"] is None} == {
        name: count for name, count in before.items() if not name.startswith("ips-")
    }
    assert {name: line["target"] for name, line in compared.items()} == after
    assert before["finished-course"] == after["finished-course"] > 0


def test_what_is_left_out_is_named(sample_idb):
    page = call("measures", sample_idb / "iapt-1.0.mdb")
    assert page.exit_code == 0
    assert all(name in page.stdout for name in load_definitions().left_out)
    assert "ips-caseload: employment support is counted" in page.stdout
    assert "low-intensity-contacts, high-intensity-contacts: the therapy list of v1.0" in page.stdout


def test_rates_stand_beside_their_counts(shared_dir):
    words = ("measures", shared_dir / "cases" / "measures-edge.mdb", "--json")
    rates = {rate["rate"]: rate for rate in json.loads(call(*words).stdout)["rates"]}
    assert list(rates) == list(load_definitions().rates)
    told = {name: (rate["part"], rate["of"], rate["percent"]) for name, rate in rates.items()}
    assert told["recovery-rate"] == (3, 7, 42.9)  # the published denominator: without scores is in it
    assert told["recovery-rate-of-cases"] == (3, 6, 50.0)
    shared = {rate["rate"]: rate for rate in json.loads(call(*words, "--share").stdout)["rates"]}
    assert shared["recovery-rate"]["percent"] is None  # a count of it is suppressed
    assert shared["contacts-missed-rate"]["percent"] == 0.0


def test_a_measure_of_a_disorder_without_a_home_is_a_difference_with_its_cause(shared_dir):
    run = idbmigrate.convert(
        shared_dir / "cases" / "measures-edge.mdb", "iapt-2.1", parameters={"org_id_provider": "RX1"}
    )
    lines = lines_of(run)
    counts = {name: line.legacy for name, line in lines.items()}
    waits = ("finished-waited-6-weeks", "finished-waited-18-weeks")
    names = ("contacts-attended", "finished-course", *waits, "at-caseness", "moved-to-recovery")
    assert [counts[name] for name in names] == [18, 8, 8, 8, 6, 3]
    recovery = lines["moved-to-recovery"]
    assert (recovery.target, recovery.outcome) == (4, EXPLAINED)  # the Impact of Events Scale is not carried
    assert recovery.reasons == {"retired:Appointment.PTSDSCORE": 1}
    assert lines["at-caseness"].outcome == lines["contacts-attended"].outcome == EQUAL


def test_shared_counts_are_rounded_and_small_ones_suppressed(sample_idb):
    words = ("measures", sample_idb / "iapt-1.5.mdb", "--period", "2016-05", "--json")
    open_, safe = (json.loads(call(*words, *more).stdout)["measures"] for more in ((), ("--share",)))
    small = {line["measure"] for line in open_ if line["count"] and line["count"] < 5}
    assert small == {line["measure"] for line in safe if line["count"] == "suppressed"} != set()
    assert all(line["count"] % 5 == 0 for line in safe if isinstance(line["count"], int))


def test_an_unexplained_difference_is_an_exit_code(sample_idb, tmp_path, monkeypatch):
    from idbmigrate.measures import comparison as module

    real = module.count_target
    monkeypatch.setattr(
        module,
        "count_target",
        lambda tables, *more: real({**tables, "IDS201CareContact": pa.table({})}, *more),
    )
    words = (
        "convert",
        sample_idb / "iapt-1.5.mdb",
        "--to",
        "iapt-2.1",
        "--out",
        tmp_path / "out",
        "--compare",
    )
    done = call(*words)
    assert done.exit_code == 5
    assert "fault: unexplained" in done.stdout


def test_of_a_run_over_one_month_the_heading_names_it(sample_idb, tmp_path):
    words = ("convert", sample_idb / "iapt-1.5.mdb", "--to", "iapt-2.1", "--out", tmp_path / "out")
    shown = call(*words, "--compare", "--period", "2016-06").stdout
    assert "Published counts, before and after (2016-06)" in shown


def test_wrong_usage_names_the_option_that_helps(tmp_path, sample_idb):
    nameless = call("measures", tmp_path)
    assert nameless.exit_code == 2 and "--as" in nameless.stderr
    unknown = call("measures", sample_idb / "iapt-1.5.mdb", "--set", "org_id_provider=RX1")
    assert unknown.exit_code == 2 and "employment_support" in unknown.stderr
