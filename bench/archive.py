"""The figures of an archive: ``python -m bench.archive``; ``tests.archive.years`` makes the files.

Times are ratios to ``mdb-export`` dumping every table of the same files to nowhere, in the same run. One
month is kept back and added at the end.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.__main__ import Timing, child, idbmigrate, note
from tests.archive import years

#: What is promised: of mdb-export for adding and for converting all files, of the first add for one month.
ADD, CONVERT, MONTH, MEMORY = 0.5, 1.5, 0.1, 2 << 30


def export(files: list[Path]) -> float | None:
    """Seconds of mdb-export over every table of every file; none where it is not installed."""
    if not shutil.which("mdb-export"):
        note("mdb-export is not installed (Debian package mdbtools): seconds only, no ratios")
        return None
    start = time.perf_counter()
    for file in files:
        for table in child("mdb-tables", "-1", file).output.splitlines():
            subprocess.run(["mdb-export", file, table], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(folder: Path, months: int, providers: int, patients: int, split: bool) -> dict[str, object]:
    """Make the files where they are not there yet, and time each step once."""
    source, work = folder / f"years-{months}-{providers}-{patients}", folder / "archive-run"
    if not source.exists():
        note(f"making {source}")
        part = folder / "years.part"
        shutil.rmtree(part, ignore_errors=True)
        for _ in years.make(part, months, providers, patients):
            pass
        part.rename(source)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    last = years.month_of(months - 1)
    held = [path for path in source.rglob(f"*{last}*.mdb") if "broken" not in path.name]
    files = sorted(set(source.rglob("*.mdb")) - set(held) - set(source.rglob("broken.mdb")))
    first = work / "first"
    shutil.copytree(source, first, ignore=lambda _, names: [name for name in names if last in name])
    archive, out = work / "archive", work / "out"
    how = ["--split", "month"] if split else []
    note("mdb-export")
    unit = export(files)
    note("archive add")
    add = idbmigrate("archive", "add", archive, first)
    note("archive convert")
    convert = _convert(archive, out, how)
    shutil.rmtree(out)
    note("one month more")
    month = idbmigrate("archive", "add", archive, source)
    size = sum(file.stat().st_size for file in files)
    return {
        "files": len(files),
        "bytes": size,
        "mdb_export_seconds": unit,
        "add": _line(add, unit, ADD),
        "convert": _line(convert, unit, CONVERT),
        "one_month_more": _line(month, add.seconds, MONTH),
        "peak_memory": {"add": add.peak, "convert": convert.peak, "limit": MEMORY},
    }


def _convert(archive: Path, out: Path, how: list[str]) -> Timing:
    return idbmigrate(
        "archive", "convert", archive, "--to", "iapt-2.1", "--out", out, "--fail-on", "never", *how
    )


def _line(timing: Timing, unit: float | None, limit: float) -> dict[str, float | bool | None]:
    ratio = timing.seconds / unit if unit else None
    held = None if ratio is None else ratio <= limit
    return {"seconds": timing.seconds, "ratio": ratio, "limit": limit, "held": held}


def show(found: dict) -> None:
    size, seconds = found["bytes"] / 1e6, found["mdb_export_seconds"]
    export = f"mdb-export {seconds:.1f} s" if seconds else "no mdb-export"
    print(f"{found['files']} files, {size:,.0f} MB; {export}")
    for name, unit in (("add", "mdb-export"), ("convert", "mdb-export"), ("one_month_more", "the first add")):
        line, verdict = found[name], _verdict(found[name]["held"])
        known = "-" if line["ratio"] is None else f"{line['ratio']:.2f}"
        ratio = f"{known} of {line['limit']} x {unit}"
        print(f"  {name:16} {ratio:30} {line['seconds']:8.1f} s  {verdict}")
    memory = found["peak_memory"]
    for name in ("add", "convert"):
        verdict, limit = _verdict(memory[name] <= memory["limit"]), memory["limit"] / 1e6
        print(f"  peak memory of {name:8} {memory[name] / 1e6:,.0f} of {limit:,.0f} MB  {verdict}")


def _verdict(held: bool | None) -> str:
    return {True: "held", False: "MISSED", None: "not measured"}[held]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.archive", description=__doc__)
    parser.add_argument("--months", type=int, default=84)
    parser.add_argument("--providers", type=int, default=3)
    parser.add_argument("--patients", type=int, default=30_000, help="new patients a year and provider")
    parser.add_argument("--split", action="store_true", help="convert month by month")
    parser.add_argument("--data", type=Path, help="folder to keep the files in")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder, options.months, options.providers, options.patients, options.split)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
