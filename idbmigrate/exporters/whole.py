"""One file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from idbmigrate.errors import OutputError
from idbmigrate.exporters import leftovers

#: Modes of what may hold patients' data.
OWNER_ONLY_FOLDER, OWNER_ONLY_FILE = 0o700, 0o600


@contextlib.contextmanager
def whole_file(target: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """Give a path beside ``target`` to write to, and rename it to ``target`` if the block succeeds.

    Only its owner may read it. Whoever writes must have synced the file. Whatever the block leaves at that
    path is removed when it fails. Raises OutputError ``output-exists`` unless ``overwrite``,
    ``output-failed`` without a folder.
    """
    target = Path(target)
    if target.exists() and not overwrite:
        raise OutputError(
            "the file exists already", code="output-exists", where=str(target), hint="--overwrite replaces it"
        )
    if not target.parent.is_dir():
        raise OutputError(
            "the folder does not exist", code="output-failed", where=str(target.parent), hint="make it first"
        )
    leftovers.clear(target.parent)
    names = leftovers.HiddenNames(target)
    names.claim()
    try:
        names.part.touch(mode=OWNER_ONLY_FILE, exist_ok=False)
        yield names.part
        names.part.chmod(OWNER_ONLY_FILE)
        os.replace(names.part, target)
        sync_folder(target.parent)
    finally:
        names.part.unlink(missing_ok=True)
        names.release()


def usual_mode(mode: int) -> int:
    """A mode as the process's umask leaves it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mode & ~mask


def sync_folder(folder: Path) -> None:
    """Bring the entries of a folder to the disk, so that a rename in it outlives a crash."""
    if os.name == "nt":  # Windows has no handle to sync a directory by
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # network file systems may refuse
            os.fsync(handle)
    finally:
        os.close(handle)
