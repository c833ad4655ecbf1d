"""One branch of a target table: its rows, joins and items, its fields, and its verdict on each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from idbmigrate.compile import fit, optimise, plan, sql
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.expressions import VALUE, Scope
from idbmigrate.compile.hoist import SELF
from idbmigrate.compile.joins import one_a_key
from idbmigrate.compile.sql import Sql
from idbmigrate.compile.value import NOT_ACCEPTED, REJECTED_CODE, SKIPPED_HOUR, Contribution, Value
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m

RESERVED = frozenset({SELF, "item", "natural_key"})


@dataclass(frozen=True)
class MadeField:
    """A field; ``misfit`` is the column that says why a value does not fit its target column.

    ``filled``: it has a value in every row. ``identity``: the value is the identifier of its source row,
    from its natural key, with this prefix and length.
    """

    name: str
    contributions: tuple[plan.ContributionColumns, ...]
    misfit: str | None = None
    filled: bool = False
    identity: tuple[str, int] | None = None

    @property
    def helper(self) -> bool:
        return self.name.startswith("_")


@dataclass
class MadeBranch:
    """A compiled branch: what it gives under which name, and where from."""

    rows: str
    source: str | None
    joined: tuple[tuple[str, str, str], ...]
    items: tuple[str, ...]
    fields: list[MadeField]
    outputs: dict[plan.Column, Sql]
    values: dict[str, m.Expression]
    places: dict[str, m.Place]
    pass_through: dict[str, tuple[plan.PassThrough, ...]]
    hoisted: frozenset[str]
    origin: Callable[[Iterable[exp.Column]], Sql | None]
    stops: list[tuple[Sql, Sql]]
    targets: Mapping[str, str]  # alias -> target table
    joins: list[exp.Join] = field(default_factory=list)

    def comes_from(self, name: str, table: str, column: str) -> bool:
        """Whether a field, if it is filled, surely holds ``column`` of a row of a target table."""
        value = self.values.get(name)
        while isinstance(value, m.Reference) and value.helper and value.name in self.values:
            value = self.values[value.name]
        return isinstance(value, m.Reference) and (value.alias, value.name) in {
            (alias, column) for alias, joined in self.targets.items() if joined == table
        }

    def query(self, wanted: Iterable[plan.Column], stopped: bool) -> exp.Select:
        """The branch as a query of these columns, with or without the rows that ``stops`` stop."""
        outputs = {column.name: value for column, value in self.outputs.items()}
        if stopped:
            outputs[plan.REJECT] = sql.case([*self.stops, (exp.true(), outputs[plan.REJECT])])
        columns = [
            sql.named(outputs[each.name] if each.name in outputs else sql.missing(each.type), each.name)
            for each in wanted
        ]
        query = sql.select(columns)
        if self.stops and not stopped:
            query.set("where", exp.Where(this=sql.both(*(sql.negated(stop) for stop, _ in self.stops))))
        if joins := self._looked_at(query):
            query.set("joins", [join.copy() for join in joins])
        origin = self.origin(query.find_all(exp.Column))
        return query.from_(origin, copy=False) if origin is not None else query

    def _looked_at(self, query: exp.Query) -> list[exp.Join]:
        """The joins that the query looks at; no other makes a difference, as each finds one row at most."""
        found: list[exp.Join] = []
        aliases = {column.table for column in query.find_all(exp.Column)} if self.joins else set()
        for join in reversed(self.joins):
            if join.alias_or_name in aliases:
                found.insert(0, join)
                aliases |= {column.table for column in join.args["on"].find_all(exp.Column)}
        return found


class BranchCompiler:
    """Compiles one branch in its surroundings."""

    def __init__(self, branch: m.Branch, around: CompileContext):
        self.branch, self.around = branch, around
        self.rule = around.mapping.sources.get(branch.source or "")
        self._check_names()
        columns = {"": around.sources[branch.source]} if branch.source else {"": frozenset()}
        columns |= {join.alias: frozenset(around.columns_of(join)) for join in branch.joins}
        days = {("", name) for name in around.days.get(branch.source or "", ())}
        for join in branch.joins:
            if not join.target:
                days |= {(join.alias, name) for name in around.days.get(join.table, ())}
        self.scope = Scope(
            columns=columns,
            parameters=around.parameters,
            lookups=around.mapping.lookups,
            accept=around.accept,
            days=frozenset(days),
            items=self._items(),
            key=sql.column(plan.KEY, SELF) if self._has_key else None,
            occurrence=sql.column(plan.OCCURRENCE, SELF) if branch.source else None,
            source=branch.source,
            doubtful=sql.column(plan.CONFLICT, SELF) if branch.source in around.conflicts else None,
            hoisting=around.hoisting,
            unpivoted=tuple(item["column"] for item in branch.each),
        )

    def made(self, number: int) -> MadeBranch:
        branch = self.branch
        fields, outputs, values, rejecting = self._fields()
        stops = self._stops()
        joins = [self._join(join) for join in branch.joins]
        sources = [join for join in branch.joins if not join.target]
        joined = tuple((join.alias, join.table, f"_row_{i}") for i, join in enumerate(sources))
        always: dict[plan.Column, Sql] = {
            plan.Column(plan.BRANCH, "place"): sql.whole(number),
            plan.Column(plan.ROW, "place"): sql.column(plan.ROW, SELF) if branch.source else sql.whole(0),
            plan.Column(plan.ITEM, "place"): sql.column(plan.ITEM, SELF) if branch.each else sql.whole(0),
            plan.Column(plan.REJECT, "verdict"): sql.case(rejecting, sql.no_text()),
        }
        always |= {
            plan.Column(column, "joined-row"): sql.column(plan.ROW, alias) for alias, _, column in joined
        }
        return MadeBranch(
            rows=branch.rows,
            source=branch.source,
            joined=joined,
            items=tuple(item["column"] for item in branch.each),
            fields=fields,
            outputs={**always, **outputs},
            values=values,
            places={item.name: item.place for item in branch.fields},
            pass_through={
                column.name: copied for column, value in outputs.items() if (copied := self._copied(value))
            },
            hoisted=frozenset(self.scope.hoisted),
            origin=self._rows,
            stops=stops,
            targets={join.alias: join.table for join in branch.joins if join.target},
            joins=joins,
        )

    # -- names -------------------------------------------------------------------------------

    def _check_names(self) -> None:
        branch, around = self.branch, self.around
        if branch.source is not None and branch.source not in around.sources:
            raise self._error(f"the source has no table {branch.source!r}", branch.place)
        for join in branch.joins:
            if join.alias in RESERVED or join.alias.startswith("_"):
                raise self._error(f"{join.alias!r} is a reserved name", join.place)
            known = around.made if join.target else around.sources
            if join.table not in known:
                kind = "target table made before this one" if join.target else "source table"
                raise self._error(f"{join.table!r} is not a {kind}", join.place)
            for column in (*(name for name, _ in join.on), *(p.field for p in join.prefer)):
                if column not in known[join.table]:
                    raise self._error(f"{join.table} has no column {column!r}", join.place)
        for item in branch.each:
            if branch.source is None or item["column"] not in around.sources[branch.source]:
                raise self._error(f"{branch.source} has no column {item['column']!r}", branch.place)

    def _error(self, message: str, place: m.Place) -> DescriptionError:
        return DescriptionError(message, code="mapping-invalid", where=place)

    def _references(self) -> Iterator[m.Reference]:
        for item in self.branch.fields:
            yield from m.references(item.value)
        for rule in self.branch.where:
            yield from m.references(rule.keep)
        for join in self.branch.joins:
            for _, expression in join.on:
                yield from m.references(expression)

    # -- rows --------------------------------------------------------------------------------

    def _rows(self, columns: Iterable[exp.Column]) -> Sql | None:
        """The rows of the branch, with these of its columns."""
        branch = self.branch
        if branch.source is None:
            return None
        if not branch.each:
            return sql.relation(plan.rows(branch.source), SELF)
        used = {column.name for column in columns if column.table == SELF}
        values = {name for name in used if name.partition(".")[0] == VALUE}
        own = sorted(used - values - {plan.ITEM} - {name for name, _ in self._texts(0)})
        selects = []
        for number, item in enumerate(branch.each):
            given = [(plan.ITEM, sql.whole(number)), *self._texts(number)]
            given += [(name, sql.column(self._valued(name, item["column"]))) for name in sorted(values)]
            named = [sql.named(value, name) for name, value in given if name in used]
            select = sql.select([*map(sql.column, own), *named], sql.relation(plan.rows(branch.source)))
            select.set("where", exp.Where(this=sql.not_null(sql.column(item["column"]))))
            selects.append(select)
        return sql.subquery(sql.union_all(selects), SELF)

    def _copied(self, value: Sql) -> tuple[plan.PassThrough, ...]:
        """What a value is without anything done to it, by entry of ``each``; nothing where it is made."""
        each = self.branch.each
        if isinstance(value, exp.Column) and value.table == SELF:
            return tuple(self._taken(value.name, number) for number in range(max(1, len(each))))
        told = _told(value)
        return (told,) * max(1, len(each)) if told else ()

    def _taken(self, name: str, number: int) -> plan.PassThrough:
        """What a column of the row itself is in the rows of an entry of ``each``."""
        if not self.branch.each:
            return plan.PassThrough(column=name)
        texts = dict(self._texts(number))
        if name in texts:
            return _told(texts[name]) or plan.PassThrough()
        return plan.PassThrough(column=self._valued(name, self.branch.each[number]["column"]))

    def _valued(self, name: str, column: str) -> str:
        """The name of a column, where it hangs on the value of an entry that of the entry's own."""
        return name.replace(VALUE, column, 1) if name.partition(".")[0] == VALUE else name

    def _texts(self, number: int) -> list[tuple[str, Sql]]:
        """What an entry of ``each`` says of itself, as columns of its rows."""
        item = self.branch.each[number]
        keys = dict.fromkeys(key for item in self.branch.each for key in item)
        texts = [(f"_item_{key}", sql.text(item[key]) if key in item else sql.no_text()) for key in keys]
        return [*texts, ("_item_number", sql.text(str(number + 1)))]

    @property
    def _has_key(self) -> bool:
        return bool(self.rule and self.rule.natural_key) and self.branch.source in self.around.keyed

    def _items(self) -> dict[str, Sql]:
        each = self.branch.each
        if not each:
            return {}
        items = {name.removeprefix("_item_"): sql.column(name, SELF) for name, _ in self._texts(0)}
        return {**items, "value": sql.column(VALUE, SELF)}

    def _join(self, join: m.Join) -> exp.Join:
        used = {r.name for r in self._references() if r.alias == join.alias}
        used |= {plan.PLACE} if join in map(self._named_parent, self.branch.fields) else set()
        on = [(column, self.scope.value(expression).sql) for column, expression in join.on]
        if self._by_row(join):
            on = [(plan.ROW, sql.column(plan.ROW, SELF))]
        keys = [column for column, _ in on]
        columns = list(dict.fromkeys([*keys, *sorted(used), *([] if join.target else [plan.ROW])]))
        same = sql.both(*(sql.equal(sql.column(key, join.alias), value) for key, value in on))
        inner = sql.subquery(one_a_key(join, keys, columns, self.around), join.alias)
        return exp.Join(this=inner, on=same, side="LEFT")

    def _by_row(self, join: m.Join) -> bool:
        """Whether a target table is joined by the identifier of the row that both are made from.

        The number of that row says the same, and is found much sooner.
        """
        possible = optimise.SAME_ROW_JOIN in self.around.rules and join.target and len(join.on) == 1
        if not possible or self.branch.source is None:
            return False
        column, expression = join.on[0]
        identity = self._identity(expression)
        known = self.around.identities.get(join.table, {})
        return identity is not None and known.get(column) == (self.branch.source, *identity)

    # -- fields and verdict --------------------------------------------------------------------

    def _fields(
        self,
    ) -> tuple[list[MadeField], dict[plan.Column, Sql], dict[str, m.Expression], list[tuple[Sql, Sql]]]:
        """Fields, what they give, their expressions, and the verdicts of lookups that reject a row."""
        fields: list[MadeField] = []
        outputs: dict[plan.Column, Sql] = {}
        values: dict[str, m.Expression] = {}
        rejecting: list[tuple[Sql, Sql]] = []
        filled: set[str] = set()
        for item in self.branch.fields:
            value = self.scope.value(item.value)
            accepted = m.accepted(item.confidence, self.around.accept)
            if not accepted:
                why = sql.text(NOT_ACCEPTED)
                contributions = tuple(replace(each, why=why, kept=None) for each in value.contributions)
                value = Value(sql.no_text(), contributions)
            values[item.name] = item.value
            if accepted and self._surely_filled(item.value, filled):
                filled.add(item.name)
            if item.helper:
                outputs[plan.Column(item.name, "helper")] = value.sql
                self.scope.helpers[item.name] = value
                fields.append(MadeField(item.name, ()))
                continue
            misfit = self._fitted(item, value.sql, outputs)
            if (parent := self._named_parent(item)) and accepted and misfit is None:
                place = plan.Column(plan.there(item.name), "parent-place")
                outputs[place] = sql.column(plan.PLACE, parent.alias)
            named = [self._carrier(item.name, i, c, outputs) for i, c in enumerate(value.contributions)]
            surely = item.name in filled and misfit is None
            identity = self._identity(item.value) if surely else None
            fields.append(MadeField(item.name, tuple(named), misfit, surely, identity))
            if self._may_reject(item.value, values):
                rejecting += self._rejecting(value, REJECTED_CODE, item.name)
            if self._is_mandatory(item.name) and any(SKIPPED_HOUR in c.steps for c in value.contributions):
                rejecting += self._rejecting(value, SKIPPED_HOUR, item.name)
        return fields, outputs, values, rejecting

    def _rejecting(self, value: Value, word: str, name: str) -> list[tuple[Sql, Sql]]:
        """The verdict on a row whose field has no value for this reason."""
        whys = [each.why for each in value.contributions if each.why is not None]
        failed = [sql.surely(sql.equal(why, sql.text(word))) for why in whys]
        return [(self.scope.said(each, truth=True), sql.text(f"{word}:{name}")) for each in failed]

    def _is_mandatory(self, name: str) -> bool:
        spec = self.around.spec.columns.get(name)
        return spec is not None and spec.mandatory

    def _named_parent(self, item: m.Field) -> m.Join | None:
        """The join with the parent table of which a field is the primary key, as it is: ``parent-key``."""
        if optimise.PARENT_KEY not in self.around.rules:
            return None
        parent, key = self.around.spec.foreign_keys.get(item.name, ("", ""))
        if not isinstance(item.value, m.Reference) or self.around.primary_key(parent) != (item.value.name,):
            return None
        joined = [join for join in self.branch.joins if join.alias == item.value.alias and join.target]
        return next((join for join in joined if (join.table, item.value.name) == (parent, key)), None)

    def _surely_filled(self, node: m.Expression, filled: set[str]) -> bool:
        """Whether an expression has a value in every row, ``filled`` being the fields that have one."""
        if isinstance(node, m.Reference) and node.helper:
            return node.name in filled
        return isinstance(node, (m.Identifier, m.Constant))

    def _identity(self, node: m.Expression) -> tuple[str, int] | None:
        """Prefix and length of the identifier that an expression is, if it is that of the source row."""
        fields = {item.name: item.value for item in self.branch.fields}
        while isinstance(node, m.Reference) and node.helper:
            node = fields[node.name]
        if isinstance(node, m.Identifier) and node.parts == (None,):
            return node.prefix, node.length
        return None

    def _fitted(self, item: m.Field, value: Sql, outputs: dict[plan.Column, Sql]) -> str | None:
        """Give a field its value where it fits the target column, and say where it does not."""
        spec = self.around.spec.columns.get(item.name)
        if spec is None or fit.surely_fits(item.value, spec.format, self.around, self.branch):
            outputs[plan.Column(item.name, "field")] = value
            return None
        misfit = self.scope.said(fit.misfit_sql(value, spec.format))
        fitting = self.scope.said(sql.case([(sql.is_null(misfit), value)]))
        outputs[plan.Column(item.name, "field")] = fitting
        name = f"_misfit_{item.name}"
        outputs[plan.Column(name, "misfit")] = misfit
        return name

    def _carrier(
        self, name: str, number: int, contribution: Contribution, outputs: dict[plan.Column, Sql]
    ) -> plan.ContributionColumns:
        kept = why = None
        if contribution.kept is not None:
            kept = f"_kept_{name}_{number}"
            outputs[plan.Column(kept, "kept")] = self.scope.said(contribution.kept, truth=True)
        if contribution.why is not None:
            why = f"_why_{name}_{number}"
            outputs[plan.Column(why, "why")] = self.scope.said(contribution.why)
        return plan.ContributionColumns(contribution.references, kept, why, contribution.steps)

    def _may_reject(self, node: m.Expression, made: Mapping[str, m.Expression]) -> bool:
        """Whether a lookup in the expression, or in a helper that it uses, rejects rows."""
        if isinstance(node, m.LookedUp) and self.scope.lookup(node).unknown == "reject":
            return True
        if isinstance(node, m.Reference) and node.helper:
            helper = made.get(node.name)
            return helper is not None and self._may_reject(helper, made)
        return any(self._may_reject(child, made) for child in node.children)

    def _stops(self) -> list[tuple[Sql, Sql]]:
        """Conditions under which a row goes no further, each with its word."""
        branch = self.branch
        stops: list[tuple[Sql, Sql]] = []
        if branch.source in self.around.conflicts:
            conflict = sql.column(plan.CONFLICT, SELF)
            stops.append((sql.not_null(conflict), conflict))
        if self.rule is not None and self.rule.repeats:
            stops.append((sql.column(plan.REPEAT, SELF), sql.text(f"repeat:{self.rule.repeats}")))
        if not m.accepted(branch.confidence, self.around.accept):
            stops.append((exp.true(), sql.text(f"not-accepted:{branch.rows}")))
        for rule in branch.where:
            stops.append((sql.negated(self.scope.condition(rule.keep)), sql.text(f"filter:{rule.name}")))
        return stops


def _told(value: Sql) -> plan.PassThrough | None:
    """A text, or no text, that stands in the query; nothing where it is made of something."""
    if isinstance(value, exp.Literal) and value.is_string:
        return plan.PassThrough(text=value.name)
    return plan.PassThrough() if value == sql.no_text() else None
