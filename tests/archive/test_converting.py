"""Archives converted: the books against the truth, months against the whole, the same bytes in any order."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from idbmigrate import archive
from idbmigrate.archive import converting as archives
from idbmigrate.archive.catalogue import Catalogue
from idbmigrate.archive.consolidate import Consolidation
from idbmigrate.archive.converting import convert
from idbmigrate.archive.model import Submission
from idbmigrate.archive.spool import Spool
from idbmigrate.archive.unit import folder_names, units
from idbmigrate.archive.winners import decide
from idbmigrate.conversion.options import Options, quiet
from idbmigrate.conversion.pipeline import convert_source
from idbmigrate.conversion.source import Source
from idbmigrate.datasets import identify, load_dataset
from idbmigrate.engine.store import Store
from idbmigrate.errors import BooksError, SourceError, UsageError
from idbmigrate.mapping.load import find_mapping, load_mapping
from idbmigrate.readers import open_idb
from idbmigrate.staging import stored
from idbmigrate.staging.tables import stage
from tests.archive import years
from tests.archive.made import submission
from tests.archive.test_consolidate import APRIL, MAY, contact, person, referral


def staged(made: years.Made, folder: Path) -> Submission:
    """A file of the maker as an archive has it."""
    place = folder / made.path.stem
    place.mkdir(parents=True)
    with open_idb(made.path) as idb:
        found = identify({table: idb.columns(table) for table in idb.tables}, source=years.DATASET)
        tables = stage(idb, found, load_dataset(years.DATASET))
    there = {label: table for label, table in tables.items() if table.columns}
    for label, table in there.items():
        stored.save(table, place / f"{label}.parquet")
    return Submission(
        sha256=made.path.stem,
        dataset=years.DATASET,
        edition="1.5",
        provider=made.provider,
        period=made.month,
        kind=made.kind,
        evidence={},
        places=(f"years/{made.path.name}",),
        tables={label: table.raw.num_rows for label, table in there.items()},
        staged=place,
        cells=made.path.stem,
        modified=None,
        readable=True,
        problem=None,
    )


@pytest.fixture(scope="module")
def nine_months(tmp_path_factory) -> tuple[list[years.Made], list[Submission]]:
    folder = tmp_path_factory.mktemp("years")
    files = list(years.make(folder / "files", months=9, providers=2, patients=30))
    return files, [staged(made, folder / "staged") for made in files]


@pytest.fixture
def holding(monkeypatch, tmp_path):
    """An archive that holds these submissions."""

    def hold(files: list[Submission]) -> Path:
        monkeypatch.setattr(archives, "submissions", lambda place: files)
        (tmp_path / "archive").mkdir(exist_ok=True)
        with Catalogue(tmp_path / "archive", create=True):
            return tmp_path / "archive"

    return hold


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_books_are_the_truth(nine_months, holding, tmp_path):
    made, files = nine_months
    place = holding(files)
    run = convert(place, "iapt-2.1", tmp_path / "out", check=False)
    truth = years.truth(made)
    found = {(line["file"], line["table"]): line for line in run.lines}
    for (file, table), fates in truth.items():
        line, expected = found[file, table], Counter(fates)
        assert line["in"] == len(fates)
        assert line["gone"] == expected.pop("gone", 0), (file, table)
        assert line["carried"] + line["rejected"] + line["dropped"] == expected.pop("stays", 0), (file, table)
        assert line["superseded"] == dict(expected), (file, table)
    assert sum(line["carried"] for line in run.lines) > 500
    assert {each["fate"] for each in run.files} == {"wins", "superseded"}
    rejected = [each for each in run.files if each["file"] == "RX1_2016-12_refresh.mdb"]
    assert rejected[0]["fate"] == "superseded" and "Referral" in rejected[0]["why"]
    assert sorted(run.summaries) == ["RX1", "RX2"]
    assert not [*place.glob(".convert*")]  # what the work needed is gone
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["ledger"] == json.loads(json.dumps(run.lines))
    for name in ("RX1", "RX2"):
        header = (tmp_path / "out" / name / "csv" / "IDS000Header.csv").read_text().splitlines()
        assert f",{name}," in header[1]
    places = (tmp_path / "out" / "RX1" / "rejects" / "Person.csv").read_text().splitlines()[1].split(",")[1]
    assert places.startswith("RX1_2016-") and ".mdb " in places


def test_files_that_were_added_in_any_order(tmp_path):
    """From files on the disk, with copies and a broken one among them, to the books and the same bytes."""
    made = list(years.make(tmp_path / "files", months=3, providers=1, patients=15))
    truth = years.truth(made)
    files = sorted(path for path in (tmp_path / "files").rglob("*") if path.is_file())
    trees = []
    for turn, order in enumerate((files, files[::-1])):
        for half in (order[:3], order[3:]):
            archive.add(tmp_path / f"archive{turn}", half, processes=1)
        run = archive.convert(tmp_path / f"archive{turn}", "iapt-2.1", tmp_path / f"out{turn}", check=False)
        trees.append(tree(tmp_path / f"out{turn}"))
    assert trees[0] == trees[1]
    for line in run.lines:
        fates = Counter(truth[line["file"], line["table"]])
        assert line["gone"] == fates.pop("gone", 0)
        assert line["carried"] + line["rejected"] + line["dropped"] == fates.pop("stays", 0)
        assert line["superseded"] == fates
    assert {line["file"] for line in run.lines} == {each.path.name for each in made}
    assert Counter(each["fate"] for each in run.files) == {"wins": 3, "superseded": 3, "unreadable": 1}


def test_every_order_gives_the_same_bytes(nine_months, holding, tmp_path):
    _, files = nine_months
    some = [file for file in files if file.provider == "RX1" and (file.period or "") < "2016-08"]
    trees = []
    for turn in range(2):
        random.Random(turn).shuffle(some)
        convert(holding(some), "iapt-2.1", tmp_path / f"{turn}")
        trees.append(tree(tmp_path / f"{turn}"))
    assert trees[0] == trees[1]


def spooled(files: list[Submission], folder: Path) -> Spool:
    (unit,) = units(decide(files))
    (folder / "store").mkdir()
    (folder / "spool").mkdir()
    store = Store(folder / "store", "300MB", [file.staged for file in files])
    fates = Consolidation(unit, load_mapping(find_mapping(years.DATASET, "iapt-2.1")), store).rows()
    store.close()
    return Spool(unit, fates, folder / "spool")


def test_months_are_those_of_the_whole(nine_months, holding, tmp_path):
    """Month by month from a part of the rows, or all months from all of them: the same packages."""
    _, files = nine_months
    some = [file for file in files if file.provider == "RX2" and (file.period or "") < "2016-09"]
    found = {}
    options = {"parameters": {"org_id_provider": "RX2"}, "check": False}
    convert(
        holding(some),
        "iapt-2.1",
        split="month",
        each=lambda run: found.update({run.period: run.tables}),
        **options,
    )
    tables, _ = spooled(some, tmp_path).read()
    unit = units(decide(some))[0]
    source = Source("all", archives._input(unit, "all"), archives._identified(unit, ()), tables, [])
    whole = convert_source(
        lambda overlay, pool: source, None, Options("iapt-2.1", split="month", **options), quiet
    )
    assert sorted(found) == sorted(whole.packages)
    for month, package in whole.packages.items():
        for table, rows in package.items():
            own = found[month][table]
            assert Counter(map(str, own.to_pylist())) == Counter(map(str, rows.to_pylist())), (month, table)


def test_the_books_close_over_months(nine_months, holding):
    made, files = nine_months
    some = [file for file in files if file.provider == "RX1" and (file.period or "") < "2016-07"]
    run = convert(holding(some), "iapt-2.1", split="month", check=False)
    assert all(name.startswith("RX1/2016-") for name in run.summaries)
    names = {file.places[0].rpartition("/")[2] for file in some}
    truth = years.truth([each for each in made if each.path.name in names])
    for line in run.lines:
        fates = Counter(truth[line["file"], line["table"]])
        assert line["carried"] + line["rejected"] + line["dropped"] == fates["stays"]


def test_a_conflict_over_files_is_rejected_as_in_one_file(holding, tmp_path):
    def tables(born: str, day: str):
        return {
            "Person": [person("P1", DOB=born), person("P2")],
            "Referral": [referral("P1", "S1"), referral("P2", "S2")],
            "Appointment": [contact("S1", day), contact("S2", day)],
        }

    files = [
        submission(tmp_path, "a", tables("1980-01-01", "2016-04-05")),
        submission(tmp_path, "b", tables("1990-01-01", "2016-05-05"), period=MAY),
    ]
    seen = []
    run = convert(holding(files), "iapt-2.1", check=False, each=seen.append)
    assert seen[0].tables["IDS001MPI"]["LocalPatientId"].to_pylist() == ["P2"]
    assert seen[0].tables["IDS201CareContact"].num_rows == 2
    assert {line["reasons"].get("conflict:person-birth-date", 0) for line in run.lines} >= {1}


def test_contacts_of_a_number_of_two_patients_reach_neither(holding, tmp_path):
    """S1 is of P1 in April and of P2 in May; no contact says whose it is."""

    def tables(patient: str, day: str):
        return {
            "Person": [person(patient)],
            "Referral": [referral(patient, "S1")],
            "Appointment": [contact("S1", day)],
        }

    files = [
        submission(tmp_path, "a", tables("P1", "2016-04-05")),
        submission(tmp_path, "b", tables("P2", "2016-05-05"), period=MAY),
    ]
    seen = []
    run = convert(holding(files), "iapt-2.1", check=False, each=seen.append)
    assert seen[0].tables["IDS201CareContact"].num_rows == 0
    assert seen[0].tables["IDS101Referral"].num_rows == 2
    lines = [line for line in run.lines if line["table"] == "Appointment"]
    assert [line["reasons"] for line in lines] == [{"ambiguous-parent:Referral": 1}] * 2


def test_one_number_at_two_providers_is_two_people(holding, tmp_path):
    tables = {"Person": [person("P1")], "Referral": [referral("P1", "S1")], "Appointment": []}
    files = [
        submission(tmp_path, "a", {**tables, "Appointment": [contact("S1", "2016-04-05")]}),
        submission(tmp_path, "b", {**tables, "Appointment": [contact("S1", "2016-04-06")]}, provider="RX2"),
    ]
    run = convert(holding(files), "iapt-2.1", check=False)
    assert sorted(run.summaries) == ["RX1", "RX2"]
    assert all(line["carried"] == line["in"] and not line["superseded"] for line in run.lines)


def test_a_code_of_a_file_is_never_a_way_out_of_the_folder(tmp_path):
    made = [
        submission(tmp_path, f"f{number}", {"Person": [person("P1")]}, provider=provider)
        for number, provider in enumerate(("../../up", "rx1", " RX1", "con", "a/b", "a_b"))
    ]
    made[2] = Submission(**{**made[2].__dict__, "period": MAY})
    found = units(decide(made))
    assert [len(unit.winners) for unit in found] == [1, 1, 1, 1, 2]
    assert folder_names(found) == ["_.._.._UP", "A_B", "A_B_2", "_CON", "RX1"]


def test_what_names_nobody_has_its_reason_in_months_too(holding, tmp_path):
    tables = {
        "Person": [person("P1"), {**person("P2"), "LPTID": None}],
        "Referral": [referral("P1", "S1"), {**referral("P1", "S9"), "SERVICEID": None}],
        "Appointment": [contact("S1", "2016-04-05"), {**contact("S1", "2016-05-05"), "SERVICEID": None}],
    }
    run = convert(holding([submission(tmp_path, "a", tables)]), "iapt-2.1", split="month", check=False)
    reasons = {line["table"]: line["reasons"] for line in run.lines}
    assert all("outside-period" not in each for each in reasons.values()), reasons
    assert {line["carried"] for line in run.lines} == {1}


def test_what_nobody_has_decided_ends_the_call(holding, tmp_path):
    tables = {
        "Person": [person("P1")],
        "Referral": [referral("P1", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    files = [
        submission(tmp_path, "a", tables),
        submission(tmp_path, "b", tables),
        submission(tmp_path, "c", tables, period=MAY),
    ]
    place = holding(files)
    with pytest.raises(SourceError, match="need a decision") as caught:
        convert(place, "iapt-2.1", tmp_path / "out")
    assert caught.value.code == "undecided"
    assert not (tmp_path / "out").exists()
    run = convert(place, "iapt-2.1", allow=["undecided"], check=False)
    assert {line["file"] for line in run.lines} == {"c.mdb"}
    assert APRIL in {each["period"] for each in run.files if each["fate"] == "undecided"}


def test_rows_that_nobody_staged_keep_the_books_open(holding, tmp_path):
    tables = {
        "Person": [person("P1")],
        "Referral": [referral("P1", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    file = submission(tmp_path, "a", tables)
    lost = Submission(**{**file.__dict__, "tables": {**file.tables, "Appointment": 2}})
    with pytest.raises(BooksError) as caught:
        convert(holding([lost]), "iapt-2.1", tmp_path / "out", check=False)
    assert caught.value.code == "books-open"
    assert not (tmp_path / "out").exists()


def test_a_stopped_call_leaves_the_old_output_and_nothing_else(holding, tmp_path):
    tables = {
        "Person": [person("P1")],
        "Referral": [referral("P1", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    place = holding([submission(tmp_path, "a", tables)])
    convert(place, "iapt-2.1", tmp_path / "out", check=False)
    before, around = tree(tmp_path / "out"), sorted(path.name for path in tmp_path.iterdir())

    def stop(_run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(place, "mhsds-6.0", tmp_path / "out", check=False, overwrite=True, each=stop)
    assert tree(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == around
    assert not [*place.glob(".convert*")]


def test_an_amount_of_memory_is_one(holding, tmp_path):
    with pytest.raises(UsageError, match="no amount of memory"):
        convert(holding([]), "iapt-2.1", memory="much")
