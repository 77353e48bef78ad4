"""From a pointer's move to the changed page: `python -m tests.benchmarks.dragging`.

A real browser drags a live slider in 30 steps, on a page with nothing but sliders and a number and on the pages that
count. A step ends when the number on the page is another one and the browser has painted it, chart included. Both are
dragged in turns against servers on the same machine.
"""

from collections.abc import Sequence
from statistics import median

from playwright.sync_api import Page

from tests.benchmarks.browser import chromium, served
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.conftest import ROOT

STEPS, ROUNDS = 30, 3
BAR = 150  # milliseconds more than the page with a slider and a number
PLAIN = ROOT / "tests/live/sliders_page.py"
PAGES = {  # the slider that is dragged on each
    "bottleneck": "Bottleneck channels",
    "residual": "Bottleneck channels",
    "separable": "Output channels",
    "kernels": "Input",
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


def opened(page: Page, address: str, number: str) -> Page:
    page.goto(address)
    page.locator(number).first.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    return page


def dragged(page: Page, slider: str, number: str, steps: int) -> list[float]:
    """Milliseconds of every step."""
    locator = page.locator(f'input[aria-label^="{slider}"]')
    most = int(locator.get_attribute("max"))
    box = locator.bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2)
    page.mouse.down()
    places = [round(most * (0.1 + 0.8 * i / steps)) for i in range(steps)]
    found = [locator.evaluate(STEP, [place, number]) for place in places]
    page.mouse.up()
    page.wait_for_timeout(500)
    return found[1:]  # the mouse's own click moved it before the first


def main(argv: Sequence[str] | None = None) -> None:
    is_short = parser_of("dragging", __doc__).parse_args(argv).short
    steps, rounds, names = (4, 1, list(PAGES)[-1:]) if is_short else (STEPS, ROUNDS, PAGES)
    metric, text = "[data-testid=stMetricValue]", "[data-testid=stMarkdown] p"
    with served(PLAIN) as plain, served(ROOT / "app.py") as app, chromium() as browser:
        bare = opened(browser.new_page(), plain, text)
        print(machine())
        head("page", "a step ms", "only sliders and a number ms", "more ms", "bar ms", "of the bar")
        for name in names:
            page = opened(browser.new_page(), f"{app}/{name}", metric)
            ours, theirs = [], []
            for _ in range(rounds):
                theirs += dragged(bare, "Resolution", text, steps)
                ours += dragged(page, PAGES[name], metric, steps)
            step, base = median(ours), median(theirs)
            row(name, f"{step:.0f}", f"{base:.0f}", f"{step - base:.0f}", *of_bar(step - base, BAR))
            page.close()


if __name__ == "__main__":
    main()
