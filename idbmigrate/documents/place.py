"""Where something stands in a document."""

from __future__ import annotations

from dataclasses import dataclass

#: What a document may hold: text, nothing, lists and mappings of these.
Data = str | None | list["Data"] | dict[str, "Data"]
#: Keys and list positions from the root to a part.
Path = tuple[str | int, ...]
#: Path of a part -> line and column, both counted from 1.
Marks = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Place:
    """Where something was written: file, line (from 1) and path of keys, empty where none leads there."""

    file: str
    line: int
    path: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.path})" if self.path else f"{self.file}:{self.line}"


def shown(path: Path) -> str:
    """A path as errors name it: ``$.tables.Person[2]``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
