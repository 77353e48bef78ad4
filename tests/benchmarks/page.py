"""How long a user waits: `python -m tests.benchmarks.page`.

The first screen of a server that has just been started, at home and on the page of the layers, against an empty page
that imports torch: until the photograph is there with a unit of each layer, and until all is there. In a warm app, the
time from the title to the photograph with its units, and from choosing a sample to all five layers on screen, or to
what six methods say of the prediction.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from playwright.sync_api import Page

from models import ARCHITECTURES
from models.samples import samples_for
from pages.common.chooser import COLUMNS
from pages.common.routes import KNOWS_IMAGENET
from pages.explain.attribution.asking import CHEAP
from tests.benchmarks.browser import IDLE, chromium, served
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.conftest import ROOT

EMPTY = "import streamlit as st\nimport torch\nst.title('empty')\n"
EMPTY_PAGE = "an empty page with torch"
FIRST_BAR, SAMPLE_BAR = 1.0, 1.5  # seconds more than an empty page; until all layers of another sample are there
SIX_BAR = 3.0  # seconds until six methods have explained the prediction of another sample
STRIP_BAR, COLD_BAR = 1.0, 2.5  # to the photograph and its five projections: from a warm title; more than an empty page


# By the page's own clock, frame by frame: a question from outside waits for whatever the page is busy with.
APPEARED = """async (has_strip) => {
  const all = (root, what) => [...root.querySelectorAll("*")].flatMap((element) =>
    [...(element.matches(what) ? [element] : []), ...(element.shadowRoot ? all(element.shadowRoot, what) : [])]);
  const until = async (is) => {
    while (!is()) await new Promise(requestAnimationFrame);
    return performance.now() / 1000;
  };
  const isThere = (picture) => picture.complete && picture.naturalWidth;
  const title = await until(() => document.querySelector("h1"));
  if (!has_strip) return [title, title];
  return [title, await until(() =>
    all(document, ".strip .saw").length > 4 && all(document, ".strip img").every(isThere))];
}"""


def first_screen(page: Page, script: Path, name: str = "", waited_for: str = "h1") -> tuple[float, float, float]:
    """Seconds until a fresh server shows a page's title, its photograph and five projections, where it has them, and
    until the page is done and what is waited for is there.
    """
    with served(script) as address:
        start = time.perf_counter()
        page.goto(f"{address}/{name}")
        title, strip = page.evaluate(APPEARED, waited_for != "h1")
        page.wait_for_selector(waited_for, timeout=60_000)
        page.wait_for_selector(IDLE, timeout=60_000)
        return title, strip, time.perf_counter() - start


def strip_on_screen(page: Page, url: str) -> tuple[float, float]:
    """Seconds until a warm server shows a page's title, and from then to the photograph and its five projections."""
    page.goto(url)
    title, strip = page.evaluate(APPEARED, True)
    page.wait_for_selector(IDLE, timeout=60_000)  # or the next visit would begin while this one is drawn
    return title, strip - title


def layers_on_screen(page: Page, sample: str) -> None:
    page.get_by_text(f"{sample}, as the network sees it").wait_for()
    drawn(page, "h2", 5)


def methods_on_screen(page: Page, sample: str) -> None:
    page.get_by_test_id("stPopoverButton").filter(has_text=sample).first.wait_for()
    drawn(page, ".st-key-tiles-methods img", 1 + len(CHEAP))


def drawn(page: Page, parts: str, least: int) -> None:
    page.wait_for_selector(IDLE, timeout=60_000)
    page.locator(parts).nth(least - 1).wait_for()
    page.wait_for_function("!document.querySelector('[data-stale=true]')", timeout=60_000)


def choosing_a_sample(page: Page, link: str, network: str, on_screen: Callable, rounds: int) -> float:
    """The median of the seconds from choosing a sample, not seen before, to all that is shown of it on screen."""
    page.goto(f"{link}?network={network}&weights=auto")
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    page.wait_for_selector(IDLE, timeout=60_000)
    times = []
    offered = [sample.title for sample in samples_for(ARCHITECTURES[network])]
    for sample in offered[1 : rounds + 1]:  # the first of them is there already
        samples = page.get_by_role("grid", name="Samples")
        if not samples.is_visible():
            page.get_by_test_id("stPopoverButton").first.click()
        samples.wait_for()
        box, place = samples.bounding_box(), offered.index(sample)
        rows = -(-len(offered) // COLUMNS)
        across, down = (place % COLUMNS + 0.5) / COLUMNS, (place // COLUMNS + 0.5) / rows
        start = time.perf_counter()
        samples.click(position={"x": across * box["width"], "y": down * box["height"]})
        on_screen(page, sample)
        times.append(time.perf_counter() - start)
    return median(times)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("page", __doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    rounds, networks = (1, ["zfnet_mini"]) if given.short else (given.rounds, ["zfnet_mini", "alexnet"])
    print(machine())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        screens = {
            EMPTY_PAGE: (empty,),
            "home": (ROOT / "app.py", "", ".js-plotly-plot .point"),
            "layers": (ROOT / "app.py", "layers", "h2 >> nth=4"),
        }
        if given.short:
            del screens["home"]
        times = [{name: first_screen(page, *screen) for name, screen in screens.items()} for _ in range(rounds)]
        head(
            "first screen of a fresh server",
            "title s",
            "photograph and projections s",
            "bar s",
            "of the bar",
            "all of it s",
            "bar s",
            "of the bar",
        )
        alone = median(t[EMPTY_PAGE][0] for t in times)
        for name in screens:
            title, strip, done = (median(t[name][i] for t in times) for i in range(3))
            first = ("–",) * 3 if name == EMPTY_PAGE else (f"{strip:.2f}", *of_bar(strip, alone + COLD_BAR))
            row(name, f"{title:.2f}", *first, f"{done:.2f}", *of_bar(done, alone + FIRST_BAR))
        with served(ROOT / "app.py") as address:
            head(
                "from the title to the photograph and its five projections, warm", "title s", "s", "bar s", "of the bar"
            )
            for name in ("layers",) if given.short else ("", "layers"):
                strip_on_screen(page, f"{address}/{name}")  # which warms the server
                screens = [strip_on_screen(page, f"{address}/{name}") for _ in range(rounds)]
                title, strip = (median(times) for times in zip(*screens, strict=True))
                row(name or "home", f"{title:.2f}", f"{strip:.2f}", *of_bar(strip, STRIP_BAR))
            head("from choosing a sample to all five layers", "s", "bar s", "of the bar")
            for network in networks:
                seconds = choosing_a_sample(page, f"{address}/layers", network, layers_on_screen, rounds)
                row(network, f"{seconds:.2f}", *of_bar(seconds, SAMPLE_BAR))
            head("from choosing a sample to six methods that explain it", "s", "bar s", "of the bar")
            seconds = choosing_a_sample(page, f"{address}/attribution", KNOWS_IMAGENET, methods_on_screen, rounds)
            row(KNOWS_IMAGENET, f"{seconds:.2f}", *of_bar(seconds, SIX_BAR))


if __name__ == "__main__":
    main()
