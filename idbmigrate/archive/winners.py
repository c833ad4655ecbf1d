"""Which submission of a month wins: a pure function over what is known of the files.

The rules are published. A provider sends a month as primary submission and again as refresh, which is final;
a month may have a refresh only (NHS England, submission windows of Talking Therapies). Of two of a kind the
later replaces the earlier; identical content is refused by its hash (Reusable Code Library,
``last_submissions.py``, ``submission_hashes.py``). That a file which the centre would reject replaces none
that it would accept is inferred from there.

What nobody knows is not guessed. A file wins where it does so whatever the unknown turns out to be: a file
without a kind may be either, and of two without a time each may be the later. Where no file wins so, which of
them does is a question to the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Literal

from idbmigrate.archive.model import Kind, Submission

#: What becomes of a file. Nobody but the user can tell what becomes of one that is ``undecided``.
FileFate = Literal["wins", "superseded", "copy", "undecided", "unreadable", "set-aside"]

_KINDS: tuple[Kind, ...] = ("primary", "refresh")
#: The column of ``submissions.csv`` that says whether a file is used at all.
USE = "use"


@dataclass(frozen=True)
class Decision:
    """What becomes of a file, and why. ``by`` is the SHA-256 of the file that stands in its place."""

    submission: Submission
    fate: FileFate
    why: str
    by: str | None = None


@dataclass(frozen=True)
class _Content:
    """Files of one content, of which one counts: what each may have been sent as, and when."""

    files: tuple[Submission, ...]
    accepted: bool

    @property
    def first(self) -> Submission:
        """The file that counts: one with a kind, the first by SHA-256."""
        return min(self.files, key=lambda file: (file.kind is None, file.sha256))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        found = {kind for file in self.files for kind in ((file.kind,) if file.kind else _KINDS)}
        return tuple(sorted(found))

    @property
    def times(self) -> tuple[datetime | None, ...]:
        return tuple(dict.fromkeys(file.modified for file in self.files))

    def beats(self, other: _Content) -> bool:
        """Whether this content replaces the other whatever is unknown of both."""
        if self.accepted != other.accepted:
            return self.accepted
        return all(
            own > theirs or (own == theirs and self._later(other))
            for own, theirs in product(self.kinds, other.kinds)  # "refresh" comes after "primary"
        )

    def _later(self, other: _Content) -> bool:
        return all(
            own is not None and theirs is not None and own > theirs
            for own, theirs in product(self.times, other.times)
        )


def decide(submissions: Iterable[Submission], refused: Mapping[str, str] | None = None) -> list[Decision]:
    """What becomes of each file, in the order of SHA-256, whatever the order of the files.

    ``refused`` says of files, by SHA-256, why the centre would reject them.
    """
    files = sorted(submissions, key=lambda each: each.sha256)
    refused = refused or {}
    decisions: list[Decision] = []
    open_files: list[Submission] = []
    for file in files:
        known = _at_once(file)
        decisions.append(known) if known else open_files.append(file)
    groups: dict[tuple[str, str, str], list[_Content]] = {}
    for same in _contents(open_files):
        places = {(provider_of(file), file.period) for file in same}
        if len(places) > 1:
            where = ", ".join(sorted(f"{provider} {period}" for provider, period in places))
            why = f"the same content stands for {where}: one of them is wrong"
            decisions += [Decision(file, "undecided", why) for file in same]
            continue
        content = _Content(same, all(file.sha256 not in refused for file in same))
        first = content.first
        decisions += [
            Decision(file, "copy", _copied(file, first), first.sha256) for file in same if file != first
        ]
        groups.setdefault((first.dataset, provider_of(first), first.period or ""), []).append(content)
    for contents in groups.values():
        decisions += _contest(contents, refused)
    return sorted(decisions, key=lambda each: each.submission.sha256)


def provider_of(file: Submission) -> str:
    """The provider's code as files are told apart by it: Access compares text without case."""
    return (file.provider or "").strip().upper()


def undecided(decisions: Iterable[Decision]) -> list[Decision]:
    """What the user has to decide before the archive can be converted."""
    return [each for each in decisions if each.fate == "undecided"]


def _at_once(file: Submission) -> Decision | None:
    """What can be said of a file without looking at any other."""
    if file.decided.get(USE, "").strip().casefold() in ("no", "n"):
        return Decision(file, "set-aside", "submissions.csv says that it is not used")
    if not file.readable or not file.dataset:
        return Decision(file, "unreadable", file.problem or "no known data set")
    missing = [name for name in ("provider", "period") if getattr(file, name) is None]
    if missing:
        why = "; ".join(f"{name} unknown: {file.evidence.get(name, 'no evidence')}" for name in missing)
        return Decision(file, "undecided", why)
    return None


def _contents(files: Iterable[Submission]) -> list[tuple[Submission, ...]]:
    """Files by what their tables hold; a file without a digest of that is like no other."""
    same: dict[tuple[str, str], list[Submission]] = {}
    for file in files:
        same.setdefault((file.dataset, file.cells or file.sha256), []).append(file)
    return [tuple(each) for each in same.values()]


def _copied(file: Submission, first: Submission) -> str:
    sent = f", sent as {file.kind}" if file.kind and file.kind != first.kind else ""
    return f"the same rows in every table{sent}"


def _contest(contents: list[_Content], refused: Mapping[str, str]) -> list[Decision]:
    """What becomes of the files of one data set, provider and month, each content once."""
    winner = next((one for one in contents if all(one is o or one.beats(o) for o in contents)), None)
    if winner is None:
        front = [one for one in contents if not any(o is not one and o.beats(one) for o in contents)]
        why = f"nothing tells which of {len(front)} files is the last; submissions.csv takes one out"
        return [Decision(one.first, "undecided", why) for one in contents]
    best = winner.first
    reason = refused.get(best.sha256)
    why = _alone(best) if len(contents) == 1 else f"the last of {len(contents)}: {_told(winner)}"
    if reason:
        why += f"; the centre would reject it ({reason}), and no other of the month it would accept"
    lost = [one for one in contents if one is not winner]
    return [
        Decision(best, "wins", why),
        *(Decision(one.first, "superseded", _why(winner, one, refused), best.sha256) for one in lost),
    ]


def _alone(file: Submission) -> str:
    return (
        "the only refresh of the month, without a primary" if file.kind == "refresh" else "alone in its month"
    )


def _why(winner: _Content, lost: _Content, refused: Mapping[str, str]) -> str:
    """What the loser has less of than the winner."""
    if winner.accepted and not lost.accepted:
        return f"the centre would reject it: {refused[lost.first.sha256]}"
    if len(winner.kinds) == len(lost.kinds) == 1 and winner.kinds != lost.kinds:
        return "the refresh of the month replaces the primary submission"
    return f"{_told(winner)} is later than {_told(lost)}"


def _told(content: _Content) -> str:
    """Kind and time of a content, as far as they are known."""
    kind = content.kinds[0] if len(content.kinds) == 1 else "a file of unknown kind"
    times = [time for time in content.times if time is not None]
    return f"{kind} of {max(times):%Y-%m-%d %H:%M:%S}" if times else kind
