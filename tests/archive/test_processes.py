"""Work in several processes: everything is done once, whatever ends on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idbmigrate.processes import ProcessEnded, each_in_processes
from tests.archive.work import double, end_itself


def run(work, items, count: int) -> dict[int, object]:
    done = each_in_processes(work, items, count=count, weight=abs, most=5)
    found = [(item, future.exception() or future.result()) for item, future in done]
    assert len(found) == len(items)
    return dict(found)


@pytest.mark.parametrize("count", [1, 2])
def test_results_and_errors(count):
    found = run(double, [1, 2, 3, -4, 9], count)
    assert isinstance(found.pop(-4), ValueError)
    assert found == {1: 2, 2: 4, 3: 6, 9: 18}


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_process_that_is_ended_takes_no_other_work_with_it():
    found = run(end_itself, [1, 2, 3, 4, 5], 2)
    assert isinstance(found.pop(3), ProcessEnded)
    assert found == {1: 2, 2: 4, 4: 8, 5: 10}


SCRIPT = """
import time
from idbmigrate.processes import each_in_processes

def wait(item):
    open(f"{item}.pid", "w").write(str(__import__("os").getpid()))
    time.sleep(60)

if __name__ == "__main__":
    list(each_in_processes(wait, [1, 2], count=2, weight=int, most=9))
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_processes_end_with_the_one_that_made_them(tmp_path):
    (tmp_path / "s.py").write_text(SCRIPT, encoding="utf-8")
    made = subprocess.Popen([sys.executable, "s.py"], cwd=tmp_path)
    until = time.monotonic() + 60
    while not all((tmp_path / f"{n}.pid").is_file() and (tmp_path / f"{n}.pid").read_text() for n in (1, 2)):
        assert time.monotonic() < until and made.poll() is None
        time.sleep(0.05)
    made.kill()
    made.wait()
    for number in (1, 2):
        pid = int((tmp_path / f"{number}.pid").read_text())
        while alive(pid):
            assert time.monotonic() < until
            time.sleep(0.05)


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    if state.exists():
        return ") Z " not in state.read_text()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc/self").exists()


UNGUARDED = """
from idbmigrate import archive
print(archive.add("a", ["one.txt", "two.txt"], processes=2).verdicts)
"""


def test_a_script_without_its_guard_does_the_work_in_one_process(tmp_path):
    (tmp_path / "s.py").write_text(UNGUARDED, encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(name, encoding="utf-8")
    done = subprocess.run([sys.executable, "s.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "{'other': 2}"
    assert "__main__" in done.stderr
