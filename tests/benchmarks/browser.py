"""A fresh server and a browser for benchmarks that look at the screen."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.live.conftest import ROOT, SWITCHES, free_port, wait_until_healthy

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextmanager
def served(script: Path) -> Iterator[str]:
    """The address of a fresh server of `script`."""
    port = free_port()
    with tempfile.NamedTemporaryFile("w+") as log:
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        command += [f"--server.port={port}", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{port}", Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or else the one that Playwright installed."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=system, args=SWITCHES)
        yield browser
        browser.close()
