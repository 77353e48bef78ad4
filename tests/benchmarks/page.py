"""How long a user waits: `python -m tests.benchmarks.page`.

The first screen of a server that has just been started, at home and on the page of the layers, against an empty page
that imports torch; and, in a warm app, the time from choosing a sample photograph to all five layers on screen.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.timing import machine
from tests.live.conftest import ROOT, SWITCHES, free_port, wait_until_healthy

EMPTY = "import streamlit as st\nimport torch\nst.title('empty')\n"
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SAMPLES = ("Astronaut", "Cat", "Rocket", "Motorcycle", "Coins")


@contextmanager
def served(script: Path) -> Iterator[str]:
    """The address of a fresh server of `script`."""
    port = free_port()
    with tempfile.NamedTemporaryFile("w+") as log:
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        command += [f"--server.port={port}", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{port}", Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def first_screen(page: Page, script: Path, name: str = "", waited_for: str = "h1") -> tuple[float, float]:
    """Seconds until a fresh server shows a page's title, and until the page is done and what is waited for is there."""
    with served(script) as address:
        start = time.perf_counter()
        page.goto(f"{address}/{name}")
        page.get_by_role("heading", level=1).wait_for(timeout=60_000)
        title = time.perf_counter() - start
        page.wait_for_selector(waited_for, timeout=60_000)
        page.wait_for_selector(IDLE, timeout=60_000)
        return title, time.perf_counter() - start


def all_layers_on_screen(page: Page) -> None:
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_function(
        "document.querySelectorAll('h3').length >= 5 && !document.querySelector('[data-stale=true]')", timeout=60_000
    )


def choosing_a_sample(page: Page, address: str, network: str, rounds: int) -> float:
    """The median of the seconds from choosing a sample, not seen before, to all of its layers on screen."""
    page.goto(f"{address}/layers?network={network}&weights=auto")
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    all_layers_on_screen(page)
    times = []
    for sample in SAMPLES[:rounds]:
        page.get_by_label("or a sample photograph").click()
        option = page.get_by_role("option", name=sample)
        option.wait_for()
        start = time.perf_counter()
        option.click()
        page.get_by_text(f"{sample}, as the network sees it").wait_for()
        all_layers_on_screen(page)
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.page", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        screens = {
            "empty page with torch": (empty,),
            "home": (ROOT / "app.py", "", ".js-plotly-plot .point"),
            "layers": (ROOT / "app.py", "layers", "h3 >> nth=4"),
        }
        times = [{name: first_screen(page, *screen) for name, screen in screens.items()} for _ in range(rounds)]
        for name in screens:
            title, done = (median(t[name][i] for t in times) for i in range(2))
            print(f"{name}, first screen: title after {title:.2f} s, all of it after {done:.2f} s")
        with served(ROOT / "app.py") as address:
            for network in ("zfnet_mini", "alexnet"):
                seconds = choosing_a_sample(page, address, network, rounds)
                print(f"{network}, from choosing a sample to all five layers: {seconds:.2f} s")
        browser.close()


if __name__ == "__main__":
    main()
