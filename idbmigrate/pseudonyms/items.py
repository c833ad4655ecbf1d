"""What each item of the NHS Data Dictionary says of a person, and what becomes of it: ``items.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from idbmigrate.documents import yaml
from idbmigrate.errors import DescriptionError

PACK = Path(__file__).with_name("items.yaml")
Identifies: TypeAlias = Literal["direct", "combination", "no"]
IDENTIFIES = ("direct", "combination", "no")
#: What becomes of a value; :mod:`idbmigrate.pseudonyms.forms` has the form that each lets out.
BECOMES = (
    "pseudonym",
    "district",
    "year",
    "month",
    "day",
    "hour",
    "clinical",
    "organisation",
    "number",
    "score",
    "code",
    "left-out",
)
SCOPES = ("provider", "national")


@dataclass(frozen=True)
class Treatment:
    """Whether an item identifies, and what becomes of its values.

    ``of`` is the kind of identifier that a pseudonym stands for. ``scope`` is ``national`` where a value is
    one person's whoever writes it, ``provider`` where it is only one provider's number.
    """

    identifies: Identifies
    becomes: str
    of: str = ""
    scope: str = ""


@cache
def treatments() -> dict[str, Treatment]:
    """The treatment of each item that is classified. An item that is not here does not go out."""
    found: dict[str, Treatment] = {}
    for group in cast(dict[str, Any], yaml.load(PACK))["groups"]:
        words = {key: value for key, value in group.items() if key != "items"}
        made = Treatment(**words)
        pseudonym = made.becomes == "pseudonym"
        if (
            made.identifies not in IDENTIFIES
            or made.becomes not in BECOMES
            or pseudonym != (made.scope in SCOPES and bool(made.of))
        ):
            raise DescriptionError(
                "a group of items contradicts itself", code="dataset-invalid", where=PACK.name
            )
        for item in group["items"]:
            if item in found:
                raise DescriptionError(f"{item} stands twice", code="dataset-invalid", where=PACK.name)
            found[item] = made
    return found
