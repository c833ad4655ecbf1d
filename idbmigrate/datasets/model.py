"""What a data set is: tables, columns, formats, national codes, keys, and how sure we are of each.

Every fact carries a confidence. ``confirmed``: read in the source that is named. ``inferred``: follows
from sources. ``proposed``: our own choice, published nowhere. ``unknown``: looked for and not found.
Nothing in the package may present one as another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idbmigrate.brief import brief
from idbmigrate.words import CONFIDENCE

#: Requirement letters of the NHS Data Dictionary: mandatory, required, optional, pilot.
REQUIREMENTS = ("M", "R", "O", "P")

KINDS = ("text", "integer", "decimal", "date", "time", "month", "timestamp")


def weakest(*confidences: str) -> str:
    """The least sure of some confidence words; ``confirmed`` where there are none."""
    return CONFIDENCE[max((CONFIDENCE.index(word) for word in confidences), default=0)]


@dataclass(frozen=True)
class Format:
    """How a value of a column is written.

    ``notation`` is the NHS Data Dictionary's (``max an20``, ``an10 CCYY-MM-DD``). ``pattern``, where there
    is one, is a regular expression that the whole value must match: it has no anchors, and it keeps to
    what XML Schema, RE2 and Python read alike.
    """

    notation: str
    kind: str
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


@brief
@dataclass(frozen=True)
class CodeList:
    """The national codes that a column may hold.

    ``codes`` gives each code its meaning, ``None`` where no source gives one. ``confidences`` names the
    codes that are less sure than the list as a whole.
    """

    name: str
    codes: Mapping[str, str | None]
    confidence: str
    source: tuple[str, ...] = ()
    note: str | None = None
    confidences: Mapping[str, str] = field(default_factory=dict)

    def confidence_of(self, code: str) -> str:
        return self.confidences.get(code, self.confidence)


@brief
@dataclass(frozen=True)
class ColumnSpec:
    """One column of a table.

    ``aliases`` gives each other name that files use its confidence; letter case never matters.
    ``confidence`` is that of the name, ``confidences`` holds those of ``format``, ``requirement`` and
    ``codes``. ``range`` is the lowest and the highest score. ``expected`` is false for a column that
    only some files are known to hold.
    """

    name: str
    format: Format
    item: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    requirement: str | None = None
    codes: str | None = None
    range: tuple[float, float] | None = None
    uid: str | None = None
    confidence: str = "confirmed"
    confidences: Mapping[str, str] = field(default_factory=dict)
    expected: bool = True
    source: tuple[str, ...] = ()
    note: str | None = None

    @property
    def mandatory(self) -> bool:
        """Whether a row without a value is refused, by a requirement that is more than our proposal."""
        return self.requirement == "M" and self.confidences.get("requirement") != "proposed"


@dataclass(frozen=True)
class Period:
    """How a row belongs to a reporting month.

    ``header``  one row in every month
    ``date``    the date in ``columns[0]`` lies in the month
    ``until``   the date in ``columns[0]`` is not after the month, or is missing
    ``open``    ``columns[0]`` is not after the month, and ``columns[1]`` is missing or not before it;
                a ``columns[1]`` after the month is not yet known in it, nor are the columns ``closing``
    ``parent``  with its parent row
    ``with``    when a row of the table ``columns[0]`` that refers to this one belongs
    ``all``     in every month

    Except under ``header`` and ``all`` the parent row must belong too. ``also`` names the child tables
    whose rows bring this row along whatever its own dates say.
    """

    kind: str
    columns: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@brief
@dataclass(frozen=True)
class TableSpec:
    """One table: ``columns`` in the order of the data set.

    ``foreign_keys`` maps a column to the table and column that it refers to. ``unique`` lists the groups
    of columns of which no two rows may agree. ``confidences`` holds those of ``key`` and ``unique``. A file
    may lack a table that is not ``expected``. ``recognised_by`` are columns that tell it by any name.
    """

    name: str
    columns: Mapping[str, ColumnSpec]
    title: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    grain: str | None = None
    primary_key: tuple[str, ...] = ()
    foreign_keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unique: tuple[tuple[str, ...], ...] = ()
    period: Period | None = None
    confidence: str = "confirmed"
    confidences: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    expected: bool = True
    recognised_by: tuple[str, ...] = ()

    @property
    def is_header(self) -> bool:
        """Whether it is the one row about the submission itself."""
        return self.period is not None and self.period.kind == "header"


@brief
@dataclass(frozen=True)
class Assessment:
    """One scored question or total and the SNOMED CT concept that carries it.

    ``pattern`` is the shape of the score as text, ``range`` its lowest and highest value, ``values`` the
    words or numbers that are allowed besides.
    """

    tool: str
    item: str
    concept: str
    pattern: str | None = None
    range: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    valid_from: str | None = None
    confidence: str = "confirmed"
    source: tuple[str, ...] = ()
    note: str | None = None


@brief
@dataclass(frozen=True)
class Concept:
    """One coded meaning outside the columns' own lists; ``code`` is its legacy code, where it has one."""

    name: str
    concept: str | None
    code: str | None = None
    group: str | None = None
    confidence: str = "confirmed"
    source: tuple[str, ...] = ()
    note: str | None = None


@brief
@dataclass(frozen=True)
class Dataset:
    """A version of a data set, as far as public sources describe it."""

    name: str
    version: str
    title: str
    role: str
    tables: Mapping[str, TableSpec]
    code_lists: Mapping[str, CodeList] = field(default_factory=dict)
    assessments: tuple[Assessment, ...] = ()
    concepts: Mapping[str, tuple[Concept, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    standard: str | None = None
    dates: str | None = None
    note: str | None = None
    unknown: str | None = None  # what a run to or from the data set cannot know, for its reader

    def codes_of(self, column: ColumnSpec) -> CodeList | None:
        """The code list of a column, ``None`` where any value may stand in it."""
        return None if column.codes is None else self.code_lists[column.codes]

    def listed(self, column: ColumnSpec) -> tuple[str, ...]:
        """The codes of a column's list, none where any value may stand in it."""
        codes = self.codes_of(column)
        return () if codes is None else tuple(codes.codes)
