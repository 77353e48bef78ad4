"""The benchmarks that drive a browser of their own run, in their shortest form."""

import importlib
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.benchmarks.browser import served
from tests.benchmarks.results import module_of
from tests.live.conftest import ROOT
from tests.unit.test_benchmarks import IN_A_BROWSER, OF_A_SERVER, TABLE, widths

pytestmark = pytest.mark.browser
BY_ITSELF = "tasks"  # is started as from the command line, with a browser and a server of its own


@pytest.mark.parametrize("name", [name for name in IN_A_BROWSER if name != BY_ITSELF])
def test_a_benchmark_still_runs_and_prints_its_machine_and_tables(name, browser, app, monkeypatch, capsys):
    """In the browser of the other tests and against their server of the app, which nothing has to wait for."""

    @contextmanager
    def chromium():
        before = {*browser.contexts}
        yield browser
        for context in {*browser.contexts} - before:
            context.close()

    @contextmanager
    def known(script):
        if script == ROOT / "app.py":
            yield app
        else:
            with served(script) as address:
                yield address

    benchmark = importlib.import_module(f"tests.benchmarks.{name}")
    monkeypatch.setattr(benchmark, "chromium", chromium)
    monkeypatch.setattr(benchmark, "served", known)
    benchmark.main(["--short"])
    is_whole(capsys.readouterr().out)


@pytest.mark.parametrize("name", [BY_ITSELF, *OF_A_SERVER])
def test_a_benchmark_runs_by_itself(name, browser):
    command = [sys.executable, "-m", module_of(name), "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    is_whole(done.stdout)


def is_whole(printed: str) -> None:
    assert "torch" in printed.splitlines()[0]
    assert TABLE.search(printed)
    assert widths(printed)
