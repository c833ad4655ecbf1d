"""Values of a mapping's parameters: what the user set, else what the mapping's defaults make of the data."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.compiler import scalar
from idbmigrate.engine import Engine
from idbmigrate.errors import DescriptionError, UsageError
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.mapping.model import ParameterSpec
from idbmigrate.staging.tables import StagedTable

PERIOD = ("period_start", "period_end")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")
#: A parameter ends up in every row, so its text is bounded.
MAX_LENGTH = 255


def month_bounds(month: str) -> tuple[str, str]:
    """First and last day of ``YYYY-MM``; ``UsageError`` where it is not a month."""
    if not _MONTH.match(month):
        raise UsageError(
            f"{month!r} is not a month", code="bad-option", hint="write it as YYYY-MM, for example 2016-04"
        )
    last = calendar.monthrange(int(month[:4]), int(month[5:]))[1]
    return f"{month}-01", f"{month}-{last:02d}"


def resolve(
    mapping: MappingFile,
    given: Mapping[str, str],
    staged: Mapping[str, StagedTable],
    engine: Engine,
    month: str | None = None,
) -> dict[str, str]:
    """Value of every parameter of the mapping.

    ``month`` (``YYYY-MM``) sets ``period_start`` and ``period_end``. Raises ``UsageError`` for a name that
    the mapping does not have, a value that is not among its choices, or one that is missing.
    """
    unknown = sorted(set(given) - set(mapping.parameters))
    if unknown:
        raise UsageError(
            f"the mapping has no parameter {unknown[0]!r}",
            code="bad-option",
            hint=f"parameters: {', '.join(mapping.parameters) or 'none'}",
        )
    fixed = dict(given)
    if month is not None:
        fixed |= dict(zip(PERIOD, month_bounds(month), strict=True))
    resolver = _Resolver(mapping, fixed, staged, engine)
    return {name: resolver.value(name) for name in mapping.parameters}


class _Resolver:
    def __init__(
        self, mapping: MappingFile, fixed: dict[str, str], staged: Mapping[str, StagedTable], engine: Engine
    ):
        self.mapping, self.fixed, self.staged, self.engine = mapping, fixed, staged, engine
        self.open: set[str] = set()
        self.ranges: dict[tuple[str, str], pa.Table] = {}

    def value(self, name: str) -> str:
        spec = self.mapping.parameters.get(name)
        if spec is None:
            raise DescriptionError(
                f"there is no parameter {name!r}", code="mapping-invalid", where=self.mapping.place
            )
        if name not in self.fixed:
            if name in self.open:
                raise DescriptionError(
                    "a parameter is its own default", code="mapping-invalid", where=spec.place
                )
            self.open.add(name)
            self.fixed[name] = self._computed(spec, spec.default)
        return self._checked(spec, self.fixed[name])

    def _checked(self, spec: ParameterSpec, text: str) -> str:
        if spec.one_of and text not in spec.one_of:
            raise UsageError(
                f"{spec.name} is one of {', '.join(spec.one_of)}",
                code="bad-option",
                hint=f"--set {spec.name}={spec.one_of[0]}",
            )
        if len(text) > MAX_LENGTH:
            raise UsageError(f"{spec.name} is longer than {MAX_LENGTH} characters", code="bad-option")
        return text

    def _computed(self, spec: ParameterSpec, default: tuple[str, object] | None) -> str:
        found = self._default(default) if default else None
        if found is None:
            raise UsageError(
                f"the parameter {spec.name} ({spec.title}) has no value and the file does not give one",
                code="bad-option",
                hint=f"--set {spec.name}=...",
            )
        return found

    def _default(self, default: tuple[str, object]) -> str | None:
        kind, operand = default
        kinds: dict[str, Callable[[], str | None]] = {
            "text": lambda: str(operand),
            "parameter": lambda: self.value(str(operand)),
            "most_common": lambda: self._most_common(operand),
            "earliest": lambda: self._date(operand, "earliest"),
            "latest": lambda: self._date(operand, "latest"),
            "month_start": lambda: self._month(operand, 0),
            "month_end": lambda: self._month(operand, 1),
        }
        return kinds[kind]()

    def _columns(self, operand: Any) -> list[tuple[str, str]]:
        found = []
        for table, column in operand:
            if table not in self.staged or column not in self.staged[table].clean.column_names:
                raise DescriptionError(
                    f"a parameter default names {table}.{column}, which the source does not have",
                    code="mapping-invalid",
                    where=self.mapping.place,
                )
            found.append((table, column))
        return found

    def _most_common(self, operand: Any) -> str | None:
        """The text that occurs most often; of several the first in order."""
        for table, column in self._columns(operand):
            counts = pc.value_counts(self.staged[table].clean[column].drop_null())
            if len(counts):
                numbers, texts = (counts.field(name).to_pylist() for name in ("counts", "values"))
                pairs = zip(numbers, texts, strict=True)
                return min(pairs, key=lambda pair: (-pair[0], pair[1]))[1]
        return None

    def _date(self, operand: Any, which: str) -> str | None:
        found = [self._range(table, column)[which][0].as_py() for table, column in self._columns(operand)]
        dates = [date for date in found if date is not None]
        return (min if which == "earliest" else max)(dates, default=None)

    def _range(self, table: str, column: str) -> pa.Table:
        """The first and the last date of a column, asked once."""
        if (table, column) not in self.ranges:
            query = scalar(self.mapping, table, column, self.staged[table].days)
            texts = pc.unique(self.staged[table].clean[column]).cast(pa.string())
            self.engine.register(p.staged(table), pa.table({column: texts}))
            self.ranges[table, column] = self.engine.run(query)
        return self.ranges[table, column]

    def _month(self, operand: Any, end: int) -> str | None:
        date = self._default(operand)
        return None if date is None else month_bounds(date[:7])[end]
