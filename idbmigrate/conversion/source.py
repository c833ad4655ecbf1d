"""What a conversion reads: staged tables, what they are taken for, and what is not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from idbmigrate.access import Problem
from idbmigrate.conversion.options import Options
from idbmigrate.conversion.unread import not_read
from idbmigrate.datasets import Identification, Overlay, identify, load_dataset
from idbmigrate.datasets.links import ALLOW as ALLOW_LINKED
from idbmigrate.datasets.links import require_none as require_no_links
from idbmigrate.errors import SourceError
from idbmigrate.exporters import publish
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.readers import Idb, open_idb
from idbmigrate.readers.csv_files import source_digest
from idbmigrate.result.summary import InputFacts, NotRead, OverlayFacts
from idbmigrate.staging.tables import StagedTable, stage


@dataclass(frozen=True, repr=False)
class Source:
    """What a run is about: staged tables by label, and what manifest and errors say of their origin.

    ``name`` is what errors call it, ``unread`` what of it nobody reads.
    """

    name: str
    facts: InputFacts
    found: Identification
    staged: Mapping[str, StagedTable]
    unread: list[NotRead]

    def __repr__(self) -> str:
        return f"<Source {self.name}: {len(self.staged)} tables>"


def read_file(path: Path, options: Options, overlay: Overlay | None, pool: Executor) -> Source:
    """Read and stage one file."""
    with open_idb(path, password=options.password, salvage=options.salvage) as idb:
        digest = pool.submit(digest_facts, path)
        found = identified(idb, overlay, path, options)
        dataset = load_dataset(found.dataset)
        staged = stage(idb, found, dataset)
        unread = not_read(idb, staged, dataset, overlay)
        facts = input_facts(digest.result(), idb.problems, unread)
    return Source(path.name, facts, found, staged, unread)


def overlay_facts(options: Options, overlay: Overlay | None) -> OverlayFacts | None:
    """The overlay as the manifest names it: its files, without their folders, and what they decide."""
    if overlay is None:
        return None
    codes = {name: dict(codes) for name, codes in overlay.lookups.items()}
    return {
        "files": [{"file": Path(path).name, "sha256": publish.sha256(path)} for path in options.overlays],
        "codes": codes,
        "decided": sum(map(len, codes.values())),
    }


def identified(idb: Idb, overlay: Overlay | None, path: Path, options: Options) -> Identification:
    """What the file is. A table of the data set that is only linked to ends the run, unless it is allowed."""
    links = idb.linked_tables
    try:
        found = identify({name: idb.columns(name) for name in idb.tables}, overlay, options.source)
    except SourceError as error:
        if error.code == "unknown-dataset":
            require_no_links(links, None, overlay, path.name)
        raise
    if ALLOW_LINKED not in options.allow:
        require_no_links(links, load_dataset(found.dataset), overlay, path.name)
    return found


def digest_facts(path: Path) -> InputFacts:
    """Name, size and SHA-256 of a file; of a folder of CSV those of its files, too."""
    if not path.is_dir():
        return {"file": path.name, "bytes": path.stat().st_size, "sha256": publish.sha256(path)}
    digest, size, files = source_digest(path)
    return {"file": path.resolve().name, "bytes": size, "sha256": digest, "files": files}


def input_facts(facts: InputFacts, problems: Sequence[Problem], unread: list[NotRead]) -> InputFacts:
    """The input as the manifest names it; what could not be read is part of it."""
    facts = facts.copy()
    if problems:
        facts["problems"] = [{"where": problem.where, "message": problem.message} for problem in problems]
    if unread:
        facts["not_read"] = unread
    return facts


def require_tables(mapping: MappingFile, missing: Iterable[str], where: str, damaged: bool) -> None:
    """Refuse a source without a table that the mapping cannot do without (``missing-table``)."""
    lost = "it may be lost, as the file is damaged: idbmigrate inspect --salvage lists the contradictions"
    other = "idbmigrate inspect lists the tables; --overlay binds a table of another name"
    for name in missing:
        rule = mapping.sources.get(name)
        if rule is not None and rule.required:
            raise SourceError(
                f"the file has no table {name}, and {mapping.name} cannot do without it",
                code="missing-table",
                where=where,
                hint=lost if damaged else other,
            )
