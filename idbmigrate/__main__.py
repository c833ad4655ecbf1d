"""``python -m idbmigrate``: the command line, where the console script is not on the path."""

from idbmigrate.cli import main

main()
