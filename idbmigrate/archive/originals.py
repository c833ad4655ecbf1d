"""The original files: finding them in folders and zips, and having their bytes at hand again.

Nothing is ever written beside an original. What a zip holds is unpacked into a scratch folder of the
archive, under the digest of its bytes, so that no name inside a zip becomes a name on the disk.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from idbmigrate.errors import SourceError
from idbmigrate.exporters import publish
from idbmigrate.exporters.whole import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER
from idbmigrate.readers.csv_files import SUFFIXES, source_digest

_PIECE = 1 << 20
#: Zips inside zips are opened so deep; a file inside more is refused.
DEPTH = 3
#: Bytes that one zip may unpack to, with all the zips inside it, unless the user allows more.
UNPACKED = 20 * 10**9
#: A member that unpacks to more than this many times its size is refused, once it is larger than ``_SMALL``.
RATIO = 400
_SMALL = 64 << 20
#: Members that one zip may have.
MEMBERS = 100_000
#: Names that nobody means: of the system, and Access's notes of who has a file open.
_NOT_MEANT = ("~$", ".")
_LOCKS = (".ldb", ".laccdb")
#: A zip with one of these is looked into, though it has tables, too.
_OPENED = (".mdb", ".accdb", ".mde", ".accde", ".zip")
_OFFICE = "[Content_Types].xml"


class Gone(Exception):
    """None of the places of a file holds its bytes any more."""


class Refused(Exception):
    """What a zip holds is not unpacked; the text says why."""


@dataclass(frozen=True)
class Found:
    """A file on the disk: its absolute path, and the name to show, as the user gave it."""

    path: Path
    shown: str


@dataclass(frozen=True)
class Member:
    """A file inside a zip: its name there and its digest, or the ``problem`` for which it was refused."""

    name: str
    sha256: str | None
    bytes: int
    problem: str | None = None
    is_zip: bool = False


@dataclass(frozen=True)
class Original:
    """Where the bytes of a file can be had: a file on the disk, or inside it, zip after zip.

    ``inside`` gives for each step the digest of the zip and the name in it.
    """

    path: str
    inside: tuple[tuple[str, str], ...] = ()


def find(paths: Iterable[str | os.PathLike[str]], archive: Path) -> Iterator[Found]:
    """The files that the user means, each once: files, what lies below folders, what a pattern matches.

    A folder of CSV files counts as one file, beside what else lies in it.

    Raises ``SourceError`` (``not-found``) for a path that leads to nothing. Links to folders are not
    followed; the archive itself is left out.
    """
    seen: dict[Path, str] = {}
    own = archive.resolve()
    for given in paths:
        text = os.fspath(given)
        if os.path.lexists(text):
            matched = [text]
        else:
            matched = sorted(glob.glob(text, recursive=True))
        if not matched:
            raise SourceError("no such file or folder", code="not-found", where=text)
        for each in matched:
            for path in _below(Path(each), own):
                place = Path(os.path.abspath(path))
                shown = path.as_posix()
                if place not in seen or _fuller(shown, seen[place]):
                    seen[place] = shown
    yield from (Found(path, seen[path]) for path in sorted(seen))


def _fuller(one: str, other: str) -> bool:
    return (-len(one), one) < (-len(other), other)


def _below(path: Path, archive: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if n[0] != "." and (here / n).resolve() != archive)
        if here.resolve() != archive:
            shown = [name for name in sorted(files) if meant(name) and (here / name).is_file()]
            if any(map(is_table, shown)):
                yield here
            yield from (here / name for name in shown if not is_table(name))


def meant(name: str) -> bool:
    """Whether a file of this name can be what the user means."""
    lower = name.lower()
    return not lower.startswith(_NOT_MEANT) and not lower.endswith(_LOCKS) and lower != "thumbs.db"


def is_table(name: str) -> bool:
    """Whether a file of this name is a table of a folder of CSV: the folder is the submission then."""
    return name.lower().endswith(SUFFIXES)


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file; of a folder of CSV those of its tables, as ``convert`` names it."""
    if path.is_dir():
        return source_digest(path)[:2]
    return publish.sha256(path), path.stat().st_size


def is_zip(path: Path) -> bool:
    """Whether a file is a zip to look into: none of CSV, which is read as it is, and no office document."""
    if path.is_dir():
        return False
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"PK":
                return False
        with zipfile.ZipFile(path) as opened:
            names = opened.namelist()
            tables_alone = any(map(is_table, names)) and not any(n.lower().endswith(_OPENED) for n in names)
            return _OFFICE not in names and not tables_alone
    except zipfile.BadZipFile:
        return path.suffix.lower() == ".zip"
    except OSError:
        return False


# -- inside zips -----------------------------------------------------------------------------------


class Unpacking:
    """The bound on what one zip on the disk may unpack to, with all inside it."""

    def __init__(self, most: int):
        self.most, self.left = most, most

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Refused(f"it unpacks to more than {self.most:,} bytes: allow more with --unpack-limit")


def look_inside(path: Path, bound: Unpacking, depth: int, folder: Path) -> list[Member]:
    """The files inside a zip, by name, hashed; zips among them are unpacked into ``folder`` by their digest.

    Raises :class:`Refused` where the zip as a whole is not to be unpacked or cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
            if len(infos) > MEMBERS:
                raise Refused(f"it holds more than {MEMBERS:,} files")
            members = [
                _look_at(opened, info, bound, depth, folder)
                for info in infos
                if meant(re.split(r"[/\\]", info.filename)[-1]) and not info.filename.startswith("__MACOSX/")
            ]
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise Refused("it cannot be read as a zip") from error
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        raise Refused("two of its files have the same name")
    return sorted(members, key=lambda member: member.name)


def _look_at(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo, bound: Unpacking, depth: int, folder: Path
) -> Member:
    problem = _unsafe(info)
    if problem:
        return Member(info.filename, None, info.file_size, problem)
    try:
        with _unpacked(opened, info, bound, folder) as (part, digest):
            nested = is_zip(part)
            if nested and depth >= DEPTH:
                problem = f"a zip inside {DEPTH} others"
                return Member(info.filename, None, info.file_size, problem)
            if nested:
                os.replace(part, folder / digest)
            return Member(info.filename, digest, info.file_size, is_zip=nested)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return Member(info.filename, None, info.file_size, "its packed bytes are damaged")
    except RuntimeError:  # what zipfile raises for a password
        return Member(info.filename, None, info.file_size, "the zip is protected by a password")


def _unsafe(info: zipfile.ZipInfo) -> str | None:
    """Why a member is not even looked at; None where it may be."""
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or (parts and ":" in parts[0]):
        return "its name leads out of the zip"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link"
    if info.flag_bits & 1:
        return "the zip is protected by a password"
    if info.file_size > max(_SMALL, RATIO * info.compress_size):
        return f"it unpacks to more than {RATIO} times its size"
    return None


@contextmanager
def _unpacked(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo, bound: Unpacking, folder: Path
) -> Iterator[tuple[Path, str]]:
    """A member unpacked into a file of the folder, with its digest; the file is gone afterwards."""
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as out, opened.open(info) as packed:
            digest = _copy(packed, out, bound)
        yield Path(name), digest
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes], bound: Unpacking | None = None) -> str:
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        if bound is not None:
            bound.take(len(piece))
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


# -- the bytes again -------------------------------------------------------------------------------


def scratch(archive: Path) -> Path:
    """The folder of the archive for what is under way; it is emptied by the next call."""
    folder = archive / "scratch"
    folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    return folder


@contextmanager
def at_hand(archive: Path, sha256: str, places: Iterable[Original]) -> Iterator[Path]:
    """A file on the disk that holds these bytes: the original itself, or a copy out of a zip for the while.

    Raises :class:`Gone` where no place holds them any more: they are hashed again before they are read.
    """
    folder = Path(tempfile.mkdtemp(dir=scratch(archive)))
    try:
        path = next((path for place in places if (path := _bytes_of(archive, place, sha256, folder))), None)
        if path is None:
            raise Gone
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bytes_of(archive: Path, place: Original, sha256: str, folder: Path) -> Path | None:
    """A file with this digest, taken from a place; None where it is not there, or holds other bytes."""
    try:
        path = _out_of_zips(archive, place, folder) if place.inside else Path(place.path)
        return path if digest(path)[0] == sha256 else None
    except (OSError, SourceError, zipfile.BadZipFile, KeyError, zlib.error, EOFError, RuntimeError):
        return None


def _out_of_zips(archive: Path, place: Original, folder: Path) -> Path:
    """The last of the steps, unpacked; zips that are unpacked already are taken as they are."""
    path, steps = Path(place.path), list(place.inside)
    for number in range(len(steps) - 1, 0, -1):
        if (kept := scratch(archive) / steps[number][0]).is_file():
            path, steps = kept, steps[number:]
            break
    for number, (_, name) in enumerate(steps):
        target = folder / f"{number}{PurePosixPath(name).suffix[:8]}"
        with zipfile.ZipFile(path) as opened, opened.open(name) as packed, open(target, "wb") as out:
            _copy(packed, out)
        target.chmod(OWNER_ONLY_FILE)
        path = target
    return path
