"""Everything that is remembered between reruns, in one budget of bytes: what was asked for longest ago goes first."""

import gc
import math
import sys
import threading
import time
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np
import torch
from streamlit.logger import get_logger
from streamlit.runtime import Runtime

from models.device import give_back, memory
from models.server import server
from pages.common.cache import meanwhile

Result = TypeVar("Result")
Key = tuple[str, Hashable]  # begins with the name of what makes it

SHARE = 1 / 8  # of what the machine or its container has, at most
MUCH = 64 << 20  # bytes that were let go, after which the system gets back what is free
TIDIED_AGAIN_AFTER, SAID_AGAIN_AFTER = 5, 60  # seconds
LOG = get_logger("convscope")  # which writes as Streamlit's own do: others have no level and no handler there


@dataclass
class _Entry:
    value: Any
    size: int | None  # bytes; None: not counted yet
    owner: str | None  # the session that alone may see it
    until: float


@dataclass
class _Gone:
    """An entry that was let go: as long as somebody uses its value, that is found again, and there are no two of it."""

    value: Callable[[], Any]  # None when it is there no more
    size: int | None  # as of `_Entry`
    owner: str | None
    until: float


@dataclass
class _Making:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class Memory:
    """What was made, by its key, until newer things need the room.

    Args:
        budget: bytes. What is larger than that by itself is kept as long as it is the newest.
    """

    def __init__(self, budget: int):
        self.budget, self.used = budget, 0
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()  # the one asked for last stands last
        self._gone: dict[Key, _Gone] = {}
        self._making: dict[Key, _Making] = {}
        self._lock = threading.Lock()
        self._let_go = 0  # bytes, since they were given back to the system
        self._tidied, self._said_at, self._said = -math.inf, -math.inf, ""

    def recall(
        self,
        key: Key,
        make: Callable[[], Result],
        size_of: Callable[[Result], int] | None = None,
        owner: str | None = None,
        seconds: float = math.inf,
        most: float = math.inf,
    ) -> Result:
        """What is remembered under this key, or else what `make` gives; who asks for the same meanwhile waits for it.

        Args:
            size_of: gives the bytes that it holds; without, they are counted when nobody waits: see `tidy`.
            owner: the session whose end it does not outlive.
            seconds: after which it is made anew.
            most: bytes; what is larger is not remembered.
        """
        with self._lock:
            if (entry := self._found(key)) is not None:
                return entry.value
            making = self._making.setdefault(key, _Making())
            making.waiting += 1
        try:
            with meanwhile.making(), making.lock:
                with self._lock:
                    if (entry := self._found(key)) is not None:
                        return entry.value
                value = make()
                size = size_of(value) if size_of else None
                if size is None or size <= most:
                    self._keep(key, _Entry(value, size, owner, time.monotonic() + seconds))
                return value
        finally:
            with self._lock:
                making.waiting -= 1
                if not making.waiting:
                    self._making.pop(key, None)

    def forget(self, name: str | None = None) -> None:
        """Lets go what stands under keys that begin with this name, by default everything."""
        with self._lock:
            for key in [key for key in self._entries if name in (None, key[0])]:
                self._drop(key)
            self._gone = {key: gone for key, gone in self._gone.items() if name not in (None, key[0])}

    def drop_oldest(self, is_meant: Callable[[object], bool]) -> bool:
        """Lets go, of the things that are meant, the one that was asked for longest ago; whether there was any."""
        with self._lock:
            key = next((key for key, entry in self._entries.items() if is_meant(entry.value)), None)
            if key is not None:
                self._drop(key)
            return key is not None

    def tidy(self) -> None:
        """Counts what is new; now and then, lets go what is too old, or its session's that has ended, gives the system
        its memory, and says in the log what there is.
        """
        self._count()
        with self._lock:
            now = time.monotonic()
            if now - self._tidied < TIDIED_AGAIN_AFTER:
                return
            self._tidied = now
            gone = {owner for owner in {entry.owner for entry in self._entries.values()} if not _is_there(owner)}
            for key in [key for key, entry in self._entries.items() if entry.until <= now or entry.owner in gone]:
                self._drop(key)
            self._gone = {key: gone for key, gone in self._gone.items() if gone.value() is not None}
            much, self._let_go = self._let_go >= MUCH, self._let_go % MUCH
            said, is_due = self._in_words(), now - self._said_at >= SAID_AGAIN_AFTER
            is_news = is_due and said != self._said
            if is_news:
                self._said_at, self._said = now, said
        if much:
            give_back()
        if is_news:
            LOG.info(said)

    def _found(self, key: Key) -> _Entry | None:
        entry = self._entries.get(key) or self._found_again(key)
        if entry is None or entry.until <= time.monotonic():
            return None
        self._entries.move_to_end(key)
        return entry

    def _found_again(self, key: Key) -> _Entry | None:
        gone = self._gone.pop(key, None)
        value = gone and gone.value()
        if value is None:
            return None
        self._entries[key] = entry = _Entry(value, gone.size, gone.owner, gone.until)
        self.used += gone.size or 0
        self._fit()
        return entry

    def _keep(self, key: Key, entry: _Entry) -> None:
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = entry
            self.used += entry.size or 0
            self._fit()

    def _count(self) -> None:
        with self._lock:
            new = [entry for entry in self._entries.values() if entry.size is None]
        for entry in new:
            size = held(entry.value)
            with self._lock:
                if entry.size is None and any(entry is other for other in self._entries.values()):
                    entry.size = size
                    self.used += size
        with self._lock:
            self._fit()

    def _fit(self) -> None:
        while self.used > self.budget and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key)
        size = entry.size or 0
        self.used -= size
        self._let_go += size
        if rest := getattr(entry.value, "rest", None):  # a network
            rest()
        with suppress(TypeError):  # of bytes and the like there are no weak references
            self._gone[key] = _Gone(weakref.ref(entry.value), entry.size, entry.owner, entry.until)

    def _in_words(self) -> str:
        """What an administrator reads in the log."""
        kinds = Counter()
        for key, entry in self._entries.items():
            kinds[key[0].rpartition(".")[2].strip("_")] += entry.size or 0
        most = ", ".join(f"{kind} {round(size / 1e6)}" for kind, size in kinds.most_common(3) if size >= 1e6)
        return (
            f"remembered: {round(self.used / 1e6)} of {round(self.budget / 1e6)} MB in {len(self._entries)} entries"
            f"{f' ({most})' if most else ''}"
        )


def _is_there(session: str | None) -> bool:
    """Whether somebody is still connected; without a server nobody leaves."""
    return session is None or not Runtime.exists() or Runtime.instance().is_active_session(session)


def _budget() -> int:
    asked = server().remembers
    return min(server().budget.remembered, int(SHARE * memory())) if asked is None else min(asked, memory())


remembered_things = Memory(_budget())


# How much that is --------------------------------------------------------------------------------------------------

_NOT_OURS = (type, ModuleType, FunctionType)  # what code is made of is there anyway


def held(value: Any) -> int:
    """The bytes that a value holds, with all that hangs on it; arrays and tensors as large as their memory, once."""
    seen, waiting, size = set(), [value], 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _NOT_OURS):
            continue
        seen.add(id(thing))
        size += sys.getsizeof(thing)
        if isinstance(thing, torch.Tensor):
            storage = thing.untyped_storage()
            if not thing.is_meta and storage.data_ptr() not in seen:
                seen.add(storage.data_ptr())
                size += storage.nbytes()
            continue
        if isinstance(thing, np.ndarray) and thing.base is not None:
            waiting.append(thing.base)
        waiting += gc.get_referents(thing)
    return size
