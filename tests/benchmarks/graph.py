"""How fast layer graphs are: `python -m tests.benchmarks.graph`.

Trace, count and layout in Python; and in a real browser, in a warm app, the time from an address to the first box on
the screen, from a click on a block's + to its contents, and from a click on an operation to its inspector.
"""

import time
from collections.abc import Sequence
from statistics import median

from playwright.sync_api import Locator, Page

from models.loading import skeleton
from models.registry import ARCHITECTURES
from tests.benchmarks.browser import IDLE, chromium, served
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.conftest import ROOT
from vis.figures.graph import texts
from vis.graph import layer_graph
from vis.layout import drawing

LARGE = ("resnet152", "densenet201", "efficientnet_b7")
BLOCKS = {"resnet18": "layer3", "resnet152": "layer3", "densenet201": "features", "efficientnet_b7": "features"}
TRACE_BAR = 2  # seconds
SCREEN_BARS = 1.5, 0.3  # seconds until the first box, and until a block is open


def in_python(name: str) -> tuple[float, float, float]:
    """Building without weights; trace, shapes, counts and fields; the layout of everything open."""
    start = time.perf_counter()
    model = skeleton(name)
    built = time.perf_counter()
    graph = layer_graph(model, (1, *ARCHITECTURES[name].input_shape))
    graphed = time.perf_counter()
    drawing(graph, graph.blocks, texts)
    return built - start, graphed - built, time.perf_counter() - graphed


def box(page: Page, name: str) -> Locator:
    """The box of a layer on the canvas; of an open block, its header."""
    return page.get_by_role("application").locator(f'[role="button"][aria-label^="{name} "]')


def first_box(page: Page, address: str) -> float:
    """Seconds from the address to the first box on the screen."""
    start = time.perf_counter()
    page.goto(address)
    page.get_by_role("application").locator(".boxes .item").first.wait_for(timeout=60_000)
    return time.perf_counter() - start


def opening(page: Page, block: str) -> float:
    """Seconds from a click on a block's + to its being open on the screen."""
    page.wait_for_selector(IDLE)
    canvas = page.get_by_role("application")
    canvas.press("f")  # so that the block is on the screen
    page.wait_for_timeout(500)
    start = time.perf_counter()
    box(page, block).locator(".toggle").click(force=True)
    canvas.locator(f'[role="button"][aria-label^="{block} "][aria-expanded="true"]').wait_for()
    return time.perf_counter() - start


def inspecting(page: Page, name: str, heading: str) -> float:
    """Seconds from a click on an operation to its inspector."""
    page.wait_for_selector(IDLE)
    page.get_by_role("application").press("f")  # for a block that was opened fills the view
    page.wait_for_timeout(500)
    start = time.perf_counter()
    box(page, name).click(force=True)
    page.get_by_role("heading", name=heading).wait_for()
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("graph", __doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    rounds, networks = (1, ["resnet18"]) if given.short else (given.rounds, LARGE)
    print(machine())
    head("network", "built ms", "trace, shapes, counts, fields ms", "bar ms", "of the bar", "layout, all open ms")
    for name in networks:
        built, traced, laid = (1000 * median(t) for t in zip(*(in_python(name) for _ in range(rounds)), strict=True))
        row(name, f"{built:.0f}", f"{traced:.0f}", *of_bar(traced, 1000 * TRACE_BAR), f"{laid:.0f}")
    first, opens, looks = ({name: [] for name in networks} for _ in range(3))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for _ in range(rounds):
            with served(ROOT / "app.py") as address:  # fresh, so that no graph is known; warm, so that torch is
                first_box(page, f"{address}/architecture?network=alexnet")
                for name in networks:
                    first[name].append(first_box(page, f"{address}/architecture?network={name}"))
                    opens[name].append(opening(page, BLOCKS[name]))
                    looks[name].append(inspecting(page, "x", " x "))
    bars = "bar s", "of the bar"
    head("network", "first box s", *bars, "its block opens s", *bars, "its stem is looked at s")
    for name in networks:
        found = median(first[name]), median(opens[name])
        cells = [cell for s, bar in zip(found, SCREEN_BARS, strict=True) for cell in (f"{s:.2f}", *of_bar(s, bar))]
        row(name, *cells, f"{median(looks[name]):.2f}")


if __name__ == "__main__":
    main()
