"""Published counts, computed alike from legacy tables and from converted ones, and compared.

What a measure says is data (``packs/definitions.yaml``), and so is where each data set holds what it
needs (``packs/readings.yaml``). The legacy side is read here without the mapping, so that a mapping
that loses or changes something meets a count that it did not make.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: public name -> the module it lives in; the definitions load without the engine
_NAMES = {
    "Counted": "count",
    "count_staged": "count",
    "count_target": "count",
    "compare": "comparison",
    "compare_run": "comparison",
    "load_definitions": "load",
    "load_reading": "load",
    "shared": "share",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
