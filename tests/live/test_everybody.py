"""Every page for those who do not see it, or not well: what axe finds, how small words are, what the tab is called."""

import tomllib
from pathlib import Path

import pytest

from pages.common.routes import HOME, SECTIONS, Route
from tests.live.conftest import soon

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
axe = pytest.importorskip("axe_playwright_python.base", reason="axe-playwright-python is not installed")

pytestmark = pytest.mark.browser
ROUTES = [route for section in SECTIONS.values() for route in section]
VIETNAMESE = tomllib.loads((Path(__file__).parents[2] / "pages/common/vi.toml").read_text(encoding="utf-8"))
GRAVE = {"serious", "critical"}
STREAMLITS = [  # what Streamlit draws itself and no option changes: a rule, the element, and why it stays
    ("list", '[data-testid="stSidebarNavItems"]', "the sections of the menu are div in a ul"),
    ("listitem", '[data-testid="stSidebarNavItems"] li', "and the pages in them are li in these div"),
]
SMALLEST = 12  # pixels
FIND = """(exempt) => axe.run(
  {exclude: [".js-plotly-plot"]}, // drawings, which have an alternative text as a whole
  {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], rules: {"heading-order": {enabled: true}},
    preload: false, resultTypes: ["violations"]},
).then(({violations}) => violations.flatMap(({id, impact, nodes}) => nodes
  .map(({target, failureSummary}) => ({id, impact, target: String(target), why: failureSummary,
    exempt: exempt.some(([rule, selector]) =>
      rule === id && typeof target[0] === "string" && !!document.querySelector(target[0])?.matches(selector))}))))"""
# Below our components' roots too; formulas, whose indices are small everywhere, and charts are drawings.
EVERY_ELEMENT = """const every = (root) => [...root.querySelectorAll("*")]
  .filter((element) => !element.closest("svg, .katex, .js-plotly-plot"))
  .flatMap((element) => [element, ...(element.shadowRoot ? every(element.shadowRoot) : [])]);"""
SMALL_WORDS = f"""(least) => {{ {EVERY_ELEMENT}
  return every(document.body).filter((element) => element.checkVisibility()
    && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
    && parseFloat(getComputedStyle(element).fontSize) < least).map((element) => element.outerHTML.slice(0, 200)); }}"""
SILENT_PICTURES = f"""() => {{ {EVERY_ELEMENT}
  return every(document.body).filter((element) => element.matches("img:not([role=presentation], button[aria-label] *)")
    && !element.alt).map((element) => element.outerHTML.slice(0, 200)); }}"""


def title_of(route: Route, language: str) -> str:
    return VIETNAMESE[route.title] if language == "vi" else route.title


def opened(page, app: str, route: Route, language: str):
    """The page, from its address at first and then from the menu, when everything on it is there."""
    if page.url == "about:blank":
        page.goto(f"{app}/{'' if route == HOME else route.name}?language={language}")
    else:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title_of(route, language), exact=True).click()
    expect(page).to_have_title(f"{title_of(route, language)} · ConvScope", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    expect(page.get_by_test_id("stSidebar").locator(".words").last).not_to_be_empty(
        timeout=60_000
    )  # it comes by itself
    return page


def looked_through(page) -> tuple[list[str], set[str]]:
    """What is wrong with a page, and the rules that only Streamlit's own elements break."""
    grave = [f for f in page.evaluate(FIND, STREAMLITS) if f["impact"] in GRAVE or f["id"] == "heading-order"]
    findings = [f"{f['id']} {f['target']}: {f['why']}" for f in grave if not f["exempt"]]
    findings += page.evaluate(SMALL_WORDS, SMALLEST) + page.evaluate(SILENT_PICTURES)
    return findings, {finding["id"] for finding in grave if finding["exempt"]}


def test_no_page_has_a_grave_finding_nor_a_heading_too_deep_nor_small_words_nor_silent_pictures(new_page, app):
    """Alternating between English in the light and Vietnamese in the dark, in two windows."""
    windows = {"en": new_page(color_scheme="light"), "vi": new_page(color_scheme="dark")}
    found, left = {}, set()
    for number, route in enumerate(ROUTES):
        language = list(windows)[number % 2]
        page = opened(windows[language], app, route, language)
        assert page.evaluate("document.documentElement.lang") == language
        page.evaluate(f"() => {{ if (!window.axe) {{ {axe.AXE_SCRIPT} }} }}")
        findings, exempt = looked_through(page)
        if findings:  # a component stands empty in its place for a moment, before it is drawn
            page.wait_for_timeout(1000)
            findings, exempt = looked_through(page)
        left |= exempt
        found |= {f"{route.name} {language}": findings} if findings else {}
    assert not found
    assert left == {rule for rule, _selector, _why in STREAMLITS}  # an exemption that nothing needs is taken away


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["shortcuts", "normalisation", "dropout"])
def test_the_words_below_drawn_sheets_are_not_small_where_the_sheets_are(new_page, app, name, width):
    page = new_page(viewport={"width": width, "height": 844})
    page.goto(f"{app}/{name}")
    titles = page.locator(".sheets .title")
    expect(titles.first).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    seen = "all => all.map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"
    soon(page, lambda: min(titles.evaluate_all(seen)) >= SMALLEST - 0.01)
    soon(page, lambda: all(end < limit for end, limit in ends_of_words(titles, width)))


def ends_of_words(titles, width: int) -> list[tuple[float, float]]:
    """Where each of these words ends, and where the next one in its line begins, or the window of this width ends."""
    edges = titles.evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right, box.top])"
    )
    return [
        (end, min((left for left, _end, at in edges if left > start and abs(at - top) < 2), default=width))
        for start, end, top in edges
    ]
