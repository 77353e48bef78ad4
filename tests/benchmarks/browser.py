"""A fresh server and a browser for benchmarks that look at the screen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.live.conftest import SWITCHES
from tests.live.serving import serving

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextmanager
def served(script: Path) -> Iterator[str]:
    """The address of a fresh server of `script`."""
    with serving(script) as server:
        yield server.address


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or else the one that Playwright installed."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=system, args=SWITCHES)
        yield browser
        browser.close()
