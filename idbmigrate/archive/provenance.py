"""Where the files of an archive are from and what was made of them, in PROV-O as JSON-LD; no agents.

A file is named by the digest of its bytes (RFC 6920, ``ni:///sha-256;...``), so that the same file has the
same name in every graph.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.archive.catalogue import Catalogue, of_catalogue
from idbmigrate.archive.model import Submission
from idbmigrate.errors import SourceError
from idbmigrate.exporters import publish

_CONTEXT = {
    "prov": "http://www.w3.org/ns/prov#",
    "schema": "https://schema.org/",
    "idbmigrate": "urn:idbmigrate:",
    "label": "http://www.w3.org/2000/01/rdf-schema#label",
    "used": {"@id": "prov:used", "@type": "@id"},
    "wasGeneratedBy": {"@id": "prov:wasGeneratedBy", "@type": "@id"},
    "wasDerivedFrom": {"@id": "prov:wasDerivedFrom", "@type": "@id"},
    "hadMember": {"@id": "prov:hadMember", "@type": "@id"},
    "sha256": "idbmigrate:sha256",
}
Node = dict[str, Any]


def name_of(sha256: str) -> str:
    """The name of a file in the graph."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def of_originals(catalogue: Catalogue) -> dict[str, Any]:
    """The graph of all files of an archive, of what zips hold, and of the tables that were staged."""
    places, known = catalogue.shown_places(), {each.sha256: each for each in of_catalogue(catalogue)}
    nodes: list[Node] = [_tool()]
    for row in catalogue.files():
        node = _entity(row.sha256, places.get(row.sha256, []))
        node["schema:contentSize"] = row.bytes
        node["idbmigrate:verdict"] = row.verdict
        if row.verdict == "zip":
            node["@type"] = ["prov:Entity", "prov:Collection"]
            node["hadMember"] = [name_of(sha256) for sha256 in catalogue.members(row.sha256)]
        if (submission := known.get(row.sha256)) is not None:
            node |= _what_it_is(submission)
        nodes.append(node)
        if row.verdict == "readable":
            nodes += _staged(row.sha256, row.facts)
    return {"@context": _CONTEXT, "@graph": _merged(nodes)}


def _tool() -> Node:
    return {
        "@id": f"idbmigrate:{__version__}",
        "@type": ["prov:Entity", "schema:SoftwareApplication"],
        "schema:name": "idbmigrate",
        "schema:softwareVersion": __version__,
    }


def _entity(sha256: str, labels: list[str]) -> Node:
    return {"@id": name_of(sha256), "@type": ["prov:Entity"], "sha256": sha256, "label": labels}


def _what_it_is(submission: Submission) -> Node:
    facts = {
        "dataset": submission.dataset,
        "edition": submission.edition,
        "provider": submission.provider,
        "period": submission.period,
        "kind": submission.kind,
        "cells": submission.cells,
    }
    node: Node = {f"idbmigrate:{name}": value for name, value in facts.items() if value}
    if submission.evidence:
        node["idbmigrate:evidence"] = [f"{name}: {words}" for name, words in submission.evidence.items()]
    return node


def _staged(sha256: str, facts: Mapping[str, Any]) -> list[Node]:
    reading = f"idbmigrate:reading:{sha256}"
    version = facts["reader"]["version"]
    used = [name_of(sha256), f"idbmigrate:{version}", *map(name_of, facts["overlays"])]
    nodes: list[Node] = [{"@id": reading, "@type": ["prov:Activity"], "used": used}]
    nodes += [_entity(overlay, []) | {"idbmigrate:role": "overlay"} for overlay in facts["overlays"]]
    for table in facts["tables"]:
        nodes.append(
            _entity(table["sha256"], [f"staged/{sha256}/{table['file']}"])
            | {"wasGeneratedBy": [reading], "wasDerivedFrom": [name_of(sha256)]}
        )
    return nodes


def of_outputs(catalogue: Catalogue) -> dict[str, Any]:
    """The graph of all outputs: inputs, mapping and overlay files that were used, files that were made."""
    nodes: list[Node] = []
    for path in catalogue.outputs():
        folder = Path(path)
        manifest = manifest_of(folder)
        conversion = f"idbmigrate:conversion:{publish.sha256(folder / publish.MANIFEST)}"
        used: list[str] = []
        inner = [manifest_of(folder / name) for name in _runs(manifest)]
        for one in (manifest, *inner):
            for role, files in _used(one).items():
                for sha256, label in files.items():
                    nodes.append(_entity(sha256, [label]) | {"idbmigrate:role": [role]})
                    used.append(name_of(sha256))
        version = manifest.get("tool", {}).get("version", "")
        nodes.append(_tool() | {"@id": f"idbmigrate:{version}", "schema:softwareVersion": version})
        used = [f"idbmigrate:{version}", *dict.fromkeys(used)]
        nodes.append({"@id": conversion, "@type": ["prov:Activity"], "used": used})
        nodes += [
            _entity(digest["sha256"], [f"{folder.name}/{file}"]) | {"wasGeneratedBy": [conversion]}
            for file, digest in sorted(manifest["outputs"].items())
        ]
    return {"@context": _CONTEXT, "@graph": _merged(nodes)}


def _runs(manifest: Mapping[str, Any]) -> list[str]:
    """The folders of an output that hold a run each: of several files, or of an archive."""
    inputs = manifest.get("inputs")
    return [*manifest.get("runs", ()), *(inputs if isinstance(inputs, Mapping) else ())]


def _used(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The files that a run has read, by role: digest and name of each."""
    overlays = (manifest.get("overlay") or {}).get("files", [])
    mapping = manifest.get("mapping", {}).get("files", {})
    return {
        "input": {each["sha256"]: each.get("file", "") for each in _inputs(manifest)},
        "mapping": {sha256: name for name, sha256 in mapping.items()},
        "overlay": {each["sha256"]: each["file"] for each in overlays},
    }


def _inputs(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The one file of a run, those of several runs by name, or those of an archive that won."""
    if "inputs" in manifest:
        several = manifest["inputs"]
        listed = several.values() if isinstance(several, Mapping) else several
        return [each for each in listed if each.get("fate", "wins") == "wins"]
    # of a run inside an archive's output "sha256" is that of a list of digests, and no file's
    one = manifest.get("input")
    return [one] if one is not None and one["bytes"] else []


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of an output folder. Raises ``SourceError`` (``not-found``) where it is gone."""
    try:
        manifest: dict[str, Any] = json.loads((folder / publish.MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(
            "the output is gone",
            code="not-found",
            where=str(folder),
            hint="archive convert writes it again",
        ) from None
    return manifest


def _merged(nodes: list[Node]) -> list[Node]:
    """Each thing once: the same bytes may have several names and roles."""
    found: dict[str, Node] = {}
    for node in nodes:
        known = found.setdefault(node["@id"], node)
        for name, value in node.items():
            if isinstance(value, list) and known is not node:
                known[name] = list(dict.fromkeys([*known.get(name, []), *value]))
            else:
                known.setdefault(name, value)
    return [found[name] for name in sorted(found)]
