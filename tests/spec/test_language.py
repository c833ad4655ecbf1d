"""The page on the language, the lists in the code, and the shipped mappings agree."""

from __future__ import annotations

import re

import pytest
from sqlglot import exp

from idbmigrate.compile import functions as compiled
from idbmigrate.compile import hoist, portable
from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.compile.plan import BRANCH, ITEM, REJECT, ROW, clean, raw, texts
from idbmigrate.datasets import load_dataset
from idbmigrate.errors import DescriptionError
from idbmigrate.ledger.by_engine import script
from idbmigrate.ledger.reasons import REASONS
from idbmigrate.mapping import functions, load, model
from idbmigrate.mapping.load import list_mappings, load_mapping
from idbmigrate.mapping_tests.run import compiled as plan_of
from idbmigrate.words import STATED_CONFIDENCE
from tests.spec.small import read

FORMS = {"constant", "parameter", "lookup", "first_of", "last_known", "link", "when", "cases", "identifier"}
CONDITIONS = {"present", "blank", "known", "parameter", "value", "all", "any", "none"}


@pytest.fixture(scope="module")
def page(root) -> str:
    return (root / "docs" / "mapping-language.md").read_text(encoding="utf-8")


def test_the_lists_of_functions_are_one(page):
    table = page.partition("## Expressions")[2].partition("Conditions:")[0]
    documented = set(re.findall(r"`\{(\w+): ", table))
    assert set(functions.FUNCTIONS) == set(compiled.NAMES) == documented - FORMS
    assert documented >= FORMS


def test_options_of_functions_are_documented(page):
    for name, shape in functions.FUNCTIONS.items():
        row = next(line for line in page.splitlines() if f"`{{{name}: " in line)
        assert not [option for option in (*shape.required, *shape.optional) if f"{option}: " not in row], name


def test_conditions_are_documented(page):
    text = page.partition("Conditions:")[2].partition("## ")[0]
    documented = set(re.findall(r"`\{(\w+): ", text))
    assert documented == CONDITIONS
    assert not [name for name in functions.COMPARISONS if f", {name}: " not in text]


def test_closed_words_are_documented(page):
    for words in (model.UNKNOWN_POLICIES, model.EQUIVALENCE, STATED_CONFIDENCE, functions.CLEANERS):
        assert not [word for word in words if word not in page]
    assert not [name for name in functions.DEFAULTS if f"{{{name}: " not in page]
    assert not [section for section in load._SECTIONS if f"\n{section}:" not in page]


def test_every_reason_a_page_names_exists(page):
    words = "bad-format|too-long|too-short|superseded|not-accepted|not-joined|blank|no-parent|filter"
    named = set(re.findall(f"`({words})", page))
    assert named == set(words.split("|")) and named <= set(REASONS)


@pytest.fixture(scope="module", params=list_mappings())
def plan(request):
    mapping = load_mapping(request.param)
    columns = {name: frozenset(spec.columns) for name, spec in load_dataset(mapping.source).tables.items()}
    given = dict.fromkeys(mapping.parameters, "2016-04-01")
    return compile_mapping(mapping, columns, load_dataset(mapping.target), parameters=given)


def test_shipped_mappings_compile_for_every_dialect(plan):
    keys = [query for key in plan.natural_keys for query in (key.shared, key.numbers, key.keys)]
    queries = [query for query in keys if query is not None]
    queries += [hoist.query(texts(table, ""), columns) for table, columns in plan.values.items()]
    for table in plan.tables:
        queries += [table.query, explained(table), *(query for _rule, query in table.rankings)]
    for query in queries:
        portable.check(query)
        forbidden = (exp.Anonymous, exp.AnonymousAggFunc, exp.Cast, exp.TryCast)
        assert not list(query.find_all(*forbidden))
    for dialect in portable.DIALECTS:
        for query in queries:
            assert query.sql(dialect=dialect)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iapt-1.0-to-iapt-2.1", "iapt-ltc-1.5.4-to-ea-iapt-1.0"])
def test_a_complete_plan_is_portable_and_reads_what_is_before_it(name):
    mapping = load_mapping(name)
    source = load_dataset(mapping.source)
    plan = plan_of(mapping, source, load_dataset(mapping.target), optimise=False)
    there = {view(table) for table in source.tables for view in (clean, raw)}
    relations = script(plan, mapping, source, ledger=True)
    assert len({relation.name for relation in relations}) == len(relations)
    for relation in relations:
        portable.check(relation.query)
        assert not list(relation.query.find_all(exp.Anonymous, exp.Cast, exp.TryCast))
        stages = {stage.alias for stage in relation.query.find_all(exp.CTE)}
        read = {table.name for table in relation.query.find_all(exp.Table)}
        assert read - stages <= there, relation.name
        there.add(relation.name)
    assert {f"books_{table}" for table in source.tables} <= there


def explained(table):
    """All that the query of a table can be asked for."""
    fields = [field for branch in table.branches for field in branch.fields]
    names = {REJECT, *table.published, *(field.misfit for field in fields)}
    names |= {contribution.why for field in fields for contribution in field.contributions}
    return table.explain(frozenset(range(len(table.branches))), frozenset(names - {None}))


def test_shipped_mappings_leave_no_tie_between_rows_to_the_engine(plan):
    """An order that is not whole gives other rows with other threads."""
    for table in plan.tables:
        for _, ranking in table.rankings:
            (window,) = ranking.find_all(exp.Window)
            ordered = {column.name for column in window.args["order"].find_all(exp.Column)}
            assert ordered >= {BRANCH, ROW, ITEM}, table.table
        for window in table.query.find_all(exp.Window):
            if isinstance(window.this, exp.RowNumber):
                ordered = {column.name for column in window.args["order"].find_all(exp.Column)}
                assert ROW in ordered or ordered & made_keys(plan, window), table.table


def made_keys(plan, window):
    """The primary key of the target table that is joined, where the window orders one."""
    names = {table.name for table in window.find_ancestor(exp.Select).find_all(exp.Table)}
    tables = load_dataset(plan.target).tables
    return {key for name in names for key in tables[name.removeprefix("target_")].primary_key}


@pytest.mark.parametrize(
    "body",
    [
        "tabels: {}",
        "tables: {Out: {from: Rows, fields: {Key: KEY}, filter: x}}",
        "tables: {Out: {from: Rows, fields: {Key: {dates: KEY}}}}",
        "tables: {Out: {from: Rows, fields: {Key: {date: KEY, to: 2}}}}",
        "tables: {Out: {from: Rows, fields: {Key: {pad: KEY}}}}",
        "tables: {Out: {from: Rows, fields: {Key: {timestamp: [KEY]}}}}",
        "tables: {Out: {from: Rows, fields: {Key: {first_of: []}}}}",
        "tables: {Out: {from: Rows, fields: {Key: {identifier: [KEY], length: 33}}}}",
        "tables: {Out: {from: Rows, fields: {Key: 'SELECT 1; DROP'}}}",
        "tables: {Out: {from: Rows, where: [{name: n, keep: {present: A, is: A}, reason: r}], fields: {}}}",
        "tables: {Out: {from: Rows, where: [{name: n, keep: {value: A}, reason: r}], fields: {}}}",
        "tables: {Out: {from: Rows, where: [{name: n, keep: {present: A}}], fields: {}}}",
        "tables: {Out: {branches: [{rows: a, from: R, fields: {}}, {rows: a, from: R, fields: {}}]}}",
    ],
)
def test_what_the_language_does_not_know_is_refused_with_its_place(body):
    with pytest.raises(DescriptionError) as raised:
        read(body)
    assert raised.value.code == "mapping-invalid"
    assert re.match(r"small\.yaml:5 \(\$", raised.value.where)
