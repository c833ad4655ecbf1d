"""Adding files to an archive: find them, hash them, look into zips, and read what is new, once."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from idbmigrate.archive import decisions, originals, page
from idbmigrate.archive.catalogue import Catalogue, FileRow, of_catalogue
from idbmigrate.archive.differences import compare_all
from idbmigrate.archive.names import Patterns
from idbmigrate.archive.overview import not_read, overview
from idbmigrate.archive.reading import NEXT_STEPS, Reading, Settings, Task, read_file
from idbmigrate.concurrency import workers
from idbmigrate.errors import OutputError, SourceError, UsageError
from idbmigrate.exporters import publish
from idbmigrate.exporters.whole import OWNER_ONLY_FOLDER
from idbmigrate.processes import ProcessEnded, each_in_processes, require_main

#: Bytes of files that are read at the same time, over all processes; a larger file is read alone.
AT_ONCE = 300 << 20
_LOCK = ".lock"
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
#: Verdicts that another try with other settings may change.
_AGAIN = ("broken", "protected", "unknown", "linked")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Added:
    """What a call of :func:`add` did: ``files`` it found on the disk, ``new`` among all that are in them.

    ``read`` were read now, ``known`` had been; ``verdicts`` counts those that the call met, ``not_read``
    names with reason and next step what is no readable submission, ``gone`` what was there before and is no
    more.
    """

    archive: str
    files: int
    new: int
    read: int
    known: int
    verdicts: dict[str, int]
    not_read: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)


def _quiet(message: str) -> None:
    pass


def add(
    archive: str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]] = (),
    *,
    patterns: Iterable[str] = (),
    drop_patterns: Iterable[str] = (),
    passwords: Sequence[str] = (),
    overlay: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    source: str | None = None,
    salvage: bool = False,
    unpack_limit: int = originals.UNPACKED,
    processes: int | None = None,
    wait: bool = True,
    progress: Told = _quiet,
    notice: Told = _quiet,
) -> Added:
    """Add files, folders, patterns of names and zips to an archive, which is made where there is none.

    Each file is read once, in as many ``processes`` as there are cores; a second call with the same bytes
    costs a hash. A call that was stopped is taken up by the next one, whatever its paths. ``patterns`` are
    kept (:class:`~idbmigrate.archive.names.Patterns`); ``passwords`` are tried on protected files and not
    kept. ``overlay``, ``source`` and ``salvage`` are those of ``convert``: files that were not readable
    before are tried again with them. While another call works on the archive this one waits, or raises
    ``OutputError`` (``archive-busy``) with ``wait=False``. What is wrong with a file is in the result and
    stops nothing; ``SourceError`` (``not-found``) for a path that leads nowhere, before anything is read.
    """
    require_main()
    folder = Path(os.path.abspath(archive))
    kept = list(patterns)
    Patterns(kept)  # an error in one shows before anything is done
    overlays = (overlay,) if isinstance(overlay, (str, os.PathLike)) else tuple(overlay)
    settings = Settings(tuple(passwords), tuple(str(Path(o).resolve()) for o in overlays), source, salvage)
    mark = settings.mark()
    found = list(originals.find(paths, folder))
    with locked(folder, create=True, wait=wait, notice=notice), Catalogue(folder, create=True) as catalogue:
        clear(folder)
        catalogue.change_patterns(kept, drop_patterns)
        look = _Look(catalogue, folder, f"{mark} unpack={unpack_limit}", unpack_limit, progress)
        look.at_all(found)
        read = _read_all(catalogue, folder, settings, mark, look.met, processes, progress)
        compare_all(catalogue, processes, progress)
        refresh(catalogue, notice)
        clear(folder)
        return _added(catalogue, folder, found, look, read)


def refresh(catalogue: Catalogue, notice: Told) -> None:
    """Write what people read beside the catalogue: ``submissions.csv`` and ``archive.html``.

    One that another program holds open, as spreadsheets on Windows do, stays as it is, and ``notice`` says
    so.
    """
    of_catalogue(catalogue)  # a line that cannot be used must not be written over
    found, document = of_catalogue(catalogue, as_found=True), overview(catalogue)
    for name, write in (
        (decisions.NAME, lambda: decisions.write(catalogue.archive, found)),
        (page.NAME, lambda: page.write(document, catalogue.archive / page.NAME)),
    ):
        try:
            write()
        except PermissionError:
            notice(f"{name} is in use and stays as it was: close it, and call archive add again")


@contextmanager
def locked(folder: Path, *, create: bool, wait: bool, notice: Told) -> Iterator[None]:
    """Hold the archive against other calls that write; the folder is made first, for its owner alone."""
    if create:
        _make(folder)
    lock = FileLock(folder / _LOCK, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise OutputError(
                "another call is at work on the archive", code="archive-busy", where=str(folder)
            ) from None
        notice(f"waiting for another call that is at work on {folder}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError("it is not a folder", code="not-an-archive", where=str(folder))
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _LOCK).exists():
        raise UsageError(
            "the folder holds other things than an archive",
            code="not-an-archive",
            where=str(folder),
            hint="give an empty folder, or one that is not there yet",
        )
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    folder.chmod(OWNER_ONLY_FOLDER)
    (folder / "staged").mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)


def clear(folder: Path) -> None:
    """Empty the archive's scratch folder; nobody else may be at work."""
    shutil.rmtree(folder / "scratch", ignore_errors=True)


# -- looking ---------------------------------------------------------------------------------------


class _Look:
    """Hashes what was found and looks into zips; the catalogue knows every file and place afterwards."""

    def __init__(self, catalogue: Catalogue, folder: Path, mark: str, limit: int, progress: Told):
        self.catalogue, self.folder, self.mark, self.limit = catalogue, folder, mark, limit
        self.progress = progress
        self.before = {row.sha256: row for row in catalogue.files()}
        self.met: set[str] = set()
        self.gone: list[str] = []

    def at_all(self, found: Sequence[originals.Found]) -> None:
        """Look at what was found, then at zips in which an earlier call was stopped."""
        with workers(os.cpu_count() or 1) as pool:
            hashed = pool.map(_hashed, found)
            for number, (each, result) in enumerate(zip(found, hashed, strict=True), 1):
                self.progress(f"looking at {number} of {len(found)}")
                if result is None:
                    self.gone.append(each.shown)
                    continue
                sha256, size, zipped = result
                self.catalogue.add_place(each, sha256, size)
                self.met.add(sha256)
                if zipped:
                    self._into(sha256, each.path, originals.Unpacking(self.limit), 1)
        self._go_on()

    def _go_on(self) -> None:
        places = self.catalogue.originals()
        for sha256, row in self.before.items():
            for original in places.get(sha256, ()) if row.verdict is None and sha256 not in self.met else ():
                path = Path(original.path)
                if not original.inside and originals.is_zip(path) and publish.sha256(path) == sha256:
                    self._into(sha256, path, originals.Unpacking(self.limit), 1)

    def _into(self, sha256: str, path: Path, bound: originals.Unpacking, depth: int) -> None:
        """Look into a zip, and into those inside it; what is inside a known one is known."""
        row = self.catalogue.file(sha256)
        if row is not None and row.verdict == "zip":
            self._meet(sha256)
            return
        if row is not None and row.verdict == "refused" and row.tried == self.mark:
            return
        scratch = originals.scratch(self.folder)
        try:
            members = originals.look_inside(path, bound, depth, scratch)
        except originals.Refused as error:
            facts = {"message": str(error), "hint": NEXT_STEPS["refused"]}
            self.catalogue.add_reading(Reading(sha256, "refused", facts), self.mark)
            return
        self.catalogue.add_members(sha256, members)
        for member in members:
            if member.is_zip and member.sha256 is not None:
                self._into(member.sha256, scratch / member.sha256, bound, depth + 1)
        self.catalogue.set_zip(sha256, self.mark)
        self.met |= {member.sha256 for member in members if member.sha256 is not None}

    def _meet(self, zipped: str) -> None:
        for sha256 in self.catalogue.members(zipped):
            if sha256 not in self.met:
                self.met.add(sha256)
                self._meet(sha256)


def _hashed(found: originals.Found) -> tuple[str, int, bool] | None:
    """Digest and size of a file, and whether it is a zip; None where it cannot be read any more."""
    try:
        return (*originals.digest(found.path), originals.is_zip(found.path))
    except (OSError, SourceError):
        return None


# -- reading ---------------------------------------------------------------------------------------


def _read_all(
    catalogue: Catalogue,
    folder: Path,
    settings: Settings,
    mark: str,
    met: set[str],
    processes: int | None,
    progress: Told,
) -> int:
    """Read what has no verdict yet, and once more what may get another one; how many were read."""
    places = catalogue.originals()
    waiting = [row for row in catalogue.files() if _is_due(row, settings, mark, met)]
    tasks = [
        Task(folder, row.sha256, tuple(places.get(row.sha256, ())), row.bytes, settings) for row in waiting
    ]
    clock = _Clock("reading", tasks, progress)
    read = 0
    count = processes if processes is not None else os.cpu_count() or 1
    clock.show()
    for task, future in each_in_processes(
        read_file, tasks, count=count, weight=lambda task: task.bytes, most=AT_ONCE
    ):
        reading = _result(task, future)
        if reading is not None:
            catalogue.add_reading(reading, mark)
            read += 1
        clock.done(task.bytes)
    return read


def _is_due(row: FileRow, settings: Settings, mark: str, met: set[str]) -> bool:
    if row.verdict is None:
        return True
    if row.verdict not in _AGAIN or row.sha256 not in met:
        return False
    return row.tried != mark or (row.verdict == "protected" and bool(settings.passwords))


def _result(task: Task, future: Future[Reading]) -> Reading | None:
    """The reading, whatever went wrong; None where the bytes are not to be had now."""
    try:
        return future.result()
    except originals.Gone:
        return None
    except (ProcessEnded, MemoryError):
        error = "damaged"
        message, hint = "reading it takes more memory than there is", "add it on a machine with more memory"
    except OSError as refused:
        if refused.errno in _NO_ROOM:
            raise OutputError(
                "cannot write: no space left", code="output-failed", where=str(task.archive)
            ) from None
        return None
    except Exception as fault:  # one file must not stop the others; its message may quote a value
        error, message = "internal-fault", f"a fault in idbmigrate itself ({type(fault).__name__})"
        hint = "please report what idbmigrate inspect --debug says of the file"
    return Reading(task.sha256, "broken", {"error": error, "message": message, "where": None, "hint": hint})


class _Clock:
    """``n of N``, with the time that the rest takes if it goes on as before."""

    def __init__(self, step: str, tasks: Sequence[Task], progress: Told):
        self.step, self.progress = step, progress
        self.count, self.bytes = len(tasks), sum(task.bytes for task in tasks)
        self.ready, self.ready_bytes, self.start = 0, 0, time.monotonic()

    def done(self, size: int) -> None:
        self.ready, self.ready_bytes = self.ready + 1, self.ready_bytes + size
        self.show()

    def show(self) -> None:
        if self.count:
            self.progress(f"{self.step} {self.ready} of {self.count}{self._left()}")

    def _left(self) -> str:
        if not self.ready_bytes or self.ready == self.count:
            return ""
        rest = (time.monotonic() - self.start) * (self.bytes - self.ready_bytes) / self.ready_bytes
        return f", {rest / 60:.0f} min left" if rest >= 90 else f", {rest:.0f} s left"


# -- what was done ---------------------------------------------------------------------------------


def _added(
    catalogue: Catalogue, folder: Path, found: Sequence[originals.Found], look: _Look, read: int
) -> Added:
    places = catalogue.shown_places()
    rows = [row for row in catalogue.files() if row.sha256 in look.met]
    gone = [*look.gone]
    for row in catalogue.files():
        if row.verdict is None:
            gone += places.get(row.sha256, [])
    return Added(
        archive=str(folder),
        files=len(found),
        new=sum(row.sha256 not in look.before for row in rows),
        read=read,
        known=sum(row.sha256 in look.before for row in rows),
        verdicts=dict(sorted(Counter(row.verdict or "waiting" for row in rows).items())),
        not_read=[line for row in rows if (line := not_read(row, places.get(row.sha256, [])))],
        gone=sorted(gone),
    )
