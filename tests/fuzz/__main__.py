"""``python -m tests.fuzz [seconds]``: fuzz the reader with atheris for a while (default a minute)."""

from __future__ import annotations

import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["idbmigrate.access"]):
    from tests.fuzz.target import load_seeds, one_input


def main() -> None:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    seeds = load_seeds()
    with tempfile.TemporaryDirectory() as found:
        options = [
            f"-max_total_time={seconds}",
            "-max_len=321",
            "-timeout=20",
            "-rss_limit_mb=0",
            "-malloc_limit_mb=1024",
        ]
        arguments = [sys.argv[0], f"-artifact_prefix={found}/", "-print_final_stats=1", *options]
        atheris.Setup(arguments, lambda data: one_input(seeds, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
