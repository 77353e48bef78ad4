"""Room for the networks that are open: large ones are opened one at a time, and only where they fit. And the line of
those who wait for what a network makes of their picture.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from torch import nn

from models import Loaded
from models.architecture import Architecture
from models.device import give_back, memory, share_heaps
from models.refusals import Refused
from pages.common.cache.memory import remembered_things
from pages.common.cache.turns import AT_ONCE, Line, Place, collector, turn
from pages.common.text import _

NUMBER = 4  # bytes, in single precision
SMALL = 32 << 20  # bytes that nobody waits for
SHARE = 1 / 3  # of the memory, for all networks that are open
PATIENCE = 120  # seconds, in which the first of the line finds room
LOOKED_THROUGH_AFTER = 2  # seconds of waiting, in which what nobody can reach any more is found
SAID_AFTER, SAID_AGAIN_AFTER = 1, 1  # seconds of waiting
LONG = 1  # seconds of computing

openings = Line(seconds=float("inf"), most=1000)
computations = Line(seconds=float("inf"), most=10_000, at_once=AT_ONCE)
share_heaps(AT_ONCE + 1)  # those that compute, and all others


class Room:
    """How much the numbers of all networks hold, and whether those of one more fit in.

    Args:
        most: bytes for all of them. One that is larger than that is opened when there is no other.
    """

    def __init__(self, most: int):
        self.most = most
        self._opened: WeakKeyDictionary[Loaded, int] = WeakKeyDictionary()  # the one used last stands last
        self._alive: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()  # numbers outlive who opened them
        self._lock = Lock()

    @property
    def used(self) -> int:
        """Bytes of the numbers that are there, of networks that are remembered or not."""
        for loaded, size in self._all():
            self._count(loaded, size)  # perhaps its numbers were made again
        with self._lock:
            return sum(self._alive.values())

    def enter(self, loaded: Loaded, size: int) -> None:
        """Counts this network, which is being used, whenever its numbers are there."""
        with self._lock:
            self._opened.pop(loaded, None)
            self._opened[loaded] = size
        self._count(loaded, size)

    def has(self, size: int) -> bool:
        """Whether so many bytes fit in, now or when numbers with which nobody computes have been let go."""
        for loaded, _size in self._all():
            if self.fits(size):
                return True
            loaded.rest()
        while not self.fits(size):
            if not remembered_things.drop_oldest(_is_network):  # those whose numbers cannot be made again
                return False
        return True

    def _count(self, loaded: Loaded, size: int) -> None:
        if (model := loaded.made) is not None:
            with self._lock:
                self._alive[model] = size

    def fits(self, size: int) -> bool:
        """Whether so many bytes fit in now."""
        used = self.used
        return not used or used + size <= self.most

    def _all(self) -> list[tuple[Loaded, int]]:
        with self._lock:
            return list(self._opened.items())


room = Room(int(SHARE * memory()))


def weight_of(loaded: Loaded) -> int:
    """The bytes of a network's numbers, whether they have been drawn yet or not."""
    return _weight(loaded.architecture)


def _weight(architecture: Architecture) -> int:
    return NUMBER * architecture.parameters


def _is_network(value: object) -> bool:
    return isinstance(value, Loaded)


def entered(loaded: Loaded) -> Loaded:
    """The network, whose numbers are counted from now on."""
    room.enter(loaded, weight_of(loaded))
    return loaded


@contextmanager
def opening(architecture: Architecture, has_numbers: bool = True) -> Iterator[None]:
    """A `with` in which a network is opened: a large one when no other is, and when it fits; until then it waits.

    The page says which place in the queue it has.

    Args:
        has_numbers: it takes memory; else they are drawn later.

    Raises:
        Refused: if there is no room for long.
    """
    size = _weight(architecture)
    if not has_numbers or size <= SMALL:
        yield
        return
    with openings.place(object()) as place, _saying_where(place, _of_openings) as say:
        while place.before:
            say()
            with openings.moved:
                openings.moved.wait(0.1)
        began = looked = time.monotonic()
        has_room = room.has(size)
        while not has_room:
            say()
            time.sleep(0.1)
            now = time.monotonic()
            if now - looked > LOOKED_THROUGH_AFTER:  # not more often: others' numbers would be made again and again
                collector.tidy(at_once=True)
                has_room, looked = room.has(size), now
            else:
                has_room = room.fits(size)
            if now - began > PATIENCE:
                raise Refused(
                    "Other visitors have so many large networks open that {network} finds no room; try again in a "
                    "minute, or choose a smaller one.",
                    network=architecture.title,
                )
        yield


@contextmanager
def computing() -> Iterator[None]:
    """A `with` for what keeps a core busy: as many at once as there are cores, in the order in which visitors asked.

    A page that waits for a second says which place in the queue it has. What took long has taken much memory, which the
    system gets back.
    """
    with computations.place(object()) as place:
        if place.before:
            began = time.monotonic()
            with _saying_where(place, _of_computations) as say:
                while place.before:
                    if time.monotonic() - began >= SAID_AFTER:
                        say()
                    with computations.moved:
                        computations.moved.wait(0.1)
        with turn:
            began = time.monotonic()
            try:
                yield
            finally:
                if time.monotonic() - began >= LONG:
                    give_back()


@contextmanager
def _saying_where(place: Place, words: Callable[[int], str]) -> Iterator[Callable[[], None]]:
    """A function that says on the page how many come first; where no page is drawn, it says nothing.

    Args:
        words: of a number in the queue, from 1.
    """
    if get_script_run_ctx() is None:
        yield lambda: None
        return
    shown, said, at = st.empty(), None, 0.0

    def say() -> None:
        nonlocal said, at
        # Said again every second, changed or not: by that Streamlit finds out that the visitor has left.
        if (before := place.before) != said or time.monotonic() - at >= SAID_AGAIN_AFTER:
            said, at = before, time.monotonic()
            shown.caption(words(before + 1))

    yield say
    shown.empty()


def _of_openings(number: int) -> str:
    return _("Large networks are opened one at a time; this one is number {number} in the queue …", number=number)


def _of_computations(number: int) -> str:
    return _("Other visitors' pictures are being computed; yours is number {number} in the queue …", number=number)
