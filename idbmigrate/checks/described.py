"""Rules that follow from the description of a data set whose own rules were never published.

A pack that says ``described: {mandatory: EFFECT, other: EFFECT}`` has, for every column, what its description
knows: that it is mandatory, how it is written, its codes and its range; for every table its keys and
relations. Each rule has the source and the confidence of that fact, and is one of this project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idbmigrate.checks import check_types, joined_types
from idbmigrate.checks.model import Rule
from idbmigrate.datasets.model import weakest

if TYPE_CHECKING:
    from idbmigrate.checks.check_types import CheckType
    from idbmigrate.datasets import Dataset
    from idbmigrate.datasets.model import ColumnSpec, TableSpec

#: What ``described`` must name: the effect where a mandatory item or a parent is concerned, and elsewhere.
MANDATORY, OTHER = "mandatory", "other"

_UNKNOWN = "unknown"


def described_rules(dataset: Dataset, effects: Mapping[str, str]) -> Iterator[Rule]:
    """The rules of a data set by its description, table by table.

    ``effects`` names those by :data:`MANDATORY` and :data:`OTHER`.
    """
    for table in dataset.tables.values():
        maker = _Maker(table.name, effects)
        for column in table.columns.values():
            yield from _of_column(maker, column, dataset)
        yield from _of_keys(maker, table)


@dataclass(frozen=True)
class _Maker:
    """Makes the rules of one table; the code names table, column and kind, as nobody published another."""

    table: str
    effects: Mapping[str, str]

    def rule(
        self,
        kind: str,
        columns: tuple[str, ...],
        confidence: str,
        source: tuple[str, ...],
        check: CheckType | None = None,
        because: str | None = None,
        grave: bool = False,
    ) -> Rule:
        return Rule(
            code=f"{self.table}.{'+'.join(columns)}.{kind}",
            effect=self.effects[MANDATORY if grave else OTHER],
            kind=kind,
            table=self.table,
            columns=columns,
            check=check,
            source=tuple(dict.fromkeys(source)),
            confidence=confidence,
            because=because,
            published=False,
        )


def _of_column(maker: _Maker, column: ColumnSpec, dataset: Dataset) -> Iterator[Rule]:
    known, name = column.confidences, (column.name,)
    mandatory = column.requirement == "M"
    if mandatory:
        check = check_types.Blank(column.name)
        yield maker.rule("blank", name, known["requirement"], column.source, check, grave=True)
    shape = _shape(column) if known["format"] != _UNKNOWN else None
    because = None if shape else "format-not-public"
    yield maker.rule("format", name, known["format"], column.source, shape, because, mandatory)
    codes = dataset.codes_of(column)
    if codes is not None:
        sure = weakest(codes.confidence, known["codes"])
        yield maker.rule("code", name, sure, (*codes.source, *column.source), check_types.Code(column.name))
    elif known.get("codes") == _UNKNOWN:
        yield maker.rule("code", name, _UNKNOWN, column.source, because="list-not-public")
    if column.range is not None:
        within = check_types.Range(column.name, *map(int, column.range))
        yield maker.rule("score", name, column.confidence, column.source, within)


def _shape(column: ColumnSpec) -> CheckType | None:
    """The form that a value of the column must have by its format; none where a text may be of any length."""
    name, format = column.name, column.format
    if format.kind == "date":
        return check_types.Date(name)
    if format.kind == "time":
        return check_types.Time(name)
    if format.pattern is not None:
        pattern = format.pattern
        if format.kind == "decimal":  # a number type of Access does not keep the zeros of 2.0
            pattern = pattern.replace(r"\.", r"(\.") + ")?"
        return check_types.Pattern(name, f"^({pattern})$", f"written as {format.notation}")
    if format.max_length is None:
        return None
    return check_types.Length(name, format.min_length or 0, format.max_length)


def _of_keys(maker: _Maker, table: TableSpec) -> Iterator[Rule]:
    for column, (parent, _) in table.foreign_keys.items():
        check = joined_types.Parent(column, parent)
        source = table.columns[column].source
        yield maker.rule("relation", (column,), table.confidences["key"], source, check, grave=True)
    keys = [table.primary_key] if table.primary_key else []
    for columns in dict.fromkeys([*keys, *table.unique]):
        alone = joined_types.Unique(columns, None, False)
        yield maker.rule("uniqueness", columns, table.confidences["unique"], (), alone)
