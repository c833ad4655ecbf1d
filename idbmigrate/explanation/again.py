"""Makes a run again, from its manifest, its file and its mapping; what is not the run's is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idbmigrate import __version__
from idbmigrate.conversion.options import Name, Options, Progress
from idbmigrate.conversion.pipeline import convert_file
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.exporters.publish import sha256
from idbmigrate.exporters.read_back import read_manifest
from idbmigrate.mapping.files import shown_name
from idbmigrate.result.run import Run


def run_again(
    out: Path,
    file: Name | None,
    mapping: Name | None,
    overlay: Sequence[Name],
    password: str | None,
    progress: Progress,
) -> tuple[Run, Path]:
    """The run that wrote ``out``, with its execution, and the file that it read.

    ``file`` is looked for beside the output and in the current folder where it is not given. Raises
    UsageError ``bad-option`` where ``out`` has no manifest, and ``not-of-the-run`` where version, file,
    mapping or overlay is another than the run's.
    """
    manifest = read_manifest(out)
    if manifest is None:
        raise UsageError(
            "there is no manifest of a run",
            code="bad-option",
            where=str(out),
            hint="name an output of convert",
        )
    if "pseudonymised" in manifest:
        raise _other("its output is pseudonymised", out, "explain an output of the same file that is not")
    if manifest["tool"]["version"] != __version__:
        raise _other(f"idbmigrate {manifest['tool']['version']} made the run, this is {__version__}", out)
    source = _file(out, file, manifest)
    options = Options(
        manifest["target"],
        source=manifest["identification"]["dataset"],
        mapping=mapping,
        parameters=manifest["parameters"],
        period=manifest["period"],
        overlay=list(overlay) or None,
        accept=manifest["accept"],
        allow=tuple(manifest.get("allow", ())),
        check=False,
        optimise=False,
        password=password,
        salvage=bool(manifest.get("salvage")),
    )
    decided = [each["sha256"] for each in manifest.get("overlay", {}).get("files", [])]
    if decided != [sha256(Path(each)) for each in overlay]:
        raise _other("its overlays are others than these", out, "name the overlays of the run with --overlay")
    run = convert_file(source, None, options, progress, keep_execution=True)
    files = {shown_name(each): sha256(Path(each)) for each in run.mapping.files}
    if files != manifest["mapping"]["files"]:
        changed = sorted(
            {name for name, digest in {*files.items()} ^ {*manifest["mapping"]["files"].items()}}
        )
        raise _other(
            f"its mapping is another: {', '.join(changed)}", out, "name that of the run with --mapping"
        )
    return run, source


def _file(out: Path, file: Name | None, manifest: Mapping[str, Any]) -> Path:
    name = manifest["input"]["file"]
    places = [Path(file)] if file is not None else [out.parent / name, Path(name)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        where = str(file) if file is not None else name
        hint = "name the file that the run read with --file"
        raise SourceError("the file of the run is not there", code="not-found", where=where, hint=hint)
    if sha256(found) != manifest["input"]["sha256"]:
        raise _other(f"{found.name} is not the file that it read", out, "name that file with --file")
    return found


def _other(what: str, out: Path, hint: str | None = None) -> UsageError:
    return UsageError(
        f"the run cannot be made again: {what}",
        code="not-of-the-run",
        where=str(out),
        hint=hint or "convert the file again, and explain the new output",
    )
