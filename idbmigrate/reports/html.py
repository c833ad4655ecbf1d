"""The report as one HTML page: no script, no network, readable on paper, in the dark and aloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from idbmigrate.checks.people import PEOPLE
from idbmigrate.reports import charts
from idbmigrate.reports.charts import number
from idbmigrate.reports.document import counted
from idbmigrate.reports.overlay import overlay_lines
from idbmigrate.reports.parts import Raw, facts, legend, table, wide
from idbmigrate.words import OUTCOMES, VODIM

_STYLE = Path(__file__).with_name("style.css")

#: Rows of the long tables that are shown at most; the workbook and the JSON document have all.
SHOWN = 300

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_IN = ("#Carried", "#Rejected", "#Dropped")
_EFFECT_WORDS = {
    "file": "the whole file is rejected",
    "group": "a group of records is rejected",
    "record": "the record is rejected",
    "warning": "a warning; the record is accepted",
}


def write(document: Mapping[str, Any], path: Path) -> Path:
    """Write the page and return its path. Raises ``OSError`` where it cannot be written."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(document), encoding="utf-8", newline="\n")
    return path


def render(document: Mapping[str, Any]) -> str:
    """Give the page as text."""
    sections = [(name, title, body) for name, title, make in _SECTIONS if (body := make(document))]
    above = f"{_unread(document)}{_verdict(document)}{_use(document)}"
    return page(document["title"], _head(document), above, sections)


def page(title: str, head: str, above: str, sections: Sequence[tuple[str, str, str]], style: str = "") -> str:
    """A whole page: its head, what stands first, and sections as (anchor, title, body). All but ``title`` is
    HTML; ``style`` is more CSS."""
    links = "".join(f'<li><a href="#{name}">{words}</a></li>' for name, words, _ in sections)
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{words}</h2>{text}</section>'
        for name, words, text in sections
    )
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}{style}</style>\n"
        f'</head>\n<body>\n<a class="skip" href="#main">Skip to the report</a>\n{head}'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main id="main">\n'
        f"{above}{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def _head(document: Mapping[str, Any]) -> str:
    lines = [f"idbmigrate {escape(document['tool_version'])}"]
    if document["mapping"]:
        lines.append(
            f"mapping {escape(document['mapping']['name'])} {escape(document['mapping']['version'])}"
        )
    if document["shared"]:
        lines.append(
            "for sharing: no identifiers or values, counts below 5 suppressed, "
            "others rounded to the nearest 5"
        )
    return f"<header><h1>{escape(document['title'])}</h1><p>{' · '.join(lines)}</p></header>\n"


def _unread(document: Mapping[str, Any]) -> str:
    """What of the file nobody has read: above the verdict, which does not speak of it."""
    lines = [f"{line['what']}: {line['why']}{counted(line)}" for line in document["not_read"]]
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        '<div class="verdict rejected" role="alert"><strong>Not everything in the file was read.</strong>'
        f"<ul>{items}</ul></div>"
    )


def _verdict(document: Mapping[str, Any]) -> str:
    result = document["fate"]
    if not result:
        return ""
    codes = "" if result["file_codes"] else ", ".join(result["rejecting_codes"])
    more = f"<p>Decided by {escape(codes)}.</p>" if codes else ""
    words = result["words"][:1].upper() + result["words"][1:]
    note = escape(document["coverage"]["note"]) if document["coverage"] else ""
    return (
        f'<div class="verdict {_colour(document)}"><strong>{escape(words)}.</strong>{more}'
        f'<p class="note">{note}</p></div>'
    )


def _use(document: Mapping[str, Any]) -> str:
    return f'<p class="note">{escape(document["use"])}</p>'


def _colour(document: Mapping[str, Any]) -> str:
    """The look of the verdict: never that of a whole acceptance where something was not read, or stayed
    behind because nobody can tell whose it is."""
    outcome = document["fate"]["outcome"]
    lost = document["not_read"] or any(line["kind"] == PEOPLE for line in document["root_causes"])
    return "accepted-in-part" if outcome == "accepted" and lost else outcome


def _input(document: Mapping[str, Any]) -> str:
    pairs: list[tuple[str, Any]] = []
    if document["input"]:
        pairs += [("File", document["input"]["file"]), ("Bytes", number(document["input"]["bytes"]))]
    if found := document["identification"]:
        pairs += [("Found to be", found["dataset"]), ("Confidence", found["confidence"])]
    if not _of_source(document):
        pairs.append(("Target", document["target"]["dataset"]))
    evidence = (document["identification"] or {}).get("evidence") or []
    items = "".join(f"<li>{escape(line)}</li>" for line in evidence)
    more = f"<details><summary>The evidence</summary><ul>{items}</ul></details>" if items else ""
    return facts(pairs) + more


def _of_source(document: Mapping[str, Any]) -> bool:
    """Whether the report is about a legacy file itself: it was identified, and no mapping was used."""
    return bool(document["identification"] and not document["mapping"])


def _flow(document: Mapping[str, Any]) -> str:
    flow = document["flow"]
    parts = []
    if flow["sources"]:
        parts.append(legend([(word, word) for word in OUTCOMES]))
        parts.append(wide(charts.flow(flow["sources"], flow["targets"], flow["links"]), "Tables in and out"))
        head = ["Source table", "#Rows", *_IN, "#Values", *_IN]
        rows = [
            [line["table"], line["rows"], *_parts(line), line["values"]["in"], *_parts(line["values"])]
            for line in flow["sources"]
        ]
        parts.append(table("Rows and values of the source tables", head, rows))
    result = document["fate"]
    rejected = result["rejected"] if result else {}
    what = "" if _of_source(document) else "target "
    parts.append(
        table(
            f"Rows of the {what}tables",
            [f"{what}table".capitalize(), "Content", "#Rows", *(["#Would be rejected"] if result else [])],
            [
                [
                    line["table"],
                    line["title"],
                    line["rows"],
                    *([rejected.get(line["table"], 0)] if result else []),
                ]
                for line in flow["targets"]
                if line["rows"]
            ],
        )
    )
    return "".join(parts)


def _parts(line: Mapping[str, Any]) -> list[Any]:
    return [line[word] for word in OUTCOMES]


def _causes(document: Mapping[str, Any]) -> str:
    if not document["coverage"] and not document["root_causes"]:
        return '<p class="note">No rules of this data set are public, so none was run.</p>'
    if not document["root_causes"]:
        return "<p>No rule failed.</p>"
    rows = [
        [
            Raw(f'<span class="effect {line["effect"]}">{line["effect"]}</span>'),
            Raw(f'<span class="code">{escape(line["code"] or "")}</span>'),
            line["count"],
            f"{line['table']}.{line['column']}" if line["column"] else line["table"] or "",
            line["message"],
            ", ".join(line["origin"]),
            line["example"] or "",
            line["do"],
        ]
        for line in document["root_causes"][:SHOWN]
    ]
    head = ["Effect", "Rule", "#Count", "Where", "What", "Comes from", "Example", "What to do"]
    if document["shared"]:
        head.remove("Example")
        rows = [[*row[:6], row[7]] for row in rows]
    effects = "".join(f"<li><b>{name}</b>: {words}</li>" for name, words in _EFFECT_WORDS.items())
    return table("One line a cause, the gravest first", head, rows) + (
        f"<details><summary>What the effects mean</summary><ul>{effects}</ul></details>"
    )


def _vodim(document: Mapping[str, Any]) -> str:
    lines = document["vodim"]
    if not lines:
        return ""
    head = ["Item", "Column", "", *(f"#{word.capitalize()}" for word in VODIM), "#Total"]
    rows = [
        [line["item"], column, side, *(line[side][word] for word in (*VODIM, "total"))]
        for line in lines
        for side, column in (("before", line["legacy_column"]), ("after", line["column"]))
        if line[side]
    ]
    return _month(document) + (
        '<p class="note">Which codes count as other or default is proposed: no list is published for these '
        "data sets.</p>"
        + legend([(word, word) for word in VODIM])
        + wide(charts.vodim(lines), "Valid, other, default, invalid and missing values")
        + f"<details><summary>The numbers</summary>{table('Values by item', head, rows)}</details>"
    )


def _month(document: Mapping[str, Any]) -> str:
    """What a section of a run over one month says first."""
    period = (document["settings"] or {}).get("period")
    return f'<p class="note">Of the month {escape(period)} alone.</p>' if period else ""


def _less_exactly(document: Mapping[str, Any]) -> str:
    if not document.get("less_exactly"):
        return ""
    head = ["Source column", "#Values", "How", "Lookup"]
    rows = [
        [f"{line['table']}.{line['column']}", line["values"], line["how"], line["lookup"] or ""]
        for line in document["less_exactly"]
    ]
    return table("Values that are carried and not all in the target", head, rows)


def _keys(document: Mapping[str, Any]) -> str:
    if not document.get("keys"):
        return ""
    head = ["Source table", "Column", "#Rows", "Finding", "Meaning"]
    names = ("table", "column", "rows", "finding", "meaning")
    rows = [[line[name] or "" for name in names] for line in document["keys"]]
    return _month(document) + table("Keys that were changed, and records in conflict", head, rows)


def _unmapped(document: Mapping[str, Any]) -> str:
    rows = [
        [
            f"{line['table']}.{line['column']}",
            line["code"] or "",
            line["target"] or "",
            line["count"],
            line["meaning"],
        ]
        for line in document["unmapped"][:SHOWN]
    ]
    head = ["Source column", "Code", "Target column", "#Values", "Why"]
    if document["shared"]:
        head.remove("Code")
        rows = [[row[0], *row[2:]] for row in rows]
    return _month(document) + table("Codes that were not carried", head, rows) if rows else ""


def _dates(document: Mapping[str, Any]) -> str:
    head = ["Source column", "Order", "#Only day first", "#Only month first", "#Respelled", "#Not read"]
    counts = ("day_first", "month_first", "respelled", "unread")
    rows = [
        [f"{line['table']}.{line['column']}", line["order"], *(line[name] for name in counts)]
        for line in document["dates"]
    ]
    return table("Different values of each column, and what they prove", head, rows) if rows else ""


def _windows(document: Mapping[str, Any]) -> str:
    found = document.get("windows")
    if not found:
        return ""
    if found["unknown"]:
        return f"<p>{escape(found['unknown'])}</p>"
    rows = [[line["month"], line["kind"], line["opens"], line["closes"]] for line in found["taken"]]
    taken = len({line["month"] for line in found["taken"]})
    pairs = [
        ("Months of the output", number(found["months"])),
        ("Taken by a published window", number(taken)),
        ("The published windows end on", found["last_closes"]),
        ("Source", f"{found['source']} ({found['confidence']}): {found['note']}"),
    ]
    head = ["Month", "Taken as", "Opens", "Closes"]
    return facts(pairs) + (table("Windows of these months", head, rows) if rows else "")


def _ledger(document: Mapping[str, Any]) -> str:
    ledger = document["ledger"]
    if not ledger:
        return ""
    reasons = table(
        "Why rows and values were left behind",
        ["Outcome", "Reason", "#Rows", "#Values", "Meaning"],
        [
            [line["outcome"], line["reason"], line["rows"], line["values"], line["meaning"]]
            for line in ledger["reasons"]
        ],
    )
    lines = table(
        "Every source column",
        ["Table", "Column", "#In", "#Carried", "#Rejected", "#Dropped", "#Less exactly"],
        [
            [
                line["table"],
                line["column"] or "(rows)",
                line["in"],
                *(line[word] for word in (*OUTCOMES, "less_exactly")),
            ]
            for line in ledger["lines"]
        ],
    )
    return (
        "<p>In = carried + rejected + dropped, for every row and every value.</p>"
        f"{reasons}<details><summary>The ledger by column</summary>{lines}</details>"
    )


def _coverage(document: Mapping[str, Any]) -> str:
    found = document["coverage"]
    if not found:
        return ""
    pairs = [
        ("Published rules", number(found["published"])),
        ("Checked", number(found["checked"])),
        ("Only with portal values", number(found["with_portal"])),
        ("Rules of this project", number(found["own"])),
    ]
    if not found["published"]:
        pairs = [("Published rules", "none"), ("Checks made of what is public", number(found["own"]))]
    reasons = [[each["because"], each["rules"], each["why"]] for each in found["not_checked"]]
    skipped = [[code, why] for code, why in found["not_run"].items()]
    parts = [
        facts(pairs),
        table("Rules that are not checked", ["Reason", "#Rules", "Why"], reasons),
    ]
    if skipped:
        parts.append(table("Rules that were not run here", ["Rule", "Why"], skipped))
    return "".join(parts)


def _confidence(document: Mapping[str, Any]) -> str:
    found = document["confidence"]
    if not found:
        return ""
    order = ("confirmed", "inferred", "proposed")
    parts = [legend([(word, word) for word in order])]
    for key, words in (("columns", "Target columns that are filled"), ("codes", "Codes in lookups")):
        counts = ", ".join(f"{word} {number(found[key].get(word, 0))}" for word in order)
        parts.append(f"<h3>{words}</h3>{charts.share_bar(found[key], order)}<p>{counts}</p>")
    return "".join(parts)


def _settings(document: Mapping[str, Any]) -> str:
    found = document["settings"]
    if not found:
        return ""
    pairs: list[tuple[str, Any]] = [
        ("Codes accepted up to", found["accept"]),
        ("Period", found["period"] or "all"),
    ]
    if found["months"]:
        pairs.append(("Months", f"{found['months'][0]} to {found['months'][-1]}"))
    return facts(pairs + overlay_lines(found) + sorted(found["parameters"].items()))


_SECTIONS: list[tuple[str, str, Callable[[Mapping[str, Any]], str]]] = [
    ("causes", "What to settle first", _causes),
    ("input", "What went in", _input),
    ("flow", "Tables in and out", _flow),
    ("vodim", "Data quality before and after", _vodim),
    ("keys", "Whose record it is", _keys),
    ("unmapped", "Codes without a place", _unmapped),
    ("inexact", "Carried less exactly", _less_exactly),
    ("windows", "Submission windows", _windows),
    ("dates", "Dates as text", _dates),
    ("ledger", "The books", _ledger),
    ("coverage", "Rules that were checked", _coverage),
    ("confidence", "How sure the mapping is", _confidence),
    ("settings", "Settings", _settings),
]
