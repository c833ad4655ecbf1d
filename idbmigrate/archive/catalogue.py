"""What an archive holds: one SQLite file, ``catalogue.sqlite``, and what can be told from it."""

from __future__ import annotations

from pathlib import Path

from idbmigrate.archive.model import Submission


def submissions(archive: Path) -> list[Submission]:
    """The files of an archive that are, or may be, submissions, in the order of their SHA-256.

    What the user wrote into ``submissions.csv`` stands above what was found.
    """
    raise NotImplementedError
