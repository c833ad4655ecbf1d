"""What is converted as one: the files of one provider in one data set, and what stands in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyarrow import parquet

from idbmigrate.archive.model import Submission
from idbmigrate.archive.winners import Decision, provider_of
from idbmigrate.staging.stored import CLEAN

#: What Windows keeps for devices.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


@dataclass(frozen=True, repr=False)
class StoredFile:
    """A submission and its number among those of its unit."""

    number: int
    submission: Submission

    def __repr__(self) -> str:
        return f"<StoredFile {self.number}: {self.submission!r}>"

    @cached_property
    def tables(self) -> dict[str, StoredTable]:
        """The staged tables of the file, by label."""
        found = [StoredTable.read(path) for path in sorted(self.submission.staged.glob("*.parquet"))]
        return {table.label: table for table in found if table.facts["columns"]}


@dataclass(frozen=True)
class StoredTable:
    """A staged table on the disk: its file, rows, and the metadata that stands there."""

    path: Path
    rows: int
    names: frozenset[str]
    facts: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> StoredTable:
        about = parquet.read_metadata(path)
        facts = json.loads(about.metadata[b"idbmigrate"])
        return cls(path, about.num_rows, frozenset(about.schema.to_arrow_schema().names), facts)

    @property
    def label(self) -> str:
        return self.facts["name"] or self.facts["source_name"]

    def raw(self, column: str) -> str | None:
        """The column of the file that holds a column as the file has it, ``None`` where it has none."""
        return self.facts["columns"].get(column)

    def clean(self, column: str) -> str | None:
        """The same for what queries read."""
        own = self.raw(column)
        return own + CLEAN if own is not None and own + CLEAN in self.names else own


@dataclass(frozen=True, repr=False)
class Unit:
    """The files of one provider in one data set.

    ``winners`` are those that win in their months, by month; ``others`` those that one of them replaces, with
    the number of that. Numbers go on from the one to the other.
    """

    provider: str
    dataset: str
    winners: tuple[StoredFile, ...]
    others: tuple[tuple[StoredFile, int], ...]

    def __repr__(self) -> str:
        return (
            f"<Unit {self.provider} {self.dataset}: {len(self.winners)} files, {len(self.others)} replaced>"
        )

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All files, by number."""
        return (*self.winners, *(file for file, _ in self.others))

    @property
    def labels(self) -> list[str]:
        """The tables that any file has."""
        return list(dict.fromkeys(label for file in self.files for label in file.tables))

    @cached_property
    def names(self) -> list[str]:
        """What each file is called, by number: its own name, with its digest where several have it."""
        own = [file_name(file.submission) for file in self.files]
        return [
            name if own.count(name) == 1 else f"{name} ({file.submission.sha256[:8]})"
            for name, file in zip(own, self.files, strict=True)
        ]


def file_name(submission: Submission) -> str:
    """The name of a file, without its folders; inside a zip, its name there."""
    places = sorted(submission.places)
    return (
        places[0].replace("!", "/").rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
        if places
        else submission.sha256[:12]
    )


def folder_names(found: Sequence[Unit]) -> list[str]:
    """A folder name for each unit: the provider's code, with the data set where the provider has several.

    The code is from a file: what no folder may be called is written otherwise.
    """
    providers = [unit.provider for unit in found]
    names: list[str] = []
    for unit in found:
        own = unit.provider if providers.count(unit.provider) == 1 else f"{unit.provider}-{unit.dataset}"
        safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-.") else "_" for sign in own)
        safe = f"_{safe}" if safe.startswith(".") or safe.split(".")[0].lower() in DEVICES else safe
        number = 1
        while (name := safe if number == 1 else f"{safe}_{number}").casefold() in map(str.casefold, names):
            number += 1
        names.append(name or "_")
    return names


def units(decisions: Iterable[Decision]) -> list[Unit]:
    """The units of an archive, by provider and data set; what nobody has decided is in none."""
    wins: dict[tuple[str, str], list[Submission]] = {}
    lost: dict[tuple[str, str], list[Decision]] = {}
    for each in decisions:
        key = (provider_of(each.submission), each.submission.dataset)
        if each.fate == "wins":
            wins.setdefault(key, []).append(each.submission)
        elif each.fate == "superseded":
            lost.setdefault(key, []).append(each)
    return [_unit(*key, wins[key], lost.get(key, ())) for key in sorted(wins)]


def _unit(provider: str, dataset: str, wins: Sequence[Submission], lost: Sequence[Decision]) -> Unit:
    ordered = sorted(wins, key=lambda each: (each.period or "", each.sha256))
    winners = tuple(StoredFile(number, each) for number, each in enumerate(ordered))
    numbers = {file.submission.sha256: file.number for file in winners}
    by_month = sorted(lost, key=lambda each: (each.submission.period or "", each.submission.sha256))
    others = tuple(
        (StoredFile(len(winners) + at, each.submission), numbers[each.by or ""])
        for at, each in enumerate(by_month)
    )
    return Unit(provider, dataset, winners, others)
