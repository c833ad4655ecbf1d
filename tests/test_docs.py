"""The documentation says all that the program does, and nothing that it does not."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest

from idbmigrate.cli import VERBS, group
from idbmigrate.errors import CODES

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
#: Pages at the top of the checkout.
TOP = sorted(ROOT.glob("*.md"))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands(command: click.Command = group, title: str = "") -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    if not isinstance(command, click.Group):
        return {title: command}
    context, found = click.Context(command), {}
    for name in command.list_commands(context):
        found |= commands(command.get_command(context, name), f"{title} {name}".strip())
    return found


def test_generated_parts_are_up_to_date():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stale = [page.name for page in PAGES if generate.rewritten(text_of(page)) != text_of(page)]
    assert not stale, "run: make docs"


def test_every_command_and_option_is_documented_and_explained():
    page = text_of(ROOT / "docs" / "cli.md")
    sections = dict(re.findall(r"^### `(.+?)`\n(.*?)(?=^### |\Z|^<!-- end)", page, re.M | re.S))
    found = commands()
    assert set(sections) == set(found)
    for title, command in found.items():
        assert command.help, title
        options = {name for param in command.params if isinstance(param, click.Option) for name in param.opts}
        assert options == set(re.findall(r"^\| `(--[\w-]+|-\w)`", sections[title], re.M)) | {
            name for name in options if f", `{name}`" in sections[title]
        }, title
        assert "--json" in options, title
        assert all(param.help for param in command.params if isinstance(param, click.Option)), title


def test_every_error_code_is_documented_and_raised_somewhere():
    table = re.findall(r"^\| `([a-z-]+)` \|", text_of(ROOT / "docs" / "errors.md"), re.M)
    assert table == list(CODES)
    code = "".join(text_of(path) for path in (ROOT / "idbmigrate").rglob("*.py") if path.name != "errors.py")
    assert not [word for word in CODES if f'"{word}"' not in code]


@pytest.mark.parametrize("page", [*PAGES, *TOP], ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = text_of(page)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / link).exists(), link
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    shell = [body for language, body in blocks if language in ("", "sh", "console")]
    lines = [line.removeprefix("$ ").strip() for body in shell for line in body.splitlines()]
    targets = set(re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), re.M))
    for line in lines:
        if line.startswith("make "):
            assert line.split()[1] in targets, line
        if re.match(r"idbmigrate [a-z]", line):
            assert line.split()[1] in VERBS, line
            options = set(re.findall(r"(?<=\s)--[\w-]+", line.partition("#")[0]))
            known = {
                name
                for title, command in commands().items()
                if line.removeprefix("idbmigrate ").startswith(title)
                for param in command.params
                for name in param.opts
            }
            assert options <= known | {"--help"}, line


def test_readme_gives_the_two_commands():
    assert "\nmake demo\nmake test\n" in text_of(ROOT / "README.md")
