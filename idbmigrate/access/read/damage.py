"""What happens when the file contradicts the format: an error, or an entry in the salvage list."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idbmigrate.errors import SourceError

SALVAGE_HINT = "--salvage (salvage=True) reads what can be read and lists what cannot"


class Problem(NamedTuple):
    """One place that could not be read: a table, page, row or cell. Never holds a value."""

    message: str
    code: str = "damaged"
    table: str | None = None
    page: int | None = None
    slot: int | None = None
    column: str | None = None

    def as_dict(self) -> dict[str, str | int | None]:
        """The problem as a JSON-able dict."""
        return self._asdict()

    @property
    def where(self) -> str:
        """The place in words, as in ``table Person: page 12 slot 3: column DOB``."""
        parts = []
        if self.table is not None:
            parts.append(f"table {self.table}")
        if self.page is not None:
            parts.append(f"page {self.page}" + ("" if self.slot is None else f" slot {self.slot}"))
        if self.column is not None:
            parts.append(f"column {self.column}")
        return ": ".join(parts)


class Damage:
    """Raises on the first contradiction, or (``salvage``) keeps a list and lets reading go on."""

    def __init__(self, file: str, salvage: bool = False):
        self.file, self.salvage = file, salvage
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> list[Problem]:
        """What was found, each once, in the order in which it was found."""
        return list(self._problems)

    def forget(self, first: int) -> None:
        """Take everything from the problem with the number ``first`` on off the list."""
        for problem in self.problems[first:]:
            del self._problems[problem]

    def report(self, message: str, **place) -> None:
        """Raise, or note one problem. ``place``: code, table, page, slot, column of :class:`Problem`."""
        problem = Problem(message, **place)
        if not self.salvage:
            where = ": ".join(part for part in (self.file, problem.where) if part)
            raise SourceError(message, code=problem.code, where=where, hint=SALVAGE_HINT)
        self._problems.setdefault(problem)

    def note(self, message: str, **place) -> None:
        """Note something odd that contradicts nothing; never raises."""
        self._problems.setdefault(Problem(message, **place))

    def report_rows(self, bad: np.ndarray, page: np.ndarray, slot: np.ndarray, message: str, **place) -> None:
        """:meth:`report` for each row where ``bad`` is true (arrays of one length)."""
        for row in np.flatnonzero(bad).tolist():
            self.report(message, page=int(page[row]), slot=int(slot[row]), **place)
