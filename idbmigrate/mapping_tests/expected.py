"""Holds what a test drew against what was made: rows in any order, ``*`` any value, ``#x`` the same one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from idbmigrate.mapping import model as m

ANY, LABEL = "*", "#"
#: Rows that nobody expected which a fault names; a test is small, and so is what it shows.
SHOWN = 3

Cells = tuple[str | None, ...]


def table_faults(test: m.MappingTest, made: Mapping[str, pa.Table]) -> list[str]:
    """What differs between the target tables that a test draws and those that were made."""
    labels: dict[str, str] = {}
    faults: list[str] = []
    for name, drawn in test.target.items():
        if name not in made:
            faults.append(f"{name} is not filled by this mapping")
            continue
        missing = [column for column in drawn.columns if column not in made[name].column_names]
        if missing:
            faults.append(f"{name} has no column {missing[0]}")
        elif not drawn.columns and made[name].num_rows:
            faults.append(f"{name} has {made[name].num_rows} rows where none are expected")
        elif drawn.columns:
            columns = (made[name][column].to_pylist() for column in drawn.columns)
            faults += _unmatched(name, drawn, list(zip(*columns, strict=True)), labels)
    return faults


def reject_faults(drawn: m.DrawnTable, rejects: Iterable[Mapping[str, str | None]]) -> list[str]:
    """Rows drawn under ``rejects`` that the rejects does not hold; it may hold others."""
    found = list(rejects)
    faults = []
    for cells in drawn.rows:
        wanted = dict(zip(drawn.columns, cells, strict=True))
        if not any(_is_among(wanted, row) for row in found):
            faults.append(f"rejects lack {_shown(wanted)}{_nearest(wanted, found)}")
    return faults


def _is_among(wanted: Mapping[str, str | None], row: Mapping[str, str | None]) -> bool:
    return all(
        cell == ANY or (row.get(name) or None) == cell or _headed(name, cell, row)
        for name, cell in wanted.items()
    )


def _headed(name: str, cell: str | None, row: Mapping[str, str | None]) -> bool:
    """A reason may be drawn by its first part alone."""
    return name == "reason" and cell is not None and str(row.get(name)).partition(":")[0] == cell


def _nearest(wanted: Mapping[str, str | None], found: list[Mapping[str, str | None]]) -> str:
    """The rejects of the same column, which are most likely what the drawn row was meant to be."""
    same = [row for row in found if all(row.get(key) == wanted.get(key) for key in ("table", "column"))]
    shown = "; ".join(_shown({key: row.get(key) for key in wanted}) for row in same[:SHOWN])
    return f" (found {shown})" if shown else ""


def _shown(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={cell if cell is not None else 'missing'}" for name, cell in row.items())


def _unmatched(name: str, drawn: m.DrawnTable, made: list[Cells], labels: dict[str, str]) -> list[str]:
    """Pair drawn rows with made ones, those with the fewest wildcards first; the rest are faults."""
    left = list(made)
    faults = []
    for row in sorted(drawn.rows, key=lambda row: sum(_is_open(cell, labels) for cell in row)):
        for candidate in left:
            bound = _bind(row, candidate, labels)
            if bound is not None:
                labels |= bound
                left.remove(candidate)
                break
        else:
            faults.append(f"{name} lacks {_shown(dict(zip(drawn.columns, row, strict=True)))}")
    for row in left[:SHOWN]:
        faults.append(f"{name} has unexpected {_shown(dict(zip(drawn.columns, row, strict=True)))}")
    return faults


def _is_open(cell: str | None, labels: Mapping[str, str]) -> bool:
    return cell == ANY or (cell is not None and cell.startswith(LABEL) and cell not in labels)


def _bind(row: Cells, candidate: Cells, labels: Mapping[str, str]) -> dict[str, str] | None:
    """Labels that have to be bound for the rows to agree, ``None`` where they cannot."""
    bound: dict[str, str] = {}
    for cell, value in zip(row, candidate, strict=True):
        if cell is not None and cell.startswith(LABEL) and len(cell) > 1:
            known = labels.get(cell, bound.get(cell))
            if value is None or (known is not None and known != value):
                return None
            bound[cell] = value
        elif cell == ANY:
            if value is None:
                return None
        elif cell != value:
            return None
    return bound
