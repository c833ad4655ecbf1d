"""Make years of monthly files: ``python -m tests.archive.years DIR --months 84 --providers 3``.

Each month of a provider has a primary submission and a refresh; some have only one of them, one refresh lacks
a table. In the refresh some contacts are withdrawn, late ones come in, some are put right. There are copies,
other names and ways of writing over the years, a file that is cut off, and LPTIDs that all providers use.
What becomes of every row is told from how the files were made (:func:`truth`), and from nothing of the code
under test.
"""

from __future__ import annotations

import argparse
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.writer import DatabaseWriter, create_database
from idbmigrate.datasets import load_dataset
from idbmigrate.sample import care, drift
from idbmigrate.sample.shape import shapes

DATASET = "iapt-1.5"
FIRST_YEAR = 2016  # the sample's own first year begins in April
NAMINGS = ("extract", "mixed", "rep")
#: The date by which a row belongs to a month; tables without one go with their patient or referral.
DATED = {
    "Appointment": "APPOINTMENT",
    "WaitingTimePauses": "PAUSESTARTDATE",
    "AssessmentPEQ": "ASSESSPEQDATE",
    "TreatmentPEQ": "TREATPEQDATE",
}
KEYS = {
    "Person": ("LPTID",),
    "Disability": ("LPTID", "DISABILITY"),
    "Referral": ("LPTID", "SERVICEID"),
    "WaitingTimePauses": ("SERVICEID", "PAUSEID", "PAUSESTARTDATE"),
    "Appointment": ("SERVICEID", "APPOINTMENT", "APPOINTMENTTIME"),
    "AssessmentPEQ": ("SERVICEID", "ASSESSPEQDATE", "ASSESSPEQTIME"),
    "TreatmentPEQ": ("SERVICEID", "TREATPEQDATE", "TREATPEQTIME"),
}
Tables = dict[str, pa.Table]


@dataclass(frozen=True)
class Made:
    """One different file: what it is, where it lies and what its tables hold."""

    path: Path
    provider: str
    month: str
    kind: str
    tables: Tables
    rejected: bool = False


def make(folder: Path, months: int, providers: int, patients: int, seed: int = 1) -> Iterator[Made]:
    """Write the files, ``patients`` new ones a year and provider, and give them one after the other."""
    for number in range(providers):
        provider, written = f"RX{number + 1}", 0
        for year in range(-(-months // 12)):
            tables = _course(provider, year, patients, seed + number)
            open_before = [] if year == 0 else [_course(provider, year - 1, patients, seed + number)]
            for at in range(year * 12, min(months, year * 12 + 12)):
                whole = _together([*open_before, tables])
                for made in _month(folder / provider, provider, at, whole):
                    _write(made, naming=NAMINGS[year % len(NAMINGS)], drifted=year % 3 == 2)
                    written += 1
                    _copy(folder, made, written)
                    yield made
    _break(folder)


def _course(provider: str, year: int, patients: int, seed: int) -> Tables:
    """A year of care of one provider: patients and numbers of its own, in the year's own dates."""
    block = care.Block(seed, year * patients, patients, year * patients * 3)
    made = care.tables(load_dataset(DATASET), block)
    return {name: _moved(table, year, provider) for name, table in made.items() if name in KEYS}


def _moved(table: pa.Table, years: int, provider: str) -> pa.Table:
    days = np.int64(years * 365 * 86_400_000)
    for at, name in enumerate(table.column_names):
        column = table[name]
        if pa.types.is_timestamp(column.type) and name != "DOB":
            moved = pc.add(column.cast(pa.int64()), days).cast(column.type)
            table = table.set_column(at, name, moved)
        elif name == "ORGCODEPROVIDER":
            table = table.set_column(at, name, pa.repeat(provider, table.num_rows))
    return table


def _together(parts: list[Tables]) -> Tables:
    return {name: pa.concat_tables([part[name] for part in parts]) for name in parts[0]}


# -- the files of a month --------------------------------------------------------------------------


def month_of(at: int) -> str:
    year, month = divmod(at + 3, 12)
    return f"{FIRST_YEAR + year}-{month + 1:02d}"


def _month(folder: Path, provider: str, at: int, whole: Tables) -> Iterator[Made]:
    """The files of a month: most have both, every seventh only a refresh, every fifth only a primary."""
    month = month_of(at)
    tables = _of_month(whole, month)
    for kind in ("primary", "refresh"):
        if (kind == "primary" and at % 7 == 3) or (kind == "refresh" and at % 5 == 4):
            continue
        own = _as_sent(tables, kind)
        rejected = kind == "refresh" and at == 8
        if rejected:
            own = {name: table for name, table in own.items() if name != "Referral"}
        place = folder / month[:4] / f"{provider}_{month}_{kind}.mdb"
        yield Made(place, provider, month, kind, own, rejected)


def _of_month(whole: Tables, month: str) -> Tables:
    start, end = f"{month}-01", f"{month}-31"
    referrals = whole["Referral"]
    received, ended = _days(referrals["REFRECDATE"]), _days(referrals["ENDDATE"])
    long_open = pc.less(received, f"{int(month[:4]) - 1}{month[4:]}-01")
    running = pc.and_(pc.less_equal(received, end), pc.fill_null(pc.greater_equal(ended, start), True))
    referrals = referrals.filter(pc.and_(running, pc.invert(long_open)))
    services, people = referrals["SERVICEID"], referrals["LPTID"]
    ended = _days(referrals["ENDDATE"])
    later = pc.fill_null(pc.greater(ended, end), False)  # what ends later has not ended yet
    for name in ("ENDDATE", "ENDCODE"):
        place = referrals.column_names.index(name)
        column = referrals[name]
        referrals = referrals.set_column(place, name, pc.if_else(later, pa.scalar(None, column.type), column))
    found = {"Referral": referrals}
    for name, table in whole.items():
        if name in ("Person", "Disability"):
            found[name] = table.filter(pc.is_in(table["LPTID"], value_set=people.combine_chunks()))
        elif name in DATED:
            date = _days(table[DATED[name]])
            inside = pc.and_(pc.greater_equal(date, start), pc.less_equal(date, end))
            mine = pc.is_in(table["SERVICEID"], value_set=services.combine_chunks())
            found[name] = table.filter(pc.and_(pc.fill_null(inside, False), mine))
    found["Appointment"] = _first_of_key(found["Appointment"])
    return {name: found[name] for name in whole}


def _first_of_key(table: pa.Table) -> pa.Table:
    """Contacts that no other of the file shares its day and time with."""
    keys = pc.binary_join_element_wise(*[_text(table[name]) for name in KEYS["Appointment"]], "|")
    first = np.unique(np.array(keys.to_pylist(), dtype=object).astype(str), return_index=True)[1]
    return table.take(pa.array(np.sort(first)))


def _days(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.date32()).cast(pa.string())


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    dated = pa.types.is_timestamp(column.type)
    return pc.fill_null(_days(column) if dated else column.cast(pa.string()), "")


def _as_sent(tables: Tables, kind: str) -> Tables:
    """Of the contacts some come late, into the refresh; some are withdrawn by it, some put right.

    The primary submission says nobody's religion yet: it never holds the same as its refresh.
    """
    contacts = tables["Appointment"]
    number = np.array([int(text[1:]) for text in contacts["SERVICEID"].to_pylist()]) * 31
    number += contacts["APPOINTMENT"].cast(pa.int64()).to_numpy() // 86_400_000
    if kind == "primary":
        people = tables["Person"]
        nothing = pa.nulls(people.num_rows, pa.string())
        people = people.set_column(people.column_names.index("RELIGION"), "RELIGION", nothing)
        return {**tables, "Person": people, "Appointment": contacts.filter(pa.array(number % 19 != 3))}
    right = pa.array(number % 11 == 5)
    place = contacts.column_names.index("ATTENDANCE")
    put_right = pc.if_else(right, pa.scalar("5"), contacts["ATTENDANCE"])
    contacts = contacts.set_column(place, "ATTENDANCE", put_right)
    return {**tables, "Appointment": contacts.filter(pa.array(number % 23 != 7))}


# -- on the disk -----------------------------------------------------------------------------------


def _write(made: Made, naming: str, drifted: bool) -> None:
    made.path.parent.mkdir(parents=True, exist_ok=True)
    made.path.unlink(missing_ok=True)
    create_database(made.path)
    physical = shapes(load_dataset(DATASET), naming, drifted)
    with DatabaseWriter(made.path) as writer:
        for name, table in made.tables.items():
            shape, stored = physical[name], drift.as_stored(name, table) if drifted else table
            writer.create_table(shape.name, list(shape.columns.values()))
            columns = {shape.columns[column].name: stored[column] for column in stored.column_names}
            writer.append(shape.name, pa.table(columns))


def _copy(folder: Path, made: Made, number: int) -> None:
    """Some files lie in a backup, too, some in a zip."""
    if number % 6 == 1:
        backup = folder / "backup" / made.provider
        backup.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made.path, backup / f"copy of {made.path.name}")
    if number % 9 == 2:
        with zipfile.ZipFile(folder / f"{made.path.stem}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(made.path, made.path.name)


def _break(folder: Path) -> None:
    """A file that is cut off, and one that is none."""
    some = sorted(folder.rglob("*.mdb"))[0]
    (folder / "broken.mdb").write_bytes(some.read_bytes()[: some.stat().st_size // 2 - 100])
    (folder / "notes.txt").write_text("nothing of the kind\n", encoding="utf-8")


# -- what becomes of every row ---------------------------------------------------------------------


def truth(files: list[Made]) -> dict[tuple[str, str], list[str]]:
    """By file name and table, for each row in order: ``stays``, ``gone``, or the name of what replaces it."""
    found: dict[tuple[str, str], list[str]] = {}
    for provider in {made.provider for made in files}:
        months: dict[str, dict[str, Made]] = {}
        for made in files:
            if made.provider == provider:
                months.setdefault(made.month, {})[made.kind] = made
        wins = [_winner(months[month]) for month in sorted(months)]
        last: dict[tuple[str, tuple[str, ...]], str] = {}
        for made in wins:
            for table, keys in _all_keys(made):
                last |= {(table, key): made.path.name for key in keys}
        for made in wins:
            for table, keys in _all_keys(made):
                by = (last[table, key] for key in keys)
                found[made.path.name, table] = ["stays" if each == made.path.name else each for each in by]
        for of_month in months.values():
            winner = _winner(of_month)
            held = dict(_all_keys(winner))
            for made in of_month.values():
                if made is not winner:
                    for table, keys in _all_keys(made):
                        there = set(held.get(table, ()))
                        fates = [winner.path.name if key in there else "gone" for key in keys]
                        found[made.path.name, table] = fates
    return found


def _winner(of_month: dict[str, Made]) -> Made:
    good = {kind: made for kind, made in of_month.items() if not made.rejected} or of_month
    return good.get("refresh") or good["primary"]


def _all_keys(made: Made) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    for name, table in made.tables.items():
        columns = [_text(table[column]).to_pylist() for column in KEYS[name]]
        yield name, list(zip(*columns, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--months", type=int, default=84)
    parser.add_argument("--providers", type=int, default=3)
    parser.add_argument("--patients", type=int, default=4000, help="new patients a year and provider")
    parser.add_argument("--truth", action="store_true", help="write truth.jsonl, a line a file and table")
    options = parser.parse_args()
    files = []
    for made in make(options.folder, options.months, options.providers, options.patients):
        print(made.path)
        files += [made] if options.truth else []
    if options.truth:
        with open(options.folder / "truth.jsonl", "w", encoding="utf-8") as out:
            for (file, table), fates in sorted(truth(files).items()):
                out.write(json.dumps({"file": file, "table": table, "rows": fates}) + "\n")


if __name__ == "__main__":
    main()
