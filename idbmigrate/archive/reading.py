"""One file of an archive, read once: its tables staged, and what it says about itself.

What was found is written beside the tables, as ``facts.json`` in the same folder, and the folder gets its
name (``staged/SHA256``) at the very end. Whoever finds a folder of that name need not read the file again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate import __version__
from idbmigrate.archive import originals
from idbmigrate.archive.cells import digest_of, table_digest
from idbmigrate.archive.traces import dates_by_month, headers, providers
from idbmigrate.conversion.unread import not_read
from idbmigrate.datasets import Dataset, Identification, Overlay, identify, load_dataset, load_overlay
from idbmigrate.datasets.links import linked_tables, require_none
from idbmigrate.errors import IdbmigrateError, SourceError
from idbmigrate.exporters import publish
from idbmigrate.exporters.whole import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, sync_folder
from idbmigrate.readers import Idb, open_idb
from idbmigrate.staging.stored import save
from idbmigrate.staging.tables import StagedTable, each_staged

FACTS = "facts.json"
#: error code -> verdict; any other is ``broken``
_VERDICTS = {
    "password-needed": "protected",
    "wrong-password": "protected",
    "unknown-dataset": "unknown",
    "ambiguous-names": "unknown",
    "linked-tables": "linked",
    "not-access": "other",
    "csv-missing": "other",
    "zip-refused": "refused",
}
#: What to do about a file of each verdict.
NEXT_STEPS = {
    "broken": "copy the file again, or let Access compact and repair a copy; or add it with --salvage",
    "protected": "add it again with --password-file, or set IDBMIGRATE_PASSWORD",
    "unknown": "name the data set with --source, or bind its names with --overlay, and add it again",
    "linked": "add the back-end file that holds the tables",
    "other": "nothing, where it is no submission; else export it from Access anew",
    "refused": "unpack the file by hand, look at it, and add what it holds",
}


@dataclass(frozen=True)
class Settings:
    """How files are read: what the user says of their passwords and names, and whether damage is left out."""

    passwords: tuple[str, ...] = field(default=(), repr=False)
    overlays: tuple[str, ...] = ()
    source: str | None = None
    salvage: bool = False

    def mark(self) -> str:
        """What of it can change a verdict, and the version of the program; no password."""
        files = ",".join(publish.sha256(path)[:16] for path in self.overlays)
        return f"{__version__} source={self.source or ''} salvage={self.salvage:d} overlays={files}"


@dataclass(frozen=True)
class Task:
    """A file to read: its digest, the places where its bytes may be had, its size."""

    archive: Path
    sha256: str
    places: tuple[originals.Original, ...]
    bytes: int
    settings: Settings


@dataclass(frozen=True)
class Reading:
    """What became of a file: its verdict, and its facts as ``facts.json`` has them, or its error."""

    sha256: str
    verdict: str
    facts: dict[str, Any]


def staged_folder(archive: Path, sha256: str) -> Path:
    """The folder of a file's staged tables."""
    return archive / "staged" / sha256


def read_file(task: Task) -> Reading:
    """Read and stage a file, or find it staged; what is wrong with the file is its verdict, not an error.

    Raises :class:`~idbmigrate.archive.originals.Gone` where none of its places holds the bytes any more.
    """
    target = staged_folder(task.archive, task.sha256)
    if target.is_dir():
        return Reading(task.sha256, "readable", json.loads((target / FACTS).read_text(encoding="utf-8")))
    with originals.at_hand(task.archive, task.sha256, task.places) as path:
        if originals.is_zip(path):  # a call was stopped before it looked into it, and its zip is gone
            raise originals.Gone
        try:
            with _folder(target) as part:
                facts = _stage(path, part, task.settings)
        except IdbmigrateError as error:
            return Reading(task.sha256, _VERDICTS.get(error.code, "broken"), _as_facts(error, path, task))
    return Reading(task.sha256, "readable", facts)


def _as_facts(error: IdbmigrateError, path: Path, task: Task) -> dict[str, Any]:
    """The error as the catalogue keeps it: the place inside the file, and no name of a scratch file."""
    verdict = _VERDICTS.get(error.code, "broken")
    where = (error.where or "").replace(str(path), "").replace(path.name, "").strip(": ")
    hint = NEXT_STEPS[verdict]
    if verdict == "unknown" and error.hint and ";" in error.hint:
        hint += error.hint[error.hint.index(";") :]
    return {"error": error.code, "message": error.message, "where": where or None, "hint": hint}


@contextmanager
def _folder(target: Path) -> Iterator[Path]:
    """A folder to write into that becomes ``target`` when it is whole and on the disk."""
    part = originals.scratch(target.parent.parent) / f"{target.name}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=OWNER_ONLY_FOLDER)
    try:
        yield part
        sync_folder(part)
        if not target.exists():  # nobody has been quicker
            publish.rename(part, target)
            sync_folder(target.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _stage(path: Path, folder: Path, settings: Settings) -> dict[str, Any]:
    overlay = load_overlay(*settings.overlays) if settings.overlays else None
    with _opened(path, settings) as idb:
        found = _identified(idb, overlay, settings.source)
        dataset = load_dataset(found.dataset)
        facts = {
            "dataset": found.dataset,
            "edition": found.version,
            "confidence": found.confidence,
            "identified_by": list(found.evidence),
            "naming": naming(found),
            "reader": {"name": idb.reader, "version": __version__, "salvage": settings.salvage},
            "arrow": pa.__version__,
            "overlays": [publish.sha256(file) for file in settings.overlays],
            "modified": _modified(idb),
            "linked": sorted(linked_tables(idb.linked_tables, dataset, overlay)),
            **_tables(idb, found, dataset, folder, overlay),
            "problems": [f"{problem.where}: {problem.message}" for problem in idb.problems],
        }
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=True)
    (folder / FACTS).write_bytes(text.encode())
    publish.digest_files({FACTS: folder / FACTS})
    (folder / FACTS).chmod(OWNER_ONLY_FILE)
    return facts


def _tables(
    idb: Idb, found: Identification, dataset: Dataset, folder: Path, overlay: Overlay | None
) -> dict[str, Any]:
    """Stage table after table, one in memory at a time."""
    seen: dict[str, StagedTable] = {}
    tables: list[dict[str, Any]] = []
    cells: dict[str, str] = {}
    months: dict[str, dict[str, int]] = {}
    owners: dict[str, dict[str, int]] = {}
    said: dict[str, list[str]] = {}
    for table in each_staged(idb, found, dataset):
        nothing = table.raw.schema.empty_table()
        seen[table.label] = replace(table, raw=nothing, clean=nothing, ids=None)
        if not table.columns:
            continue  # the file does not have it
        unknown = sum(line["known"] is False for line in tables)
        file = folder / (f"{table.name}.parquet" if table.name else f"_{unknown + 1}.parquet")
        save(table, file)
        digest = publish.digest_files({file.name: file})[file.name]
        file.chmod(OWNER_ONLY_FILE)
        values = sum(len(column) - column.null_count for column in table.raw.columns)
        tables.append(
            {
                "label": table.label,
                "name": table.source_name,
                "known": table.name is not None,
                "rows": table.raw.num_rows,
                "values": values,
                "columns": [name for name in table.columns if name not in table.unknown],
                "unknown": list(table.unknown),
                "file": file.name,
                **digest,
            }
        )
        if values:
            cells[table.label] = table_digest(table.raw.select(table.columns))
        months |= dates_by_month(table, dataset)
        owners |= providers(table, dataset)
        for name, values_of in headers(table).items():
            said[name] = sorted({*said.get(name, ()), *values_of})
    return {
        "tables": tables,
        "cells": digest_of(cells),
        "months": months,
        "providers": owners,
        "header": said,
        "not_read": not_read(idb, seen, dataset, overlay),
    }


@contextmanager
def _opened(path: Path, settings: Settings) -> Iterator[Idb]:
    """The file, opened with the first of the passwords that fits."""
    with _open(path, settings) as idb:
        yield idb


def _open(path: Path, settings: Settings) -> Idb:
    try:
        return open_idb(path, salvage=settings.salvage)
    except SourceError as error:
        if error.code not in ("password-needed", "wrong-password"):
            raise
    for password in settings.passwords:
        try:
            return open_idb(path, password=password, salvage=settings.salvage)
        except SourceError as error:
            if error.code != "wrong-password":
                raise
    tried = f"none of {len(settings.passwords)} passwords opens it" if settings.passwords else ""
    raise SourceError(
        tried or "the file is protected, and no password was given",
        code="wrong-password" if tried else "password-needed",
    )


def _identified(idb: Idb, overlay: Overlay | None, source: str | None) -> Identification:
    """What the file is; a file that only links to tables of a data set is not read."""
    links = idb.linked_tables
    try:
        found = identify({name: idb.columns(name) for name in idb.tables}, overlay, source)
    except SourceError as error:
        if error.code == "unknown-dataset":
            require_none(links, None, overlay, "")
        raise
    require_none(links, load_dataset(found.dataset), overlay, "")
    return found


def naming(found: Identification) -> str:
    """How the supplier names things: the pattern of the tables' names, and the case of the columns'."""
    patterns: dict[str, int] = {}
    upper = total = 0
    for table in found.tables:
        if table.canonical is None:
            continue
        pattern = re.sub(re.escape(table.canonical), "*", table.source, flags=re.IGNORECASE)
        patterns[pattern] = patterns.get(pattern, 0) + 1
        names = [column.source for column in table.columns if column.canonical]
        total += len(names)
        upper += sum(name == name.upper() for name in names)
    best = max(sorted(patterns), key=patterns.__getitem__, default="")
    case = "capitals" if upper == total else "mixed case"
    return f"{best}, columns in {case}" if best else ""


def _modified(idb: Idb) -> str | None:
    """When the file's own catalogue says that a table was last changed, as ISO text; None if it does not."""
    try:
        objects = idb.read("MSysObjects", ["Name", "DateUpdate"])
    except Exception:  # another reader, a catalogue of another shape: there is no evidence then
        return None
    own = objects.filter(pc.is_in(objects["Name"], value_set=pa.array(idb.tables, pa.string())))
    latest = pc.max(own["DateUpdate"]).cast(pa.string()).as_py()
    return f"{latest[:10]}T{latest[11:19]}" if latest else None
