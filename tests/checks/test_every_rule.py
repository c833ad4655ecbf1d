"""Every rule that is checked holds on a good file and fails on a file made to break it."""

from __future__ import annotations

import pytest

from idbmigrate.checks import forms as f
from idbmigrate.checks import forms_joined as j
from idbmigrate.checks import load_pack

from .good import codes, good, nhs_numbers, outcome

PACK = load_pack("iapt-2.1")
CHECKED = [rule for rule in PACK.rules if rule.form is not None]

_BAD_VALUE = {
    "nhs-number": "9434765918",
    "snomed": "720433001",
    "snomed-expression": "720433001",
    "organisation": "rx-1",
}


def broken(rule, file):
    """Change the file so that it breaks the rule."""
    form, table = rule.form, rule.table
    if isinstance(form, j.WholeFile):
        return _broken_file(form, file)
    if isinstance(form, j.Parent):
        file[table][0][form.column] = "nobody"
    elif isinstance(form, j.Child):
        file[form.table] = []
        _satisfy(form.where, file[table][0])
    elif isinstance(form, j.Unique):
        _satisfy(form.where, file[table][0])
        file[table].append(dict(file[table][0]))
    elif isinstance(form, j.Continued):
        file[table][0][form.end] = "2022-04-10"
    else:
        _satisfy(form, file[table][0], file)
    return file


def _broken_file(form, file):
    if form.aspect == "empty":
        file[form.table] = []
    elif form.aspect == "header_invalid":
        file[form.table].append(dict(file[form.table][0]))
    elif form.aspect == "nothing_left":
        file[form.table][0]["OrgIDComm"] = None
    else:
        pytest.skip("has a test of its own")
    return file


def _satisfy(form, row, file=None):
    """Give a row values for which a form is true."""
    if form is None:
        return
    if isinstance(form, j.Joined) and form.join == "none":
        if not isinstance(form.parts[0], f.Is) or row.get(form.parts[0].column) in form.parts[0].values:
            row[form.parts[0].column] = "3"
    elif isinstance(form, j.Joined):
        for part in form.parts if form.join == "all" else form.parts[:1]:
            _satisfy(part, row, file)
    elif isinstance(form, j.Without):
        if form.where is None:
            file[form.table] = []
    elif isinstance(form, j.Coded):
        row[form.scheme], row[form.code] = form.snomed[0], "195967002"
    elif isinstance(form, j.Score):
        tool, score = {
            "tool": ("195967001", "1"),
            "shape": ("720433000", "1.5"),
            "range": ("720433000", "28"),
        }[form.problem]
        row[form.tool], row[form.score] = tool, score
    elif isinstance(form, f.Blank):
        row[form.column] = " "
    elif isinstance(form, f.Given):
        row[form.column] = row.get(form.column) or "N"
    elif isinstance(form, f.Length):
        row[form.column] = "X" * (form.max + 1)
    elif isinstance(form, f.Is):
        row[form.column] = form.values[0]
    elif isinstance(form, f.Algorithm):
        row[form.column] = _BAD_VALUE[form.algorithm]
    elif isinstance(form, f.Matches):
        row[form.column] = "2020/05"
    elif isinstance(form, f.MonthBefore):
        row[form.column] = "1979-12"
    elif isinstance(form, f.Compared):
        early = "1901-01-01" if form.column != "QualAwardedDate" else "2004-12-31"
        late = "2030-01-01T00:00:00" if "Time" in form.column else "2030-01-01"
        row[form.column] = {"before": early, "after": late, "differs": "ZZ9"}[form.relation]
        if form.than.column:
            row[form.than.column] = "2021-06-01"
    else:  # codes, dates, times, digits, patterns
        row[form.column] = "??"


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


def test_each_rule_fails_for_the_family_that_breaks_it_and_no_other():
    """One file, one patient for each rule, who breaks it."""
    file = {table: list(rows) if table == "IDS000Header" else [] for table, rows in good().items()}
    owners = {table: [] for table in file}
    for number, rule in enumerate(ROW_RULES):
        for table, rows in broken(rule, family(number)).items():
            if table != "IDS000Header":
                file[table] += rows
                owners[table] += [number] * len(rows)
    found = {}
    for finding in outcome(file).findings.to_pylist():
        if finding["row"] is not None:
            found.setdefault(finding["code"], set()).add(owners[finding["table"]][finding["row"] - 1])
    missed = [rule.code for number, rule in enumerate(ROW_RULES) if number not in found.get(rule.code, ())]
    assert missed == []
    for code in ("IDSREJ006", "IDS10142", "IDS60607", "IDS20226"):
        assert len(found[code]) == 1, code


@pytest.mark.parametrize("rule", [r for r in CHECKED if r not in ROW_RULES], ids=lambda rule: rule.code)
def test_rule_about_the_header_or_the_whole_file_fails(rule):
    assert rule.code in codes(broken(rule, good()))


def test_every_published_code_is_accounted_for(shared_dir):
    import yaml

    spec = yaml.load(
        (shared_dir / "spec" / "iapt_v2.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader
    )
    published = {each["code"]: each["severity"] for each in spec["validation_rules"]["rules"]}
    ours = {rule.code: rule.effect for rule in PACK.rules if rule.published}
    assert ours == published
