"""What a rule pack may not say, and that packs fit their data sets."""

from __future__ import annotations

import pytest

from idbmigrate.checks import Context, check, list_packs, load_pack
from idbmigrate.checks.load import PACKS, compile_pack, read_pack
from idbmigrate.datasets import load_dataset
from idbmigrate.documents import yaml as yamlio
from idbmigrate.documents.node import Document, Node
from idbmigrate.errors import DescriptionError
from tests.checks.good import arrow, good

HEAD = "{pack: p, title: t, defaults: {source: [S], confidence: confirmed}, rules: {T: ["
RULE = "code: X1, effect: record, kind: blank"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (f"{RULE}", "either a check or a reason"),
        (f"{RULE}, check: {{blank: A}}, because: reference-data", "either a check or a reason"),
        (f"{RULE}, check: {{sql: 'drop table'}}", "no check 'sql'"),
        (f"{RULE}, check: {{blank: A, date: A}}", "one key"),
        (f"{RULE}, check: {{length: {{column: A, min: 1, max: many}}}}", "whole number"),
        (f"{RULE}, check: {{length: {{column: A}}}}", "'min' is missing"),
        (f"{RULE}, check: {{pattern: {{column: A, pattern: '('}}}}", "regular expression"),
        (f"{RULE}, check: {{check: {{column: A, is: magic}}}}", "no algorithm"),
        (f"{RULE}, check: {{is: {{column: A, in: unknown}}}}", "no list"),
        (f"{RULE}, check: {{after: {{column: A, than: B, plus: {{days: 1}}}}}}", "outside"),
        (f"{RULE}, check: {{blank: A}}, sql: x", "not known here"),
        ("code: X1, effect: loud, kind: blank, check: {blank: A}", "one of warning, record, group, file"),
        (f"{RULE}, check: {{blank: A}}}}, {{{RULE}, check: {{blank: A}}", "twice"),
    ],
)
def test_refused(rule, words):
    data, marks = yamlio.loads_marked(HEAD + "{" + rule + "}]}}", "p.yaml")
    with pytest.raises(DescriptionError, match=words) as caught:
        read_pack(Node(data, Document("p.yaml", "rules-invalid", marks)))
    assert caught.value.code == "rules-invalid"


@pytest.mark.parametrize("key", ["before", "column"])
@pytest.mark.parametrize("place", ["Person", "Person.", ".GENDER"])
def test_a_measure_names_table_and_column(key, place):
    measure = {"item": "gender", "column": "T.A", "before": "Person.GENDER", key: place}
    data, marks = yamlio.loads_marked(
        f"{{pack: p, title: t, measures: [{{{', '.join(f'{k}: {v}' for k, v in measure.items())}}}]}}",
        "p.yaml",
    )
    with pytest.raises(DescriptionError, match=r"written as Table\.Column"):
        read_pack(Node(data, Document("p.yaml", "rules-invalid", marks)))


def _relation(than: str):
    """A pack of one rule: contacts without an activity, of those that differ from something."""
    where = f"{{differs: {{column: CareContactId, than: {than}}}}}"
    check = f"{{child: {{column: CareContactId, table: IDS202CareActivity, where: {where}}}}}"
    rule = f"{{code: X1, effect: record, kind: relation, check: {check}}}"
    text = HEAD.replace("T: [", f"IDS201CareContact: [{rule}]}}}}")
    data, marks = yamlio.loads_marked(text, "p.yaml")
    return read_pack(Node(data, Document("p.yaml", "rules-invalid", marks)))


def test_a_relation_that_needs_a_value_of_the_portal_is_not_run_without_it():
    file = good()
    file["IDS202CareActivity"] = []
    told, untold = (
        check(arrow(file), load_dataset("iapt-2.1"), Context(provider=provider), _relation("portal.provider"))
        for provider in ("RX1", None)
    )
    assert (told.not_run, told.counts) == ({}, {"X1": len(file["IDS201CareContact"])})
    assert untold.not_run == {"X1": "not given: the provider chosen in the portal"}
    assert untold.counts == {} and untold.submission["rejected_total"] == 0


@pytest.mark.parametrize("name", list_packs())
def test_pack_fits_its_data_set(name):
    dataset = load_dataset(name)
    for rule in load_pack(name).rules:
        if rule.check is not None and rule.table is not None:
            missing = set(rule.columns) - set(dataset.tables[rule.table].columns)
            assert not missing, (rule.code, missing)


@pytest.mark.parametrize("name", list_packs())
def test_fast_form_is_up_to_date(name):
    fast = PACKS / f"{name}.json"
    assert fast.read_text(encoding="utf-8") == compile_pack(name), "run python -m idbmigrate.checks.compile"
