"""From a row of the output down to the bytes of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from idbmigrate.compile import plan as p
from idbmigrate.explanation.model import Cell, LookupUse, Origin, Rule, TargetRow
from idbmigrate.explanation.source_row import stayed_behind
from idbmigrate.ledger.reasons import Reason
from idbmigrate.mapping import model as m
from idbmigrate.mapping.codes import cleaned
from idbmigrate.mapping.lint import contributions
from idbmigrate.readers import Idb
from idbmigrate.result.run import Run
from idbmigrate.staging.tables import StagedTable


@dataclass(frozen=True)
class _Place:
    """A row of a source table, from 0."""

    staged: StagedTable
    row: int

    def __str__(self) -> str:
        return self.staged.places(np.array([self.row]))[0].as_py()


def explain_target_row(run: Run, idb: Idb, table: str, number: int, column: str | None) -> TargetRow:
    """Explain a published row, by its number from 0: all its cells, or the one of this column."""
    return _Explained(run, idb, table, number).row(column)


class _Explained:
    """One published row with what it was made from."""

    def __init__(self, run: Run, idb: Idb, table: str, number: int):
        assert run.execution is not None, "the run was made to be explained"
        self.run, self.idb, self.table, self.number = run, idb, table, number
        result = run.execution.results[table]
        made = result.made.slice(int(np.flatnonzero(result.kept)[number]), 1)
        at = made[p.BRANCH][0].as_py()
        self.columns = result.query.branches[at]
        self.branch = run.mapping.tables[table].branches[at]
        self.helpers = {each.name: each.value for each in self.branch.fields if each.helper}
        self.item = made[p.ITEM][0].as_py() if self.columns.items else None
        self.rows: dict[str, _Place] = {}  # by alias, that of the row itself is empty
        if self.columns.source:
            self.rows[""] = _Place(run.staged[self.columns.source], made[p.ROW][0].as_py())
        for alias, source, row_column in self.columns.joined:
            row = made[row_column][0].as_py()
            if row is not None and row >= 0:
                self.rows[alias] = _Place(run.staged[source], row)
        self.accounts = {(each.table, each.column): each for each in run.books.values}
        self.targets = {join.alias: join.table for join in self.branch.joins if join.target}

    def row(self, column: str | None) -> TargetRow:
        values = self.run.tables[self.table].slice(self.number, 1)
        cells = tuple(
            self._cell(name, values[name][0].as_py())
            for name in values.column_names
            if column is None or name == column
        )
        made_from = dict.fromkeys(f"{each.staged.label} {each}" for each in self.rows.values())
        return TargetRow(self.table, self.number + 1, tuple(made_from), cells)

    def _cell(self, column: str, value: str | None) -> Cell:
        field = next((each for each in self.branch.fields if each.name == column), None)
        if field is None:
            return Cell(column, value)
        nodes = list(self._nodes(field.value, frozenset()))
        carrying = set(contributions(field.value, self.helpers))
        references = dict.fromkeys(each for each in nodes if isinstance(each, m.Reference))
        origins = [self._origin(each, each in carrying) for each in references]
        parameters = {
            each.name: self.run.plan.parameters.get(each.name, "")
            for each in nodes
            if isinstance(each, m.Parameter)
        }
        lookups = [self._lookup(each) for each in nodes if isinstance(each, (m.LookedUp, m.Known))]
        targets = [
            f"{self.targets[each.alias]}.{each.name}" for each in references if each.alias in self.targets
        ]
        rule = Rule(
            str(field.place),
            field.confidence,
            field.note,
            parameters,
            tuple(dict.fromkeys(lookups)),
            tuple(dict.fromkeys(targets)),
        )
        reason = (
            None if value is not None else self._behind([each for each in references if each in carrying])
        )
        found = tuple(each for each in origins if each is not None)
        word = reason.word if reason else None
        return Cell(column, value, rule, found, word, self.run.books.meaning(word) if word else None)

    def _behind(self, references: Sequence[m.Reference]) -> Reason | None:
        """Why the first of these values that the file has did not come here."""
        for reference in references:
            found = self._source(reference)
            if found is not None:
                place, name = found
                account = self.accounts.get((place.staged.label, name))
                reason = account and stayed_behind(account, place.row)
                if reason:
                    return reason
        return None

    def _nodes(
        self, node: m.Expression | m.Condition, seen: frozenset[str]
    ) -> Iterator[m.Expression | m.Condition]:
        """All that a value looks at, helpers looked through."""
        for each in m.walk(node):
            yield each
            if isinstance(each, m.Reference) and not each.alias and each.name in self.helpers.keys() - seen:
                yield from self._nodes(self.helpers[each.name], seen | {each.name})

    def _source(self, reference: m.Reference) -> tuple[_Place, str] | None:
        """The source row and column that a reference stands for; none for a helper, or a row not there."""
        place, name = self.rows.get("" if reference.alias == "item" else reference.alias), reference.name
        if reference.alias == "item":  # what else an entry holds are words of the mapping
            name = self.columns.items[self.item] if self.item is not None and name == "value" else ""
        return None if place is None or name not in place.staged.raw.column_names else (place, name)

    def _origin(self, reference: m.Reference, carried: bool) -> Origin | None:
        found = self._source(reference)
        if found is None:
            return None
        place, name = found
        raw, clean = (_text(table, name, place.row) for table in (place.staged.raw, place.staged.clean))
        offset, stored = self._bytes(place, name)
        return Origin(place.staged.label, name, str(place), raw, clean, carried, offset, stored)

    def _bytes(self, place: _Place, column: str) -> tuple[int | None, str | None]:
        raw_cell = getattr(self.idb, "raw_cell", None)
        if raw_cell is None or place.staged.ids is None or column in place.staged.absent:
            return None, None
        own = (place.staged.source_columns or {}).get(column, column)
        cell = raw_cell(place.staged.source_name, int(place.staged.ids[place.row]), own)
        return cell.at or None, cell.stored.hex() if cell.stored is not None else None

    def _lookup(self, node: m.LookedUp | m.Known) -> LookupUse:
        lookup = self.run.mapping.lookups[node.lookup]
        for reference in contributions(node.of, self.helpers):
            origin = self._origin(reference, True)
            if origin is not None and origin.clean is not None:
                return _met(lookup, cleaned(lookup, origin.clean))
        return LookupUse(lookup.name)


def _met(lookup: m.Lookup, code: str) -> LookupUse:
    for row in lookup.rows:
        if row.code == code:
            given = (row.to, row.equivalence, row.confidence, row.source, row.note)
            return LookupUse(lookup.name, code, *given, str(row.place))
    return LookupUse(lookup.name, code, note=f"no row of the lookup has this code: {lookup.unknown}")


def _text(table: pa.Table, column: str, row: int) -> str | None:
    return table[column].cast(pa.string())[row].as_py() if column in table.column_names else None
