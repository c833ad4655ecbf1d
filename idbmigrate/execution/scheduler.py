"""Tasks that wait for other tasks, as many side by side as an engine allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cache
from graphlib import TopologicalSorter

from idbmigrate.concurrency import InPlace, workers


def run_tasks(
    needs: Mapping[str, Collection[str]],
    task: Callable[[str], None],
    side_by_side: int,
    sizes: Mapping[str, int] | None = None,
) -> None:
    """Do the task of each name, after those of the names that it needs.

    What most other tasks wait for comes first: ``sizes`` say how much each is, if they are not alike. The
    first error ends it: what has begun is ended, nothing else begins.
    """

    @cache
    def awaited(name: str) -> int:
        """How much work the longest chain is that waits for this, itself included."""
        after = [awaited(other) for other, needed in needs.items() if name in needed]
        return (sizes or {}).get(name, 1) + max(after, default=0)

    order: TopologicalSorter[str] = TopologicalSorter(needs)
    order.prepare()
    waiting: list[str] = []
    running: dict[Future[None], str] = {}
    with workers(side_by_side) if side_by_side > 1 else InPlace() as pool:
        while order.is_active():
            waiting = sorted([*waiting, *order.get_ready()], key=awaited, reverse=True)
            while waiting and len(running) < side_by_side:
                name = waiting.pop(0)
                running[pool.submit(task, name)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                future.result()
                order.done(name)
