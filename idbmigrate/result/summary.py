"""The typed parts of what a run says of itself: summary and manifest, in plain data as JSON takes it.

Everything here is counts, names and references: no value of a record. Where a key may be missing it stands in
the class of that name with ``total=False``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.errors import ErrorFacts
from idbmigrate.execution.belonging import KeyLine
from idbmigrate.ledger.books import Account, Books, LedgerLine
from idbmigrate.ledger.inexact import InexactLine
from idbmigrate.ledger.reasons import outcome
from idbmigrate.pseudonyms import LeftOut
from idbmigrate.readers.csv_files import FileDigest
from idbmigrate.result.proposals import Proposal
from idbmigrate.words import DROPPED, EFFECTS, REJECTED, Confidence, Effect, Outcome, StatedConfidence

if TYPE_CHECKING:
    from idbmigrate.datasets import Identification


class ProblemFacts(TypedDict):
    """A contradiction in the file that was read around."""

    where: str
    message: str


class _NotReadPlace(TypedDict, total=False):
    column: str
    known: bool


class NotRead(_NotReadPlace):
    """What nobody has read of a file: a linked table, attachments, what is lost of a damaged table.

    ``rows`` or, with ``column``, ``values``: how many; null where nobody can tell.
    """

    table: str
    name: str
    why: str
    rows: int | None
    values: int | None


class _MoreOfInput(TypedDict, total=False):
    files: list[FileDigest]
    problems: list[ProblemFacts]
    not_read: list[NotRead]


class InputFacts(_MoreOfInput):
    """The file that was read: its name without its folder, size in bytes, digest.

    For a folder of CSV ``files`` are its table files, and the digest is that of the list of theirs.
    """

    file: str
    bytes: int
    sha256: str


class FileFacts(TypedDict):
    """A file of the output folder, by its path in it: size in bytes, digest."""

    file: str
    bytes: int
    sha256: str


class Identified(TypedDict):
    """What the file was taken for, and why."""

    dataset: str
    version: str
    confidence: Confidence
    evidence: list[str]


def identified(found: Identification) -> Identified:
    """An identification as manifest and reports have it."""
    return {
        "dataset": found.dataset,
        "version": found.version,
        "confidence": found.confidence,
        "evidence": list(found.evidence),
    }


class MappingFacts(TypedDict):
    """Name and version of a mapping."""

    name: str
    version: str


class OverlayFile(TypedDict):
    """An overlay file: its name without its folder, digest."""

    file: str
    sha256: str


class OverlayFacts(TypedDict):
    """The user's overlay files and the codes that they decide, by lookup: ``decided`` in all."""

    files: list[OverlayFile]
    codes: dict[str, dict[str, str | None]]
    decided: int


#: Values or rows: in, carried, rejected, dropped.
Flow = TypedDict("Flow", {"in": int, "carried": int, "rejected": int, "dropped": int})


class TableIn(TypedDict):
    """A source table: its rows, and its values, with what became of them."""

    table: str
    rows: int
    carried: int
    rejected: int
    dropped: int
    values: Flow


class TableOut(TypedDict):
    """A target table and its rows."""

    table: str
    rows: int


class LeftBehind(TypedDict):
    """A reason for which rows and values were not carried; ``outcome`` is rejected or dropped."""

    reason: str
    meaning: str
    outcome: Outcome
    rows: int
    values: int


class RootCause(TypedDict):
    """A rule and column that failed by itself; code, table and column are null for all that only follows."""

    code: str | None
    effect: Effect
    table: str | None
    column: str | None
    count: int
    message: str
    do: str | None


class DateProof(TypedDict):
    """What a source column of text dates proves of the order of day and month: see
    :class:`idbmigrate.staging.spellings.DateOrder`."""

    table: str
    column: str
    order: str
    day_first: int
    month_first: int
    respelled: int
    unread: int


class _Compared(TypedDict, total=False):
    #: The published counts of file and output, where they were asked for.
    measures: list[dict[str, Any]]


class Summary(_Compared):
    """A run in short: what went in, what came out, what was left behind and why."""

    inputs: list[InputFacts]
    source: str
    target: str
    mapping: MappingFacts
    accept: StatedConfidence
    parameters: dict[str, str]
    overlay: OverlayFacts | None
    period: str | None
    months: list[str]
    tables_in: list[TableIn]
    tables_out: list[TableOut]
    left_behind: list[LeftBehind]
    proposals: list[Proposal]
    less_exactly: list[InexactLine]
    keys: list[KeyLine]
    findings: dict[Effect, int]
    root_causes: list[RootCause]
    out: str | None
    files: list[FileFacts]


class Total(TypedDict):
    """What several runs come to: files, rows, values, and findings by effect."""

    files: int
    rows: Flow
    values: Flow
    findings: dict[Effect, int]


class BatchSummary(TypedDict):
    """The summaries of several runs by the name of their folder, and what failed: code and message."""

    runs: dict[str, Summary]
    failed: dict[str, ErrorFacts]
    total: Total
    out: str | None


class ToolFacts(TypedDict):
    """The tool that ran."""

    name: str
    version: str


class MappingFiles(MappingFacts):
    """A mapping with the digest of each of its files."""

    files: dict[str, str]


class NotOfType(TypedDict):
    """How many values of a column are not of its type, and null in the typed column of ``analysis``."""

    table: str
    column: str
    values: int


class _Asked(TypedDict, total=False):
    overlay: OverlayFacts
    allow: list[str]
    salvage: bool
    not_of_type: list[NotOfType]


class PseudonymFacts(TypedDict):
    """Of pseudonymised output: the id of the key, and how many values of each column did not go out."""

    key: str
    left_out: list[LeftOut]


class Manifest(_Asked):
    """``manifest.json`` without its outputs: what was done, with what, and the books.

    What the user asked for beyond the parameters (overlay, allow, salvage) is there only where it was asked.
    """

    tool: ToolFacts
    input: InputFacts
    identification: Identified
    mapping: MappingFiles
    target: str
    accept: StatedConfidence
    parameters: dict[str, str]
    period: str | None
    months: list[str]
    tables: dict[str, int]
    proof: dict[str, dict[str, int]]
    dates: list[DateProof]
    ledger: list[LedgerLine]
    left_behind: list[LeftBehind]
    proposals: list[Proposal]
    less_exactly: list[InexactLine]
    keys: list[KeyLine]
    findings: dict[Effect, int]


def tables_in(books: Books) -> list[TableIn]:
    """One line a source table: rows and values, with what became of them."""
    flows: dict[str, Flow] = {}
    for account in (*books.values, *(each for each in books.unread if each.column)):
        _add(flows.setdefault(account.table, _no_flow()), _flow(account))
    rows = [*books.rows, *(each for each in books.unread if not each.column)]
    return [_table_in(account, flows.get(account.table, _no_flow())) for account in rows]


def _table_in(account: Account, values: Flow) -> TableIn:
    rows = _flow(account)
    return {
        "table": account.table,
        "rows": rows["in"],
        "carried": rows["carried"],
        "rejected": rows["rejected"],
        "dropped": rows["dropped"],
        "values": values,
    }


def _no_flow() -> Flow:
    return {"in": 0, "carried": 0, "rejected": 0, "dropped": 0}


def _flow(account: Account) -> Flow:
    totals = {REJECTED: 0, DROPPED: 0}
    for reason, count in account.counts():
        totals[outcome(reason.word)] += count
    return {
        "in": account.total,
        "carried": account.carried,
        "rejected": totals[REJECTED],
        "dropped": totals[DROPPED],
    }


def _add(total: Flow, more: Flow) -> None:
    total["in"] += more["in"]
    total["carried"] += more["carried"]
    total["rejected"] += more["rejected"]
    total["dropped"] += more["dropped"]


def left_behind(books: Books) -> list[LeftBehind]:
    """One line a reason, most values first."""
    unread = [each for each in books.unread if not each.column]
    rows = _by_reason([*books.rows, *unread])
    values = _by_reason([*books.values, *(each for each in books.unread if each.column)])
    lines: list[LeftBehind] = [
        {
            "reason": word,
            "meaning": books.meaning(word),
            "outcome": outcome(word),
            "rows": rows[word],
            "values": values[word],
        }
        for word in rows | values
    ]
    return sorted(lines, key=lambda line: (-line["values"], -line["rows"], line["reason"]))


def _by_reason(accounts: Sequence[Account]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for account in accounts:
        for reason, count in account.counts():
            counted[reason.word] += count
    return counted


def short_cause(cause: Mapping[str, Any]) -> RootCause:
    """A root cause as the summary has it: without the example and the places that only a report shows."""
    return {
        "code": cause["code"],
        "effect": cause["effect"],
        "table": cause["table"],
        "column": cause["column"],
        "count": cause["count"],
        "message": cause["message"],
        "do": cause["do"],
    }


def no_effects() -> dict[Effect, int]:
    """A count of nothing for every effect, the gravest first."""
    return dict.fromkeys(reversed(EFFECTS), 0)


def effects(findings: pa.Table) -> dict[Effect, int]:
    """Number of findings by effect."""
    counts = no_effects()
    if findings.num_rows:
        counted = pc.value_counts(findings["effect"])
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        counts |= dict(pairs)
    return counts


def total(summaries: Sequence[Summary]) -> Total:
    """What runs come to: rows and values with what became of them, and findings by effect."""
    rows, values = _no_flow(), _no_flow()
    for line in (line for summary in summaries for line in summary["tables_in"]):
        _add(values, line["values"])
        _add(
            rows,
            {
                "in": line["rows"],
                "carried": line["carried"],
                "rejected": line["rejected"],
                "dropped": line["dropped"],
            },
        )
    found = {
        effect: sum(summary["findings"][effect] for summary in summaries) for effect in reversed(EFFECTS)
    }
    return {"files": len(summaries), "rows": rows, "values": values, "findings": found}
