"""What there is to tell about an archive: one document, from which the screen and the page are made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.archive.catalogue import Catalogue, FileRow, weighed
from idbmigrate.archive.evidence import Evidence
from idbmigrate.archive.model import Submission
from idbmigrate.archive.reading import NEXT_STEPS
from idbmigrate.periods.windows import CalendarFacts, load_calendar, months_between

_COUNTS = ("same", "changed", "only_first", "only_second")
_Weighed = Sequence[tuple[Submission, Evidence]]


def status(archive: str | os.PathLike[str]) -> dict[str, Any]:
    """What is in an archive, as one JSON object.

    ``files`` counts files and places, ``submissions`` lists every one with its evidence, ``grid`` has a
    line for each provider and month between the first and the last, ``windows`` has the published
    submission windows of those months by data set, ``copies`` tells files apart on three levels,
    ``not_read`` gives reason and next step of each file that is no readable submission, ``decide`` is what
    a person has to say. Raises ``UsageError`` (``not-an-archive``).
    """
    with Catalogue(Path(os.path.abspath(archive))) as catalogue:
        return overview(catalogue)


def overview(catalogue: Catalogue) -> dict[str, Any]:
    """The document of :func:`status`, of an open catalogue."""
    found = weighed(catalogue)
    files, places = catalogue.files(), catalogue.shown_places()
    submissions = [each for each, _ in found]
    refused = [
        {"zip": places.get(zipped, [zipped])[0], "name": name, "problem": problem}
        for zipped, name, problem in catalogue.refused_members()
    ]
    unread = [line for row in files if (line := not_read(row, places.get(row.sha256, [])))]
    return {
        "tool": {"name": "idbmigrate", "version": __version__},
        "archive": catalogue.archive.name,
        "files": {
            "files": len(files),
            "places": sum(map(len, places.values())),
            "bytes": sum(row.bytes for row in files),
            "verdicts": dict(sorted(Counter(row.verdict or "waiting" for row in files).items())),
        },
        "patterns": catalogue.patterns(),
        "submissions": [_line(each, evidence) for each, evidence in found],
        "grid": grid(submissions),
        "windows": windows(submissions),
        "copies": _copies(catalogue, submissions, places, files),
        "not_read": unread,
        "refused": refused,
        "decide": _to_decide(found, unread, refused),
    }


def not_read(row: FileRow, places: Sequence[str]) -> dict[str, Any] | None:
    """A file that is no readable submission: its places, the reason, what to do; None where it is one."""
    if row.verdict in (None, "readable", "zip"):
        return None
    facts = row.facts
    return {
        "sha256": row.sha256,
        "places": list(places),
        "verdict": row.verdict,
        "error": facts.get("error"),
        "message": facts.get("message"),
        "where": facts.get("where"),
        "hint": facts.get("hint"),
    }


def _line(each: Submission, evidence: Evidence) -> dict[str, Any]:
    return {
        "sha256": each.sha256,
        "places": list(each.places),
        "dataset": each.dataset or None,
        "edition": each.edition,
        "provider": each.provider,
        "period": each.period,
        "kind": each.kind,
        "evidence": dict(each.evidence),
        "questions": list(evidence.questions),
        "decided": dict(each.decided),
        "modified": each.modified.isoformat() if each.modified else None,
        "readable": each.readable,
        "problem": each.problem,
        "rows": sum(each.tables.values()),
        "tables": dict(each.tables),
        "cells": each.cells or None,
    }


# -- providers by months ---------------------------------------------------------------------------


def grid(submissions: Iterable[Submission]) -> list[dict[str, Any]]:
    """A line for each provider and month, from the first month of all to the last.

    ``states`` are words of ``primary``, ``refresh``, ``unknown kind``, ``broken``, ``duplicate`` (the same
    cells, or several of one kind), or ``missing`` alone; ``files`` the digests.
    """
    cells: dict[tuple[str, str], list[Submission]] = {}
    for each in submissions:
        if each.provider and each.period:
            cells.setdefault((each.provider, each.period), []).append(each)
    if not cells:
        return []
    months = months_between(min(month for _, month in cells), max(month for _, month in cells))
    return [
        {
            "provider": provider,
            "period": month,
            "states": _states(cells.get((provider, month), [])),
            "files": [each.sha256 for each in cells.get((provider, month), [])],
        }
        for provider in sorted({provider for provider, _ in cells})
        for month in months
    ]


def windows(submissions: Iterable[Submission]) -> dict[str, CalendarFacts]:
    """By data set the published windows that took the months of its submissions, or why none is known."""
    months: dict[str, set[str]] = {}
    for each in submissions:
        if each.readable and each.dataset and each.period:
            months.setdefault(each.dataset, set()).add(each.period)
    return {name: load_calendar(name).as_dict(sorted(found)) for name, found in sorted(months.items())}


def _states(files: Sequence[Submission]) -> list[str]:
    if not files:
        return ["missing"]
    readable = [each for each in files if each.readable]
    kinds = Counter(each.kind or "unknown kind" for each in readable)
    found = [word for word in ("primary", "refresh", "unknown kind") if kinds[word]]
    if len(readable) < len(files):
        found.append("broken")
    same = len({each.cells for each in readable}) < len(readable)
    if same or any(count > 1 for count in kinds.values()):
        found.append("duplicate")
    return found


# -- copies ----------------------------------------------------------------------------------------


def _copies(
    catalogue: Catalogue,
    submissions: Sequence[Submission],
    places: dict[str, list[str]],
    files: Sequence[FileRow],
) -> dict[str, list[Any]]:
    """Copies on three levels: the same bytes, the same cells, the same keys with changes."""
    by_cells: dict[str, list[str]] = {}
    for each in submissions:
        if each.readable:
            by_cells.setdefault(each.cells, []).append(each.sha256)
    return {
        "bytes": [
            {"sha256": row.sha256, "places": places[row.sha256]}
            for row in files
            if len(places.get(row.sha256, ())) > 1
        ],
        "cells": [{"cells": cells, "files": same} for cells, same in by_cells.items() if len(same) > 1],
        "changes": _changes(catalogue, {each.sha256: each for each in submissions}),
    }


def _changes(catalogue: Catalogue, known: dict[str, Submission]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for first, second, label, same, changed, only_first, only_second in catalogue.differences():
        each = known.get(first)
        line = found.setdefault(
            (first, second),
            {
                "first": first,
                "second": second,
                "provider": each.provider if each else None,
                "period": each.period if each else None,
                "tables": {},
            },
        )
        counts = (same, changed, only_first, only_second)
        line["tables"][label] = dict(zip(_COUNTS, counts, strict=True))
    for line in found.values():
        tables = line["tables"].values()
        line |= {name: sum(table[name] for table in tables) for name in _COUNTS}
    return list(found.values())


# -- what a person has to say ----------------------------------------------------------------------


def _to_decide(
    found: _Weighed, unread: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What nobody but a person can say, each with what to do; conflicts between files last."""
    lines: list[dict[str, Any]] = []
    table = "write it into submissions.csv, or give --pattern"
    for each, evidence in found:
        for question in evidence.questions:
            lines.append(_question(each.places, [each.sha256], question, table))
    for line in unread:
        if line["verdict"] != "other":
            hint = line["hint"] or NEXT_STEPS.get(line["verdict"], "")
            lines.append(_question(line["places"], [line["sha256"]], str(line["message"]), hint))
    for line in refused:
        lines.append(_question([f"{line['zip']}!{line['name']}"], [], line["problem"], NEXT_STEPS["refused"]))
    return lines + _rivals([each for each, _ in found])


def _question(places: Sequence[str], files: Sequence[str], what: str, hint: str) -> dict[str, Any]:
    return {"places": list(places), "files": list(files), "what": what, "hint": hint}


def _rivals(submissions: Sequence[Submission]) -> list[dict[str, Any]]:
    """Submissions of one kind, provider and month that hold different cells."""
    groups: dict[tuple[str, str, str], dict[str, Submission]] = {}
    for each in submissions:
        if each.readable and each.provider and each.period:
            group = groups.setdefault((each.provider, each.period, each.kind or "unknown kind"), {})
            group.setdefault(each.cells, each)
    return [
        _question(
            [place for each in group.values() for place in each.places],
            [each.sha256 for each in group.values()],
            f"{provider} {period}: {len(group)} different files are {kind}",
            "say in submissions.csv which is primary and which is refresh",
        )
        for (provider, period, kind), group in sorted(groups.items())
        if len(group) > 1
    ]
