"""What the user's overlay decided, as the page and the workbook tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def overlay_lines(settings: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """One line an overlay file, with its SHA-256, and one a code that it decides; none without an overlay."""
    found = (settings or {}).get("overlay")
    if not found:
        return []
    lines: list[tuple[str, Any]] = [(f"Overlay {name}", digest) for name, digest in found["files"].items()]
    if "decided" in found:
        lines.append(("Codes decided by it", found["decided"]))
    for lookup, codes in found["codes"].items():
        for code, to in codes.items():
            lines.append((f"Decided: {lookup} {code}", "no equivalent" if to is None else to))
    return lines
