"""The files of a source that is a folder of CSV, or a zip of such a folder; nothing is unpacked to a disk.

A zip is somebody else's file: how much it unpacks to, how many entries it has and how their names look is
bounded before a byte of an entry is read. What lies beside the tables is not read, and told.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypedDict

from idbmigrate.errors import SourceError

#: Endings of the names of tables, in any letter case.
SUFFIXES = (".csv", ".tsv", ".psv")
#: Bytes of one table and of all tables together, entries of a zip, and how often a zip may shrink a table.
MAX_TABLE, MAX_ALL, MAX_ENTRIES, MAX_RATIO = 4 << 30, 8 << 30, 2000, 300
#: A smaller table may shrink as it likes: it fills no memory.
_SMALL = 16 << 20
#: Files that systems lay beside others.
_NOISE = ("__macosx", "thumbs.db", "desktop.ini", "readme.txt", "manifest.json")
_DIRECTORY, _LINK, _ENCRYPTED = 0x10, stat.S_IFLNK, 0x1
_UNPACK_HINT = "look at what the zip holds, unpack it, and name the folder"


class FileDigest(TypedDict):
    """One file of a source: its name in the folder or zip, size in bytes, SHA-256 in hex."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableFile:
    """A file that holds one table: its ``table`` name, its ``name`` for errors, its bytes when asked."""

    table: str
    name: str
    size: int
    load: Callable[[int | None], bytes] = field(repr=False)


@dataclass(frozen=True)
class Source:
    """The tables of a source in the order of their names, and the other files that nobody reads."""

    tables: tuple[TableFile, ...]
    others: tuple[str, ...]
    close: Callable[[], None] = field(repr=False)


def is_csv_source(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is a folder, or a file that begins as a zip does: a source of CSV, not of Access."""
    place = Path(path)
    if place.is_dir():
        return True
    try:
        with open(place, "rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False  # whoever opens it says why


def open_source(path: str | os.PathLike[str], password: str | None = None) -> Source:
    """List the tables of a folder or a zip. Raises SourceError, such as ``zip-refused``."""
    place = Path(path)
    source = _folder(place) if place.is_dir() else _zip(place, password)
    try:
        _check(source, place.name)
    except BaseException:
        source.close()
        raise
    return source


def source_digest(path: str | os.PathLike[str]) -> tuple[str, int, list[FileDigest]]:
    """SHA-256 of a folder of CSV, its bytes, and the digest of each table file.

    That of the folder is the SHA-256 of the lines ``digest  name`` of its table files, by name: what
    ``sha256sum *.csv | sha256sum`` prints where all names end so.
    """
    found: list[FileDigest] = []
    for name in sorted(_listed(Path(path))[0]):
        digest, size = hashlib.sha256(), 0
        with open(Path(path) / name, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
                size += len(piece)
        found.append({"file": name, "bytes": size, "sha256": digest.hexdigest()})
    lines = "".join(f"{each['sha256']}  {each['file']}\n" for each in found)
    return hashlib.sha256(lines.encode()).hexdigest(), sum(each["bytes"] for each in found), found


def _check(source: Source, name: str) -> None:
    """Refuse what holds no table, too much, or two files for one table."""
    if not source.tables:
        raise SourceError(
            "there is no CSV file in it",
            code="csv-missing",
            where=name,
            hint="name the folder or zip whose files are tables, such as Person.csv",
        )
    seen: dict[str, str] = {}
    for each in source.tables:
        other = seen.setdefault(each.table.casefold(), each.name)
        if other != each.name:
            raise SourceError(
                f"{other} and {each.name} are both the table {each.table}",
                code="ambiguous-names",
                where=name,
                hint="take one of them away, or give it another name",
            )
        if each.size > MAX_TABLE:
            raise _too_much(name, f"{each.name} has {each.size:,} bytes; at most {MAX_TABLE:,} are read")
    if (size := sum(each.size for each in source.tables)) > MAX_ALL:
        raise _too_much(name, f"its tables have {size:,} bytes; at most {MAX_ALL:,} are read")


def _too_much(where: str, message: str) -> SourceError:
    return SourceError(message, code="csv-too-large", where=where, hint="split it by month or by provider")


# -- folders ---------------------------------------------------------------------------------------


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the table files of a folder, and of all else that lies in it."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise SourceError("it may not be read", code="not-readable", where=folder.name) from error
    shown = [name for name in names if not _hidden(name)]
    tables = [name for name in shown if _is_table(name) and (folder / name).is_file()]
    return tables, [name for name in shown if name not in tables]


def _folder(folder: Path) -> Source:
    tables, others = _listed(folder)

    def load(name: str) -> Callable[[int | None], bytes]:
        def read(limit: int | None) -> bytes:
            try:
                with open(folder / name, "rb") as file:
                    return file.read(-1 if limit is None else limit)
            except OSError as error:
                raise SourceError("it may not be read", code="not-readable", where=name) from error

        return read

    files = [TableFile(Path(n).stem, n, (folder / n).stat().st_size, load(n)) for n in tables]
    return Source(tuple(files), tuple(others), lambda: None)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _NOISE


def _is_table(name: str) -> bool:
    return name.casefold().endswith(SUFFIXES)


# -- zips ------------------------------------------------------------------------------------------


def _zip(path: Path, password: str | None) -> Source:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise SourceError("it may not be read", code="not-readable", where=path.name) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _damaged(path.name) from None
    try:
        entries = [each for each in archive.infolist() if not each.is_dir()]
        if len(entries) > MAX_ENTRIES:
            raise _refused(path, f"it has {len(entries):,} entries; at most {MAX_ENTRIES:,} are accepted")
        tables = [each for each in entries if _is_table(each.filename) and not _noise(each.filename)]
        for each in tables:
            _check_entry(path, each, password)
        folders = sorted({str(PurePosixPath(each.filename).parent) for each in tables})
        if len(folders) > 1:
            raise _refused(path, f"it has tables in more than one folder: {_some(folders)}")
    except BaseException:
        archive.close()
        raise
    chosen = {each.filename for each in tables}
    others = [e.filename for e in entries if e.filename not in chosen and not _noise(e.filename)]
    files = [_entry(archive, path.name, each, password) for each in tables]
    return Source(tuple(sorted(files, key=lambda file: file.name)), tuple(sorted(others)), archive.close)


def _noise(name: str) -> bool:
    return any(_hidden(part) for part in PurePosixPath(name).parts if part != "..")


def _check_entry(path: Path, entry: zipfile.ZipInfo, password: str | None) -> None:
    """Refuse a name that leads elsewhere, a link, what unpacks to too much, what is protected."""
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    mode = entry.external_attr >> 16
    if ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0]:
        raise _refused(path, "the name of an entry leads out of the zip")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise _refused(path, "an entry is a link or a device")
    if entry.file_size > _SMALL and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise _refused(path, f"an entry unpacks to more than {MAX_RATIO} times its size")
    if entry.flag_bits & _ENCRYPTED and password is None:
        raise SourceError("the zip is protected by a password", code="password-needed", where=path.name)


def _entry(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, password: str | None) -> TableFile:
    shown = PurePosixPath(entry.filename)

    def read(limit: int | None) -> bytes:
        try:
            with archive.open(entry, pwd=password.encode() if password else None) as file:
                # zipfile ends at the size that the entry declares, which was bounded
                return file.read(entry.file_size if limit is None else limit)
        except RuntimeError:
            raise SourceError(
                "the password is not that of the zip", code="wrong-password", where=name
            ) from None
        except NotImplementedError:
            raise _refused(Path(name), "an entry is packed or protected in a way that is not read") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            raise _damaged(name) from None

    return TableFile(shown.stem, shown.name, entry.file_size, read)


def _refused(path: Path, message: str) -> SourceError:
    return SourceError(message, code="zip-refused", where=path.name, hint=_UNPACK_HINT)


def _damaged(name: str) -> SourceError:
    return SourceError(
        "the zip is damaged", code="damaged", where=name, hint="copy it again from where it came"
    )


def _some(names: Iterable[str], shown: int = 4) -> str:
    listed = list(names)
    return ", ".join(listed[:shown]) + (" and others" if len(listed) > shown else "")
