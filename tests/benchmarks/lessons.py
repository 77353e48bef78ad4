"""How often the pictures of the lessons follow a dragged slider: `python -m tests.benchmarks.lessons`.

A real browser drags every slider of the pages on convolution, pooling, activation functions, normalisation and dropout
to and fro between two neighbouring stops, one move each time it paints, and counts the painted frames before which
anything but the slider changed in the main part of its page. A slider that reports once it is let go has 0 of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.benchmarks.browser import IDLE, chromium, served
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.conftest import ROOT

MOVES = 60
BAR = 20  # updates per second


@dataclass(frozen=True)
class Dragged:
    """A slider of a page, by its label."""

    page: str
    label: str
    link: str = ""
    is_live: bool = False  # whether it is one of our own, and not of Streamlit's


SLIDERS = (
    *(Dragged("convolution", f"{what} side", "?separable_guess=2", True) for what in ("Map", "Kernel")),
    *(Dragged("convolution", f"{what} channels", "?separable_guess=2", True) for what in ("Input", "Output")),
    *(Dragged("pooling", f"Trained {what}", "?pooling=lenet") for what in ("coefficient", "bias")),
    Dragged("nonlinearities", "x"),
    Dragged("nonlinearities", "Layers", "?slopes_guess=3"),
    Dragged("nonlinearities", "Bias"),
    *(Dragged("normalisation", label) for label in ("Window n", "k", "α", "β")),
    Dragged("normalisation", "Batches seen", "?batch_guess=2"),
    Dragged("normalisation", "Momentum m", "?batch_guess=2&mode=inference"),
    Dragged("normalisation", "Training step", "?covariate_guess=3&train=on"),
    Dragged("dropout", "Dropout probability p"),
    Dragged("dropout", "Passes averaged", "?passes_guess=2"),
    Dragged("dropout", "p in the network", "?scatter_guess=2"),
)
WATCH = """
(slider) => {
  const whole = slider.closest('[data-testid="stSlider"]') ?? slider.closest(".sliders");
  const watched = { frames: 0, dirty: false, begun: performance.now(), seen: [] };
  const look = (records) => (watched.dirty ||= records.some(({ target }) => !whole.contains(target)));
  const watch = (root) => {
    const observer = new MutationObserver(look);
    observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    watched.seen.push(observer);
    root.querySelectorAll("*").forEach((each) => each.shadowRoot && watch(each.shadowRoot));
  };
  watch(document.querySelector('[data-testid="stMain"]'));
  const painted = () => {
    if (watched.dirty) watched.frames++;
    watched.dirty = false;
    if (!watched.ended) requestAnimationFrame(painted);
  };
  requestAnimationFrame(painted);
  window.watched = watched;
}
"""
ENDED = """
() => {
  const { frames, begun, seen } = window.watched;
  seen.forEach((observer) => observer.disconnect());
  window.watched.ended = true;
  return [frames, performance.now() - begun];
}
"""


def located(page: Page, slider: Dragged) -> Locator:
    if slider.is_live:
        return page.locator(f'input[aria-label^="{slider.label}"]').first
    label = page.get_by_test_id("stWidgetLabel").get_by_text(slider.label, exact=True)
    return page.get_by_test_id("stSlider").filter(has=label).first


def stops(page: Page, locator: Locator, is_live: bool) -> tuple[float, list[float]]:
    """Where the pointer has the slider at its stop and at a neighbouring one: y, and two x, in pixels of the window."""
    thumb = locator if is_live else locator.locator("input[type=range]")
    least, most, step = (float(thumb.get_attribute(name) or 1) for name in ("min", "max", "step"))
    most, at = round((most - least) / step), round((float(thumb.input_value()) - least) / step)
    track = thumb if is_live else locator.locator("[data-rac] [data-rac]").first
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    other = at - 1 if at == most else at + 1
    return box["y"] + box["height"] / 2, [box["x"] + box["width"] * place / most for place in (at, other)]


def updates(page: Page, slider: Dragged, moves: int) -> float:
    """Frames per second with another picture, while the slider is dragged to and fro."""
    locator = located(page, slider)
    locator.wait_for(timeout=240_000)  # one is there once its page has trained
    y, (here, there) = stops(page, locator, slider.is_live)
    page.mouse.move(here, y)
    page.wait_for_timeout(1500)  # in which the server hears that it may be dragged
    page.mouse.down()
    locator.evaluate(WATCH)
    for number in range(moves):
        page.mouse.move(there if number % 2 == 0 else here, y)
        page.evaluate("new Promise(requestAnimationFrame)")
    frames, milliseconds = page.evaluate(ENDED)
    page.mouse.up()
    return 1000 * frames / milliseconds


def main(argv: Sequence[str] | None = None) -> None:
    is_short = parser_of("lessons", __doc__).parse_args(argv).short
    sliders, moves = (SLIDERS[-3:-2], 6) if is_short else (SLIDERS, MOVES)
    with served(ROOT / "app.py") as app, chromium() as browser:
        print(machine())
        head("page", "slider", "updates / s", "bar / s", "bar, of it")
        for slider in sliders:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)  # what is measured begins later
            page.goto(f"{app}/{slider.page}{slider.link}")
            page.locator(IDLE).wait_for(timeout=60_000)
            page.wait_for_timeout(1000)
            rate = updates(page, slider, moves)
            row(slider.page, slider.label, f"{rate:.0f}", f"{BAR}", of_bar(BAR, rate)[1] if rate else "never")
            page.close()


if __name__ == "__main__":
    main()
