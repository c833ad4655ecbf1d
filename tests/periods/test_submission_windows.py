"""Submission windows: which month each takes, and whether one is open."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.cli import group
from idbmigrate.datasets import list_datasets
from idbmigrate.documents import yaml
from idbmigrate.errors import UsageError
from idbmigrate.periods.windows import PACK, load_calendar, months_between
from idbmigrate.reports import html
from idbmigrate.reports.document import windows


def taken(dataset: str, month: str) -> list[tuple[str, str, str]]:
    found = load_calendar(dataset).as_dict([month])["taken"]
    return [(line["kind"], line["opens"], line["closes"]) for line in found]


@pytest.mark.parametrize(
    "dataset, month, wanted",
    [
        # v1.0 names both months itself
        ("iapt-1.0", "2013-02", [
            ("primary", "2013-03-04", "2013-03-22"), ("refresh", "2013-04-01", "2013-04-26"),
        ]),
        ("iapt-1.0", "2012-12", [("refresh", "2013-02-04", "2013-02-22")]),
        ("iapt-2.1", "2022-04", [
            ("primary", "2022-05-16", "2022-05-27"), ("refresh", "2022-06-01", "2022-06-29"),
        ]),
        # the window of August 2021 took eleven months; windows for testers of the portal take none
        ("iapt-2.0", "2020-09", [
            ("primary", "2020-10-01", "2020-10-27"),
            ("refresh", "2020-11-01", "2020-11-26"),
            ("refresh", "2020-11-27", "2020-12-29"),
            ("refresh", "2021-08-01", "2021-08-26"),
        ]),
        ("iapt-2.0", "2019-12", []),
        # MHSDS takes the year to date; a window opens for its primary month when that is over
        ("mhsds-5.0", "2022-06", [("primary", "2022-07-01", "2022-07-20")] + [
            ("refresh", opens, closes)
            for opens, closes in (
                ("2022-07-21", "2022-08-18"), ("2022-08-19", "2022-09-20"), ("2022-09-21", "2022-10-20"),
                ("2022-10-21", "2022-11-18"), ("2022-11-19", "2022-12-20"), ("2022-12-21", "2023-01-20"),
                ("2023-01-21", "2023-02-20"), ("2023-02-21", "2023-03-20"), ("2023-03-21", "2023-04-24"),
                ("2023-04-25", "2023-05-22"),
            )
        ]),
        ("mhsds-5.0", "2023-03", [
            ("primary", "2023-04-01", "2023-04-24"), ("refresh", "2023-04-25", "2023-05-22"),
        ]),
        ("iapt-1.5", "2016-04", []),
    ],
)  # fmt: skip
def test_the_windows_of_a_month(dataset, month, wanted):
    assert taken(dataset, month) == wanted


def test_every_window_is_as_the_source_has_it(shared_dir):
    published = yaml.load(shared_dir / "spec" / "calendars.yaml")["windows"]
    for dataset, rows in published.items():
        known = load_calendar(dataset).windows
        assert [(each.opens.isoformat(), each.closes.isoformat()) for each in known] == [
            (row["opens"], row["closes"]) for row in rows
        ]
        for row, window in zip(rows, known, strict=True):
            named = [row["refresh"], row["primary"]] if "primary" in row else row.get("periods")
            assert named is None or list(window.months) == named
            assert window.test == ("test" in row.get("note", ""))


@pytest.mark.parametrize("dataset", list_datasets())
def test_every_data_set_has_its_windows_or_a_reason(dataset):
    calendar = load_calendar(dataset)
    assert bool(calendar.windows) != bool(calendar.unknown)
    assert not calendar.windows or calendar.source in yaml.load(PACK)["sources"]
    closing = [each.closes for each in calendar.windows]
    assert closing == sorted(closing) and all(each.opens < each.closes for each in calendar.windows)


@pytest.mark.parametrize(
    "dataset, day, months",
    [
        ("iapt-1.0", "2013-03-03", []),
        ("iapt-1.0", "2013-03-04", ["2013-01", "2013-02"]),
        ("iapt-1.0", "2013-03-22", ["2013-01", "2013-02"]),
        ("iapt-1.0", "2013-03-23", []),
        ("iapt-1.0", "2026-01-01", []),  # v1.0 flows no more
        ("iapt-2.1", "2026-01-01", None),  # v2.1 does, and nobody has said when
        ("iapt-1.5", "2016-05-01", None),
        ("mhsds-5.0", "2022-06-30", ["2022-04", "2022-05"]),  # June is not over
        ("mhsds-5.0", "2022-07-01", ["2022-04", "2022-05", "2022-06"]),
    ],
)
def test_whether_one_is_open(dataset, day, months):
    assert load_calendar(dataset).open_for(date.fromisoformat(day)) == months


def test_a_data_set_that_nobody_knows():
    assert load_calendar("nonsense").unknown and load_calendar("nonsense").of("2020-01") == ()
    with pytest.raises(UsageError, match="not a month"):
        load_calendar("iapt-2.1").of("2020-13")


def test_months_between():
    assert months_between("2019-11", "2020-02") == ["2019-11", "2019-12", "2020-01", "2020-02"]


def test_inspect_says_which_windows_took_a_month(sample_idb):
    words = ["inspect", str(sample_idb / "iapt-1.0.mdb"), "--period", "2014-02"]
    page = CliRunner().invoke(group, words).stdout
    assert "2014-02: primary from 2014-03-03 to 2014-03-21" in page and "none is open on" in page
    found = json.loads(CliRunner().invoke(group, [*words, "--json"]).stdout)["windows"]
    assert [line["kind"] for line in found["taken"]] == ["primary", "refresh"] and found["open_for"] == []
    other = CliRunner().invoke(group, ["inspect", str(sample_idb / "iapt-1.5.mdb")]).stdout
    assert "not known: the timetable of July 2014 to August 2020" in other


def test_the_page_says_when_the_portal_took_the_months(sample_idb):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", "iapt-2.1", period="2016-05")
    found = windows(run.summary)
    assert (found["months"], found["taken"], found["last_closes"]) == (1, [], "2025-03-27")
    later = windows({**run.summary, "months": ["2022-04", "2022-05"]})
    assert [(line["month"], line["kind"]) for line in later["taken"]] == [
        ("2022-04", "primary"), ("2022-04", "refresh"), ("2022-05", "primary"), ("2022-05", "refresh"),
    ]  # fmt: skip
    assert "2022-05-16" in html._windows(
        {"windows": later}
    ) and "Windows of these months" not in html._windows({"windows": found})
    bounds = {"period_start": "2016-01-01", "period_end": "2016-12-31"}
    whole = windows({**run.summary, "period": None, "months": [], "parameters": bounds})
    assert whole["months"] == 12
