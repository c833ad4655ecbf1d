"""Everything that can go wrong, in one tree.

    IdbmigrateError
    +-- UsageError          exit 2   the call itself is wrong
    +-- SourceError         exit 3   the source cannot be read
    +-- DescriptionError    exit 4   a mapping or a data set description is invalid
    +-- BooksError          exit 5   the books do not balance, readers disagree, or two patients are joined
    +-- OutputError         exit 6   the output cannot be written

Each error carries ``code`` (a stable kebab-case word from :data:`CODES`), ``where`` (file, table,
column, row reference: never a value of a record) and ``hint`` (what to do, naming the option that
helps). The command line prints the three; the library raises them. ``place`` is what ``where`` was made
of: an error in a document has a :class:`~idbmigrate.documents.place.Place` there.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypedDict

#: code -> what it means. The documentation lists the same codes; a test holds the two together.
CODES: dict[str, str] = {
    # usage
    "bad-option": "an option or parameter has a value that cannot be used",
    "unknown-name": "a data set, mapping, table or column of that name does not exist",
    "not-an-archive": "the folder is no archive, or one of another version",
    "not-of-the-run": "the file, mapping, overlay or version is not that of the run that is to be explained",
    "broken-environment": "a library that idbmigrate needs is missing or cannot be loaded",
    # source
    "not-found": "the file or folder does not exist",
    "not-readable": "the file or folder exists but may not be read",
    "empty-file": "the file has no content",
    "not-access": "the file is not a Microsoft Access database",
    "unsupported-version": "an Access file version that cannot be read",
    "truncated": "the file ends before its own page count says it should",
    "damaged": "a page, row or value of the Access file contradicts the file format",
    "password-needed": "the file is protected and no password was given",
    "wrong-password": "the password does not open the file",
    "unknown-dataset": "tables and columns fit no known data set",
    "ambiguous-names": "two tables or columns of the file may be the same one of the data set",
    "linked-tables": "tables of the data set are links to another file, which nobody has read",
    "empty-period": "the file has nothing of the month that was asked for",
    "missing-table": "a table that the mapping needs is not in the file",
    "csv-missing": "the folder or zip holds no CSV file",
    "csv-encoding": "a CSV file whose characters cannot be told for certain",
    "csv-delimiter": "a CSV file whose delimiter cannot be told for certain",
    "csv-header": "a CSV file without a row of names, or with two columns of one name",
    "csv-quotes": "a CSV file whose quotes do not open and close whole values",
    "csv-ragged": "a row of a CSV file with more or fewer values than the header has names",
    "csv-too-large": "a CSV file, a row or a value of it is larger than is read",
    "zip-refused": "a zip that unpacks to too much, or with entries that are not accepted",
    "undecided": "nobody can tell what file of an archive counts, or of whom and when it is",
    "reader-unavailable": "the reader that was asked for is not installed",
    # descriptions
    "yaml-syntax": "the file is not the strict subset of YAML that is accepted",
    "dataset-invalid": "a data set description contradicts itself",
    "rules-invalid": "a rule pack says something that a rule pack may not say",
    "calendar-invalid": "a calendar of submission windows says something that it may not say",
    "measures-invalid": "a definition of a published count says something that it may not say",
    "mapping-invalid": "a mapping does not fit its data sets, or lint refuses it",
    "mapping-inexpressible": "a mapping asks for something that cannot be compiled",
    "overlay-invalid": "an overlay file binds a name that does not exist",
    "mapping-test-failed": "a test inside a mapping file did not give the rows it expects",
    # books
    "books-open": "rows or values in differ from carried + rejected + dropped",
    "another-patient": "a record of one patient would be published under another",
    "identifier-clash": "two records were given the same derived identifier",
    "readers-disagree": "two independent readers decode the file differently",
    # output
    "output-exists": "the output folder or file exists already",
    "output-failed": "the output could not be written",
    "template-mismatch": "the Access template does not have the structure of the data set",
    "value-does-not-fit": "a value does not fit the type or length of its column",
    "size-limit": "an Access file would have to be larger than Access allows",
    "unsupported-column": "a column type of the Access format that cannot be written",
    "index-unsupported": "an index of the template that cannot be kept right",
    "twin-not-clean": "a value of a real file would have reached its synthetic twin",
    "archive-busy": "another call is at work on the archive",
    "interrupted": "the run was stopped before it had finished",
    # the program itself
    "internal-fault": "a fault in idbmigrate itself",
}

#: code -> what to do, where the place that raises the error knows no better
HINTS: dict[str, str] = {
    "broken-environment": "install it again: pip install --force-reinstall idbmigrate",
    "not-found": "check the name; relative names start at the current folder",
    "not-readable": "ask for permission to read it, or copy it to a place of your own",
    "empty-file": "copy the file again from where it came",
    "truncated": "copy the file again from where it came; this copy is not whole",
    "damaged": "copy the file again, or let Access compact and repair a copy of it",
    "password-needed": "give --password, or set IDBMIGRATE_PASSWORD",
    "wrong-password": "check the password with --password; letter case matters",
    "unknown-dataset": "name the data set with --source, or bind local names with --overlay",
    "another-patient": "look at these source rows; the mapping must join them by their patient, too",
    "archive-busy": "wait until it has ended, or leave out --no-wait",
    "interrupted": "run the same command again",
}


class ErrorFacts(TypedDict):
    """An error as one JSON object: its code, and in words what is wrong, where, and what helps."""

    error: str
    message: str
    where: str | None
    hint: str | None


class IdbmigrateError(Exception):
    """Base of all errors that this package raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, code: str, where: object = None, hint: str | None = None):
        if code not in CODES:
            raise ValueError(f"unregistered error code {code!r}")
        super().__init__(message)
        self.message, self.code, self.place = message, code, where
        self.where = None if where is None else str(where)
        self.hint = hint or HINTS.get(code)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{self.message} [{self.code}]{hint}"

    def as_dict(self) -> ErrorFacts:
        """The error as one JSON object, for ``--json``."""
        return {"error": self.code, "message": self.message, "where": self.where, "hint": self.hint}


class UsageError(IdbmigrateError):
    """The call itself is wrong."""

    exit_code = 2


class SourceError(IdbmigrateError):
    """The source cannot be read."""

    exit_code = 3


class DescriptionError(IdbmigrateError):
    """A mapping or a data set description is invalid."""

    exit_code = 4


class BooksError(IdbmigrateError):
    """The books do not balance, two readers disagree, or a record would stand under another patient."""

    exit_code = 5


class OutputError(IdbmigrateError):
    """The output cannot be written."""

    exit_code = 6


def near(name: str, known: Iterable[str]) -> str | None:
    """The hint for a name that is not known: those that look like it."""
    found = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else None


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not known: those that look like it, else all."""
    names = list(known)
    return near(name, names) or f"there are {', '.join(names)}"
