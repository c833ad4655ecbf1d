"""The words of the glossary are those of the code; the ones that it replaced are gone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "idbmigrate").rglob("*.py"))

#: Names of the code that the glossary's words replaced.
RETIRED = {
    "Surroundings",
    "Prepared",
    "Preparation",
    "with_prepared",
    "Copied",
    "copies",
    "same_rows",
    "TieQuery",
    "beaten",
    "Carrier",
    "CarrierColumns",
    "Trace",
    "Traces",
    "headed",
    "residue",
    "Settler",
    "Trials",
    "meanwhile",
    "Fate",
    "Form",
    "FORMS",
    "settle",
    "settler",
    "Verdict",
    "trials",
    "tie",
    "ties",
}
#: More such names, in the rooms that are free of them.
RETIRED_HERE = {
    "checks": {"fate", "form", "forms", "told", "asked", "ways", "marks", "verdict"},
    "reports": {"said", "told", "asked"},  # "fate" is a name of the JSON document
    "result": {"fate", "said", "told", "asked"},
    "exporters": {"said", "told", "asked", "settled"},
    "conversion": {"said", "told", "asked", "form"},
    "datasets": {"said", "told", "asked"},
    "mapping": {"said", "told", "asked"},
    "mapping_tests": {"told", "asked", "around", "verdict"},
    "measures": {"said", "told", "asked"},
    "periods": {"said", "told", "asked"},
    "staging": {"said", "told", "asked"},
    "documents": {"said", "told", "asked"},
    "cli": {"said", "told", "asked", "trials"},
}
#: A name of the code for each word that it has.
USED = {
    "compile context": "CompileContext",
    "hoisted expression": "Hoisted",
    "pass-through column": "PassThrough",
    "natural key": "NaturalKeyQuery",
    "superseded rows": "superseded",
    "contribution": "Contribution",
    "lineage": "Lineage",
    "lineage path": "LineagePath",
    "rejects": "rejects",
    "staged table": "StagedTable",
    "finding": "findings",
    "submission": "Submission",
    "evidence": "Evidence",
    "cells": "cells",
    "fixity": "Fixity",
    "submission result": "SubmissionResult",
    "check type": "CheckType",
    "test result": "TestResult",
    "document": "Document",
    "place": "Place",
    "proof": "Proof",
    "ledger": "ledger",
    "reason": "Reason",
    "conflict": "conflicts",
    "branch": "Branch",
    "lookup": "Lookup",
    "filter": "Filter",
}


def names(tree: ast.AST) -> set[str]:
    """All identifiers that a module defines or uses."""
    found: set[str] = set()
    for node in ast.walk(tree):
        for kind, name in (
            (ast.Name, "id"),
            (ast.Attribute, "attr"),
            (ast.FunctionDef, "name"),
            (ast.ClassDef, "name"),
            (ast.arg, "arg"),
            (ast.keyword, "arg"),
        ):
            if isinstance(node, kind) and getattr(node, name):
                found.add(getattr(node, name))
    return found


@pytest.fixture(scope="module")
def used() -> dict[str, set[str]]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    return {path.relative_to(ROOT).as_posix(): names(tree) for path, tree in trees.items()}


def test_no_retired_word_is_a_name_of_the_code(used):
    found = {
        (path, word)
        for path, names in used.items()
        for word in names & (RETIRED | RETIRED_HERE.get(path.split("/")[1], set()))
    }
    assert not found


def test_the_glossary_and_the_code_use_the_same_words(used):
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    words = {word.strip() for row in rows for word in row.split(",")}
    assert set(USED) <= words
    everything = set().union(*used.values())
    assert set(USED.values()) <= everything
