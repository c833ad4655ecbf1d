"""Scores, questionnaires and the tables of the long-term conditions pilot, for a course of care."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import ColumnSpec
from idbmigrate.sample.blocks import dates, numbered, times, whole
from idbmigrate.sample.course import UNKNOWN_RANGE, Care

#: scores taken at nearly every session; the others belong to a few patients each
_ROUTINE = ("PHQ9", "GAD7", "WSAS")
#: the questionnaire of a disorder is given to those who have it
_OF_DISORDER = {
    "AGORASCOREALONE": "F400",
    "SOCPHOBIAINVSCORE": "F401",
    "OCDSCORE": "F42",
    "PTSDSCORE": "F431",
    "PTSD_SCORE": "F431",
    "HEALTHANXSCORE": "F452",
}


def scores(care: Care, spec: Mapping[str, ColumnSpec]) -> dict[str, pa.Array]:
    """Scores that start high and fall with the sessions, within their published ranges."""
    rng, referrals = care.rng, len(care.patient)
    level = rng.normal(0.56, 0.2, referrals)[care.of]
    fall = rng.normal(0.05, 0.03, referrals)[care.of] * care.step
    scores = {}
    for name, column in spec.items():
        if "SCORE" not in name:
            continue
        low, high = column.range or UNKNOWN_RANGE
        share = np.clip(level - fall + rng.normal(0, 0.08, len(care.of)), 0, 1)
        if name.startswith(_ROUTINE):
            given = (
                care.attended & (rng.random(len(care.of)) < 0.95) & (care.of % 23 != 7)
            )  # some never answer
        else:
            given = care.attended & (_has(care, name) | (rng.random(referrals) < 0.06))[care.of]
        if column.format.kind == "decimal":
            value = np.round((low + share * (high - low)) * 20) / 20
            scores[name] = pa.array(value, mask=~given)
        else:
            scores[name] = whole(np.rint(low + share * (high - low)), given)
    return scores


def _has(care: Care, score: str) -> np.ndarray:
    """Which referrals have the disorder that a questionnaire is for."""
    disorder = _OF_DISORDER.get(score)
    if disorder is None or care.diagnosis is None:
        return np.zeros(len(care.patient), bool)
    found = pc.fill_null(pc.starts_with(care.diagnosis, disorder), False)
    return found.to_numpy(zero_copy_only=False)


def assessment_peq(care: Care) -> dict[str, pa.Array]:
    """The questionnaire after the assessment, from some of those who came."""
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


def treatment_peq(care: Care) -> dict[str, pa.Array]:
    """The questionnaire in the course of treatment."""
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


def condition_appointment(care: Care) -> dict[str, pa.Array]:
    """Sessions of patients with a long-term condition; their scores are drawn by range."""
    which = np.flatnonzero(care.attended & (care.rng.random(len(care.patient)) < 0.3)[care.of])
    return {
        "SERVICEID": care.service.take(pa.array(care.of[which])),
        "APPOINTMENTDATE": dates(care.day[which]),
        "APPOINTMENTTIME": times(care.quarter[which]),
    }


def few_per_referral(care: Care, name: str, codes: int, share: float) -> dict[str, pa.Array]:
    """One or two made-up two-digit codes for a share of the referrals."""
    rng = care.rng
    count = (rng.random(len(care.patient)) < share) * rng.integers(1, 3, len(care.patient))
    which = np.repeat(care.referral, count)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    code = (which * 5 + 3 * nth) % codes + 1
    return {"SERVICEID": care.service.take(pa.array(which)), name: numbered("", code, 2)}


def resource_use(care: Care) -> dict[str, pa.Array]:
    """Five questions on other services, asked of some."""
    rng = care.rng
    answered = np.flatnonzero(rng.random(len(care.patient)) < 0.12)
    which = np.repeat(answered, 5)
    question = np.tile(np.arange(1, 6), len(answered))
    yes = rng.random(len(which)) < 0.5
    return {
        "SERVICEID": care.service.take(pa.array(which)),
        "COMPLETION_POINT": whole(np.ones(len(which))),
        "CSRI_QUESTION": numbered("", question, 1),
        "CSRI_ANSWER": pa.array(["N", "Y"]).take(pa.array(yes.astype(np.int8))),
        "CSRI_LOCATION_TYPE": whole(rng.integers(1, 4, len(which)), yes),
        "CSRI_NUM_INSTANCES": whole(rng.integers(1, 9, len(which)), yes),
    }
