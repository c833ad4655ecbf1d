"""``python -m bench.write``: writing Access files, as ratios to ``mdb-export`` reading them in the same run.

Filling a template is timed against mdb-export reading the same tables back out of the result, making a
sample against mdb-export reading the sample; whole processes, by turns, the best of some rounds of each.
Filling includes the safety that goes with it: the file is synced and read back in full.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.__main__ import PATIENTS, best, child, idbmigrate, note

FILL = """
import sys, time
from idbmigrate.exporters.idb import fill
from idbmigrate.datasets import load_dataset
from idbmigrate.exporters.read_back import read_output, written_as
dataset = load_dataset(written_as(sys.argv[1]))
tables = read_output(sys.argv[1], dataset)
start = time.perf_counter()
rows = fill(tables, sys.argv[2], sys.argv[3], dataset=dataset, overwrite=True)
print(time.perf_counter() - start, sum(rows.values()))
"""
LIMITS = {"sample": 4.0, "fill": 1.5, "fill, in a running program": 1.5}


def export(file: Path) -> float:
    """Seconds that mdb-export takes for every table of a file."""
    tables = child("mdb-tables", "-1", file).output.split()
    start = time.perf_counter()
    for table in tables:
        child("mdb-export", file, table)
    return time.perf_counter() - start


def measure(folder: Path, patients: int, rounds: int) -> dict[str, tuple[float, float]]:
    """(seconds, seconds of mdb-export) of each step."""
    sample, template, out, filled = (folder / name for name in ("s.mdb", "t.accdb", "out", "f.accdb"))
    make = ["sample", "--dataset", "iapt-1.5", "--patients", str(patients), "--out", sample, "--overwrite"]
    idbmigrate(*make)
    idbmigrate("template", "make", "--as", "iapt-2.1", "--out", template)
    parameters = ["--set", "org_id_provider=RX1"]
    idbmigrate("convert", sample, "--to", "iapt-2.1", "--out", out, "--format", "parquet", *parameters)
    fill = ["fill", out, "--template", template, "--out", filled, "--overwrite"]
    found: dict[str, list] = {name: [] for name in ("sample", "fill", "inside", "read sample", "read filled")}
    for number in range(rounds):
        note(f"round {number + 1} of {rounds}")
        found["sample"].append(idbmigrate(*make))
        found["read sample"].append(export(sample))
        found["fill"].append(idbmigrate(*fill))
        found["inside"].append(
            float(child(sys.executable, "-c", FILL, out, template, filled).output.split()[0])
        )
        found["read filled"].append(export(filled))
    reading = min(found["read filled"])
    return {
        "sample": (best(found["sample"]).seconds, min(found["read sample"])),
        "fill": (best(found["fill"]).seconds, reading),
        "fill, in a running program": (min(found["inside"]), reading),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.write", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    options = parser.parse_args()
    if shutil.which("mdb-export") is None:
        sys.exit("mdb-export is not installed (Debian package mdbtools)")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.patients, options.rounds)
    print(f"{options.patients:,} patients; best of {options.rounds} rounds")
    for name, (seconds, reading) in found.items():
        ratio, limit = seconds / reading, LIMITS[name]
        verdict = "held" if ratio <= limit else "MISSED"
        print(
            f"  {name:28} {ratio:5.2f} of {limit} x mdb-export ({seconds:.2f} s, {reading:.2f} s)  {verdict}"
        )


if __name__ == "__main__":
    main()
