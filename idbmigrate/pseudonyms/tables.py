"""Target tables as they may leave the house: each different value is looked at once.

Whatever is equal to an identifier of the same tables does not go out in any other column, whatever its form:
an NHS number that somebody typed into a field for codes stays behind. Rows are put in the order of their
pseudonyms, so that their order says nothing of the file's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import ColumnSpec, Dataset, TableSpec
from idbmigrate.errors import BooksError, UsageError
from idbmigrate.pseudonyms.forms import form
from idbmigrate.pseudonyms.items import Treatment, treatments
from idbmigrate.pseudonyms.key import Key

_PROVIDERS = ("ORGANISATION IDENTIFIER (CODE OF PROVIDER)", "ORGANISATION CODE (CODE OF PROVIDER)")
_NHS_NUMBER = "nhs-number"
#: A shorter identifier may be equal to a code by chance.
_LONG_ENOUGH = 4
_NOT_CLASSIFIED = Treatment("direct", "left-out")


class LeftOut(TypedDict):
    """How many values of a column did not go out, as they have not the form of their kind."""

    table: str
    column: str
    values: int


Tables = Mapping[str, pa.Table]


def pseudonymised(
    tables: Tables, dataset: Dataset, key: Key, provider: str
) -> tuple[dict[str, pa.Table], list[LeftOut]]:
    """The tables of one provider's submission without what identifies, and what was left out of them.

    Pseudonyms of local identifiers are one provider's: another's patient of the same number gets another one.
    Raises BooksError ``identifier-clash`` where two identifiers would share a pseudonym.
    """
    known = {name: dataset.tables[name] for name in tables if name in dataset.tables}
    secret = _Identifiers(tables, known)
    made, left = {}, []
    pseudonyms: dict[tuple[str, str], str] = {}
    for name, spec in known.items():
        table = tables[name]
        columns = {}
        for column in table.column_names:
            one = _Column(spec.columns.get(column), dataset, key, provider, secret, pseudonyms)
            columns[column], lost = one.of(table[column])
            left += [LeftOut(table=name, column=column, values=lost)] if lost else []
        made[name] = _in_order(pa.table(columns), spec)
    return made, left


def treatment(spec: ColumnSpec | None) -> Treatment:
    """What becomes of a column: what is not classified is left out."""
    return treatments().get(spec.item or "", _NOT_CLASSIFIED) if spec else _NOT_CLASSIFIED


def provider_of(*places: tuple[Tables, Dataset]) -> str:
    """The provider that tables name, by the first of some places that names any.

    Raises UsageError where none does, or where one names more than one: a local identifier says nothing
    without its provider.
    """
    for tables, dataset in places:
        found = _providers(tables, dataset)
        if len(found) == 1:
            return found.pop()
        if found:
            break
    raise UsageError(
        "pseudonyms need the provider, and more than one is named"
        if found
        else "pseudonyms need the provider",
        code="bad-option",
        where="--pseudonymise",
        hint="set it: --set org_id_provider=CODE",
    )


def _providers(tables: Tables, dataset: Dataset) -> set[str]:
    found: set[str] = set()
    for name in tables.keys() & dataset.tables.keys():
        for column, spec in dataset.tables[name].columns.items():
            if spec.item in _PROVIDERS and column in tables[name].column_names:
                found |= {
                    text.upper() for text in pc.unique(_plain(tables[name][column])).to_pylist() if text
                }
    return found


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


class _Identifiers:
    """The identifiers of persons in the tables, folded: they go out nowhere."""

    def __init__(self, tables: Tables, known: Mapping[str, TableSpec]):
        self.found: set[str] = set()
        for name, spec in known.items():
            for column in tables[name].column_names:
                made = treatment(spec.columns.get(column))
                if made.becomes in ("pseudonym", "district"):
                    texts = pc.unique(_plain(tables[name][column])).to_pylist()
                    self.found |= {
                        folded for text in texts if text and len(folded := _bare(text)) >= _LONG_ENOUGH
                    }

    def __contains__(self, text: object) -> bool:
        return _bare(str(text)) in self.found


def _bare(text: str) -> str:
    """A text without blanks, dashes and letter case, as an identifier is recognised."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).casefold()


class _Column:
    """What becomes of one column."""

    def __init__(
        self,
        spec: ColumnSpec | None,
        dataset: Dataset,
        key: Key,
        provider: str,
        secret: _Identifiers,
        pseudonyms: dict[tuple[str, str], str],
    ):
        self.treatment, self.key, self.secret, self.pseudonyms = treatment(spec), key, secret, pseudonyms
        self.scope = provider if self.treatment.scope == "provider" else ""
        codes = dataset.codes_of(spec) if spec is not None else None
        self.turn: Callable[[str], str | None] = (
            self._pseudonym
            if self.treatment.becomes == "pseudonym"
            else form(self.treatment.becomes, codes.codes if codes else None)
        )

    def of(self, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """The column as it goes out, and how many of its values do not."""
        texts = _plain(column)
        different = pc.unique(texts).drop_null()
        turned = pa.array([self._out(text) for text in different.to_pylist()], pa.string())
        made = pc.take(turned, pc.index_in(texts, different))
        return made, made.null_count - texts.null_count

    def _out(self, text: str) -> str | None:
        if self.treatment.becomes not in ("pseudonym", "district") and text in self.secret:
            return None
        return self.turn(text)

    def _pseudonym(self, text: str) -> str:
        kind = self.treatment.of
        normal = _bare(text) if kind == _NHS_NUMBER else _normal(text)
        made = self.key.pseudonym(kind, self.scope, normal)
        if self.pseudonyms.setdefault((kind, made), normal) != normal:
            raise BooksError("two identifiers have one pseudonym", code="identifier-clash")
        return made


def _normal(text: str) -> str:
    """A local identifier as Access compares texts: without letter case, and blanks at its ends."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _in_order(table: pa.Table, spec: TableSpec) -> pa.Table:
    """The rows by their keys, then by all else."""
    first = [name for name in (*spec.primary_key, *spec.foreign_keys) if name in table.column_names]
    names = [*dict.fromkeys([*first, *table.column_names])]
    return table.sort_by([(name, "ascending") for name in names]) if table.num_rows > 1 and names else table
