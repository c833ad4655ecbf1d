"""Many files as one: the catalogue of an archive, its submissions, and what was staged of each.

==============  ======================================================================
``add``         find, hash and read files into an archive, each once
``status``      what is in it: submissions, months, copies, what has to be decided
``submissions`` the files that are or may be submissions, for whoever goes on from them
``convert``     the files that win their months as one set of tables a provider
``bag``         originals or outputs as a BagIt bag, with their provenance
``verify``      whether originals, staged files and outputs are what they were
==============  ======================================================================
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idbmigrate.archive.adding import add as add
    from idbmigrate.archive.bags import bag as bag
    from idbmigrate.archive.catalogue import submissions as submissions
    from idbmigrate.archive.converting import convert as convert
    from idbmigrate.archive.fixity import verify as verify
    from idbmigrate.archive.model import Submission as Submission
    from idbmigrate.archive.overview import status as status

_HOMES = {
    "add": "idbmigrate.archive.adding",
    "status": "idbmigrate.archive.overview",
    "submissions": "idbmigrate.archive.catalogue",
    "Submission": "idbmigrate.archive.model",
    "convert": "idbmigrate.archive.converting",
    "bag": "idbmigrate.archive.bags",
    "verify": "idbmigrate.archive.fixity",
}
__all__ = ["Submission", "add", "bag", "convert", "status", "submissions", "verify"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
