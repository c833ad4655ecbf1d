"""What every verb shares: printing, errors, exit codes, progress.

A verb is a click command whose function is wrapped in :func:`run_verb` and gets a :class:`Console`
first. Data goes to stdout, everything else to stderr. Nothing here prints a value of a record: of an
exception that was not foreseen only the type and the place in the code are shown, because its
message may quote data.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import shutil
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from idbmigrate.errors import IdbmigrateError, OutputError, SourceError, UsageError

#: exit code of a fault in the program itself; the contract's codes 0 to 6 are outcomes of a run
INTERNAL_FAULT = 70

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
#: The last column of a table is wrapped where it has at least this much room on the terminal.
_ROOM = 20


class Console:
    """Where a verb prints.

    ``as_json`` means that stdout is to hold one JSON document and nothing else. Colour is used on a
    terminal only, and never where ``NO_COLOR`` is set; progress on a terminal only.
    """

    def __init__(self, *, as_json: bool = False, debug: bool = False):
        self.as_json, self.debug = as_json, debug
        self._line_open = False
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a code page without our signs must not end the run
                stream.reconfigure(errors="replace")
        self._live = sys.stderr.isatty() and not as_json and os.environ.get("TERM") != "dumb"
        self.may_ask = sys.stdin.isatty() and sys.stderr.isatty() and not as_json

    def say(self, text: str = "") -> None:
        """Print text to stdout; nothing with ``--json``."""
        if not self.as_json:
            self._clear()
            click.echo(text)

    def note(self, text: str) -> None:
        """Print a remark to stderr."""
        self._clear()
        click.echo(text, err=True)

    def document(self, content: Any) -> None:
        """Print the one JSON document of ``--json``; nothing without it."""
        if self.as_json:
            click.echo(json.dumps(content, indent=2, ensure_ascii=True, default=_plain))

    def style(self, text: str, *styles: str) -> str:
        """Wrap text for stdout in the named styles (bold, dim, red, green, yellow, cyan)."""
        return self._style(text, styles, sys.stdout)

    def table(self, rows: Iterable[Sequence[Any]], header: Sequence[str] = (), indent: int = 2) -> None:
        """Print aligned columns: numbers to the right with thousands marked, text to the left.

        On a terminal the last column is wrapped where the line ends; elsewhere it is printed whole.
        """
        if not self.as_json:
            width = shutil.get_terminal_size().columns - indent if sys.stdout.isatty() else None
            for number, line in enumerate(aligned(rows, header, width)):
                text = " " * indent + line
                self.say(self.style(text, "dim") if header and number == 0 else text)

    def progress(self, step: str, done: float | None = None, total: float | None = None) -> None:
        """Show what is being done, on one line of a terminal that the next message overwrites."""
        if self._live:
            share = f" {done / total:.0%}" if done is not None and total else ""
            sys.stderr.write(f"\r\x1b[K{step}{share} ...")
            sys.stderr.flush()
            self._line_open = True

    def error(self, error: IdbmigrateError) -> None:
        """Report an error: one JSON document with ``--json``, else a few lines on stderr."""
        if self.as_json:
            click.echo(json.dumps(error.as_dict()))
            return
        lead = self._style("error:", ("bold", "red"), sys.stderr)
        self.note(f"{lead} {error.message} [{error.code}]")
        if error.where:
            self.note(f"  where: {error.where}")
        if error.hint:
            self.note(f"  hint:  {error.hint}")

    def frames(self, error: BaseException) -> None:
        """Show where in the code an exception came from; never its message or local values."""
        place: BaseException | None = error
        while place is not None:
            self.note(f"{type(place).__name__}:")
            for frame in traceback.extract_tb(place.__traceback__):
                self.note(f"  {frame.filename}:{frame.lineno} in {frame.name}\n    {frame.line}")
            place = place.__cause__ or place.__context__

    def _clear(self) -> None:
        if self._line_open:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._line_open = False

    @staticmethod
    def _style(text: str, styles: Sequence[str], stream: Any) -> str:
        if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        colour = next((style for style in styles if style not in ("bold", "dim")), None)
        return click.style(text, fg=colour, bold="bold" in styles or None, dim="dim" in styles or None)


def aligned(rows: Iterable[Sequence[Any]], header: Sequence[str] = (), width: int | None = None) -> list[str]:
    """Lay out rows as lines of equal columns; a header line comes first where one is given.

    Where a line would be longer than ``width`` its last column goes on below itself. Nothing is cut.
    """
    body = [list(row) for row in rows]
    cells = ([list(header)] if header else []) + [[_cell(value) for value in row] for row in body]
    if not cells:
        return []
    count = max(len(row) for row in cells)
    cells = [row + [""] * (count - len(row)) for row in cells]
    widths = [max(len(row[at]) for row in cells) for at in range(count)]
    numeric = [_numeric([row[at] for row in body if at < len(row)]) for at in range(count)]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines += _wrapped("  ".join(parts).rstrip(), sum(widths[:-1]) + 2 * (count - 1), width)
    return lines


def _wrapped(line: str, lead: int, width: int | None) -> list[str]:
    """A line in pieces that fit the width: what begins at ``lead`` goes on below itself."""
    if width is None or len(line) <= width or width - lead < _ROOM:
        return [line]
    first, *rest = textwrap.wrap(line[lead:], width - lead)
    return [line[:lead] + first, *(" " * lead + piece for piece in rest)]


def _numeric(values: Sequence[Any]) -> bool:
    numbers = [value for value in values if value not in (None, "")]
    return bool(numbers) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _plain(value: Any) -> Any:
    """What JSON has no form for, in the form people expect: paths and dates as text."""
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    return str(value)


def run_verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Make a verb of ``function(console, **options)``, which returns the exit code (None is 0).

    Adds ``--json`` and ``--debug``, and turns every way of failing into one message and the right
    exit code. An interrupt becomes the error ``interrupted`` once the verb has cleaned up after
    itself.
    """

    @functools.wraps(function)
    def wrapper(as_json: bool, debug: bool, **options: Any) -> None:
        console = Console(as_json=as_json, debug=debug)
        with _interruptible() as stopped:
            code = _run(console, stopped, function, options)
        click.get_current_context().exit(code)

    debug = click.option("--debug", is_flag=True, help="Show where in the code an error came from.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
    return as_json(debug(wrapper))


def _run(console: Console, stopped: list[int], function: Callable[..., int | None], options: dict) -> int:
    try:
        code = _call(console, function, options) or 0
        sys.stdout.flush()
        return code
    except click.ClickException:
        raise
    except BrokenPipeError:  # the reader of our output has gone, as in "| head"
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        if stopped:  # libraries turn the interrupt into errors of their own
            known_error = _interrupted()
        else:
            known_error = as_known_error(error)
        if console.debug:
            console.frames(error)
        console.error(known_error)
        return known_error.exit_code


def _call(console: Console, function: Callable[..., int | None], options: dict) -> int | None:
    """Call the verb; where a password is missing ask for it, if there is somebody to ask."""
    try:
        return function(console, **options)
    except SourceError as error:
        if error.code != "password-needed" or "password" not in options or not console.may_ask:
            raise
    password = click.prompt("Password of the file", hide_input=True, err=True)
    return function(console, **{**options, "password": password})


def as_known_error(error: BaseException) -> IdbmigrateError:
    """The error of our own tree that says what happened, whatever was raised."""
    if isinstance(error, IdbmigrateError):
        return error
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _interrupted()
    if isinstance(error, OSError) and error.errno is not None:
        where = os.fspath(error.filename) if isinstance(error.filename, (str, os.PathLike)) else None
        if error.errno in _NO_ROOM:
            return OutputError(
                f"cannot write: {os.strerror(error.errno).lower()}",
                code="output-failed",
                where=where,
                hint="free some space, or choose another place with --out",
            )
        if isinstance(error, FileNotFoundError):
            return SourceError("no such file or folder", code="not-found", where=where)
        if isinstance(error, PermissionError):
            return SourceError("no permission to read it", code="not-readable", where=where)
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] != "idbmigrate":
        return UsageError(f"cannot load {error.name}", code="broken-environment")
    if isinstance(error, MemoryError):
        return OutputError(
            "not enough memory",
            code="output-failed",
            hint="convert one month at a time with --period, or use a machine with more memory",
        )
    return _internal(error)


def _internal(error: BaseException) -> IdbmigrateError:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}idbmigrate{os.sep}" in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}, in {ours[-1].name}" if ours else None
    fault = IdbmigrateError(
        f"a fault in idbmigrate itself ({type(error).__name__})",
        code="internal-fault",
        where=place,
        hint="please report it with the output of the same command and --debug; it shows no data",
    )
    fault.exit_code = INTERNAL_FAULT
    return fault


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that appears whole or not at all, and that only its owner may read."""
    from idbmigrate.exporters.whole import whole_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, overwrite=True) as part:
            write(part)
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        raise OutputError(f"cannot write: {reason}", code="output-failed", where=str(path)) from None


def _interrupted() -> IdbmigrateError:
    return OutputError("stopped before the end; nothing was published", code="interrupted")


@contextlib.contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Turn SIGINT and SIGTERM into KeyboardInterrupt, and remember that one arrived.

    Yields a list that holds the signal once it came: a library in the middle of a computation may
    answer with an exception of its own. A second signal is ignored while the verb cleans up.
    """
    seen: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def stop(number: int, _frame: Any) -> None:
        if not seen:
            seen.append(number)
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
