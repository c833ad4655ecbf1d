"""The files and targets of the golden folder, and how a run is written down.

Beside the digest of each output a golden file holds what makes a difference readable: rows, filled
cells of every column, and what was left behind.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import idbmigrate
from idbmigrate.result.run import Run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).with_name("expected")
FORMATS = ("csv", "xml")
CASES = [
    *((path, "iapt-2.1") for path in sorted((ROOT / "sample_idb").glob("*.*db"))),
    *((ROOT / "sample_idb" / f"{name}.mdb", "ea-iapt-1.0") for name in ("iapt-1.5", "iapt-ltc-1.5.4")),
    *(
        (ROOT / "sample_idb" / f"{name}.mdb", "mhsds-6.0")
        for name in ("iapt-1.0", "iapt-1.5-messy", "iapt-ltc-1.5.4")
    ),
    (ROOT / "sample_idb" / "iapt-1.5.mdb", "mhsds-5.0"),
]


def expected(path: Path, target: str) -> Path:
    return FOLDER / f"{path.name}-to-{target}.json"


def convert(path: Path, target: str, out: Path | None = None) -> Run:
    return idbmigrate.convert(path, to=target, out=out, formats=FORMATS)


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder that holds records."""
    files = sorted(p for kind in (*FORMATS, "rejects") for p in (out / kind).rglob("*") if p.is_file())
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def written_down(run: Run, out: Path) -> str:
    tables = {
        name: {
            "rows": table.num_rows,
            "filled": {c: n for c in table.column_names if (n := table.num_rows - table[c].null_count)},
        }
        for name, table in run.tables.items()
        if table.num_rows
    }
    left = {line["reason"]: [line["rows"], line["values"]] for line in run.summary["left_behind"]}
    facts = {"tables": tables, "left_behind": dict(sorted(left.items())), "sha256": digests(out)}
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    return text.replace("\n    ", " ").replace("\n   }", " }") + "\n"
