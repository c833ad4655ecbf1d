"""People over files and providers: linked by NHS number and birth date or ambiguous; never on less."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbmigrate.archive.consolidate import Consolidation
from idbmigrate.archive.links import links, people
from idbmigrate.archive.unit import units
from idbmigrate.archive.winners import decide
from idbmigrate.engine.store import Store
from tests.archive.made import submission
from tests.archive.test_consolidate import APRIL, JUNE, MAPPING, MAY, person

ONE, OTHER = "9990000026", "9990000115"


def found(folder: Path, *files: tuple[str, str, list[dict[str, str | None]]]) -> set[tuple[str, ...]]:
    """Verdict, reason and the identifiers of each link, of files (provider, month, patients)."""
    made = [
        submission(folder, f"{provider}-{month}", {"Person": rows}, provider=provider, period=month)
        for provider, month, rows in files
    ]
    told = []
    for number, unit in enumerate(units(decide(made))):
        (folder / f"store{number}").mkdir()
        work = Consolidation(unit, MAPPING, Store(folder / f"store{number}", "300MB", [folder]))
        work.rows()
        told.append((unit, people(work)))
        work.store.close()
    lines = links(told).to_pylist()
    groups: dict[str, list[str]] = {}
    for line in lines:
        groups.setdefault(line["link"], [line["verdict"], line["why"]]).append(
            f"{line['provider']} {line['local_patient_identifier']}"
        )
    return {tuple(group) for group in groups.values()}


def test_a_person_whose_identifier_changed_is_linked(tmp_path):
    assert found(
        tmp_path,
        ("RX1", APRIL, [person("P1", NHSNO=ONE), person("P2", NHSNO=OTHER)]),
        ("RX1", MAY, [person("N7", NHSNO=ONE), person("P2", NHSNO=OTHER)]),
    ) == {("linked", "", "RX1 N7", "RX1 P1")}


def test_a_person_at_two_providers_is_linked_also_in_one_month(tmp_path):
    assert found(
        tmp_path, ("RX1", APRIL, [person("P1", NHSNO=ONE)]), ("RX2", APRIL, [person("P1", NHSNO=ONE)])
    ) == {("linked", "", "RX1 P1", "RX2 P1")}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"DOB": "1990-01-01"}, "the birth dates differ"),
        ({"DOB": None}, "a birth date is missing"),
    ],
)
def test_on_less_than_both_nobody_is_linked(tmp_path, other, why):
    files = [("RX1", APRIL, [person("P1", NHSNO=ONE)]), ("RX2", MAY, [person("P9", NHSNO=ONE, **other)])]
    assert found(tmp_path, *files) == {("ambiguous", why, "RX1 P1", "RX2 P9")}


@pytest.mark.parametrize("number", [None, "9990000027", "1234"])
def test_without_a_valid_number_there_is_no_link(tmp_path, number):
    files = [("RX1", APRIL, [person("P1", NHSNO=number)]), ("RX1", MAY, [person("P9", NHSNO=number)])]
    assert found(tmp_path, *files) == set()


def test_two_identifiers_in_use_at_once_and_two_numbers_of_one_are_ambiguous(tmp_path):
    assert found(
        tmp_path,
        ("RX1", APRIL, [person("P1", NHSNO=ONE)]),
        ("RX1", MAY, [person("P9", NHSNO=ONE)]),
        ("RX1", JUNE, [person("P1", NHSNO=ONE)]),
    ) == {("ambiguous", "both identifiers are in use at the same time", "RX1 P1", "RX1 P9")}
    assert found(
        tmp_path / "again",
        ("RX1", APRIL, [person("P1", NHSNO=ONE)]),
        ("RX1", MAY, [person("P1", NHSNO=OTHER)]),
        ("RX2", APRIL, [person("P9", NHSNO=OTHER)]),
    ) == {("ambiguous", "an identifier has several NHS numbers", "RX1 P1", "RX2 P9")}
