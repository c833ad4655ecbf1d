"""The course of care that a block's tables share: who, which referral, which session, attended or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from idbmigrate.datasets.model import Dataset
from idbmigrate.sample.blocks import numbered

_ATTENDANCE = {"5": 70, "6": 7, "7": 2, "2": 9, "3": 9, "4": 3}
#: most sessions are at weekly steps; a referral has at most this many appointments
_SESSIONS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
#: long waits are of referrals of the year's first days, so that their courses end within it
_EARLY = 120
#: scores of which nothing public gives the range
UNKNOWN_RANGE = (0, 20)


@dataclass(frozen=True)
class Block:
    """Some patients of a sample: ``first`` is how many came before, ``referrals`` how many referrals did."""

    seed: int
    first: int
    patients: int
    referrals: int


@dataclass
class Care:
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
    diagnosis: pa.Array | None = None


def draw_course(dataset: Dataset, block: Block) -> Care:
    """Draw patients, referrals and sessions of a block."""
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
    begun = received + rng.integers(3, 29, len(patient)) + _waits(received, first)
    day = begun[of] + 7 * step + np.where(step > 1, _gaps(received, first)[of], 0)
    codes = [code for code in _ATTENDANCE if code in dataset.code_lists["attendance"].codes]
    place = rng.choice(len(codes), len(of), p=_shares([_ATTENDANCE[code] for code in codes]))
    return Care(
        rng,
        dataset,
        patient,
        np.arange(len(patient)),
        received,
        first,
        last,
        numbered("S", block.referrals + 1 + np.arange(len(patient)), 9),
        numbered("P", block.first + 1 + np.arange(block.patients), 8),
        of,
        step,
        day,
        rng.integers(32, 72, len(of)),
        pa.array(codes).take(pa.array(place)),
        np.isin(place, [codes.index("5"), codes.index("6")]),
    )


def _waits(received: np.ndarray, first_day: int) -> np.ndarray:
    """Days that some wait longer for their assessment: over six weeks, a few over eighteen."""
    nth, early = np.arange(len(received)), received < first_day + _EARLY
    return np.where(early & (nth % 11 == 4), 40, 0) + np.where(early & (nth % 37 == 9), 120, 0)


def _gaps(received: np.ndarray, first_day: int) -> np.ndarray:
    """Days that some wait between the first treatments, on a waiting list within the service."""
    nth = np.arange(len(received))
    return np.where((received < first_day + _EARLY) & (nth % 13 == 6), 98, 0)


def _shares(weights) -> np.ndarray:
    return np.asarray(weights, float) / np.sum(weights)


def _year(dataset: Dataset) -> tuple[int, int]:
    """The financial year in which the sample plays, as days since 1970: within the data set's own dates."""
    year = 2013 if dataset.version.startswith("1.0") else 2016
    first = np.datetime64(f"{year}-04-01").astype(np.int64)
    return int(first), int(first) + 364
