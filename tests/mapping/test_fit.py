"""Values that surely fit their target column: no test of them is compiled, so each must fit."""

from __future__ import annotations

from itertools import product

import pytest

from idbmigrate.compile import fit
from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.model import Format
from idbmigrate.mapping.load import load_mapping

LENGTHS = [None, 1, 2, 4]
KINDS = ["text", "integer", "date"]
PATTERNS = [None, "[0-9]+", "[A-Z][0-9]*"]
FORMATS = [Format("an", *given) for given in product(KINDS, LENGTHS, LENGTHS, PATTERNS)]
TEXTS = ["A", "1", "-", "A1", "11", "AAA", "1111", "A111", "11111", "A-1-A", "2016-06-14"]


def test_what_fits_the_narrower_format_fits_the_wider():
    fitting = {form: {text for text in TEXTS if fit.text_fits(text, form)} for form in FORMATS}
    pairs = [pair for pair in product(FORMATS, FORMATS) if fit._within(*pair)]
    assert len(pairs) > len(FORMATS)
    assert all(fitting[narrow] <= fitting[wide] for narrow, wide in pairs)


@pytest.mark.parametrize(
    ("narrow", "wide", "within"),
    [
        (Format("max an20", "text", 1, 20), Format("max an20", "text", 1, 20), True),
        (Format("max an20", "text", 1, 20), Format("max an36", "text", 1, 36), True),
        (Format("max an36", "text", 1, 36), Format("max an20", "text", 1, 20), False),
        (Format("text", "text"), Format("max an20", "text", 1, 20), False),
        (Format("an5", "text", 5, 5), Format("an5", "text", 5, 5, "[A-Z]+"), False),
    ],
)
def test_which_formats_are_within_others(narrow, wide, within):
    assert fit._within(narrow, wide) == within


def test_a_key_of_a_joined_parent_and_one_of_two_lookups_are_not_tested():
    mapping, target = load_mapping("iapt-1.5-to-iapt-2.1"), load_dataset("iapt-2.1")
    source = load_dataset("iapt-1.5")
    columns = {name: frozenset(spec.columns) for name, spec in source.tables.items()}
    parameters = dict.fromkeys(mapping.parameters, "x")
    plan = compile_mapping(mapping, columns, target, parameters=parameters)
    misfits = {
        (query.table, field.name): field.misfit
        for query in plan.tables
        for branch in query.branches
        for field in branch.fields
    }
    assert misfits["IDS607CodedScoreAssessmentAct", "CareActId"] is None
    assert misfits["IDS202CareActivity", "CodeProcAndProcStatus"] is None
    assert misfits["IDS004EmpStatus", "LocalPatientId"] is not None
