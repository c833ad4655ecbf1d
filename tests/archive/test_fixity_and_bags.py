"""Whether an archive still is what it was, and what leaves it: a BagIt bag that others can check."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from idbmigrate import archive, convert
from idbmigrate.archive.catalogue import Catalogue
from idbmigrate.archive.provenance import name_of, of_outputs
from idbmigrate.errors import OutputError, SourceError, UsageError
from idbmigrate.exporters.publish import sha256


@pytest.fixture
def own(inbox, tmp_path) -> tuple[Path, Path]:
    """A copy of the inbox, and its archive."""
    copy = tmp_path / "in"
    shutil.copytree(inbox, copy)
    archive.add(tmp_path / "a", [copy], processes=1)
    return copy, tmp_path / "a"


def wrong(folder: Path, **options) -> set[tuple[str, str, str]]:
    found = archive.verify(folder, processes=1, **options)
    assert found.sound == (not found.wrong)
    return {(line["what"], Path(line["place"]).name, line["problem"]) for line in found.wrong}


def test_everything_is_what_it_was(own):
    _, folder = own
    found = archive.verify(folder, reread=True, processes=1)
    assert found.sound and not found.moved
    assert (found.originals, found.staged, found.reread) == (8, 6, 6)
    assert not (folder / "scratch").exists()


def test_originals_that_changed_or_went(own):
    copy, folder = own
    (copy / "RY2/IAPT_2016-06_primary.accdb").write_bytes(b"other")
    (copy / "sent.zip").unlink()
    (copy / "old/copy of may.mdb").unlink()
    assert wrong(folder) == {
        ("original", "IAPT_2016-06_primary.accdb", "changed"),
        ("original", "sent.zip", "gone"),
    }
    assert [Path(place).name for place in archive.verify(folder).moved] == ["copy of may.mdb"]
    assert ("reread", sha_of(folder, "only-here.mdb"), "gone") in wrong(folder, reread=True)


def sha_of(folder: Path, end: str) -> str:
    return next(s.sha256 for s in archive.submissions(folder) if any(p.endswith(end) for p in s.places))


def test_staged_files_that_changed(own):
    _, folder = own
    [first, second, third] = sorted((folder / "staged").iterdir())[:3]
    (first / "Person.parquet").unlink()
    (second / "Referral.parquet").write_bytes(b"other")
    facts = json.loads((third / "facts.json").read_text(encoding="utf-8"))
    (third / "facts.json").write_text(json.dumps({**facts, "dataset": "other"}), encoding="utf-8")
    assert wrong(folder) == {
        ("staged", "Person.parquet", "gone"),
        ("staged", "Referral.parquet", "changed"),
        ("staged", "facts.json", "changed"),
    }


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256(p) for p in folder.rglob("*") if p.is_file()}


def test_outputs(own, tmp_path):
    _, folder = own
    out, bag = tmp_path / "out", tmp_path / "bag"
    archive.convert(folder, to="iapt-2.1", out=out, allow=["undecided"])
    assert archive.verify(folder).outputs == 1 and not wrong(folder)
    archive.bag(folder, bag, of="outputs")
    files = digests(out)
    assert digests(bag / "data" / "out") == files
    check(bag)
    graph = {node["@id"]: node for node in load(bag)["@graph"]}
    [conversion] = [node for node in graph.values() if "prov:Activity" in node["@type"]]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    won = {line["sha256"] for line in manifest["inputs"] if line["fate"] == "wins"}
    one = json.loads((out / "RX1" / "manifest.json").read_text(encoding="utf-8"))
    used = won | set(one["mapping"]["files"].values())
    assert won < {line["sha256"] for line in manifest["inputs"]}
    assert set(map(name_of, used)) == {name for name in conversion["used"] if name.startswith("ni:")}
    made = graph[name_of(files["RX1/csv/IDS101Referral.csv"])]
    assert made["wasGeneratedBy"] == [conversion["@id"]]
    (out / "RX1" / "csv" / "IDS101Referral.csv").write_text("other", encoding="utf-8")
    assert wrong(folder) == {("output", "IDS101Referral.csv", "changed")}
    shutil.rmtree(out)
    assert wrong(folder) == {("output", "out", "gone")}


def test_an_output_of_one_file_names_that_file(own, tmp_path):
    copy, folder = own
    file = copy / "RX1/2016/June_primary.mdb"
    convert(file, to="iapt-2.1", out=tmp_path / "out")
    with Catalogue(folder) as catalogue:
        catalogue.add_output(tmp_path / "out")
        graph = {node["@id"]: node for node in of_outputs(catalogue)["@graph"]}
    [conversion] = [node for node in graph.values() if "prov:Activity" in node["@type"]]
    assert name_of(sha256(file)) in conversion["used"]


def load(bag: Path) -> dict:
    return json.loads((bag / "provenance.jsonld").read_text(encoding="utf-8"))


def check(bag: Path) -> None:
    """The rules of RFC 8493, read anew; and by the library that the format is known by, where it is there."""
    assert (bag / "bagit.txt").read_bytes() == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

    def listed(name: str) -> dict[str, str]:
        lines = (bag / name).read_text(encoding="utf-8").splitlines()
        return {line.split("  ", 1)[1]: line.split("  ", 1)[0] for line in lines}

    payload = {p.relative_to(bag).as_posix(): p for p in (bag / "data").rglob("*") if p.is_file()}
    digests = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in payload.items()}
    assert listed("manifest-sha256.txt") == digests
    tags = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in bag.iterdir() if p.is_file()}
    assert tags.pop("tagmanifest-sha256.txt") and listed("tagmanifest-sha256.txt") == tags
    size = sum(p.stat().st_size for p in payload.values())
    assert f"Payload-Oxum: {size}.{len(payload)}" in (bag / "bag-info.txt").read_text(encoding="utf-8")
    try:
        import bagit
    except ImportError:
        return
    assert bagit.Bag(str(bag)).is_valid()


def test_a_bag_of_originals(own, tmp_path):
    copy, folder = own
    result = archive.bag(folder, tmp_path / "bag")
    check(tmp_path / "bag")
    data = tmp_path / "bag" / "data"
    originals = {sha256(p) for p in copy.rglob("*") if p.is_file() and p.suffix != ".laccdb"}
    assert {p.parent.name for p in data.rglob("*") if p.is_file()} == originals
    assert result["files"] == len(originals) == 8
    graph = {node["@id"]: node for node in load(tmp_path / "bag")["@graph"]}
    zipped = graph[name_of(sha256(copy / "sent.zip"))]
    [inner] = [graph[name] for name in zipped["hadMember"] if "hadMember" in graph[name]]
    assert inner["hadMember"] == [name_of(sha256(copy / "RX1/2016/June_primary.mdb"))]
    may = graph[name_of(sha256(copy / "RX1/2016/May primary.mdb"))]
    assert (may["idbmigrate:period"], may["idbmigrate:kind"]) == ("2016-05", "primary")
    assert not any("agent" in kind.lower() for node in graph.values() for kind in node["@type"])
    assert all(name in graph for node in graph.values() for name in node.get("wasDerivedFrom", []))
    with pytest.raises(OutputError):
        archive.bag(folder, tmp_path / "bag")
    archive.bag(folder, tmp_path / "again")
    same = {p.relative_to(tmp_path / "bag"): sha256(p) for p in (tmp_path / "bag").rglob("*") if p.is_file()}
    again = tmp_path / "again"
    assert {p.relative_to(again): sha256(p) for p in again.rglob("*") if p.is_file()} == same


def test_no_bag_of_what_changed(own, tmp_path):
    copy, folder = own
    (copy / "notes.txt").write_text("other", encoding="utf-8")
    with pytest.raises(SourceError, match=r"notes\.txt"):
        archive.bag(folder, tmp_path / "bag")
    assert not (tmp_path / "bag").exists()
    with pytest.raises(UsageError, match="no outputs"):
        archive.bag(folder, tmp_path / "bag", of="outputs")


def test_names_that_a_manifest_cannot_hold(tmp_path, inbox):
    odd = tmp_path / "in" / "100% of\nmay:june?.mdb"
    odd.parent.mkdir()
    shutil.copy(inbox / "old/copy of may.mdb", odd)
    archive.add(tmp_path / "a", [odd.parent], processes=1)
    archive.bag(tmp_path / "a", tmp_path / "bag")
    text = (tmp_path / "bag" / "manifest-sha256.txt").read_text(encoding="utf-8")
    assert text.endswith("/100%25 of_may_june_.mdb\n") and text.count("\n") == 1
