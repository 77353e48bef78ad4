"""Five tasks as somebody new to the app does them: `python -m tests.benchmarks.tasks`.

How many clicks each takes from the first page, and how long the app keeps one waiting, from the first page's title to
the answer on the screen: one's own photograph taken apart; the picture of map 17 of layer 4, with where it is silent;
MobileNet at half its width and 160 pixels beside the paper's accuracy; the nine pictures of thirty of one's own; and
how far a link to a unit is from its close-up, opened on a projector. A file that is chosen and a number that is typed
count as a click each. The hand itself takes no time.
"""

import io
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.benchmarks.browser import IDLE, chromium, served
from tests.benchmarks.timing import head, machine, parser_of, row
from tests.live.conftest import ROOT, close_ups
from tests.unit.pictures import photograph, saved

WINDOWS = {"laptop": (1280, 800), "phone": (390, 844), "projector": (1920, 1080)}
LONG = 120_000  # milliseconds
FAR = 60  # pixels that a link's view may be from where it opens


@dataclass
class Hand:
    """What a visitor does on a page, counted."""

    page: Page
    clicks: int = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.first.click(timeout=LONG)

    def types(self, where: Locator, text: str) -> None:
        self.clicks += 1
        where.fill(text, timeout=LONG)
        where.press("Enter")

    def takes(self, where: Locator, name: str, kind: str, file: bytes) -> None:
        self.clicks += 1
        where.first.set_input_files({"name": name, "mimeType": kind, "buffer": file})

    def goes_to(self, title: str) -> None:
        """By the menu, which a phone has to open first."""
        menu = self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
        if not menu.is_visible():
            self.click(self.page.get_by_test_id("stExpandSidebarButton"))
        self.click(menu)

    def sees(self, what: Locator) -> None:
        what.first.wait_for(timeout=LONG)


def own_photograph(hand: Hand) -> None:
    file = hand.page.get_by_test_id("stMain").locator("input[type=file]")
    hand.takes(file, "mine.png", "image/png", saved(photograph(300, 200), "PNG"))
    hand.sees(hand.page.locator(".strip figcaption").filter(has_text="mine.png"))


def map_17_of_layer_4(hand: Hand) -> None:
    hand.goes_to("Activations")
    hand.click(hand.page.get_by_role("button", name="Layer 4"))
    hand.types(hand.page.get_by_role("spinbutton", name="Enlarge map number"), "17")
    hand.sees(close_ups(hand.page).filter(has_text="feature map 17"))
    hand.sees(hand.page.get_by_role("grid", name="The feature map", exact=True))


def mobilenet_of_the_paper(hand: Hand) -> None:
    hand.goes_to("MobileNet's multipliers")
    hand.click(hand.page.get_by_role("button", name="Width α: 0.50"))
    hand.click(hand.page.get_by_role("button", name="Resolution: 160"))
    hand.sees(hand.page.get_by_text("60.2"))


def nine_of_thirty(hand: Hand) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for i in range(30):
            packed.writestr(f"{i:02}.png", saved(photograph(90, 120).rotate(12 * i), "PNG"))
    hand.goes_to("Top nine pictures")
    hand.click(hand.page.get_by_role("combobox", name="Set of pictures"))
    hand.click(hand.page.get_by_role("option", name="Your own ZIP"))
    field = hand.page.get_by_test_id("stFileUploader").filter(has_text="A ZIP with pictures")
    hand.takes(field.locator("input[type=file]"), "mine.zip", "application/zip", file.getvalue())
    hand.click(hand.page.get_by_role("button", name="Find the top nine"))
    hand.sees(hand.page.get_by_text(re.compile(r"30 pictures: mine\.zip")))
    hand.sees(hand.page.get_by_role("grid", name=re.compile("What it saw there")))


TASKS: Sequence[tuple[str, str, int, Callable[[Hand], None]]] = (
    ("own photograph taken apart", "laptop", 3, own_photograph),
    ("own photograph taken apart", "phone", 3, own_photograph),
    ("map 17 of layer 4, and where it is silent", "laptop", 5, map_17_of_layer_4),
    ("α 0.5 and 160 against the paper", "laptop", 3, mobilenet_of_the_paper),
    ("nine pictures of one's own thirty", "laptop", 5, nine_of_thirty),
)


def at_home(page: Page, address: str) -> Hand:
    page.goto(address)
    page.locator(".strip .saw").nth(4).wait_for(timeout=LONG)
    page.wait_for_selector(IDLE, timeout=LONG)
    return Hand(page)


def distance(page: Page, address: str) -> float:
    """How far the close-up of a linked unit is from the window, in pixels; 0 inside it."""
    page.goto(f"{address}/layers?network=zfnet_mini&layer=4&map=187")
    close_ups(page).first.wait_for(timeout=LONG)
    page.wait_for_selector(IDLE, timeout=LONG)
    time.sleep(1)  # in which it comes into view
    box = close_ups(page).first.bounding_box()
    return max(0, -box["y"], box["y"] + box["height"] - page.viewport_size["height"])


def main(argv: Sequence[str] | None = None) -> None:
    given = parser_of("tasks", __doc__).parse_args(argv)
    print(machine())
    with served(ROOT / "app.py") as address, chromium() as browser:

        def window(name: str) -> Page:
            width, height = WINDOWS[name]
            return browser.new_context(viewport={"width": width, "height": height}).new_page()

        head("task", "window", "clicks", "at most", "s")
        for task, where, at_most, do in TASKS[:1] if given.short else TASKS:
            hand = at_home(window(where), address)
            begun = time.perf_counter()
            do(hand)
            row(task, where, hand.clicks, at_most, f"{time.perf_counter() - begun:.1f}")
            hand.page.context.close()
        if not given.short:
            head("link to a unit", "window", "pixels away", "at most")
            row("/layers", "projector", f"{distance(window('projector'), address):.0f}", FAR)


if __name__ == "__main__":
    main()
