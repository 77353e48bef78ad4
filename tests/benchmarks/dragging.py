"""How often results follow a dragged slider: `python -m tests.benchmarks.dragging`.

A real browser drags a live slider in 60 steps, one each time it paints, on the pages that count. What is counted are
the pictures that came with another number, and how long after its step each of them came; then as many steps by key.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from playwright.sync_api import Page

from tests.benchmarks.browser import chromium, served
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.conftest import ROOT

STEPS, ROUNDS = 60, 3
BAR = 30  # updates per second
NUMBER = ".reading .value"
PAGES = {  # the slider that is dragged on each
    "bottleneck": "Bottleneck channels",
    "residual": "Bottleneck channels",
    "separable": "Output channels",
    "kernels": "Input",
    "mobilenet": "Resolution",
}
DRAG = """
async (input, places) => {
  const root = input.getRootNode();
  const number = () => root.querySelector(".reading .value").textContent;
  const painted = () => new Promise(requestAnimationFrame);
  const [updates, waits] = [[], []];
  let [shown, asked] = [number(), 0];
  const look = (now) => {
    if (number() === shown) return;
    shown = number();
    updates.push(now);
    waits.push(now - asked);
  };
  for (const place of places) {
    const now = await painted();
    look(now);
    asked = now;
    input.value = place;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const end = performance.now() + 1000;
  while (performance.now() < end) look(await painted());
  return [updates, waits];
}
"""


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.locator(NUMBER).first.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    return page


def dragged(page: Page, slider: str, steps: int, is_held: bool) -> tuple[list[float], list[float]]:
    """Milliseconds between two updates, and from a step to its update; by pointer, or by keys from the middle on."""
    locator = page.locator(f'input[aria-label^="{slider}"]')
    most = int(locator.get_attribute("max"))
    locator.hover()
    page.wait_for_timeout(1000)  # which is when the server hears that it may be dragged
    places = [round(most * (0.1 + 0.8 * i / steps)) for i in range(steps)]
    if is_held:
        page.mouse.down()
    else:
        start = int(locator.input_value())
        places = [min(most, start + 1 + i) if start < most / 2 else start - 1 - i for i in range(steps)]
    updates, waits = locator.evaluate(DRAG, places)
    if is_held:
        page.mouse.up()
    page.wait_for_timeout(1500)
    return [b - a for a, b in pairwise(updates)], waits


def main(argv: Sequence[str] | None = None) -> None:
    is_short = parser_of("dragging", __doc__).parse_args(argv).short
    steps, rounds, names = (8, 1, list(PAGES)[-1:]) if is_short else (STEPS, ROUNDS, PAGES)
    with served(ROOT / "app.py") as app, chromium() as browser:
        print(machine())
        head("page", "by", "updates / s", "bar / s", "bar, of it", "from a step to its update ms")
        for name in names:
            page = opened(browser.new_page(), f"{app}/{name}")
            for by in ("pointer", "keys"):
                gaps, waits = [], []
                for _ in range(rounds):
                    more = dragged(page, PAGES[name], steps, by == "pointer")
                    gaps, waits = gaps + more[0], waits + more[1]
                rate = 1000 / median(gaps)
                row(name, by, f"{rate:.0f}", f"{BAR}", of_bar(BAR, rate)[1], f"{median(waits):.0f}")
            page.close()


if __name__ == "__main__":
    main()
