"""Find and load the data set packs that come with the package.

Beside each ``packs/NAME.yaml``, which people read and change, stands ``packs/NAME.json``, the same data
as the machine reads it in milliseconds. It holds the digest of every YAML file that went into it and
is used only while all of them agree; otherwise the YAML is read, as if the other were not there.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from idbmigrate.datasets.model import Dataset
from idbmigrate.documents.digest import digest
from idbmigrate.documents.place import Marks
from idbmigrate.errors import UsageError, nearest

PACKS = Path(__file__).parent / "packs"


#: Each pack says its role in a line of its own near the top, so that asking for it loads nothing.
_ROLE = re.compile(rb"^role: (source|target)\r?$", re.MULTILINE)
_TOP = 2048


@cache
def list_datasets(role: str | None = None) -> tuple[str, ...]:
    """Names of the data sets in alphabetical order, of all or of one role (``source``, ``target``)."""
    packs = [path for path in PACKS.glob("*.yaml") if role in (None, _role(path))]
    return tuple(sorted(path.stem for path in packs))


@cache
def load_dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises ``UsageError`` (``unknown-name``) for a name that no pack has, and ``DescriptionError`` for a
    pack that somebody has changed into one that contradicts itself.
    """
    from idbmigrate.datasets.build import build

    if name not in list_datasets():
        raise UsageError(
            f"there is no data set called {name!r}", code="unknown-name", hint=nearest(name, list_datasets())
        )
    compiled = _compiled(name)
    if compiled is not None:
        return build(compiled, f"{name}.json")
    raw, marks, _ = read_pack(name)
    return build(raw, f"{name}.yaml", marks)


def read_pack(name: str) -> tuple[dict[str, Any], Marks, dict[str, str]]:
    """Plain data of a pack, composed, with its marks and the digests of all YAML files it is made of."""
    from idbmigrate.datasets.compose import compose
    from idbmigrate.documents import yaml as yamlio

    path = PACKS / f"{name}.yaml"
    own: Any  # what reads it says where it has another shape
    own, marks = yamlio.load_marked(path)
    digests = {path.name: digest(path)}

    def raw_of(other: str) -> dict[str, Any]:
        raw, _, others = read_pack(other)
        digests.update(others)
        return raw

    return compose(own, raw_of, path.name), marks, digests


def _compiled(name: str) -> dict[str, Any] | None:
    try:
        stored = json.loads((PACKS / f"{name}.json").read_bytes())
        current = all(digest(PACKS / file) == known for file, known in stored["sha256"].items())
    except (OSError, ValueError):
        return None
    return stored["data"] if current else None


def _role(path: Path) -> str | None:
    with path.open("rb") as file:
        found = _ROLE.search(file.read(_TOP))
    return found[1].decode() if found else None
