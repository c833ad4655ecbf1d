"""A submission: one file of an archive, as whoever chooses between files and joins them sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

#: What a file was sent as. A refresh replaces the primary submission of its period.
Kind = Literal["primary", "refresh"]


@dataclass(frozen=True)
class Submission:
    """One file, once for all the places where the same bytes were found.

    ``sha256`` is that of its bytes, ``cells`` a digest of what its tables hold: equal where two files hold
    the same rows, in whatever order and on whatever pages (``""`` where it could not be read).

    ``dataset`` is the data set's name (``""`` where it is not known), ``edition`` its version. ``provider``,
    ``period`` (``YYYY-MM``) and ``kind`` are ``None`` where there is no evidence, or where it contradicts
    itself; ``evidence`` says in words, under these names, where each is from. ``decided`` are the user's own
    words about the file: the filled columns of ``submissions.csv``.

    ``places`` are the names under which it was found, with ``!`` before a name inside a zip. ``modified`` is
    when the file itself says that it was last changed; never the file system's time.

    ``tables`` counts the rows of each staged table that the file has, by label: the data set's name, or the
    file's own for a table that the data set does not know. ``staged`` is the folder that holds them
    (:mod:`idbmigrate.staging.stored`): ``NAME.parquet`` for a table of the data set. ``problem`` says why the
    file is not ``readable``, or what is wrong with it all the same.
    """

    sha256: str
    dataset: str
    edition: str | None
    provider: str | None
    period: str | None
    kind: Kind | None
    evidence: Mapping[str, str]
    places: tuple[str, ...]
    tables: Mapping[str, int]
    staged: Path
    cells: str
    modified: datetime | None
    readable: bool
    problem: str | None
    decided: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        what = " ".join(filter(None, (self.dataset, self.provider, self.period, self.kind)))
        return f"<Submission {self.sha256[:12]}: {what or 'unknown'}, {sum(self.tables.values()):,} rows>"
