"""The proof that nobody's record is published under another patient.

It reads what is published, where that came from and the file's own values, and none of the joins and keys of
the plan: it must notice when these are wrong. Every source row with a patient identifier names a patient. Two
things must hold:

- the source rows of which one target row is made name one patient;
- a target row and the row that it hangs on, by a foreign key of the data set, are of one patient, and no two
  patients share a published patient identifier. A row that names nobody is of the patient that it hangs on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.brief import brief
from idbmigrate.compile import plan as p
from idbmigrate.datasets.model import Dataset, TableSpec
from idbmigrate.errors import BooksError
from idbmigrate.execution.run import Execution, TableResult
from idbmigrate.ledger.lineage import Origins, numbers
from idbmigrate.staging.tables import UNSEEN, StagedTable

#: The item of the NHS Data Dictionary by which a provider tells its patients apart.
PATIENT_ITEM = "LOCAL PATIENT IDENTIFIER (EXTENDED)"
#: Source rows that an error names.
_SHOWN = 5
#: Patients by number; no patient is -1.
_NOBODY = -1
#: Numbers of the patients that the rows of each source table name.
Patients = dict[str, np.ndarray]


@dataclass(frozen=True)
class Examined:
    """What the proof looked at in one target table: ``rows`` published, ``named`` those of a known patient,
    ``allowed`` those left out because the user allowed it."""

    rows: int
    named: int
    allowed: int = 0


@dataclass(frozen=True)
class Breach:
    """Published rows of one target table that join two patients.

    ``column`` is the foreign key or the patient identifier that joins them, ``None`` where the row itself
    is made from source rows of two patients. ``places`` are source rows, ``Appointment 12:3``: some of them.
    """

    table: str
    column: str | None
    count: int
    places: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table


@brief
@dataclass(frozen=True)
class Proof:
    """What was examined, by target table, and what was found."""

    examined: dict[str, Examined] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()

    def hold(self) -> None:
        """Raise ``BooksError`` (``another-patient``) where a row joins two patients."""
        if not self.breaches:
            return
        first, *others = self.breaches
        rows = "1 row" if first.count == 1 else f"{first.count} rows"
        how = "of one patient under another" if first.column else "made from records of two patients"
        places = ", ".join(first.places) + (", ..." if first.count > len(first.places) else "")
        also = ", ".join(f"{each.where} ({each.count})" for each in others)
        raise BooksError(
            f"{rows} {how}, from {places}" + (f"; also {also}" if also else ""),
            code="another-patient",
            where=first.where,
        )

    def lines(self) -> dict[str, dict[str, int]]:
        """What was examined, as the manifest says it."""
        return {
            name: {"rows": each.rows, "named": each.named, "allowed": each.allowed}
            for name, each in self.examined.items()
        }


def prove(
    run: Execution,
    tables: Mapping[str, pa.Table],
    staged: Mapping[str, StagedTable],
    source: Dataset,
    target: Dataset,
    allowed: Mapping[str, np.ndarray] | None = None,
) -> Proof:
    """Look for target rows that join two patients.

    ``tables`` are the published rows, one a kept row of ``run.results``. ``allowed`` are masks over the rows
    of source tables whose target rows may stand under another patient, because the user said so: they are
    counted and not compared.
    """
    examined: dict[str, Examined] = {}
    breaches: list[Breach] = []
    for patients in _namings(staged, source):
        looking = _Looking(run, tables, target, patients, allowed or {})
        looking.through(Origins(run, staged))
        breaches += looking.breaches
        examined = examined or looking.examined
    return Proof(examined, tuple(breaches))


# -- whom source rows name -------------------------------------------------------------------------


def _namings(staged: Mapping[str, StagedTable], source: Dataset) -> Iterator[Patients]:
    """The patients of all rows by identifier; by identifier and provider, if patients share an identifier."""
    of = {name: _patient_column(spec) for name, spec in source.tables.items()}
    columns = {name: staged[name].raw[column] for name, column in of.items() if column and name in staged}
    patients = _numbered(columns)
    _name_by_reference(patients, staged, source)
    yield patients
    home = next((name for name in patients if source.tables[name].primary_key[:1] == (of[name],)), None)
    rest = source.tables[home].primary_key[1:] if home else ()
    if home and rest:
        yield from _apart(patients, home, rest, staged)


def _name_by_reference(patients: Patients, staged: Mapping[str, StagedTable], source: Dataset) -> None:
    """A row without a patient identifier names whoever alone has the record that it refers to.

    Parents stand before their children in a data set, so that whom a parent names is known by then.
    """
    referring: dict[str, dict[str, dict[str, str]]] = {}
    for name, spec in source.tables.items():
        for column, (parent, key) in spec.foreign_keys.items():
            if name in staged and parent != name:
                referring.setdefault(parent, {}).setdefault(key, {})[name] = column
    for parent in [name for name in source.tables if name in referring]:
        for key, columns in referring[parent].items():
            unnamed = [name for name in columns if name not in patients or (patients[name] < 0).any()]
            if parent in patients and unnamed:
                _name_children(patients, staged, (parent, key), {name: columns[name] for name in unnamed})


def _name_children(
    patients: Patients, staged: Mapping[str, StagedTable], parent: tuple[str, str], columns: Mapping[str, str]
) -> None:
    """Rows of children that name nobody name their parent's patient; ``columns`` are their keys of it."""
    table, key = parent
    named = {name: staged[name].raw[column] for name, column in columns.items()}
    codes = _numbered({**named, table: staged[table].raw[key]})
    first, several = _first_owners(codes[table], patients[table])
    first[several] = _NOBODY
    for name in columns:
        there = np.where(codes[name] < first.size - 1, codes[name], _NOBODY)
        known = patients.get(name, np.full(there.size, _NOBODY))
        patients[name] = np.where(known < 0, first[there], known)


def _apart(
    patients: Patients, home: str, rest: tuple[str, ...], staged: Mapping[str, StagedTable]
) -> Iterator[Patients]:
    """The patients by their whole key, of the identifiers that several patients share; else nothing."""
    tables = [name for name in patients if set(rest) <= set(staged[name].raw.column_names)]
    whole = {name: patients[name].astype(np.int64) for name in tables}
    for column in rest:
        parts = _numbered({name: staged[name].raw[column] for name in tables})
        for name in tables:
            known = (whole[name] >= 0) & (parts[name] >= 0)
            whole[name] = np.where(known, (whole[name] << 20) | parts[name], _NOBODY)
    keys = np.unique(whole[home][whole[home] >= 0])
    owners, times = np.unique(keys >> (20 * len(rest)), return_counts=True)
    shared = keys[np.isin(keys >> (20 * len(rest)), owners[times > 1])]
    if shared.size:
        yield {
            name: np.where(np.isin(whole[name], shared), whole[name], _NOBODY)
            if name in whole
            else np.full(patients[name].size, _NOBODY)
            for name in patients
        }


def _patient_column(spec: TableSpec) -> str | None:
    """The column of a table that identifies the patient."""
    return next((name for name, column in spec.columns.items() if column.item == PATIENT_ITEM), None)


def _numbered(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, np.ndarray]:
    """The same number for each text of all these columns that is the same key, -1 where there is none."""
    coded = {name: _dictionary(column) for name, column in columns.items()}
    if not coded:
        return {}
    texts = pa.concat_arrays([each.dictionary.cast(pa.string()) for each in coded.values()])
    keys = numbers(pc.dictionary_encode(_keys(texts)).indices).astype(np.int32)
    found, start = {}, 0
    for name, each in coded.items():
        mine = np.append(keys[start : start + len(each.dictionary)], np.int32(_NOBODY))
        found[name] = mine[numbers(each.indices)]
        start += len(each.dictionary)
    return found


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    whole = coded.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # a column without any piece
        return pa.array([], pa.string()).dictionary_encode()
    return whole


def _keys(texts: pa.Array) -> pa.Array:
    """Texts as Access compares them: no letter case, and nothing at the ends that nobody sees."""
    if pc.all(pc.string_is_ascii(texts)).as_py():
        keys = pc.ascii_lower(pc.ascii_trim(texts, "".join(filter(str.isascii, UNSEEN))))
    else:
        trimmed = pc.utf8_trim(texts, characters=UNSEEN)
        keys = pa.array([text and text.upper().casefold() for text in trimmed.to_pylist()], pa.string())
    return pc.if_else(pc.equal(pc.binary_length(keys), 0), pa.scalar(None, pa.string()), keys)


# -- whose the target rows are ---------------------------------------------------------------------


class _Looking:
    """One look through all target tables, with one way of telling patients apart."""

    def __init__(
        self,
        run: Execution,
        tables: Mapping[str, pa.Table],
        target: Dataset,
        patients: Patients,
        allowed: Mapping[str, np.ndarray],
    ):
        self.results, self.tables, self.target = run.results, tables, target
        self.patients, self.allowed = patients, allowed
        self.breaches: list[Breach] = []
        self.examined: dict[str, Examined] = {}
        self._owners: dict[str, np.ndarray] = {}
        self._keys: dict[str, pa.Array] = {}

    def through(self, origins: Origins) -> None:
        self.origins = origins
        for name in self.results:
            self._owner(name)

    def _owner(self, name: str) -> np.ndarray:
        """The patient of each published row of a table: whom its source rows name, or whom it hangs on."""
        if name in self._owners:
            return self._owners[name]
        spec = self.target.tables[name]
        owner, allowed = self._named(name, self.results[name])
        self._owners[name] = owner
        for column, (parent, key) in spec.foreign_keys.items():
            if parent != name and parent in self.results and self._leads_to_patient(parent, key):
                hangs_on = np.append(self._owner(parent), _NOBODY)[self._places(name, column, parent, key)]
                self._note(name, column, _differ(owner, hangs_on))
                np.copyto(owner, hangs_on, where=owner < 0)
        identifier = _patient_column(spec)
        if identifier is not None and identifier not in spec.foreign_keys:
            self._note(name, identifier, _shared(self.tables[name][identifier], owner))
        known, left_out = int(np.count_nonzero(owner >= 0)), int(np.count_nonzero(allowed))
        self.examined[name] = Examined(owner.size, known, left_out)
        return owner

    def _places(self, name: str, column: str, parent: str, key: str) -> np.ndarray:
        if parent not in self._keys:
            self._keys[parent] = _plain(self.tables[parent][key])
        return places_of(self.tables[name][column], self._keys[parent])

    def _leads_to_patient(self, table: str, key: str) -> bool:
        """Whether the key is that of one record of one patient, and not of staff or a team."""
        spec = self.target.tables[table]
        if spec.primary_key != (key,):
            return False
        while spec.parent is not None:
            spec = self.target.tables[spec.parent]
        return _patient_column(spec) is not None

    def _named(self, name: str, result: TableResult) -> tuple[np.ndarray, np.ndarray]:
        """The patient that the source rows of each published row name, and which rows are allowed.

        An allowed row names nobody: it is of the patient that it hangs on.
        """
        made = result.made if result.kept.all() else result.made.filter(pa.array(result.kept))
        owner, allowed = np.full(made.num_rows, _NOBODY, np.int64), np.zeros(made.num_rows, bool)
        wrong, branches, rows = np.zeros(made.num_rows, bool), numbers(made[p.BRANCH]), numbers(made[p.ROW])
        bounds = np.searchsorted(branches, np.arange(len(result.query.branches) + 1))  # in their order
        for branch, start, stop in zip(result.query.branches, bounds, bounds[1:], strict=False):
            mine = slice(start, stop)
            named = _of(self.patients.get(branch.source or ""), rows[mine])
            for _, table, column in branch.joined:
                if table in self.patients:
                    other = _of(self.patients[table], numbers(made[column])[mine])
                    wrong[mine] |= _differ(named, other)
                    named = np.where(named < 0, other, named)
            if branch.source is not None and branch.source in self.allowed:
                allowed[mine] = self.allowed[branch.source][rows[mine]]
            owner[mine] = named
        owner[allowed] = _NOBODY
        self._note(name, None, wrong & ~allowed)
        return owner, allowed

    def _note(self, name: str, column: str | None, wrong: np.ndarray) -> None:
        if not wrong.any():
            return
        some = self.origins[name].take(pa.array(np.flatnonzero(wrong)))
        places = [place for place in pc.unique(some).to_pylist() if place][:_SHOWN]
        self.breaches.append(Breach(name, column, int(np.count_nonzero(wrong)), tuple(places)))


def _of(patients: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """The patients that these rows of a source table name; a row with the number -1 is none."""
    if patients is None:
        return np.full(rows.size, _NOBODY, np.int64)
    return np.append(patients, _NOBODY)[rows]


def _differ(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Where both are patients, and not the same one."""
    return (some >= 0) & (others >= 0) & (some != others)


def _shared(identifiers: pa.ChunkedArray, owner: np.ndarray) -> np.ndarray:
    """Rows that have the identifier of a row before them that is of another patient."""
    codes = numbers(_dictionary(identifiers).indices)
    return _differ(owner, _first_owners(codes, owner)[0][codes])


def _first_owners(codes: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The patient of the first row with each code, nobody for the code -1, and codes of several patients."""
    known = np.flatnonzero((codes >= 0) & (owner >= 0))
    first = np.full(codes.max(initial=-1) + 2, _NOBODY, np.int64)
    first[codes[known][::-1]] = owner[known][::-1]  # written backwards, the first is written last
    return first, np.unique(codes[known][owner[known] != first[codes[known]]])


def places_of(child: pa.ChunkedArray, keys: pa.Array) -> np.ndarray:
    """For each value of a foreign key the place among the parents' keys, -1 where it is not there."""
    if not pa.types.is_dictionary(child.type):
        return _look_up(child, keys)
    pieces: list[np.ndarray] = []
    seen: list[tuple[pa.Array, np.ndarray]] = []
    for chunk in child.chunks:
        known = next((places for texts, places in seen if texts.equals(chunk.dictionary)), None)
        if known is None:
            known = np.append(_look_up(chunk.dictionary.cast(pa.string()), keys), _NOBODY)
            seen.append((chunk.dictionary, known))
        pieces.append(known[numbers(chunk.indices)])
    return np.concatenate(pieces) if pieces else np.empty(0, np.int64)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    whole = column.cast(pa.string()).combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _look_up(texts: pa.Array | pa.ChunkedArray, keys: pa.Array) -> np.ndarray:
    """The places of texts among the keys; where the two are the same, nothing is looked up."""
    if isinstance(texts, pa.Array) and len(texts) == len(keys) and texts.equals(keys):
        return np.arange(len(keys), dtype=np.int64)
    return numbers(pc.index_in(texts, value_set=keys, skip_nulls=True))
