"""``make bench``: the figures that the project promises, each beside its limit.

Times are ratios to ``mdb-export`` (mdbtools) dumping every table of the same file to nowhere, taken in
turns in one run: the best of some rounds of each. What is timed is the whole process, but for reading,
where it is the reading alone.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("IDBMIGRATE_SHARED", ROOT.parent / "shared"))
PATIENTS = 40_000

READ = """
import sys, time
import idbmigrate, numpy, pyarrow
from idbmigrate import open_idb
start = time.perf_counter()
with open_idb(sys.argv[1]) as idb:
    rows = sum(idb.read(table).num_rows for table in idb.tables)
print(time.perf_counter() - start, rows)
"""


@dataclass(frozen=True)
class Timing:
    """Seconds and peak memory (bytes, 0 where the system does not tell) of one child process."""

    seconds: float
    peak: int
    output: str


def child(*command: str | Path) -> Timing:
    """Run a command to its end; stop the benchmark if it fails.

    Python may keep what it compiles, as it does where a package is installed.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, env=kept)
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        else:
            process.wait()
            peak = 0
        seconds = time.perf_counter() - start
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        sys.exit(f"failed with {process.returncode}: {' '.join(map(str, command))}")
    return Timing(seconds, peak, text)


def idbmigrate(*words: str | Path) -> Timing:
    return child(sys.executable, "-m", "idbmigrate", *words)


class Bench:
    """One run: the files it works on and what each round does."""

    def __init__(self, folder: Path, rounds: int):
        self.folder, self.rounds = folder, rounds
        self.large = self._large()
        self.small = self._small()
        self.size = self.large.stat().st_size
        self.out = folder / "out"

    def _large(self) -> Path:
        file, packed = self.folder / "iapt-1.5-40k.mdb", SHARED / "idb" / "iapt-1.5-40k.mdb.xz"
        if not file.exists() and packed.exists():
            with lzma.open(packed) as source, open(file, "wb") as target:
                shutil.copyfileobj(source, target)
        elif not file.exists():
            note(f"no {packed.name} beside the checkout: making a sample of the same size")
            idbmigrate("sample", "--dataset", "iapt-1.5", "--patients", str(PATIENTS), "--out", file)
        return file

    def _small(self) -> Path:
        for folder in (SHARED / "idb", ROOT / "sample_idb"):
            if (folder / "iapt-1.5.mdb").exists():
                return folder / "iapt-1.5.mdb"
        sys.exit("no iapt-1.5.mdb in sample_idb")

    def export(self) -> Timing:
        """mdb-export of every table to nowhere."""
        seconds, peak = 0.0, 0
        for table in child("mdb-tables", "-1", self.large).output.splitlines():
            start = time.perf_counter()
            subprocess.run(["mdb-export", self.large, table], stdout=subprocess.DEVNULL, check=True)
            seconds += time.perf_counter() - start
        return Timing(seconds, peak, "")

    def read(self) -> Timing:
        """All tables into Arrow, in a process that has its imports done."""
        done = child(sys.executable, "-c", READ, self.large)
        return Timing(float(done.output.split()[0]), done.peak, done.output)

    def convert(self, file: Path, *formats: str, check: bool = True) -> Timing:
        words = [word for name in formats for word in ("--format", name)]
        words += [] if check else ["--no-check"]
        done = idbmigrate("convert", file, "--to", "iapt-2.1", "--out", self.out, *words)
        shutil.rmtree(self.out)
        return done

    def help(self) -> Timing:
        return idbmigrate("--help")


def best(timings: list[Timing]) -> Timing:
    return min(timings, key=lambda timing: timing.seconds)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(bench: Bench) -> dict[str, list[Timing]]:
    """Each step once a round, in turns, so that a busy machine slows all of them alike."""
    steps: dict[str, Callable[[], Timing]] = {
        "read all tables into Arrow": bench.read,
        "convert to CSV": lambda: bench.convert(bench.large, "csv"),
        "the same without rules": lambda: bench.convert(bench.large, "csv", check=False),
        "convert to CSV and XML": lambda: bench.convert(bench.large, "csv", "xml"),
        "help": bench.help,
        "convert a small file": lambda: bench.convert(bench.small, "csv"),
    }
    if shutil.which("mdb-export"):
        steps = {"mdb-export": bench.export, **steps}
    else:
        note("mdb-export is not installed (Debian package mdbtools): seconds only, no ratios")
    found: dict[str, list[Timing]] = {name: [] for name in steps}
    for number in range(bench.rounds):
        note(f"round {number + 1} of {bench.rounds}")
        for name, step in steps.items():
            found[name].append(step())
    return found


def report(bench: Bench, timings: dict[str, list[Timing]]) -> list[dict[str, object]]:
    """One line a promise: what it is, the limit, what was found."""
    done = {name: best(each) for name, each in timings.items()}
    unit = done["mdb-export"].seconds if "mdb-export" in done else None
    peak = max(t.peak for name in ("convert to CSV", "convert to CSV and XML") for t in timings[name])
    lines = [
        _line(name, done[name].seconds / unit if unit else None, limit, "x mdb-export", done[name].seconds)
        for name, limit in (
            ("read all tables into Arrow", 0.35),
            ("convert to CSV", 1.5),
            ("the same without rules", 1.5),
            ("convert to CSV and XML", 3.0),
        )
    ]
    alone = done["the same without rules"].seconds
    beside = done["convert to CSV"].seconds - alone
    lines.append(_line("rules and reports on top of that", beside / alone, 1.0, "x the conversion", beside))
    lines.append(
        _line("peak memory of converting", peak / bench.size if peak else None, 12, "x file size", None)
    )
    lines.append(_line("idbmigrate --help", done["help"].seconds, 0.2, "s", None))
    small = f"convert {bench.small.stat().st_size // 1024} KB to CSV"
    lines.append(_line(small, done["convert a small file"].seconds, 1.5, "s", None))
    return lines


def _line(
    what: str, found: float | None, limit: float, unit: str, seconds: float | None
) -> dict[str, object]:
    held = None if found is None else found <= limit
    return {"what": what, "found": found, "limit": limit, "unit": unit, "seconds": seconds, "held": held}


def show(bench: Bench, lines: list[dict[str, object]], timings: dict[str, list[Timing]]) -> None:
    rows = next(iter(timings["read all tables into Arrow"])).output.split()[1]
    print(f"{bench.large.name}: {bench.size / 1e6:.1f} MB, {int(rows):,} rows; best of {bench.rounds} rounds")
    if "mdb-export" in timings:
        print(f"mdb-export of every table: {best(timings['mdb-export']).seconds:.2f} s")
    for line in lines:
        found = "-" if line["found"] is None else f"{line['found']:.2f}"
        seconds = f"{line['seconds']:6.2f} s" if line["seconds"] else ""
        verdict = {True: "held", False: "MISSED", None: "not measured"}[line["held"]]
        print(f"  {line['what']:32} {found:>6} of {line['limit']:<5} {line['unit']:13} {seconds:9} {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder to keep the unpacked file in")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, max(1, options.rounds))
        timings = measure(bench)
        lines = report(bench, timings)
        if options.json:
            print(json.dumps(lines, indent=2))
        else:
            show(bench, lines, timings)


if __name__ == "__main__":
    main()
