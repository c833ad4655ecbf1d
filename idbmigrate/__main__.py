"""The start of the command line: the console script, and ``python -m idbmigrate``.

What keeps the program from starting at all is told here, in one line. The syntax is that of Python 3.6.
"""

import sys


def main() -> None:
    """Run the command line and end the process; exit code 2 where Python or a library is not fit for it."""
    if sys.version_info < (3, 10):  # noqa: UP036  (where it is read by an older one after all)
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        _stop(f"needs Python 3.10 or later, and this is {version}: install it for a newer one")
    try:
        from idbmigrate.cli import main as command_line
    except ImportError as error:
        _stop(f"cannot load {error.name}: install it again with pip install --force-reinstall idbmigrate")
    command_line()


def _stop(message: str) -> None:
    sys.stderr.write(f"idbmigrate {message}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
