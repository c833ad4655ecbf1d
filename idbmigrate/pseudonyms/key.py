"""The key of pseudonyms: a file of the user's own, read, judged and never written."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import os
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from idbmigrate.errors import UsageError

#: Bytes of a key file. The shortest key has 128 bits where it is written in hexadecimal.
SHORTEST, LONGEST = 32, 4096
#: What the bytes of a key tell at least, by how often each occurs.
_ENOUGH_BITS = 80
#: What is digested for the id of a key: it tells two keys apart and leads to neither.
_ID = b"idbmigrate: the id of a key"
_DIGITS = 20
_MAKE = 'make one: python -c "import secrets; print(secrets.token_hex(32))" > key.txt'


@dataclass(frozen=True)
class Key:
    """A key. ``id`` may be published: 16 hexadecimal digits of HMAC-SHA-256 of a constant."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hmac.new(self.secret, _ID, hashlib.sha256).hexdigest()[:16]

    def pseudonym(self, kind: str, scope: str, text: str) -> str:
        """20 letters and digits (100 bits of HMAC-SHA-256) for a value of a kind of identifier.

        The same for the same ``kind``, ``scope`` and ``text``, and for no other: the three are told apart by
        their lengths.
        """
        parts = [part.encode("utf-8", "surrogatepass") for part in (kind, scope, text)]
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        digest = hmac.new(self.secret, whole, hashlib.sha256).digest()
        return base64.b32encode(digest)[:_DIGITS].decode("ascii")


def load_key(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    notice: Callable[[str], None] = lambda message: None,
) -> Key:
    """Read a key; white space at its ends does not count.

    Raises UsageError ``bad-option`` for a key that is weak or lies in the folder ``out``. ``notice`` is told
    where others than its owner may read it.
    """
    place = Path(path)
    try:
        with open(place, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise _refused(place, "it is not a file")
            secret = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise _refused(place, "there is no such file", _MAKE) from None
    except OSError:
        raise _refused(place, "it may not be read", "give yourself the right to read it") from None
    if out is not None and place.resolve().is_relative_to(Path(out).resolve()):
        raise _refused(place, "it lies in the output folder", "keep the key where the output never goes")
    if len(secret) > LONGEST:
        raise _refused(place, f"it is longer than {LONGEST} bytes", _MAKE)
    secret = secret.strip()
    if weakness := _weakness(secret):
        raise _refused(place, weakness, _MAKE)
    if os.name == "posix" and facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        notice(f"the key {place.name} may be read by others: chmod 600 {place.name}")
    return Key(secret)


def _weakness(secret: bytes) -> str | None:
    """Why a key can be guessed, as far as its bytes show it."""
    if len(secret) < SHORTEST:
        return f"it is shorter than {SHORTEST} bytes"
    if (secret + secret).find(secret, 1) < len(secret):
        return "it repeats itself"
    steps = {(b - a) % 256 for a, b in pairwise(secret)}
    shares = [count / len(secret) for count in Counter(secret).values()]
    bits = -sum(share * math.log2(share) for share in shares) * len(secret)
    return "it has too little variety" if bits < _ENOUGH_BITS or len(steps) < 8 else None


def _refused(place: Path, message: str, hint: str | None = None) -> UsageError:
    return UsageError(f"the key cannot be used: {message}", code="bad-option", where=place.name, hint=hint)
