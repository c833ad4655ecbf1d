"""What a comparison found: counts, names and numbers of rows; no value of a record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """Something that the manifests of two runs say differently: ``a`` and ``b`` are what they say.

    ``kind`` is source, mapping, lookup, parameter, overlay, option or tool; ``name`` which of them.
    """

    kind: str
    name: str
    a: str
    b: str


@dataclass(frozen=True)
class ColumnDifference:
    """Values of one column that differ between rows of one key.

    ``only_a`` and ``only_b`` count values that the other side lacks, ``changed`` those that both have.
    ``examples`` are pairs of row numbers, from 1, in the table of each side. ``rule`` is where the mapping
    fills the column, ``causes`` what of the runs bears on it, by kind and name.
    """

    column: str
    changed: int
    only_a: int
    only_b: int
    examples: tuple[tuple[int, int], ...]
    rule: str | None = None
    causes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.changed + self.only_a + self.only_b


@dataclass(frozen=True)
class TableComparison:
    """One table of both outputs.

    ``key`` are the columns that tell rows apart; without any, whole rows are compared. ``repeated`` counts
    rows, of both sides, whose key another row of their side has too: they are compared as whole rows.
    ``both`` counts rows that both have. ``missing`` says which side has no such table, ``columns_a`` and
    ``columns_b`` are columns that only one side has. Examples are row numbers, from 1.
    """

    table: str
    key: tuple[str, ...]
    rows_a: int
    rows_b: int
    both: int = 0
    only_a: int = 0
    only_b: int = 0
    repeated: int = 0
    examples_a: tuple[int, ...] = ()
    examples_b: tuple[int, ...] = ()
    columns_a: tuple[str, ...] = ()
    columns_b: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()
    missing: str | None = None

    @property
    def equal(self) -> bool:
        rows = self.only_a or self.only_b
        return not (rows or self.columns or self.columns_a or self.columns_b or self.missing)


@dataclass(frozen=True)
class Comparison:
    """Two outputs of one data set. ``differences`` is empty where one of them is no run of ours."""

    a: str
    b: str
    dataset: str
    tables: tuple[TableComparison, ...]
    differences: tuple[Difference, ...] = ()
    runs: bool = False

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows, in whatever order."""
        return all(table.equal for table in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as one JSON object."""
        return {"equal": self.equal, **asdict(self)}
