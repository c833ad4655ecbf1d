"""What the user's overlay decided, as the page and the workbook tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def overlay_lines(settings: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """One line an overlay file, with its SHA-256, and one a code that it decides; none without an overlay."""
    found = (settings or {}).get("overlay")
    if not found:
        return []
    lines: list[tuple[str, Any]] = [(f"Overlay {each['file']}", each["sha256"]) for each in found["files"]]
    lines.append(("Codes decided by an overlay", found["decided"]))
    for lookup, codes in found["codes"].items():
        lines += [(f"Decided: {lookup} {code}", to or "no equivalent") for code, to in codes.items()]
    return lines
