"""Work in several processes: the one place that makes them, and can do without.

With the environment variable ``IDBMIGRATE_THREADS`` set to 0 none is made: all work is done in this process.
"""

from __future__ import annotations

import gc
import inspect
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, connection, get_context, parent_process
from threading import Thread
from typing import TypeVar

from idbmigrate.concurrency import InPlace, threads_allowed
from idbmigrate.errors import UsageError
from idbmigrate.libraries import leave_out

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ProcessEnded(Exception):
    """A process ended in the middle of its work, most likely for want of memory."""


def each_in_processes(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    count: int,
    weight: Callable[[_Item], int],
    most: int,
) -> Iterator[tuple[_Item, Future[_Result]]]:
    """Do ``work`` for each item in ``count`` processes; items with their finished futures, as they come.

    Of the items under way at once the weights come to no more than ``most``, or there is one alone. Where a
    process is ended from outside, what was under way is done again one at a time, each in a process of its
    own; the future of one that ends there again holds :class:`ProcessEnded`. The processes end with this one,
    however it ends. With ``count`` 1, where threads are forbidden, and where no process can be made, all is
    done in this one.

    ``work`` and items must be picklable; a script that leads here keeps its calls under
    ``if __name__ == "__main__":``, as with every use of processes.
    """
    waiting = deque(sorted(items, key=weight, reverse=True))
    if count <= 1 or len(waiting) <= 1 or not threads_allowed():
        for item in waiting:
            yield item, InPlace().submit(work, item)
        return
    alone: list[_Item] = []
    before = set(active_children())
    pool = _pool(min(count, len(waiting)))
    try:
        if isinstance(pool.submit(os.getpid).exception(), BrokenProcessPool):  # none can be made here
            count, alone, waiting = 1, [*waiting], deque()
        running: dict[Future[_Result], _Item] = {}
        while (waiting or running) and not alone:
            whole = _fill(pool, work, waiting, running, count, weight, most)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    alone.append(item)
                else:
                    yield item, future
            if alone or not whole:
                alone += [*running.values(), *waiting]
    except BaseException:
        for child in set(active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown()
        del pool
        gc.collect()  # it holds itself, and semaphores that the system would miss
    for item in alone:
        yield item, InPlace().submit(work, item) if count == 1 else _alone(work, item)


def require_main() -> None:
    """Refuse a call that a new process makes while it is only loading the script that made it.

    Raises ``UsageError`` (``bad-option``): such a script would start itself again and again.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__mp_main__" and not _loaded():
            raise UsageError(
                "a script that uses several processes starts itself again in each",
                code="bad-option",
                where=str(frame.f_globals.get("__file__")),
                hint="put its calls under if __name__ == '__main__':",
            )
        frame = frame.f_back


def _loaded() -> bool:
    """Whether this process has loaded its script, which then stands for the main module."""
    return getattr(sys.modules.get("__main__"), "__name__", "") == "__mp_main__"


def _fill(
    pool: Executor,
    work: Callable[[_Item], _Result],
    waiting: deque[_Item],
    running: dict[Future[_Result], _Item],
    count: int,
    weight: Callable[[_Item], int],
    most: int,
) -> bool:
    """Hand in what fits beside what is under way; whether the processes are all there."""
    under_way = sum(map(weight, running.values()))
    for item in list(waiting):
        if len(running) >= count:
            break
        if not running or under_way + weight(item) <= most:
            try:
                running[pool.submit(work, item)] = item
            except BrokenProcessPool:
                return False
            waiting.remove(item)
            under_way += weight(item)
    return True


def _alone(work: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
    with _pool(1) as pool:
        future = pool.submit(work, item)
        if not isinstance(future.exception(), BrokenProcessPool):
            return future
    ended: Future[_Result] = Future()
    ended.set_exception(ProcessEnded())
    return ended


def _pool(count: int) -> ProcessPoolExecutor:
    """Processes that start anew: a copy of this one would hold the locks of its threads."""
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this process as soon as the one that made it is gone, though it were killed."""
    leave_out("pandas")
    parent = parent_process()
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked, and ends its own
        Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
