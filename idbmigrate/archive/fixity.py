"""Whether the files of an archive still are what they were: originals, staged tables, outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from idbmigrate.archive import originals, provenance
from idbmigrate.archive.adding import AT_ONCE, clear, locked
from idbmigrate.archive.catalogue import Catalogue, FileRow
from idbmigrate.archive.reading import FACTS, Reading, Settings, Task, read_file, staged_folder
from idbmigrate.concurrency import workers
from idbmigrate.errors import SourceError
from idbmigrate.processes import each_in_processes, require_main

_AGAIN = "again"


@dataclass(frozen=True)
class Fixity:
    """What was looked at, and what is not what it was.

    Each of ``wrong`` says ``what`` it is (``original``, ``staged``, ``reread`` or ``output``), its
    ``place`` and the ``problem``: ``gone``, or ``changed``. An original that is gone from one place and
    there in another is in ``moved``, and not wrong.
    """

    archive: str
    originals: int
    staged: int
    outputs: int
    reread: int
    wrong: list[dict[str, str]] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything is what it was."""
        return not self.wrong

    def as_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return {"sound": self.sound, **asdict(self)}


def verify(
    archive: str | os.PathLike[str],
    *,
    reread: bool = False,
    passwords: Iterable[str] = (),
    overlays: Iterable[str | os.PathLike[str]] = (),
    source: str | None = None,
    processes: int | None = None,
    wait: bool = True,
    progress: Callable[[str], None] = lambda message: None,
    notice: Callable[[str], None] = lambda message: None,
) -> Fixity:
    """Hash originals, staged tables and outputs anew, and compare with what the catalogue says.

    With ``reread`` every original that was readable is read again as well, and must give the same tables,
    to the byte where the same version of the program reads it; ``passwords``, ``overlays`` and ``source``
    are those of :func:`~idbmigrate.archive.add`. Nothing of the archive is changed. Raises ``UsageError``
    (``not-an-archive``).
    """
    require_main()
    folder = Path(os.path.abspath(archive))
    with Catalogue(folder) as catalogue, locked(folder, create=False, wait=wait, notice=notice):
        files = catalogue.files()
        places = {name: tuple(each) for name, each in catalogue.originals().items()}
        wrong, moved, count = _originals(catalogue, places, progress)
        staged = [row for row in files if row.verdict == "readable"]
        wrong += _staged(folder, staged, progress)
        outputs = catalogue.outputs()
        for path in outputs:
            wrong += _output(Path(path))
        again = []
        if reread:
            settings = Settings(tuple(passwords), tuple(str(path) for path in overlays), source)
            again = [
                Task(folder, row.sha256, places.get(row.sha256, ()), row.bytes, settings) for row in staged
            ]
            wrong += _reread(folder, again, {row.sha256: row for row in staged}, processes, progress)
            clear(folder)
    return Fixity(str(folder), count, len(staged), len(outputs), len(again), wrong, moved)


def _wrong(what: str, place: str, problem: str) -> dict[str, str]:
    return {"what": what, "place": place, "problem": problem}


def _originals(
    catalogue: Catalogue,
    places: dict[str, tuple[originals.Original, ...]],
    progress: Callable[[str], None],
) -> tuple[list[dict[str, str]], list[str], int]:
    """Every file on the disk: what is wrong, what is gone but there elsewhere, and how many there are."""
    on_disk = [(sha256, each.path) for sha256, found in places.items() for each in found if not each.inside]
    with workers(os.cpu_count() or 1) as pool:
        states: dict[str, list[tuple[str, str | None]]] = {}
        checked = zip(on_disk, pool.map(_state, on_disk), strict=True)
        for number, ((sha256, path), state) in enumerate(checked, 1):
            progress(f"hashing original {number} of {len(on_disk)}")
            states.setdefault(sha256, []).append((path, state))
    wrong, moved = [], []
    for found in states.values():
        lost = [(path, state) for path, state in found if state]
        if len(lost) < len(found):
            moved += [path for path, _ in lost]
        else:
            wrong += [_wrong("original", path, state) for path, state in lost]
    return wrong, sorted(moved), len(states)


def _state(original: tuple[str, str]) -> str | None:
    """``gone`` or ``changed``; None for a file that is what it was."""
    sha256, path = original
    try:
        return None if originals.digest(Path(path))[0] == sha256 else "changed"
    except (OSError, SourceError):
        return "gone"


def _staged(folder: Path, rows: list[FileRow], progress: Callable[[str], None]) -> list[dict[str, str]]:
    wrong = []
    for number, row in enumerate(rows, 1):
        progress(f"hashing staged file {number} of {len(rows)}")
        place = staged_folder(folder, row.sha256)
        for table in row.facts["tables"]:
            state = _state((table["sha256"], str(place / table["file"])))
            if state:
                wrong.append(_wrong("staged", f"staged/{row.sha256}/{table['file']}", state))
        try:
            same = json.loads((place / FACTS).read_text(encoding="utf-8")) == row.facts
        except (OSError, ValueError):
            same = False
        if not same:
            wrong.append(_wrong("staged", f"staged/{row.sha256}/{FACTS}", "changed"))
    return wrong


def _output(folder: Path) -> list[dict[str, str]]:
    try:
        manifest = provenance.manifest_of(folder)
    except SourceError:
        return [_wrong("output", str(folder), "gone")]
    states = {file: _state((d["sha256"], str(folder / file))) for file, d in manifest["outputs"].items()}
    return [_wrong("output", str(folder / file), state) for file, state in states.items() if state]


def _reread(
    folder: Path,
    tasks: list[Task],
    rows: dict[str, FileRow],
    processes: int | None,
    progress: Callable[[str], None],
) -> list[dict[str, str]]:
    """Read the originals again into a folder of their own, and compare the tables."""
    again = originals.scratch(folder) / _AGAIN
    (again / "staged").mkdir(parents=True, exist_ok=True)
    moved = [replace(task, archive=again) for task in tasks]
    wrong = []
    count = processes if processes is not None else os.cpu_count() or 1
    done = each_in_processes(read_file, moved, count=count, weight=lambda task: task.bytes, most=AT_ONCE)
    for number, (task, future) in enumerate(done, 1):
        progress(f"reading again {number} of {len(tasks)}")
        try:
            problem = _other(future.result(), rows[task.sha256])
        except originals.Gone:
            problem = "gone"
        if problem:
            wrong.append(_wrong("reread", f"staged/{task.sha256}", problem))
    return wrong


def _other(reading: Reading, row: FileRow) -> str | None:
    """How another reading differs; None where it does not. Bytes are compared within one version."""
    if reading.verdict != "readable":
        return str(reading.facts.get("message"))
    now, then = reading.facts, row.facts
    if now["cells"] != then["cells"]:
        return "changed"
    same_tools = now["reader"] == then["reader"] and now.get("arrow") == then.get("arrow") == pa.__version__
    return "changed" if same_tools and now["tables"] != then["tables"] else None
