"""What a rule is, and what a run of rules is told from outside the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypedDict

from idbmigrate.brief import brief
from idbmigrate.words import SubmissionOutcome

if TYPE_CHECKING:
    import pyarrow

    from idbmigrate.checks.check_types import CheckType

#: Families of rules; the documentation has a section for each.
KINDS = {
    "structure": "tables and header",
    "blank": "mandatory and expected values",
    "format": "shape of a value",
    "code": "national codes",
    "value": "check digits and clinical codes",
    "score": "assessment scores",
    "relation": "parents and children",
    "uniqueness": "repeated records",
    "period": "dates against the reporting period",
    "order": "dates against each other and against a life",
    "cross-field": "values that must agree",
    "portal": "values held by the submission portal",
    "reference": "live national tables",
}

#: Why a published rule is not checked.
REASONS = {
    "not-in-version": "the column or table does not exist in this version of the data set",
    "reference-data": "needs a national table that changes daily (organisations, practices, postcodes)",
    "file-structure": "needs the Access file itself, not its tables",
    "list-not-public": "the list of accepted values is not public",
    "format-not-public": "how the value is written is not public",
    "range-not-public": "the range of the score is not public",
    "meaning-not-public": "what the rule looks at is not published",
    "no-restriction": "the centre's own rule accepts every value",
}


@brief
@dataclass(frozen=True)
class Rule:
    """One rule of a pack: ``check`` is None where it cannot be checked, and ``because`` says why.

    ``draft`` is the effect that the centre's published code has for it, where the published list differs.
    """

    code: str
    effect: str
    kind: str
    table: str | None
    columns: tuple[str, ...]
    check: CheckType | None
    source: tuple[str, ...]
    confidence: str
    because: str | None = None
    note: str | None = None
    published: bool = True
    draft: str | None = None

    @property
    def meaning(self) -> str:
        """When the rule fails, in our own words."""
        if self.check is not None:
            return self.check.meaning()
        return self.note or REASONS[self.because or "meaning-not-public"]


@dataclass(frozen=True)
class Measure:
    """One item whose values are sorted into valid, other, default, invalid and missing.

    ``valid`` is ``codes`` or a test of :mod:`idbmigrate.checks.vodim`; a code that ends with ``*`` stands
    for all that start so. ``before`` is the table and column of the item in legacy files.
    """

    item: str
    table: str
    column: str
    other: tuple[str, ...]
    default: tuple[str, ...]
    valid: str
    before: tuple[str, str] | None
    confidence: str


@brief
@dataclass(frozen=True)
class RulePack:
    """All rules of one data set, with the lists they share.

    ``floor`` is the version whose rules were published, where that is not the data set's own. ``written`` are
    the rules that stand in the pack or in one that it extends, by code: all but those that follow from the
    description of the data set.
    """

    name: str
    title: str
    floor: str | None
    note: str
    header: Mapping[str, str]
    rules: tuple[Rule, ...]
    measures: tuple[Measure, ...]
    sources: Mapping[str, str]
    written: Mapping[str, Rule] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def published(self) -> bool:
        """Whether any of its rules was published; where none was, nobody knows what the centre would do."""
        return any(rule.published for rule in self.rules)

    def by_code(self) -> dict[str, Rule]:
        """Rules by their code."""
        return {rule.code: rule for rule in self.rules}


class Reference(Protocol):
    """Names rows of a table, by their numbers: a text a row. An Arrow array of text is one."""

    def take(self, rows: pyarrow.Array) -> pyarrow.Array: ...


class References(Protocol):
    """What names the rows of tables, by table; a mapping is one."""

    def __contains__(self, table: object) -> bool: ...

    def __getitem__(self, table: str, /) -> Reference: ...


_NO_REFERENCES: dict[str, Reference] = {}


class SubmissionResult(TypedDict):
    """What would become of a submission: the codes that decide it, rows and rejected rows by table."""

    outcome: SubmissionOutcome
    file_codes: list[str]
    rejecting_codes: list[str]
    rows: dict[str, int]
    rejected: dict[str, int]
    rejected_total: int
    words: str


@dataclass(frozen=True, repr=False)
class Context:
    """What the centre knows and the tables do not.

    Dates are ``YYYY-MM-DD``, ``submitted`` is ``YYYY-MM-DDTHH:MM:SS``. Where the period is not given
    the header's own is used; where a portal value is not given the rules that compare with it are
    not run, and the outcome says so. ``references`` gives, by table, one text per row that names the
    row in the source.
    """

    period_start: str | None = None
    period_end: str | None = None
    submitted: str | None = None
    provider: str | None = None
    sender: str | None = None
    references: References = field(default_factory=lambda: _NO_REFERENCES)


@dataclass(frozen=True, repr=False)
class Outcome:
    """What a run of the rules gave.

    ``findings`` has one row a finding (see :data:`idbmigrate.checks.findings.SCHEMA`), ``counts`` is
    how often each rule failed, ``submission`` what the centre would do, ``not_run`` the rules that lacked
    something of the context, by code, with the reason.
    """

    findings: pyarrow.Table
    counts: Mapping[str, int]
    submission: SubmissionResult
    not_run: Mapping[str, str]
    pack: RulePack

    def __repr__(self) -> str:
        return f"<Outcome of {self.pack.name}: {self.findings.num_rows:,} findings>"
