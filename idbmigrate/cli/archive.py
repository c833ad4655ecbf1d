"""``idbmigrate archive``: many files as one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from idbmigrate.cli import _archive_convert, _options
from idbmigrate.cli._output import Console, run_verb

#: Lines of a list that are printed; the page and --json have all.
SHOWN = 20


@click.group("archive")
def command() -> None:
    """Keep years of files as one: catalogue, copies, months, fixity, bags."""


no_wait = click.option(
    "--no-wait", is_flag=True, help="Fail while another call works on the archive, instead of waiting for it."
)
processes = click.option(
    "--processes",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that read at once; as many as there are cores where it is not given.",
)
password_file = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Passwords to try on protected files, one a line; the one in IDBMIGRATE_PASSWORD is tried, too.",
)


@command.command("add")
@click.argument("archive", metavar="ARCHIVE", type=click.Path(file_okay=False))
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="How names say what a file is: {provider}, {period} or {year} and {month}, {kind}, * and ?. "
    "It is kept. Repeatable.",
)
@click.option(
    "--drop-pattern",
    "drop_patterns",
    multiple=True,
    metavar="PATTERN",
    help="Forget a pattern that was given before. Repeatable.",
)
@password_file
@_options.source
@_options.overlay
@_options.salvage
@click.option(
    "--unpack-limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    metavar="GB",
    help="Gigabytes that one zip may unpack to, with the zips inside it.",
)
@processes
@no_wait
@run_verb
def add(
    console: Console,
    archive: str,
    paths: tuple[str, ...],
    patterns: tuple[str, ...],
    drop_patterns: tuple[str, ...],
    password_file: str | None,
    source: str | None,
    overlays: tuple[str, ...],
    salvage: bool,
    unpack_limit: int,
    processes: int | None,
    no_wait: bool,
) -> None:
    """Add files, folders, patterns of names and zips to ARCHIVE, a folder of its own.

    Each file is read once, by the digest of its bytes: adding it again costs a hash. A call that was
    stopped is taken up by the next one, with or without PATHS. Files that cannot be read are listed
    with the reason and what to do, and never stop the rest. Nothing is written beside the originals.

    \b
    Example:
      idbmigrate archive add years /data/iapt
      idbmigrate archive add years "inbox/*.zip" --pattern "{provider}/{year}/*_{month}_{kind}.mdb"
    """
    from idbmigrate import archive as archives

    result = archives.add(
        archive,
        paths,
        patterns=patterns,
        drop_patterns=drop_patterns,
        passwords=_passwords(password_file),
        overlay=overlays,
        source=source,
        salvage=salvage,
        unpack_limit=unpack_limit * 10**9,
        processes=processes,
        wait=not no_wait,
        progress=console.progress,
        notice=console.note,
    )
    console.document(result.as_dict())
    if console.as_json:
        return
    console.say(
        f"{archive}: {result.files:,} files on the disk, {result.new:,} new, {result.known:,} known before; "
        f"{result.read:,} read"
    )
    _verdicts(console, result.verdicts)
    _not_read(console, result.not_read)
    for place in result.gone:
        console.say(f"  not there any more, and not read: {place}")
    console.say(f"\nidbmigrate archive status {archive} says more, and so does {archive}/archive.html")


@command.command("status")
@click.argument("archive", metavar="ARCHIVE", type=click.Path(file_okay=False))
@run_verb
def status(console: Console, archive: str) -> None:
    """Say what is in ARCHIVE: submissions by provider and month, copies, what has to be decided.

    What is wrong about a provider, month or kind can be put right in submissions.csv, a table in the
    archive's folder: what stands there wins.

    \b
    Example:
      idbmigrate archive status years
    """
    from idbmigrate import archive as archives

    document = archives.status(archive)
    console.document(document)
    if console.as_json:
        return
    files = document["files"]
    console.say(
        console.style(f"{archive}: {files['files']:,} different files in {files['places']:,} places", "bold")
    )
    _verdicts(console, files["verdicts"])
    _grid(console, document["grid"])
    _copies(console, document["copies"])
    _not_read(console, document["not_read"])
    decide = document["decide"]
    if decide:
        _heading(console, f"To decide: {len(decide)}")
        rows = [(line["places"][0] if line["places"] else "", line["what"], line["hint"]) for line in decide]
        console.table(rows[:SHOWN], ["file", "question", "what to do"])
        _more(console, rows)


command.add_command(_archive_convert.command)


@command.command("bag")
@click.argument("archive", metavar="ARCHIVE", type=click.Path(file_okay=False))
@click.argument("out", metavar="OUT", type=click.Path())
@click.option(
    "--of",
    "of",
    type=click.Choice(["originals", "outputs"]),
    default="originals",
    show_default=True,
    help="What goes into the bag: the files that were added, or what was converted from them.",
)
@run_verb
def bag(console: Console, archive: str, out: str, of: Any) -> None:
    """Write the originals or the outputs of ARCHIVE into OUT as a BagIt bag, with their provenance.

    The bag is of BagIt 1.0 with SHA-256. provenance.jsonld says in PROV-O what is from what: files,
    zips, tables, tool, mapping and overlays by their digests; no person and no machine.

    \b
    Example:
      idbmigrate archive bag years years-bag
    """
    from idbmigrate import archive as archives

    result = archives.bag(archive, out, of=of, progress=console.progress)
    console.document(result)
    console.say(f"{out}: {result['files']:,} {of}, {result['bytes']:,} bytes")


@command.command("verify")
@click.argument("archive", metavar="ARCHIVE", type=click.Path(file_okay=False))
@click.option("--reread", is_flag=True, help="Read every original again, and compare the tables.")
@password_file
@_options.source
@_options.overlay
@processes
@no_wait
@run_verb
def verify(
    console: Console,
    archive: str,
    reread: bool,
    password_file: str | None,
    source: str | None,
    overlays: tuple[str, ...],
    processes: int | None,
    no_wait: bool,
) -> int:
    """Hash originals, staged tables and outputs of ARCHIVE anew, and compare with the catalogue.

    Exit code 5 where a file is gone or changed.

    \b
    Example:
      idbmigrate archive verify years --reread
    """
    from idbmigrate import archive as archives

    result = archives.verify(
        archive,
        reread=reread,
        passwords=_passwords(password_file),
        overlays=overlays,
        source=source,
        processes=processes,
        wait=not no_wait,
        progress=console.progress,
        notice=console.note,
    )
    console.document(result.as_dict())
    words = f"{result.originals:,} originals, {result.staged:,} staged files, {result.outputs:,} outputs"
    words += f", {result.reread:,} read again" if reread else ""
    if result.sound:
        console.say(console.style(f"{words}: all are what they were", "bold", "green"))
    else:
        console.say(console.style(f"{words}: {len(result.wrong)} are not what they were", "bold", "red"))
        console.table([(w["what"], w["problem"], w["place"]) for w in result.wrong], ["what", "", "place"])
    for place in result.moved:
        console.say(f"  another place has it still: {place}")
    return 0 if result.sound else 5


def _passwords(file: str | None) -> list[str]:
    """The passwords of the user: one a line of a file, and that of the environment."""
    lines = Path(file).read_text(encoding="utf-8-sig").splitlines() if file else []
    own = os.environ.get("IDBMIGRATE_PASSWORD")
    return list(dict.fromkeys([*([own] if own else []), *(line for line in lines if line)]))


def _verdicts(console: Console, verdicts: dict[str, int]) -> None:
    console.table(list(verdicts.items()))


def _grid(console: Console, lines: list[dict[str, Any]]) -> None:
    if not lines:
        return
    _heading(console, "Providers and months")
    rows = []
    for provider in dict.fromkeys(line["provider"] for line in lines):
        own = [line for line in lines if line["provider"] == provider]
        there = [line["period"] for line in own if line["states"] != ["missing"]]
        counts = [
            sum(state in line["states"] for line in own)
            for state in ("primary", "refresh", "unknown kind", "missing", "broken", "duplicate")
        ]
        rows.append((provider, there[0], there[-1], *counts))
    head = ["provider", "from", "to", "primary", "refresh", "unknown", "missing", "broken", "duplicate"]
    console.table(rows, head)


def _copies(console: Console, levels: dict[str, list[Any]]) -> None:
    if any(levels.values()):
        _heading(console, "Copies")
        console.table(
            [
                (len(levels["bytes"]), "files lie in several places"),
                (len(levels["cells"]), "groups of files hold the same cells in other bytes"),
                (len(levels["changes"]), "pairs of files of one month differ in their records"),
            ]
        )


def _not_read(console: Console, lines: list[dict[str, Any]]) -> None:
    rows = [(line["places"][0] if line["places"] else line["sha256"], *_why(line)) for line in lines]
    if rows:
        _heading(console, f"Not read: {len(rows)}")
        console.table(rows[:SHOWN], ["file", "verdict", "reason", "what to do"])
        _more(console, rows)


def _why(line: dict[str, Any]) -> tuple[str, str, str]:
    where = f"{line['where']}: " if line["where"] else ""
    return line["verdict"], f"{where}{line['message'] or ''}", line["hint"] or ""


def _more(console: Console, rows: list[Any]) -> None:
    if len(rows) > SHOWN:
        console.say(f"  {len(rows) - SHOWN} more, in archive.html")


def _heading(console: Console, text: str) -> None:
    console.say()
    console.say(console.style(text, "bold"))
