"""Runs and reports the tests of mappings, and the changes that they do not notice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from idbmigrate.cli._output import Console
from idbmigrate.errors import DescriptionError

if TYPE_CHECKING:
    from idbmigrate.mapping import model as m
    from idbmigrate.mapping_tests.run import MappingTests


def run_tests(console: Console, names: Iterable[str], engines: Sequence[str], words: str | None) -> int:
    """Run the tests of these mappings and say which failed; 4 where one did."""
    document: list[dict[str, Any]] = []
    for name in names:
        with _runner(name) as runner:
            tests = _chosen(runner.mapping, words)
            failed = 0
            for number, test in enumerate(tests):
                console.progress(runner.mapping.name, number, len(tests))
                for result in runner.run(engines, [test]):
                    document.append(_as_dict(runner.mapping, result))
                    failed += bool(result.faults)
                    if result.faults:
                        _show_fault(console, result)
        what = f"{len(tests)} tests on {' and '.join(engines)}"
        ending = console.style(f"{failed} failed", "red") if failed else "all passed"
        console.say(f"{runner.mapping.name}: {what}: {ending}")
    failures = sum(bool(item["faults"]) for item in document)
    code = {"error": "mapping-test-failed"} if failures else {}
    console.document({**code, "tests": len(document), "failed": failures, "verdicts": document})
    if failures and not console.as_json:
        hint = "each line above names file and line of the test, what it expects and what was made"
        message = f"{failures} of {len(document)} tests failed"
        console.error(DescriptionError(message, code="mapping-test-failed", hint=hint))
    return 4 if failures else 0


def mutants(
    console: Console, names: Iterable[str], engine: str, words: str | None, most: int | None, seed: int
) -> int:
    """Change these mappings place by place; name the changes that no test notices; 4 where there is one."""
    from idbmigrate.mapping_tests.mutate import mutants as all_mutants
    from idbmigrate.mapping_tests.mutate import sample

    document = {}
    for name in names:
        with _runner(name) as runner:
            tests = _chosen(runner.mapping, words)
            found = sample(all_mutants(runner.mapping), most, seed)
            _must_pass(runner, engine, tests)
            left = []
            watched = _counted(console, runner.mapping.name, found)
            for mutant in runner.unnoticed(watched, engine, tests):
                console.say(f"{mutant.place.file}:{mutant.place.line}: {mutant.change}")
                left.append(
                    {
                        "change": mutant.change,
                        "file": mutant.place.file,
                        "line": mutant.place.line,
                        "path": mutant.place.path,
                    }
                )
        ending = console.style(f"{len(left)} not noticed", "red") if left else "all noticed"
        console.say(f"{runner.mapping.name}: {len(found)} changes: {ending}")
        document[runner.mapping.name] = {"changes": len(found), "unnoticed": left}
    console.document(document)
    return 4 if any(item["unnoticed"] for item in document.values()) else 0


def _counted(console: Console, name: str, found: Sequence[Any]) -> Iterable[Any]:
    for number, mutant in enumerate(found):
        console.progress(name, number, len(found))
        yield mutant


def _must_pass(runner: MappingTests, engine: str, tests: Iterable[m.MappingTest]) -> None:
    for result in runner.run([engine], tests):
        if result.faults:
            place = result.test.place
            raise DescriptionError(
                f"the test {result.test.name!r} fails as it is",
                code="mapping-test-failed",
                where=f"{place.file}:{place.line}",
                hint="idbmigrate mapping test shows what it expects and what was made",
            )


def _runner(name: str) -> MappingTests:
    from idbmigrate.datasets import load_dataset
    from idbmigrate.mapping.load import load_mapping
    from idbmigrate.mapping_tests.run import MappingTests

    mapping = load_mapping(name)
    return MappingTests(mapping, load_dataset(mapping.source), load_dataset(mapping.target))


def _chosen(mapping: m.Mapping, words: str | None) -> list[m.MappingTest]:
    return [test for test in mapping.tests if words is None or words.casefold() in test.name.casefold()]


def _show_fault(console: Console, result: Any) -> None:
    place = result.test.place
    console.say(f"{place.file}:{place.line}: {result.test.name} [{result.engine}]")
    for fault in result.faults:
        console.say(f"  {fault}")


def _as_dict(mapping: m.Mapping, result: Any) -> dict[str, Any]:
    place = result.test.place
    return {
        "mapping": mapping.name,
        "test": result.test.name,
        "file": place.file,
        "line": place.line,
        "engine": result.engine,
        "faults": list(result.faults),
    }
