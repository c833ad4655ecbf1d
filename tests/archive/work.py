"""Work that tests hand to other processes, which find it by the name of this module."""

from __future__ import annotations

import os
import signal


def double(item: int) -> int:
    if item < 0:
        raise ValueError(item)
    return 2 * item


def end_itself(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * item
