"""A real Streamlit server and a real browser."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
SWITCHES = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Opened at /layers, Streamlit looks for its server at /layers/_stcore first, which is not there, and then at /_stcore.
LOOKED_FOR = re.compile(r"/\w+/_stcore/(health|host-config)$")
LOGS = pytest.StashKey[dict[Path, Path]]()
ERRORS = pytest.StashKey[list[str]]()


def free_port() -> int:
    """A port of the loopback without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_healthy(process: subprocess.Popen, url: str, log: Path, seconds: float = 60) -> None:
    """Returns when the server answers; fails with its log when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server of {url} did not come up:\n{log.read_text('utf-8')}")


def serving(script: Path, host: str, port: int, log: Path, *options: str, **environment: str) -> subprocess.Popen:
    """A server of a script, which may not answer yet."""
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(script)),
        "--server.headless=true",
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        *options,
    ]
    known = os.environ | environment
    with log.open("w") as output:
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True, env=known)


def end(process: subprocess.Popen) -> None:
    """Kills a process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """The address at which a script is served: `server(ROOT / "app.py")`, further options as on the command line.

    One server for each script serves the whole session.
    """
    addresses: dict[tuple[Path | str, ...], str] = {}
    processes: list[subprocess.Popen] = []
    logs = request.config.stash.setdefault(LOGS, {})

    def start(script: Path, *options: str) -> str:
        if (known := addresses.get((script, *options))) is not None:
            return known
        port, log = free_port(), tmp_path_factory.mktemp("server") / "log.txt"
        processes.append(process := serving(script, "127.0.0.1", port, log, *options))
        logs[script] = log
        wait_until_healthy(process, f"http://127.0.0.1:{port}", log)
        return addresses.setdefault((script, *options), f"http://127.0.0.1:{port}")

    yield start
    for process in processes:  # all of them are told before any is waited for
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    end = time.monotonic() + 10
    for process in processes:
        try:
            process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """A failed test shows what its pages and the servers said."""
    report = yield
    if report.failed:
        if errors := item.stash.get(ERRORS, []):
            report.sections.append(("errors on the console", "\n".join(errors)))
        for script, log in item.config.stash.get(LOGS, {}).items():
            report.sections.append((f"server of {script.name}", log.read_text("utf-8")[-4000:]))
    return report


def go_without(reason: str) -> NoReturn:
    """Skips with the reason; fails where the tests must not be skipped, as in CI."""
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium: the system's, or else the one that Playwright installed."""
    try:
        from playwright import sync_api as playwright
    except ImportError:
        go_without("playwright is not installed")
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with playwright.sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=system, args=SWITCHES)
        except playwright.Error as error:
            go_without(f"no Chromium could be started: {error.message.splitlines()[0]}")
        playwright.expect.set_options(timeout=15_000)
        yield chromium
        chromium.close()


DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def desktop(browser):
    """A light desktop window, 1280 × 900, for one test after the other: it reads Streamlit's scripts but once."""
    return browser.new_context(**DESKTOP)


@pytest.fixture
def new_page(request: pytest.FixtureRequest, browser, desktop) -> Iterator[Callable]:
    """An empty page, for options such as `viewport` or `color_scheme`. An error on its console fails the test."""
    errors, pages = request.node.stash.setdefault(ERRORS, []), []

    def note(message) -> None:
        if message.type == "error" and not LOOKED_FOR.search(message.location["url"]):
            errors.append(f"{message.text} {message.location['url']}")

    def open_page(**options):
        # A second tab of one window would leave the first one in the dark, where nothing moves.
        page = (browser.new_context(**DESKTOP | options) if options or pages else desktop).new_page()
        pages.append(page)
        page.set_default_timeout(30_000)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for page in pages:
        if page.context is not desktop:
            page.context.close()
        elif not page.is_closed():
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear()")
            page.close()
    desktop.clear_cookies()
    desktop.clear_permissions()
    assert not errors


@pytest.fixture
def page(new_page):
    """An empty page of a light desktop window, 1280 × 900."""
    return new_page()


def soon(page, holds: Callable[[], object], seconds: float = 15) -> None:
    """Asserts what may become true a moment later, such as after a window got narrower."""
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert found


def still(locator) -> dict[str, float]:
    """The box of an element, in pixels, once it has stood in its place for a fifth of a second."""
    locator.wait_for(timeout=30_000)
    before, box = None, locator.bounding_box()
    while box is None or box != before:
        locator.page.wait_for_timeout(200)
        before, box = box, locator.bounding_box()
    return box


IS_AT_REST = "() => !document.getAnimations().some(it => it instanceof CSSTransition && it.playState === 'running')"


def resize(page, width: int, height: int) -> None:
    """Another window, and a moment for the page to follow: Streamlit looks after a while, and then folds its menu."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(500)
    page.wait_for_function(IS_AT_REST)


def overlap(one: dict[str, float], other: dict[str, float], across: float = 0, down: float = 0) -> bool:
    """Whether two boxes lie over one another by more than so many pixels."""
    ends = (("left", "right", across), ("top", "bottom", down))
    return all(min(one[end], other[end]) - max(one[start], other[start]) > most for start, end, most in ends)


def close_ups(page):
    """The headings of what is seen closely."""
    return page.locator("[class*=st-key-head-of-close-up]").get_by_role("heading", level=2)


@pytest.fixture(scope="session")
def app(server, browser) -> str:
    """The address of the app, after its first visitor: before, Streamlit knows no page but the first, and says so."""
    address = server(ROOT / "app.py")
    first = browser.new_page()
    first.goto(address)
    first.get_by_role("heading", level=1).wait_for(timeout=60_000)
    first.close()
    return address
