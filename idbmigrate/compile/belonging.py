"""Whose record a source record is: queries that compare keys, tell shared numbers apart, find contradictions.

They run before all others, over the key columns alone, and give the few rows in which something changes: a
key that is spelled otherwise than its parent's, a number that is unique only together with another column,
a record that contradicts its parent or its like, and whatever hangs on one of these. Keys are compared as
Access compares text, without case; staging has trimmed them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from idbmigrate.compile import plan, portable, sql
from idbmigrate.compile.expressions import Scope, digest
from idbmigrate.compile.hoist import SELF, Hoisting
from idbmigrate.compile.sql import Sql
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m

#: Columns of the relations that the queries read, beside the key columns: the word for a conflict of the
#: row, and the number that a row has instead of one that it shares.
CONFLICT, NUMBER = plan.CONFLICT, "_number"
#: Columns that the queries give beside the row's number.
KEY = "_key"
#: Length of a number that stands instead of a shared one, and what it begins with.
_LENGTH, _PREFIX = 20, "R"


def ordered(sources: Mapping[str, m.SourceRule]) -> list[m.SourceRule]:
    """The source tables whose records belong together, parents first; raises ``mapping-invalid``."""
    found: dict[str, m.SourceRule] = {}

    def visit(rule: m.SourceRule, above: tuple[str, ...]) -> None:
        if rule.table in above:
            raise _invalid(f"{rule.table} belongs to itself through its parents", rule.place)
        for parent in rule.parents:
            if parent.table not in sources or sources[parent.table].key_column != parent.by:
                raise _invalid(f"the natural key of {parent.table} is not {parent.by}", parent.place)
            visit(sources[parent.table], (*above, rule.table))
        found.setdefault(rule.table, rule)

    for rule in sources.values():
        visit(rule, ())
    parents = {parent.table for rule in found.values() for parent in rule.parents}
    return [rule for rule in found.values() if rule.parents or rule.agree or rule.table in parents]


def columns_of(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> list[str]:
    """The columns of a source table that its queries, and those of its children, read."""
    children = [parent for each in sources.values() for parent in each.parents if parent.table == rule.table]
    names = [rule.key_column, rule.within]
    names += [column for parent in rule.parents for column in (parent.by, *_agreed(parent))]
    names += [column for parent in children for column in (parent.by, *_agreed(parent))]
    for agreement in rule.agree:
        for node in (agreement.key, agreement.value):
            names += [reference.name for reference in m.references(node)] if node else []
    return list(dict.fromkeys(name for name in names if name))


def bounds_of(rule: m.SourceRule, sources: Mapping[str, m.SourceRule]) -> list[str]:
    """The columns of a parent table that its children, or its own key, are compared by."""
    children = [parent for each in sources.values() for parent in each.parents if parent.table == rule.table]
    names = [rule.within, *(column for parent in children for column in _agreed(parent))]
    return list(dict.fromkeys(name for name in names if name))


def _agreed(parent: m.Parent) -> list[str]:
    return [item.column for item in parent.agree]


def _invalid(message: str, place: m.Place) -> DescriptionError:
    return DescriptionError(message, code="mapping-invalid", where=place)


# -- the records of one table ----------------------------------------------------------------------


def own_keys(rule: m.SourceRule) -> exp.Query:
    """Of a table that is a parent: rows whose key has another spelling, or that share it with others.

    Spellings of one key become the first of them. ``_number`` is filled where the key is shared by several
    values of ``within``.
    """
    key, within = sql.column(rule.key_column or "", SELF), rule.within
    owner = sql.column(within, SELF) if within else None
    shared = _differ("_low", "_high") if within else exp.false()
    number = sql.joined(
        sql.text(_PREFIX), digest([sql.upper(part) for part in (owner, key) if part], _LENGTH - len(_PREFIX))
    )
    both = sql.both(shared, sql.not_null(owner)) if owner is not None else exp.false()
    conflict = sql.case([(shared, sql.column(CONFLICT, SELF))], sql.column(CONFLICT, "known"))
    query = sql.select(
        [
            sql.column(plan.ROW, SELF),
            sql.named(sql.column(KEY, "known"), KEY),
            sql.named(sql.case([(both, number)], sql.no_text()), NUMBER),
            sql.named(conflict, CONFLICT),
        ],
        sql.relation(plan.keys(rule.table), SELF),
    )
    same = sql.equal(sql.upper(key), sql.column("_fold", "known"))
    query.set("joins", [exp.Join(this=sql.relation(plan.known(rule.table), "known"), on=same)])
    changed = sql.negated(sql.equal(key, sql.column(KEY, "known")))
    troubled = [changed, shared, sql.not_null(sql.column(CONFLICT, "known"))]
    query.set("where", exp.Where(this=sql.either(*troubled)))
    portable.check(query, rule.place)
    return query


def _differ(low: str, high: str) -> Sql:
    return sql.surely(sql.negated(sql.equal(sql.column(low, "known"), sql.column(high, "known"))))


def known_keys(rule: m.SourceRule, columns: Iterable[str]) -> exp.Select:
    """The different keys of a parent table: spelling, conflict, and the bounds of these columns."""
    key = sql.column(rule.key_column or "")
    found = [sql.named(sql.upper(key), "_fold"), sql.named(exp.Min(this=key.copy()), KEY)]
    found.append(sql.named(exp.Min(this=sql.column(CONFLICT)), CONFLICT))
    for name in columns:
        low, high = ("_low", "_high") if name == rule.within else (f"_low_{name}", f"_high_{name}")
        found.append(sql.named(exp.Min(this=sql.column(name)), low))
        found.append(sql.named(exp.Max(this=sql.column(name)), high))
    query = sql.select(found, sql.relation(plan.keys(rule.table)))
    query.set("where", exp.Where(this=sql.not_null(key.copy())))
    query.set("group", exp.Group(expressions=[sql.upper(key)]))
    return query


def alike(rule: m.SourceRule) -> exp.Query:
    """Rows that share the natural key of their table with another row."""
    key = sql.column(rule.key_column or "", SELF)
    many = sql.compared(exp.GT, exp.Count(this=exp.Star()), sql.whole(1))
    groups = sql.select([sql.named(key, KEY)], sql.relation(plan.keys(rule.table), SELF))
    groups.set("group", exp.Group(expressions=[key.copy()]))
    groups.set("having", exp.Having(this=many))
    query = sql.select([sql.column(plan.ROW, SELF)], sql.relation(plan.keys(rule.table), SELF))
    same = sql.equal(key, sql.column(KEY, "groups"))
    query.set("joins", [exp.Join(this=sql.relation("groups"), on=same)])
    return sql.staged(query, [("groups", groups)])


@dataclass(frozen=True)
class Contradictions:
    """Rows of all records of which one contradicts another, and the prepared values that this reads."""

    query: exp.Query
    values: dict[str, tuple[plan.Hoisted, ...]]


def contradictions(
    rule: m.SourceRule, agreement: m.Agreement, days: Collection[str], relation: str, hoists: bool = True
) -> Contradictions:
    """What asks for the rows of records that contradict each other, in the rows of a relation."""
    columns = frozenset(r.name for n in (agreement.key, agreement.value) if n for r in m.references(n))
    hoisting = Hoisting(hoists)
    named = frozenset(("", day) for day in days)
    scope = Scope({"": columns}, {}, {}, "confirmed", named, source=rule.table, hoisting=hoisting)
    owner = sql.column(rule.key_column or "", SELF)
    key = scope.value(agreement.key).sql if agreement.key else owner
    value = scope.value(agreement.value).sql
    keyed = sql.select(
        [sql.named(owner, "_owner"), sql.named(sql.own(key), KEY), sql.named(sql.own(value), "_value")],
        sql.relation(relation, SELF),
    )
    keyed.set("where", exp.Where(this=sql.not_null(owner)))
    first, last = exp.Min(this=sql.column("_value")), exp.Max(this=sql.column("_value"))
    hit = sql.select([sql.column(KEY)], sql.relation("keyed"))
    hit.set("where", exp.Where(this=sql.not_null(sql.column(KEY))))
    hit.set("group", exp.Group(expressions=[sql.column(KEY)]))
    hit.set("having", exp.Having(this=sql.negated(sql.equal(first, last))))
    owners = sql.select([sql.column("_owner", "keyed")], sql.relation("keyed"))
    same = sql.equal(sql.column(KEY, "keyed"), sql.column(KEY, "hit"))
    owners.set("joins", [exp.Join(this=sql.relation("hit"), on=same)])
    owners.set("group", exp.Group(expressions=[sql.column("_owner", "keyed")]))
    query = sql.select([sql.column(plan.ROW, SELF)], sql.relation(relation, SELF))
    theirs = sql.equal(owner, sql.column("_owner", "owners"))
    query.set("joins", [exp.Join(this=sql.relation("owners"), on=theirs)])
    query = sql.staged(query, [("keyed", keyed), ("hit", hit), ("owners", owners)])
    portable.check(query, agreement.place)
    return Contradictions(query, hoisting.needed(scope.hoisted))


# -- a record and its parent ------------------------------------------------------------------------


def children(
    rule: m.SourceRule,
    parent: m.Parent,
    of: m.SourceRule,
    columns: Collection[str],
    allow: Collection[str],
    shares: bool = True,
) -> exp.Query:
    """Rows of a table whose key of a parent is written otherwise, or which cannot go with that parent.

    ``columns`` are those of the child; ``allow`` names the conflicts that are let be; ``shares`` is whether
    any number of the parent's is one of several records, so that a child has to say whose it means.
    """
    key, fold = sql.column(parent.by, SELF), sql.upper(sql.column(parent.by, SELF))
    agreed = [item for item in parent.agree if item.conflict not in allow and item.column in columns]
    stages: list[tuple[str, exp.Query]] = []
    joins = [
        exp.Join(
            this=sql.relation(plan.known(of.table), "known"), on=sql.equal(fold, sql.column("_fold", "known"))
        )
    ]
    shared = _differ("_low", "_high") if of.within and shares else exp.false()
    told: Sql = sql.no_text()  # the number of the one of several parents that the row names
    inherited: Sql = sql.column(CONFLICT, "known")
    if shares and of.within and of.within in columns:
        stages.append(("numbered", _numbered(of)))
        on = sql.both(
            sql.equal(fold, sql.column("_fold", "numbered")),
            sql.equal(sql.column(of.within, SELF), sql.column("_owner", "numbered")),
        )
        joins.append(exp.Join(this=sql.relation("numbered"), on=on, side="LEFT"))
        told = sql.column(NUMBER, "numbered")
        inherited = sql.case([(shared, sql.column(CONFLICT, "numbered"))], inherited)
    differing = [(_contradicts(item, of), sql.text(f"conflict:{item.conflict}")) for item in agreed]
    nobody = sql.both(shared, sql.is_null(told))
    words: list[tuple[Sql, Sql]] = [(nobody, sql.text(f"ambiguous-parent:{of.table}"))]
    words += [(sql.not_null(inherited), inherited), *differing]
    written = sql.case([(shared, sql.coalesce(told, key))], sql.column(KEY, "known"))
    query = sql.select(
        [
            sql.column(plan.ROW, SELF),
            sql.named(written, KEY),
            sql.named(sql.case(words, sql.no_text()), CONFLICT),
        ],
        sql.relation(plan.keys(rule.table), SELF),
    )
    query.set("joins", joins)
    changed = sql.negated(sql.equal(key, sql.column(KEY, "known")))
    troubled = [changed, shared, sql.not_null(sql.column(CONFLICT, "known")), *(c for c, _ in differing)]
    query.set("where", exp.Where(this=sql.either(*troubled)))
    query = sql.staged(query, stages)
    portable.check(query, parent.place)
    return query


def _contradicts(item: m.AgreedColumn, of: m.SourceRule) -> Sql:
    """The row has another value than its parent. One that has none, or several, contradicts nobody."""
    shares = item.column == of.within
    low, high = ("_low", "_high") if shares else (f"_low_{item.column}", f"_high_{item.column}")
    parents = [sql.column(bound, "known") for bound in (low, high)]
    other = sql.negated(sql.equal(sql.column(item.column, SELF), parents[0]))
    return sql.surely(sql.both(sql.equal(*parents), other))


def _numbered(of: m.SourceRule) -> exp.Select:
    """The parents that share their number, by number and owner."""
    fold, owner = sql.upper(sql.column(of.key_column or "")), sql.column(of.within or "")
    query = sql.select(
        [
            sql.named(fold, "_fold"),
            sql.named(owner, "_owner"),
            sql.named(exp.Min(this=sql.column(NUMBER)), NUMBER),
            sql.named(exp.Min(this=sql.column(CONFLICT)), CONFLICT),
        ],
        sql.relation(plan.keys(of.table)),
    )
    query.set("where", exp.Where(this=sql.not_null(sql.column(NUMBER))))
    query.set("group", exp.Group(expressions=[fold.copy(), owner.copy()]))
    return query
