"""Runs the queries that say whose record a source record is, and gives the staged tables what they found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.brief import brief
from idbmigrate.compile import belonging, plan
from idbmigrate.engine import Engine
from idbmigrate.errors import UsageError
from idbmigrate.execution.hoisted import with_hoisted
from idbmigrate.execution.run import as_numpy
from idbmigrate.mapping import model as m
from idbmigrate.staging.tables import StagedTable

_WHAT = "conflict:"
#: What the findings mean that are no reasons of the ledger.
FINDINGS = {
    "respelled-key": "the key is written as its record has it, in its case, without blanks at the ends",
    "shared-key": "several patients share the number: each of their records has a number of its own",
    "allowed-conflict": "the record contradicts another about whose it is, and the user let it be",
}
#: Keys that the target writes otherwise than the file.
WRITTEN = pa.schema([(name, pa.string()) for name in ("table", "row", "column", "value", "written")])


class KeyLine(TypedDict):
    """What was found about the keys of a source table; ``column`` is null where whole records are meant."""

    finding: str
    table: str
    column: str | None
    rows: int
    meaning: str


@brief
@dataclass(frozen=True)
class Settled:
    """Staged tables with the keys that the target gets, and what was done to them.

    ``respelled`` counts, by table and column, values that are written as their parent writes them, or
    without what nobody sees at their ends. ``shared`` are the rows whose number belongs to several others,
    too, and who got one of their own, by table and column. ``allowed`` are masks over the rows of tables:
    those that have a conflict which the user lets be.
    """

    staged: dict[str, StagedTable]
    respelled: dict[tuple[str, str], int] = field(default_factory=dict)
    shared: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    allowed: dict[str, np.ndarray] = field(default_factory=dict)

    def lines(
        self, meaning: Callable[[str], str], without: Mapping[str, np.ndarray] | None = None
    ) -> list[KeyLine]:
        """What was found, one line a finding, table and column, with the rows that it concerns.

        Rows in conflict are counted with what hangs on them. Rows in ``without``, masks over the rows of
        tables, do not count.
        """
        found: list[tuple[str, str, str | None, int]] = []
        for (table, column), rows in self.shared.items():
            found.append(("shared-key", table, column, int(_counted(rows, without, table).sum())))
        for table, column in self.respelled:
            found.append(("respelled-key", table, column, self._respelled(table, column, without)))
        for name, own in self.staged.items():
            if own.conflicts is None:
                continue
            rows = np.flatnonzero(as_numpy(pc.is_valid(own.conflicts)))
            told = own.conflicts.take(pa.array(rows[_counted(rows, without, name)]))
            found += [
                (each["values"], name, None, each["counts"]) for each in pc.value_counts(told).to_pylist()
            ]
        for name, mask in self.allowed.items():
            rows = np.flatnonzero(mask)
            found.append(("allowed-conflict", name, None, int(_counted(rows, without, name).sum())))
        return [
            {
                "finding": finding,
                "table": table,
                "column": column,
                "rows": int(rows),
                "meaning": FINDINGS.get(finding) or meaning(finding),
            }
            for finding, table, column, rows in sorted(found, key=lambda line: (*line[:2], line[2] or ""))
            if rows
        ]

    def _respelled(self, table: str, column: str, without: Mapping[str, np.ndarray] | None) -> int:
        if without is None:
            return self.respelled[table, column]
        staged = self.staged[table]
        rows = np.flatnonzero(_other(_text(staged.raw[column]), _text(staged.clean[column])))
        rows = np.setdiff1d(rows, self.shared.get((table, column), np.empty(0, np.int64)))
        return int(_counted(rows, without, table).sum())

    def written(self) -> pa.Table:
        """Every key that the target writes otherwise than the file: table, row, column, value, written."""
        parts = [WRITTEN.empty_table()]
        for name, column in dict.fromkeys([*self.respelled, *self.shared]):
            table = self.staged[name]
            before, after = _text(table.raw[column]), _text(table.clean[column])
            rows = np.flatnonzero(_other(before, after))
            columns = [_same(name, rows), table.places(rows), _same(column, rows)]
            taken = [values.take(pa.array(rows)) for values in (before, after)]
            parts.append(pa.table([*columns, *taken], schema=WRITTEN))
        return pa.concat_tables(parts)

    @property
    def conflicts(self) -> frozenset[str]:
        """The tables in which a row has a conflict."""
        return frozenset(name for name, table in self.staged.items() if table.conflicts is not None)


def settled(
    staged: Mapping[str, StagedTable],
    mapping: m.Mapping,
    engine: Engine,
    allow: Collection[str] = (),
    hoists: bool = True,
) -> Settled:
    """Say of every source record whose it is; ``allow`` names conflicts (``conflict:NAME``) that are let be,
    ``hoists`` whether values of one column are asked once a text.

    Raises ``UsageError`` (``bad-option``) for a conflict that the mapping does not know.
    """
    names = {name.removeprefix(_WHAT) for name in allow if name.startswith(_WHAT)}
    for unknown in sorted(names - mapping.conflicts.keys()):
        raise UsageError(
            f"{mapping.name} knows no conflict {unknown!r}",
            code="bad-option",
            hint=f"conflicts: {', '.join(mapping.conflicts) or 'none'}",
        )
    found = _settled(staged, mapping, engine, names, hoists)
    if not names:
        return found
    refused = _settled(staged, mapping, engine, (), hoists)
    return replace(found, allowed=_let_be(refused.staged, found.staged))


def _settled(
    staged: Mapping[str, StagedTable],
    mapping: m.Mapping,
    engine: Engine,
    allow: Collection[str],
    hoists: bool,
) -> Settled:
    tables: dict[str, _Table] = {}
    for rule in belonging.ordered(mapping.sources):
        needed = belonging.columns_of(rule, mapping.sources)
        table = staged.get(rule.table)
        if table is not None and set(needed) <= set(table.clean.column_names):
            bounds = belonging.bounds_of(rule, mapping.sources)
            tables[rule.table] = _Table(rule, table, needed, bounds, engine)
    parents = {parent.table for table in tables.values() for parent in table.rule.parents}
    for own in tables.values():
        for parent in own.rule.parents:
            if parent.table in tables:
                own.follow(parent, tables[parent.table], allow)
        if own.rule.table in parents:
            own.settle_own()
        own.disagree(allow, hoists)
        if own.rule.table in parents:
            own.make_known()
    return _result(staged, tables)


def _let_be(refused: Mapping[str, StagedTable], found: Mapping[str, StagedTable]) -> dict[str, np.ndarray]:
    """Rows that have a conflict and go on without, as masks over the rows of each table that has any."""
    masks = {}
    for name, table in refused.items():
        if table.conflicts is not None:
            mask = as_numpy(pc.is_valid(table.conflicts))
            left = found[name].conflicts
            masks[name] = mask if left is None else mask & as_numpy(pc.is_null(left))
    return masks


def _result(staged: Mapping[str, StagedTable], tables: Mapping[str, _Table]) -> Settled:
    result = Settled(dict(staged))
    for name, table in tables.items():
        result.staged[name] = table.given()
        for column in table.keys:
            before, after = staged[name].raw[column], result.staged[name].clean[column]
            shared = table.shared.get(column, np.empty(0, np.int64))
            if shared.size:
                result.shared[name, column] = shared
            count = int(np.count_nonzero(_other(_text(before), _text(after))))
            if count > shared.size:
                result.respelled[name, column] = count - shared.size
    return result


class _Table:
    """A source table while its keys are settled."""

    def __init__(
        self, rule: m.SourceRule, table: StagedTable, needed: list[str], bounds: list[str], engine: Engine
    ):
        self.rule, self.table, self.bounds, self.engine = rule, table, bounds, engine
        count = table.clean.num_rows
        self.columns: dict[str, pa.ChunkedArray | pa.Array] = {name: table.clean[name] for name in needed}
        self.row = pa.array(np.arange(count, dtype=np.int64))
        nothing = pa.nulls(count, pa.string())
        self.columns |= {belonging.CONFLICT: nothing, belonging.NUMBER: nothing}
        self.keys = list(dict.fromkeys([*(p.by for p in rule.parents), *filter(None, [rule.key_column])]))
        self.keys = [name for name in self.keys if name in needed]
        self.shared: dict[str, np.ndarray] = {}
        self.changed: set[str] = set()
        self.edits, self.known_at = 0, -1
        self.engine.register(plan.keys(rule.table), self._relation())

    @property
    def empty(self) -> bool:
        return not len(self.row)

    def _relation(self) -> pa.Table:
        return pa.table({**self.columns, plan.ROW: self.row})

    def follow(self, parent: m.Parent, of: _Table, allow: Collection[str]) -> None:
        """Write the key as the parent writes it, and take over what is wrong with the parent."""
        if self.empty or of.empty:
            return
        columns = self.table.columns
        shares = bool(of.shared)
        found = self.engine.run(belonging.children(self.rule, parent, of.rule, columns, allow, shares))
        if not found.num_rows:
            return
        rows, written = _rows(found), found[belonging.KEY]
        self._put(parent.by, rows, written)
        word = pc.coalesce(self._at(belonging.CONFLICT, rows), _text(found[belonging.CONFLICT]))
        self._put(belonging.CONFLICT, rows, word)
        if of.rule.within:
            numbers = pc.drop_null(pc.unique(_text(of.columns[belonging.NUMBER])))
            among = pc.is_in(_text(written), value_set=numbers)
            self.shared[parent.by] = np.sort(rows[among.to_numpy(zero_copy_only=False)])
        self.engine.register(plan.keys(self.rule.table), self._relation())

    def settle_own(self) -> None:
        """One spelling for each key of a parent, and a number of its own for each that is shared."""
        if self.empty:
            return
        self.make_known()
        found = self.engine.run(belonging.own_keys(self.rule))
        if not found.num_rows:
            return
        rows, key = _rows(found), self.rule.key_column or ""
        numbers = pc.cast(found[belonging.NUMBER], pa.string())
        self._put(key, rows, found[belonging.KEY])
        self._put(belonging.NUMBER, rows, numbers)
        self._put(belonging.CONFLICT, rows, found[belonging.CONFLICT])
        self.shared[key] = np.sort(rows[pc.is_valid(numbers).to_numpy()])
        self.engine.register(plan.keys(self.rule.table), self._relation())

    def make_known(self) -> None:
        """The different keys of the table, for its children, as they are by now."""
        if not self.empty and self.known_at != self.edits:
            found = self.engine.run(belonging.known_keys(self.rule, self.bounds))
            self.engine.register(plan.known(self.rule.table), found)
            self.known_at = self.edits

    def disagree(self, allow: Collection[str], hoists: bool) -> None:
        """Mark the records that contradict each other, all that is allowed left out."""
        asked = [item for item in self.rule.agree if item.conflict not in allow]
        if self.empty or not asked:
            return
        relation = self._relation()
        alike = np.sort(_rows(self.engine.run(belonging.alike(self.rule))))
        for item in asked:
            read = relation if item.key else relation.take(pa.array(alike))
            if not read.num_rows:
                continue
            name = plan.rows(plan.keys(self.rule.table))
            asking = belonging.contradictions(self.rule, item, self.table.days, name, hoists)
            self.engine.register(name, with_hoisted(name, read, asking.values, self.engine))
            found = _rows(self.engine.run(asking.query))
            if found.size:
                word = pa.array([f"{_WHAT}{item.conflict}"] * found.size, pa.string())
                self._put(belonging.CONFLICT, found, pc.coalesce(self._at(belonging.CONFLICT, found), word))
        self.engine.register(plan.keys(self.rule.table), self._relation())

    def _at(self, name: str, rows: np.ndarray) -> pa.Array:
        return _text(self.columns[name]).take(pa.array(rows))

    def _put(self, name: str, rows: np.ndarray, values: pa.Array | pa.ChunkedArray) -> None:
        """Write values of a column into these rows."""
        where = np.zeros(len(self.row), bool)
        where[rows] = True
        values = pc.cast(_text(values), pa.string()).take(pa.array(np.argsort(rows, kind="stable")))
        self.changed.add(name)
        self.edits += 1
        self.columns[name] = pc.replace_with_mask(_text(self.columns[name]), pa.array(where), values)

    def given(self) -> StagedTable:
        """The staged table with the keys and conflicts that were found."""
        columns = {name: _text(self.columns[name]) for name in self.keys if name in self.changed}
        key = self.rule.key_column or ""
        if key in self.shared:
            columns[key] = pc.coalesce(_text(self.columns[belonging.NUMBER]), columns[key])
        conflicts = _text(self.columns[belonging.CONFLICT])
        return self.table.with_keys(columns, conflicts if conflicts.null_count < len(conflicts) else None)


def _counted(rows: np.ndarray, without: Mapping[str, np.ndarray] | None, table: str) -> np.ndarray:
    """Which of the rows of a table count."""
    return np.ones(rows.size, bool) if without is None else ~without[table][rows]


def _same(text: str, rows: np.ndarray) -> pa.Array:
    return pa.array([text] * rows.size, pa.string())


def _other(before: pa.Array, after: pa.Array) -> np.ndarray:
    """Where a text became another one; one that cleaning left nothing of is no key."""
    return as_numpy(pc.fill_null(pc.not_equal(before, after), False))


def _rows(found: pa.Table) -> np.ndarray:
    rows = found[plan.ROW].to_numpy() if found.num_rows else np.empty(0)
    return rows.astype(np.int64)


def _text(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array of text."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return pc.cast(values, pa.string())
