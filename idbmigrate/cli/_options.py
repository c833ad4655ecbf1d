"""Options that several verbs share, so that each is worded once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import click

from idbmigrate.words import EFFECTS, Effect

password = click.option(
    "--password",
    envvar="IDBMIGRATE_PASSWORD",
    show_envvar=True,
    prompt=True,
    prompt_required=False,
    hide_input=True,
    help="Password of a protected file. Without a value it is asked for; the environment also hides it "
    "from process lists.",
)
salvage = click.option(
    "--salvage",
    is_flag=True,
    help="Read what can be read of a damaged file, and list every page, row and value that cannot.",
)
source = click.option("--source", metavar="DATASET", help="Data set of the file, instead of finding it out.")
overlay = click.option(
    "--overlay",
    "overlays",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="YAML file that binds local names of tables and columns, or adds codes. Repeatable.",
)
accept = click.option(
    "--accept",
    type=click.Choice(["confirmed", "inferred", "proposed"]),
    default="inferred",
    show_default=True,
    help="How unsure a mapped code may be to be used.",
)
allow = click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Accept a difference of the template: kind:TABLE.COLUMN, or a kind, table or column. Repeatable.",
)
optimise = click.option(
    "--optimise/--no-optimise",
    default=True,
    show_default=True,
    help="Rewrite queries into quicker ones; without it they run as the mapping says. Same result.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace the output folder of an earlier run.")
readable_by_others = click.option(
    "--readable-by-others",
    is_flag=True,
    help="Give the folder the modes that the system gives; without it only you can read it.",
)
share = click.option(
    "--share",
    is_flag=True,
    help="Reports that may leave the house: no identifiers or values, counts below 5 suppressed.",
)
fail_on = click.option(
    "--fail-on",
    type=click.Choice(["warning", "record", "group", "file", "never"]),
    default="record",
    show_default=True,
    help="Exit with 1 if there are findings of this effect or a graver one.",
)


def reached(findings: Mapping[Effect, int], fail_on: str) -> bool:
    """Whether counts of findings by effect hold one at or above the effect of ``--fail-on``."""
    if fail_on == "never":
        return False
    grave = EFFECTS[EFFECTS.index(cast(Effect, fail_on)) :]
    return any(findings.get(effect, 0) for effect in grave)


class Setting(click.ParamType):
    """``name=value``, as a pair."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name.strip() or not text.strip():
            self.fail("write it as name=value, for example org_id_provider=RX1", param, ctx)
        return name.strip(), text
