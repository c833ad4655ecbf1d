"""Columns of a data set under the names that the queries of :mod:`idbmigrate.measures.facts` know.

Codes become yes or no, days become numbers (days since 1 January 1970) and scores hundredths, so that the
queries hold whole numbers and texts alone and mean the same in every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.measures.load import load_definitions
from idbmigrate.measures.model import HUNDREDTHS, Reading

Tables = Mapping[str, pa.Table]
Column: TypeAlias = pa.ChunkedArray | pa.Array

_SCORES = pa.schema([("activity", pa.string()), ("tool", pa.string()), ("value", pa.int64())])
#: A qualifier of a procedure that was offered and refused.
_REFUSED = "=443390004"


class Bound:
    """The relations that a reading makes of the tables of a data set, which hold text.

    ``support``: whether employment support counts as individual placement and support. ``own``: whether its
    referrals stand in the data set as such, or are made of the contacts for it.
    """

    def __init__(self, reading: Reading, tables: Tables, support: bool):
        self.roles, self.tables, self.support = reading.roles, tables, support
        self.codes = {name: each.values for name, each in load_definitions().codes.items()}

    def relations(self) -> dict[str, pa.Table]:
        """The tables that the first queries read, by name."""
        contact = _told_once(self._table("contact"))
        return {
            "referral_in": self._referral(),
            "contact_in": self._contact(contact),
            "activity_in": self._activity(contact),
            "score_in": self._score(contact),
            "employment_in": self._employment(contact),
        }

    def _table(self, role: str) -> pa.Table:
        return self.tables.get(self.roles.get(role, {}).get("table", ""), pa.table({}))

    def _column(self, table: pa.Table, role: str, item: str) -> Column:
        return _text(table, self.roles.get(role, {}).get(item))

    def _referral(self) -> pa.Table:
        table = self._table("referral")
        ended = day_numbers(self._column(table, "referral", "ended"))
        source = self._column(table, "referral", "source")
        return pa.table(
            {
                "line": _rows(table),
                "key": self._column(table, "referral", "key"),
                "patient": self._column(table, "referral", "patient"),
                "provider": self._column(table, "referral", "provider"),
                "received": day_numbers(self._column(table, "referral", "received")),
                "ended": ended,
                "end_of_month": month_ends(ended),
                "diagnosis": self._diagnosis(table),
                "self_referred": _among(source, self.codes["self_referral"]),
                "support": self._support_referrals(table),
            }
        )

    def _diagnosis(self, referrals: pa.Table) -> pa.Array:
        """The provisional diagnosis: of the referral itself, or the first that its complaints name."""
        role = self.roles.get("diagnosis", {})
        if "table" not in role:
            return cleaned_diagnoses(_text(referrals, role.get("code")))
        complaints = self._table("diagnosis")
        icd = complaints.filter(_among(_text(complaints, role["scheme"]), role["schemes"]))
        at = pc.index_in(
            self._column(referrals, "referral", "key"), value_set=_flat(_text(icd, role["referral"]))
        )
        return cleaned_diagnoses(_flat(_text(icd, role["code"])).take(_flat(at)))

    def _support_referrals(self, referrals: pa.Table) -> pa.Array:
        """Which referrals are to an employment support team."""
        if "teams" not in self.roles:
            return _no(referrals.num_rows)
        teams, role = self._table("teams"), self.roles["teams"]
        chosen = teams.filter(_among(_text(teams, role["type"]), self.roles["support"]["team_types"]))
        keys = self._column(referrals, "referral", "key")
        if "referral" in role:
            return _held(keys, _text(chosen, role["referral"]))
        ids = _text(chosen, role["team"])
        first = _held(_text(referrals, role["of_referral"]), ids)
        others = self._table("other_teams")
        further = others.filter(_held(self._column(others, "other_teams", "team"), ids))
        return pc.or_(first, _held(keys, self._column(further, "other_teams", "referral")))

    def _contact(self, table: pa.Table) -> pa.Table:
        purpose = self._column(table, "contact", "purpose")
        attendance = self._column(table, "contact", "attendance")
        mechanism = self._column(table, "contact", "mechanism")
        day = day_numbers(self._column(table, "contact", "day"))
        return pa.table(
            {
                "line": _rows(table),
                "id": self._ids(table),
                "referral": self._column(table, "contact", "referral"),
                "patient": self._column(table, "contact", "patient"),
                "day": day,
                "financial_year": financial_years(day),
                "attended": _among(attendance, self.codes["attended"]),
                "missed": _among(attendance, self.codes["missed"]),
                "treatment": _among(purpose, self.codes["treatment"]),
                "follow_up": _among(purpose, self.codes["follow_up"]),
                "direct": _among(mechanism, self.roles.get("support", {}).get("mechanisms", ())),
                "support_day": day_numbers(self._column(table, "support", "received")),
            }
        )

    def _ids(self, contact: pa.Table) -> Column:
        if "key" in self.roles["contact"]:
            return self._column(contact, "contact", "key")
        return pc.cast(_rows(contact), pa.string())

    def _activity(self, contact: pa.Table) -> pa.Table:
        """Activities; where therapies are columns of the contact, one each, and one that holds the scores."""
        role = self.roles["activity"]
        if "columns" not in role:
            table = self._table("activity")
            procedure = self._column(table, "activity", "procedure")
            ids, contacts = (self._column(table, "activity", item) for item in ("key", "contact"))
            return self._procedures(ids, contacts, procedure)
        ids = self._ids(contact)
        none = pa.nulls(contact.num_rows, pa.string())
        parts = [self._procedures(ids, ids, none)]
        parts += [self._procedures(none, ids, _text(contact, name)) for name in role["columns"]]
        return pa.concat_tables(parts)

    def _procedures(self, ids: Column, contacts: Column, procedure: Column) -> pa.Table:
        role = self.roles["activity"]
        concept = pc.replace_substring_regex(procedure, r":.*$", "")
        refused = pc.fill_null(pc.match_substring(procedure, _REFUSED), False)
        known = self.roles.get("support", {}).get("procedures", ()) if self.support else ()
        support = _flat(pc.and_not(_among(concept, known), refused))
        return pa.table(
            {
                "id": ids,
                "contact": contacts,
                "support": support,
                "other": _flat(pc.and_(pc.is_valid(procedure), pc.invert(support))),
                "low": _among(concept, role.get("low", ())),
                "high": _among(concept, role.get("high", ())),
            }
        )

    def _score(self, contact: pa.Table) -> pa.Table:
        role = self.roles["scores"]
        if "columns" in role:
            ids = self._ids(contact)
            parts = [_scores(ids, tool, _text(contact, name)) for tool, name in role["columns"].items()]
        else:
            table = self._table("scores")
            kind = self._column(table, "scores", "tool")
            parts = []
            for tool, concept in role["tools"].items():
                chosen = table.filter(_among(kind, [concept]))
                columns = (self._column(chosen, "scores", item) for item in ("activity", "value"))
                ids, values = columns
                parts.append(_scores(ids, tool, values))
        together = pa.concat_tables(parts)
        return together.append_column("line", _rows(together))

    def _employment(self, contact: pa.Table) -> pa.Table:
        """Employment statuses with their day, of a patient or, where contacts hold them, of a contact."""
        role = self.roles.get("employment", {})
        own = "table" in role
        table = self._table("employment") if own else contact
        status = _text(table, role.get("status"))
        day = role.get("day") if own else self.roles["contact"].get("day")
        made = pa.table(
            {
                "line": _rows(table),
                "contact": pa.nulls(table.num_rows, pa.string()) if own else self._ids(contact),
                "patient": self._column(table, "employment" if own else "contact", "patient"),
                "day": day_numbers(_text(table, day)),
                "employed": _among(status, self.codes["employed"]),
            }
        )
        return made.filter(_flat(pc.is_valid(status)))


def _scores(activity: Column, tool: str, values: Column) -> pa.Table:
    columns = [activity, pa.repeat(tool, len(values)), hundredths(values)]
    return pa.table(columns, names=_SCORES.names).cast(_SCORES)


def _told_once(table: pa.Table) -> pa.Table:
    """The rows without exact repeats, in their order: files of several months are put together by hand."""
    if not table.num_columns:
        return table
    columns, row = table.column_names, "row of the file"
    first = table.append_column(row, _rows(table)).group_by(columns).aggregate([(row, "min")])
    return first.sort_by(f"{row}_min").select(columns)


def _rows(table: pa.Table) -> pa.Array:
    return pa.array(np.arange(table.num_rows, dtype=np.int64))


def _text(table: pa.Table, name: str | None) -> Column:
    if name is None or name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return table[name].cast(pa.string())  # what was staged may be a dictionary


def _held(values: Column, among: Column) -> pa.Array:
    """Whether each value is one of others, and no missing one."""
    return _flat(pc.is_in(values, value_set=_flat(among), skip_nulls=True))


def _no(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(False), count)


def _flat(values: Column) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _among(values: Column, codes: Iterable[str]) -> pa.Array:
    """Whether codes are among those given, with and without leading zeros, as the centre reads them."""
    bare = pc.utf8_ltrim(values, characters="0")
    wanted = pa.array([code.lstrip("0") for code in codes], pa.string())
    return _flat(pc.is_in(bare, value_set=wanted, skip_nulls=True))


def days(values: Column) -> Column:
    """Days as ``YYYY-MM-DD``, from that form or DD/MM/YYYY, with or without a clock behind; else missing."""
    turned = pc.replace_substring_regex(values, r"^(\d{2})/(\d{2})/(\d{4})([T ].*)?$", r"\3-\2-\1")
    bare = pc.replace_substring_regex(turned, r"^(\d{4}-\d{2}-\d{2})[T ].*$", r"\1")
    fits = pc.match_substring_regex(bare, r"^\d{4}-\d{2}-\d{2}$")
    return pc.if_else(fits, bare, pa.scalar(None, pa.string()))


def day_numbers(values: Column) -> pa.Array:
    """Days since 1 January 1970; missing where the text is no day that the calendar has."""
    texts = _flat(days(values))
    year, month, day = (
        pc.cast(pc.fill_null(pc.utf8_slice_codeunits(texts, start, stop), "0"), pa.int64()).to_numpy(
            zero_copy_only=False
        )
        for start, stop in ((0, 4), (5, 7), (8, 10))
    )
    first = _first_days(year * 12 + month - 1)
    found = first + day - 1
    last = _first_days(year * 12 + month) - 1
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (found <= last)
    return pa.array(found, mask=~exists)


def _first_days(months: np.ndarray) -> np.ndarray:
    """The first day of months, counted from January of the year 0."""
    return (months - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def month_ends(numbers: pa.Array) -> pa.Array:
    """The last day of the month in which each day lies."""
    return _by_day(numbers, lambda day: _first_days(_months(day) + 1) - 1)


def financial_years(numbers: pa.Array) -> pa.Array:
    """The year in which the financial year of each day begins, in April."""
    return _by_day(numbers, lambda day: (_months(day) - 3) // 12)


def _months(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


def _by_day(numbers: pa.Array, made: Callable[[np.ndarray], np.ndarray]) -> pa.Array:
    day = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return pa.array(made(day), mask=pc.is_null(numbers).to_numpy(zero_copy_only=False))


def hundredths(values: Column) -> pa.Array:
    """Numbers of a questionnaire in hundredths; missing where the text is no number."""
    fits = pc.match_substring_regex(values, r"^\d{1,9}(\.\d+)?$")
    numbers = pc.cast(pc.if_else(fits, values, pa.scalar(None, pa.string())), pa.float64())
    return _flat(pc.cast(pc.round(pc.multiply(numbers, float(HUNDREDTHS))), pa.int64()))


def cleaned_diagnoses(values: Column) -> pa.Array:
    """ICD-10 codes as the centre cleans them: capitals, no signs, O read as 0, cut to four characters."""
    capitals = pc.replace_substring_regex(pc.utf8_upper(values), r"[^A-Z0-9]", "")
    return _flat(pc.utf8_slice_codeunits(pc.replace_substring(capitals, "O", "0"), 0, 4))
