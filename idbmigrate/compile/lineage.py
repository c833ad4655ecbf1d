"""Ways of source rows and values into a target table, as its query tells them: the same for every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from idbmigrate.compile import plan as p


@dataclass(frozen=True)
class LineagePath:
    """One way of a source column into one target column, or of a source row into a target table.

    ``row_column`` says which row of the source table a target row was made from, ``item`` by which entry
    of an ``each`` (``None``: by any). The way of a row has neither field nor contribution.
    """

    query: p.TableQuery
    branch: int
    row_column: str = p.ROW
    item: int | None = None
    field: p.FieldColumns | None = None
    contribution: p.ContributionColumns | None = None

    @property
    def source(self) -> str | None:
        """The table whose rows the target rows are made from; a joined row is another's."""
        return self.query.branches[self.branch].source

    @property
    def joined(self) -> bool:
        return self.row_column != p.ROW

    @property
    def single(self) -> bool:
        """Whether no source row has more than one candidate row on this way."""
        return not self.joined and (self.item is not None or not self.query.branches[self.branch].items)

    @property
    def target(self) -> str:
        return f"{self.query.table}.{self.field.name}" if self.field else self.query.table

    @property
    def whys(self) -> list[str]:
        """Columns that say why the value was not carried; the first that says anything is right."""
        named = (self.contribution and self.contribution.why, self.field and self.field.misfit)
        return [name for name in named if name]


def paths(query: p.TableQuery) -> Iterator[tuple[str, str, LineagePath]]:
    """Every way into one target table, with the source table and column that it comes from."""
    for number, branch in enumerate(query.branches):
        source = branch.source or ""
        yield source, "", LineagePath(query, number)
        joined = {alias: (table, row_column) for alias, table, row_column in branch.joined}
        for field in branch.fields:
            for contribution in field.contributions:
                for reference in contribution.references:
                    if reference.alias == "item":
                        for item, name in enumerate(branch.items):
                            yield source, name, LineagePath(query, number, p.ROW, item, field, contribution)
                    elif not reference.alias:
                        path = LineagePath(query, number, p.ROW, None, field, contribution)
                        yield source, reference.name, path
                    elif reference.alias in joined:
                        table, row_column = joined[reference.alias]
                        path = LineagePath(query, number, row_column, None, field, contribution)
                        yield table, reference.name, path
