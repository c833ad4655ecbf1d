"""Checks of values that need an algorithm, against independent knowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idbmigrate.checks import patterns
from idbmigrate.checks.values import (
    nhs_number,
    organisation,
    snomed_expression,
    snomed_identifier,
    uk_offset,
    verhoeff,
)


def test_verhoeff_on_published_examples():
    assert verhoeff("2363") and verhoeff("758722") and verhoeff("123451")
    assert not verhoeff("2364")


@given(st.integers(10**5, 10**16).map(str), st.integers(0, 9), st.data())
def test_verhoeff_finds_every_wrong_digit(digits, other, data):
    check = next(str(last) for last in range(10) if verhoeff(digits + str(last)))
    whole = digits + check
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + str(other) + whole[place + 1 :]
    assert verhoeff(changed) == (changed == whole)


@pytest.mark.parametrize("value", ["720433000", "748051000000105", "1098051000000103", "928000"])
def test_concepts_of_the_data_set(value):
    assert snomed_identifier(value) and snomed_expression(value)


@pytest.mark.parametrize(
    "value",
    ["720433001", "72043", "0720433000", "720433000 ", "", "7204330OO", "1" * 19, "٧٢٠٤٣٣٠٠٠", "100014"],
)
def test_texts_that_are_no_concept(value):
    assert not snomed_identifier(value)


def test_expressions():
    assert snomed_expression("748051000000105:408730004=385658003")
    assert snomed_expression("720433000 | a term | + 445455005")
    assert not snomed_expression("748051000000105:408730004=385658004")
    assert not snomed_expression("720433000; drop")


def test_nhs_numbers():
    assert nhs_number("9434765919")
    assert not any(map(nhs_number, ["9434765918", "943 476 5919", "943476591", "94347659199", "٩٤٣٤٧٦٥٩١٩"]))


def test_organisation_codes():
    assert all(map(organisation, ["RX1", "15F", "A12345", "RX1AB12"]))
    assert not any(map(organisation, ["RX", "rx1", "RX 1", "RX1-2"]))


@pytest.mark.parametrize(
    ("stamp", "right"),
    [
        ("2022-03-27T00:59:59+00:00", True),
        ("2022-03-27T01:30:00+00:00", False),
        ("2022-03-27T02:00:00+01:00", True),
        ("2022-10-30T01:30:00+01:00", True),
        ("2022-10-30T01:30:00+00:00", True),
        ("2022-10-30T02:30:00+01:00", False),
        ("2022-07-01T12:00:00Z", True),
        ("2022-07-01T12:00:00+02:00", False),
        ("no stamp", True),
    ],
)
def test_offset_of_clocks_in_london(stamp, right):
    assert uk_offset(stamp) is right


@given(st.dates())
def test_every_date_matches_the_pattern(day):
    import re

    assert re.fullmatch(patterns.DATE, day.isoformat())
    assert re.fullmatch(patterns.OFFSET_TIMESTAMP, f"{day}T00:00:00Z")


@given(st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z").filter(str.isascii))
def test_the_pattern_matches_nothing_but_dates(text):
    import re
    from datetime import date

    try:
        date.fromisoformat(text)
        real = True
    except ValueError:
        real = text.startswith("0000")
    if not text.startswith("0000"):
        assert bool(re.fullmatch(patterns.DATE, text)) == real
