"""Several files in one call: a folder for each, published together; one that fails does not stop the rest."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.errors import IdbmigrateError, UsageError
from idbmigrate.exporters import publish
from idbmigrate.result.batch import Batch
from idbmigrate.result.run import Run


def many(
    paths: Sequence[Path],
    folder: Path | None,
    convert_one: Callable[[Path, Path | None], Run],
    each: Callable[[Run], object] | None,
    keep_going: bool = True,
) -> Batch:
    """Convert each file into a folder named as the file; they are published together.

    A file that cannot be converted leaves no folder; with ``keep_going`` the others are converted all the
    same, and only where none can be its error ends the call. Runs are kept unless they are handed to
    ``each``: years of files need no more memory than the largest.
    """
    batch = Batch({}, {}, _names(paths))
    for name, path in batch.paths.items():
        place = None if folder is None else folder / name
        try:
            run = _one(path, place, convert_one)
        except UsageError:
            raise  # the call is wrong, whatever the file
        except IdbmigrateError as error:
            error.where = _with_folder(error.where, path)
            if not keep_going:
                raise
            batch.failed[name] = error
            continue
        batch.summaries[name] = run.summary
        if each is None:
            batch.runs[name] = run
        else:
            each(run)
        del run
        gc.collect()  # trees of SQL hold themselves
    if batch.failed and not batch.summaries:
        raise max(batch.failed.values(), key=lambda error: error.exit_code)
    if folder is not None:
        publish.write_manifest(folder, _manifest(batch))
    return batch


def _one(path: Path, place: Path | None, convert_one: Callable[[Path, Path | None], Run]) -> Run:
    if place is not None:
        place.mkdir()
    try:
        return convert_one(path, place)
    except BaseException:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _with_folder(where: str | None, path: Path) -> str:
    """A place in a file, with the folder of the file: many files have one name."""
    return str(path) + where[len(path.name) :] if where and where.startswith(path.name) else str(path)


def _manifest(batch: Batch) -> dict[str, Any]:
    """What was converted and what was not; no path of a machine."""
    return {
        "tool": {"name": "idbmigrate", "version": __version__},
        "inputs": {name: summary["inputs"][0] for name, summary in batch.summaries.items()},
        "failed": {
            name: {"file": batch.paths[name].name, "error": error.code}
            for name, error in batch.failed.items()
        },
    }


def _names(paths: Sequence[Path]) -> dict[str, Path]:
    """A folder name for each file: its own, with a number where two are alike."""
    names: dict[str, Path] = {}
    taken = {publish.MANIFEST}
    for path in paths:
        own = path.resolve().name if path.is_dir() else path.stem
        name, number = own, 1
        while name.casefold() in taken:
            number += 1
            name = f"{own}-{number}"
        taken.add(name.casefold())
        names[name] = path
    return names
