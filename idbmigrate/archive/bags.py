"""A BagIt bag (version 1.0, RFC 8493) of an archive's originals or outputs, with their provenance.

Payload and tag files are listed with SHA-256. The same archive gives the same bytes: no date of bagging, no
name of a machine or a person. ``provenance.jsonld`` is a tag file, so that the payload is what was given
and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from idbmigrate import __version__
from idbmigrate.archive import originals, provenance
from idbmigrate.archive.catalogue import Catalogue
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.exporters import publish
from idbmigrate.readers.csv_files import source_digest

_PIECE = 1 << 20
_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
#: Characters that some file system does not take in a name.
_FORBIDDEN = re.compile(r'[\x00-\x1f\\/:*?"<>|]')


@dataclass(frozen=True)
class Payload:
    """A file for the bag: its name below ``data/``, its digest, and the places where its bytes may be had."""

    name: str
    sha256: str
    places: tuple[originals.Original, ...]


def bag(
    archive: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    of: Literal["originals", "outputs"] = "originals",
    progress: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Write a bag of an archive's originals, or of its outputs, to a new folder; whole or not at all.

    Originals are the files as they lay on the disk, zips as zips; each once, in a folder of its digest.
    Outputs are the folders that ``archive convert`` has written. Gives ``out``, ``files`` and ``bytes``.
    Raises ``SourceError`` (``not-found``) where a file is gone or holds other bytes than when it was added,
    ``OutputError`` where the bag cannot be written or is there already, ``UsageError`` for a folder that is
    no archive or has nothing to bag.
    """
    folder = Path(os.path.abspath(archive))
    with Catalogue(folder) as catalogue:
        if of == "originals":
            payload = list(_originals(catalogue))
            graph = provenance.of_originals(catalogue)
        else:
            payload = list(_outputs(catalogue))
            graph = provenance.of_outputs(catalogue)
    if not payload:
        raise UsageError(f"the archive has no {of}", code="bad-option", where=str(folder))
    sources = [place.path for each in payload for place in each.places]
    with publish.Folder(out, sources=sources) as place:
        size = _fill(place, payload, folder, progress)
        _describe(place, payload, graph, size)
    return {"out": str(out), "of": of, "files": len(payload), "bytes": size}


def _originals(catalogue: Catalogue) -> Iterator[Payload]:
    places = catalogue.originals()
    for row in catalogue.files():
        on_disk = tuple(each for each in places.get(row.sha256, ()) if not each.inside)
        if on_disk:
            yield from _payload(row.sha256, on_disk)


def _payload(sha256: str, places: Sequence[originals.Original]) -> Iterator[Payload]:
    """The file in a folder of its digest; of a folder of CSV every table."""
    name = f"{sha256}/{_file_name(places[0].path)}"
    folder = next((Path(each.path) for each in places if Path(each.path).is_dir()), None)
    if folder is None:
        yield Payload(name, sha256, tuple(places))
        return
    found, _, files = source_digest(folder)
    if found != sha256:
        raise _changed(str(folder))
    for each in files:
        place = originals.Original(str(folder / each["file"]))
        yield Payload(f"{name}/{_file_name(each['file'])}", each["sha256"], (place,))


def _outputs(catalogue: Catalogue) -> Iterator[Payload]:
    taken: set[str] = set()
    for path in catalogue.outputs():
        stem = name = _file_name(path)
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        manifest = provenance.manifest_of(Path(path))
        for file, digest in {**manifest["outputs"], publish.MANIFEST: None}.items():
            whole = Path(path) / file
            sha256 = digest["sha256"] if digest else publish.sha256(whole)
            yield Payload(f"{name}/{file}", sha256, (originals.Original(str(whole)),))


def _file_name(place: str) -> str:
    name = _FORBIDDEN.sub("_", re.split(r"[\\/]", place.rstrip("\\/"))[-1])
    return name.rstrip(" .") or "file"


def _fill(folder: Path, payload: Iterable[Payload], archive: Path, progress: Callable[[str], None]) -> int:
    files, size = list(payload), 0
    for number, each in enumerate(files, 1):
        progress(f"copying {number} of {len(files)}")
        target = folder / "data" / each.name
        target.parent.mkdir(parents=True, exist_ok=True)
        for place in each.places:
            try:
                with open(place.path, "rb") as source, open(target, "wb") as out:
                    digest, count = _copied(source, out)
            except FileNotFoundError:
                continue
            if digest == each.sha256:
                size += count
                break
        else:
            raise _changed(each.places[0].path)
    return size


def _changed(place: str) -> SourceError:
    return SourceError(
        "the file is gone, or holds other bytes than when it was added",
        code="not-found",
        where=place,
        hint="archive verify lists all such files; archive add takes up what is there now",
    )


def _copied(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := source.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        target.write(piece)
    return digest.hexdigest(), size


def _describe(folder: Path, payload: Iterable[Payload], graph: Mapping[str, Any], size: int) -> None:
    """The tag files: the declaration, what is in the bag, its provenance, and the two manifests."""
    files = sorted((f"data/{each.name}", each.sha256) for each in payload)
    info = {
        "Bag-Software-Agent": f"idbmigrate {__version__}",
        "Payload-Oxum": f"{size}.{len(files)}",
    }
    tags = {
        "bagit.txt": _DECLARATION,
        "bag-info.txt": "".join(f"{name}: {value}\n" for name, value in info.items()),
        "provenance.jsonld": json.dumps(graph, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
        "manifest-sha256.txt": _manifest(files),
    }
    digests = []
    for name, text in tags.items():
        content = text.encode()
        (folder / name).write_bytes(content)
        digests.append((name, hashlib.sha256(content).hexdigest()))
    (folder / "tagmanifest-sha256.txt").write_bytes(_manifest(sorted(digests)).encode())


def _manifest(files: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{digest}  {_encoded(name)}\n" for name, digest in files)


def _encoded(name: str) -> str:
    """A name as a manifest has it: what would end the line, and the sign that marks it, by number."""
    return name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
