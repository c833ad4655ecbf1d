"""Ways to make a file break a rule, whatever the form of its check."""

from __future__ import annotations

import pytest

from idbmigrate.checks import forms as f
from idbmigrate.checks import forms_compared as c
from idbmigrate.checks import forms_joined as j

_BAD_VALUE = {
    "nhs-number": "9434765918",
    "nhs-check-digit": "9434765918",
    "snomed": "720433001",
    "snomed-expression": "720433001",
    "organisation": "rx-1",
    "uk-offset": "2022-04-10T12:00:00+00:00",
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
        satisfy(form.where, file[table][0])
    elif isinstance(form, j.Unique):
        satisfy(form.where, file[table][0])
        file[table].append(dict(file[table][0]))
    elif isinstance(form, j.Continued):
        file[table][0][form.end] = "2022-04-10"
    else:
        satisfy(form, file[table][0], file)
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


def satisfy(form, row, file=None):
    """Give a row values for which a form is true."""
    if form is None:
        return
    if isinstance(form, j.Joined) and form.join == "none":
        if not isinstance(form.parts[0], f.Is) or row.get(form.parts[0].column) in form.parts[0].values:
            row[form.parts[0].column] = "3"
    elif isinstance(form, j.Joined):
        for part in form.parts if form.join == "all" else form.parts[:1]:
            satisfy(part, row, file)
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
            "value": ("720433000", "0.51"),
        }[form.problem]
        row[form.tool], row[form.score] = tool, score
    elif isinstance(form, f.Blank):
        row[form.column] = " "
    elif isinstance(form, f.Missing):
        row[form.column] = None
    elif isinstance(form, f.Given):
        row[form.column] = row.get(form.column) or "N"
    elif isinstance(form, f.Length):
        row[form.column] = "X" * (form.max + 1)
    elif isinstance(form, f.Is):
        row[form.column] = form.values[0]
    elif isinstance(form, f.Range):
        row[form.column] = str(form.max + 1)
    elif isinstance(form, f.Algorithm):
        row[form.column] = _BAD_VALUE[form.algorithm]
    elif isinstance(form, f.Matches):
        row[form.column] = "2020/05"
    elif isinstance(form, c.MonthBefore):
        row[form.column] = "1979-12"
    elif isinstance(form, c.Compared):
        early = "1901-01-01" if form.column != "QualAwardedDate" else "2004-12-31"
        late = "2030-01-01T00:00:00" if "Time" in form.column else "2030-01-01"
        row[form.column] = {"before": early, "after": late, "differs": "ZZ9"}[form.relation]
        if form.than.column:
            row[form.than.column] = "2021-06-01"
    else:  # codes, dates, times, digits, patterns
        row[form.column] = "??"
