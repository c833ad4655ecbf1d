"""``python -m idbmigrate.checks.compile``: write ``packs/NAME.json`` beside each ``packs/NAME.yaml``."""

from __future__ import annotations

from idbmigrate.checks.load import PACKS, compile_pack, list_packs


def main() -> None:
    """Write the fast form of every rule pack."""
    for name in list_packs():
        (PACKS / f"{name}.json").write_text(compile_pack(name), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
