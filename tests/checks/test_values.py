"""Checks of values that need an algorithm, against independent knowledge."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idbmigrate.checks import patterns
from idbmigrate.checks.values import (
    nhs_numbers,
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
    assert snomed_expression("748051000000105:363589002=720433000")


@pytest.mark.parametrize(
    "value",
    [
        "748051000000105:408730004=385658004",
        "720433000; drop",
        "720433000 ",
        " 720433000",
        "748051000000105:408730004=385658003 ",
        "748051000000105:720433000=385658003",  # an attribute that the centre does not take
        "720433000 | a term | + 445455005",  # the grammar has it, the centre's code does not
        "748051000000105:408730004=385658003,363589002=720433000",
    ],
)
def test_texts_that_are_no_expression(value):
    assert not snomed_expression(value)


def test_an_expression_has_56_characters_at_most():
    whole = "999000000000000109:408730004=999000000000000109"
    assert len(whole) <= 56 and snomed_expression(whole) is snomed_identifier("999000000000000109")


def test_nhs_numbers():
    def held(*values):
        return nhs_numbers(pa.array(values, pa.string())).tolist()

    assert held("9434765919", "1234567881", "0101010001") == [True, True, True]
    assert not any(held("9434765918", "943 476 5919", "943476591", "94347659199", "٩٤٣٤٧٦٥٩١٩", " "))
    assert not any(held("9990110999", "1111111111", "0000000000")), "these read the same backwards"


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
    for offset in ("Z", "+00:00", "-00:00", "+01:00"):
        assert re.fullmatch(patterns.OFFSET_TIMESTAMP, f"{day}T00:00:00{offset}")
    for offset in ("", "+02:00", "-01:00", ".5Z", "z", " Z"):
        assert not re.fullmatch(patterns.OFFSET_TIMESTAMP, f"{day}T00:00:00{offset}")


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
