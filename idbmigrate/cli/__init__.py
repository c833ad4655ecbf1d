"""The command line: ``idbmigrate VERB ...``.

A verb lives in the module of its name, as ``command``, and is imported only when it is called. The
help lines stand here, so that ``--help`` imports no verb.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from idbmigrate import __version__
from idbmigrate.libraries import leave_out

#: verb -> the line that ``--help`` shows
VERBS = {
    "inspect": "Name the data set and version of a file, with the evidence.",
    "verify": "Decode a file with two independent readers and compare every cell.",
    "convert": "Convert legacy files to a current data set.",
    "validate": "Check converted output by the rules of its data set.",
    "explain": "Say where a cell came from, or what became of a row of the file.",
    "compare": "Compare two outputs of one data set by its keys.",
    "mapping": "List, show, lint, test and measure the mappings.",
    "dataset": "List and show the data set descriptions; print their schemas.",
    "sample": "Write a synthetic legacy Access file.",
    "fill": "Fill a copy of an Access template with converted output.",
    "template": "Compare an Access template with a data set description.",
    "measures": "Compute published counts from a file or from converted output.",
    "archive": "Keep years of files as one: catalogue, copies, months, fixity, bags.",
}

#: What libraries are told before they are loaded: numpy to start no threads for algebra that nobody asks
#: for, Arrow to use the system's memory, since its own pool holds a tenth more and fetches it more slowly.
_LIGHT = {"OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}

EPILOG = """\b
Examples:
  idbmigrate inspect file.mdb
  idbmigrate convert file.mdb --to iapt-2.1 --out out --format csv --format xml
  idbmigrate mapping show iapt-1.5-to-iapt-2.1
  idbmigrate sample --dataset iapt-1.5 --patients 100 --out sample.mdb

\b
Exit codes: 0 done; 1 done, with findings at or above --fail-on; 2 wrong usage;
3 the source cannot be read; 4 a mapping or data set description is invalid;
5 the books do not balance, the readers disagree, or a record would stand under another
patient; 6 the output cannot be written.
"""


class VerbGroup(click.Group):
    """A click group that knows its verbs by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        return import_module(f"{__name__}.{name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else " 'idbmigrate --help' lists the verbs."
            raise click.UsageError(f"No such verb '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=VerbGroup,
    epilog=EPILOG,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="idbmigrate")
def group() -> None:
    """Convert legacy IAPT and mental health Access databases to the current NHS data sets."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process: the console script ``idbmigrate``.

    Wrong usage goes to stderr as click words it, or, with ``--json`` among the arguments, to stdout
    as the one JSON document that every verb promises.
    """
    words = list(sys.argv[1:] if args is None else args)
    leave_out("pandas")  # no verb needs it; in Python, where ``Run.frame`` does, nothing is left out
    for name, value in _LIGHT.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(1_000_000, 20, 50)  # what one verb leaves behind is hardly worth looking for
    try:
        code = group.main(words, prog_name="idbmigrate", standalone_mode=False)
    except click.UsageError as error:
        if "--json" in words:
            document = {"error": "bad-option", "message": error.format_message(), "where": None, "hint": None}
            print(json.dumps(document))
        else:
            error.show()
        code = error.exit_code
    except ImportError as error:  # a verb could not be loaded
        from idbmigrate.cli._output import as_known_error

        known = as_known_error(error)
        print(
            json.dumps(known.as_dict()) if "--json" in words else f"error: {known}",
            file=sys.stdout if "--json" in words else sys.stderr,
        )
        code = known.exit_code
    except click.Abort:
        code = 6
    _leave(code if isinstance(code, int) else 0)


def _leave(code: int) -> NoReturn:
    """End the process without taking its objects apart one by one, which takes longer than many a verb."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 6
    os._exit(code)
