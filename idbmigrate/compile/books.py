"""The ledger as SQL: what became of each row and value of the source, and how many they are.

Given are, beside what :mod:`idbmigrate.compile.complete` makes, the staged tables as the file has them,
``raw_<table>``, each row with its number. Relation by relation:

``judged_<target>``
    every row that may be made, with the verdict on it and on the source values of its fields
``traced_<source>``
    by source row, for the row and each of its columns: the best that a way to the target says. What the
    published rows carry comes first, then the weightiest reason
``reasons_<source>``
    the same, with the reasons that no target row knows: one text a value, ``carried``, or a reason and
    behind a mark the target column that it was on its way to; empty where there is no reason, missing where
    there is no value
``books_<source>``
    table, column (missing for the rows), what (``in``, ``carried`` or a reason) and how many

What came in is counted in what the file has, what was carried is followed from the published rows, and
reasons come from the verdicts, so that none of the three can cover for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from idbmigrate.brief import brief
from idbmigrate.compile import plan as p
from idbmigrate.compile import sql
from idbmigrate.compile.complete import place_join, superseded_relations
from idbmigrate.compile.lineage import LineagePath, paths
from idbmigrate.compile.sql import Sql
from idbmigrate.compile.value import CONDITION, SUPERSEDED

#: What stands for the rows of a table among its columns, and for a value that was carried.
ROWS, CARRIED, IN = "_rows", "carried", "in"
#: Between a reason and the target that the value was on its way to.
MARK = "\x1f"
#: What stands for a lost character; the reasons of a key with one, of a cell of several values, of a blank.
_LOST, LOST_CHARACTER, SEVERAL, EMPTY_TEXT = "\ufffd", "lost-character", "several-values", "empty-text"
#: How reasons begin that only follow from a key that queries do not see.
FOLLOWING = ("blank:", "no-parent:")
UNKNOWN_TABLE, UNKNOWN_COLUMN = "unknown-table", "unknown-column"
NOTHING_TO_CARRY, NOT_JOINED = "nothing-to-carry", "not-joined"
#: Of what a way says: the value was carried, and how many digits number the ways.
_HERE, _DIGITS = "0", 5


@brief
@dataclass(frozen=True)
class SourceTable:
    """A staged table as the ledger sees it.

    ``known``: the data set has such a table. ``columns`` are those that the file has, ``unknown`` those of
    them that the data set has not, ``keys`` those of the data set. Queries see no value of a column in
    ``lost`` that lost a character, and none of ``several`` in a cell that holds several (the column
    :func:`idbmigrate.compile.plan.several` is true). ``retired`` are the reason words of retired columns.
    """

    label: str
    known: bool
    columns: tuple[str, ...]
    unknown: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    several: frozenset[str] = frozenset()
    retired: Mapping[str, str] | None = None


Ways = Mapping[tuple[str, str], Sequence[tuple[int, LineagePath]]]


def ways_of(queries: Iterable[p.TableQuery]) -> dict[tuple[str, str], list[tuple[int, LineagePath]]]:
    """All ways, numbered in their order, by source table and column; those of rows under no column."""
    found: dict[tuple[str, str], list[tuple[int, LineagePath]]] = {}
    number = 0
    for query in queries:
        for table, column, path in paths(query):
            found.setdefault((table, column), []).append((number, path))
            number += 1
    return found


def other_reason(table: SourceTable, column: str, ways: Iterable[LineagePath]) -> str | None:
    """The reason of a value that no query knows of: its column is retired or unknown, or no row met it."""
    ways = tuple(ways)
    if not table.known:
        return UNKNOWN_TABLE
    if column in table.unknown:
        return UNKNOWN_COLUMN
    if column in (table.retired or {}):
        return (table.retired or {})[column]
    if any(not way.joined and way.query.branches[way.branch].items for way in ways):
        return NOTHING_TO_CARRY
    return NOT_JOINED if any(way.joined for way in ways) else None


def relations(
    made: p.Plan, sources: Sequence[SourceTable], weights: Mapping[str, int]
) -> Iterator[p.Relation]:
    """The relations of the ledger. ``weights`` say how much a reason says, by the first part of its word:
    3, what is wrong with the data; 2, which rule left it out; 1, only not here."""
    ways = ways_of(made.tables)
    for query in made.tables:
        judged = _judged(query)
        yield p.Relation(
            p.judged(query.table), judged, f"rows that may be made of {query.table}", stored=True
        )
    for table in sources:
        label = table.label
        if traced := _traced(table, ways, weights):
            yield p.Relation(p.traced(label), traced, f"where rows and values of {label} went", stored=True)
        reasons = _reasons(table, ways, bool(traced))
        yield p.Relation(p.reasons(label), reasons, f"what became of {label}", stored=True)
        yield p.Relation(p.books(label), _books(table), f"the ledger of {label}")


# -- the far end: rows that may be made ------------------------------------------------------------


def _judged(query: p.TableQuery) -> exp.Query:
    """All candidate rows, with all that may be said of them, and whether another took their place."""
    told = {p.REJECT}
    told |= {
        column.name for column in query.columns.values() if column.role in ("why", "misfit", "joined-row")
    }
    told |= {way.field.name for _, _, way in paths(query) if way.field and _may_be_there(way)}
    candidates = query.explain(frozenset(range(len(query.branches))), frozenset(told))
    losers = superseded_relations(query)
    if not losers:
        return candidates
    verdict: Sql = sql.column(p.REJECT, "made")
    for number, (rule, _) in enumerate(losers):
        gone = sql.not_null(sql.column(p.BRANCH, f"gone_{number}"))
        verdict = sql.case([(gone, sql.text(f"one-per:{rule}"))], verdict)
    places = [sql.column(name, "made") for name in (p.BRANCH, p.ROW, p.ITEM)]
    others = [sql.column(name, "made") for name in sorted(told - {p.REJECT})]
    outer = sql.select([*places, *others, sql.named(verdict, p.REJECT)], sql.subquery(candidates, "made"))
    outer.set("joins", [place_join(name, f"gone_{i}", "made") for i, (_, name) in enumerate(losers)])
    return outer


def _may_be_there(way: LineagePath) -> bool:
    """Whether the field may have a value that does not carry this one."""
    return bool(way.contribution and way.contribution.kept)


# -- the ways back --------------------------------------------------------------------------------


def _traced(table: SourceTable, ways: Ways, weights: Mapping[str, int]) -> exp.Query | None:
    """The best that all ways say of each source row, for the row and each column; nothing without a way."""
    columns = [ROWS, *table.columns]
    terms: dict[tuple[str, int, str], dict[str, list[tuple[int, LineagePath]]]] = {}
    for column in columns if table.known else ():
        for number, way in ways.get((table.label, "" if column == ROWS else column), ()):
            term = terms.setdefault((way.query.table, way.branch, way.row_column), {})
            term.setdefault(column, []).append((number, way))
    if not terms:
        return None
    selects = []
    for (target, branch, row_column), found in terms.items():
        selects.append(_published_term(target, branch, row_column, columns, found))
        for turn in range(max(map(len, found.values()))):
            these = {column: each[turn] for column, each in found.items() if turn < len(each)}
            selects.append(_judged_term(target, branch, row_column, columns, these, weights))
    best = [sql.named(exp.Min(this=sql.column(column)), column) for column in columns]
    query = sql.select([sql.column(p.ROW), *best], sql.subquery(sql.union_all(selects), "ways"))
    query.set("group", exp.Group(expressions=[sql.column(p.ROW)]))
    return query


def _published_term(
    target: str,
    branch: int,
    row_column: str,
    columns: Sequence[str],
    found: Mapping[str, Sequence[tuple[int, LineagePath]]],
) -> exp.Select:
    """Which values of a source row one branch of a published table carries."""
    said = {}
    for column, ways in found.items():
        carried = sql.either(*(_carried(way) for _, way in ways))
        said[column] = sql.case([(carried, sql.text(_HERE))], sql.no_text())
    return _term(p.target(target), branch, row_column, columns, said)


def _carried(way: LineagePath) -> Sql:
    conditions = [_of_item(way)]
    if way.field is not None:
        conditions.append(sql.not_null(sql.column(way.field.name)))
    if way.contribution is not None and way.contribution.kept is not None:
        conditions.append(sql.surely(sql.column(way.contribution.kept)))
    return sql.both(*conditions)


def _of_item(way: LineagePath) -> Sql:
    return exp.true() if way.item is None else sql.equal(sql.column(p.ITEM), sql.whole(way.item))


def _judged_term(
    target: str,
    branch: int,
    row_column: str,
    columns: Sequence[str],
    found: Mapping[str, tuple[int, LineagePath]],
    weights: Mapping[str, int],
) -> exp.Select:
    """What one branch, published or not, says of the values of a source row, each on one way."""
    words = {
        column: sql.case([(_of_item(way), _word(way))], sql.no_text()) for column, (_, way) in found.items()
    }
    worded = _term(p.judged(target), branch, row_column, list(found), words)
    said = {column: _ranked(column, *numbered, weights) for column, numbered in found.items()}
    named = [sql.named(said.get(column, sql.no_text()), column) for column in columns]
    return sql.select([sql.column(p.ROW), *named], sql.subquery(worded, "worded"))


def _term(
    relation: str, branch: int, row_column: str, columns: Iterable[str], said: Mapping[str, Sql]
) -> exp.Select:
    row = sql.named(sql.column(row_column), p.ROW)
    named = [sql.named(said.get(column, sql.no_text()), column) for column in columns]
    query = sql.select([row, *named], sql.relation(relation))
    mine = sql.equal(sql.column(p.BRANCH), sql.whole(branch))
    met = [sql.not_null(sql.column(row_column))] if row_column != p.ROW else []
    query.set("where", exp.Where(this=sql.both(mine, *met)))
    return query


def _word(way: LineagePath) -> Sql:
    """Why a row, or a value on this way, is not carried; nothing of a row that is published."""
    if way.field is None:
        return sql.column(p.REJECT)
    otherwise: Sql = sql.text(CONDITION)
    if _may_be_there(way):
        there = sql.not_null(sql.column(way.field.name))
        otherwise = sql.case([(there, sql.text(SUPERSEDED))], otherwise)
    return sql.coalesce(*map(sql.column, way.whys), sql.column(p.REJECT), otherwise)


def _ranked(column: str, number: int, way: LineagePath, weights: Mapping[str, int]) -> Sql:
    """A word with what sorts it before it, and its target behind it.

    The row itself comes before rows that join it, then weight, then the order of the ways, then the alphabet.
    """
    word, heaviest = sql.column(column), max(weights.values())
    first = sql.before(word, ":")
    later = heaviest if way.joined else 0
    lighter = [
        (sql.among(first, [w for w, weight in weights.items() if weight == each]), each)
        for each in sorted(set(weights.values()) - {heaviest})
    ]
    rank = sql.case(
        [(here, sql.text(str(1 + later + heaviest - each))) for here, each in lighter],
        sql.text(str(1 + later)),
    )
    order, target = sql.text(f"{number:0{_DIGITS}d}"), sql.text(MARK + way.target)
    return sql.case([(sql.not_null(word), sql.joined(rank, order, word, target))], sql.no_text())


# -- what became of each row and value --------------------------------------------------------------


def _reasons(table: SourceTable, ways: Ways, traced: bool) -> exp.Query:
    """What became of each row of a source table and of each value; rows at last, by what is left open."""
    found: list[Sql] = [sql.column(p.ROW, "raw")]
    doubtful = _doubtful(table)
    for column in (ROWS, *table.columns):
        found.append(sql.named(_became(table, column, ways, traced, doubtful), column))
    query = sql.select(found, sql.relation(p.raw(table.label), "raw"))
    row = sql.column(p.ROW, "raw")
    joins = []
    if table.known:
        same = sql.equal(row, sql.column(p.ROW, "clean"))
        joins.append(exp.Join(this=sql.relation(p.clean(table.label), "clean"), on=same))
    if traced:
        same = sql.equal(row, sql.column(p.ROW, "traced"))
        joins.append(exp.Join(this=sql.relation(p.traced(table.label), "traced"), on=same, side="LEFT"))
    query.set("joins", joins)
    if not table.known:
        return query
    # A row of which nothing was made is accounted for where every value of its table is.
    waiting = sql.either(*(sql.equal(sql.column(column), sql.text("")) for column in table.columns))
    left = sql.select([sql.named(exp.Count(this=exp.Star()), "n")], sql.relation("found"))
    left.set("where", exp.Where(this=waiting))
    closed = sql.equal(sql.column("n", "left_open"), sql.whole(0))
    open_row = sql.equal(sql.column(ROWS, "found"), sql.text(""))
    of_row = sql.case(
        [(sql.both(open_row, closed), sql.text(NOTHING_TO_CARRY + MARK))], sql.column(ROWS, "found")
    )
    columns = [sql.column(column, "found") for column in table.columns]
    outer = sql.select([sql.column(p.ROW, "found"), sql.named(of_row, ROWS), *columns], sql.relation("found"))
    outer.set("joins", [exp.Join(this=sql.relation("left_open"), kind="CROSS")])
    return sql.staged(outer, [("found", query), ("left_open", left)])


def _withheld(table: SourceTable, column: str) -> list[tuple[Sql, str]]:
    """When queries do not see a value that the file holds, and the reasons."""
    found: list[tuple[Sql, str]] = []
    if column in table.lost:
        missing = sql.is_null(sql.column(column, "clean"))
        lost = sql.compared(exp.GT, sql.position(sql.column(column, "raw"), sql.text(_LOST)), sql.whole(0))
        found.append((sql.surely(sql.both(missing, lost)), LOST_CHARACTER))
    if column in table.several:
        found.append((sql.surely(sql.column(p.several(column), "raw")), SEVERAL))
    return found


def _doubtful(table: SourceTable) -> list[tuple[Sql, Sql]]:
    """When a row has a key that queries do not see, and the reasons of what only follows from that."""
    found: dict[str, list[Sql]] = {}
    for column in table.columns if table.known else ():
        for condition, word in _withheld(table, column) if column in table.keys else ():
            found.setdefault(word, []).append(condition)
    return [(sql.either(*conditions), sql.text(word + MARK)) for word, conditions in found.items()]


def _became(
    table: SourceTable, column: str, ways: Ways, traced: bool, doubtful: Sequence[tuple[Sql, Sql]]
) -> Sql:
    said = sql.column(column, "traced")
    steps: list[tuple[Sql, Sql]] = []
    if column != ROWS:
        steps.append((sql.is_null(sql.column(column, "raw")), sql.no_text()))
    if traced:
        steps.append((sql.surely(sql.equal(said, sql.text(_HERE))), sql.text(CARRIED)))
    if column == ROWS:
        steps += doubtful
    elif table.known:
        steps += [(hidden, sql.text(word + MARK)) for hidden, word in _withheld(table, column)]
        steps.append((sql.is_null(sql.column(column, "clean")), sql.text(EMPTY_TEXT + MARK)))
    if traced:
        word = sql.part(said, 2 + _DIGITS)
        if column != ROWS:
            follows = [sql.equal(sql.part(word, 1, len(each)), sql.text(each)) for each in FOLLOWING]
            following = sql.surely(sql.either(*follows))
            steps += [(sql.both(hidden, following), reason) for hidden, reason in doubtful]
        steps.append((sql.not_null(said), word))
    if column == ROWS:
        other = None if table.known else UNKNOWN_TABLE
    else:
        other = other_reason(table, column, (way for _, way in ways.get((table.label, column), ())))
    return sql.case(steps, sql.text(other + MARK if other else ""))


# -- how many they are ------------------------------------------------------------------------------


def _books(table: SourceTable) -> exp.Query:
    """What came in, and what became of it: one row for each column and word."""
    counts = []
    for column in (ROWS, *table.columns):
        shown = sql.no_text() if column == ROWS else sql.text(column)
        counted = exp.Star() if column == ROWS else sql.column(column)
        counts.append(
            sql.select(
                [*_headed(table.label, shown, sql.text(IN)), sql.named(exp.Count(this=counted), "count")],
                sql.relation(p.raw(table.label)),
            )
        )
        said = sql.column(column)
        words = [sql.named(sql.before(said, MARK), "what")]
        some = sql.select(words, sql.relation(p.reasons(table.label)))
        some.set("where", exp.Where(this=sql.not_null(said)))
        of_word = sql.select(
            [
                *_headed(table.label, sql.own(shown), sql.column("what")),
                sql.named(exp.Count(this=exp.Star()), "count"),
            ],
            sql.subquery(some, "words"),
        )
        of_word.set("group", exp.Group(expressions=[sql.column("what")]))
        counts.append(of_word)
    return sql.union_all(counts)


def _headed(label: str, column: Sql, what: Sql) -> list[Sql]:
    return [sql.named(sql.text(label), "table"), sql.named(column, "column"), sql.named(what, "what")]
