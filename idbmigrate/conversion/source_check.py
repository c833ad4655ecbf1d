"""The rules over a legacy file itself: read -> identify -> stage -> whose record it is -> check."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.brief import brief
from idbmigrate.checks import Context, check
from idbmigrate.checks.people import findings_about_keys
from idbmigrate.concurrency import workers
from idbmigrate.conversion.options import Options, Progress, quiet
from idbmigrate.conversion.source import Source, read_file
from idbmigrate.datasets import Dataset, load_dataset, load_overlay
from idbmigrate.engine import open_engine
from idbmigrate.execution.belonging import KeyLine, settled
from idbmigrate.execution.run import as_numpy
from idbmigrate.ledger.reasons import meaning
from idbmigrate.mapping.load import find_mapping, load_mapping
from idbmigrate.staging.tables import StagedTable

if TYPE_CHECKING:
    from idbmigrate.checks import Outcome

#: The target whose mappings say whose a source record is; those to other targets say the same.
TARGET = "iapt-2.1"


@brief
@dataclass(frozen=True)
class CheckedSource:
    """What the rules found in a legacy file, and what the file was taken for.

    ``tables`` are those of the data set as the rules saw them: text, trimmed, dates in one spelling, keys as
    the record that they name writes them. ``about_people`` are findings of the shape of
    :data:`idbmigrate.checks.findings.SCHEMA`, ``keys`` say what was found about keys, in counts.
    """

    source: Source
    dataset: Dataset
    tables: Mapping[str, pa.Table]
    outcome: Outcome
    about_people: pa.Table
    keys: list[KeyLine]

    @property
    def findings(self) -> pa.Table:
        """All findings, about people first."""
        return pa.concat_tables([self.about_people, self.outcome.findings]).unify_dictionaries()


def check_source(
    path: Path, options: Options, context: Context | None = None, progress: Progress = quiet
) -> CheckedSource:
    """Run the rules of its data set over a legacy file.

    ``options.source`` names the data set where the user knows it. A finding's ``row`` counts in the table of
    the file, its ``reference`` is the place there. Raises ``SourceError`` where the file cannot be read.
    """
    progress(f"reading {path}")
    overlay = load_overlay(*options.overlays) if options.overlays else None
    with workers(1) as pool:
        source = read_file(path, options, overlay, pool)
    dataset = load_dataset(source.found.dataset)
    known = {name: table for name, table in source.staged.items() if table.name}
    mapping = load_mapping(find_mapping(dataset.name, TARGET))
    with closing(open_engine()) as engine:
        whose = settled(known, mapping, engine, options.allow)
    tables = {name: table.clean for name, table in whose.staged.items()}
    progress("checking")
    places = {name: _Places(table) for name, table in whose.staged.items()}
    outcome = check(tables, dataset, replace(context or Context(), references=places))

    def meant(word: str) -> str:
        return mapping.conflicts.get(word.partition(":")[2]) or meaning(word)

    outcome = replace(outcome, findings=_following(outcome.findings, whose.staged))
    people = findings_about_keys(whose, mapping, meant)
    return CheckedSource(source, dataset, tables, outcome, people, whose.lines(meant))


def _following(findings: pa.Table, staged: Mapping[str, StagedTable]) -> pa.Table:
    """Findings, where a record in conflict whose parent is therefore not known only ``follows``."""
    tables, rows = findings["table"].cast(pa.string()), findings["row"]
    follows = findings["follows"].combine_chunks()
    for name, table in staged.items():
        if table.conflicts is not None:
            numbers = pa.array(np.flatnonzero(as_numpy(pc.is_valid(table.conflicts))) + 1)
            here = pc.and_(pc.equal(tables, name), pc.equal(findings["kind"].cast(pa.string()), "relation"))
            hit = pc.fill_null(pc.and_(here, pc.is_in(rows, value_set=numbers)), False)
            follows = pc.or_(follows, hit.combine_chunks())
    return findings.set_column(findings.schema.get_field_index("follows"), "follows", follows)


class _Places:
    """Names rows of a source table by their table and place in the file."""

    def __init__(self, table: StagedTable):
        self.table = table

    def take(self, rows: pa.Array) -> pa.Array:
        places = self.table.places(np.asarray(rows))
        return pc.binary_join_element_wise(pa.scalar(self.table.label), places, " ")
