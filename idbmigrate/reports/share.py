"""A report for others: no identifier, no raw value, and no small number.

Counts of records from 1 to 4 are suppressed. Where a suppressed count could be worked out from its total
(one part gone and all others shown, or parts gone that add up to less than 5) the smallest other part is
suppressed as well. All other counts of records are rounded to the nearest 5, as NHS England does in its
publications, so that no small number is the difference of two large ones.

What may be an identifier or a value (file name, digest, parameters, example references, codes as they
stood in the file, names of tables and columns that the data set does not know) is left out, not shortened.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from idbmigrate.checks.submission import NOT_PUBLIC
from idbmigrate.reports.document import Document
from idbmigrate.words import OUTCOMES

#: Counts below this are suppressed.
SMALLEST = 5

#: What stands for a suppressed count.
HIDDEN = "suppressed"


def shared(document: Document) -> Document:
    """The document as it may leave the place of work."""
    found: Any = deepcopy(document)
    title = (found["mapping"] or found["target"])["title"]
    found |= {"shared": True, "title": title, "input": None, "unmapped": _codes(found["unmapped"])}
    found["not_read"] = _not_read(found["not_read"])
    if found["identification"]:
        found["identification"]["evidence"] = []
    if found["settings"]:
        found["settings"]["parameters"] = {}
        overlay = found["settings"].get("overlay")
        if overlay:  # that codes were decided is told; names of files and codes may be local ones
            found["settings"]["overlay"] = {"files": [], "codes": {}, "decided": safe(overlay["decided"])}
    if found["ledger"]:
        found["ledger"] = _ledger(found["ledger"])
    found["flow"] = _flow(found["flow"])
    found["vodim"] = [_vodim(line) for line in found["vodim"]]
    if found["fate"]:
        found["fate"] = _fate(found["fate"])
    found["dates"] = [_dates(line) for line in found["dates"]]
    found["root_causes"] = [_cause(line) for line in found["root_causes"]]
    found["less_exactly"] = [
        {**line, "values": safe(line["values"])} for line in found.get("less_exactly", ())
    ]
    found["keys"] = [{**line, "rows": safe(line["rows"])} for line in found.get("keys", ())]
    found["findings"] = suppress(found["findings"])
    return found


def _dates(line: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: count for name, count in line.items() if isinstance(count, int)}
    return {**line, **suppress(counts)}


def _not_read(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tables by the data set's name; what has a name of the file's own is one line for all."""
    known = [{**line, "what": line["table"], "rows": None, "values": None} for line in lines if line["table"]]
    if len(known) < len(lines):
        known.append(
            {
                "what": "the file",
                "table": None,
                "why": "parts of it are damaged and could not be read",
                "rows": None,
                "values": None,
            }
        )
    return known


def hidden(count: Any) -> bool:
    """Whether a count is too small to be shown."""
    return isinstance(count, int) and 0 < count < SMALLEST


def suppress(parts: Mapping[str, int], total: int | None = None) -> dict[str, Any]:
    """Suppress small counts among parts, and a second one where the total would give the first away.

    ``total`` is the sum that stands beside the parts, null where none does.
    """
    gone = {name for name, count in parts.items() if hidden(count)}
    if gone and total is not None:
        others = sorted((count, name) for name, count in parts.items() if name not in gone and count)
        missing = sum(parts[name] for name in gone)
        while others and (len(gone) < 2 or missing < SMALLEST):
            count, name = others.pop(0)
            gone.add(name)
            missing += count
    return {name: HIDDEN if name in gone else safe(count) for name, count in parts.items()}


def safe(count: Any) -> Any:
    """One count as it may be shown: suppressed, or rounded to the nearest 5; what is no number stays."""
    if hidden(count):
        return HIDDEN
    if isinstance(count, int) and not isinstance(count, bool):
        return 5 * ((count + 2) // 5)
    return count


def _balanced(line: dict[str, Any], whole: str, parts: tuple[str, ...]) -> dict[str, Any]:
    """Make the parts of a line safe, and the total that they add up to."""
    return {**line, **suppress({part: line[part] for part in parts}, line[whole]), whole: safe(line[whole])}


def _ledger(ledger: dict[str, Any]) -> dict[str, Any]:
    """Totals of tables only: differences between columns and tables would give small counts away."""
    lines = [
        {key: value for key, value in _balanced(line, "in", OUTCOMES).items() if key != "reasons"}
        | {"less_exactly": safe(line["less_exactly"]), "reasons": {}}
        for line in ledger["lines"]
        if line["known"]
    ]
    reasons = [
        {**line, "rows": safe(line["rows"]), "values": safe(line["values"])}
        for line in ledger["reasons"]
        if not _names_something(line["reason"])
    ]
    return {"lines": lines, "reasons": reasons}


def _names_something(reason: str) -> bool:
    """Whether a reason word holds a name that may come from the file rather than from the mapping."""
    return reason.startswith(("unknown-", "empty-text:"))


def _flow(flow: dict[str, Any]) -> dict[str, Any]:
    sources = []
    for line in flow["sources"]:
        if line["known"]:
            line = _balanced(line, "rows", OUTCOMES)
            sources.append({**line, "values": _balanced(line["values"], "in", OUTCOMES)})
    targets = [{**line, "rows": safe(line["rows"])} for line in flow["targets"]]
    return {"sources": sources, "targets": targets, "links": flow["links"]}


def _vodim(line: dict[str, Any]) -> dict[str, Any]:
    words = ("valid", "other", "default", "invalid", "missing")
    return {
        **line,
        **{side: _balanced(line[side], "total", words) for side in ("before", "after") if line[side]},
    }


def _fate(result: dict[str, Any]) -> dict[str, Any]:
    """The outcome and its codes; the total goes where it would give a suppressed table away."""
    rejected = {name: safe(count) for name, count in result["rejected"].items()}
    rows = {name: safe(count) for name, count in result["rows"].items()}
    some = "some" if result["rejected_total"] else "none"
    words = {
        "rejected": result["words"],
        "accepted": "the file would be accepted with all of its records",
        "accepted-in-part": "the file would be accepted without some of its records",
    }[result["outcome"]]
    if result["words"].startswith(NOT_PUBLIC):
        words = f"{NOT_PUBLIC} {some} of the records would be rejected"
    total = HIDDEN if HIDDEN in rejected.values() else safe(result["rejected_total"])
    return {**result, "rejected": rejected, "rows": rows, "rejected_total": total, "words": words}


def _cause(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "example": None, "count": safe(line["count"])}


def _codes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many values of a column found no code, without the codes: a code in a file may be anything."""
    totals: dict[tuple[str, ...], int] = {}
    for line in lines:
        key = (line["table"], line["column"], line["target"], line["reason"], line["meaning"])
        totals[key] = totals.get(key, 0) + line["count"]
    return [
        {
            "table": table,
            "column": column,
            "code": None,
            "target": target,
            "reason": reason,
            "meaning": meaning,
            "count": safe(count),
        }
        for (table, column, target, reason, meaning), count in totals.items()
    ]
