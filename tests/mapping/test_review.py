"""Coverage leaves nothing out, and what a reviewer writes into its workbook reaches the converted file."""

from __future__ import annotations

import pytest

from idbmigrate.cli import group
from idbmigrate.datasets import load_dataset, load_overlay
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import review
from idbmigrate.mapping.coverage import coverage
from idbmigrate.mapping.load import list_mappings, load_mapping, with_overlay

NAME = "iapt-1.5-to-iapt-2.1"


def measured(name: str) -> dict:
    mapping = load_mapping(name)
    return coverage(mapping, load_dataset(mapping.source), load_dataset(mapping.target))


@pytest.fixture(scope="module")
def document() -> dict:
    return measured(NAME)


@pytest.mark.parametrize("name", list_mappings())
def test_every_column_of_both_sides_is_there_and_accounted_for(name):
    found = measured(name)
    for side in ("source", "target"):
        rows, dataset = found[f"{side}_columns"], load_dataset(found[side])
        assert [(row["table"], row["column"]) for row in rows] == [
            (table.name, column) for table in dataset.tables.values() for column in table.columns
        ]
        assert found["totals"][f"{side}_columns"]["unaccounted"] == 0
        assert sum(found["totals"][f"{side}_columns"].values()) == len(rows)
        assert all(row["reason"] for row in rows if row["outcome"] in ("retired", "unavailable"))


def test_a_column_says_where_its_values_go_and_a_target_what_fills_it(document):
    gender = next(row for row in document["source_columns"] if row["column"] == "GENDER")
    assert (gender["outcome"], gender["into"]) == ("carried", ["IDS001MPI.Gender"])
    filled = next(row for row in document["target_columns"] if row["column"] == "Gender")
    assert filled["by"] == ["Person: GENDER by lookup gender"]


def test_codes_come_with_meaning_target_and_confidence_and_the_unlisted_ones_too(document):
    codes = {(row["lookup"], row["code"]): row for row in document["codes"]}
    kept = codes["disability", "01"]
    assert (kept["to"], kept["equivalence"], kept["outcome"]) == ("01", "equal", "mapped")
    assert kept["columns"] == ["Disability.DISABILITY"] and kept["into"] == ["IDS007DisabilityType.DisabCode"]
    assert kept["meaning"] and kept["to_meaning"] and kept["confidence"] and kept["source"]
    lost = codes["ex_british_armed_forces", "01"]
    assert (lost["to"], lost["outcome"]) == (None, "no-home") and lost["reason"]
    mapping, source = load_mapping(NAME), load_dataset("iapt-1.5")
    listed = {(name, row.code) for name, lookup in mapping.lookups.items() for row in lookup.rows}
    assert listed <= set(codes)
    national = source.code_lists[source.tables["Referral"].columns["ENDCODE"].codes].codes
    ending = {row["code"] for row in document["codes"] if row["columns"] == ["Referral.ENDCODE"]}
    assert set(national) <= ending


def answered(path, **answers):
    """The workbook with targets filled in: ``c`` and a code of the lookup ``discharge_reason`` -> target."""
    from openpyxl import load_workbook

    review.write(measured(NAME), path)
    book = load_workbook(path)
    sheet = book["Codes"]
    head = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        cells = dict(zip(head, row, strict=True))
        code = f"c{cells['code'].value}"
        if cells["lookup"].value == "discharge_reason" and code in answers:
            cells[review.DECISION].value = answers[code]
    book.save(path)
    return path


def test_every_cell_of_the_workbook_is_text(document, tmp_path):
    from openpyxl import load_workbook

    hostile = {**document["codes"][0], "note": "=HYPERLINK(1)", "reason": "+1"}
    path = review.write({**document, "codes": [hostile]}, tmp_path / "review.xlsx")
    for sheet in load_workbook(path):
        kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
        assert kinds == {"s"}


def decided(path) -> dict:
    return review.decisions(path, load_mapping(NAME), load_dataset("iapt-2.1"))


def test_answers_become_an_overlay_that_the_mapping_takes(tmp_path):
    mapping = load_mapping(NAME)
    path = answered(tmp_path / "review.xlsx", c44="96", c40=17, c41="nowhere")
    assert review.mapping_of(path) == NAME
    found = decided(path)
    assert found == {"discharge_reason": {"44": "96", "40": "17", "41": None}}
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(review.overlay_text(mapping, found, path.name), encoding="utf-8")
    lookups = with_overlay(mapping, load_overlay(overlay)).lookups
    rows = {row.code: row for row in lookups["discharge_reason"].rows}
    assert (rows["44"].to, rows["44"].confidence, rows["44"].source) == ("96", "confirmed", "overlay.yaml")
    assert rows["41"].to is None and rows["41"].reason
    before = {row.code: row for row in mapping.lookups["discharge_reason"].rows}
    assert {code for code, row in rows.items() if before.get(code) != row} == {"44", "40", "41"}


@pytest.mark.parametrize("answer", ["no code", "=1+1", 1.5])
def test_an_answer_that_cannot_be_is_refused_with_its_row(tmp_path, answer):
    with pytest.raises(DescriptionError, match="row ") as caught:
        decided(answered(tmp_path / "review.xlsx", c44=answer))
    assert caught.value.code == "overlay-invalid"


@pytest.mark.parametrize("text", ["lookups: {no_such: {1: 2}}", "lookups: {gender: {7: nonsense}}"])
def test_an_overlay_that_does_not_fit_the_mapping_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "overlay.yaml"
    path.write_text(f"# a remark\n{text}\n", encoding="utf-8")
    with pytest.raises(DescriptionError, match=r"overlay.yaml:2"):
        with_overlay(load_mapping(NAME), load_overlay(path))


def test_something_else_than_a_workbook_is_refused(tmp_path):
    path = tmp_path / "review.xlsx"
    path.write_bytes(b"PK no workbook")
    from idbmigrate.errors import SourceError

    with pytest.raises(SourceError, match="not a workbook"):
        review.mapping_of(path)


def test_the_verbs_go_there_and_back(tmp_path):
    from click.testing import CliRunner

    def run(*words: str):
        return CliRunner().invoke(group, ["mapping", *words])

    book, overlay = str(tmp_path / "review.xlsx"), str(tmp_path / "overlay.yaml")
    assert run("coverage", NAME, "--xlsx", book).exit_code == 0
    nothing = run("apply", book, "--out", overlay)
    assert nothing.exit_code == 0 and "nothing is filled in" in nothing.output
    answered(tmp_path / "review.xlsx", c44="96")
    assert run("apply", book, "--out", overlay).exit_code == 0
    assert load_overlay(overlay).lookups == {"discharge_reason": {"44": "96"}}
    assert run("apply", book, "--out", overlay).exit_code == 6
