"""Expressions and conditions of a mapping, compiled in the scope of one branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from idbmigrate.compile import functions, sql
from idbmigrate.compile.hoist import SELF, Hoisting
from idbmigrate.compile.plan import LOOKUP
from idbmigrate.compile.sql import Sql
from idbmigrate.compile.value import (
    BAD_FORMAT,
    NO_EQUIVALENT,
    NOT_ACCEPTED,
    REJECTED_CODE,
    SKIPPED_HOUR,
    UNDECIDED_NO,
    UNKNOWN_CODE,
    Contribution,
    Value,
    chosen,
    combined,
)
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m

#: Column of an unpivoted branch that holds the value of the item.
VALUE = "_value"
_COMPARED = {
    "before": exp.LT,
    "after": exp.GT,
    "on_or_before": exp.LTE,
    "on_or_after": exp.GTE,
    "equals": exp.EQ,
}


@dataclass
class Scope:
    """Names that the expressions of one branch may use.

    ``columns`` maps an alias (empty for the row itself) to the columns it has. ``days`` are the columns,
    as (alias, name), that hold only ``YYYY-MM-DD``, so that no pattern need guard them. ``items`` maps
    an item key to its SQL. ``doubtful`` is the word for a row of which it is not certain whose it is.
    ``key`` is the digest of the row's natural key and occurrence. Values that
    hang on one column of ``source`` go to ``hoisting``; ``prepared`` are those that were met here.
    ``unpivoted`` are the columns that :data:`VALUE` stands for, item by item.
    """

    columns: Mapping[str, frozenset[str]]
    parameters: Mapping[str, str]
    lookups: Mapping[str, m.Lookup]
    accept: str
    days: frozenset[tuple[str, str]] = frozenset()
    items: Mapping[str, Sql] = field(default_factory=dict)
    key: Sql | None = None
    occurrence: Sql | None = None
    source: str | None = None
    doubtful: Sql | None = None
    hoisting: Hoisting = field(default_factory=Hoisting)
    unpivoted: tuple[str, ...] = ()
    helpers: dict[str, Value] = field(default_factory=dict)
    hoisted: set[str] = field(default_factory=set)

    def said(self, value: Sql, truth: bool = False) -> Sql:
        """A column of the row that holds the value, where it hangs on one column of the source table.

        Anything else stays as it is. ``truth`` says that the value is true or false, never a text.
        """
        if self.source is None:
            return value
        made = self.hoisting.said(value, truth)
        if made is not value:
            base, _, number = made.name.rpartition(".")
            bases = self.unpivoted if base == VALUE else (base,)
            if not {*bases} <= self.columns[""]:
                return value
            self.hoisted.update(f"{base}.{number}" for base in bases)
        return made

    # -- values ------------------------------------------------------------------------------

    def value(self, node: m.Expression) -> Value:
        """SQL of a value and the account of its sources; raises ``mapping-invalid`` with the place."""
        value = self._value(node)
        if isinstance(node, m.Identifier) and node.parts != (None,):
            return value  # a digest, in nearly every row another
        return Value(self.said(value.sql), value.contributions)

    def _value(self, node: m.Expression) -> Value:
        match node:
            case m.Reference():
                return self._reference(node)
            case m.Constant():
                return Value(sql.text(node.text))
            case m.Parameter():
                return Value(sql.text(self._parameter(node)))
            case m.LookedUp():
                return self._lookup(node)
            case m.FirstOf():
                values = [self.value(choice) for choice in node.choices if not self._bare_day(choice)]
                if len(values) == 1:
                    return values[0]
                return chosen(values, sql.coalesce(*(value.sql for value in values)))
            case m.LastKnown():
                return Value(self._last_known(node))
            case m.Link():
                link = self.value(node.link)
                return combined([link, self.value(node.tells).as_part()], link.sql)
            case m.Cases():
                return self._cases(node)
            case m.Identifier():
                return Value(self._identifier(node))
            case m.Call():
                return self._call(node)
        raise DescriptionError(
            "an expression that cannot be compiled", code="mapping-inexpressible", where=node.place
        )

    def _reference(self, node: m.Reference) -> Value:
        if node.alias == "item":
            if node.name not in self.items:
                raise self._unknown(node, "an entry of 'each'", self.items)
            contributions = (Contribution((node,)),) if node.name == "value" else ()
            return Value(self.items[node.name], contributions)
        if node.alias == "natural_key" and self.occurrence is not None:
            return Value(self.occurrence)
        if node.helper:
            if node.name in self.helpers:
                return self.helpers[node.name]
            raise self._unknown(node, "a helper defined above", self.helpers)
        if node.alias not in self.columns:
            raise self._unknown(node, "a joined table", self.columns)
        if node.name not in self.columns[node.alias]:
            raise self._unknown(node, "a column", self.columns[node.alias])
        return Value(sql.column(node.name, node.alias or SELF), (Contribution((node,)),))

    def _unknown(self, node: m.Reference, what: str, known: object) -> DescriptionError:
        import difflib

        near = difflib.get_close_matches(node.name, list(known), 1)  # type: ignore[call-overload]
        return DescriptionError(
            f"{str(node)!r} is not {what} here",
            code="mapping-invalid",
            where=node.place,
            hint=f"did you mean {near[0]!r}?" if near else None,
        )

    def _parameter(self, node: m.Parameter) -> str:
        if node.name not in self.parameters:
            raise DescriptionError(
                f"there is no parameter {node.name!r}", code="mapping-invalid", where=node.place
            )
        return self.parameters[node.name]

    def _call(self, node: m.Call) -> Value:
        if node.function in functions.CLOCKED:
            return self._clocked(node)
        values = [self.value(argument) for argument in node.arguments]
        if node.function == "date":
            result, fits = self._date(node.arguments[0], values[0])
            return values[0].through(result, _unfit(values[0], fits)).by("date")
        if node.function == "join":
            values = [value.as_part() for value in values]
        if node.function in functions.PREPARED:
            bare = self.said(functions.PREPARED[node.function](values[0].sql))
            values[0] = Value(bare, values[0].contributions)
        return _applied(node.function, values, node.options)

    def _clocked(self, node: m.Call) -> Value:
        """A function of a day and a clock.

        A day that is none spoils both, a clock that is none itself, a moment that never was both again.
        """
        day, clock = (self.value(argument) for argument in node.arguments)
        read, fits = self._date(node.arguments[0], day)
        clock = _applied("time", [clock], {})
        clock = Value(self.said(clock.sql), clock.contributions).as_part()
        result, exists = functions.call(node.function, [self.said(read), clock.sql], node.options)
        moment = combined([day.by("date"), clock], result).through(result, _unfit(day, fits))
        if exists is None:
            return moment
        never = sql.case([(sql.negated(exists), sql.text(SKIPPED_HOUR))])
        return moment.through(result, never).by(SKIPPED_HOUR)

    def _bare_day(self, node: m.Expression) -> bool:
        """Whether an expression asks for the time of day in a column that holds nothing but days."""
        if not isinstance(node, m.Call) or node.function != "time_of_day":
            return False
        column = node.arguments[0]
        return isinstance(column, m.Reference) and (column.alias, column.name) in self.days

    def _date(self, node: m.Expression, value: Value) -> functions.Result:
        """A value read as a date. What holds nothing but days needs no pattern to guard it."""
        if isinstance(node, (m.Constant, m.Parameter)):
            text = node.text if isinstance(node, m.Constant) else self._parameter(node)
            stored = re.fullmatch(functions.DAY, text) is not None
        else:
            stored = isinstance(node, m.Reference) and (node.alias, node.name) in self.days
        return functions.stored_date(value.sql) if stored else functions.date(value.sql, {})

    def _cases(self, node: m.Cases) -> Value:
        values = [self.value(child) for child in node.children]
        conditions = [self.condition(condition) for condition, _ in node.cases]
        branches = [(c, value.sql) for c, value in zip(conditions, values, strict=False)]
        result = sql.case(branches, values[-1].sql if node.otherwise is not None else None)
        numbered = [(condition, sql.whole(number)) for number, condition in enumerate(conditions)]
        taken = sql.case(numbered, sql.whole(len(conditions)))
        return combined([v.only_in(sql.equal(taken, sql.whole(i))) for i, v in enumerate(values)], result)

    def _identifier(self, node: m.Identifier) -> Sql:
        count = node.length - len(node.prefix)
        parts = [self._own_key(node) if item is None else self.value(item).sql for item in node.parts]
        digits = sql.part(parts[0], 1, count) if node.parts == (None,) else digest(parts, count)
        return sql.joined(sql.text(node.prefix), digits) if node.prefix else digits

    def _own_key(self, node: m.Identifier) -> Sql:
        if self.key is None:
            raise DescriptionError(
                "natural_key is not defined for this source table",
                code="mapping-invalid",
                where=node.place,
                hint="write it under 'sources:'",
            )
        return self.key

    def _last_known(self, node: m.LastKnown) -> Sql:
        """The greatest of moment and value together, up to the moment of the row, never a later one."""
        at, value = self.value(node.at).sql, self.value(node.of).sql
        told = sql.joined(at, value)
        if self.doubtful is not None:  # of a record that is not certain to be of this one nothing is taken
            told = sql.case([(sql.is_null(self.doubtful), told)])
        last = sql.highest_so_far(told, [self.value(part).sql for part in node.within], at)
        moment = len(functions.SHAPES["timestamp"][1])
        return sql.case([(sql.not_null(at), sql.part(last, moment + 1))])

    # -- lookups -----------------------------------------------------------------------------

    def lookup(self, node: m.LookedUp | m.Known) -> m.Lookup:
        if node.lookup not in self.lookups:
            raise DescriptionError(
                f"there is no lookup {node.lookup!r}", code="mapping-invalid", where=node.place
            )
        return self.lookups[node.lookup]

    def _lookup(self, node: m.LookedUp) -> Value:
        table, inner = self.lookup(node), self.value(node.of)
        code = self.said(cleaned(inner.sql, table))
        usable, homeless, beyond = _sorted_rows(table, self.accept)
        branches: list[tuple[Sql, Sql]] = []
        same = [row.code for row in usable if row.code == row.to]
        if same:
            branches.append((sql.among(code, same), code))
        for to, codes in _by_target(usable).items():
            branches.append((sql.among(code, codes), sql.text(to)))
        fallback = {"keep": code, "default": sql.text(table.default or "")}.get(table.unknown)
        if fallback is not None:
            blocked = [row.code for row in (*homeless, *beyond)]
            known_without = sql.among(code, blocked) if blocked else exp.false()
            branches.append((sql.both(sql.not_null(code), sql.negated(known_without)), fallback))
        why: list[tuple[Sql, Sql]] = []
        if usable:
            why.append((sql.among(code, [row.code for row in usable]), sql.null()))
        undecided = [row for row in homeless if row.undecided]
        homeless = [row for row in homeless if not row.undecided]
        unused = (
            (undecided, f"{UNDECIDED_NO}:{table.name}"),
            (homeless, NO_EQUIVALENT),
            (beyond, NOT_ACCEPTED),
        )
        for rows, word in unused:
            if rows:
                why.append((sql.among(code, [row.code for row in rows]), sql.text(word)))
        if table.unknown != "keep":
            word = REJECTED_CODE if table.unknown == "reject" else UNKNOWN_CODE
            why.append((sql.not_null(code), sql.text(word)))
        reason = sql.case(why) if why[int(bool(usable)) :] else None
        found = inner.through(sql.case(branches), reason).by(f"{LOOKUP}{table.name}")
        if table.unknown == "default" and reason is not None:
            return found.only_where(sql.is_null(reason))
        return found

    # -- conditions --------------------------------------------------------------------------

    def condition(self, node: m.Condition) -> Sql:
        """SQL of a condition that is true or false and never unknown."""
        return self.said(self._condition(node), truth=True)

    def _condition(self, node: m.Condition) -> Sql:
        match node:
            case m.Present():
                value = self.value(node.of).sql
                return sql.not_null(value) if node.present else sql.is_null(value)
            case m.Known():
                usable, _, _ = _sorted_rows(self.lookup(node), self.accept)
                code = self.said(cleaned(self.value(node.of).sql, self.lookup(node)))
                codes = [row.code for row in usable]
                return sql.surely(sql.among(code, codes)) if codes else exp.false()
            case m.Combined():
                inner = [self.condition(item) for item in node.conditions]
                if node.how == "all":
                    return sql.both(*inner)
                return sql.either(*inner) if node.how == "any" else sql.negated(sql.either(*inner))
            case m.Compared():
                return sql.surely(self._comparison(node))
        raise DescriptionError(
            "a condition that cannot be compiled", code="mapping-inexpressible", where=node.place
        )

    def _comparison(self, node: m.Compared) -> Sql:
        value = self.value(node.value).sql
        if isinstance(node.operand, m.Expression):
            return sql.compared(_COMPARED[node.operator], value, self.value(node.operand).sql)
        if node.operator == "matches":
            return sql.matches(value, str(node.operand))
        listed = sql.among(value, list(node.operand)) if node.operand else exp.false()
        return listed if node.operator == "in" else sql.both(sql.not_null(value), sql.negated(listed))


def _applied(function: str, values: list[Value], options: functions.Options) -> Value:
    """The value after a function; what the function cannot read is ``bad-format``."""
    result, fits = functions.call(function, [value.sql for value in values], options)
    return combined(values, result).through(result, _unfit(values[0], fits)).by(function)


def _unfit(value: Value, fits: Sql | None) -> Sql | None:
    """The reason for a value that a function cannot read."""
    if fits is None:
        return None
    return sql.case([(sql.both(sql.not_null(value.sql), sql.negated(fits)), sql.text(BAD_FORMAT))])


def digest(parts: list[Sql], count: int) -> Sql:
    """The first digits of the SHA-256 of the parts, hexadecimal in capitals."""
    return sql.upper(sql.part(sql.sha256(sql.one_text(parts)), 1, count))


def cleaned(value: Sql, table: m.Lookup) -> Sql:
    """A code after the cleaning that its lookup asks for."""
    for function, width in table.clean:
        if function == "upper":
            value = sql.upper(value)
        elif function == "pad":
            value = functions.padded(value, width)
        else:
            value = sql.part(value, 1, 1)
    return value


def _sorted_rows(
    table: m.Lookup, accept: str
) -> tuple[list[m.LookupRow], list[m.LookupRow], list[m.LookupRow]]:
    """Rows that may be used, rows without a home, and rows less sure than the run accepts."""
    usable, homeless, beyond = [], [], []
    for row in table.rows:
        if row.to is None:
            homeless.append(row)
        elif m.accepted(row.confidence, accept):
            usable.append(row)
        else:
            beyond.append(row)
    return usable, homeless, beyond


def _by_target(rows: list[m.LookupRow]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for row in rows:
        if row.to is not None and row.code != row.to:
            grouped.setdefault(row.to, []).append(row.code)
    return grouped
