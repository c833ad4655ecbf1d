"""The pages about rules say what the packs say."""

from __future__ import annotations

import importlib.util

from idbmigrate.checks import KINDS, list_packs, load_pack
from idbmigrate.checks.load_types import CHECK_TYPES


def generator(root):
    spec = importlib.util.spec_from_file_location("generate_rules", root / "docs" / "generate_rules.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_up_to_date(root):
    made = generator(root).pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in (root / "docs" / "rules").glob("*.md")}
    assert made == there, "run python docs/generate_rules.py"


def test_every_family_and_form_is_documented(root):
    page = (root / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"(rules/{kind}.md)" not in page] == []
    assert [check for check in CHECK_TYPES if f"`{check}" not in page] == []
    assert [name for name in list_packs() if f"(rules/{name}.md)" not in page] == []


def test_every_family_is_used():
    assert {rule.kind for name in list_packs() for rule in load_pack(name).rules} == set(KINDS)
