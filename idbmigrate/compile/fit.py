"""Whether a value fits the format of its target column; most never need to be asked."""

from __future__ import annotations

import re

from sqlglot import exp

from idbmigrate.compile import functions, sql
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.sql import Sql
from idbmigrate.compile.value import BAD_FORMAT, TOO_LONG, TOO_SHORT
from idbmigrate.datasets.model import Format
from idbmigrate.mapping import model as m

#: Patterns of kinds whose format carries none of its own.
PATTERNS = {
    "integer": "[0-9]+",
    "decimal": "[0-9]+([.][0-9]+)?",
    "date": functions.DAY,
    "time": "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "month": "[0-9]{4}-(0[1-9]|1[0-2])",
}


def misfit_sql(value: Sql, form: Format) -> Sql:
    """Why a value does not fit a format, null where it does."""
    tests = []
    if form.max_length is not None:
        too_long = sql.compared(exp.GT, sql.length(value), sql.whole(form.max_length))
        tests.append((too_long, sql.text(TOO_LONG)))
    if form.min_length is not None and form.min_length > 1:
        too_short = sql.compared(exp.LT, sql.length(value), sql.whole(form.min_length))
        tests.append((too_short, sql.text(TOO_SHORT)))
    pattern = _pattern(form)
    if pattern:
        wrong = sql.both(sql.not_null(value), sql.negated(sql.matches(value, pattern)))
        tests.append((wrong, sql.text(BAD_FORMAT)))
    return sql.case(tests, sql.no_text())


def surely_fits(value: m.Expression, form: Format, around: CompileContext, branch: m.Branch) -> bool:
    """Whether every value of an expression of a branch is known to fit."""
    if form.max_length is None and form.min_length is None and not _pattern(form):
        return True
    match value:
        case m.Constant():
            return text_fits(value.text, form)
        case m.Parameter():
            return text_fits(around.parameters.get(value.name, ""), form)
        case m.Reference(alias="item") if value.name != "value":
            texts = [item[value.name] for item in branch.each if value.name in item]
            return bool(texts) and all(text_fits(text, form) for text in texts)
        case m.Reference() if value.alias:
            joined = [join.table for join in branch.joins if join.alias == value.alias and join.target]
            specs = [around.targets[table].columns.get(value.name) for table in joined]
            return bool(specs) and all(spec is not None and _within(spec.format, form) for spec in specs)
        case m.FirstOf() | m.Cases():
            return all(surely_fits(child, form, around, branch) for child in value.children)
        case m.LastKnown():
            return surely_fits(value.of, form, around, branch)
        case m.Link():
            return surely_fits(value.link, form, around, branch)
        case m.LookedUp():
            table = around.mapping.lookups[value.lookup]
            results = [row.to for row in table.rows if row.to is not None]
            results += [table.default] if table.default is not None else []
            return table.unknown != "keep" and all(text_fits(text, form) for text in results)
        case m.Identifier():
            longest = form.max_length or value.length
            return form.kind == "text" and not form.pattern and value.length <= longest
        case m.Call():
            kind, example = functions.SHAPES.get(value.function, (None, ""))
            return kind == form.kind and text_fits(example, form)
    return False


def _within(narrow: Format, wide: Format) -> bool:
    """Whether what fits one format fits another."""
    shorter = wide.max_length is None or (narrow.max_length or wide.max_length + 1) <= wide.max_length
    longer = (wide.min_length or 1) <= max(narrow.min_length or 1, 1)
    return shorter and longer and _pattern(wide) in (None, _pattern(narrow))


def text_fits(text: str, form: Format) -> bool:
    """Whether one text fits a format."""
    if form.max_length is not None and len(text) > form.max_length:
        return False
    if form.min_length is not None and len(text) < form.min_length:
        return False
    pattern = _pattern(form)
    return not pattern or re.fullmatch(pattern, text) is not None


def _pattern(form: Format) -> str | None:
    return form.pattern or PATTERNS.get(form.kind)
