"""Every benchmark runs, in its shortest form; those that drive a browser are in tests/live. And how RESULTS.md is
written.
"""

import datetime
import importlib
import re
import sys

import pytest

from tests.benchmarks.results import BENCHMARKS, FILE, main, module_of, section, sections_of, source_of, written

IN_A_BROWSER = ("dragging", "graph", "lessons", "page", "tasks")
OF_A_SERVER = ("load", "memory", "replicas", "soak")  # which start servers, but no browser: in tests/live, too
TABLE = re.compile(r"^\| .+ \|\n\|(---\|)+\n(\| .+ \|\n)+", re.MULTILINE)


def test_every_benchmark_is_run_here_or_in_a_browser():
    drivers = {name for name in BENCHMARKS if "tests.benchmarks.browser" in source_of(name)}
    assert drivers == {*IN_A_BROWSER}
    assert len(BENCHMARKS) == 22


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in (*IN_A_BROWSER, *OF_A_SERVER)])
def test_a_benchmark_still_runs_and_prints_its_machine_and_tables(name, capsys):
    importlib.import_module(f"tests.benchmarks.{name}").main(["--short"])
    printed = capsys.readouterr().out
    assert "torch" in printed.splitlines()[0]
    assert TABLE.search(printed)
    assert widths(printed)


def widths(printed: str) -> bool:
    """Whether every row of every table has as many cells as its head."""
    for table in TABLE.finditer(printed + "\n"):
        assert len({line.count(" | ") for line in table[0].splitlines() if "---" not in line}) == 1, table[0]
    return True


# RESULTS.md ------------------------------------------------------------------------------------------------------

PRINTED = "a machine; torch 1\n\n| a | of the bar |\n|---|---|\n| 1 | 0.50 |\n"


def test_a_section_says_what_was_measured_how_when_and_where():
    found = section("stack", PRINTED, datetime.date(2026, 11, 29))
    assert found.startswith("**One edit of a stack.** What the server does for it")
    assert "`python -m tests.benchmarks.stack` · 2026-11-29 · a machine; torch 1\n\n| a |" in found
    assert found.endswith("| 1 | 0.50 |\n")


def test_what_printed_no_table_is_no_result():
    with pytest.raises(ValueError, match="printed no table"):
        section("stack", "a machine\nno table", datetime.date(2026, 11, 29))


def test_only_the_section_of_what_was_run_is_replaced():
    before = sections_of(written({"stack": "old\n", "graph": "kept\n\n| a |\n|---|\n"}))
    assert before == {"stack": "old\n", "graph": "kept\n\n| a |\n|---|\n"}
    after = written(before | {"stack": section("stack", PRINTED, datetime.date(2026, 11, 29))})
    assert sections_of(after)["graph"] == before["graph"]
    assert "| 1 | 0.50 |" in sections_of(after)["stack"]
    assert written(sections_of(after)) == after  # written again, nothing moves


def test_the_file_is_as_the_command_writes_it_with_a_section_for_every_benchmark():
    text = FILE.read_text("utf-8")
    sections = sections_of(text)
    assert written(sections) == text
    assert sections.keys() == {*BENCHMARKS}
    for name, body in sections.items():
        assert re.search(
            rf"^`python -m {re.escape(module_of(name))}` · \d{{4}}-\d\d-\d\d · .*torch", body, re.MULTILINE
        )
        assert widths(body)


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do(capsys):
    with pytest.raises(SystemExit):
        main(["page", "pages"])
    assert "there is no benchmark pages; there are activations, " in capsys.readouterr().err


def test_a_benchmark_that_fails_leaves_its_section_as_it_was(monkeypatch, tmp_path):
    file = tmp_path / "RESULTS.md"
    file.write_text(before := written({"stack": "old\n"}), "utf-8")
    monkeypatch.setattr("tests.benchmarks.results.FILE", file)
    monkeypatch.setattr(sys, "executable", "false")
    assert main(["stack"]) == 1
    assert file.read_text("utf-8") == before
