"""Work that waits for other work, as much of it side by side as an engine allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache


def together(
    needs: Mapping[str, Collection[str]],
    work: Callable[[str], None],
    workers: int,
    sizes: Mapping[str, int] | None = None,
) -> None:
    """Do the work of each name, after that of the names that it needs.

    With one worker it is done in the order given, in this thread. With more, what most other work waits
    for comes first: ``sizes`` say how much each is, if they are not alike. The first error ends it: what
    has begun is ended, nothing else begins.
    """
    if workers == 1:
        for name in needs:
            work(name)
        return

    @cache
    def awaited(name: str) -> int:
        """How much work the longest chain is that waits for this, itself included."""
        after = [awaited(other) for other, needed in needs.items() if name in needed]
        return (sizes or {}).get(name, 1) + max(after, default=0)

    waiting = sorted(needs, key=awaited, reverse=True)
    running: dict[Future[None], str] = {}
    done: set[str] = set()
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            ready = [name for name in waiting if done.issuperset(needs[name])]
            for name in ready[: workers - len(running)]:
                running[pool.submit(work, name)] = name
                waiting.remove(name)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done.add(running.pop(future))
                future.result()
