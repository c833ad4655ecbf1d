"""What the user can ask of a conversion, checked before a file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.links import ALLOW as LINKED_TABLES
from idbmigrate.errors import UsageError
from idbmigrate.execution.parameters import month_bounds
from idbmigrate.exporters import FORMATS
from idbmigrate.periods.month import ALLOW as EMPTY_PERIOD
from idbmigrate.pseudonyms import Key
from idbmigrate.words import STATED_CONFIDENCE, StatedConfidence

#: The name of a file or folder.
Name: TypeAlias = "str | os.PathLike[str]"
#: What ``--allow`` takes, besides differences of a template (``DIFFERENCES`` of ``exporters.template``).
ALLOWED = {
    LINKED_TABLES: "tables of the data set that the file only links to are not read",
    EMPTY_PERIOD: "the month of the run lies outside the dates of the file",
    "conflict:NAME": "records with this contradiction are carried (see the mapping language)",
}
#: Formats that hold pseudonyms, which are longer than what they stand for.
PSEUDONYMISED = ("csv", "parquet", "analysis")
#: Is told, in words for people.
Progress = Callable[[str], None]


def quiet(message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Options:
    """Options of one call; ``UsageError`` (``bad-option``) where two of them, or one, make no sense.

    ``to`` is the target data set, ``source`` that of the file where the user knows it, ``mapping`` a
    mapping file of the user's own. ``parameters`` set what the mapping leaves open. ``period``
    (``YYYY-MM``) keeps one reporting month, ``split`` (``"month"``) makes a package of each. ``overlay``
    are overlay files. ``accept`` says how unsure a mapped code may be. ``template`` is the Access file
    that the format ``idb`` fills. ``allow`` are words of :data:`ALLOWED`, and the differences that the
    template may have. ``check`` runs the target's
    rules and writes the reports, ``share`` makes reports that name no record and no small count.
    Without ``optimise`` the queries run without what makes them quicker; the result is the same. ``salvage``
    reads what can be read of a damaged file and lists in the manifest what cannot. ``pseudonymise``
    is the key where what is written holds pseudonyms.
    """

    to: str
    formats: tuple[str, ...] = ("csv",)
    source: str | None = None
    mapping: Name | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    period: str | None = None
    split: Literal["month"] | None = None
    overlay: Name | Sequence[Name] | None = None
    accept: StatedConfidence = "inferred"
    template: Name | None = None
    allow: tuple[str, ...] = ()
    check: bool = True
    optimise: bool = True
    share: bool = False
    password: str | None = field(default=None, repr=False)
    salvage: bool = False
    pseudonymise: Key | None = None

    def __post_init__(self) -> None:
        _among("accept", self.accept, STATED_CONFIDENCE)
        _among("split", self.split, (None, "month"))
        for name in self.formats:
            _among("format", name, tuple(FORMATS))
            if self.pseudonymise is not None and name not in PSEUDONYMISED:
                raise UsageError(
                    f"{name} has no room for pseudonyms: it keeps the lengths of the data set",
                    code="bad-option",
                    hint=f"--format {' or '.join(PSEUDONYMISED)}",
                )
        if self.period is not None:
            month_bounds(self.period)
        if self.period and self.split:
            raise UsageError("either a period or a split, not both", code="bad-option")
        if load_dataset(self.to).role != "target":
            raise UsageError(f"{self.to} is not a target", code="bad-option", hint="idbmigrate dataset list")
        for name in self.allow:
            self._check_allowed(name)

    def _check_allowed(self, name: str) -> None:
        """Refuse what nothing is called; the tables of a template are looked at when it is opened."""
        from idbmigrate.exporters.template import DIFFERENCES, unknown_allowed  # with all that writes Access

        tables = load_dataset(self.to).tables
        kind, colon, _ = name.partition(":")
        table, _, column = name.partition(".")
        known = name in (*ALLOWED, *DIFFERENCES) or bool(colon and kind in ("conflict", *DIFFERENCES))
        known = known or (table in tables and (not column or column in tables[table].columns))
        if not known and self.template is None:
            raise unknown_allowed(name, (*ALLOWED, *DIFFERENCES, *tables))

    @property
    def of_template(self) -> tuple[str, ...]:
        """What of ``allow`` speaks of the template."""
        return tuple(name for name in self.allow if name not in ALLOWED and not name.startswith("conflict:"))

    @property
    def overlays(self) -> tuple[Name, ...]:
        """The overlay files, however many were given."""
        if self.overlay is None:
            return ()
        return (self.overlay,) if isinstance(self.overlay, (str, os.PathLike)) else tuple(self.overlay)


def _among(name: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        choices = ", ".join(item for item in allowed if item)
        raise UsageError(f"{name} {value!r} is not one of {choices}", code="bad-option")
