"""What a run that was killed left beside its output: found, named and removed by the next one.

Output grows under a hidden name, ``.NAME.<8 hex digits>.part``, and what it replaces is called ``.old`` for
the moment of the exchange. Beside both stands ``.lock``, which the run holds locked as long as it lives; the
system lets go of the lock however the run ends. So a name whose lock can be had belongs to nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.lock")


class HiddenNames:
    """The hidden names of one run beside ``target``, locked from :meth:`claim` to :meth:`release`."""

    def __init__(self, target: Path):
        self._stem = f".{target.name}.{secrets.token_hex(4)}"
        self.part, self.old = (target.with_name(f"{self._stem}.{kind}") for kind in ("part", "old"))
        self._lock = FileLock(target.with_name(f"{self._stem}.lock"), mode=0o600, thread_local=False)

    def claim(self) -> None:
        """Lock the names; the folder must be there. Raises OSError where it may not be written."""
        self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Let go of the names; what stands under them no longer belongs to anybody."""
        _let_go(self._lock)


def clear(folder: Path) -> list[str]:
    """Remove what runs that live no more left in a folder; what was done, in words for the user.

    Output that such a run was about to replace, and whose place is empty, is put back there. What cannot be
    removed keeps its lock, so that the next run finds it again.
    """
    done: list[str] = []
    for place in sorted(folder.glob(".*.lock")) if folder.is_dir() else ():
        match = _LOCK.fullmatch(place.name)
        if match is None:
            continue
        lock = FileLock(place, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):  # its run goes on, or it is somebody else's
            continue
        left = [place.with_suffix(f".{kind}") for kind in ("old", "part")]
        for each in filter(os.path.lexists, left):
            done.append(_put_back_or_remove(each, folder / match["name"]))
        if any(map(os.path.lexists, left)):
            lock.release()
        else:
            _let_go(lock)
    return done


def _put_back_or_remove(place: Path, target: Path) -> str:
    try:
        if place.suffix == ".old" and not os.path.lexists(target):
            os.rename(place, target)
            return f"put {target} back, which a stopped run was about to replace"
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        return f"cannot remove {place}, which a stopped run left and which may hold patients' data: {reason}"
    return f"removed {place}, which a stopped run had left"


def _let_go(lock: FileLock) -> None:
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)  # Windows refuses while it is open: then it goes below
    lock.release()
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)
