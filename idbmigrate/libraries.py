"""Libraries that others would load for nothing."""

from __future__ import annotations

import sys
from typing import Any


def leave_out(name: str) -> None:
    """Make a library look as if it were not installed, for the rest of this process.

    pyarrow loads pandas as soon as it looks at any Python object, which takes longer than converting a small
    file.
    """
    sys.meta_path.insert(0, _LeftOut(name))


class _LeftOut:
    """Import hook that finds one library nowhere."""

    def __init__(self, name: str):
        self.name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == self.name:
            raise ModuleNotFoundError(f"{name} is left out of this process", name=name)
