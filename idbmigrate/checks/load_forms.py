"""Read check forms: which keys each may have, and what their values must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from idbmigrate.checks import forms, forms_joined
from idbmigrate.checks.forms import Form
from idbmigrate.checks.operands import Operand
from idbmigrate.checks.values import ALGORITHMS

if TYPE_CHECKING:
    from idbmigrate.checks.load import Reader


def _plain(kind: type[Form], **fixed: Any) -> Callable[[Reader, Any, str], Form]:
    """Reader of a form whose spec is a column, or a mapping of its fields."""
    names = {each.name for each in fields(cast(Any, kind))} - set(fixed)
    keys = {"in" if name == "values" else "is" if name == "algorithm" else name for name in names}
    numbers = {"min", "max"}

    def read(reader: Reader, spec: Any, place: str) -> Form:
        if isinstance(spec, str):
            spec = {"column": spec}
        spec = dict(reader.mapping(spec, keys | ({"plus"} if "than" in keys else set()), place))
        plus = spec.pop("plus", None)
        values: dict[str, Any] = dict(fixed)
        for key, value in spec.items():
            if key == "in":
                values["values"] = reader.texts(value, place)
            elif key == "is":
                values["algorithm"] = reader.text(value, place)
                if value not in ALGORITHMS:
                    raise reader.refused(f"there is no algorithm {value!r}", place)
            elif key == "than":
                values["than"] = _operand(reader, value, plus, place)
            elif key in numbers:
                values[key] = _whole(reader, value, place)
            elif key in ("icd10", "snomed"):
                values[key] = reader.texts(value, place)
            else:
                values[key] = reader.text(value, place)
        try:
            form = kind(**values)
        except TypeError:
            raise reader.refused(f"the form needs {', '.join(sorted(keys))}", place) from None
        _compilable(reader, getattr(form, "pattern", None), place)
        return form

    return read


def _compilable(reader: Reader, pattern: str | None, place: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error:
        raise reader.refused("the pattern is not a regular expression", place) from None


def _whole(reader: Reader, value: Any, place: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,4}", value):
        raise reader.refused("a whole number is expected here", place)
    return int(value)


def _operand(reader: Reader, value: Any, plus: Any, place: str) -> Operand:
    moved = {unit: _whole(reader, number, place) for unit, number in (plus or {}).items()}
    if set(moved) - {"years", "days"}:
        raise reader.refused("plus takes years and days", place)
    operand = Operand(reader.text(value, place), **moved)
    if moved and not operand.outside:
        raise reader.refused("plus moves only a value from outside the table", place)
    return operand


def _joined(join: str) -> Callable[[Reader, Any, str], Form]:
    def read(reader: Reader, spec: Any, place: str) -> Form:
        if not isinstance(spec, list) or not spec:
            raise reader.refused("a list of checks is expected here", place)
        return forms_joined.Joined(join, tuple(reader.form(part, place) for part in spec))

    return read


def _unique(reader: Reader, spec: Any, place: str) -> Form:
    spec = {"columns": spec} if isinstance(spec, list) else spec
    spec = reader.mapping(spec, {"columns", "where", "blanks"}, place)
    where = reader.form(spec["where"], place) if "where" in spec else None
    if spec.get("blanks") not in (None, "equal"):
        raise reader.refused("blanks takes only the word equal", place)
    return forms_joined.Unique(reader.texts(spec.get("columns"), place), where, "blanks" in spec)


def _across(
    kind: type[forms_joined.Without] | type[forms_joined.Child],
) -> Callable[[Reader, Any, str], Form]:
    def read(reader: Reader, spec: Any, place: str) -> Form:
        spec = reader.mapping(spec, {"column", "table", "where"}, place)
        where = reader.form(spec["where"], place) if "where" in spec else None
        values = {name: reader.text(spec.get(name), place) for name in ("column", "table")}
        return kind(**values, where=where)

    return read


def _file(aspect: str) -> Callable[[Reader, Any, str], Form]:
    return lambda reader, spec, place: forms_joined.WholeFile(aspect, reader.text(spec, place))


#: name of a form in a rule pack -> what reads it
FORMS: dict[str, Callable[[Reader, Any, str], Form]] = {
    "blank": _plain(forms.Blank),
    "missing": _plain(forms.Missing),
    "given": _plain(forms.Given),
    "length": _plain(forms.Length),
    "digits": _plain(forms.Digits),
    "pattern": _plain(forms.Pattern),
    "matches": _plain(forms.Matches),
    "date": _plain(forms.Date),
    "time": _plain(forms.Time),
    "timestamp": _plain(forms.Timestamp),
    "offset_timestamp": _plain(forms.OffsetTimestamp),
    "is": _plain(forms.Is),
    "code": _plain(forms.Code),
    "check": _plain(forms.Algorithm),
    "month_before": _plain(forms.MonthBefore),
    "after": _plain(forms.Compared, relation="after"),
    "before": _plain(forms.Compared, relation="before"),
    "differs": _plain(forms.Compared, relation="differs"),
    "equals": _plain(forms.Compared, relation="equals"),
    "coded": _plain(forms_joined.Coded),
    "score": _plain(forms_joined.Score),
    "continued": _plain(forms_joined.Continued),
    "parent": _plain(forms_joined.Parent),
    "unique": _unique,
    "without": _across(forms_joined.Without),
    "child": _across(forms_joined.Child),
    "all": _joined("all"),
    "any": _joined("any"),
    "none": _joined("none"),
    "empty": _file("empty"),
    "repeated_header": _file("repeated_header"),
    "header_invalid": _file("header_invalid"),
    "nothing_left": _file("nothing_left"),
    "structure": _file("structure"),
}
