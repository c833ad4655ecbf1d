"""Finished runs of several files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idbmigrate.errors import IdbmigrateError
from idbmigrate.result.run import Run
from idbmigrate.result.summary import BatchSummary, Summary, total


@dataclass
class Batch:
    """The runs of several files, by the name of their folder, in the order the files were given.

    There are ``summaries`` of all of them, and ``runs`` where these were kept. ``failed`` are the errors of
    files that could not be converted, by the name that their folder would have had. ``paths`` are all files.
    """

    summaries: dict[str, Summary]
    runs: dict[str, Run]
    paths: dict[str, Path]
    failed: dict[str, IdbmigrateError] = field(default_factory=dict)
    out: str | None = None

    def __repr__(self) -> str:
        return f"<Batch: {len(self.summaries)} files converted, {len(self.failed)} failed>"

    @property
    def summary(self) -> BatchSummary:
        """The summaries of all runs, what they come to together, what failed, and where they were written."""
        return {
            "runs": self.summaries,
            "failed": {name: error.as_dict() for name, error in self.failed.items()},
            "total": total(list(self.summaries.values())),
            "out": self.out,
        }

    @property
    def exit_code(self) -> int:
        """The gravest exit code of the files that failed; 0 where none did."""
        return max((error.exit_code for error in self.failed.values()), default=0)
