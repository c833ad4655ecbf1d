"""Where the mapping files are: at the top of a checkout, inside the package elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from idbmigrate.errors import DescriptionError


def mappings_dir() -> Path:
    """The folder of the mapping files, with ``lookups`` and ``parts`` in it.

    A wheel carries it as ``idbmigrate/_mappings``; a checkout, and an editable install of one, has it
    as ``mappings`` beside the package. Raises DescriptionError ``mapping-invalid`` if there is none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_mappings", package.parent / "mappings"):
        if folder.is_dir():
            return folder
    raise DescriptionError(
        "the mapping files are missing from this installation",
        code="mapping-invalid",
        where=str(package),
        hint="reinstall idbmigrate",
    )


def shown_name(file: str | os.PathLike[str]) -> str:
    """A mapping file by its name, with its folder where it is a part or a lookup: as a manifest has it."""
    path = Path(file)
    return f"{path.parent.name}/{path.name}" if path.parent.name in ("lookups", "parts") else path.name
