"""Charts as inline SVG. Colours are CSS classes, so that they follow the page into dark mode and print.

Every chart has a title and a description for readers that cannot see it, and the page repeats its numbers
as a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import sqrt
from typing import Any

from idbmigrate.words import OUTCOMES, VODIM

_WIDTH = 900
_GAP = 10
#: Top and size of each table's bar; the links that begin or end at it.
Places = Mapping[str, tuple[float, float]]
Links = Mapping[str, Sequence[Mapping[str, str]]]


def flow(
    sources: Sequence[Mapping[str, Any]],
    targets: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, str]],
) -> str:
    """Draw source tables on the left, target tables on the right, a band for each that feeds another.

    The height of a table grows with the square root of its rows, so that small tables can be seen; a
    source table is divided into carried, rejected and dropped.
    """
    targets = [line for line in targets if line["rows"]]
    left, left_end = _stack(sources)
    right, right_end = _stack(targets)
    height = max(left_end, right_end, 40)
    parts = [
        _open("flow", height, "Tables in and tables out", "Source tables on the left feed target tables.")
    ]
    parts += _bands(left, right, links)
    for line in sources:
        top, size = left[line["table"]]
        parts += _source_bar(line, top, size)
        parts.append(_label(line, top + size / 2, 244, "end"))
    for line in targets:
        top, size = right[line["table"]]
        parts.append(f'<rect class="node" x="600" y="{top:.1f}" width="16" height="{size:.1f}"/>')
        parts.append(_label(line, top + size / 2, 624, "start"))
    return "".join([*parts, "</svg>"])


def _stack(lines: Sequence[Mapping[str, Any]]) -> tuple[dict[str, tuple[float, float]], float]:
    rows = [line["rows"] if isinstance(line["rows"], int) else 1 for line in lines]
    largest = max([sqrt(count) for count in rows], default=1) or 1
    place, found = 4.0, {}
    for line, count in zip(lines, rows):
        size = max(18, 110 * sqrt(count) / largest)
        found[line["table"]] = (place, size)
        place += size + _GAP
    return found, place


def _bands(left: Places, right: Places, links: Sequence[Mapping[str, str]]) -> list[str]:
    known = [each for each in links if each["source"] in left and each["target"] in right]
    out = {name: [each for each in known if each["source"] == name] for name in left}
    into = {name: [each for each in known if each["target"] == name] for name in right}
    parts = []
    for each in known:
        a, b = _share(left, out, each, "source"), _share(right, into, each, "target")
        path = (
            f"M266 {a[0]:.1f} C430 {a[0]:.1f} 430 {b[0]:.1f} 600 {b[0]:.1f} "
            f"L600 {b[1]:.1f} C430 {b[1]:.1f} 430 {a[1]:.1f} 266 {a[1]:.1f} Z"
        )
        parts.append(f'<path class="band" d="{path}"/>')
    return parts


def _share(places: Places, links: Links, link: Mapping[str, str], side: str) -> tuple[float, float]:
    top, size = places[link[side]]
    lines = links[link[side]]
    part = size / len(lines)
    start = top + part * lines.index(link)
    return start, start + part


def _source_bar(line: Mapping[str, Any], top: float, size: float) -> list[str]:
    counts = [line[word] if isinstance(line[word], int) else 0 for word in OUTCOMES]
    total = sum(counts) or 1
    parts = []
    for word, count in zip(OUTCOMES, counts):
        part = size * count / total
        if part:
            parts.append(f'<rect class="{word}" x="250" y="{top:.1f}" width="16" height="{part:.1f}"/>')
            top += part
    return parts or [f'<rect class="node" x="250" y="{top:.1f}" width="16" height="{size:.1f}"/>']


def _label(line: Mapping[str, Any], middle: float, x: int, anchor: str) -> str:
    return (
        f'<text x="{x}" y="{middle + 4:.1f}" text-anchor="{anchor}">{escape(line["table"])} '
        f'<tspan class="number">{number(line["rows"])}</tspan></text>'
    )


def vodim(lines: Sequence[Mapping[str, Any]]) -> str:
    """Draw a pair of stacked bars for each item: before and after."""
    rows = [line for line in lines if line["before"] or line["after"]]
    height = 44 * len(rows) + 8
    parts = [
        _open(
            "vodim",
            height,
            "Valid, other, default, invalid and missing values",
            "Two bars for each item: before, in the legacy file, and after, in the target.",
        ),
        _patterns(),
    ]
    for at, line in enumerate(rows):
        top = 44 * at + 6
        parts.append(f'<text x="196" y="{top + 20}" text-anchor="end">{escape(line["item"])}</text>')
        for side, y in (("before", top), ("after", top + 18)):
            parts.append(f'<text class="small" x="206" y="{y + 12}">{side}</text>')
            parts += _stacked(line[side], y)
    return "".join([*parts, "</svg>"])


def _stacked(counts: Mapping[str, Any] | None, top: float) -> list[str]:
    x, width = 250.0, 560.0
    total = counts["total"] if counts else 0
    if not counts or not isinstance(total, int) or not total:
        word = "not in the file" if counts is None else "no row" if total == 0 else "suppressed"
        return [f'<text class="small" x="{x}" y="{top + 12}">{word}</text>']
    parts = []
    for word in VODIM:
        count = counts[word] if isinstance(counts[word], int) else 0
        part = min(width * count / total, 250 + width - x)
        if part > 0:
            parts.append(f'<rect class="{word}" x="{x:.1f}" y="{top}" width="{part:.1f}" height="15"/>')
            x += part
    valid = counts["valid"]
    share = f"{100 * min(valid, total) / total:.1f} % valid" if isinstance(valid, int) else "suppressed"
    return [*parts, f'<text class="small" x="816" y="{top + 12}">{share}</text>']


def _patterns() -> str:
    """Hatching that tells default, invalid and missing apart without colour."""
    lines = {"default": "M0 6L6 0", "invalid": "M0 0L6 6M0 6L6 0", "missing": "M0 3L6 3"}
    return (
        "<defs>"
        + "".join(
            f'<pattern id="hatch-{word}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect class="fill-{word}" width="6" height="6"/><path class="hatch" d="{path}"/></pattern>'
            for word, path in lines.items()
        )
        + "</defs>"
    )


def share_bar(counts: Mapping[str, int], order: Sequence[str]) -> str:
    """Draw one thin stacked bar of a few counts."""
    total = sum(counts.get(word, 0) for word in order) or 1
    x, parts = 0.0, [_open("bar", 18, "Shares", ", ".join(f"{word} {counts.get(word, 0)}" for word in order))]
    for word in order:
        part = _WIDTH * counts.get(word, 0) / total
        parts.append(f'<rect class="{word}" x="{x:.1f}" y="0" width="{part:.1f}" height="18"/>')
        x += part
    return "".join([*parts, "</svg>"])


def number(value: Any) -> str:
    """A count with its thousands marked; a suppressed one as a word."""
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _open(name: str, height: float, title: str, description: str) -> str:
    return (
        f'<svg class="chart {name}" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}. {escape(description)}"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>"
    )
