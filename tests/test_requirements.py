"""The lock files are in step with what ``setup.cfg`` asks for."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
#: Supported Pythons and systems; a lock file has versions for each of them.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SYSTEMS = (("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows"))
ASKED = {"locked.txt": ("test", "lint"), "lowest.txt": ("test",)}


def asked(extras: tuple[str, ...]) -> list[Requirement]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += config["options.extras_require"][extra].split("\n")
    return [Requirement(line) for line in lines if line.strip()]


def locked(name: str) -> list[Requirement]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert all("--hash=sha256:" in line for line in lines)
    return [Requirement(line.partition("--hash")[0].strip()) for line in lines]


def environment(python: str, system: tuple[str, str, str]) -> dict[str, str]:
    platform, name, full = system
    return {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": platform,
        "os_name": name,
        "platform_system": full,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system[0])
@pytest.mark.parametrize("name", ASKED)
def test_every_requirement_is_locked_in_its_range(name, python, system):
    here = environment(python, system)
    versions = {}
    for item in locked(name):
        if item.marker is None or item.marker.evaluate(here):
            [pin] = item.specifier
            assert pin.operator == "=="
            assert canonicalize_name(item.name) not in versions, f"{item.name} is locked twice"
            versions[canonicalize_name(item.name)] = Version(pin.version)
    for requirement in asked(ASKED[name]):
        found = versions.get(canonicalize_name(requirement.name))
        assert found is not None, f"{requirement.name} is not in {name}: run make lock"
        assert found in requirement.specifier, f"{name} has {requirement.name} {found}: run make lock"


def test_the_lowest_versions_are_the_floors_of_the_ranges():
    lowest = {canonicalize_name(item.name): next(iter(item.specifier)) for item in locked("lowest.txt")}
    for requirement in asked(()):
        [floor] = [part for part in requirement.specifier if part.operator == ">="]
        tested = Version(lowest[canonicalize_name(requirement.name)].version)
        # A floor of two places stands for its first release.
        assert tested.release[: len(Version(floor.version).release)] == Version(floor.version).release
