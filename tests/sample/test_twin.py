"""Twins: the design, the drift and the faults of a real file, and not one of its values."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from idbmigrate.access import open_database
from idbmigrate.datasets import identify, load_dataset
from idbmigrate.errors import BooksError
from idbmigrate.sample import draw, write_sample, write_twin
from idbmigrate.sample.profile import rounded
from idbmigrate.staging.tables import as_text

pytestmark = pytest.mark.slow

SAMPLES = ["iapt-1.5.mdb", "iapt-1.5-messy.mdb", "iapt-1.5.accdb", "iapt-1.0-pbr.mdb", "iapt-ltc-1.5.4.mdb"]


def texts(path) -> dict[tuple[str, str], set[str]]:
    """Every value of a file as text, by table and column."""
    with open_database(path) as db:
        tables = {name: db.read(name) for name in db.tables}
    return {
        (name, column): {text.strip() for text in pc.unique(as_text(table[column])).to_pylist() if text}
        for name, table in tables.items()
        for column in table.column_names
    }


def national_codes(path) -> set[str]:
    with open_database(path) as db:
        dataset = load_dataset(identify({name: db.columns(name) for name in db.tables}).dataset)
    codes = {code for codes in dataset.code_lists.values() for code in codes.codes}
    return codes | {code.lower() for code in codes} | {code.removeprefix("0") for code in codes}


def check(source, twin) -> None:
    """No value of the source that is more than a national code or a small number is in the twin."""
    real, made, codes = texts(source), texts(twin), national_codes(source)
    small = re.compile(r"-?\d{1,3}(\.\d+)?|true|false")
    everything = {text for held in real.values() for text in held} - codes
    everything = {text.casefold() for text in everything if not small.fullmatch(text)}
    assert len(everything) > 100
    for place, held in made.items():
        found = {text for text in held if text.casefold() in everything}
        # the same day or hour may be in another column, where it says nothing; in its own it may not
        found = {text for text in found if text in real[place] or not re.fullmatch(r"[\d/:-]+", text)}
        assert not found, place


@pytest.mark.parametrize("name", SAMPLES)
def test_no_value_of_the_file_reaches_the_twin(name, sample_idb, tmp_path):
    write_twin(sample_idb / name, tmp_path / "twin.mdb")
    check(sample_idb / name, tmp_path / "twin.mdb")


@pytest.mark.parametrize("name", ["iapt-1.5-messy.mdb", "iapt-1.5-textdates.accdb", "iapt-1.0.mdb"])
def test_nor_of_files_that_we_did_not_make(name, shared_dir, tmp_path):
    write_twin(shared_dir / "idb" / name, tmp_path / "twin.accdb")
    check(shared_dir / "idb" / name, tmp_path / "twin.accdb")


def test_a_twin_of_a_twin(sample_idb, tmp_path):
    write_twin(sample_idb / "iapt-1.5-messy.mdb", tmp_path / "once.mdb")
    write_twin(tmp_path / "once.mdb", tmp_path / "twice.mdb")
    check(tmp_path / "once.mdb", tmp_path / "twice.mdb")


def test_design_counts_and_faults_are_those_of_the_file(tmp_path):
    source, twin = tmp_path / "real.mdb", tmp_path / "twin.mdb"
    write_sample(source, dataset="iapt-1.5", patients=1000, faults="0.1", naming="mixed", drifted=True)
    write_twin(source, twin)
    with open_database(source) as a, open_database(twin) as b:
        assert b.tables == a.tables
        for name in a.tables:
            design = [(c.name, c.type, c.length) for c in a.columns(name)]
            assert [(c.name, c.type, c.length) for c in b.columns(name)] == design
            assert b.row_count(name) == rounded(a.row_count(name))
        real, made = ({name: db.read(name) for name in a.tables} for db in (a, b))

    def share(tables, table, column, pattern) -> float:
        values = tables[table][column]
        return pc.sum(pc.match_substring_regex(values, pattern)).as_py() / len(values)

    for table, column, pattern in (
        ("Appointment", "Apptype", r"^\d$"),
        ("Appointment", "Apptype", r"\s$"),
        ("Appointment", "Apptype", r"^0\d$"),
        ("Appointment", "Apptype", r"^[^0-9]"),
        ("WaitingTimes", "PAUSESTARTDATE", r"^\d\d/\d\d/\d{4}$"),
        ("Person", "GENDER", "^1$"),
        ("Referral", "ENDCODE", "^10"),
    ):
        place, expected = (table, column, pattern), share(real, table, column, pattern)
        assert expected > 0 and share(made, *place) == pytest.approx(expected, rel=0.5), place
    for tables in (real, made):
        people = pa.array(tables["Person"]["LPTID"].to_pylist())
        assert len(people.unique()) < len(people), "patients recorded twice"
        lost = pc.invert(pc.is_in(tables["Referral"]["LPTID"], people))
        assert pc.sum(lost).as_py() > 0, "orphans"
        assert pc.max(tables["Appointment"]["PHQ9_Score"]).as_py() == 99


def test_small_counts_are_suppressed(tmp_path):
    assert [rounded(n) for n in (0, 1, 4, 5, 7, 8, 12)] == [0, 0, 0, 5, 5, 10, 10]
    source = tmp_path / "real.mdb"
    write_sample(source, dataset="iapt-1.5", patients=60, seed=5)
    with open_database(source) as db:
        codes = pc.value_counts(db.read("IAPTDataSetReferral")["SOURCEREFERRAL"]).to_pylist()
    rare = {pair["values"] for pair in codes if pair["counts"] < 5}
    write_twin(source, tmp_path / "twin.mdb")
    with open_database(tmp_path / "twin.mdb") as db:
        assert rare and not rare & set(db.read("IAPTDataSetReferral")["SOURCEREFERRAL"].to_pylist()) - {None}


def test_the_same_seed_gives_the_same_twin_and_another_seed_another(sample_idb, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_twin(sample_idb / "iapt-1.5.mdb", tmp_path / f"{name}.mdb", seed=seed)
    a, b, c = ((tmp_path / f"{name}.mdb").read_bytes() for name in "abc")
    assert a == b != c


def test_a_real_value_in_the_twin_stops_it(sample_idb, tmp_path, monkeypatch):
    with open_database(sample_idb / "iapt-1.5.mdb") as db:
        real = db.read("IAPTDataSetPerson")
    honest = draw.tables

    def leak(profiles, calendar, rng):
        made = honest(profiles, calendar, rng)
        person = made["IAPTDataSetPerson"]
        made["IAPTDataSetPerson"] = person.set_column(
            person.column_names.index("NHSNO"),
            "NHSNO",
            pa.concat_arrays([real["NHSNO"].chunk(0)[:1], person["NHSNO"].chunk(0)[1:]]),
        )
        return made

    monkeypatch.setattr(draw, "tables", leak)
    with pytest.raises(BooksError) as caught:
        write_twin(sample_idb / "iapt-1.5.mdb", tmp_path / "twin.mdb")
    assert caught.value.code == "twin-not-clean" and caught.value.where == "IAPTDataSetPerson.NHSNO"
    assert not list(tmp_path.iterdir())
