"""The one JSON document that every report is made from.

Sections (a section that does not apply is null or empty): ``input``, ``not_read``, ``identification``,
``mapping``, ``settings``, ``flow`` (tables in, tables out, which feeds which), ``ledger``, ``coverage`` of
the rules, ``vodim``, ``fate``, ``findings`` (counts by effect), ``root_causes``, ``dates`` (what each column
of text dates proves), ``keys``, ``unmapped``, ``confidence``. It holds no time of day, so that the same run
gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate import __version__
from idbmigrate.checks.causes import root_causes
from idbmigrate.checks.coverage import coverage
from idbmigrate.checks.model import EFFECTS, Outcome
from idbmigrate.checks.vodim import measure
from idbmigrate.reports.origins import origins, table_links

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset
    from idbmigrate.result.run import Run

#: Reasons of the ledger that say that a code was not carried.
CODE_REASONS = ("unknown-code", "undecided-no", "rejected-code", "no-equivalent", "not-accepted")

#: Lines of unmapped codes at most; what is beyond them is in the residue.
MAX_CODES = 1000


def for_output(
    name: str, tables: Mapping[str, pa.Table], target: Dataset, outcome: Outcome
) -> dict[str, Any]:
    """The document of a check of converted output: what there is to say without its source."""
    return {
        **_frame(f"{target.name}: {name}"),
        "target": {"dataset": target.name, "title": target.title},
        "flow": {"sources": [], "targets": _targets(tables, target), "links": []},
        **_checked(outcome, {}),
        "vodim": measure(outcome.pack, tables, target),
    }


def for_run(run: Run, target: Dataset, source: Dataset, outcome: Outcome | None) -> dict[str, Any]:
    """The document of a conversion; ``outcome`` is null where the target has no rule pack."""
    summary = run.summary
    feeding = origins(run.mapping)
    document = {
        **_frame(run.mapping.title),
        "input": run.input,
        "not_read": not_read(run.input),
        "identification": run.identified,
        "mapping": {
            "name": run.mapping.name,
            "version": run.mapping.version,
            "title": run.mapping.title,
        },
        "target": {"dataset": target.name, "title": target.title},
        "settings": {
            "accept": summary["accept"],
            "period": summary["period"],
            "months": summary["months"],
            "parameters": dict(summary["parameters"]),
            "overlay": summary["overlay"],
        },
        "flow": {
            "sources": [{**line, "known": line["table"] in source.tables} for line in summary["tables_in"]],
            "targets": _targets(run.coded, target),
            "links": table_links(run.mapping),
        },
        "ledger": {
            "lines": [{**line, "known": _known(line, source)} for line in run.ledger],
            "reasons": summary["left_behind"],
        },
        "dates": run.dates,
        "keys": summary["keys"],
        "unmapped": unmapped(run),
        "confidence": confidence(run),
    }
    if outcome is not None:
        document |= _checked(outcome, feeding)
        staged = {name: table.raw for name, table in run.staged.items()}
        document["vodim"] = measure(outcome.pack, run.coded, target, staged, source)
    return document


def not_read(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What of the file was not read, by line: ``what`` and ``why``.

    ``table`` is null where the data set has none such, ``values`` where nobody knows how many.
    """
    lines = [
        {
            "what": ".".join(line[key] for key in ("table", "column") if key in line),
            "table": line["table"] if line.get("known", True) else None,
            "why": line["why"],
            "values": line["values"],
        }
        for line in found.get("not_read", ())
    ]
    rest = [
        {"what": each["where"], "table": None, "why": each["message"], "values": None}
        for each in found.get("problems", ())
    ]
    return lines + rest


def _frame(title: str) -> dict[str, Any]:
    return {
        "report": "idbmigrate",
        "tool_version": __version__,
        "title": title,
        "shared": False,
        "input": None,
        "not_read": [],
        "identification": None,
        "mapping": None,
        "settings": None,
        "ledger": None,
        "coverage": None,
        "vodim": [],
        "fate": None,
        "findings": dict.fromkeys(EFFECTS, 0),
        "root_causes": [],
        "dates": [],
        "keys": [],
        "unmapped": [],
        "confidence": None,
    }


def _checked(outcome: Outcome, feeding: Mapping[str, list[str]]) -> dict[str, Any]:
    counted = dict.fromkeys(EFFECTS, 0)
    if outcome.findings.num_rows:
        for entry in pc.value_counts(outcome.findings["effect"].cast(pa.string())).to_pylist():
            counted[entry["values"]] = entry["counts"]
    return {
        "fate": dict(outcome.fate),
        "findings": counted,
        "root_causes": root_causes(outcome, feeding),
        "coverage": {**coverage(outcome.pack), "not_run": dict(outcome.not_run)},
    }


def _targets(tables: Mapping[str, pa.Table], target: Dataset) -> list[dict[str, Any]]:
    return [
        {"table": name, "title": spec.title, "rows": tables[name].num_rows if name in tables else 0}
        for name, spec in target.tables.items()
    ]


def _known(line: Mapping[str, Any], source: Dataset) -> bool:
    spec = source.tables.get(line["table"])
    return spec is not None and (line["column"] is None or line["column"] in spec.columns)


def unmapped(run: Run) -> list[dict[str, Any]]:
    """Codes that were not carried: one line for each source column, code and reason, most values first."""
    lines = []
    for account in run.books.values:
        for index, reason in enumerate(account.names):
            word = reason.word.partition(":")[0]
            rows = account.uncarried[account.reasons == index] if word in CODE_REASONS else np.empty(0)
            if len(rows):
                values = run.staged[account.table].raw[account.column].take(pa.array(rows)).cast(pa.string())
                lines += [
                    {
                        "table": account.table,
                        "column": account.column,
                        "code": entry["values"],
                        "target": reason.headed,
                        "reason": word,
                        "meaning": run.books.meaning(reason.word),
                        "count": entry["counts"],
                    }
                    for entry in pc.value_counts(values).to_pylist()
                ]
    lines.sort(key=lambda line: (-line["count"], line["table"], line["column"], line["code"] or ""))
    return lines[:MAX_CODES]


def confidence(run: Run) -> dict[str, dict[str, int]]:
    """How sure the mapping is: target columns filled, and lookup entries, by confidence."""
    fields: Counter[str] = Counter()
    for table in run.mapping.tables.values():
        for branch in table.branches:
            for each in branch.fields:
                if not each.helper:
                    fields[each.confidence or branch.confidence or "confirmed"] += 1
    codes = Counter(row.confidence for lookup in run.mapping.lookups.values() for row in lookup.rows)
    return {"columns": dict(sorted(fields.items())), "codes": dict(sorted(codes.items()))}
