"""Converted output read again as target tables, whichever format it was written in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from idbmigrate.datasets import Dataset
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.exporters import FORMATS, exporter
from idbmigrate.exporters.publish import MANIFEST

#: The largest size of a manifest, in bytes.
_MAX_MANIFEST = 64 << 20


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The manifest of an output folder, or of the output that a folder or file lies in; null without one.

    A manifest that cannot be read, or is larger than any that is written, counts as none.
    """
    place = Path(path)
    for folder in (place, place.parent, place.parent.parent):
        manifest = folder / MANIFEST
        if manifest.is_file() and manifest.stat().st_size <= _MAX_MANIFEST:
            try:
                found = json.loads(manifest.read_bytes())
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return None


def written_as(path: str | os.PathLike[str]) -> str:
    """The data set that the manifest of an output folder names.

    ``path`` is the folder that ``convert`` wrote, or a folder or file in it. Raises UsageError
    ``bad-option`` where no manifest says it.
    """
    target = (read_manifest(path) or {}).get("target")
    if isinstance(target, str):
        return target
    raise UsageError(
        "no manifest says which data set this is",
        code="bad-option",
        where=str(path),
        hint="name it with --as, such as --as iapt-2.1",
    )


def read_output(path: str | os.PathLike[str], dataset: Dataset) -> dict[str, pa.Table]:
    """The tables of a data set that ``path`` holds, all text; an empty field is missing.

    ``path`` is the folder that ``convert`` wrote, the folder of a format in it, or one file. Columns and
    tables that are not there stay away, so that the rules can say so. Raises SourceError ``not-found``,
    ``missing-table`` or ``damaged``.
    """
    place = Path(path)
    if not place.exists():
        raise SourceError("no such file or folder", code="not-found", where=str(place))
    if place.is_file():
        return exporter(_format(place)).read_back(place, dataset)
    for name in FORMATS:
        for folder in (place, place / name):
            files = exporter(name).written(folder, dataset) if folder.is_dir() else []
            if files:
                found = [exporter(name).read_back(file, dataset) for file in files]
                return {table: rows for tables in found for table, rows in tables.items()}
    months = sorted(each.name for each in place.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]") if each.is_dir())
    hint = f"it holds months; choose one, such as {place / months[0]}" if months else None
    raise SourceError(
        f"there is no table of {dataset.name} in this folder",
        code="missing-table",
        where=str(place),
        hint=hint or "name the output folder of convert, or the right data set with --as",
    )


def _format(file: Path) -> str:
    for name, endings in FORMATS.items():
        if file.suffix.lower() in endings:
            return name
    raise SourceError(
        "no format has files of such a name",
        code="missing-table",
        where=file.name,
        hint=f"it must end in {', '.join(ending for endings in FORMATS.values() for ending in endings)}",
    )
