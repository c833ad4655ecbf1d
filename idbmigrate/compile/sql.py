"""The few SQL building blocks that compiled queries are made of.

All of them mean the same on every engine: text functions, comparisons, CASE, window functions. There
is no cast, no date type, and no function that sqlglot would hand to another dialect untranslated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

Sql = exp.Expr


def own(value: Sql) -> Sql:
    """The value, for a new node: itself where it stands nowhere yet, else a copy."""
    return value if value.parent is None else value.copy()


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=_quoted(name), table=_quoted(table) if table else None)


def _quoted(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def named(sql: Sql, name: str) -> exp.Alias:
    return exp.Alias(this=sql, alias=_quoted(name))


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def whole(value: int) -> exp.Literal | exp.Neg:
    return exp.Literal.number(value)


def null() -> exp.Null:
    return exp.Null()


def no_text() -> Sql:
    """A missing text. A bare NULL has no type, and engines differ in the one that they make up."""
    return missing("text")


def missing(kind: str) -> Sql:
    """A missing value of a type of :data:`idbmigrate.compile.plan.Type`."""
    value = {"text": text(""), "number": whole(0), "truth": exp.true()}[kind]
    return exp.Case(ifs=[exp.If(this=exp.false(), true=value)])


def relation(name: str, alias: str | None = None) -> exp.Table:
    return exp.Table(
        this=_quoted(name),
        alias=exp.TableAlias(this=_quoted(alias)) if alias else None,
    )


def subquery(query: exp.Query, alias: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=_quoted(alias)))


def case(branches: Iterable[tuple[Sql, Sql]], otherwise: Sql | None = None) -> Sql:
    """The value of the first condition that holds; without any condition a missing text."""
    ifs = [exp.If(this=own(condition), true=own(value)) for condition, value in branches]
    if not ifs:
        return own(otherwise) if otherwise is not None else no_text()
    return exp.Case(ifs=ifs, default=own(otherwise) if otherwise is not None else None)


def both(*conditions: Sql) -> Sql:
    return _chained(exp.And, conditions, exp.true())


def either(*conditions: Sql) -> Sql:
    return _chained(exp.Or, conditions, exp.false())


def _chained(kind: type[exp.Connector], conditions: Sequence[Sql], empty: Sql) -> Sql:
    if not conditions:
        return empty
    result = own(conditions[0])
    for other in conditions[1:]:
        result = kind(this=result, expression=own(other))
    return exp.Paren(this=result) if len(conditions) > 1 else result


def negated(condition: Sql) -> Sql:
    return exp.Not(this=exp.Paren(this=own(condition)))


def is_null(value: Sql) -> Sql:
    return exp.Is(this=_grouped(value), expression=null())


def not_null(value: Sql) -> Sql:
    return exp.Not(this=is_null(value))


def equal(left: Sql, right: Sql) -> Sql:
    return exp.EQ(this=_grouped(left), expression=_grouped(right))


def compared(kind: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return kind(this=_grouped(left), expression=_grouped(right))


def added(numbers: Sequence[Sql]) -> Sql:
    total = numbers[0]
    for number in numbers[1:]:
        total = exp.Add(this=total, expression=number)
    return exp.Paren(this=total)


def among(value: Sql, texts: Sequence[str]) -> Sql:
    if len(texts) == 1:
        return equal(value, text(texts[0]))
    return exp.In(this=_grouped(value), expressions=[text(item) for item in texts])


def matches(value: Sql, pattern: str) -> Sql:
    """Whether the whole of a text matches a pattern."""
    return exp.RegexpLike(this=own(value), expression=text(f"^({pattern})$"))


def surely(condition: Sql) -> Sql:
    """A condition that is false, not unknown, where something is missing."""
    return exp.Coalesce(this=own(condition), expressions=[exp.false()])


def coalesce(*values: Sql) -> Sql:
    if len(values) == 1:
        return own(values[0])
    return exp.Coalesce(this=own(values[0]), expressions=[own(value) for value in values[1:]])


def length(value: Sql) -> Sql:
    return exp.Length(this=own(value))


def part(value: Sql, start: int, count: int | None = None) -> Sql:
    return exp.Substring(
        this=own(value), start=whole(start), length=whole(count) if count is not None else None
    )


def position(value: Sql, sought: Sql) -> Sql:
    """The place of the first such text in another, from 1; 0 where it is not there."""
    return exp.StrPosition(this=own(value), substr=own(sought))


def before(value: Sql, mark: str) -> Sql:
    """A text up to a mark; the whole of it where the mark is not in it."""
    place = position(value, text(mark))
    length_before = exp.Sub(this=own(place), expression=whole(1))
    first = exp.Substring(this=own(value), start=whole(1), length=length_before)
    return case([(compared(exp.GT, place, whole(0)), first)], value)


def as_text(number: Sql) -> Sql:
    """A whole number, written down."""
    return exp.Concat(expressions=[own(number), text("")], safe=True, coalesce=True)


def upper(value: Sql) -> Sql:
    return exp.Upper(this=own(value))


def joined(*values: Sql) -> Sql:
    """Texts put together; missing where one of them is missing."""
    result = _grouped(values[0])
    for value in values[1:]:
        result = exp.DPipe(this=result, expression=_grouped(value), safe=True)
    return exp.Paren(this=result) if len(values) > 1 else result


def replaced(value: Sql, old: str, new: str) -> Sql:
    return exp.Replace(this=own(value), expression=text(old), replacement=text(new))


def trimmed(value: Sql, character: str, leading: bool) -> Sql:
    """A text without a character at its start, or at its end."""
    side = "LEADING" if leading else "TRAILING"
    return exp.Trim(this=own(value), expression=text(character), position=side)


def sha256(value: Sql) -> Sql:
    return exp.SHA2(this=own(value), length=whole(256))


def row_number(partition: Sequence[Sql], order: Sequence[Sql]) -> Sql:
    return _window(exp.RowNumber(), partition, order)


def highest_so_far(value: Sql, partition: Sequence[Sql], order: Sql) -> Sql:
    """The highest value of the rows of one part that are not after the row, those beside it included."""
    return _window(exp.Max(this=own(value)), partition, [ascending(order)])


def row_count(partition: Sequence[Sql]) -> Sql:
    return _window(exp.Count(this=exp.Star()), partition, ())


def _window(function: Sql, partition: Sequence[Sql], order: Sequence[Sql]) -> Sql:
    ordering = exp.Order(expressions=[own(item) for item in order]) if order else None
    return exp.Window(this=function, partition_by=[own(item) for item in partition], order=ordering)


def ascending(value: Sql) -> Sql:
    return exp.Ordered(this=own(value), desc=False, nulls_first=False)


def descending(value: Sql) -> Sql:
    return exp.Ordered(this=own(value), desc=True, nulls_first=False)


def one_text(values: Sequence[Sql]) -> Sql:
    """All values of a row as one text that is never missing, so that rows can be ordered by their content."""
    parts = [part for value in values for part in (own(value), text("\x1f"))]
    return exp.Concat(expressions=parts, safe=True, coalesce=True) if parts else text("")


def without_mark(value: Sql) -> Sql:
    """A text without the mark that :func:`one_text` ends values with: no two texts become one."""
    return replaced(replaced(value, "\x1e", "\x1e0"), "\x1f", "\x1e1")


def union_all(queries: Sequence[exp.Query]) -> exp.Query:
    """The queries one after another, as a balanced tree so that many of them stay shallow."""
    if len(queries) == 1:
        return queries[0]
    middle = len(queries) // 2
    return exp.Union(this=union_all(queries[:middle]), expression=union_all(queries[middle:]), distinct=False)


def all_of(relation: str) -> exp.Column:
    """All columns of a relation of a query."""
    return exp.Column(this=exp.Star(), table=_quoted(relation))


def select(columns: Iterable[Sql], source: Sql | None = None) -> exp.Select:
    query = exp.Select(expressions=list(columns))
    return query.from_(source, copy=False) if source is not None else query


def joined_to(query: exp.Select, name: str, on: Sql) -> exp.Select:
    """A query with the rows of another relation that fit."""
    query.append("joins", exp.Join(this=relation(name), on=on))
    return query


def grouped(columns: Sequence[Sql], name: str, more_than: int) -> exp.Select:
    """The different values of these columns that more rows than ``more_than`` of a relation have."""
    query = select(columns, relation(name))
    query.set("group", exp.Group(expressions=[item.copy() for item in columns]))
    many = compared(exp.GT, exp.Count(this=exp.Star()), whole(more_than))
    query.set("having", exp.Having(this=many))
    return query


def _grouped(value: Sql) -> Sql:
    """A copy, in brackets where an operator inside would otherwise bind to its neighbours."""
    copied = own(value)
    return (
        exp.Paren(this=copied)
        if isinstance(copied, (exp.Binary, exp.Unary))
        and not isinstance(copied, (exp.Paren, exp.Column, exp.Literal, exp.Dot, exp.Func))
        else copied
    )


def staged(query: exp.Select, stages: Iterable[tuple[str, exp.Query]]) -> exp.Select:
    """A query with others before it, by name, each of which may read those before it."""
    for name, stage in stages:
        query = query.with_(exp.to_identifier(name, quoted=True), stage, copy=False)
    return query
