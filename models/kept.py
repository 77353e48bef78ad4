"""Bytes that were made from others, kept for whoever asks again: those that were asked for last, within a limit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Kept:
    """What was made lately, by its key; of two threads that ask at once both may make it.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int):
        self.most = most
        self._known: OrderedDict[Hashable, bytes] = OrderedDict()  # the last one last
        self._bytes = 0
        self._changing = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What is known under this key, or else what `make` returns; what it raises is raised, and nothing kept."""
        with self._changing:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = make()
        if len(made) > self.most:
            return made
        with self._changing:
            self._bytes += len(made) - len(self._known.pop(key, b""))
            self._known[key] = made
            while self._bytes > self.most:
                self._bytes -= len(self._known.popitem(last=False)[1])
        return made
