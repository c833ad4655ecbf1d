"""Pieces of the page: facts, legends, tables. Text is escaped here, and only here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from idbmigrate.reports.charts import number

_BREAKS = re.compile(r"(?<=[._])(?=\w)|(?<=[a-z])(?=[A-Z])")


class Raw(str):
    """Text that is HTML already."""


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """Names and values side by side."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in pairs
    )
    return f'<dl class="facts">{items}</dl>'


def legend(words: Sequence[tuple[str, str]]) -> str:
    """A swatch and a word for each class of colour."""
    items = "".join(
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true"><rect class="{name}" width="16" height="16"/>'
        f"</svg>{word}</li>"
        for name, word in words
    )
    return f'<ul class="legend">{items}</ul>'


def wide(inner: str, label: str) -> str:
    """Something that scrolls sideways on a narrow screen, by keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">{inner}</div>'


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; a heading that starts with ``#`` is one of numbers."""
    numeric = [name.startswith("#") for name in head]
    cells = "".join(
        f'<th scope="col"{" class=n" if right else ""}>{escape(name.lstrip("#"))}</th>'
        for name, right in zip(head, numeric)
    )
    body = "".join(
        "<tr>" + "".join(_cell(value, right) for value, right in zip(row, numeric)) + "</tr>" for row in rows
    )
    top = f"<caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead>"
    return wide(f"<table>{top}<tbody>{body}</tbody></table>", caption)


def _cell(value: Any, right: bool) -> str:
    if isinstance(value, Raw):
        return f"<td>{value}</td>"
    return f'<td class="n">{number(value)}</td>' if right else f"<td>{_breakable(str(value))}</td>"


def _breakable(text: str) -> str:
    """Text that may break inside long names: after a full stop or an underscore, and before a capital."""
    parts = (escape(part) for part in _BREAKS.split(text))
    return "<wbr>".join(parts)
