"""Why something was not carried: the words, what they mean, and whose doing they are.

What the data is to blame for is ``rejected``; what a named rule of the mapping, or the user, left out is
``dropped``. A word may be followed by a colon and the name of the rule, column or table it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from idbmigrate.words import DROPPED, OUTSIDE_PERIOD, REJECTED, Outcome

#: First part of a reason word -> outcome and meaning.
REASONS: dict[str, tuple[Outcome, str]] = {
    "bad-format": (REJECTED, "the value does not have the form that its target column asks for"),
    "too-long": (REJECTED, "the value is longer than its target column"),
    "too-short": (REJECTED, "the value is shorter than its target column allows"),
    "unknown-code": (REJECTED, "the code is not in the lookup"),
    "undecided-no": (
        REJECTED,
        "a Yes/No column says no, and the item knows more than no: an overlay says what it means",
    ),
    "rejected-code": (REJECTED, "the code is not in the lookup, and the row cannot do without it"),
    "skipped-hour": (
        REJECTED,
        "clocks in London never showed that time: the hour was skipped when summer time began",
    ),
    "lost-character": (REJECTED, "the record's key holds U+FFFD: which character was lost is not known"),
    "several-values": (
        REJECTED,
        "the cell holds several values, and nothing tells which of them a target column of one should have",
    ),
    "blank": (REJECTED, "a mandatory target column would be empty"),
    "no-parent": (REJECTED, "the record that this one belongs to is not in the target"),
    "conflict": (REJECTED, "two statements about whose record it is contradict each other (--allow)"),
    "ambiguous-parent": (REJECTED, "several records share the number of its parent, and nothing tells which"),
    "no-equivalent": (DROPPED, "the code is known and has no equivalent in the target"),
    "not-accepted": (DROPPED, "the mapping of the value is less certain than the run accepts (--accept)"),
    "superseded": (DROPPED, "another value was used in its place"),
    "condition": (DROPPED, "a condition of the mapping does not carry the value here"),
    "filter": (DROPPED, "a filter of the mapping left the row out"),
    "repeat": (DROPPED, "the record repeats another in every column"),
    "one-per": (DROPPED, "of several rows with one key another was kept"),
    OUTSIDE_PERIOD: (DROPPED, "the row does not belong to the reporting period asked for"),
    "retired": (DROPPED, "the mapping retires the column"),
    "empty-text": (DROPPED, "the value is white space or an empty text"),
    "not-joined": (DROPPED, "no record takes the value over from this row"),
    "nothing-to-carry": (DROPPED, "the row holds nothing that a target row is made from"),
    "not-read": (
        DROPPED,
        "a part of the file that nobody has read; none are counted where nobody can count them",
    ),
    "unknown-column": (DROPPED, "the data set has no such column"),
    "unknown-table": (DROPPED, "the data set has no such table"),
}


@dataclass(frozen=True)
class Reason:
    """Why something was not carried, and to which target column it was on its way (may be empty)."""

    word: str
    target: str = ""


def outcome(word: str) -> Outcome:
    """Whether a reason word means ``rejected`` or ``dropped``."""
    return REASONS[word.partition(":")[0]][0]


#: Weights of reasons that nothing outweighs: what is wrong with the data, and before it, in a run over one
#: month, that the record is of another month, of which nothing is said.
FAULT, OTHER_MONTH = 3, 4


def weight(word: str) -> int:
    """How much a reason says: 4, that it is of another month; 3, what is wrong with the data; 2, which rule
    left it out; 1, only not here."""
    if word == OUTSIDE_PERIOD:
        return OTHER_MONTH
    if outcome(word) == REJECTED or word == "empty-text":
        return FAULT
    return 1 if word in ("condition", "superseded") else 2


def meaning(word: str) -> str:
    """What the first part of a reason word means."""
    return REASONS[word.partition(":")[0]][1]
