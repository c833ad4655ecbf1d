"""The arrows of the house: which room may use which, and who alone may know what."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "idbmigrate"

#: from the top of the house to its ground: a room may use itself and every room after it
ROOMS = [
    "cli",
    "archive",
    "explanation",
    "conversion",
    "mapping_tests",
    "comparison",
    "reports",
    "sample",
    "exporters",
    "measures",
    "result",
    "checks",
    "ledger",
    "periods",
    "execution",
    "engine",
    "compile",
    "mapping",
    "staging",
    "pseudonyms",
    "datasets",
    "readers",
    "access",
]
#: used by all, using none but themselves
COMMON = ["brief", "concurrency", "documents", "errors", "libraries", "processes", "words"]
#: library -> the rooms that may know it
KNOWERS = {
    "duckdb": {"engine"},
    "sqlglot": {"compile", "engine", "execution", "checks", "measures"},  # rules become SQL as mappings do
    "access_parser": {"readers"},
    "msaccessdb": {"access"},
    "click": {"cli"},
    "lxml": set(),
    "subprocess": {"readers"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Full names of all modules and names that a file imports, inside functions too."""
    package = ["idbmigrate", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{stem}.{alias.name}", node.lineno) for alias in node.names)


def named(paths: list[Path]) -> list:
    return [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in paths]


def test_every_module_lies_in_a_known_room():
    rooms = {room(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms == set(ROOMS) | set(COMMON)


def test_the_page_names_every_room_in_this_order():
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## The rooms")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == ROOMS


@pytest.mark.parametrize(
    "path", named([path for path in MODULES if room(path) not in ("__init__", "__main__")])
)
def test_arrows_point_down(path):
    own = room(path)
    allowed = {own, *COMMON} if own in COMMON else {*ROOMS[ROOMS.index(own) :], *COMMON}
    # the package itself gives its version, and to the command line the public names
    allowed |= {"__version__"} | ({"open_idb"} if own == "cli" else set())
    wrong = []
    for name, line in imported(path):
        parts = name.split(".")
        if parts[0] == "idbmigrate" and len(parts) > 1 and parts[1] not in allowed:
            wrong.append(f"line {line}: {name}")
        if parts == ["idbmigrate"] and own != "cli":
            wrong.append(f"line {line}: the whole package")
    assert not wrong


@pytest.mark.parametrize("path", named(MODULES))
def test_only_their_rooms_know_certain_libraries(path):
    wrong = [
        f"line {line}: {name}"
        for name, line in imported(path)
        if room(path) not in KNOWERS.get(name.split(".")[0], {room(path)})
    ]
    assert not wrong


@pytest.mark.parametrize("path", named([path for path in MODULES if room(path) not in ("cli", "__main__")]))
def test_the_library_never_prints(path):
    wrong = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "input")
        )
        or (isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr") and _is_sys(node.value))
    ]
    assert not wrong, f"lines {wrong}"


def _is_sys(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "sys"


def test_pure_python_on_known_ground():
    declared = (PACKAGE.parent / "setup.cfg").read_text(encoding="utf-8").lower().replace("-", "_")
    names = {"yaml": "pyyaml"}
    roots = {name.split(".")[0] for path in MODULES for name, _ in imported(path)}
    outside = {root for root in roots - {"idbmigrate"} if root not in sys.stdlib_module_names}
    assert not {root for root in outside if f"\n    {names.get(root, root)}>=" not in declared}


def test_the_names_of_public_functions_are_no_modules():
    """Importing a module of such a name would put it in the place of the function."""
    import idbmigrate

    assert not {room(path) for path in MODULES} & set(idbmigrate.__all__)


def test_threads_and_processes_come_from_one_place_each():
    makers = {"ThreadPoolExecutor", "ProcessPoolExecutor", "Thread"}
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    made = {path.name for path, tree in trees.items() for node in ast.walk(tree) if _name(node) in makers}
    assert made == {"concurrency.py", "processes.py"}


def _name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def test_nothing_private_of_a_library_is_used():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    own = {name for tree in trees.values() for node in ast.walk(tree) for name in _bound(node)}
    documented = {"_replace", "_asdict", "_fields", "_exit"}  # of named tuples and of os
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        for name in _foreign(node)
        if _private(name) and name not in own | documented
    ]
    assert not wrong, wrong


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _bound(node: ast.AST) -> list[str]:
    """Names that a node of the package's own code gives to something."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return [node.attr]
    return []


def _foreign(node: ast.AST) -> list[str]:
    """Names that a node takes from somewhere else: an attribute, or part of an import from a library."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in _outside(alias.name)]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [part for alias in node.names for part in _outside(f"{node.module}.{alias.name}")]
    return []


def _outside(module: str) -> list[str]:
    first, *parts = module.split(".")
    return [] if first == "idbmigrate" else parts
