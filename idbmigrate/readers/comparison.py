"""What a comparison of two readers found: places, rules, and who is believed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from idbmigrate.brief import brief
from idbmigrate.readers.faults import REASONS

#: Single differing cells listed for one column of one table; the others are counted.
DEFAULT_LIMIT = 20


@brief
@dataclass(frozen=True)
class Difference:
    """One place where the readers differ.

    ``page`` and ``slot``: where the row lies; in a CSV file ``page`` is its line. ``rule``: the known fault
    that explains it, None if none does; ``believed``: whose decoding holds. ``native`` and ``other`` say in
    words how the cells differ, never a value; ``raw`` has the values and the cell's bytes if they were asked
    for.
    """

    kind: str
    table: str
    column: str | None = None
    page: int | None = None
    slot: int | None = None
    native: str | None = None
    other: str | None = None
    rule: str | None = None
    raw: dict[str, Any] | None = None

    @property
    def believed(self) -> str | None:
        return "native" if self.rule else None

    @property
    def reason(self) -> str | None:
        return REASONS[self.rule] if self.rule else None

    def as_dict(self) -> dict[str, Any]:
        """The difference as a JSON-able dict."""
        return {**asdict(self), "believed": self.believed, "reason": self.reason}


@dataclass
class TableResult:
    """What the comparison of one table found; ``compared`` is False where the second reader gave nothing."""

    name: str
    declared_rows: int
    native_rows: int
    other_rows: int | None = None
    cells: int = 0
    compared: bool = True
    explained: int = 0
    unexplained: int = 0
    differences: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference, limit: int) -> None:
        """Count a difference, and keep it unless its column has ``limit`` of its rule already."""
        if difference.rule:
            self.explained += 1
        else:
            self.unexplained += 1
        alike = sum(d.column == difference.column and d.rule == difference.rule for d in self.differences)
        if alike < limit:
            self.differences.append(difference)


@dataclass
class Comparison:
    """The result of :func:`compare_readers`. ``agreed``: no difference is left without explanation."""

    file: str
    reader: str
    tables: list[TableResult]
    failure: str | None = None

    @property
    def agreed(self) -> bool:
        return not any(table.unexplained for table in self.tables)

    @property
    def complete(self) -> bool:
        """Whether every table could be compared."""
        return self.failure is None and all(table.compared for table in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as a JSON-able dict."""
        tables = [{**asdict(t), "differences": [d.as_dict() for d in t.differences]} for t in self.tables]
        return {
            "file": self.file,
            "native": "native",
            "second": self.reader,
            "agreed": self.agreed,
            "complete": self.complete,
            "failure": self.failure,
            "tables": tables,
        }
