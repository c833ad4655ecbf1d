"""Work side by side: the one place that makes threads, and can do without them.

With the environment variable ``IDBMIGRATE_THREADS`` set to 0 no thread is made: all work is done where it is
handed in, in the order in which it is. The result is the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

#: The variable that forbids threads.
THREADS = "IDBMIGRATE_THREADS"


def threads_allowed() -> bool:
    """Whether the user lets the program make threads."""
    return os.environ.get(THREADS) != "0"


def workers(count: int) -> Executor:
    """``count`` threads as a context manager, or none where they are forbidden."""
    return ThreadPoolExecutor(count) if threads_allowed() else InPlace()


class InPlace(Executor):
    """An executor that does what it is handed at once, in the thread that hands it in."""

    def submit(
        self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        future: Future[_Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
