"""Rewrite the generated parts of the documentation from the program itself.

A page marks such a part with ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; the words outside are
written by hand. ``python docs/generate.py`` rewrites them, ``--check`` only says which are out of date.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from idbmigrate.cli import VERBS, group
from idbmigrate.errors import CODES, HINTS

DOCS = Path(__file__).resolve().parent


def verbs() -> str:
    """Every verb with its arguments and options."""
    context = click.Context(group, info_name="idbmigrate")
    lines: list[str] = []
    for verb in VERBS:
        command = group.get_command(context, verb)
        for title, each in _flat(verb, command):
            lines += [f"### `{title}`", "", *_command(each, title)]
    return "\n".join(lines)


def _flat(title: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and those below it, but no group that only holds others."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from _flat(f"{title} {name}", command.get_command(context, name))
    else:
        yield title, command


def _command(command: click.Command, title: str) -> Iterator[str]:
    context = click.Context(command, info_name=f"idbmigrate {title}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("```", f"{context.info_name} {usage}", "```", "")
    prose, _, example = inspect.cleandoc(command.help or "").partition("\n\b\n")
    yield from (prose.strip(), "")
    if example:
        body = example.strip().partition("\n")[2]
        yield from ("```", *(line.strip() for line in body.splitlines()), "```", "")
    yield from ("| option | meaning |", "| --- | --- |")
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            yield f"| {_option_names(option, context)} | {_option_help(option)} |"
    yield ""


def _option_names(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} " + " \\| ".join(f"`{choice}`" for choice in option.type.choices)
    return f"{names} `{option.make_metavar(context)}`"


def _option_help(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|")
    notes = []
    if option.required:
        notes.append("Required.")
    if option.show_default and isinstance(option.default, (str, int, float)) and not option.is_flag:
        notes.append(f"Default: `{option.default}`.")
    if option.envvar:
        notes.append(f"Environment: `{option.envvar}`.")
    return " ".join([text, *notes])


def errors() -> str:
    """Every error code with its meaning and its hint."""
    lines = [f"| `{code}` | {meaning} | {HINTS.get(code, '')} |" for code, meaning in CODES.items()]
    return "\n".join(
        [
            "| code | meaning | what to do, where the error itself says no better |",
            "| --- | --- | --- |",
            *lines,
        ]
    )


#: what the README shows: a command and how many lines of its output
TOUR = [
    ("idbmigrate inspect sample_idb/iapt-1.5.mdb", 4),
    ("idbmigrate convert sample_idb/iapt-1.5.mdb --to iapt-2.1 --out out --format csv --format xml", None),
    ("idbmigrate verify sample_idb/iapt-1.5.mdb", 1),
]


def tour() -> str:
    """Commands with what they really print."""
    lines = ["```console"]
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(DOCS.parent / "sample_idb", Path(place) / "sample_idb")
        for command, count in TOUR:
            words = [sys.executable, "-m", *command.split()]
            paths = {**os.environ, "PYTHONPATH": str(DOCS.parent)}
            done = subprocess.run(words, cwd=place, env=paths, capture_output=True, text=True, check=True)
            shown = done.stdout.strip().splitlines()
            lines += [f"$ {command}", *shown[:count], *(["..."] if shown[count:] and count else []), ""]
    return "\n".join([*lines[:-1], "```"])


def mappings() -> str:
    """Every mapping with its page."""
    from idbmigrate.mapping.load import list_mappings, load_mapping

    lines = [
        f"| [{name}](mappings/{name}.md) | {found.title} | {len(found.tables)} | {len(found.tests)} |"
        for name in list_mappings()
        for found in [load_mapping(name)]
    ]
    return "\n".join(["| mapping | | target tables | tests |", "| --- | --- | --- | --- |", *lines])


def measures() -> str:
    """Every published count with its definition, source and confidence."""
    from idbmigrate.measures.page import page

    return page()


def windows() -> str:
    """Every calendar of submission windows with its source and confidence."""
    from idbmigrate.periods.windows import load_calendars

    rows = [
        (
            ", ".join(each.data_sets),
            f"{each.windows[0].opens} to {each.last_closes}" if each.windows else "unknown",
            str(len(each.windows) or ""),
            f"{each.source}, {each.confidence}" if each.source else "",
            each.note or each.unknown or "",
        )
        for each in load_calendars()
    ]
    head = ["| data sets | known | windows | source | |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


PARTS: dict[str, Callable[[], str]] = {
    "verbs": verbs,
    "errors": errors,
    "tour": tour,
    "mappings": mappings,
    "measures": measures,
    "windows": windows,
}


def rewritten(text: str) -> str:
    """A page with its generated parts made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin in text:
            pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
            part = f"{begin}\n{make().strip()}\n{end}"
            text = re.sub(pattern, lambda _: part, text, flags=re.DOTALL)  # noqa: B023
    return text


def main(check: bool) -> int:
    """Rewrite the pages, or say which are out of date; 1 if one was and ``check``."""
    stale = 0
    for page in [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]:
        text = page.read_text(encoding="utf-8")
        new = rewritten(text)
        if new != text:
            stale += 1
            print(f"{page.name} {'is out of date' if check else 'rewritten'}")
            if not check:
                page.write_text(new, encoding="utf-8", newline="\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
