"""A few visitors at once, without browsers: nobody fails, and each sees what a single visitor sees."""

import asyncio
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from pages.common.routes import LAYERS
from tests.live.load import PAGES, Single, class_of
from tests.live.serving import Server, serving
from tests.live.soak import Look, is_flat, slope
from tests.live.visitor import Shown, Visitor, key_of

pytestmark = pytest.mark.browser  # its server is as slow to start as that of a browser


class Swapped(Visitor):
    """Who sees the pictures of two layers in each other's place."""

    async def rerun(self, *triggers, fragment: str = "") -> None:
        await super().rerun(*triggers, fragment=fragment)
        first, second = (
            path
            for path, shown in self.screen.items()
            if shown.element.DESCRIPTOR.name == "Element"
            and key_of(shown.element.bidi_component.id) in ("1 saw", "2 saw")
        )
        one, other = self.screen[first], self.screen[second]
        for path, shown, data in ((first, one, other.element), (second, other, one.element)):
            element = type(data)()
            element.CopyFrom(shown.element)
            element.bidi_component.json = data.bidi_component.json
            self.screen[path] = Shown(element, shown.run, shown.fragment)


@pytest.fixture(scope="module")
def alone():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def single(app) -> Single:
    return Single(app)


def test_the_log_says_what_is_remembered(alone):
    meet(alone, 1, 1)
    assert re.search(r"remembered: \d+ of \d+ MB in \d+ entries", alone.log.read_text("utf-8"))


def meet(server: Server, visitors: int, clicks: int, *kinds: type[Visitor]):
    return awaited(
        class_of(server, PAGES[LAYERS.name], visitors, seconds=0, thinking=0.5, least=clicks, kinds=kinds or (Visitor,))
    )


def awaited(work: Coroutine):
    """What it gives; in a thread, for in this one the browser of other tests may have a loop that runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_five_at_once_see_what_one_sees(alone, single):
    met = meet(alone, 5, 2)
    assert not met.failures
    assert len({frozenset(visit.state.items()) for visit in met.visits}) >= 5
    compared, wrong = awaited(single.wrong(met, most=6))
    assert compared >= 6
    assert not wrong
    assert met.cpu > 0


def test_pictures_in_each_others_place_are_found(alone, single):
    met = meet(alone, 2, 0, Visitor, Swapped)
    assert not met.failures
    compared, wrong = awaited(single.wrong(met, most=2))
    assert 0 < len(wrong) < compared
    assert all("1 saw" in words and "2 saw" in words and "3 saw" not in words for words in wrong)


def test_what_a_session_leaves_behind_is_told_from_what_the_first_ones_fill():
    """Memory that grows to 100 MB in the first hundred sessions, and by 20 kB in each of the others."""
    looks = [
        Look(60.0 * n, n, n // 3, memory=1_000_000 * min(n, 100) + 20_000 * max(0, n - 100), files=30, threads=9)
        for n in range(0, 500, 10)
    ]
    assert slope(looks, "memory") == pytest.approx(20_000)
    assert slope(looks, "files") == pytest.approx(0)


@pytest.mark.parametrize(
    ("grown", "failures", "sessions", "flat"),
    [
        ({}, [], 2000, True),
        ({"memory": 30_000}, [], 2000, False),
        ({"files": 0.5}, [], 2000, False),
        ({"threads": 0.5}, [], 2000, False),
        ({}, ["an error"], 2000, False),
        ({}, [], 900, False),
    ],
)
def test_a_server_is_flat_where_nothing_grows_and_nobody_failed_over_sessions_enough(grown, failures, sessions, flat):
    parts = [sessions * part // 10 for part in range(1, 11)]
    looks = [Look(n, n, n // 3, *(grown.get(what, 0) * n for what in ("memory", "files", "threads"))) for n in parts]
    assert is_flat(SimpleNamespace(looks=looks, failures=failures, sessions=sessions)) == flat


def test_what_a_servers_log_says_of_exceptions_is_found_each_once(tmp_path):
    log = tmp_path / "log"
    first = (
        "Uncaught app execution\nTraceback (most recent call last):\n  File 'a', line 1, in f\n    g()\nKeyError: 'a'"
    )
    other = first.replace("KeyError: 'a'", "ValueError: many\n  lines").partition("\n  lines")[0]
    log.write_text(
        f"You can view\n{first}\nsomething else\n{other}\n  lines\n{first}\nTraceback (most recent call last):\n  cut"
    )
    assert Server("", 0, log).tracebacks() == [
        first,
        other,
        "KeyError: 'a'\nTraceback (most recent call last):\n  cut",
    ]
