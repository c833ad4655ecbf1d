"""Synthetic care: patients, referrals, appointments, scores, pauses and questionnaires of one block.

What is drawn follows the shape of a service's year: a patient has one referral or a few, a referral
an assessment and then weekly sessions, most of them attended; scores start high and fall; some
wait, some pause, some are stepped up. Codes come from the data set's own lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.model import ColumnSpec, Dataset
from .blocks import dates, months, nhs_numbers, numbered, only, pick, times, whole

PROVIDER = "AJX01"
_PRACTICES = ("A81001", "B86001", "P84009", "V81999")
_COMMISSIONERS = ("15F", "02N", "03C", "99A")
_POSTCODES = ("ZZ99 3VZ", "SW1A 2AA", "LS1 4AP", "M1 1AE", "ZZ99 3CZ")
_DIAGNOSES = ("F320", "F321", "F411", "F412", "F410", "F32", "F402", "F431", "F401", "F429", "F452", "F33")
_ATTENDANCE = {"5": 70, "6": 7, "7": 2, "2": 9, "3": 9, "4": 3}
#: most sessions are at weekly steps; a referral has at most this many appointments
_SESSIONS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
#: scores of which nothing public gives the range
_UNKNOWN_RANGE = (0, 20)
#: columns of an appointment that only an attended one fills, besides its scores
_ATTENDED = {"CONTACTDURATION", "EMPSTATUS", "EMPSUPPORTIND", "EMPSUPPORTREFERRAL", "PSYCHMED", "SSPIND"}
#: scores taken at nearly every session; the others belong to a few patients each
_ROUTINE = ("PHQ9", "GAD7", "WSAS")


@dataclass(frozen=True)
class Block:
    """Some patients of a sample: ``first`` is how many came before, ``referrals`` how many referrals did."""

    seed: int
    first: int
    patients: int
    referrals: int


@dataclass
class _Care:
    """What the tables of one block share: who, which referral, when, attended or not."""

    rng: np.random.Generator
    dataset: Dataset
    patient: np.ndarray
    referral: np.ndarray
    received: np.ndarray
    first_day: int
    last_day: int
    service: pa.Array
    person: pa.Array
    # appointments
    of: np.ndarray
    step: np.ndarray
    day: np.ndarray
    quarter: np.ndarray
    attendance: pa.Array
    attended: np.ndarray


def tables(dataset: Dataset, block: Block) -> dict[str, pa.Table]:
    """All tables of the data set for one block, columns under their canonical names and in order."""
    care = _care(dataset, block)
    makers: dict[str, Callable[[_Care], dict[str, pa.Array]]] = {
        "Person": lambda c: _person(c, block),
        "Disability": _disability,
        "Referral": _referral,
        "WaitingTimePauses": _pauses,
        "Appointment": _appointment,
        "AssessmentPEQ": _assessment_peq,
        "TreatmentPEQ": _treatment_peq,
        "LTCAPPOINTMENT": _condition_appointment,
        "LTCLONGTERMCONDITION": lambda c: _few_per_referral(c, "LTC", 16, 0.6),
        "LTCMUS": lambda c: _few_per_referral(c, "PRIMEDUNEXPSYM", 9, 0.15),
        "LTCCSRI3MONTHS": _resource_use,
    }
    made = {}
    for name, spec in dataset.tables.items():
        columns = makers[name](care)
        rows = len(next(iter(columns.values())))
        made[name] = pa.table({
            column.name: columns[column.name] if column.name in columns else _drawn(care, column, rows)
            for column in spec.columns.values()
        })  # fmt: skip
    return made


def _care(dataset: Dataset, block: Block) -> _Care:
    rng = np.random.Generator(np.random.PCG64([block.seed, block.first + 1]))
    first, last = _year(dataset)
    count = rng.choice([1, 2, 3], block.patients, p=[0.75, 0.2, 0.05])
    patient = np.repeat(np.arange(block.patients), count)
    nth = np.arange(len(patient)) - np.repeat(np.cumsum(count) - count, count)
    received = np.minimum(first + rng.integers(0, 230, len(patient)) + 60 * nth, last)
    sessions = rng.choice(
        _SESSIONS, len(patient), p=[0.12, 0.13, 0.14, 0.14, 0.12, 0.11, 0.1, 0.07, 0.05, 0.02]
    )
    of = np.repeat(np.arange(len(patient)), sessions)
    step = np.arange(len(of)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
    day = (received + rng.integers(3, 29, len(patient)))[of] + 7 * step
    codes = [code for code in _ATTENDANCE if code in dataset.code_lists["attendance"].codes]
    place = rng.choice(len(codes), len(of), p=_shares([_ATTENDANCE[code] for code in codes]))
    return _Care(
        rng, dataset, patient, np.arange(len(patient)), received, first, last,
        numbered("S", block.referrals + 1 + np.arange(len(patient)), 9),
        numbered("P", block.first + 1 + np.arange(block.patients), 8),
        of, step, day, rng.integers(32, 72, len(of)),
        pa.array(codes).take(pa.array(place)), np.isin(place, [codes.index("5"), codes.index("6")]),
    )  # fmt: skip


def _shares(weights) -> np.ndarray:
    return np.asarray(weights, float) / np.sum(weights)


def _year(dataset: Dataset) -> tuple[int, int]:
    """The financial year in which the sample plays, as days since 1970: within the data set's own dates."""
    year = 2013 if dataset.version.startswith("1.0") else 2016
    first = np.datetime64(f"{year}-04-01").astype(np.int64)
    return int(first), int(first) + 364


def _drawn(care: _Care, column: ColumnSpec, rows: int) -> pa.Array:
    """A column without a rule of its own: a code from its list, a number in its range, or nothing."""
    rng, codes = care.rng, care.dataset.codes_of(column)
    if column.format.kind == "integer":
        low, high = column.range or _UNKNOWN_RANGE
        return whole(rng.integers(int(low), int(high) + 1, rows), rng.random(rows) < 0.5)
    if codes is not None:
        # every code of the list, however sure: a sample does not change as facts become surer
        return only(pick(rng, list(codes.codes), rows), rng.random(rows) < 0.93)
    return pa.nulls(rows, _null_type(column))


def _null_type(column: ColumnSpec) -> pa.DataType:
    return {"date": pa.timestamp("ms"), "integer": pa.int16(), "decimal": pa.float64()}.get(
        column.format.kind, pa.string()
    )


def _person(care: _Care, block: Block) -> dict[str, pa.Array]:
    rng, rows = care.rng, block.patients
    numbers = nhs_numbers(np.random.Generator(np.random.PCG64([block.seed, 0])), rows, block.first)
    numbers = only(numbers, rng.random(rows) < 0.97)
    has = numbers.is_valid().to_numpy(zero_copy_only=False)
    status = np.where(has, np.where(rng.random(rows) < 0.97, 0, 1), 6)
    born = care.first_day - (17 * 365 + rng.integers(0, 70 * 365, rows))
    return {
        "LPTID": care.person,
        "ORGCODEPROVIDER": pa.repeat(PROVIDER, rows),
        "NHSNO": numbers,
        "NHSNOSTATUS": numbered("0", status + 1, 1),
        "BIRTHDATE": dates(born),
        "POSTCODE": pick(rng, _POSTCODES, rows),
        "GMPC": only(pick(rng, _PRACTICES, rows), rng.random(rows) < 0.97),
    }


def _disability(care: _Care) -> dict[str, pa.Array]:
    rng, people = care.rng, len(care.person)
    who = np.sort(
        np.concatenate([np.flatnonzero(rng.random(people) < 0.35), np.flatnonzero(rng.random(people) < 0.1)])
    )
    codes = pa.array(list(care.dataset.code_lists["disability"].codes))
    # a patient's second row has another code than the first
    second = np.concatenate([[False], who[1:] == who[:-1]])
    place = (who * 7 + rng.integers(0, 3) + second * 5) % len(codes)
    return {
        "LPTID": care.person.take(pa.array(who)),
        "ORGCODEPROVIDER": pa.repeat(PROVIDER, len(who)),
        "DISABILITY": codes.take(pa.array(place)),
    }


def _referral(care: _Care) -> dict[str, pa.Array]:
    rng, rows = care.rng, len(care.patient)
    last = np.zeros(rows, np.int64)
    np.maximum.at(last, care.of, care.day)
    ended = (last < care.last_day - 30) & (rng.random(rows) < 0.85)
    onset = care.received - rng.integers(30, 2500, rows)
    step_to = rng.random(rows) < 0.04
    return {
        "LPTID": care.person.take(pa.array(care.patient)),
        "ORGCODEPROVIDER": pa.repeat(PROVIDER, rows),
        "SERVICEID": care.service,
        "ORGCODECOMM": pick(rng, _COMMISSIONERS, rows),
        "CARECLUSTER": only(pick(rng, ["00", "01", "02", "03", "04", "05"], rows), rng.random(rows) < 0.4),
        "REFRECDATE": dates(care.received),
        "ONSETDATE": only(months(onset), rng.random(rows) < 0.9),
        "OPTINDATE": dates(care.received + 3, rng.random(rows) < 0.3),
        "SERREQACCIND": pick(rng, ["Y", "N"], rows, [96, 4]),
        "PROVDIAG": only(pick(rng, _DIAGNOSES, rows), rng.random(rows) < 0.85),
        "ORGCODEPROVIDSTEPTO": only(pick(rng, ["RWK", "NQL09"], rows), step_to & ended),
        "ENDCODE": only(pick(rng, _end_codes(care), rows), ended),
        "ENDDATE": dates(last + 7, ended),
    }


def _end_codes(care: _Care) -> list[str]:
    column = care.dataset.tables["Referral"].columns["ENDCODE"]
    return list(care.dataset.codes_of(column).codes)


def _pauses(care: _Care) -> dict[str, pa.Array]:
    rng = care.rng
    which = np.flatnonzero(rng.random(len(care.patient)) < 0.1)
    start = care.received[which] + 4
    return {
        "SERVICEID": care.service.take(pa.array(which)),
        "PAUSEID": numbered("", which % 9999 + 1, 4),
        "PAUSESTARTDATE": dates(start),
        "PAUSEENDDATE": dates(start + 7, rng.random(len(which)) < 0.9),
    }


def _appointment(care: _Care) -> dict[str, pa.Array]:
    rng, rows, seen = care.rng, len(care.of), care.attended
    spec = care.dataset.tables["Appointment"].columns
    final = np.concatenate([care.of[1:] != care.of[:-1], [True]]) & (care.step > 1)
    kind = np.where(care.step == 0, 0, np.where(final, 4, np.where(care.step == 1, 2, 1)))
    cancelled = pc.is_in(care.attendance, pa.array(["2", "4"])).to_numpy(zero_copy_only=False)
    columns = {
        "LPTID": care.person.take(pa.array(care.patient[care.of])),
        "SERVICEID": care.service.take(pa.array(care.of)),
        "APPOINTMENT": dates(care.day),
        "APPOINTMENTTIME": times(care.quarter),
        "ATTENDANCE": care.attendance,
        "CANCELLATION": only(pick(rng, ["N", "Y"], rows), cancelled),
        "CONTACTDURATION": whole(rng.choice([20, 30, 45, 50, 60], rows), seen),
        "APPTYPE": pa.array(["01", "02", "03", "04", "05"]).take(pa.array(kind)),
        "EMPSUPPORTREFERRAL": dates(care.day, seen & (care.step == 0) & (rng.random(rows) < 0.05)),
    }
    columns |= _therapies(care, spec)
    columns |= _scores(care, spec)
    for name in spec:  # in the data set's order: each draw moves the stream on
        if name in _ATTENDED and name not in columns:
            columns[name] = only(_drawn(care, spec[name], rows), seen)
    return columns


def _therapies(care: _Care, spec: Mapping[str, ColumnSpec]) -> dict[str, pa.Array]:
    """One to four therapies of an attended session, the first slots first."""
    rng, rows = care.rng, len(care.of)
    codes = list(care.dataset.codes_of(spec["THERTYPE1"]).codes)
    first = rng.integers(0, len(codes), len(care.patient))[care.of]
    count = rng.choice([0, 1, 2, 3, 4], rows, p=[0.1, 0.68, 0.16, 0.04, 0.02]) * care.attended
    slots = pa.array(codes)
    return {
        f"THERTYPE{slot + 1}": only(slots.take(pa.array((first + 3 * slot) % len(codes))), count > slot)
        for slot in range(4)
    }


def _scores(care: _Care, spec: Mapping[str, ColumnSpec]) -> dict[str, pa.Array]:
    """Scores that start high and fall with the sessions, within their published ranges."""
    rng, referrals = care.rng, len(care.patient)
    level = rng.normal(0.62, 0.15, referrals)[care.of]
    fall = rng.normal(0.03, 0.02, referrals)[care.of] * care.step
    scores = {}
    for name, column in spec.items():
        if "SCORE" not in name:
            continue
        low, high = column.range or _UNKNOWN_RANGE
        share = np.clip(level - fall + rng.normal(0, 0.08, len(care.of)), 0, 1)
        if name.startswith(_ROUTINE):
            given = care.attended & (rng.random(len(care.of)) < 0.95)
        else:
            given = care.attended & (rng.random(referrals) < 0.06)[care.of]
        if column.format.kind == "decimal":
            value = np.round((low + share * (high - low)) * 20) / 20
            scores[name] = pa.array(value, mask=~given)
        else:
            scores[name] = whole(np.rint(low + share * (high - low)), given)
    return scores


def _assessment_peq(care: _Care) -> dict[str, pa.Array]:
    rng = care.rng
    which = np.flatnonzero((care.step == 0) & care.attended & (rng.random(len(care.of)) < 0.3))
    rows = len(which)
    columns = {
        "SERVICEID": care.service.take(pa.array(care.of[which])),
        "ASSESSPEQDATE": dates(care.day[which] + 1),
        "ASSESSPEQTIME": times(np.full(rows, 40)),
    }
    if "SATISFACTION" in care.dataset.tables["AssessmentPEQ"].columns:
        columns["SATISFACTION"] = whole(rng.integers(0, 5, rows), rng.random(rows) < 0.97)
    return columns


def _treatment_peq(care: _Care) -> dict[str, pa.Array]:
    rng = care.rng
    which = np.flatnonzero((care.step == 3) & care.attended)
    rows = len(which)
    answers = {f"TREATMENT{n}": whole(rng.integers(0, 5, rows), rng.random(rows) < 0.97) for n in range(1, 6)}
    return {
        "SERVICEID": care.service.take(pa.array(care.of[which])),
        "TREATPEQDATE": dates(care.day[which] + 2),
        "TREATPEQTIME": times(np.full(rows, 46)),
        **answers,
    }


def _condition_appointment(care: _Care) -> dict[str, pa.Array]:
    which = np.flatnonzero(care.attended & (care.rng.random(len(care.patient)) < 0.3)[care.of])
    return {
        "SERVICEID": care.service.take(pa.array(care.of[which])),
        "APPOINTMENTDATE": dates(care.day[which]),
        "APPOINTMENTTIME": times(care.quarter[which]),
    }


def _few_per_referral(care: _Care, name: str, codes: int, share: float) -> dict[str, pa.Array]:
    rng = care.rng
    count = (rng.random(len(care.patient)) < share) * rng.integers(1, 3, len(care.patient))
    which = np.repeat(care.referral, count)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    code = (which * 5 + 3 * nth) % codes + 1
    return {"SERVICEID": care.service.take(pa.array(which)), name: numbered("", code, 2)}


def _resource_use(care: _Care) -> dict[str, pa.Array]:
    rng = care.rng
    asked = np.flatnonzero(rng.random(len(care.patient)) < 0.12)
    which = np.repeat(asked, 5)
    question = np.tile(np.arange(1, 6), len(asked))
    yes = rng.random(len(which)) < 0.5
    return {
        "SERVICEID": care.service.take(pa.array(which)),
        "COMPLETION_POINT": whole(np.ones(len(which))),
        "CSRI_QUESTION": numbered("", question, 1),
        "CSRI_ANSWER": pa.array(["N", "Y"]).take(pa.array(yes.astype(np.int8))),
        "CSRI_LOCATION_TYPE": whole(rng.integers(1, 4, len(which)), yes),
        "CSRI_NUM_INSTANCES": whole(rng.integers(1, 9, len(which)), yes),
    }
