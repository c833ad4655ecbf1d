"""The one JSON document that every report is made from.

Sections (a section that does not apply is null or empty): ``use`` (what the result is good for), ``input``,
``not_read``, ``identification``, ``mapping``, ``settings``, ``flow`` (tables in, tables out, which feeds
which), ``ledger``, ``coverage`` of the rules, ``vodim``, ``fate``, ``findings`` (counts by effect),
``root_causes``, ``windows`` (when the portal of the target took the months), ``dates`` (what each column of
text dates proves), ``less_exactly`` (carried as a code that says less), ``keys``, ``unmapped``,
``confidence``. It holds no time of day, so that the same run
gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate import __version__
from idbmigrate.checks.causes import SOURCE_ADVICE, root_causes
from idbmigrate.checks.coverage import coverage
from idbmigrate.checks.model import Outcome, SubmissionResult
from idbmigrate.checks.vodim import measure
from idbmigrate.execution.belonging import KeyLine
from idbmigrate.execution.parameters import PERIOD
from idbmigrate.ledger.books import LedgerLine
from idbmigrate.ledger.inexact import InexactLine
from idbmigrate.periods.windows import CalendarFacts, load_calendar, months_between
from idbmigrate.reports.origins import origins, table_links
from idbmigrate.result.summary import (
    DateProof,
    Identified,
    InputFacts,
    LeftBehind,
    MappingFacts,
    OverlayFacts,
    Summary,
    TableIn,
    effects,
)
from idbmigrate.words import EFFECTS, Effect, StatedConfidence

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset
    from idbmigrate.result.run import Run

#: A count; in a document that is shared, a small one is the word ``suppressed``.
Count: TypeAlias = "int | str"


class NotReadLine(TypedDict):
    """What of the file was not read. ``table`` is null where the data set has none such, ``rows`` and
    ``values`` where nobody knows how many."""

    what: str
    table: str | None
    why: str
    rows: int | None
    values: int | None


class Titled(MappingFacts):
    """A mapping with its title."""

    title: str


class Target(TypedDict):
    """The target data set."""

    dataset: str
    title: str


class Settings(TypedDict):
    """What the user asked for."""

    accept: StatedConfidence
    period: str | None
    months: list[str]
    parameters: dict[str, str]
    overlay: OverlayFacts | None


class SourceTable(TableIn):
    """A source table; ``known`` to the data set or the file's own."""

    known: bool


class TargetTable(TypedDict):
    """A target table and its rows."""

    table: str
    title: str
    rows: int


class TableFlow(TypedDict):
    """Tables in, tables out, and which feeds which."""

    sources: list[SourceTable]
    targets: list[TargetTable]
    links: list[dict[str, str]]


class KnownLine(LedgerLine):
    """A line of the ledger, of a table and column that are ``known`` to the data set or the file's own."""

    known: bool


class LedgerSection(TypedDict):
    """The ledger by line and by reason."""

    lines: list[KnownLine]
    reasons: list[LeftBehind]


class Unmapped(TypedDict):
    """A code that was not carried, by source column and reason; ``target`` is where it was to go."""

    table: str
    column: str
    code: str | None
    target: str
    reason: str
    meaning: str
    count: int


class Windows(CalendarFacts):
    """The submission windows of the target, and of how many months of the output."""

    months: int


class SureCounts(TypedDict):
    """Target columns filled, and lookup entries, by confidence."""

    columns: dict[str, int]
    codes: dict[str, int]


class Document(TypedDict):
    """What every report is made from: see the module. A section that does not apply is null or empty."""

    report: str
    tool_version: str
    title: str
    shared: bool
    use: str
    input: InputFacts | None
    not_read: list[NotReadLine]
    identification: Identified | None
    mapping: Titled | None
    target: Target
    settings: Settings | None
    flow: TableFlow
    ledger: LedgerSection | None
    coverage: dict[str, Any] | None
    vodim: list[dict[str, Any]]
    fate: SubmissionResult | None  # the name in the JSON document
    findings: dict[Effect, Count]
    root_causes: list[dict[str, Any]]
    windows: Windows | None
    dates: list[DateProof]
    less_exactly: list[InexactLine]
    keys: list[KeyLine]
    unmapped: list[Unmapped]
    confidence: SureCounts | None


#: Reasons of the ledger that say that a code was not carried.
CODE_REASONS = ("unknown-code", "undecided-no", "rejected-code", "no-equivalent", "not-accepted")

#: What a converted month is good for. The first period of the public submission calendars of the data sets in
#: use is November 2019 (IAPT v2.0; Reusable Code Library, src/dsp/shared/submissions/calendars).
USE = (
    "A converted month is good for an archive, for analysis and for trying out systems. The public "
    "submission calendars of the data sets in use begin with November 2019: an older month is submitted by "
    "arrangement with the centre. Ask it whether it takes the month, in which version of the data set, and "
    "by what way."
)
#: What a check of a legacy file says.
SOURCE_USE = (
    "These are checks of the legacy file itself, before any conversion: what of it is unlike what is public "
    "of its data set. The portal that took such files is closed, and its own rules were never published."
)
#: Lines of unmapped codes at most; what is beyond them is in the rejects.
MAX_CODES = 1000


def for_output(name: str, tables: Mapping[str, pa.Table], target: Dataset, outcome: Outcome) -> Document:
    """The document of a check of converted output: what there is to say without its source."""
    flow: TableFlow = {"sources": [], "targets": _targets(tables, target), "links": []}
    document = _frame(f"{target.name}: {name}", target, flow)
    counts = effects(outcome.findings)
    document["findings"] = {effect: counts[effect] for effect in EFFECTS}
    document["root_causes"] = root_causes(outcome)
    _add_checked(document, outcome)
    document["vodim"] = measure(outcome.pack, tables, target)
    return document


def for_source(
    found: Identified,
    read: InputFacts,
    tables: Mapping[str, pa.Table],
    dataset: Dataset,
    outcome: Outcome,
    about_people: pa.Table,
    keys: list[KeyLine],
) -> Document:
    """The document of a check of a legacy file itself: its data set stands where the target does."""
    document = for_output(read["file"], tables, dataset, outcome)
    document["use"] = SOURCE_USE
    document["input"], document["not_read"] = read, not_read(read)
    document["identification"], document["keys"] = found, keys
    rules, people = effects(outcome.findings), effects(about_people)
    document["findings"] = {effect: rules[effect] + people[effect] for effect in EFFECTS}
    document["root_causes"] = root_causes(outcome, None, about_people, SOURCE_ADVICE)
    return document


def for_run(run: Run, target: Dataset, source: Dataset, outcome: Outcome | None) -> Document:
    """The document of a conversion; ``outcome`` is null where the target has no rule pack."""
    summary = run.summary
    flow: TableFlow = {
        "sources": [{**line, "known": line["table"] in source.tables} for line in summary["tables_in"]],
        "targets": _targets(run.coded, target),
        "links": table_links(run.mapping),
    }
    document = _frame(run.mapping.title, target, flow)
    document["input"] = run.input
    document["not_read"] = not_read(run.input)
    document["identification"] = run.identified
    document["mapping"] = {
        "name": run.mapping.name,
        "version": run.mapping.version,
        "title": run.mapping.title,
    }
    document["settings"] = {
        "accept": summary["accept"],
        "period": summary["period"],
        "months": summary["months"],
        "parameters": dict(summary["parameters"]),
        "overlay": summary["overlay"],
    }
    document["ledger"] = {
        "lines": [{**line, "known": _known(line, source)} for line in run.ledger],
        "reasons": summary["left_behind"],
    }
    document["windows"] = windows(summary)
    document["dates"] = run.dates
    document["less_exactly"] = summary["less_exactly"]
    document["keys"] = summary["keys"]
    document["unmapped"] = unmapped(run)
    document["confidence"] = confidence(run)
    document["findings"] = {effect: run.summary["findings"][effect] for effect in EFFECTS}
    document["root_causes"] = root_causes(outcome, origins(run.mapping), run.about_people)
    if outcome is not None:
        _add_checked(document, outcome)
        document["vodim"] = measure(outcome.pack, run.coded, target, staged_rows(run), source)
    return document


def staged_rows(run: Run) -> dict[str, pa.Table]:
    """The staged tables; of a run over one month without the rows that it leaves out as another's."""
    tables = {name: table.raw for name, table in run.staged.items()}
    others = run.other_months
    if others is None:
        return tables
    return {name: table.filter(pa.array(~others[name])) for name, table in tables.items()}


def windows(summary: Summary) -> Windows:
    """When the portal of the target took the months of a run: its calendar, and the windows of each month.

    Nothing here depends on the day of the run: whether a window is open, the dates tell.
    """
    if summary["months"] or summary["period"]:
        months = summary["months"] or [str(summary["period"])]
    else:
        first, last = (str(summary["parameters"].get(name) or "")[:7] for name in PERIOD)
        months = months_between(first, last) if first and last else []
    return {"months": len(months), **load_calendar(summary["target"]).as_dict(months)}


def not_read(found: InputFacts) -> list[NotReadLine]:
    """What of the file was not read, by line: ``what`` and ``why``.

    ``table`` is null where the data set has none such, ``rows`` and ``values`` where nobody knows how many.
    """
    lines: list[NotReadLine] = [
        {
            "what": f"{line['table']}.{line['column']}" if "column" in line else line["table"],
            "table": line["table"] if line.get("known", True) else None,
            "why": line["why"],
            "rows": line["rows"],
            "values": line["values"],
        }
        for line in found.get("not_read", ())
    ]
    rest: list[NotReadLine] = [
        {"what": each["where"], "table": None, "why": each["message"], "rows": None, "values": None}
        for each in found.get("problems", ())
    ]
    return lines + rest


def counted(line: NotReadLine) -> str:
    """How many rows or values a line of what was not read stands for, in brackets; nothing where unknown."""
    both = (("rows", line["rows"]), ("values", line["values"]))
    counts = ", ".join(f"{count:,} {word}" for word, count in both if count)
    return f" ({counts})" if counts else ""


def _frame(title: str, target: Dataset, flow: TableFlow) -> Document:
    return {
        "report": "idbmigrate",
        "tool_version": __version__,
        "title": title,
        "shared": False,
        "use": " ".join(filter(None, (USE, target.unknown))),
        "input": None,
        "not_read": [],
        "identification": None,
        "mapping": None,
        "target": {"dataset": target.name, "title": target.title},
        "settings": None,
        "flow": flow,
        "ledger": None,
        "coverage": None,
        "vodim": [],
        "fate": None,
        "findings": _no_findings(),
        "root_causes": [],
        "windows": None,
        "dates": [],
        "less_exactly": [],
        "keys": [],
        "unmapped": [],
        "confidence": None,
    }


def _no_findings() -> dict[Effect, Count]:
    return dict.fromkeys(EFFECTS, 0)


def _add_checked(document: Document, outcome: Outcome) -> None:
    document["fate"] = outcome.submission
    document["coverage"] = {**coverage(outcome.pack), "not_run": dict(outcome.not_run)}


def _targets(tables: Mapping[str, pa.Table], target: Dataset) -> list[TargetTable]:
    return [
        {"table": name, "title": spec.title, "rows": tables[name].num_rows if name in tables else 0}
        for name, spec in target.tables.items()
    ]


def _known(line: LedgerLine, source: Dataset) -> bool:
    spec = source.tables.get(line["table"])
    return spec is not None and (line["column"] is None or line["column"] in spec.columns)


def unmapped(run: Run) -> list[Unmapped]:
    """Codes that were not carried: one line for each source column, code and reason, most values first."""
    lines: list[Unmapped] = []
    for account in run.books.values:
        for index, reason in enumerate(account.names):
            word = reason.word.partition(":")[0]
            rows = account.uncarried[account.reasons == index] if word in CODE_REASONS else np.empty(0)
            if len(rows):
                values = run.staged[account.table].raw[account.column].take(pa.array(rows)).cast(pa.string())
                lines += [
                    {
                        "table": account.table,
                        "column": account.column,
                        "code": entry["values"],
                        "target": reason.target,
                        "reason": word,
                        "meaning": run.books.meaning(reason.word),
                        "count": entry["counts"],
                    }
                    for entry in pc.value_counts(values).to_pylist()
                ]
    lines.sort(key=lambda line: (-line["count"], line["table"], line["column"], line["code"] or ""))
    return lines[:MAX_CODES]


def confidence(run: Run) -> SureCounts:
    """How sure the mapping is: target columns filled, and lookup entries, by confidence."""
    fields: Counter[str] = Counter()
    for table in run.mapping.tables.values():
        for branch in table.branches:
            for each in branch.fields:
                if not each.helper:
                    fields[each.confidence or branch.confidence or "confirmed"] += 1
    codes = Counter(row.confidence for lookup in run.mapping.lookups.values() for row in lookup.rows)
    return {"columns": dict(sorted(fields.items())), "codes": dict(sorted(codes.items()))}
