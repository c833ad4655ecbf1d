"""Several files in one call: a folder for each, published together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.exporters import publish
from idbmigrate.run import Run


@dataclass
class Batch:
    """The runs of several files, by the name of their folder, in the order the files were given."""

    runs: dict[str, Run]
    out: str | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """The summaries of all runs, and where they were written."""
        return {"runs": {name: run.summary for name, run in self.runs.items()}, "out": self.out}


def many(
    paths: Sequence[Path], folder: Path | None, convert_one: Callable[[Path, Path | None], Run]
) -> Batch:
    """Convert each file into a folder named as the file; all of them are published, or none."""
    runs: dict[str, Run] = {}
    for name, path in _names(paths).items():
        place = None if folder is None else folder / name
        if place is not None:
            place.mkdir()
        runs[name] = convert_one(path, place)
    if folder is not None:
        content = {"tool": {"name": "idbmigrate", "version": __version__}}
        publish.write_manifest(folder, {**content, "inputs": {name: run.input for name, run in runs.items()}})
    return Batch(runs)


def _names(paths: Sequence[Path]) -> dict[str, Path]:
    """A folder name for each file: its own, with a number where two are alike."""
    names: dict[str, Path] = {}
    taken = {publish.MANIFEST}
    for path in paths:
        name, number = path.stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{path.stem}-{number}"
        taken.add(name.casefold())
        names[name] = path
    return names
