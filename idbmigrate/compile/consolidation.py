"""Many files as one: queries that tell which rows of a source table a later file replaces.

They read key columns alone. A file has a number; of the files that win in their months the later has the
greater one, those that another replaces come after all of them. ``_row`` is the number of a file and of a row
in it. Keys are compared as Access compares text, without case, and a record that is known by its number
within a patient alone is known together with the patient: the one that the row names, else whom its file says
that the number is of, else whom all files agree on. Where they do not, nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from idbmigrate.compile import belonging, plan, sql
from idbmigrate.compile.expressions import Scope
from idbmigrate.compile.hoist import SELF, Hoisting
from idbmigrate.compile.sql import Sql
from idbmigrate.mapping import model as m

#: Columns of the relations: number of the file, row, patient, which file replaces a row.
FILE, ROW, OWNER, BY = "_file", plan.ROW, "_owner", "_by"
#: Whether a row is told by its whole content alone, and its content.
LOOSE, CONTENT = "_loose", "_content"
#: Rows of one file at most.
ROWS = 1 << 32


def keys(table: str) -> str:
    """Name of the relation with the key columns of a table, of all files."""
    return plan.keys(table)


def keyed(table: str) -> str:
    """Name of the relation with the keys of a table, of all files."""
    return f"keyed_{table}"


def replaced(table: str) -> str:
    """Name of the relation with the rows that later files replace, and by which."""
    return f"replaced_{table}"


def owners(table: str) -> str:
    """Name of the relation that says whose a number of the table is, by file."""
    return f"owners_{table}"


def contested(table: str) -> str:
    """Name of the relation with the keys of records of which files say what contradicts itself."""
    return f"contested_{table}"


@dataclass(frozen=True)
class Known:
    """A source table with a rule, as the files have it.

    ``columns`` are those that its queries read, ``days`` those of them that hold nothing but days in every
    file.
    """

    rule: m.SourceRule
    columns: tuple[str, ...]
    days: frozenset[str]

    def scope(self) -> Scope:
        named = frozenset(("", day) for day in self.days)
        own = frozenset(self.columns)
        return Scope({"": own}, {}, {}, "confirmed", named, source=self.rule.table, hoisting=Hoisting(False))

    def value(self, node: m.Expression) -> Sql:
        return self.scope().value(node).sql


def columns_of(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> list[str]:
    """Columns that the queries of a source table read: those of its key, parents, agreements."""
    names = [ref.name for part in rule.natural_key for ref in m.references(part)]
    names += belonging.columns_of(rule, sources)
    names += [owner for owner in (within(rule, sources),) if owner]
    return list(dict.fromkeys(names))


def folded(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> set[str]:
    """Columns that hold keys of records, which are compared without case."""
    own = [rule.key_column, within(rule, sources), *(parent.by for parent in rule.parents)]
    return {name for name in own if name}


def within(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> str | None:
    """The column of the patient together with whom a record is known, of the table or of its parent."""
    return rule.within or next(
        (sources[p.table].within for p in rule.parents if sources[p.table].within), None
    )


def numbered_parent(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> m.Parent | None:
    """The parent whose number alone does not tell it."""
    return next((parent for parent in rule.parents if sources[parent.table].within), None)


def is_event(rule: m.SourceRule) -> bool:
    """Whether records of the table are things that happened on a day: several may share a key."""
    return any(
        isinstance(node, m.Call) and node.function == "date"
        for part in rule.natural_key
        for node in _nodes(part)
    )


def _nodes(node: m.Expression) -> Iterable[m.Expression]:
    yield node
    for child in node.children:
        yield from _nodes(child)


# -- reading ---------------------------------------------------------------------------------------


def extract(
    relation: str,
    numbers: str,
    stored: Mapping[str, str | None],
    upper: Iterable[str],
    file_name: str,
    row: str,
) -> exp.Query:
    """Rows of files of one make: ``stored`` says in which column of theirs each column is, if in any."""
    place = sql.column(FILE, "numbers")
    number = sql.added([exp.Mul(this=place, expression=sql.whole(ROWS)), sql.column(row, "files")])
    upper = set(upper)
    columns: list[Sql] = [sql.named(sql.own(place), FILE), sql.named(number, ROW)]
    for name, own in stored.items():
        value: Sql = sql.column(own, "files") if own else sql.no_text()
        columns.append(sql.named(sql.upper(value) if name in upper else value, name))
    query = sql.select(columns, sql.relation(relation, "files"))
    same = sql.equal(sql.column(file_name, "files"), sql.column(file_name, "numbers"))
    query.set("joins", [exp.Join(this=sql.relation(numbers, "numbers"), on=same)])
    return query


def contents(
    relation: str, numbers: str, stored: Mapping[str, str], wanted: str, file_name: str, row: str
) -> exp.Query:
    """What rows hold in all their columns, missing values left out, of those in ``wanted``."""
    place = sql.column(FILE, "numbers")
    number = sql.added([exp.Mul(this=place, expression=sql.whole(ROWS)), sql.column(row, "files")])
    told = [
        sql.joined(sql.text(f"{name}\x1e2"), sql.without_mark(sql.column(own, "files")), sql.text("\x1f"))
        for name, own in sorted(stored.items())
    ]
    whole = exp.Concat(
        expressions=[sql.coalesce(each, sql.text("")) for each in told], safe=True, coalesce=True
    )
    query = sql.select(
        [sql.named(sql.own(number), ROW), sql.named(sql.sha256(whole), CONTENT)],
        sql.relation(relation, "files"),
    )
    same = sql.equal(sql.column(file_name, "files"), sql.column(file_name, "numbers"))
    only = sql.equal(number, sql.column(ROW, "wanted"))
    query.set(
        "joins",
        [
            exp.Join(this=sql.relation(numbers, "numbers"), on=same),
            exp.Join(this=sql.relation(wanted, "wanted"), on=only),
        ],
    )
    return query


def together(queries: Sequence[exp.Query]) -> exp.Query:
    """The rows of all these queries."""
    if len(queries) == 1:
        return queries[0]
    return sql.union_all(
        [sql.select([exp.Star()], sql.subquery(each, f"part_{at}")) for at, each in enumerate(queries)]
    )


def different(query: exp.Query) -> exp.Query:
    """The different keys of a query."""
    found = sql.select([sql.column("_key")], sql.subquery(query, "found"))
    found.set("group", exp.Group(expressions=[sql.column("_key")]))
    return found


def all_rows(relation: str) -> exp.Query:
    """All of a relation."""
    return sql.select([exp.Star()], sql.relation(relation))


def any_row(relation: str) -> exp.Query:
    """One row of a relation, if it has any."""
    return sql.select([sql.column(ROW)], sql.relation(relation)).limit(1)


def can_ask(known: Known, agreement: m.Agreement) -> bool:
    """Whether the files have the columns that an agreement is about."""
    nodes = [node for node in (agreement.key, agreement.value) if node is not None]
    return {ref.name for node in nodes for ref in m.references(node)} <= set(known.columns)


# -- keys ------------------------------------------------------------------------------------------


def owners_of(rule: m.SourceRule, winners: int) -> tuple[exp.Query, exp.Query]:
    """Whose the numbers of a table are, where one patient alone has them: by file, and over all that win."""
    key, owner = sql.column(rule.key_column or ""), sql.column(rule.within or "")
    found = []
    for by_file in (True, False):
        parts = [sql.column(FILE), key] if by_file else [key]
        least, most = exp.Min(this=sql.own(owner)), exp.Max(this=sql.own(owner))
        first = sql.named(exp.Min(this=sql.own(owner)), OWNER)
        named = [sql.own(part) for part in parts[:-1]]
        query = sql.select([*named, sql.named(sql.own(key), "_key"), first], sql.relation(keys(rule.table)))
        there = sql.both(sql.not_null(key), sql.not_null(owner))
        if not by_file:
            there = sql.both(there, sql.compared(exp.LT, sql.column(FILE), sql.whole(winners)))
        query.set("where", exp.Where(this=there))
        query.set("group", exp.Group(expressions=[sql.own(part) for part in parts]))
        query.set("having", exp.Having(this=sql.equal(least, most)))
        found.append(query)
    return found[0], found[1]


def of_winners(table: str, winners: int) -> exp.Query:
    """The key columns of a table, of the files that win."""
    query = sql.select([exp.Star()], sql.relation(keys(table)))
    query.set("where", exp.Where(this=sql.compared(exp.LT, sql.column(FILE), sql.whole(winners))))
    return query


def contested_keys(known: Known, agreement: m.Agreement, relation: str) -> exp.Query:
    """The keys of records that contradict another, in the rows of a relation."""
    rows = belonging.contradictions(known.rule, agreement, known.days, relation, False).query
    key = sql.column(known.rule.key_column or "", SELF)
    query = sql.select([sql.named(key, "_key")], sql.relation(relation, SELF))
    hit = sql.equal(sql.column(ROW, SELF), sql.column(ROW, "rows"))
    query.set("joins", [exp.Join(this=sql.subquery(rows, "rows"), on=hit)])
    query.set("group", exp.Group(expressions=[sql.own(key)]))
    return query


def parts(rule: m.SourceRule) -> list[str]:
    """Names of the columns that hold the natural key."""
    return [f"_key_{number}" for number in range(len(rule.natural_key))]


def keyed_rows(known: Known, sources: Mapping[str, m.SourceRule], disputed: bool) -> exp.Query:
    """The natural key of every row, its patient, and whether it is told by its whole content alone.

    It is so where a part of its key is missing (a time may be), and where what files say of the record
    contradicts itself (``disputed``: there is such a record).
    """
    rule, joins = known.rule, []
    values = [known.value(part) for part in rule.natural_key]
    needed = [
        value for part, value in zip(rule.natural_key, values, strict=True) if not isinstance(part, m.FirstOf)
    ]
    owner: Sql = sql.text("")
    own = within(rule, sources)
    if own:
        told = [sql.column(own, SELF)] if own in known.columns else []
        parent = numbered_parent(rule, sources)
        if not rule.within and parent is not None:
            by = sql.column(parent.by, SELF)
            for alias, on_file in (("by_file", True), ("by_all", False)):
                on = sql.equal(by, sql.column("_key", alias))
                if on_file:
                    on = sql.both(on, sql.equal(sql.column(FILE, SELF), sql.column(FILE, alias)))
                name = f"{owners(parent.table)}{'' if on_file else '_all'}"
                joins.append(exp.Join(this=sql.relation(name, alias), on=on, side="LEFT"))
                told.append(sql.column(OWNER, alias))
        owner = sql.coalesce(*told)
        needed.append(owner)
    loose = [sql.is_null(value) for value in needed]
    if disputed:
        on = sql.equal(sql.column(rule.key_column or "", SELF), sql.column("_key", "contested"))
        joins.append(exp.Join(this=sql.relation(contested(rule.table), "contested"), on=on, side="LEFT"))
        loose.append(sql.not_null(sql.column("_key", "contested")))
    columns = [sql.column(ROW, SELF), sql.column(FILE, SELF), sql.named(sql.own(owner), OWNER)]
    columns += [
        sql.named(sql.coalesce(sql.upper(value), sql.text("")), name)
        for name, value in zip(parts(rule), values, strict=True)
    ]
    columns.append(sql.named(sql.either(*loose), LOOSE))
    query = sql.select(columns, sql.relation(keys(rule.table), SELF))
    query.set("joins", joins)
    return query


# -- what later files replace ----------------------------------------------------------------------


def _latest(rule: m.SourceRule, winners: int) -> list[tuple[str, exp.Query]]:
    """Of keys that several files have: the last file, and the most rows that a file has of it."""
    key = [OWNER, *parts(rule)]
    named = [sql.column(name) for name in key]
    count = sql.named(exp.Count(this=exp.Star()), "_many")
    by_file = sql.select([*named, sql.column(FILE), count], sql.relation(keyed(rule.table)))
    by_file.set("where", exp.Where(this=sql.compared(exp.LT, sql.column(FILE), sql.whole(winners))))
    by_file.set("group", exp.Group(expressions=[*map(sql.column, key), sql.column(FILE)]))
    last = exp.Max(this=sql.column(FILE))
    columns = [
        *map(sql.column, key),
        sql.named(last, "_last"),
        sql.named(exp.Max(this=sql.column("_many")), "_most"),
    ]
    latest = sql.select(columns, sql.relation("by_file"))
    latest.set("group", exp.Group(expressions=[*map(sql.column, key)]))
    several = sql.compared(exp.GT, exp.Max(this=sql.column(FILE)), exp.Min(this=sql.column(FILE)))
    latest.set("having", exp.Having(this=several))
    return [("by_file", by_file), ("latest", latest)]


def _with_latest(rule: m.SourceRule, columns: Sequence[Sql], where: Sql, winners: int) -> exp.Query:
    same = [sql.equal(sql.column(name, SELF), sql.column(name, "latest")) for name in (OWNER, *parts(rule))]
    query = sql.select(columns, sql.relation(keyed(rule.table), SELF))
    query.set("joins", [exp.Join(this=sql.relation("latest"), on=sql.both(*same))])
    wins = sql.compared(exp.LT, sql.column(FILE, SELF), sql.whole(winners))
    query.set("where", exp.Where(this=sql.both(wins, where)))
    return sql.staged(query, _latest(rule, winners))


def _by_content(rule: m.SourceRule) -> Sql:
    """Whether a row is told by its content: nothing else tells several rows of one event apart."""
    several = sql.compared(exp.GT, sql.column("_most", "latest"), sql.whole(1))
    return sql.either(sql.column(LOOSE, SELF), several if is_event(rule) else exp.false())


def replaced_by_key(rule: m.SourceRule, winners: int) -> exp.Query:
    """Rows of which a later file has the key, and the last such file."""
    last = sql.column("_last", "latest")
    where = sql.both(sql.compared(exp.LT, sql.column(FILE, SELF), last), sql.negated(_by_content(rule)))
    return _with_latest(rule, [sql.column(ROW, SELF), sql.named(sql.own(last), BY)], where, winners)


def told_by_content(rule: m.SourceRule, winners: int) -> exp.Query:
    """Rows that only an equal row of a later file replaces, with their patient."""
    columns = [sql.column(ROW, SELF), sql.column(FILE, SELF), sql.column(OWNER, SELF)]
    return _with_latest(rule, columns, _by_content(rule), winners)


def replaced_by_content(wanted: str, contents_of: str) -> exp.Query:
    """Rows of which a later file has an equal one, and the last such file; the n-th goes with the n-th."""
    part = [sql.column(OWNER, "wanted"), sql.column(CONTENT, "contents")]
    nth = sql.row_number([*part, sql.column(FILE, "wanted")], [sql.ascending(sql.column(ROW, "wanted"))])
    columns = [sql.column(ROW, "wanted"), sql.column(FILE, "wanted"), *part, sql.named(nth, "_nth")]
    told = sql.select(columns, sql.relation(wanted, "wanted"))
    same = sql.equal(sql.column(ROW, "wanted"), sql.column(ROW, "contents"))
    told.set("joins", [exp.Join(this=sql.relation(contents_of, "contents"), on=same)])
    key = [OWNER, CONTENT, "_nth"]
    latest = sql.select(
        [*map(sql.column, key), sql.named(exp.Max(this=sql.column(FILE)), BY)], sql.relation("told")
    )
    latest.set("group", exp.Group(expressions=[*map(sql.column, key)]))
    query = sql.select([sql.column(ROW, "told"), sql.column(BY, "latest")], sql.relation("told"))
    both = sql.both(*(sql.equal(sql.column(name, "told"), sql.column(name, "latest")) for name in key))
    query.set("joins", [exp.Join(this=sql.relation("latest"), on=both)])
    query.set(
        "where", exp.Where(this=sql.compared(exp.LT, sql.column(FILE, "told"), sql.column(BY, "latest")))
    )
    return sql.staged(query, [("told", told), ("latest", latest)])


def of_replaced_files(rule: m.SourceRule, pairs: str) -> exp.Query:
    """Rows of files that another replaces: by that file, where it has the key; else the record is gone."""
    key = [OWNER, *parts(rule)]
    named = [sql.named(sql.coalesce(sql.column(name), sql.text("")), name) for name in key]
    held = sql.select([sql.column(FILE), *named], sql.relation(keyed(rule.table)))
    held.set("group", exp.Group(expressions=[sql.column(FILE), *(sql.own(each.this) for each in named)]))
    columns = [sql.column(ROW, SELF), sql.named(sql.column(FILE, "held"), BY)]
    query = sql.select(columns, sql.relation(keyed(rule.table), SELF))
    same = [
        sql.equal(sql.coalesce(sql.column(name, SELF), sql.text("")), sql.column(name, "held"))
        for name in key
    ]
    theirs = sql.equal(sql.column(BY, "pairs"), sql.column(FILE, "held"))
    pair = sql.equal(sql.column(FILE, SELF), sql.column(FILE, "pairs"))
    query.set(
        "joins",
        [
            exp.Join(this=sql.relation(pairs, "pairs"), on=pair),
            exp.Join(this=sql.relation("held"), on=sql.both(theirs, *same), side="LEFT"),
        ],
    )
    return sql.staged(query, [("held", held)])


# -- people ----------------------------------------------------------------------------------------

#: Columns of a query over people: identifier, least and greatest NHS number and birth date, files.
NUMBERS, BIRTHS = ("_number_low", "_number_high"), ("_birth_low", "_birth_high")
FIRST, LAST = "_first", "_last"
PEOPLE = ("_key", *NUMBERS, *BIRTHS, FIRST, LAST)


def people(known: Known, shared: m.Agreement, winners: int) -> exp.Query:
    """What the files that win say of each identifier: ``shared`` compares the births of one NHS number."""
    key = sql.column(known.rule.key_column or "", SELF)
    number, birth = known.value(shared.key or shared.value), known.value(shared.value)
    file = sql.column(FILE, SELF)
    bounds: list[Sql] = []
    for names, value in ((NUMBERS, number), (BIRTHS, birth), ((FIRST, LAST), file)):
        bounds.append(sql.named(exp.Min(this=sql.own(value)), names[0]))
        bounds.append(sql.named(exp.Max(this=sql.own(value)), names[1]))
    query = sql.select([sql.named(key, "_key"), *bounds], sql.relation(keys(known.rule.table), SELF))
    wins = sql.compared(exp.LT, file, sql.whole(winners))
    query.set("where", exp.Where(this=sql.both(wins, sql.not_null(key))))
    query.set("group", exp.Group(expressions=[sql.own(key)]))
    return query
