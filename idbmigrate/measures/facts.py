"""What is known of each referral and contact: three relations that every data set is brought to.

First a reading binds columns of the data set to fixed names, and codes become yes or no; then queries
that are the same for every data set make the relations ``referrals``, ``contacts`` and ``support``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot

from idbmigrate.engine import Engine
from idbmigrate.measures.load import load_definitions
from idbmigrate.measures.model import Reading

Tables = Mapping[str, pa.Table]

#: The latest state of each referral; several rows of one are the same referral told again.
_REFERRAL = """
SELECT key, patient, received, ended, support FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY key ORDER BY ended DESC NULLS LAST, received NULLS LAST) AS place
  FROM (
    SELECT key, patient, TRY_CAST(received AS DATE) AS received, TRY_CAST(ended AS DATE) AS ended, support
    FROM referral_in WHERE key IS NOT NULL)
) WHERE place = 1
"""

#: Contacts with what their activities say of employment support: in it, and in nothing else.
_CONTACT = """
WITH procedure AS (
  SELECT contact, BOOL_OR(support) AS support, BOOL_OR(other) AS other FROM activity_in GROUP BY contact)
SELECT c.id, c.referral, TRY_CAST(c.day AS DATE) AS day, c.clock,
  c.attended, c.treatment, c.follow_up, c.direct,
  TRY_CAST(c.support_day AS DATE) AS support_day, COALESCE(p.support, FALSE) AS support,
  COALESCE(p.support AND NOT p.other, FALSE) AS support_alone
FROM contact_in AS c LEFT JOIN procedure AS p ON p.contact = c.id
"""

#: Scores of attended contacts that are no follow-up, each with its place from the first and from the last.
_SCORE = """
SELECT key, tool, value,
  ROW_NUMBER() OVER (PARTITION BY key, tool ORDER BY day, clock NULLS FIRST, value DESC) AS from_first,
  ROW_NUMBER() OVER (PARTITION BY key, tool ORDER BY day DESC, clock DESC NULLS LAST, value) AS from_last
FROM (
  SELECT c.referral AS key, c.day, c.clock, s.tool, TRY_CAST(TRY_CAST(s.value AS DOUBLE) AS INTEGER) AS value
  FROM score_in AS s JOIN activity_in AS a ON a.id = s.activity JOIN contact AS c ON c.id = a.contact
  WHERE c.attended AND NOT c.follow_up AND c.day IS NOT NULL)
WHERE value IS NOT NULL
"""

_REFERRALS = """
WITH treatment AS (
  SELECT referral, COUNT(*) AS treatments, MIN(day) AS first_treatment
  FROM contact WHERE attended AND treatment AND day IS NOT NULL GROUP BY referral),
outcome AS (
  SELECT key,
    MAX(CASE WHEN tool = 'phq9' AND from_first = 1 THEN value END) AS phq9_first,
    MAX(CASE WHEN tool = 'phq9' AND from_last = 1 THEN value END) AS phq9_last,
    MAX(CASE WHEN tool = 'gad7' AND from_first = 1 THEN value END) AS gad7_first,
    MAX(CASE WHEN tool = 'gad7' AND from_last = 1 THEN value END) AS gad7_last
  FROM score GROUP BY key)
SELECT r.key AS who, r.received, r.ended, COALESCE(t.treatments, 0) AS treatments, t.first_treatment,
  DATE_DIFF('day', r.received, t.first_treatment) AS wait,
  o.phq9_first, o.phq9_last, o.phq9_first - o.phq9_last AS phq9_fall, o.phq9_last - o.phq9_first AS phq9_rise,
  o.gad7_first, o.gad7_last, o.gad7_first - o.gad7_last AS gad7_fall, o.gad7_last - o.gad7_first AS gad7_rise
FROM referral AS r LEFT JOIN treatment AS t ON t.referral = r.key LEFT JOIN outcome AS o ON o.key = r.key
WHERE NOT r.support
"""

_CONTACTS = """
SELECT c.referral AS who, CASE WHEN c.attended THEN c.day END AS attended_on
FROM contact AS c LEFT JOIN referral AS r ON r.key = c.referral
WHERE NOT c.support_alone AND NOT COALESCE(r.support, FALSE)
"""

#: One row a referral; in legacy data employment support shares the referral of the therapy.
_SUPPORT = """
SELECT r.patient AS who,
  CASE WHEN o.own THEN r.received
    ELSE LEAST(MIN(c.support_day), MIN(CASE WHEN c.support THEN c.day END)) END AS support_received,
  MIN(CASE WHEN (c.support OR r.support) AND c.attended AND c.direct THEN c.day END) AS support_access
FROM referral AS r CROSS JOIN own_in AS o LEFT JOIN contact AS c ON c.referral = r.key
GROUP BY r.key, r.patient, r.received, o.own
HAVING r.patient IS NOT NULL
"""

_STEPS = (
    ("referral", _REFERRAL),
    ("contact", _CONTACT),
    ("score", _SCORE),
    ("referrals", _REFERRALS),
    ("contacts", _CONTACTS),
    ("support", _SUPPORT),
)


def make_facts(engine: Engine, reading: Reading, tables: Tables, support: bool = True) -> None:
    """Register the three relations of a data set's tables, which hold text, in the engine.

    ``support``: whether employment support counts as individual placement and support.
    """
    for name, table in _Bound(reading, tables, support).relations().items():
        engine.register(name, table)
    for name, query in _STEPS:
        engine.register(name, engine.run(sqlglot.parse_one(query, read="duckdb")))


class _Bound:
    """Columns of a data set under the names that the queries know."""

    def __init__(self, reading: Reading, tables: Tables, support: bool):
        self.roles, self.tables, self.support = reading.roles, tables, support
        self.own = reading.own_support_referral
        self.codes = {name: each.values for name, each in load_definitions().codes.items()}

    def relations(self) -> dict[str, pa.Table]:
        contact = _told_once(self._table("contact"))
        return {
            "referral_in": self._referral(),
            "contact_in": self._contact(contact),
            "activity_in": self._activity(contact),
            "score_in": self._score(contact),
            "own_in": pa.table({"own": [self.own]}),
        }

    def _table(self, role: str) -> pa.Table:
        return self.tables.get(self.roles.get(role, {}).get("table", ""), pa.table({}))

    def _column(self, table: pa.Table, role: str, item: str) -> pa.ChunkedArray | pa.Array:
        name = self.roles.get(role, {}).get(item)
        return _text(table, name)

    def _referral(self) -> pa.Table:
        table = self._table("referral")
        return pa.table(
            {
                "key": self._column(table, "referral", "key"),
                "patient": self._column(table, "referral", "patient"),
                "received": days(self._column(table, "referral", "received")),
                "ended": days(self._column(table, "referral", "ended")),
                "support": self._support_referrals(table),
            }
        )

    def _support_referrals(self, referrals: pa.Table) -> pa.Array:
        """Which referrals are to an employment support team."""
        if not self.own:
            return _no(referrals.num_rows)
        teams, role = self._table("teams"), self.roles["teams"]
        chosen = teams.filter(_among(_text(teams, role["type"]), self.roles["support"]["team_types"]))
        if "referral" in role:
            ids, column = _text(chosen, role["referral"]), self.roles["referral"]["key"]
        else:
            ids, column = _text(chosen, role["team"]), role["of_referral"]
        return _flat(pc.is_in(_text(referrals, column), value_set=_flat(ids), skip_nulls=True))

    def _contact(self, table: pa.Table) -> pa.Table:
        purpose = self._column(table, "contact", "purpose")
        attendance = self._column(table, "contact", "attendance")
        mechanism = self._column(table, "contact", "mechanism")
        support = self.roles.get("support", {})
        return pa.table(
            {
                "id": self._ids(table),
                "referral": self._column(table, "contact", "referral"),
                "day": days(self._column(table, "contact", "day")),
                "clock": self._column(table, "contact", "clock"),
                "attended": _among(attendance, self.codes["attended"]),
                "treatment": _among(purpose, self.codes["treatment"]),
                "follow_up": _among(purpose, self.codes["follow_up"]),
                "direct": _among(mechanism, support.get("mechanisms", ())),
                "support_day": days(self._column(table, "support", "received")),
            }
        )

    def _ids(self, contact: pa.Table) -> pa.Array | pa.ChunkedArray:
        if "key" in self.roles["contact"]:
            return self._column(contact, "contact", "key")
        return pc.cast(pa.array(np.arange(contact.num_rows)), pa.string())

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

    def _procedures(self, ids, contacts, procedure) -> pa.Table:
        known = self.roles.get("support", {}).get("procedures", ()) if self.support else ()
        support = _among(procedure, known)
        other = pc.and_(pc.is_valid(procedure), pc.invert(support))
        return pa.table({"id": ids, "contact": contacts, "support": support, "other": other})

    def _score(self, contact: pa.Table) -> pa.Table:
        role = self.roles["scores"]
        if "columns" in role:
            ids = self._ids(contact)
            parts = [
                pa.table({"activity": ids, "tool": pa.repeat(tool, len(ids)), "value": _text(contact, name)})
                for tool, name in role["columns"].items()
            ]
            return pa.concat_tables(part.cast(_SCORES) for part in parts)
        table = self._table("scores")
        activity, value = (self._column(table, "scores", item) for item in ("activity", "value"))
        tools = self._column(table, "scores", "tool")
        parts = [
            pa.table({"activity": activity, "tool": pa.repeat(tool, table.num_rows), "value": value}).filter(
                _among(tools, [concept])
            )
            for tool, concept in role["tools"].items()
        ]
        return pa.concat_tables(part.cast(_SCORES) for part in parts)


_SCORES = pa.schema([(name, pa.string()) for name in ("activity", "tool", "value")])


def _told_once(table: pa.Table) -> pa.Table:
    """The rows without exact repeats: files of several months are put together by hand."""
    return table.group_by(table.column_names).aggregate([]) if table.num_columns else table


def _text(table: pa.Table, name: str | None) -> pa.ChunkedArray | pa.Array:
    if name is None or name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return table[name].cast(pa.string())  # what was staged may be a dictionary


def _no(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(False), count)


def _flat(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _among(values: pa.ChunkedArray | pa.Array, codes: Iterable[str]) -> pa.Array:
    """Whether codes are among those given, with and without leading zeros, as the centre reads them."""
    bare = pc.utf8_ltrim(values, characters="0")
    wanted = pa.array([code.lstrip("0") for code in codes], pa.string())
    return _flat(pc.is_in(bare, value_set=wanted, skip_nulls=True))


def days(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Days as ``YYYY-MM-DD``, from that form or DD/MM/YYYY, with or without a clock behind; else missing."""
    turned = pc.replace_substring_regex(values, r"^(\d{2})/(\d{2})/(\d{4})([T ].*)?$", r"\3-\2-\1")
    bare = pc.replace_substring_regex(turned, r"^(\d{4}-\d{2}-\d{2})[T ].*$", r"\1")
    fits = pc.match_substring_regex(bare, r"^\d{4}-\d{2}-\d{2}$")
    return pc.if_else(fits, bare, pa.scalar(None, pa.string()))
