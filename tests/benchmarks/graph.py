"""How fast layer graphs are: `python -m tests.benchmarks.graph`.

Trace, count and layout in Python; and in a real browser, in a warm app, the time from an address to the first box on
the screen, from a click on a block's + to its contents, and from a click on an operation to its inspector.
"""

import argparse
import time
from statistics import median

from playwright.sync_api import Locator, Page, sync_playwright

from models.loading import skeleton
from models.registry import ARCHITECTURES
from tests.benchmarks.page import IDLE, served
from tests.benchmarks.timing import machine
from tests.live.conftest import ROOT, SWITCHES
from vis.figures.graph import texts
from vis.graph import layer_graph
from vis.layout import drawing

LARGE = ("resnet152", "densenet201", "efficientnet_b7")
BLOCKS = {"resnet152": "layer3", "densenet201": "features", "efficientnet_b7": "features"}


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
    start = time.perf_counter()
    box(page, name).click(force=True)
    page.get_by_role("heading", name=heading).wait_for()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.graph", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(machine() + "\n")
    print("| network | built ms | trace, shapes, counts, fields ms | layout, all open ms |\n|---|---|---|---|")
    for name in LARGE:
        times = zip(*(in_python(name) for _ in range(rounds)), strict=True)
        print(f"| {name} | " + " | ".join(f"{1000 * median(seconds):.0f}" for seconds in times) + " |")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        print("\n| network | first box s | its block opens ms | its stem is looked at ms |\n|---|---|---|---|")
        cold = {name: [] for name in LARGE}
        opens, looks = {name: [] for name in LARGE}, {name: [] for name in LARGE}
        for _ in range(rounds):
            with served(ROOT / "app.py") as address:  # fresh, so that no graph is known; warm, so that torch is
                first_box(page, f"{address}/architecture?network=alexnet")
                for name in LARGE:
                    cold[name].append(first_box(page, f"{address}/architecture?network={name}"))
                    opens[name].append(opening(page, BLOCKS[name]))
                    looks[name].append(inspecting(page, "x", " x "))
        for name in LARGE:
            print(
                f"| {name} | {median(cold[name]):.2f} | {1000 * median(opens[name]):.0f} | "
                f"{1000 * median(looks[name]):.0f} |"
            )
        browser.close()


if __name__ == "__main__":
    main()
