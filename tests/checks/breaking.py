"""Ways to make a file break a rule, whatever the form of its check."""

from __future__ import annotations

import pytest

from idbmigrate.checks import check_types as f
from idbmigrate.checks import compared_types as c
from idbmigrate.checks import joined_types as j

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
    check, table = rule.check, rule.table
    if isinstance(check, j.WholeFile):
        return _broken_file(check, file)
    if isinstance(check, j.Parent):
        file[table][0][check.column] = "nobody"
    elif isinstance(check, j.Child):
        file[check.table] = []
        satisfy(check.where, file[table][0])
    elif isinstance(check, j.Unique):
        satisfy(check.where, file[table][0])
        file[table].append(dict(file[table][0]))
    elif isinstance(check, j.Continued):
        file[table][0][check.end] = "2022-04-10"
    else:
        satisfy(check, file[table][0], file)
    return file


def _broken_file(check, file):
    if check.aspect == "empty":
        file[check.table] = []
    elif check.aspect == "header_invalid":
        file[check.table].append(dict(file[check.table][0]))
    elif check.aspect == "nothing_left":
        file[check.table][0]["OrgIDComm"] = None
    else:
        pytest.skip("has a test of its own")
    return file


def satisfy(check, row, file=None):
    """Give a row values for which a form is true."""
    if check is None:
        return
    if isinstance(check, j.Joined) and check.join == "none":
        if not isinstance(check.parts[0], f.Is) or row.get(check.parts[0].column) in check.parts[0].values:
            row[check.parts[0].column] = "3"
    elif isinstance(check, j.Joined):
        for part in check.parts if check.join == "all" else check.parts[:1]:
            satisfy(part, row, file)
    elif isinstance(check, j.Without):
        if check.where is None:
            file[check.table] = []
    elif isinstance(check, j.Coded):
        row[check.scheme], row[check.code] = check.snomed[0], "195967002"
    elif isinstance(check, j.Score):
        tool, score = {
            "tool": ("195967001", "1"),
            "shape": ("720433000", "1.5"),
            "range": ("720433000", "28"),
            "value": ("720433000", "0.51"),
        }[check.problem]
        row[check.tool], row[check.score] = tool, score
    elif isinstance(check, f.Blank):
        row[check.column] = " "
    elif isinstance(check, f.Missing):
        row[check.column] = None
    elif isinstance(check, f.Given):
        row[check.column] = row.get(check.column) or "N"
    elif isinstance(check, f.Length):
        row[check.column] = "X" * (check.max + 1)
    elif isinstance(check, f.Is):
        row[check.column] = check.values[0]
    elif isinstance(check, f.Range):
        row[check.column] = str(check.max + 1)
    elif isinstance(check, f.Algorithm):
        row[check.column] = _BAD_VALUE[check.algorithm]
    elif isinstance(check, f.Matches):
        row[check.column] = "2020/05"
    elif isinstance(check, c.MonthBefore):
        row[check.column] = "1979-12"
    elif isinstance(check, c.Compared):
        early = "1901-01-01" if check.column != "QualAwardedDate" else "2004-12-31"
        late = "2030-01-01T00:00:00" if "Time" in check.column else "2030-01-01"
        row[check.column] = {"before": early, "after": late, "differs": "ZZ9"}[check.relation]
        if check.than.column:
            row[check.than.column] = "2021-06-01"
    else:  # codes, dates, times, digits, patterns
        row[check.column] = "??"
