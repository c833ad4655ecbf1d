"""What an archive holds: one SQLite file, ``catalogue.sqlite``, and what can be told from it.

The catalogue is the truth; folders of staged files are added before it speaks of them and never change.
Every table is keyed by content, and nothing in it depends on the order or the time in which files were
added.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from idbmigrate.archive import decisions
from idbmigrate.archive.evidence import Evidence, Patterns, gather
from idbmigrate.archive.model import Submission
from idbmigrate.archive.originals import Found, Member, Original
from idbmigrate.archive.reading import Reading, staged_folder
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.exporters.whole import OWNER_ONLY_FILE

NAME = "catalogue.sqlite"
#: Of the tables below; a catalogue of another one is refused.
_VERSION = 1
_TABLES = f"""
PRAGMA user_version = {_VERSION};
-- every file once. verdict: NULL until it was read; readable, zip, broken, protected, unknown, linked,
-- other, refused.
-- facts: JSON, what it holds, or why it cannot be read. tried: with which settings it was read last.
CREATE TABLE file (
    sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL, verdict TEXT, facts TEXT, tried TEXT
) WITHOUT ROWID;
-- where a file was found on the disk: its absolute path, and the name to show, as the user gave it
CREATE TABLE place (path TEXT, sha256 TEXT, shown TEXT NOT NULL, PRIMARY KEY (path, sha256)) WITHOUT ROWID;
-- what a zip holds: sha256 is NULL for what was refused, problem says why
CREATE TABLE member (
    zip TEXT, name TEXT, sha256 TEXT, problem TEXT, PRIMARY KEY (zip, name)
) WITHOUT ROWID;
-- the user's patterns of paths
CREATE TABLE pattern (pattern TEXT PRIMARY KEY) WITHOUT ROWID;
-- folders that were written from the archive
CREATE TABLE output (path TEXT PRIMARY KEY) WITHOUT ROWID;
-- how two submissions of a provider and month differ, table by table; made anew from the staged files at need
CREATE TABLE difference (
    first TEXT, second TEXT, label TEXT, same INTEGER, changed INTEGER, only_first INTEGER, only_second
    INTEGER, PRIMARY KEY (first, second, label)
) WITHOUT ROWID;
"""
#: Verdicts of files that are no submission, whatever else they are.
NO_SUBMISSION = ("zip", "other", "refused")
_DEEPEST = 8


@dataclass(frozen=True)
class FileRow:
    """A file as the catalogue has it."""

    sha256: str
    bytes: int
    verdict: str | None
    facts: Mapping[str, Any]
    tried: str | None


def _row(found: tuple[str, int, str | None, str | None, str | None]) -> FileRow:
    sha256, size, verdict, facts, tried = found
    return FileRow(sha256, size, verdict, json.loads(facts) if facts else {}, tried)


class Catalogue:
    """The catalogue of an archive. A context manager; every method that writes is one transaction."""

    def __init__(self, archive: Path, *, create: bool = False):
        self.archive, path = archive, archive / NAME
        if not path.is_file() and not create:
            raise UsageError(
                "the folder is no archive",
                code="not-an-archive",
                where=str(archive),
                hint="idbmigrate archive add makes one",
            )
        if not path.exists():
            path.touch(mode=OWNER_ONLY_FILE)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(path, create)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, path: Path, create: bool) -> None:
        try:
            [(version,)] = self._db.execute("PRAGMA user_version")
            if version == 0 and create:
                self._db.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
                version = _VERSION
        except sqlite3.DatabaseError as error:
            raise SourceError("the catalogue cannot be read", code="damaged", where=str(path)) from error
        if version != _VERSION:
            raise UsageError(
                f"the catalogue is of version {version}, this program reads {_VERSION}",
                code="not-an-archive",
                where=str(path),
                hint="use the version of idbmigrate that made it",
            )

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *exc: object) -> None:
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # -- writing ---------------------------------------------------------------------------------

    def change_patterns(self, new: Iterable[str], dropped: Iterable[str]) -> None:
        """Keep patterns of the user's, and forget others. Raises ``UsageError`` for one that is not there."""
        gone = list(dropped)
        if unknown := [each for each in gone if each not in self.patterns()]:
            raise UsageError(
                f"the archive has no pattern {unknown[0]}",
                code="unknown-name",
                where="--drop-pattern",
                hint=f"it has {', '.join(self.patterns()) or 'none'}",
            )
        with self._writing() as db:
            db.executemany("DELETE FROM pattern WHERE pattern = ?", [(each,) for each in gone])
            db.executemany("INSERT OR IGNORE INTO pattern VALUES (?)", [(each,) for each in new])

    def add_place(self, found: Found, sha256: str, size: int) -> None:
        """Keep that these bytes lie there. Of two names for one place the fuller one is kept."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO file (sha256, bytes) VALUES (?, ?)", (sha256, size))
            db.execute(
                "INSERT INTO place VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET shown = excluded.shown "
                "WHERE (-length(excluded.shown), excluded.shown) < (-length(shown), shown)",
                (str(found.path), sha256, found.shown),
            )

    def add_members(self, zipped: str, members: Iterable[Member]) -> None:
        """Keep what a zip holds; its files are to be read then."""
        with self._writing() as db:
            for member in members:
                db.execute(
                    "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)",
                    (zipped, member.name, member.sha256, member.problem),
                )
                if member.sha256 is not None:
                    db.execute(
                        "INSERT OR IGNORE INTO file (sha256, bytes) VALUES (?, ?)",
                        (member.sha256, member.bytes),
                    )

    def set_zip(self, sha256: str, mark: str) -> None:
        """Keep that a zip, and every zip in it, was looked into to its end."""
        with self._writing() as db:
            db.execute("UPDATE file SET verdict = 'zip', tried = ? WHERE sha256 = ?", (mark, sha256))

    def add_reading(self, reading: Reading, mark: str) -> None:
        """Keep what became of a file; that of one that was readable stays."""
        facts = json.dumps(reading.facts, sort_keys=True)
        with self._writing() as db:
            db.execute(
                "UPDATE file SET verdict = ?, facts = ?, tried = ? "
                "WHERE sha256 = ? AND verdict IS NOT 'readable'",
                (reading.verdict, facts, mark, reading.sha256),
            )

    def add_output(self, folder: Path) -> None:
        """Keep that an output folder was written from the archive, for ``bag`` and ``verify``."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO output VALUES (?)", (os.path.abspath(folder),))

    def set_differences(self, rows: Iterable[tuple[Any, ...]], keep: Iterable[tuple[str, str]]) -> None:
        """Keep how submissions differ, and forget pairs that are none any more."""
        with self._writing() as db:
            db.executemany("INSERT OR REPLACE INTO difference VALUES (?, ?, ?, ?, ?, ?, ?)", list(rows))
            old = {(first, second) for first, second, *_ in self.differences()}
            gone = sorted(old - set(keep))
            db.executemany("DELETE FROM difference WHERE first = ? AND second = ?", gone)

    # -- reading ---------------------------------------------------------------------------------

    def files(self) -> list[FileRow]:
        """All files, by digest."""
        rows = self._db.execute("SELECT sha256, bytes, verdict, facts, tried FROM file ORDER BY sha256")
        return [_row(row) for row in rows]

    def file(self, sha256: str) -> FileRow | None:
        """One file; None where the catalogue does not know it."""
        query = "SELECT sha256, bytes, verdict, facts, tried FROM file WHERE sha256 = ?"
        return next(map(_row, self._db.execute(query, (sha256,))), None)

    def patterns(self) -> list[str]:
        """The user's patterns."""
        return [pattern for (pattern,) in self._db.execute("SELECT pattern FROM pattern ORDER BY pattern")]

    def members(self, zipped: str) -> list[str]:
        """The digests of what a zip holds."""
        query = "SELECT DISTINCT sha256 FROM member WHERE zip = ? AND sha256 IS NOT NULL ORDER BY sha256"
        return [sha256 for (sha256,) in self._db.execute(query, (zipped,))]

    def outputs(self) -> list[str]:
        """The output folders that were written from the archive."""
        return [path for (path,) in self._db.execute("SELECT path FROM output ORDER BY path")]

    def refused_members(self) -> list[tuple[str, str, str]]:
        """Zip, name and problem of each member that was not unpacked."""
        query = "SELECT zip, name, problem FROM member WHERE problem IS NOT NULL ORDER BY zip, name"
        return list(self._db.execute(query))

    def differences(self) -> list[tuple[str, str, str, int, int, int, int]]:
        """All rows of the table of differences."""
        return list(self._db.execute("SELECT * FROM difference ORDER BY first, second, label"))

    def shown_places(self) -> dict[str, list[str]]:
        """The names of the places of each file, ``!`` before a name inside a zip."""
        return {
            sha256: sorted({"!".join([shown, *names]) for shown, _, names in places})
            for sha256, places in self._places().items()
        }

    def originals(self) -> dict[str, list[Original]]:
        """Where the bytes of each file can be had, files on the disk first."""
        return {
            sha256: [original for _, original, _ in sorted(places, key=lambda p: (len(p[2]), p[0]))]
            for sha256, places in self._places().items()
        }

    def _places(self) -> dict[str, list[tuple[str, Original, list[str]]]]:
        """For each file: name on the disk, original and names inside, place by place, through all zips."""
        found: dict[str, list[tuple[str, Original, list[str]]]] = {}
        for path, sha256, shown in self._db.execute("SELECT path, sha256, shown FROM place"):
            found.setdefault(sha256, []).append((shown, Original(path), []))
        inside: dict[str, list[tuple[str, str]]] = {}
        for zipped, name, sha256 in self._db.execute(
            "SELECT zip, name, sha256 FROM member WHERE sha256 IS NOT NULL"
        ):
            inside.setdefault(zipped, []).append((name, sha256))
        level = {zipped: list(found.get(zipped, ())) for zipped in inside}
        for _ in range(_DEEPEST):
            deeper: dict[str, list[tuple[str, Original, list[str]]]] = {}
            for zipped, places in level.items():
                for name, sha256 in inside.get(zipped, ()):
                    for shown, original, names in places:
                        steps = (*original.inside, (zipped, name))
                        step = (shown, Original(original.path, steps), [*names, name])
                        found.setdefault(sha256, []).append(step)
                        deeper.setdefault(sha256, []).append(step)
            level = deeper
        return found


# -- what the files are ----------------------------------------------------------------------------


def submissions(archive: Path) -> list[Submission]:
    """The files of an archive that are, or may be, submissions, in the order of their SHA-256.

    What the user wrote into ``submissions.csv`` stands above what was found. Raises ``UsageError``
    (``not-an-archive``) for another folder, and ``bad-option`` for a line of the file that cannot be used.
    """
    with Catalogue(Path(archive)) as catalogue:
        return of_catalogue(catalogue)


def of_catalogue(catalogue: Catalogue, *, as_found: bool = False) -> list[Submission]:
    """The submissions of an open catalogue; ``as_found``, without what the user says of them."""
    return [submission for submission, _ in weighed(catalogue, as_found=as_found)]


def weighed(catalogue: Catalogue, *, as_found: bool = False) -> list[tuple[Submission, Evidence]]:
    """The submissions of an open catalogue, each with the evidence and what is not clear about it."""
    places = catalogue.shown_places()
    rows = [row for row in catalogue.files() if row.verdict and row.verdict not in NO_SUBMISSION]
    named = {row.sha256: places.get(row.sha256, []) for row in rows}
    decided = {} if as_found else decisions.load(catalogue.archive, named)
    patterns = Patterns(catalogue.patterns())
    codes = {
        code
        for row in rows
        for counts in row.facts.get("providers", {}).values()
        for code in counts
        if len(counts) == 1
    }
    found = []
    for row in rows:
        own, said = named[row.sha256], decided.get(row.sha256, {})
        evidence = gather(row.facts, own, patterns, said, codes)
        found.append((_submission(catalogue.archive, row, own, said, evidence), evidence))
    return found


def _submission(
    archive: Path, row: FileRow, places: list[str], decided: Mapping[str, str], evidence: Evidence
) -> Submission:
    facts = row.facts
    readable = row.verdict == "readable"
    problem = facts.get("message") if not readable else _doubts(facts)
    modified = facts.get("modified")
    return Submission(
        sha256=row.sha256,
        dataset=facts.get("dataset", ""),
        edition=facts.get("edition"),
        provider=evidence.provider,
        period=evidence.period,
        kind=evidence.kind,
        evidence=evidence.words,
        places=tuple(places),
        tables={line["label"]: line["rows"] for line in facts.get("tables", ())},
        staged=staged_folder(archive, row.sha256),
        cells=facts.get("cells", ""),
        modified=datetime.fromisoformat(modified) if modified else None,
        readable=readable,
        problem=problem,
        decided=decided,
    )


def _doubts(facts: Mapping[str, Any]) -> str | None:
    """What is wrong with a file that was read: what salvage left out, what nobody reads."""
    parts = [*facts.get("problems", ())[:3]]
    if len(facts.get("problems", ())) > len(parts):
        parts.append(f"{len(facts['problems']) - len(parts)} more contradictions")
    parts += [f"{line['table']}: {line['why']}" for line in facts.get("not_read", ())]
    return "; ".join(parts) or None
