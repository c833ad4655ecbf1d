"""``archive.html``: providers by months, every file, the copies, and what a person has to decide."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from idbmigrate.exporters.whole import whole_file
from idbmigrate.reports.charts import number
from idbmigrate.reports.html import page
from idbmigrate.reports.parts import Raw, facts, table, wide

NAME = "archive.html"
_MONTHS = ("Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb", "Mar")
#: state -> the sign in the grid and what it means
_SIGNS = {
    "primary": ("P", "primary submission"),
    "refresh": ("R", "refresh"),
    "unknown kind": ("?", "primary or refresh: nothing says which"),
    "broken": ("B", "a file that cannot be read"),
    "duplicate": ("D", "several files of one kind, or with the same cells"),
    "missing": ("–", "no file"),
}
_STYLE = """
.grid td { text-align: center; padding: .35rem .4rem; } .grid td.missing { color: var(--soft); }
.grid td.doubt { color: var(--warn); font-weight: 700; }
.grid td.broken { color: var(--bad); font-weight: 700; }
"""


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write the page whole or not at all; only its owner may read it."""
    with whole_file(path, overwrite=True) as part, open(part, "wb") as out:
        out.write(render(document).encode())
        out.flush()
        os.fsync(out.fileno())


def render(document: Mapping[str, Any]) -> str:
    """The page as text, from the document of ``archive status``."""
    made = (
        ("decide", "What a person has to decide", _decide(document["decide"])),
        ("grid", "Providers by months", _grid(document["grid"])),
        ("windows", "Submission windows", _windows(document["windows"])),
        ("copies", "Copies", _copies(document)),
        ("unread", "Files that are no readable submission", _not_read(document)),
        ("files", "Files", _files(document["submissions"])),
    )
    title = f"Archive {document['archive']}"
    head = (
        f"<header><h1>{escape(title)}</h1><p>idbmigrate {escape(document['tool']['version'])}</p></header>\n"
    )
    return page(title, head, _top(document), [each for each in made if each[2]], _STYLE)


def _top(document: Mapping[str, Any]) -> str:
    files = document["files"]
    verdicts = files["verdicts"]
    open_ones = len(document["decide"])
    words = f"{number(open_ones)} questions are open" if open_ones else "No question is open"
    colour = "accepted-in-part" if open_ones else ""
    return f'<div class="verdict {colour}"><strong>{words}.</strong></div>' + facts(
        [
            ("Different files", number(files["files"])),
            ("Places", number(files["places"])),
            ("Bytes", number(files["bytes"])),
            *((word.capitalize(), number(count)) for word, count in verdicts.items()),
        ]
    )


def _decide(lines: Sequence[Mapping[str, Any]]) -> str:
    rows = [[line["what"], line["hint"], _linked(line["files"], line["places"])] for line in lines]
    return table("Open questions", ["Question", "What to do", "Files"], rows) if rows else ""


def _linked(files: Sequence[str], places: Sequence[str]) -> Raw:
    if len(files) == 1:
        return _link(files[0], places[0] if places else files[0][:12])
    links = [_link(sha256, sha256[:12]) for sha256 in files]
    return Raw(" ".join([*links, *map(escape, places)]))


def _link(sha256: str, words: str) -> Raw:
    return Raw(f'<a href="#f-{sha256}">{escape(words)}</a>')


def _grid(lines: Sequence[Mapping[str, Any]]) -> str:
    """For each provider a table of financial years by months."""
    signs = "; ".join(f"{sign} {meaning}" for sign, meaning in _SIGNS.values())
    parts = [f'<p class="note">{escape(signs)}.</p>'] if lines else []
    for provider in dict.fromkeys(line["provider"] for line in lines):
        own = {line["period"]: line for line in lines if line["provider"] == provider}
        years = sorted({_year(month) for month in own})
        head = "".join(f'<th scope="col">{name}</th>' for name in ("", *_MONTHS))
        body = "".join(_row(year, own) for year in years)
        caption = f"<caption>Provider {escape(provider)}</caption>"
        text = f'<table class="grid">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        parts.append(wide(text, f"Provider {provider}"))
    return "".join(parts)


def _year(month: str) -> int:
    return int(month[:4]) - (month[5:] < "04")


def _row(year: int, months: Mapping[str, Mapping[str, Any]]) -> str:
    names = [f"{year + (at > 8)}-{(at + 3) % 12 + 1:02d}" for at in range(12)]
    cells = "".join(_cell(months.get(name), name) for name in names)
    return f'<tr><th scope="row">{year}-{(year + 1) % 100:02d}</th>{cells}</tr>'


def _cell(line: Mapping[str, Any] | None, month: str) -> str:
    if line is None:
        return "<td></td>"
    states = line["states"]
    words = f"{month}: {', '.join(_SIGNS[state][1] for state in states)}"
    look = "missing" if states == ["missing"] else "broken" if "broken" in states else ""
    look = look or ("doubt" if {"duplicate", "unknown kind"} & set(states) else "")
    signs = " ".join(_SIGNS[state][0] for state in states)
    inner = f'<span title="{words}" aria-label="{words}">{signs}</span>'
    if line["files"]:
        inner = f'<a href="#f-{line["files"][0]}">{inner}</a>'
    return f'<td class="{look}">{inner}</td>'


def _windows(calendars: Mapping[str, Mapping[str, Any]]) -> str:
    """When the portal took the months of each data set, or why nobody can tell."""
    parts = []
    for dataset, found in calendars.items():
        rows = [[line["month"], line["kind"], line["opens"], line["closes"]] for line in found["taken"]]
        if found["unknown"]:
            parts.append(f"<p>{escape(dataset)}: {escape(found['unknown'])}.</p>")
        elif rows:
            parts.append(table(f"Windows of {dataset}", ["Month", "Taken as", "Opens", "Closes"], rows))
        else:
            parts.append(f"<p>{escape(dataset)}: no published window took any of its months.</p>")
        if found["source"]:
            parts.append(f'<p class="note">{escape(found["source"])}: {escape(found["note"] or "")}.</p>')
    return "".join(parts)


def _copies(document: Mapping[str, Any]) -> str:
    levels = document["copies"]
    parts = []
    if levels["bytes"]:
        rows = [[_link(c["sha256"], c["sha256"][:12]), ", ".join(c["places"])] for c in levels["bytes"]]
        parts.append(table("The same bytes in several places", ["File", "Places"], rows))
    if levels["cells"]:
        rows = [[_linked(c["files"], [])] for c in levels["cells"]]
        parts.append(table("The same cells in files of different bytes", ["Files"], rows))
    if levels["changes"]:
        head = ["Provider", "Month", "Files", "#Same", "#Changed", "#Only first", "#Only second"]
        rows = [
            [
                c["provider"] or "",
                c["period"] or "",
                _linked([c["first"], c["second"]], []),
                *(c[name] for name in ("same", "changed", "only_first", "only_second")),
            ]
            for c in levels["changes"]
        ]
        parts.append(table("Records by key: the same, changed, or in one file only", head, rows))
    return "".join(parts)


def _not_read(document: Mapping[str, Any]) -> str:
    rows = [
        [", ".join(line["places"]), line["verdict"], line["message"] or "", line["hint"] or ""]
        for line in document["not_read"]
    ]
    rows += [
        [f"{line['zip']}!{line['name']}", "refused", line["problem"], ""] for line in document["refused"]
    ]
    return table("Why, and what to do", ["File", "Verdict", "Reason", "What to do"], rows) if rows else ""


def _files(lines: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            Raw(f'<span id="f-{line["sha256"]}">{escape(line["sha256"][:12])}</span>'),
            ", ".join(line["places"]),
            line["dataset"] or "",
            line["provider"] or "",
            line["period"] or "",
            line["kind"] or "",
            line["rows"],
            "; ".join([*(f"{name}: {words}" for name, words in line["evidence"].items())]),
            line["problem"] or "",
        ]
        for line in lines
    ]
    head = ["File", "Places", "Data set", "Provider", "Month", "Kind", "#Rows", "Evidence", "Problem"]
    return table("Every file that is or may be a submission", head, rows) if rows else ""
