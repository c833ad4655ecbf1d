"""Closed lists of words, each told once: the type for a type checker, and the words in their order."""

from __future__ import annotations

from typing import Literal, get_args

#: What a finding does to a submission, the lightest first.
Effect = Literal["warning", "record", "group", "file"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)

#: What would become of a submission.
SubmissionOutcome = Literal["accepted", "accepted-in-part", "rejected"]

#: How sure an entry of a mapping or a measure is, the surest first. Who writes one knows what it says.
StatedConfidence = Literal["confirmed", "inferred", "proposed"]
STATED_CONFIDENCE: tuple[StatedConfidence, ...] = get_args(StatedConfidence)
#: How sure a fact of a data set is.
Confidence = Literal[StatedConfidence, "unknown"]
CONFIDENCE: tuple[Confidence, ...] = get_args(Confidence)

#: What became of a source row or value. The data is to blame for what is rejected; a rule drops the rest.
Outcome = Literal["carried", "rejected", "dropped"]
CARRIED, REJECTED, DROPPED = OUTCOMES = get_args(Outcome)

#: The reason of a row or value of another month than the run's.
OUTSIDE_PERIOD = "outside-period"

#: Whether the values of an item are valid, other, default, invalid or missing: the words of the published
#: data-quality measures.
Vodim = Literal["valid", "other", "default", "invalid", "missing"]
VODIM: tuple[Vodim, ...] = get_args(Vodim)
