"""What names of files and folders say, and what they do not."""

from __future__ import annotations

import pytest

from idbmigrate.archive.evidence import gather
from idbmigrate.archive.names import Patterns, kind_of_place, month, month_of_place, months
from idbmigrate.errors import UsageError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("IAPT_2016-05.mdb", "2016-05"),
        ("RX1_201605.mdb", "2016-05"),
        ("iapt 2016_05 v2.mdb", "2016-05"),
        ("05-2016 IAPT", "2016-05"),
        ("052016", "2016-05"),
        ("IAPT May 2016 refresh", "2016-05"),
        ("May16", "2016-05"),
        ("sept-15", "2015-09"),
        ("2016 June", "2016-06"),
        ("RX12_May2016", "2016-05"),
        ("20160531", None),  # a day, which may be that of the export
        ("2016-05-31", None),
        ("31-05-2016", None),
        ("31 May 2016", None),
        ("May 12 2016", None),
        ("2011-12", None),  # may be a financial year
        ("2016-17", None),
        ("Summary16", None),
        ("2016-05 and 2016-06", None),
        ("v1.5", None),
        ("1605", None),
        ("2016-13", None),
        ("120160512", None),
    ],
)
def test_months(text, found):
    assert month(text) == found


def test_two_months_are_two():
    assert months("April 2016 to June 2016") == {"2016-04", "2016-06"}


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("/data/2016-04/IAPT_2016-05.mdb", ("2016-05", "IAPT_2016-05.mdb")),
        ("/data/2016-04/iapt.mdb", ("2016-04", "2016-04")),
        ("/data/2016/05/iapt.mdb", ("2016-05", "2016/05")),
        ("/data/2016/May/iapt.mdb", ("2016-05", "2016/May")),
        ("/data/2016/IAPT May.mdb", ("2016-05", "2016/IAPT May.mdb")),
        ("/data/2016-04.zip!x/iapt.mdb", ("2016-04", "2016-04.zip")),
        ("/data/2016-04/2016-05 to 2016-06.mdb", None),
        ("/data/2016/iapt.mdb", None),
        ("iapt.mdb", None),
    ],
)
def test_the_nearest_name_says_the_month(place, found):
    assert month_of_place(place) == found


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("a/May_Refresh.mdb", "refresh"),
        ("primary/May.mdb", "primary"),
        ("refresh/May primary.mdb", "primary"),
        ("a/refreshed.mdb", "refresh"),
        ("a/primary and refresh.mdb", None),
        ("a/refreshments.mdb", None),
        ("a/R.mdb", None),
    ],
)
def test_primary_or_refresh(place, found):
    said = kind_of_place(place)
    assert (said and said[0]) == found


def test_patterns():
    patterns = Patterns(["{provider}/{year}/*_{month}_{kind}.mdb", "{period}.zip/*"])
    [found] = patterns.match("/in/rx1/2016/iapt_May_R.mdb")
    assert (found.provider, found.period, found.kind) == ("RX1", "2016-05", "refresh")
    [found] = patterns.match("in/2016-06.zip!a.mdb")
    assert (found.provider, found.period, found.kind) == (None, "2016-06", None)
    assert not patterns.match("/in/rx1/2016/iapt_May_X.mdb")
    assert not Patterns(["a.b"]).match("x/axb")
    for wrong in ("{when}", "{kind}{kind}"):
        with pytest.raises(UsageError, match="pattern"):
            Patterns([wrong])


def facts(**more) -> dict:
    return {"dataset": "iapt-1.5", "providers": {"Person.ORGCODEPROVIDER": {"RX1": 9}}, **more}


def weigh(found: dict, *places: str, pattern: str = "", **decided: str):
    return gather(found, places, Patterns([pattern] if pattern else []), decided)


def test_the_rows_weigh_more_than_the_name_and_the_difference_is_asked():
    dates = {"Appointment.APPOINTMENT": {"2016-05": 90, "2016-04": 10}}
    found = weigh(facts(months=dates), "IAPT_2016-06.mdb")
    assert found.period == "2016-05" and "90 of 100" in found.words["period"]
    assert any("2016-06" in question for question in found.questions)


def test_a_file_of_many_months_is_of_the_month_of_its_name_or_of_none():
    dates = {"Appointment.APPOINTMENT": {"2016-04": 10, "2016-05": 10, "2016-06": 10}}
    assert weigh(facts(months=dates), "IAPT_2016-06.mdb").period == "2016-06"
    found = weigh(facts(months=dates), "IAPT.mdb")
    assert found.period is None and "2016-04 to 2016-06" in found.questions[0]


def test_a_month_of_most_rows_gives_way_to_a_name():
    dates = {"Appointment.APPOINTMENT": {"2016-05": 60, "2016-06": 40}}
    assert weigh(facts(months=dates), "IAPT.mdb").period == "2016-05"
    found = weigh(facts(months=dates), "IAPT_2016-06.mdb")
    assert found.period == "2016-06" and "2016-05" in found.questions[0]
    even = {"Appointment.APPOINTMENT": {"2016-05": 50, "2016-06": 50}}
    assert weigh(facts(months=even), "IAPT.mdb").period is None


def test_a_month_of_which_the_file_has_no_date_is_asked():
    dates = {"Appointment.APPOINTMENT": {"2016-04": 10, "2016-05": 10}}
    found = weigh(facts(months=dates), "IAPT_2016-07.mdb")
    assert found.period == "2016-07" and "of which the file has no date" in found.questions[0]
    assert not weigh(facts(months=dates), "IAPT_2016-07.mdb", period="2016-07").questions


def test_names_that_contradict_each_other_decide_nothing():
    found = weigh(facts(), "a/IAPT_2016-06.mdb", "b/IAPT_2016-05.mdb")
    assert found.period is None
    assert any("2016-05 and 2016-06" in question for question in found.questions)
    assert weigh(facts(), "a/IAPT_2016-06.mdb", "b/x.mdb").period == "2016-06"


def test_several_providers_in_a_file_are_a_question():
    found = weigh(facts(providers={"Person.ORGCODEPROVIDER": {"RX1": 90, "RX2": 1}}), "a/IAPT_2016-06.mdb")
    assert found.provider is None and any("RX1 and RX2" in question for question in found.questions)


def test_header_pattern_and_the_user_stand_above():
    header = {
        "file_type": ["Refresh"],
        "reportingperiodstartdate": ["2016-03-01"],
        "reportingperiodenddate": ["2016-03-31"],
    }
    name = "x/IAPT_2016-05_primary.mdb"
    found = weigh(facts(header=header), name)
    assert (found.period, found.kind) == ("2016-03", "refresh")
    assert weigh(facts(header={"unique_monthid": ["1429"]}), name).period == "2019-04"
    found = weigh(facts(header=header), name, pattern="IAPT_{period}_{kind}.mdb")
    assert (found.period, found.kind) == ("2016-05", "primary")
    found = weigh(
        facts(header=header), name, pattern="IAPT_{period}_{kind}.mdb", period="2016-01", kind="refresh"
    )
    assert (found.period, found.kind) == ("2016-01", "refresh")


def test_the_window_in_which_a_file_was_changed_says_what_it_is():
    changed = {"dataset": "iapt-1.0", "modified": "2013-03-10T09:00:00", "providers": {}}
    assert weigh(changed, "2013-02.mdb").kind == "primary"
    found = weigh(changed, "2013-01.mdb")
    assert found.kind == "refresh" and "2013-03-04 to 2013-03-22" in found.words["kind"]
    assert weigh({**changed, "modified": "2013-07-10T09:00:00"}, "2013-01.mdb").kind is None


def test_an_unreadable_file_may_name_a_provider_of_the_archive():
    found = gather({}, ["RX1/may.mdb"], Patterns([]), {}, {"RX1", "MAY2"})
    assert found.provider == "RX1"
