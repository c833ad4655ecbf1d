"""Write the golden files anew: ``python -m tests.golden.refresh``.

Look at the difference before you commit it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.golden import cases


def main() -> None:
    cases.FOLDER.mkdir(exist_ok=True)
    wanted = set()
    for path, target in cases.CASES:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out")
            text = cases.written_down(cases.convert(path, target, out), out)
        place = cases.expected(path, target)
        wanted.add(place)
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8", newline="\n")
            print(f"changed: {place.name}")
    for place in set(cases.FOLDER.glob("*.json")) - wanted:
        place.unlink()


if __name__ == "__main__":
    main()
