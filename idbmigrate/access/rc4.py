"""RC4, the stream cipher of Jet: masks the first page's settings, encrypts "encoded" files."""

from __future__ import annotations


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt (the same thing) ``data``; for a hundred bytes. Whole pages: :mod:`.cipher`."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    out = bytearray(len(data))
    i = j = 0
    for position, byte in enumerate(data):
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out[position] = byte ^ state[(state[i] + state[j]) & 255]
    return bytes(out)
