"""Prints one mapping: in words, or as the SQL that it compiles to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idbmigrate.cli._output import Console
from idbmigrate.errors import UsageError

if TYPE_CHECKING:
    from idbmigrate.compile.plan import NaturalKeyQuery, Plan, Relation, TableQuery
    from idbmigrate.mapping import model as m
    from idbmigrate.words import StatedConfidence


def words(console: Console, mapping: m.Mapping, table: str | None) -> None:
    """Parameters, target tables and lookups in words, or one target table with the lookups it uses."""
    from idbmigrate.mapping import tree, wording

    tables = _chosen(mapping, table)
    used = set().union(*(tree.lookups_of(item) for item in tables.values()))
    lookups = {name: lookup for name, lookup in mapping.lookups.items() if table is None or name in used}
    console.document(_document(mapping, tables, lookups))
    console.say(console.style(f"{mapping.name} {mapping.version}: {mapping.title}", "bold"))
    if table is None:
        console.say(f"  {mapping.source} to {mapping.target}, {len(mapping.tests)} tests")
        console.say()
        console.table(
            [(spec.name, wording.default(spec), spec.title) for spec in mapping.parameters.values()],
            ["parameter", "if it is not set", "what it is"],
        )
    for item in tables.values():
        console.say()
        _table(console, item)
    for lookup in lookups.values():
        console.say()
        _lookup(console, lookup)


def _table(console: Console, table: m.TableMap) -> None:
    from idbmigrate.mapping import wording

    console.say(console.style(table.name, "bold"))
    for branch in table.branches:
        rows = f"{branch.rows}: " if len(table.branches) > 1 else ""
        console.say(f"  {rows}a row for each row of {branch.source or 'nothing: a single one'}")
        if branch.each:
            console.say(f"  and each of {', '.join(item['column'] for item in branch.each)} that is filled")
        for join in branch.joins:
            console.say(f"  {wording.join(join)}")
        for rule in branch.where:
            console.say(f"  only where {wording.condition(rule.keep)}: {rule.reason} ({rule.name})")
        fields = [(f.name, wording.value(f.value), f.confidence, f.note) for f in branch.fields]
        console.table(fields, indent=4)
    for one in table.one_per:
        console.say(f"  {wording.one_per(one)}")


def _lookup(console: Console, lookup: m.Lookup) -> None:
    from idbmigrate.mapping import wording

    console.say(console.style(f"lookup {lookup.name}: {lookup.title}", "bold"))
    console.say(f"  {wording.unknown_policy(lookup)}")
    console.table(
        [
            (
                row.code,
                row.to or "nowhere",
                row.equivalence if row.to else None,
                row.confidence,
                row.reason or row.note,
                row.source,
            )
            for row in lookup.rows
        ],
        ["code", "becomes", "", "confidence", "why", "source"],
    )


def _document(mapping: m.Mapping, tables: dict[str, m.TableMap], lookups: dict[str, m.Lookup]) -> dict:
    from idbmigrate.mapping import wording

    def fields(branch: m.Branch) -> list[dict[str, Any]]:
        return [
            {
                "column": f.name,
                "value": wording.value(f.value),
                "confidence": f.confidence,
                "note": f.note,
                "line": f"{f.place.file}:{f.place.line}",
            }
            for f in branch.fields
        ]

    return {
        "name": mapping.name,
        "version": mapping.version,
        "title": mapping.title,
        "source": mapping.source,
        "target": mapping.target,
        "parameters": {
            spec.name: {"title": spec.title, "default": wording.default(spec), "one_of": spec.one_of}
            for spec in mapping.parameters.values()
        },
        "tables": {
            table.name: {
                "branches": [
                    {
                        "rows": branch.rows,
                        "from": branch.source,
                        "each": [item["column"] for item in branch.each],
                        "with": [wording.join(join) for join in branch.joins],
                        "where": {rule.name: wording.condition(rule.keep) for rule in branch.where},
                        "fields": fields(branch),
                    }
                    for branch in table.branches
                ],
                "one_per": [wording.one_per(rule) for rule in table.one_per],
            }
            for table in tables.values()
        },
        "lookups": {
            lookup.name: {
                "title": lookup.title,
                "unknown": wording.unknown_policy(lookup),
                "rows": [
                    {
                        "code": row.code,
                        "to": row.to,
                        "equivalence": row.equivalence,
                        "confidence": row.confidence,
                        "reason": row.reason,
                        "source": row.source,
                        "note": row.note,
                    }
                    for row in lookup.rows
                ],
            }
            for lookup in lookups.values()
        },
    }


def sql(
    console: Console,
    mapping: m.Mapping,
    table: str | None,
    dialect: str,
    settings: dict[str, str],
    accept: StatedConfidence,
    optimise: bool,
) -> None:
    """What a run asks an engine; without the optimiser a script that makes every relation by itself."""
    from idbmigrate.compile.belonging import ordered
    from idbmigrate.compile.compiler import needed_tables
    from idbmigrate.compile.portable import DIALECTS
    from idbmigrate.datasets import load_dataset
    from idbmigrate.ledger import by_engine
    from idbmigrate.mapping_tests.run import compiled

    if dialect not in DIALECTS:
        raise UsageError(
            f"{dialect!r} is not one of {', '.join(DIALECTS)}", code="bad-option", hint="--dialect duckdb"
        )
    unknown = sorted(set(settings) - set(mapping.parameters))
    if unknown:
        raise UsageError(
            f"the mapping has no parameter {unknown[0]!r}",
            code="bad-option",
            hint=f"parameters: {', '.join(mapping.parameters) or 'none'}",
        )
    wanted = _chosen(mapping, table)
    source, target = load_dataset(mapping.source), load_dataset(mapping.target)
    if optimise:
        plan = compiled(mapping, source, target, settings, accept)
        _quick(console, mapping, plan, [query for query in plan.tables if query.table in wanted], dialect)
        return
    needed = needed_tables(mapping, target, wanted)
    some = mapping.with_tables({name: each for name, each in mapping.tables.items() if name in needed})
    conflicts = frozenset(rule.table for rule in ordered(mapping.sources))
    plan = compiled(some, source, target, settings, accept, optimise=False, conflicts=conflicts)
    _script(console, mapping, by_engine.script(plan, mapping, source, ledger=table is None), dialect)


def _script(console: Console, mapping: m.Mapping, relations: list[Relation], dialect: str) -> None:
    """Statements that make every relation, one after another, over the staged tables."""
    from idbmigrate.compile.complete import statement

    texts = {relation.name: statement(relation, dialect) for relation in relations}
    console.document({"mapping": mapping.name, "dialect": dialect, "optimised": False, "script": texts})
    console.say(
        "-- Given: staged tables, as queries read them (clean_TABLE) and as the file has them (raw_TABLE);"
    )
    console.say(
        "-- the number of each row is _row, and what contradicts another record _conflict in clean_TABLE."
    )
    console.say()
    for relation in relations:
        console.say(f"-- {relation.meaning}")
        console.say(f"{texts[relation.name]}\n")


def _quick(console: Console, mapping: m.Mapping, plan: Plan, queries: list[TableQuery], dialect: str) -> None:
    """Keys, hoisted values, then the target tables, each with its rankings.

    An optimised query leaves out what the run takes over by the number of a row; a comment says what.
    """
    from idbmigrate.compile import hoist
    from idbmigrate.compile.plan import rows

    whole = len(queries) == len(plan.tables)
    known = {v.number: v for columns in plan.values.values() for values in columns.values() for v in values}
    read: dict[str, set[str]] = {}
    for query in queries:
        for name, hoisted in query.hoisted:
            read.setdefault(name, set()).update(hoisted)
    values = {name: hoist.query(rows(name), hoist.needed(hoisted, known)) for name, hoisted in read.items()}
    keys = {
        f"{natural_key.table}: {name}": query
        for natural_key in plan.natural_keys
        for name, query in _key_queries(natural_key).items()
    }
    ranked = {f"{query.table}: {rule}": ranking for query in queries for rule, ranking in query.rankings}
    parts = {
        "keys": keys if whole else {},
        "values": values,
        "sql": {query.table: query.query for query in queries},
        "rankings": ranked,
    }
    texts = {
        part: {name: query.sql(dialect=dialect, pretty=True) for name, query in found.items()}
        for part, found in parts.items()
    }
    console.document({"mapping": mapping.name, "dialect": dialect, "optimised": True, **texts})
    taken_over = {query.table: _taken_over(query) for query in queries}
    for part, found in texts.items():
        for name, text in found.items():
            console.say(f"-- {_PARTS[part]} {name}")
            for line in taken_over.get(name, ()) if part == "sql" else ():
                console.say(f"-- {line}")
            console.say(f"{text};\n")


#: What the parts of a plan are called before the names of their queries.
_PARTS = {"keys": "natural key of", "values": "hoisted over", "sql": "made", "rankings": "superseded in"}


def _key_queries(natural_key: NaturalKeyQuery) -> dict[str, Any]:
    """What is asked about the natural key of a source table."""
    found = {"rows that share it": natural_key.shared, "their numbers": natural_key.numbers}
    return found if natural_key.keys is None else {**found, "digests": natural_key.keys}


def _taken_over(query: TableQuery) -> list[str]:
    """Columns that the run takes by the number of a row, so that the query leaves them out."""
    lines = []
    if query.pass_through:
        lines.append(f"taken as they are from the source row: {', '.join(query.pass_through)}")
    for name, (parent, key) in {**query.references, **query.same_row_parents}.items():
        how = "the joined row of" if name in query.references else "the row of the same source row in"
        lines.append(f"{name}: {key} of {how} {parent}")
    return lines


def _chosen(mapping: m.Mapping, table: str | None) -> dict[str, m.TableMap]:
    if table is None:
        return dict(mapping.tables)
    if table not in mapping.tables:
        raise UsageError(
            f"{mapping.name} does not fill a table {table!r}",
            code="unknown-name",
            hint=f"it fills {', '.join(mapping.tables)}",
        )
    return {table: mapping.tables[table]}
