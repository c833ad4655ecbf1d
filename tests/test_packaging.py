"""Wheel and sdist: everything that a run needs is inside, and works elsewhere."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
NOT_SHIPPED = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "demo-out", "out")


def data_files() -> set[str]:
    """Every file below the package and ``mappings`` that is no code, as a wheel names it."""
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "idbmigrate").rglob("*.*")}
    mappings = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mappings").rglob("*.*")}
    kept = {name for name in package if not name.endswith((".py", ".pyc"))}
    return kept | {f"idbmigrate/_{name}" for name in mappings if not name.endswith(".md")}


@pytest.fixture(scope="session")
def dist(tmp_path_factory) -> Path:
    """A folder with a wheel and an sdist of this checkout."""
    missing = [name for name in ("build", "setuptools", "wheel") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install '.[test]'")
    folder = tmp_path_factory.mktemp("dist")
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=NOT_SHIPPED)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_all_packages_are_listed():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("idbmigrate/**/*.py")
    }
    assert listed == found | {"idbmigrate._mappings"}


def test_wheel_and_sdist_hold_code_and_data(dist):
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "idbmigrate").rglob("*.py")}
    missing = (code | data_files()) - in_wheel
    assert not missing
    assert not {name for name in in_wheel if not name.startswith("idbmigrate")}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mappings").rglob("*.yaml")}
    missing = (code | own | {"setup.cfg", "Makefile", "LICENSE"}) - in_sdist
    assert not missing


def test_wheel_works_in_a_new_environment(dist, tmp_path):
    """Installed away from the checkout, with the dependencies of this environment."""
    [wheel] = dist.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    site = Path(
        sysconfig.get_path(
            "purelib", scheme, {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
        )
    )
    zipfile.ZipFile(wheel).extractall(site)
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    code = (
        "import idbmigrate, sys; from idbmigrate.mapping.files import mappings_dir;"
        "print(idbmigrate.__file__); print(mappings_dir())"
    )
    where = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert all(Path(line).is_relative_to(site) for line in where.stdout.splitlines())
    listed = subprocess.run(
        [python, "-m", "idbmigrate", "mapping", "list"], capture_output=True, text=True, cwd=tmp_path
    )
    assert listed.returncode == 0, listed.stderr
    for path in (ROOT / "mappings").glob("*-to-*.yaml"):
        assert path.stem in listed.stdout
