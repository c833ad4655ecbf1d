"""What of a run goes out where it is pseudonymised: the tables, and a manifest without small counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from idbmigrate.datasets import Dataset
from idbmigrate.pseudonyms import Key, LeftOut, provider_of, pseudonymised
from idbmigrate.result.summary import Manifest, PseudonymFacts
from idbmigrate.staging.tables import StagedTable

#: What of the manifest goes out: what was done, with what, and how many rows each table has.
_KEPT = (
    "tool",
    "mapping",
    "target",
    "accept",
    "parameters",
    "period",
    "months",
    "tables",
    "proof",
    "not_of_type",
)
_KEPT_OF_INPUT = ("file", "bytes", "sha256")
Packages = Mapping[str, Mapping[str, pa.Table]]


def pseudonymised_packages(
    packages: Packages, target: Dataset, staged: Mapping[str, StagedTable], source: Dataset, key: Key
) -> tuple[dict[str, dict[str, pa.Table]], PseudonymFacts]:
    """The packages of a run without what identifies, and what the manifest says of it.

    The provider is the one that the target names, else the one of the source's tables.
    """
    clean = {name: table.clean for name, table in staged.items() if table.name}
    made: dict[str, dict[str, pa.Table]] = {}
    left: dict[tuple[str, str], int] = {}
    for name, tables in packages.items():
        provider = provider_of((tables, target), (clean, source))
        made[name], lines = pseudonymised(tables, target, key, provider)
        for line in lines:
            place = (line["table"], line["column"])
            left[place] = left.get(place, 0) + line["values"]
    lines = [LeftOut(table=table, column=column, values=count) for (table, column), count in left.items()]
    return made, {"key": key.id, "left_out": lines}


def account(manifest: Manifest, facts: PseudonymFacts) -> dict[str, Any]:
    """What of a manifest goes out beside pseudonymised tables."""
    whole: dict[str, Any] = {name: value for name, value in manifest.items() if name in _KEPT}
    whole["input"] = {name: value for name, value in manifest["input"].items() if name in _KEPT_OF_INPUT}
    return {**whole, "pseudonymised": facts}
