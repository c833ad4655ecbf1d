"""Synthetic care: patients, referrals, appointments, scores, pauses and questionnaires of one block.

What is drawn follows the shape of a service's year: a patient has one referral or a few, a referral
an assessment and then weekly sessions, most of them attended; scores start high and fall; some
wait, some pause, some are stepped up. Codes come from the data set's own lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import ColumnSpec, Dataset
from idbmigrate.sample import answers
from idbmigrate.sample.blocks import dates, months, nhs_numbers, numbered, only, pick, times, whole
from idbmigrate.sample.course import UNKNOWN_RANGE, Block, Care, draw_course

PROVIDER = "AJX01"
_PRACTICES = ("A81001", "B86001", "P84009", "V81999")
_COMMISSIONERS = ("15F", "02N", "03C", "99A")
_POSTCODES = ("ZZ99 3VZ", "SW1A 2AA", "LS1 4AP", "M1 1AE", "ZZ99 3CZ")
_DIAGNOSES = (
    "F320",
    "F321",
    "F411",
    "F412",
    "F410",
    "F32",
    "F402",
    "F431",
    "F401",
    "F429",
    "F452",
    "F33",
    "F400",
)
#: Codes that are retired, or soon were: a file holds few of them. How often any code occurs in real files is
#: nowhere published; these weights are ours.
_RARE = {
    "SOURCEREFERRAL": ("J", "K", "L"),
    "BAFINDICATOR": ("01", "04"),
}
#: How referrals end that were treated, and that were not: most complete, many drop out.
_TREATED_ENDS = {"42": 58, "43": 25, "44": 6, "40": 4, "41": 3, "98": 3, "45": 1}
_OTHER_ENDS = {"14": 30, "11": 22, "10": 16, "13": 12, "12": 12, "97": 7, "15": 1}
#: columns of an appointment that only an attended one fills, besides its scores
_ATTENDED = {"CONTACTDURATION", "EMPSTATUS", "EMPSUPPORTIND", "EMPSUPPORTREFERRAL", "PSYCHMED", "SSPIND"}


def tables(dataset: Dataset, block: Block, also: Collection[str] = ()) -> dict[str, pa.Table]:
    """All tables of the data set for one block, columns under their canonical names and in order.

    Of those that only some files hold, the ones in ``also``.
    """
    care = draw_course(dataset, block)
    makers: dict[str, Callable[[Care], dict[str, pa.Array]]] = {
        "Person": lambda c: _person(c, block),
        "Disability": _disability,
        "Referral": _referral,
        "WaitingTimePauses": _pauses,
        "Appointment": _appointment,
        "EmploymentAdviser": _employment,
        "AssessmentPEQ": answers.assessment_peq,
        "TreatmentPEQ": answers.treatment_peq,
        "LTCAPPOINTMENT": answers.condition_appointment,
        "LTCLONGTERMCONDITION": lambda c: answers.few_per_referral(c, "LTC", 16, 0.6),
        "LTCMUS": lambda c: answers.few_per_referral(c, "PRIMEDUNEXPSYM", 9, 0.15),
        "LTCCSRI3MONTHS": answers.resource_use,
    }
    made = {}
    for name, spec in dataset.tables.items():
        if not spec.expected and name not in also:
            continue
        columns = makers[name](care)
        rows = len(next(iter(columns.values())))
        made[name] = pa.table(
            {
                column.name: columns[column.name] if column.name in columns else _drawn(care, column, rows)
                for column in spec.columns.values()
            }
        )
    return made


def _drawn(care: Care, column: ColumnSpec, rows: int) -> pa.Array:
    """A column without a rule of its own: a code from its list, a number in its range, or nothing."""
    rng, codes = care.rng, care.dataset.codes_of(column)
    if column.format.kind == "integer":
        low, high = column.range or UNKNOWN_RANGE
        return whole(rng.integers(int(low), int(high) + 1, rows), rng.random(rows) < 0.5)
    if codes is not None:
        # every code of the list, however sure: a sample does not change as facts become surer
        names = list(codes.codes)
        rare = _RARE.get(column.name)
        weights = None if rare is None else _weights(names, rare)
        return only(pick(rng, names, rows, weights), rng.random(rows) < 0.93)
    return pa.nulls(rows, _null_type(column))


def _weights(codes: list[str], rare: tuple[str, ...]) -> np.ndarray:
    """Earlier codes come more often, and those that begin like a rare one hardly ever."""
    seldom = np.array([code.startswith(rare) for code in codes])
    return np.where(seldom, 0.01, 1) / np.arange(2, len(codes) + 2)


def _null_type(column: ColumnSpec) -> pa.DataType:
    return {"date": pa.timestamp("ms"), "integer": pa.int16(), "decimal": pa.float64()}.get(
        column.format.kind, pa.string()
    )


def _person(care: Care, block: Block) -> dict[str, pa.Array]:
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
        "DOB": dates(born),
        "POSTCODE": pick(rng, _POSTCODES, rows),
        "GMPC": only(pick(rng, _PRACTICES, rows), rng.random(rows) < 0.97),
    }


def _disability(care: Care) -> dict[str, pa.Array]:
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


def _referral(care: Care) -> dict[str, pa.Array]:
    rng, rows = care.rng, len(care.patient)
    last = np.zeros(rows, np.int64)
    np.maximum.at(last, care.of, care.day)
    ended = (last < care.last_day - 30) & (rng.random(rows) < 0.85)
    # of some the end is written some days before the last contact
    end = last + np.where((care.referral % 17 == 5) & (last - 3 > care.received), -3, 7)
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
        "PROVDIAG": _diagnoses(care),
        "ORGCODEPROVIDSTEPTO": only(pick(rng, ["RWK", "NQL09"], rows), step_to & ended),
        "ENDCODE": only(_end_codes(care, step_to), ended),
        "ENDDATE": dates(end, ended),
    }


def _diagnoses(care: Care) -> pa.Array:
    """Provisional diagnoses, which the questionnaires of an appointment follow."""
    rows = len(care.patient)
    care.diagnosis = only(pick(care.rng, _DIAGNOSES, rows), care.rng.random(rows) < 0.85)
    return care.diagnosis


def _end_codes(care: Care, step_to: np.ndarray) -> pa.Array:
    """End codes that fit the course: of those who were stepped, were treated, and of the others."""
    rows = len(care.patient)
    treated = np.zeros(rows, bool)
    treated[care.of[care.attended & (care.step > 0)]] = True
    (apart,) = care.rng.spawn(1)
    after, before = (
        pick(rng, list(codes), rows, list(codes.values()))
        for rng, codes in ((care.rng, _TREATED_ENDS), (apart, _OTHER_ENDS))
    )
    stepped = pa.array(["40", "41"]).take(pa.array(care.referral % 2))
    return pc.if_else(pa.array(step_to), stepped, pc.if_else(pa.array(treated), after, before))


def _pauses(care: Care) -> dict[str, pa.Array]:
    rng = care.rng
    which = np.flatnonzero(rng.random(len(care.patient)) < 0.1)
    start = care.received[which] + 4
    return {
        "SERVICEID": care.service.take(pa.array(which)),
        "PAUSEID": numbered("", which % 9999 + 1, 4),
        "PAUSESTARTDATE": dates(start),
        "PAUSEENDDATE": dates(start + 7, rng.random(len(which)) < 0.9),
    }


def _appointment(care: Care) -> dict[str, pa.Array]:
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
    columns |= answers.scores(care, spec)
    for name in spec:  # in the data set's order: each draw moves the stream on
        if name in _ATTENDED and name not in columns:
            columns[name] = only(_drawn(care, spec[name], rows), seen)
    return columns


def _employment(care: Care) -> dict[str, pa.Array]:
    """What an employment adviser wrote down about some referrals, on the day of their first contact."""
    rng = care.rng
    which = np.flatnonzero(rng.random(len(care.patient)) < 0.4)
    first = np.full(len(care.patient), care.last_day)
    np.minimum.at(first, care.of, care.day)
    return {
        "LPTID": care.person.take(pa.array(care.patient[which])),
        "SERVICEID": care.service.take(pa.array(which)),
        "EMPSTATUSRECDATE": dates(first[which]),
        "EMPSUPPORTREFERRAL": dates(first[which] + 7, rng.random(len(which)) < 0.3),
    }


def _therapies(care: Care, spec: Mapping[str, ColumnSpec]) -> dict[str, pa.Array]:
    """One to four therapies of an attended session, the first slots first."""
    rng, rows = care.rng, len(care.of)
    codes = list(care.dataset.listed(spec["THERTYPE1"]))
    first = rng.integers(0, len(codes), len(care.patient))[care.of]
    count = rng.choice([0, 1, 2, 3, 4], rows, p=[0.1, 0.68, 0.16, 0.04, 0.02]) * care.attended
    slots = pa.array(codes)
    return {
        f"THERTYPE{slot + 1}": only(slots.take(pa.array((first + 3 * slot) % len(codes))), count > slot)
        for slot in range(4)
    }
