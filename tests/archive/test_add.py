"""What an archive says of the files that were added: each once, with its places, its month, its reason."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from idbmigrate import archive
from idbmigrate.archive.catalogue import Catalogue
from idbmigrate.archive.overview import windows
from idbmigrate.errors import OutputError, SourceError, UsageError
from idbmigrate.exporters.publish import sha256
from idbmigrate.readers import open_idb
from idbmigrate.staging.stored import load
from tests.archive.making import changed, tables_of


@pytest.fixture(scope="module")
def made(inbox, tmp_path_factory) -> Path:
    """The archive of the whole inbox."""
    folder = tmp_path_factory.mktemp("archives") / "years"
    archive.add(folder, [inbox], processes=1)
    return folder


def by_name(folder: Path, end: str) -> archive.Submission:
    [found] = [s for s in archive.submissions(folder) if any(place.endswith(end) for place in s.places)]
    return found


def content(folder: Path) -> dict[str, list]:
    """All that the catalogue says, table by table."""
    with sqlite3.connect(folder / "catalogue.sqlite") as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def test_each_file_once_with_all_its_places(made, inbox):
    may = by_name(made, "RX1/2016/May primary.mdb")
    assert may.sha256 == sha256(inbox / "RX1/2016/May primary.mdb")
    assert sorted(place.removeprefix(inbox.as_posix()) for place in may.places) == [
        "/RX1/2016/May primary.mdb",
        "/old/copy of may.mdb",
    ]
    june = by_name(made, "RX1/2016/June_primary.mdb")
    assert [place.removeprefix(inbox.as_posix()) for place in june.places][-1] == (
        "/sent.zip!deep/inner.zip!again/june.mdb"
    )
    assert len(archive.submissions(made)) == 7
    assert not any(
        "laccdb" in place for places in status(made)["copies"]["bytes"] for place in places["places"]
    )


def status(folder: Path) -> dict:
    return json.loads(json.dumps(archive.status(folder)))


def test_what_each_file_is(made):
    told = {
        end: (s.dataset, s.provider, s.period, s.kind, s.readable)
        for end in (
            "May primary.mdb",
            "May refresh.mdb",
            "June_primary.mdb",
            "2016-06_primary.accdb",
            "only-here.mdb",
            "July_primary.mdb",
            "compacted/june.mdb",
        )
        for s in [by_name(made, end)]
    }
    assert told == {
        "May primary.mdb": ("iapt-1.5", "RX1", "2016-05", "primary", True),
        "May refresh.mdb": ("iapt-1.5", "RX1", "2016-05", "refresh", True),
        "June_primary.mdb": ("iapt-1.5", "RX1", "2016-06", "primary", True),
        "2016-06_primary.accdb": ("iapt-1.5", "RY2", "2016-06", "primary", True),
        "only-here.mdb": ("iapt-1.5", "RY2", "2016-05", None, True),
        "July_primary.mdb": ("", "RX1", "2016-07", "primary", False),
        "compacted/june.mdb": ("iapt-1.5", "RX1", "2016-06", None, True),
    }
    may = by_name(made, "May primary.mdb")
    assert may.evidence["provider"] == "the column Disability.ORGCODEPROVIDER"
    assert may.evidence["period"].startswith("the dates in Appointment.APPOINTMENT (")
    assert by_name(made, "July_primary.mdb").evidence["period"] == "the name 2016/July_primary.mdb"


def test_the_rows_are_those_of_the_files(made):
    tables = tables_of("2016-05", "RX1")
    may = by_name(made, "May primary.mdb")
    assert dict(may.tables) == {name: table.num_rows for name, table in tables.items()}
    staged = load(may.staged / "Referral.parquet")
    assert staged.raw["SERVICEID"].to_pylist() == tables["Referral"]["SERVICEID"].to_pylist()


def test_every_cell_and_place_is_staged(made, inbox):
    file = inbox / "RX1/2016/May refresh.mdb"
    submission = by_name(made, "May refresh.mdb")
    with open_idb(file) as idb:
        for name in idb.tables:
            table, ids = idb.read_with_ids(name)
            staged = next(t for t in map(load, submission.staged.glob("*.parquet")) if t.source_name == name)
            assert staged.ids.tolist() == ids.tolist()
            sources = {
                own: source for source, own in zip(staged.source_columns.values(), staged.source_columns)
            }
            assert set(sources) == set(table.column_names)
            for own, canonical in sources.items():
                held = table[own].to_pylist()
                texts = staged.raw[canonical].to_pylist()
                assert [value is None for value in texts] == [value is None for value in held]


def test_copies_on_three_levels(made, inbox):
    copies = status(made)["copies"]
    places = {tuple(p.removeprefix(inbox.as_posix()) for p in c["places"]) for c in copies["bytes"]}
    assert ("/RX1/2016/May primary.mdb", "/old/copy of may.mdb") in places
    same = {tuple(sorted(c["files"])) for c in copies["cells"]}
    june = tuple(sorted(by_name(made, end).sha256 for end in ("June_primary.mdb", "compacted/june.mdb")))
    assert same == {june}
    [change] = copies["changes"]
    pair = {by_name(made, end).sha256 for end in ("May primary.mdb", "May refresh.mdb")}
    assert {change["first"], change["second"]} == pair
    before = tables_of("2016-05", "RX1")["Referral"].num_rows
    assert change["tables"]["Referral"] == {
        "same": before - 2,
        "changed": 1,
        "only_first": 1,
        "only_second": 1,
    }
    others = [counts for name, counts in change["tables"].items() if name != "Referral"]
    assert all(counts["changed"] == counts["only_first"] == counts["only_second"] == 0 for counts in others)
    assert changed(tables_of("2016-05", "RX1"))["Referral"].num_rows == before


def test_the_grid_and_what_is_to_decide(made):
    document = status(made)
    states = {(line["provider"], line["period"]): line["states"] for line in document["grid"]}
    assert states == {
        ("RX1", "2016-05"): ["primary", "refresh"],
        ("RX1", "2016-06"): ["primary", "unknown kind", "duplicate"],
        ("RX1", "2016-07"): ["broken"],
        ("RY2", "2016-05"): ["unknown kind"],
        ("RY2", "2016-06"): ["primary"],
        ("RY2", "2016-07"): ["missing"],
    }
    verdicts = document["files"]["verdicts"]
    assert verdicts == {"broken": 1, "other": 1, "readable": 6, "zip": 2}
    broken = [line for line in document["not_read"] if line["verdict"] == "broken"]
    assert broken[0]["error"] in ("truncated", "damaged") and broken[0]["hint"]
    assert any("July_primary.mdb" in line["places"][0] for line in document["decide"])
    page = (made / "archive.html").read_text(encoding="utf-8")
    assert "Provider RX1" in page and "no file" in page and "<script" not in page
    assert list(document["windows"]) == ["iapt-1.5"]
    assert document["windows"]["iapt-1.5"]["unknown"] in page and "Submission windows" in page


def test_the_published_windows_of_the_months(made):
    """The first published window took December 2012 as refresh and January 2013 as primary."""
    [some, *_] = archive.submissions(made)
    months = [replace(some, dataset="iapt-1.0", period=month) for month in ("2012-12", "2013-01", "1999-01")]
    [(dataset, found)] = windows(months).items()
    taken = {(line["month"], line["kind"], line["opens"], line["closes"]) for line in found["taken"]}
    first = {("2012-12", "refresh"), ("2013-01", "primary")}
    assert dataset == "iapt-1.0" and {(*each, "2013-02-04", "2013-02-22") for each in first} <= taken
    assert {month for month, *_ in taken} == {"2012-12", "2013-01"}


def test_nobody_else_may_read_it_and_no_original_is_touched(inbox, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(inbox, copy)
    before = {p: p.stat().st_mtime_ns for p in copy.rglob("*")}
    archive.add(tmp_path / "a", [copy], processes=1)
    assert {p: p.stat().st_mtime_ns for p in copy.rglob("*")} == before
    if os.name != "nt":
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
        open_to_all = [p for p in (tmp_path / "a").rglob("*") if p.is_file() and p.stat().st_mode & 0o077]
        assert not open_to_all


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_adding_does_not_matter(made, inbox, tmp_path, seed):
    paths = sorted(p for p in inbox.iterdir() if p.suffix != ".laccdb")
    random.Random(seed).shuffle(paths)
    for path in paths:
        archive.add(tmp_path / "a", [path], processes=1)
    assert content(tmp_path / "a") == content(made)
    for name in ("submissions.csv",):
        assert (tmp_path / "a" / name).read_bytes() == (made / name).read_bytes()
    staged = {p.relative_to(made): sha256(p) for p in (made / "staged").rglob("*") if p.is_file()}
    again = tmp_path / "a"
    assert {p.relative_to(again): sha256(p) for p in (again / "staged").rglob("*") if p.is_file()} == staged


def test_several_processes_give_the_same(made, inbox, tmp_path):
    result = archive.add(tmp_path / "a", [inbox], processes=2)
    assert content(tmp_path / "a") == content(made)
    assert result.read == 8 and result.verdicts["readable"] == 6


def test_a_second_call_reads_nothing(made, inbox, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("read again")

    monkeypatch.setattr("idbmigrate.archive.reading.open_idb", never)
    monkeypatch.setattr("idbmigrate.archive.originals.look_inside", never)
    before = content(made)
    result = archive.add(made, [inbox, str(inbox / "RX1" / "*" / "*.mdb")], processes=1)
    assert (result.read, result.new) == (0, 0)
    assert content(made) == before


def test_what_was_moved_is_one_file_with_another_place(made, inbox, tmp_path):
    shutil.copytree(made, tmp_path / "a")
    (tmp_path / "moved").mkdir()
    shutil.copy(inbox / "old/copy of may.mdb", tmp_path / "moved" / "z.mdb")
    result = archive.add(tmp_path / "a", [tmp_path / "moved"], processes=1)
    assert (result.new, result.read, result.known) == (0, 0, 1)
    assert len(by_name(tmp_path / "a", "moved/z.mdb").places) == 3


def test_a_path_that_leads_nowhere_stops_before_anything_is_read(inbox, tmp_path):
    with pytest.raises(SourceError) as error:
        archive.add(tmp_path / "a", [inbox, tmp_path / "nothing-*.mdb"])
    assert error.value.code == "not-found"
    assert not (tmp_path / "a").exists()


def test_another_folder_is_no_archive(inbox, tmp_path):
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    for call in (lambda: archive.add(tmp_path, [inbox]), lambda: archive.status(tmp_path)):
        with pytest.raises(UsageError) as error:
            call()
        assert error.value.code == "not-an-archive"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_two_at_once(inbox, tmp_path):
    file = inbox / "RX1/2016/May primary.mdb"
    archive.add(tmp_path / "a", [file], processes=1)
    lock = FileLock(tmp_path / "a" / ".lock", thread_local=False)
    told: list[str] = []
    with lock:
        with pytest.raises(OutputError) as error:
            archive.add(tmp_path / "a", [inbox / "RY2"], wait=False)
        assert error.value.code == "archive-busy"
        rest = {"processes": 1, "notice": told.append}
        second = threading.Thread(target=archive.add, args=(tmp_path / "a", [inbox / "RY2"]), kwargs=rest)
        second.start()
        second.join(0.5)
        assert second.is_alive() and len(archive.submissions(tmp_path / "a")) == 1
    second.join()
    assert len(archive.submissions(tmp_path / "a")) == 2
    assert told and "waiting" in told[0]


def test_the_users_table_wins(made, tmp_path):
    shutil.copytree(made, tmp_path / "a")
    table = tmp_path / "a" / "submissions.csv"
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    head = lines[0].split(",")
    assert head[:5] == ["sha256", "file", "provider", "period", "kind"]
    own = f"{by_name(made, 'May refresh.mdb').sha256},,RX9,May-16,primary,mine"
    found = ["sha256,file,provider,period,kind,wins", own, ",only-here.mdb,,01/06/2016,refresh,"]
    table.write_text("\n".join(found), encoding="utf-8")
    first, second = by_name(tmp_path / "a", "May refresh.mdb"), by_name(tmp_path / "a", "only-here.mdb")
    assert (first.provider, first.period, first.kind) == ("RX9", "2016-05", "primary")
    assert first.decided["wins"] == "mine" and first.evidence["kind"] == "submissions.csv"
    assert (second.provider, second.period, second.kind) == ("RY2", "2016-06", "refresh")
    archive.add(tmp_path / "a", processes=1)  # writes the table anew, and leaves the user's words
    assert by_name(tmp_path / "a", "May refresh.mdb") == first
    assert by_name(tmp_path / "a", "only-here.mdb") == second
    written = table.read_text(encoding="utf-8-sig")
    assert "found_provider" in written and f"{first.sha256}," in written and ",mine," in written


@pytest.mark.parametrize(
    "line", [",nothing.mdb,,2016-05,", ",May primary.mdb,,sometime,", ",May primary.mdb,,,maybe"]
)
def test_a_line_that_cannot_be_used_is_named(made, tmp_path, line):
    shutil.copytree(made, tmp_path / "a")
    (tmp_path / "a/submissions.csv").write_text(
        f"sha256,file,provider,period,kind\n{line}\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match="line 2"):
        archive.status(tmp_path / "a")
    before = (tmp_path / "a/submissions.csv").read_bytes()
    with pytest.raises(UsageError, match="line 2"):
        archive.add(tmp_path / "a", processes=1)
    assert (tmp_path / "a/submissions.csv").read_bytes() == before


def test_a_pattern_says_what_names_mean(made, inbox, tmp_path):
    shutil.copytree(made, tmp_path / "a")
    archive.add(
        tmp_path / "a", [inbox], patterns=["{year}/{month}/only-*.mdb", "{kind}ompacted/*.mdb"], processes=1
    )
    assert by_name(tmp_path / "a", "only-here.mdb").evidence["period"].startswith("the pattern")
    with pytest.raises(UsageError, match="pattern"):
        archive.add(tmp_path / "a", [inbox], patterns=["{when}.mdb"])
    with Catalogue(tmp_path / "a") as catalogue:
        assert len(catalogue.patterns()) == 2
    archive.add(tmp_path / "a", drop_patterns=["{year}/{month}/only-*.mdb"], processes=1)
    assert not by_name(tmp_path / "a", "only-here.mdb").evidence["period"].startswith("the pattern")
    with pytest.raises(UsageError, match="no pattern"):
        archive.add(tmp_path / "a", drop_patterns=["{year}/{month}/only-*.mdb"])


def test_a_table_that_is_open_elsewhere_stops_nothing(inbox, tmp_path, monkeypatch):
    def in_use(*args):
        raise PermissionError

    notices: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("idbmigrate.archive.decisions.write", in_use)
        archive.add(tmp_path / "a", [inbox / "RY2"], processes=1, notice=notices.append)
    assert "submissions.csv is in use" in notices[0]
    assert len(archive.submissions(tmp_path / "a")) == 1
    assert (tmp_path / "a" / "archive.html").is_file()
    archive.add(tmp_path / "a", processes=1)
    assert (tmp_path / "a" / "submissions.csv").is_file()
