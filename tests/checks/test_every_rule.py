"""Every rule that is checked holds on a good file and fails on a file made to break it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idbmigrate.checks import check, load_pack

from .breaking import broken
from .good import CONTEXT, DATASET, arrow, codes, good, nhs_numbers, outcome

PACK = load_pack("iapt-2.1")
CHECKED = [rule for rule in PACK.rules if rule.check is not None]


def family(number: int):
    """The good file of a patient of their own: no key or NHS number is shared with another."""
    file = good()
    for rows in file.values():
        for row in rows:
            for column in KEYS & set(row):
                row[column] += f"-{number}"
            if "NHSNumber" in row:
                row["NHSNumber"] = NHS_NUMBERS[number]
    return file


KEYS = {"LocalPatientId", "ServiceRequestId", "CareContactId", "CareActId"}
ROW_RULES = [rule for rule in CHECKED if rule.table not in (None, "IDS000Header")]
NHS_NUMBERS = list(nhs_numbers(len(ROW_RULES)))


def test_good_file_breaks_no_rule():
    assert codes(good()) == set()


def every_rule_broken():
    """One file with a patient for each rule, who breaks it, and whose each row is."""
    file = {table: list(rows) if table == "IDS000Header" else [] for table, rows in good().items()}
    owners = {table: [] for table in file}
    for number, rule in enumerate(ROW_RULES):
        for table, rows in broken(rule, family(number)).items():
            if table != "IDS000Header":
                file[table] += rows
                owners[table] += [number] * len(rows)
    return file, owners


def test_each_rule_fails_for_the_family_that_breaks_it():
    file, owners = every_rule_broken()
    found, alone = {}, {}
    for finding in outcome(file).findings.to_pylist():
        if finding["row"] is not None:
            owner = owners[finding["table"]][finding["row"] - 1]
            found.setdefault(finding["code"], set()).add(owner)
            if not finding["follows"]:
                alone.setdefault(finding["code"], set()).add(owner)
    missed = [rule.code for number, rule in enumerate(ROW_RULES) if number not in found.get(rule.code, ())]
    assert missed == []
    for code in ("IDS10142", "IDS60607", "IDS20226"):
        assert len(alone[code]) == 1, code
    places = [rule.code for rule in ROW_RULES]
    assert found["IDSREJ006"] == {places.index("IDSREJ006"), places.index("IDS00111")}, "blanks are no number"


@pytest.mark.parametrize("rule", [r for r in CHECKED if r not in ROW_RULES], ids=lambda rule: rule.code)
def test_rule_about_the_header_or_the_whole_file_fails(rule):
    alone = replace(PACK, rules=(rule,)) if rule.table else PACK
    findings = check(arrow(broken(rule, good())), DATASET, CONTEXT, alone).findings
    assert rule.code in findings["code"].to_pylist()


def test_every_published_code_is_accounted_for(shared_dir):
    import yaml

    spec = yaml.load(
        (shared_dir / "spec" / "iapt_v2.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader
    )
    published = {each["code"]: each["severity"] for each in spec["validation_rules"]["rules"]}
    ours = {rule.code: rule.effect for rule in PACK.rules if rule.published}
    assert ours == published
