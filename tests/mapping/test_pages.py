"""The generated pages say what the mappings say."""

from __future__ import annotations

import pytest

from idbmigrate.mapping.load import list_mappings, load_mapping
from idbmigrate.mapping.pages import page


@pytest.mark.parametrize("name", list_mappings())
def test_the_page_is_up_to_date_and_names_every_table_and_code(root, name):
    folder = root / "docs" / "mappings"
    if not folder.is_dir():
        pytest.skip("no docs folder beside the tests")
    text, mapping = page(load_mapping(name)), load_mapping(name)
    assert all(f"\n## {table}\n" in text for table in mapping.tables)
    codes = [row.code for lookup in mapping.lookups.values() for row in lookup.rows]
    assert all(f"\n| {code} | " in text for code in codes)
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == text, "run: make docs"


def test_every_page_belongs_to_a_mapping(root):
    folder = root / "docs" / "mappings"
    assert {path.stem for path in folder.glob("*.md")} == set(list_mappings())
