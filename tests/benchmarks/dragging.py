"""From a pointer's move to the changed page: `python -m tests.benchmarks.dragging`.

A real browser drags a live slider in 30 steps, on a page with nothing but sliders and a number and on the pages that
count. A step ends when the number on the page is another one and the browser has painted it, chart included. Both are
dragged in turns against servers on the same machine.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.timing import machine
from tests.live.conftest import ROOT, SWITCHES, free_port, wait_until_healthy

STEPS, ROUNDS = 30, 3
BAR = 150  # milliseconds more than the page with a slider and a number
PLAIN = ROOT / "tests/live/sliders_page.py"
PAGES = {  # the slider that is dragged on each
    "bottleneck": "Maps between",
    "residual": "Maps between",
    "separable": "Maps out",
    "kernels": "Maps in",
    "mobilenet": "Resolution",
}
STEP = """
async (input, [place, number]) => {
  const before = document.querySelector(number).innerText;
  const start = performance.now();
  input.value = place;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  while (document.querySelector(number).innerText === before && performance.now() - start < 5000)
    await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}
"""


@contextmanager
def served(script: Path) -> Iterator[str]:
    port = free_port()
    with tempfile.NamedTemporaryFile("w") as log:
        command = [*(sys.executable, "-m", "streamlit", "run", str(script)), "--server.headless=true"]
        command += [f"--server.port={port}", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{port}", Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def opened(page: Page, address: str, number: str) -> Page:
    page.goto(address)
    page.locator(number).first.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    return page


def dragged(page: Page, slider: str, number: str) -> list[float]:
    """Milliseconds of every step."""
    locator = page.locator(f'input[aria-label^="{slider}"]')
    most = int(locator.get_attribute("max"))
    box = locator.bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2)
    page.mouse.down()
    places = [round(most * (0.1 + 0.8 * i / STEPS)) for i in range(STEPS)]
    found = [locator.evaluate(STEP, [place, number]) for place in places]
    page.mouse.up()
    page.wait_for_timeout(500)
    return found[1:]  # the mouse's own click moved it before the first


def main() -> None:
    metric = "[data-testid=stMetricValue]"
    with served(PLAIN) as plain, served(ROOT / "app.py") as app, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        bare = opened(browser.new_page(), plain, "[data-testid=stMarkdown] p")
        print(machine())
        print("| page | a step ms | only sliders and a number ms | more ms | bar |\n|---|---|---|---|---|")
        for name, slider in PAGES.items():
            page = opened(browser.new_page(), f"{app}/{name}", metric)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                theirs += dragged(bare, "Resolution", "[data-testid=stMarkdown] p")
                ours += dragged(page, slider, metric)
            step, base = median(ours), median(theirs)
            print(f"| {name} | {step:.0f} | {base:.0f} | {step - base:.0f} | {BAR} |", flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
