"""The benchmarks that drive a browser of their own run, in their shortest form."""

import subprocess
import sys

import pytest

from tests.live.conftest import ROOT
from tests.unit.test_benchmarks import IN_A_BROWSER, TABLE, widths

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", IN_A_BROWSER)
def test_a_benchmark_still_runs_and_prints_its_machine_and_tables(name, browser):
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "torch" in done.stdout.splitlines()[0]
    assert TABLE.search(done.stdout)
    assert widths(done.stdout)
