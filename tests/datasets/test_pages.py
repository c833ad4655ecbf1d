"""The generated pages say what the packs say, and the written ones leave nothing out."""

from __future__ import annotations

import pytest

from idbmigrate.datasets import list_datasets, load_dataset, load_overlay
from idbmigrate.datasets.build import build
from idbmigrate.datasets.pages import page
from idbmigrate.documents import yaml as yamlio
from idbmigrate.words import CONFIDENCE


@pytest.fixture(scope="module")
def docs(root):
    folder = root / "docs"
    if not folder.is_dir():
        pytest.skip("no docs folder beside the tests")
    return folder


@pytest.mark.parametrize("name", list_datasets())
def test_the_page_is_up_to_date(docs, name):
    written = (docs / "datasets" / f"{name}.md").read_text(encoding="utf-8")
    assert written == page(load_dataset(name)), "run: make docs"


@pytest.mark.parametrize("name", list_datasets())
def test_the_page_names_every_column_and_code(name):
    dataset, text = load_dataset(name), page(load_dataset(name))
    for table in dataset.tables.values():
        assert f"## {table.name}\n" in text
        assert all(f"\n| {column} | " in text for column in table.columns)
        for column in table.columns.values():
            codes = dataset.codes_of(column)
            assert codes is None or all(f"\n| {code} | " in text for code in codes.codes)


def test_the_written_page_lists_all_data_sets_and_words(docs):
    text = (docs / "data-sets.md").read_text(encoding="utf-8")
    assert all(f"(datasets/{name}.md)" in text for name in list_datasets())
    assert all(f"| `{word}` |" in text for word in CONFIDENCE)


def test_the_examples_of_the_written_pages_are_good(docs, tmp_path):
    overlay = (docs / "overlays.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "overlay.yaml"
    path.write_text(overlay, encoding="utf-8")
    assert load_overlay(path).tables["Person"].source == "tbl_Clients"
    pack = (docs / "data-sets.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    raw = yamlio.loads(pack, "example")
    known = yamlio.loads(
        "sources: {S1: a, S2: b, S3: c, S5: d}\nrole: source\nversion: 1\ntitle: Example", "more"
    )
    raw |= known
    del raw["extends"], raw["borrow"]
    raw["code_lists"]["service_request_acceptance"] = raw["code_lists"]["attendance"]
    referral = raw["tables"]["Referral"]
    for column in ("SERVICEID", "LPTID", "REFRECDATE", "ENDDATE", "ENDCODE"):
        referral["columns"][column] = {"format": "max an20"}
    raw["tables"]["Person"] = {"columns": {"LPTID": {"format": "max an20"}}}
    assert build(raw, "example").tables["Referral"].period.closing == ("ENDCODE",)
