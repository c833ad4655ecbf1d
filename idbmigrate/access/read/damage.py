"""What happens when the file contradicts the format: an error, or an entry in the salvage list."""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Loss(NamedTuple):
    """How many rows of a table (``column`` None) or values of a column are lost; None: nobody can tell."""

    table: str
    column: str | None
    lost: int | None


class Damage:
    """Raises on the first contradiction, or (``salvage``) keeps a list and lets reading go on."""

    def __init__(self, file: str, salvage: bool = False):
        self.file, self.salvage = file, salvage
        self._problems: dict[Problem, bool] = {}  # whether something was lost there

    @property
    def problems(self) -> list[Problem]:
        """What was found, each once, in the order in which it was found."""
        return list(self._problems)

    def forget(self, first: int) -> None:
        """Take everything from the problem with the number ``first`` on off the list."""
        for problem in self.problems[first:]:
            del self._problems[problem]

    def report(self, message: str, loses: bool = True, **place: Any) -> None:
        """Raise, or note one problem. ``place``: code, table, page, slot, column of :class:`Problem`.

        ``loses``: rows or a value are gone; False where what is there is read all the same.
        """
        problem = Problem(message, **place)
        if not self.salvage:
            where = ": ".join(part for part in (self.file, problem.where) if part)
            raise SourceError(message, code=problem.code, where=where, hint=SALVAGE_HINT)
        self._problems.setdefault(problem, loses)

    def note(self, message: str, **place: Any) -> None:
        """Note something odd that contradicts nothing; never raises."""
        self._problems.setdefault(Problem(message, **place), False)

    def losses(self) -> dict[tuple[str, str | None], int | None]:
        """(table, column) -> values lost, and (table, None) -> rows lost; None where nobody can tell.

        A place with a slot is one row, or one value of it; what else is lost holds an unknown number.
        """
        found: dict[tuple[str, str | None], set[tuple[int | None, int]] | None] = {}
        for problem, lost in self._problems.items():
            if not lost or problem.table is None:
                continue
            key = problem.table, problem.column
            places = found.setdefault(key, set())
            if problem.slot is None:
                found[key] = None
            elif places is not None:
                places.add((problem.page, problem.slot))
        return {key: None if places is None else len(places) for key, places in found.items()}

    def report_rows(
        self, bad: np.ndarray, page: np.ndarray, slot: np.ndarray, message: str, **place: Any
    ) -> None:
        """:meth:`report` for each row where ``bad`` is true (arrays of one length)."""
        for row in np.flatnonzero(bad).tolist():
            self.report(message, page=int(page[row]), slot=int(slot[row]), **place)
