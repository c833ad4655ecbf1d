"""What keeps the program from running at all is said in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BLOCKED = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, Gone())
sys.argv = ["idbmigrate", "inspect", "none.mdb"]
{version}
from idbmigrate.__main__ import main
main()
"""


def run(library: str = "", version: str = "") -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(library=library, version=version)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("library", ["click", "pyarrow", "numpy"])
def test_a_missing_library_is_named_with_what_to_do(library):
    done = run(library)
    assert done.returncode == 2
    assert library in done.stderr
    assert "pip install --force-reinstall idbmigrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_an_old_python_is_refused_in_one_line():
    done = run(version="sys.version_info = (3, 9, 1)")
    assert done.returncode == 2
    assert "needs Python 3.10 or later, and this is 3.9" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_start_is_read_by_python_3_6():
    import ast

    text = (ROOT / "idbmigrate" / "__main__.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))
