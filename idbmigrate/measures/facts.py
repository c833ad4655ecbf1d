"""What is known of each referral and contact: the relations that every data set is brought to.

:mod:`idbmigrate.measures.bind` gives the columns; the queries here are the same for every data set. Days are
numbers and scores hundredths, so they need no cast and no date type, and any SQL engine runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import sqlglot

from idbmigrate.engine import Engine
from idbmigrate.measures.bind import Bound, Tables
from idbmigrate.measures.load import load_definitions
from idbmigrate.measures.model import Definitions, Disorder, Reading

#: The latest state of each referral: a pathway is a number, a patient and a provider. ``told`` says how many
#: pathways share number and patient; a contact names no provider, so with several it is nobody's.
_REFERRAL = """
SELECT pathway, key, patient, received, ended, end_of_month, diagnosis, self_referred, support,
  COUNT(*) OVER (PARTITION BY key, patient) AS told
FROM (
  SELECT line AS pathway, key, patient, received, ended, end_of_month, diagnosis, self_referred, support,
    ROW_NUMBER() OVER (
      PARTITION BY key, patient, provider
      ORDER BY CASE WHEN ended IS NULL THEN 1 ELSE 0 END, ended DESC,
        CASE WHEN received IS NULL THEN 1 ELSE 0 END, received, line) AS place
  FROM referral_in WHERE key IS NOT NULL) AS state
WHERE place = 1
"""

#: Contacts of the pathways. ``inside``: between the day of the referral and its end, or the period's.
_CONTACT = """
WITH therapy AS (
  SELECT contact, MAX(CASE WHEN support THEN 1 ELSE 0 END) AS support,
    MAX(CASE WHEN other THEN 1 ELSE 0 END) AS other,
    MAX(CASE WHEN low THEN 1 ELSE 0 END) AS low, MAX(CASE WHEN high THEN 1 ELSE 0 END) AS high
  FROM activity_in GROUP BY contact)
SELECT c.line, c.id, r.pathway, r.key AS referral, COALESCE(c.patient, r.patient) AS patient,
  c.day, c.financial_year, c.attended, c.missed, c.treatment, c.follow_up, c.direct, c.support_day,
  CASE WHEN c.day >= r.received AND (c.day <= r.ended
    OR (r.ended IS NULL AND (s.last IS NULL OR c.day <= s.last))) THEN 1 ELSE 0 END AS inside,
  COALESCE(p.support, 0) AS support, COALESCE(p.other, 0) AS other,
  COALESCE(p.low, 0) AS low, COALESCE(p.high, 0) AS high
FROM contact_in AS c
JOIN referral AS r ON r.key = c.referral AND (c.patient IS NULL OR c.patient = r.patient)
CROSS JOIN settings_in AS s
LEFT JOIN therapy AS p ON p.contact = c.id
WHERE r.told = 1
"""

#: Attended treatment contacts, numbered by day; of one day, by the order of their records.
_TREATMENT = """
SELECT pathway, day, ROW_NUMBER() OVER (PARTITION BY pathway ORDER BY day, line) AS place
FROM contact WHERE attended AND treatment AND inside = 1
"""

#: Scores of attended contacts that are no follow-up, each with its place from the first and from the last.
_SCORE = """
SELECT c.pathway, s.tool, s.value,
  ROW_NUMBER() OVER (PARTITION BY c.pathway, s.tool ORDER BY c.day, c.line, s.line) AS from_first,
  ROW_NUMBER() OVER (PARTITION BY c.pathway, s.tool ORDER BY c.day DESC, c.line DESC, s.line DESC)
    AS from_last,
  COUNT(*) OVER (PARTITION BY c.pathway, s.tool) AS scores
FROM score_in AS s
JOIN (SELECT id, contact FROM activity_in WHERE id IS NOT NULL GROUP BY id, contact) AS a ON a.id = s.activity
JOIN contact AS c ON c.id = a.contact
WHERE s.value IS NOT NULL AND c.attended AND NOT c.follow_up AND c.inside = 1
"""

#: The first and the last score of each questionnaire; a last one only of a referral that ended and has two.
_OUTCOME = """
SELECT r.pathway, MAX(r.diagnosis) AS diagnosis, {scores}
FROM score AS s JOIN referral AS r ON r.pathway = s.pathway GROUP BY r.pathway
"""
_SCORES = (
    "MAX(CASE WHEN s.tool = '{0}' AND s.from_first = 1 THEN s.value END) AS {0}_first",
    "MAX(CASE WHEN s.tool = '{0}' AND s.from_last = 1 AND s.scores > 1 AND r.ended IS NOT NULL"
    " THEN s.value END) AS {0}_last",
)

#: The anxiety measure: that of the disorder where it has a last score and the first is at caseness.
_ANXIETY = """
SELECT pathway, phq9_first, phq9_last, gad7_first, gad7_last,
  CASE {first} ELSE gad7_first END AS anxiety_first,
  CASE {last} ELSE gad7_last END AS anxiety_last,
  CASE {case} ELSE {gad7} END AS anxiety_case
FROM outcome
"""

_REFERRALS = """
WITH treated AS (
  SELECT pathway, COUNT(*) AS treatments, MIN(day) AS first_treatment,
    MIN(CASE WHEN place = 2 THEN day END) AS second_treatment
  FROM treatment GROUP BY pathway)
SELECT r.key AS who, r.received, r.ended, CASE WHEN r.self_referred THEN r.received END AS self_received,
  COALESCE(t.treatments, 0) AS treatments, t.first_treatment, t.second_treatment,
  t.first_treatment - r.received AS wait, t.second_treatment - t.first_treatment AS second_wait,
  a.phq9_first, a.phq9_last, a.phq9_first - a.phq9_last AS phq9_fall, a.phq9_last - a.phq9_first AS phq9_rise,
  a.gad7_first - a.gad7_last AS gad7_fall, a.gad7_last - a.gad7_first AS gad7_rise,
  a.anxiety_first - a.anxiety_case AS anxiety_first_above,
  a.anxiety_last - a.anxiety_case AS anxiety_last_above
FROM referral AS r
LEFT JOIN treated AS t ON t.pathway = r.pathway
LEFT JOIN anxiety AS a ON a.pathway = r.pathway
WHERE NOT r.support
"""

#: Contacts of the service. Those for employment support alone are none of its own where it counts as a team.
_CONTACTS = """
SELECT c.referral AS who, c.day AS contact_on,
  CASE WHEN c.attended AND c.inside = 1 THEN c.day END AS attended_on,
  CASE WHEN c.missed THEN c.day END AS missed_on,
  CASE WHEN c.low = 1 AND (c.attended OR c.missed) THEN c.day END AS low_on,
  CASE WHEN c.high = 1 AND (c.attended OR c.missed) THEN c.day END AS high_on
FROM contact AS c JOIN referral AS r ON r.pathway = c.pathway CROSS JOIN settings_in AS s
WHERE NOT r.support AND (s.own OR c.support = 0 OR c.other = 1)
"""

#: Direct contacts of employment support: all of a referral to its team, else those that name the procedure.
_SUPPORTED = """
SELECT c.pathway, c.financial_year, c.day
FROM contact AS c JOIN referral AS r ON r.pathway = c.pathway
WHERE (r.support OR c.support = 1) AND c.attended AND c.direct AND c.day IS NOT NULL
"""

_STATUS = """
SELECT r.pathway, e.employed,
  ROW_NUMBER() OVER (PARTITION BY r.pathway ORDER BY e.day DESC, e.line DESC) AS place
FROM referral AS r
JOIN (
  SELECT i.line, COALESCE(c.patient, i.patient) AS patient, i.day, i.employed
  FROM employment_in AS i LEFT JOIN contact AS c ON c.id = i.contact) AS e
  ON e.patient = r.patient AND e.day <= r.end_of_month
"""

#: One row a referral. In legacy data employment support shares the referral of the therapy; where it counts
#: as a referral of its own, that begins with its date, or else with its first contact.
_SUPPORT = """
WITH direct AS (SELECT pathway, MIN(day) AS access FROM supported GROUP BY pathway),
begun AS (
  SELECT pathway, MIN(support_day) AS referred, MIN(CASE WHEN support = 1 THEN day END) AS met
  FROM contact GROUP BY pathway),
seen AS (
  SELECT r.pathway, r.patient, r.ended, d.access,
    CASE WHEN s.own AND (r.support OR d.access IS NOT NULL) THEN r.received
      WHEN s.own THEN NULL
      WHEN b.referred IS NULL OR b.met < b.referred THEN b.met ELSE b.referred END AS received
  FROM referral AS r CROSS JOIN settings_in AS s
  LEFT JOIN direct AS d ON d.pathway = r.pathway LEFT JOIN begun AS b ON b.pathway = r.pathway
  WHERE r.patient IS NOT NULL)
SELECT i.pathway, i.patient AS who, i.received AS support_received, i.access AS support_access,
  i.ended AS support_ended,
  CASE WHEN e.employed THEN i.ended END AS employed_at_discharge,
  CASE WHEN i.ended IS NULL OR i.ended > s.last THEN i.access END AS support_open
FROM seen AS i CROSS JOIN settings_in AS s LEFT JOIN status AS e ON e.pathway = i.pathway AND e.place = 1
WHERE i.received IS NOT NULL
"""

_SUPPORT_YEARS = """
SELECT i.who, i.support_received AS year_received, MIN(d.day) AS year_access
FROM support AS i JOIN supported AS d ON d.pathway = i.pathway
GROUP BY i.pathway, i.who, i.support_received, d.financial_year
"""


def queries(definitions: Definitions) -> Iterator[tuple[str, str]]:
    """The relations in the order in which they are made, each with its query (SQL as DuckDB writes it)."""
    own = definitions.disorders
    tools = dict.fromkeys(["phq9", "gad7", *(each.tool for each in own)])
    anxiety = {
        "first": _by_disorder(definitions, [f"{each.tool}_first" for each in own]),
        "last": _by_disorder(definitions, [f"{each.tool}_last" for each in own]),
        "case": _by_disorder(definitions, [str(definitions.hundredths(each.case)) for each in own]),
        "gad7": definitions.hundredths("gad7_case"),
    }
    yield "referral", _REFERRAL
    yield "contact", _CONTACT
    yield "treatment", _TREATMENT
    yield "score", _SCORE
    yield "outcome", _OUTCOME.format(scores=", ".join(s.format(tool) for tool in tools for s in _SCORES))
    yield "anxiety", _ANXIETY.format(**anxiety)
    yield "referrals", _REFERRALS
    yield "contacts", _CONTACTS
    yield "supported", _SUPPORTED
    yield "status", _STATUS
    yield "support", _SUPPORT
    yield "support_years", _SUPPORT_YEARS


def _by_disorder(definitions: Definitions, values: list[str]) -> str:
    """The branches of a CASE, one for each disorder whose own measure takes the place of GAD-7."""
    pairs = zip(definitions.disorders, values, strict=True)
    return " ".join(f"WHEN {_has(each, definitions)} THEN {value}" for each, value in pairs)


def _has(disorder: Disorder, definitions: Definitions) -> str:
    """Whether the measure of a disorder takes the place of GAD-7."""
    code, tool = disorder.diagnosis, disorder.tool
    return (
        f"SUBSTRING(diagnosis, 1, {len(code)}) = '{code}' AND {tool}_last IS NOT NULL"
        f" AND {tool}_first >= {definitions.hundredths(disorder.case)}"
    )


def make_facts(
    engine: Engine,
    reading: Reading,
    tables: Tables,
    support: bool = True,
    own: bool | None = None,
    last: int | None = None,
) -> None:
    """Register the relations of a data set's tables, which hold text, in the engine.

    ``support``: whether employment support counts as individual placement and support; ``own``: whether its
    referral is the one that stands in the data set, by default as the reading says. ``last``: the last day
    of the period (days since 1 January 1970), ``None`` where all of the data is counted.
    """
    for name, table in Bound(reading, tables, support).relations().items():
        engine.register(name, table)
    own = reading.own_support_referral if own is None else own
    settings = {"own": pa.array([own]), "last": pa.array([last], pa.int64())}
    engine.register("settings_in", pa.table(settings))
    for name, query in queries(load_definitions()):
        engine.register(name, engine.run(sqlglot.parse_one(query, read="duckdb")))
