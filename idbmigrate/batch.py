"""Several files in one call: a folder for each, published together."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.exporters import publish
from idbmigrate.reasons import DROPPED, REJECTED
from idbmigrate.run import EFFECTS, Run


@dataclass
class Batch:
    """The runs of several files, by the name of their folder, in the order the files were given.

    There are ``summaries`` of all of them, and ``runs`` where these were kept.
    """

    summaries: dict[str, dict[str, Any]]
    runs: dict[str, Run]
    out: str | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """The summaries of all runs, what they come to together, and where they were written."""
        return {"runs": self.summaries, "total": total(list(self.summaries.values())), "out": self.out}


def total(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What runs come to: rows and values with what became of them, and findings by effect."""
    lines = [line for summary in summaries for line in summary["tables_in"]]
    kinds = ("carried", REJECTED, DROPPED)
    return {
        "files": len(summaries),
        "rows": {"in": sum(line["rows"] for line in lines)}
        | {kind: sum(line[kind] for line in lines) for kind in kinds},
        "values": {kind: sum(line["values"][kind] for line in lines) for kind in ("in", *kinds)},
        "findings": {effect: sum(summary["findings"][effect] for summary in summaries) for effect in EFFECTS},
    }


def many(
    paths: Sequence[Path],
    folder: Path | None,
    convert_one: Callable[[Path, Path | None], Run],
    each: Callable[[Run], Any] | None,
) -> Batch:
    """Convert each file into a folder named as the file; all of them are published, or none.

    Runs are kept unless they are handed to ``each``: years of files need no more memory than the largest.
    """
    batch = Batch({}, {})
    for name, path in _names(paths).items():
        place = None if folder is None else folder / name
        if place is not None:
            place.mkdir()
        run = convert_one(path, place)
        batch.summaries[name] = run.summary
        if each is None:
            batch.runs[name] = run
        else:
            each(run)
        del run
        gc.collect()  # trees of SQL hold themselves
    if folder is not None:
        content = {"tool": {"name": "idbmigrate", "version": __version__}}
        inputs = {name: summary["inputs"][0] for name, summary in batch.summaries.items()}
        publish.write_manifest(folder, {**content, "inputs": inputs})
    return batch


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
