"""RC4, the stream cipher of Jet: masks the first page's settings, encrypts pages of "encoded" files.

Our own, because the pages' keys have four bytes, fewer than cryptographic libraries accept, and
because numpy can run the cipher over thousands of pages side by side.
"""

from __future__ import annotations

import numpy as np


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt (the same thing) ``data`` with one key."""
    block = np.frombuffer(data, np.uint8).reshape(1, -1)
    return rc4_pages(np.frombuffer(key, np.uint8).reshape(1, -1), block).tobytes()


def rc4_pages(keys: np.ndarray, pages: np.ndarray) -> np.ndarray:
    """Encrypt or decrypt many pages, each with its own key.

    ``keys``: uint8, shape (pages, bytes of a key); ``pages``: uint8, shape (pages, bytes of a page).
    Each step of the cipher is taken for all pages at once.
    """
    count, length = pages.shape
    lane = np.arange(count)
    state = np.repeat(np.arange(256, dtype=np.uint8)[:, None], count, axis=1)
    flat = state.reshape(-1)
    j = np.zeros(count, np.uint8)
    for i in range(256):
        j += state[i] + keys[:, i % keys.shape[1]]
        at = j.astype(np.int64) * count + lane
        swapped = flat[at]
        flat[at] = state[i]
        state[i] = swapped
    stream = np.empty((length, count), np.uint8)
    j[:] = 0
    for position in range(length):
        i = (position + 1) & 255
        here = state[i].copy()
        j += here
        at = j.astype(np.int64) * count + lane
        there = flat[at]
        flat[at] = here
        state[i] = there
        stream[position] = flat[(here + there).astype(np.int64) * count + lane]
    return pages ^ stream.T
