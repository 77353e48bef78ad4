"""A school's server: nginx, as it is shipped, before two replicas of the app in class mode."""

import io
import os
import re
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from tests.live.conftest import end, free_port
from tests.live.school import NUMBERS, School, configured, proxy
from tests.live.school import school as serving_school
from tests.live.test_page import click_cell, grid, settled, title, upload

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
BACK_WITHIN = 10  # seconds


@pytest.fixture(scope="module")
def school(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with serving_school(tmp_path_factory.mktemp("school")) as known:
        first = [(browser.new_page(), replica) for replica in known.replicas.values()]  # see the fixture `app`
        for page, replica in first:
            page.goto(replica.address, wait_until="commit", timeout=60_000)
        for page, _replica in first:
            page.get_by_role("heading", level=1).wait_for(timeout=120_000)
            page.close()
        yield known


@pytest.fixture(scope="module")
def in_frame(school) -> Iterator[str]:
    """The address of a replica as in a Space, for a frame of another site."""
    space = proxy(configured("space.conf", school.folder, school.port, port := free_port()))
    try:
        yield f"https://localhost:{port}"
    finally:
        end(space)


def replica_of(page) -> str:
    """The number of the replica that has the page's session."""
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}["convscope_replica"]


def asked(url: str, **request) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer."""
    context = ssl._create_unverified_context() if url.startswith("https") else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **request), timeout=10, context=context) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def photo() -> bytes:
    picture = Image.effect_noise((400, 300), 90).convert("RGB")
    picture.save(file := io.BytesIO(), "JPEG")
    return file.getvalue()


def test_pages_components_and_uploads_work_and_the_browser_refuses_nothing(page, school):
    """An error on the console, as of a forbidden script, fails every test with a `page`."""
    for name, heading in (("", "See how"), ("architecture", "The layer graph")):
        page.goto(f"{school.address}/{name}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading, timeout=60_000)
        expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    page.goto(f"{school.address}/layers")
    click_cell(grid(settled(page), 3), 0, 1)
    expect(title(page)).to_contain_text("Layer 3", timeout=30_000)
    upload(page, "mine.jpg", photo(), "image/jpeg")
    expect(page.get_by_text("mine.jpg, as the network sees it")).to_be_visible(timeout=30_000)


def test_a_file_that_is_larger_than_the_app_allows_does_not_reach_it(school):
    upload_to = f"{school.address}/_stcore/upload_file/a/b"
    assert asked(upload_to, data=bytes(17 << 20), method="PUT")[0] == 413
    assert asked(upload_to, data=bytes(15 << 20), method="PUT")[0] == 403  # by the app: without a token


def test_the_headers_are_there_and_what_is_not_for_visitors_is_not(school):
    for path in ("/", "/_stcore/health", "/nothing"):
        _status, headers = asked(school.address + path)
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    assert asked(f"{school.replicas['11'].address}/_stcore/metrics")[0] == 200
    for path in ("_stcore/metrics", "_stcore/%6detrics", "/_stcore//metrics", "_stcore/metrics/", "a/_stcore/metrics"):
        assert asked(f"{school.address}/{path}")[0] == 404
    assert asked(f"{school.address}/_stcore/health")[0] == 200


def test_its_line_for_tls_serves_over_tls_and_keeps_the_cookie_there(school):
    status, headers = asked(school.over_tls)
    assert status == 200
    assert headers["Set-Cookie"].endswith("; Secure")
    assert "Secure" not in asked(school.address)[1]["Set-Cookie"]


def test_visitors_are_shared_out_and_each_stays_where_its_session_is(new_page, school):
    pages = [new_page(), new_page()]
    homes = []
    for page in pages:
        page.goto(f"{school.address}/pooling")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Pooling", timeout=60_000)
        homes.append(replica_of(page))
    assert sorted(homes) == sorted(NUMBERS)
    for _time in range(2):
        for page, home in zip(pages, homes, strict=True):
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_contain_text("Pooling", timeout=60_000)
            assert replica_of(page) == home


@pytest.fixture
def other_site(in_frame, tmp_path) -> Iterator[str]:
    """A site with a page, frame.html, in which the app stands in a frame."""
    frame = f'<!doctype html><iframe src="{in_frame}/layers" width="1200" height="800"></iframe>'
    (tmp_path / "frame.html").write_text(frame, "utf-8")
    (tmp_path / "favicon.ico").touch()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=tmp_path)) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_words) -> None:
        """Nothing."""


def test_in_a_frame_of_another_site_uploads_are_taken(new_page, other_site):
    page = new_page(ignore_https_errors=True)
    page.goto(f"{other_site}/frame.html")
    app = page.frame_locator("iframe")
    expect(app.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    upload(app, "mine.jpg", photo(), "image/jpeg", page)
    expect(app.get_by_text("mine.jpg, as the network sees it")).to_be_visible(timeout=30_000)
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["sameSite"], cookie["secure"]) == ("_streamlit_xsrf", "None", True)


def answers(address: str, count: int) -> list[str]:
    """The statuses of so many browsers of one address that open a session in the same moment."""
    host = address.removeprefix("http://")
    asks = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {address}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    name, port = host.split(":")
    visitors = [socket.create_connection((name, int(port)), timeout=30) for _number in range(count)]
    for visitor in visitors:
        visitor.sendall(asks.encode())
    found = [visitor.recv(64).split(b" ")[1].decode() for visitor in visitors]
    for visitor in visitors:
        visitor.close()
    return found


def test_two_hundred_of_one_school_come_in_at_once_and_five_hundred_more_do_not(school):
    assert set(answers(school.address, 200)) == {"101"}
    assert set(answers(school.address, 500)) == {"101", "429"}


def test_a_visitor_of_a_replica_that_dies_is_back_with_their_view(new_page, school):
    page = new_page()
    page.goto(f"{school.address}/layers?network=lenet5")
    settled(page)
    page.get_by_role("radio", name="one, large").click()
    page.wait_for_url(re.compile("maps=1"))
    settled(page)
    home, link = replica_of(page), page.url
    killed = time.monotonic()
    os.killpg(school.replicas[home].process, signal.SIGKILL)
    (other,) = set(NUMBERS) - {home}
    while replica_of(page) != other:
        assert time.monotonic() - killed < BACK_WITHIN
        page.wait_for_timeout(50)
    app = page.locator(".stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    page.wait_for_timeout(300)  # until then it is as the dead server left it
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    upload(page, "mine.jpg", photo(), "image/jpeg")  # which needs the session and its pictures in one place
    expect(page.get_by_role("button", name=re.compile("mine"))).to_be_visible()
    back = time.monotonic() - killed
    print(f"back after {back:.1f} s")
    assert back < BACK_WITHIN
    assert "maps=1" in page.url
    expect(page.get_by_role("radio", name="one, large")).to_be_checked()
    new = new_page()
    new.goto(link)
    settled(new)
    assert replica_of(new) == other
