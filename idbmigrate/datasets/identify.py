"""Tell which data set and version a file holds, from its tables and columns alone.

Every source data set is matched with the file and pays for what does not fit: one for a column of the
file that another data set explains and this one does not, one for an expected column that a table of
the file lacks, half of one for a table that is not there at all. The one that pays least is the one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from idbmigrate.brief import brief
from idbmigrate.datasets.load import list_datasets, load_dataset
from idbmigrate.datasets.match import Clash, Column, Matching, TableMatch, match
from idbmigrate.datasets.model import Dataset
from idbmigrate.datasets.overlay import Overlay
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.words import Confidence

#: Below this share of fitting columns a file is not called by a data set's name.
_ENOUGH = 0.5
_MISSING_TABLE = 0.5
_SHOWN = 4
_ADVICE = "say what the file is with --source, or bind its names with --overlay"


@brief
@dataclass(frozen=True)
class Candidate:
    """A data set that the file was held against: ``score`` is the share that fits, from 0 to 1."""

    dataset: str
    score: float
    missing_tables: tuple[str, ...]


@brief
@dataclass(frozen=True)
class Identification:
    """What a file is.

    ``evidence`` are sentences for people. ``confidence`` is ``inferred`` where one data set fits better
    than every other, ``proposed`` where two fit alike, ``confirmed`` where the user said so; the names
    of the legacy files were never published. ``tables`` are all tables of the file in its own order.
    """

    dataset: str
    version: str
    confidence: Confidence
    score: float
    evidence: tuple[str, ...]
    tables: tuple[TableMatch, ...]
    missing_tables: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def extra_tables(self) -> tuple[str, ...]:
        """Tables of the file that the data set does not have."""
        return tuple(table.source for table in self.tables if table.canonical is None)

    def table(self, canonical: str) -> TableMatch | None:
        """The match of a table of the data set, ``None`` where the file does not have it."""
        return next((table for table in self.tables if table.canonical == canonical), None)


@dataclass(frozen=True)
class _Fit:
    dataset: Dataset
    matching: Matching
    matched: frozenset[tuple[str, str]]
    lacking: tuple[str, ...]
    absent: int


def identify(
    tables: Mapping[str, list[Column]], overlay: Overlay | None = None, source: str | None = None
) -> Identification:
    """Identify a file by its tables.

    ``tables`` maps each table to its columns (objects with ``name``, ``type``, ``length``). ``source``,
    or the overlay's ``dataset``, names the data set where the user knows it. Raises ``SourceError``
    (``unknown-dataset``) where nothing fits and ``ambiguous-names`` where two names of the file may be
    the same one, ``DescriptionError`` (``overlay-invalid``) for an overlay that fits neither.
    """
    overlay = overlay or Overlay("overlay")
    stated = source or overlay.dataset
    if stated is not None and load_dataset(stated).role != "source":
        raise UsageError(
            f"{stated} is a target, not the data set of a legacy file", code="bad-option", where="--source"
        )
    fits = [_fit(load_dataset(name), tables, overlay) for name in list_datasets("source")]
    explained = frozenset().union(*(fit.matched for fit in fits))
    ranked = sorted(fits, key=lambda fit: _rank(fit, explained))
    best = ranked[0] if stated is None else next(fit for fit in fits if fit.dataset.name == stated)
    candidates = tuple(_candidate(fit, explained) for fit in ranked)
    score = next(c.score for c in candidates if c.dataset == best.dataset.name)
    if not best.matched or (stated is None and score < _ENOUGH):
        raise _unknown(best, candidates, stated)
    overlay.check(best.dataset, tables)
    if best.matching.clashes:
        raise _ambiguous(best.matching.clashes[0], best.dataset)
    equal = len(ranked) > 1 and _rank(ranked[0], explained) == _rank(ranked[1], explained)
    return Identification(
        dataset=best.dataset.name,
        version=best.dataset.version,
        confidence="confirmed" if stated else "proposed" if equal else "inferred",
        score=score,
        evidence=_evidence(best, ranked, stated),
        tables=best.matching.tables,
        missing_tables=best.matching.missing,
        candidates=candidates,
    )


def _fit(dataset: Dataset, tables: Mapping[str, list[Column]], overlay: Overlay) -> _Fit:
    matching = match(dataset, tables, overlay)
    matched, lacking, absent = set(), [], 0
    for table in matching.tables:
        if table.canonical is not None:
            matched |= {(table.source, column.source) for column in table.columns if column.canonical}
            spec = dataset.tables[table.canonical].columns
            lacking += [f"{table.canonical}.{name}" for name in table.missing if spec[name].expected]
            absent += len(table.missing)
    absent += sum(len(dataset.tables[name].columns) for name in matching.missing)
    return _Fit(dataset, matching, frozenset(matched), tuple(lacking), absent)


def _cost(fit: _Fit, explained: frozenset[tuple[str, str]]) -> float:
    missing = _MISSING_TABLE * len(fit.matching.missing)
    return len(explained - fit.matched) + len(fit.lacking) + missing


def _rank(fit: _Fit, explained: frozenset[tuple[str, str]]) -> tuple[float, int]:
    """Cost; of two that cost the same, the one with fewer columns that the file does not have."""
    return _cost(fit, explained), fit.absent


def _candidate(fit: _Fit, explained: frozenset[tuple[str, str]]) -> Candidate:
    matched = len(fit.matched)
    score = matched / (matched + _cost(fit, explained)) if matched else 0.0
    return Candidate(fit.dataset.name, round(score, 4), fit.matching.missing)


def _evidence(best: _Fit, ranked: list[_Fit], stated: str | None) -> tuple[str, ...]:
    dataset = best.dataset
    held = {table.canonical for table in best.matching.tables}
    counted = [spec for spec in dataset.tables.values() if spec.expected or spec.name in held]
    there = len(counted) - len(best.matching.missing)
    total = sum(len(spec.columns) for spec in counted)
    evidence = [f"the user says that it is {stated}"] if stated else []
    evidence.append(
        f"{there} of {len(counted)} tables and {len(best.matched)} of {total} columns of "
        f"{dataset.name} are in the file"
    )
    for other in ranked:
        if other is not best:
            evidence.append(_difference(best, other))
    return tuple(evidence)


def _difference(best: _Fit, other: _Fit) -> str:
    """Why the file is not the other data set, or rather that nothing tells them apart."""
    only = _elements(best, best.matched - other.matched)
    parts = [f"it does not have {_some(only)}"] if only else []
    lacks = [*other.matching.missing, *other.lacking]
    lacks = [name for name in lacks if name not in best.matching.missing and name not in best.lacking]
    if lacks:
        parts.append(f"the file lacks its {_some(lacks)}")
    if not parts:
        return f"the same tables and columns would fit {other.dataset.name}"
    return f"not {other.dataset.name}: {' and '.join(parts)}"


def _elements(fit: _Fit, columns: frozenset[tuple[str, str]]) -> list[str]:
    """Canonical names of some of the file's columns; tables that are all among them stand for theirs."""
    names = []
    for table in fit.matching.tables:
        own = [c for c in table.columns if c.canonical and (table.source, c.source) in columns]
        if own and len(own) == sum(1 for c in table.columns if c.canonical):
            names.append(str(table.canonical))
        else:
            names += [f"{table.canonical}.{c.canonical}" for c in own]
    return names


def _some(names: list[str]) -> str:
    shown, rest = names[:_SHOWN], len(names) - _SHOWN
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _unknown(best: _Fit, candidates: tuple[Candidate, ...], stated: str | None) -> SourceError:
    name = best.dataset.name
    alike = [t for t in best.matching.tables if t.resembles]
    if stated:
        message = f"no table of the file is one of {name}"
    elif best.matched:
        lacks = _some([*best.matching.missing, *best.lacking])
        share = next(c.score for c in candidates if c.dataset == name)
        message = f"the file fits no known data set; the nearest is {name} ({share:.0%}), without {lacks}"
    else:
        message = f"no table of the file is known; {name} has {_some(list(best.dataset.tables))}"
    hint = _ADVICE
    if alike:
        hint += "; " + ", ".join(f"{t.source} has the columns of {t.resembles}" for t in alike[:_SHOWN])
    return SourceError(message, code="unknown-dataset", hint=hint)


def _ambiguous(clash: Clash, dataset: Dataset) -> SourceError:
    return SourceError(
        f"{' and '.join(clash.sources)} may both be {clash.canonical} of {dataset.name}",
        code="ambiguous-names",
        hint="say which one it is, or which to ignore, in an overlay file (--overlay)",
    )
