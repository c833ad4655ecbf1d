"""An output folder that appears whole or not at all.

Files are written to a hidden folder beside the place that was asked for, brought to the disk, and the
folder is renamed at the very end. Whatever goes wrong before leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypedDict

from idbmigrate.concurrency import workers
from idbmigrate.errors import IdbmigrateError, OutputError
from idbmigrate.exporters import leftovers
from idbmigrate.exporters.whole import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, sync_folder, usual_mode

#: the file that every published folder holds; what has none was not written by us
MANIFEST = "manifest.json"

_WRITE_FAULTS = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Digest(TypedDict):
    """A file that is complete and on the disk: its size in bytes and SHA-256 in hex."""

    bytes: int
    sha256: str


class Folder:
    """Context manager that gives a folder to write into and publishes it as ``out`` at the end.

    >>> with Folder("out") as folder:                   # doctest: +SKIP
    ...     (folder / "manifest.json").write_text("{}")

    With ``overwrite`` a folder of that name is replaced, and removed only when the new one is in its
    place; one that holds no ``manifest.json`` and is not empty is not ours and is refused, as is one
    that holds one of the ``sources``. Only its owner may read the folder, unless ``readable_by_others``. What
    runs that were killed left beside it is removed, and ``notice`` is told so. Raises OutputError
    ``output-exists`` or ``output-failed``.
    """

    def __init__(
        self,
        out: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        sources: Iterable[str | os.PathLike[str]] = (),
        readable_by_others: bool = False,
        notice: Callable[[str], None] = lambda message: None,
    ):
        self.out = Path(os.path.abspath(out))
        self.overwrite, self.readable_by_others = overwrite, readable_by_others
        self._sources = [Path(source).resolve() for source in sources]
        self._made: list[Path] = []
        self._names = leftovers.HiddenNames(self.out)
        self._part = self._names.part
        for words in leftovers.clear(self.out.parent):
            notice(words)
        self._check_place()

    def __enter__(self) -> Path:
        with self._as_output_error():
            self._make_parents()
            try:
                self._names.claim()
                self._part.mkdir(mode=OWNER_ONLY_FOLDER)
            except OSError:
                self._forget()
                raise
        return self._part

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._forget()
            if isinstance(error, OSError) and self._is_ours(error):
                raise self._failed(error) from error
            return
        try:
            with self._as_output_error():
                _to_disk(self._part, self.readable_by_others)
                self._check_place()
                self._swap()
        except BaseException:
            self._forget()
            raise
        self._names.release()

    def _check_place(self) -> None:
        if not os.path.lexists(self.out):
            return
        if not self.overwrite:
            raise self._exists("it exists already", "choose another --out, or replace it with --overwrite")
        if self.out.is_symlink() or not self.out.is_dir():
            raise self._exists("it is not a folder", "choose another --out")
        if not (self.out / MANIFEST).is_file() and any(self.out.iterdir()):
            raise self._exists("idbmigrate did not write that folder", "choose another --out")
        if any(source.is_relative_to(self.out.resolve()) for source in self._sources):
            raise self._exists("the source lies in that folder", "choose another --out")

    def _exists(self, message: str, hint: str) -> OutputError:
        return OutputError(message, code="output-exists", where=str(self.out), hint=hint)

    def _make_parents(self) -> None:
        missing = [place for place in self._part.parents if not place.exists()]
        for place in reversed(missing):
            place.mkdir()
            self._made.append(place)

    def _swap(self) -> None:
        """Put the new folder in its place; the old one goes last, and comes back if that fails."""
        if not os.path.lexists(self.out):
            rename(self._part, self.out)
        else:
            old = self._names.old
            rename(self.out, old)
            try:
                rename(self._part, self.out)
            except BaseException:
                rename(old, self.out)
                raise
            shutil.rmtree(old, ignore_errors=True)
        sync_folder(self.out.parent)

    def _forget(self) -> None:
        shutil.rmtree(self._part, ignore_errors=True)
        self._names.release()
        for place in reversed(self._made):
            with contextlib.suppress(OSError):  # somebody else has put something there
                place.rmdir()

    def _is_ours(self, error: OSError) -> bool:
        """Whether an error came from writing here, not from reading the source."""
        if error.errno in _WRITE_FAULTS:
            return True
        name = error.filename
        return isinstance(name, (str, os.PathLike)) and Path(name).is_relative_to(self._part)

    @contextlib.contextmanager
    def _as_output_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> IdbmigrateError:
        reason = os.strerror(error.errno).lower() if error.errno else "the system refused it"
        return OutputError(
            f"cannot write: {reason}",
            code="output-failed",
            where=str(self.out),
            hint="free some space there or allow writing to it, or choose another place with --out",
        )


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a folder and its folders, by their relative names with forward slashes, in order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): file for file in files}


class DigestWriter:
    """Opens files of a folder that are hashed while they are written, and on the disk when closed.

    ``digests``: size and SHA-256 of those that are complete, by relative name. Once ``stop`` is set,
    whoever writes to one of them gets ``CancelledError``.
    """

    def __init__(self, folder: Path, stop: threading.Event | None = None):
        self.folder, self.stop = folder, stop or threading.Event()
        self.digests: dict[str, Digest] = {}

    @contextlib.contextmanager
    def open(self, path: Path) -> Iterator[_Hashed]:
        with open(path, "wb") as file:
            hashed = _Hashed(file, self.stop)
            yield hashed
            file.flush()
            os.fsync(file.fileno())
        digest: Digest = {"bytes": hashed.size, "sha256": hashed.digest.hexdigest()}
        self.digests[path.relative_to(self.folder).as_posix()] = digest


class _Hashed(io.RawIOBase):
    def __init__(self, file: BinaryIO, stop: threading.Event):
        super().__init__()
        self.file, self.stop, self.digest, self.size = file, stop, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        if self.stop.is_set():
            raise CancelledError
        self.file.write(content)
        self.digest.update(content)
        count = memoryview(content).nbytes
        self.size += count
        return count


def digest_files(files: Mapping[str, Path]) -> dict[str, Digest]:
    """Size and SHA-256 of files that are complete, by name; they are on the disk then."""
    with workers(4) as pool:
        return dict(zip(files, pool.map(_digest, files.values()), strict=True))


def _digest(file: Path) -> Digest:
    _sync_file(file)
    return {"bytes": file.stat().st_size, "sha256": sha256(file)}


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file in hex, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_manifest(
    folder: Path, content: Mapping[str, object], known: Mapping[str, Digest] | None = None
) -> dict[str, Digest]:
    """Write ``manifest.json`` with the digests of everything in the folder, and return those.

    ``known`` are the digests of files that need not be read again. Same content, same bytes: keys are
    sorted, and nothing is added but ``outputs``.
    """
    files, done = files_of(folder), known or {}
    found = {**done, **digest_files({name: file for name, file in files.items() if name not in done})}
    outputs = {name: found[name] for name in files}
    text = json.dumps({**content, "outputs": outputs}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_bytes(text.encode())
    return outputs


def _to_disk(folder: Path, readable_by_others: bool) -> None:
    """Bring files and directory entries to the disk, so that a rename never outlives its content.

    Only the owner may read them, unless ``readable_by_others``.
    """
    files = list(files_of(folder).values())
    with workers(8) as pool:
        list(pool.map(_sync_file, files))
    for file in files:
        file.chmod(usual_mode(0o666) if readable_by_others else OWNER_ONLY_FILE)
    for place in [*sorted(path for path in folder.rglob("*") if path.is_dir()), folder]:
        place.chmod(usual_mode(0o777) if readable_by_others else OWNER_ONLY_FOLDER)
        sync_folder(place)


def _sync_file(path: Path) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def rename(old: Path, new: Path) -> None:
    """Rename a folder; on Windows wait a moment for scanners that still look into it."""
    for wait in (0.1, 0.2, 0.4, 0.8) if os.name == "nt" else ():
        try:
            return os.rename(old, new)
        except PermissionError:
            time.sleep(wait)
    os.rename(old, new)
