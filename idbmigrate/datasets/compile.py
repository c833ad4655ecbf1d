"""``python -m idbmigrate.datasets.compile``: write ``packs/NAME.json`` beside each ``packs/NAME.yaml``."""

from __future__ import annotations

import json

from idbmigrate.datasets.build import build
from idbmigrate.datasets.load import PACKS, read_pack


def compiled(name: str) -> str:
    """Text of the compiled form of a pack, which is checked first."""
    raw, marks, digests = read_pack(name)
    build(raw, f"{name}.yaml", marks)
    return json.dumps({"sha256": digests, "data": raw}, ensure_ascii=False, separators=(",", ":")) + "\n"


def main() -> None:
    for path in sorted(PACKS.glob("*.yaml")):
        path.with_suffix(".json").write_text(compiled(path.stem), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
