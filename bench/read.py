"""``python -m bench.read``: what reading costs, beside other readers and beside the limit.

Every figure is taken in this run, the steps in turns, and given as the median of the rounds:

- the whole process and the reading alone, against ``mdb-export`` of every table to nowhere;
- access-parser (pure Python) and mdb-reader (JavaScript, where ``--mdb-reader FOLDER`` names a folder
  in which it is installed) on the same file, each once: they take long;
- the limit: one pass over the file's bytes;
- opening and listing a file of 2 GB against a small one; peak memory.

``--profile`` shows instead where the time of reading goes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.__main__ import ROOT, Bench, child, note

READ = """
import sys, time, resource
start = time.perf_counter()
from idbmigrate.access import open_database
ready = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_database(sys.argv[1]) as database:
    tables = [database.read(name) for name in database.tables]
done = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = sum(table.nbytes for table in tables)
print(ready - start, done - ready, before * 1024, peak * 1024, size, sum(t.num_rows for t in tables))
"""
OPEN = """
import sys, time
from idbmigrate.access import open_database
def once(path):
    start = time.perf_counter()
    with open_database(path) as database:
        database.tables
    return time.perf_counter() - start
once(sys.argv[1])
for path in sys.argv[1:]:
    print(min(once(path) for _ in range(5)))
"""
PROFILE = """
import cProfile, pstats, sys
from idbmigrate.access import open_database
profile = cProfile.Profile()
with open_database(sys.argv[1]) as database:
    tables = database.tables
    profile.enable()
    for name in tables:
        database.read(name)
    profile.disable()
steps = {
    "locate_rows": "pages, slots, moved rows", "check": "row heads and ends, checked",
    "present": "null masks", "variable": "places of variable values", "decode_unicode": "text",
    "decode_fixed": "numbers, dates", "fixed": "fixed fields taken out", "ragged_array": "strings to Arrow",
}
stats = pstats.Stats(profile)
whole = stats.total_tt
for (file, _, name), (_, _, _, spent, _) in sorted(stats.stats.items(), key=lambda item: -item[1][3]):
    if "access" in file and name in steps:
        print(f"{steps[name]:30} {spent / whole:4.0%}")
"""
PASS = """
import mmap, sys, time
import numpy
with open(sys.argv[1], "rb") as file:
    content = numpy.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), numpy.uint8)
start = time.perf_counter()
content.max()
print(time.perf_counter() - start)
"""
ACCESS_PARSER = """
import logging, sys
from access_parser import AccessParser
logging.getLogger("access_parser").setLevel(100)
parser = AccessParser(sys.argv[1])
for name in parser.catalog:
    parser.parse_table(name)
"""
MDB_READER = """
import { readFileSync } from "fs";
import { createRequire } from "module";
import { pathToFileURL } from "url";
const place = createRequire(process.argv[3] + "/").resolve("mdb-reader");
const { default: MDBReader } = await import(pathToFileURL(place));
const reader = new MDBReader(readFileSync(process.argv[2]));
for (const name of reader.getTableNames()) reader.getTable(name).getData();
"""
BIG = 2**31 - 4096


def large_copy(small: Path, folder: Path) -> Path:
    """A sparse file of 2 GB that begins with a small database."""
    path = folder / "large.mdb"
    shutil.copyfile(small, path)
    os.truncate(path, BIG)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.read", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, help="folder to keep the unpacked file in")
    parser.add_argument("--slow", action="store_true", help="time access-parser too (minutes)")
    parser.add_argument("--profile", action="store_true", help="only show where the time of reading goes")
    parser.add_argument(
        "--mdb-reader", type=Path, help="folder in which the npm package mdb-reader is installed"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, options.rounds)
        if options.profile:
            print(child(sys.executable, "-c", PROFILE, bench.large).output, end="")
        else:
            measure(bench, options, Path(temporary))


def measure(bench: Bench, options: argparse.Namespace, folder: Path) -> None:
    export, process, reading, imports, single, lines = [], [], [], [], [], []
    for number in range(bench.rounds):
        note(f"round {number + 1} of {bench.rounds}")
        if shutil.which("mdb-export"):
            export.append(bench.export().seconds)
        done = child(sys.executable, "-c", READ, bench.large)
        process.append(done.seconds)
        lines.append([float(word) for word in done.output.split()])
        imports.append(lines[-1][0])
        reading.append(lines[-1][1])
        single.append(float(child(sys.executable, "-c", PASS, bench.large).output))
    _, _, before, peak, size, rows = lines[-1]
    unit = statistics.median(export) if export else None
    print(f"{bench.large.name}: {bench.size / 1e6:.1f} MB, {int(rows):,} rows, {size / 1e6:.0f} MB in Arrow")
    show("mdb-export of every table", unit, None)
    whole = statistics.median(process)
    show("whole process", whole, unit)
    show("  of it imports", statistics.median(imports), unit)
    show("  of it reading", statistics.median(reading), unit)
    show("one pass over the bytes", statistics.median(single), unit)
    print(f"peak memory: {(peak - before) / size:.1f} x the data read, {peak / 1e6:.0f} MB in all")
    others(bench, options, whole, folder)
    small, large = child(
        sys.executable, "-c", OPEN, bench.small, large_copy(bench.small, folder)
    ).output.split()
    print(f"open and list: small {float(small) * 1e3:.1f} ms, 2 GB {float(large) * 1e3:.1f} ms")


def others(bench: Bench, options: argparse.Namespace, whole: float, folder: Path) -> None:
    """The readers that take long, once each, as multiples of our whole process."""
    if options.slow:
        seconds = child(sys.executable, "-c", ACCESS_PARSER, bench.large).seconds
        print(f"access-parser: {seconds:.1f} s, {seconds / whole:.0f} x ours")
    if options.mdb_reader and shutil.which("node"):
        script = folder / "read.mjs"
        script.write_text(MDB_READER)
        start = time.perf_counter()
        subprocess.run(["node", script, bench.large, options.mdb_reader.resolve()], cwd=ROOT, check=True)
        seconds = time.perf_counter() - start
        print(f"mdb-reader: {seconds:.2f} s; ours is {whole / seconds:.3f} of it")


def show(what: str, seconds: float | None, unit: float | None) -> None:
    ratio = f"{seconds / unit:6.2f} x mdb-export" if unit and seconds else ""
    print(f"{what:28} {'-' if seconds is None else f'{seconds:7.3f} s'} {ratio}")


if __name__ == "__main__":
    main()
