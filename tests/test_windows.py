"""What Windows does otherwise: held as far as another system can hold it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest

from idbmigrate.ledger.books import Account
from idbmigrate.ledger.rejects import _safe_names

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "idbmigrate"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Modules of the standard library that Windows lacks.
ABSENT = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
#: Functions that Windows lacks, and those that do something else there.
DIFFERENT = re.compile(
    r"os\.(fork\w*|kill\w*|get[eu]?[ug]id|set\w*[ug]id|getpgid|chown|lchown|fchown|fchmod|mkfifo|mknod|nice|"
    r"pread\w*|pwrite\w*|sched_\w+|statvfs|sync|uname|wait\w*|symlink|link|readlink|rename|O_\w+)|"
    r"signal\.(SIGKILL|SIGHUP|SIGPIPE|SIGALRM|SIGUSR\d|SIGCHLD|SIGTERM|alarm|pause|setitimer)|"
    r"shutil\.chown|time\.tzset"
)
#: module, call -> what happens on Windows
KNOWN = {
    ("cli/_output.py", "os.O_WRONLY"): "the null device is there under another name, which os.devnull gives",
    ("cli/_output.py", "signal.SIGTERM"): "the name is there and can be handled; nobody sends it",
    (
        "exporters/publish.py",
        "os.rename",
    ): "it fails where the new name is taken, and is tried again for a while",
    (
        "exporters/leftovers.py",
        "os.rename",
    ): "it fails where the new name is taken, which is looked at before",
    ("exporters/whole.py", "os.O_RDONLY"): "a folder cannot be opened there, and the function returns before",
}
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def calls(path: Path) -> Iterator[ast.Call]:
    return (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))


def short(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_module_is_imported_that_windows_lacks(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    assert not names & ABSENT


def test_every_call_that_differs_is_known():
    found = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and DIFFERENT.fullmatch(ast.unparse(node)):
                found.add((short(path), ast.unparse(node)))
    assert found == set(KNOWN), "say in KNOWN what happens on Windows"


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_text_files_name_their_encoding_and_their_line_ends(path):
    """Otherwise Windows reads and writes in a code page of the machine, and line ends of two bytes."""
    wrong = []
    for call in calls(path):
        given = {each.arg: each.value for each in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if isinstance(call.func, ast.Name) and name == "open":
            mode = call.args[1] if len(call.args) > 1 else given.get("mode", ast.Constant("r"))
            text = isinstance(mode, ast.Constant) and "b" not in mode.value
            writes = text and mode.value[0] in "wax"
        else:
            text, writes = name in ("read_text", "write_text"), name == "write_text"
        if text and ("encoding" not in given or (writes and "newline" not in given)):
            wrong.append(call.lineno)
    assert not wrong, f"lines {wrong}"


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp850"])
@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "FILE"],
        ["mapping", "show", "iapt-1.5-to-iapt-2.1", "--table", "IDS101Referral"],
        ["dataset", "show", "iapt-1.5", "Person"],
        ["convert", "FILE", "--to", "iapt-2.1", "--out", "OUT"],
        ["convert", "FILE", "--to", "iapt-2.1", "--out", "OUT", "--json"],
    ],
    ids=lambda words: words[0] + words[-1],
)
def test_a_code_page_that_lacks_signs_ends_no_run(words, encoding, sample_idb, tmp_path):
    file = shutil.copy(sample_idb / "iapt-1.0.mdb", tmp_path / "Überweisungen № 1.mdb")
    words = [{"FILE": str(file), "OUT": str(tmp_path / "out ünd")}.get(word, word) for word in words]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "idbmigrate", *words], capture_output=True, env=environment, cwd=ROOT
    )
    assert done.returncode in (0, 1) and b"Traceback" not in done.stderr, done.stderr
    done.stdout.decode(encoding)


def test_no_table_gives_a_file_a_name_that_windows_refuses():
    names = [
        "CON",
        "nul",
        "com1",
        "lpt9",
        "a:b",
        "x?",
        "what*",
        "a|b",
        "<in>",
        'say "so"',
        "a/b",
        "a\\b",
        "end.",
    ]
    names += ["end ", "rows", "ROWS", "same", "SAME", "tab\t", "é", "."]
    accounts = {name: [Account(name, "", 0, 0, None)] for name in names}
    files = list(_safe_names(accounts))
    assert len(files) == len(names) == len({name.casefold() for name in files})
    for name in files:
        file = PureWindowsPath(f"{name}.csv")
        assert file.name == f"{name}.csv" and not set(name) & set('<>:"/\\|?*') and min(name) >= " ", name
        assert name.split(".")[0].rstrip().lower() not in RESERVED, name


def test_the_index_has_the_commands_of_every_make_target():
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").partition("## Without make")[2]
    page = page.partition("\n## ")[0]
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z]+):.*\n((?:\t.*\n)*)", text, re.M))
    for target in set(targets) - {"help"}:
        assert f"`make {target}`" in page, target
    for target in ("test", "lint", "packs", "docs", "bench", "dist"):
        row = next(line for line in page.splitlines() if line.startswith(f"| `make {target}` |"))
        for command in re.findall(r"^\t@?\$\(RUN\) ([\w.]+)", targets[target], re.M):
            assert f"python -m {command}" in row, f"make {target} runs {command}"
