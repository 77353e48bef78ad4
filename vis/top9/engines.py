"""The search in shards: spans of the set that are mined in other processes, on this machine or on others.

An engine takes a `Search` and shards, and gives a result for each, in their order. What was merged so far is therefore
the result of the first pictures of the set, which is just what `mine` saves: one engine goes on from the file of
another, and from shards of another size.
"""

import multiprocessing
import os
import pickle
import platform
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch

from models import load
from models.picture_sets import PictureSet, fingerprint_of, span
from models.refusals import Refused
from vis.top9.files import kept, save
from vis.top9.mining import AHEAD, mine
from vis.top9.ranking import Key, Top, merge

SHARD = 1024  # pictures: whole groups of any network's
IN_FLIGHT = 3  # shards for each that can be worked on: while one is begun again elsewhere, the others go on
RETRIES = 5  # of a shard whose process or machine is lost
LOOKS = 0.5  # seconds between two looks whether to stop

Stopped = Callable[[], bool]
Handle = TypeVar("Handle")


@dataclass(frozen=True)
class Search:
    """What is asked of every shard, small enough to be sent with it: each process opens the network itself, once."""

    network: str
    weights: str
    layers: tuple[str, ...]
    k: int = 9
    device: str | None = None  # the best there is
    threads: int = 1  # processor cores of a shard, for decoding and for the network
    ahead: int = AHEAD

    def __call__(self, shard: PictureSet, stopped: Stopped | None = None) -> Top:
        torch.set_num_threads(self.threads)
        loaded = _loaded(self.network, self.weights, self.device)
        return mine(loaded, shard, self.layers, self.k, threads=self.threads, ahead=self.ahead, stopped=stopped)


_loaded = lru_cache(maxsize=1)(load)

Engine = Callable[[Search, Iterable[PictureSet], Stopped], Generator[Top]]


def mine_in_shards(
    engine: Engine,
    search: Search,
    pictures: PictureSet,
    key: Key,
    *,
    keep: Path,
    report: Callable[[int, int], None],
    stopped: Stopped,
    size: int = SHARD,
    every: float = 10.0,
) -> Top:
    """What `mine` gives and saves, from an engine.

    Args:
        key: of the search, as of `key_of`.
        keep, report, stopped, every: as of `mine`; told and asked between two shards.
        size: pictures of a shard; changes nothing of the result.

    Raises:
        Refused: as `mine`, and where a process or a machine is lost too often; what was saved can be gone on with.
    """
    total = len(pictures.ids)
    begun = kept(keep, key)
    done = begun.counted if begun else 0
    so_far = begun or Top(key, pictures.title, total, 0, [], 0, {}, [], [], [])
    # a finished result of the first pictures alone, to which others can be merged
    so_far = replace(so_far, key=replace(key, fingerprint=fingerprint_of(pictures.marks[:done])), total=done)

    def saved() -> Top:
        save(whole := replace(so_far, key=key, total=total), keep)
        return whole

    report(done, total)
    saved()  # now it is known that it can be
    last = time.monotonic()
    shards = (span(pictures, first, first + size) for first in range(done, total, size))
    with closing(engine(search, shards, stopped)) as results:
        for found in results:
            so_far = merge(so_far, found)
            report(so_far.counted, total)
            if time.monotonic() - last > every:
                saved()
                last = time.monotonic()
    return saved()


def mined(search: Search, packed: bytes, stopped: Stopped | None = None) -> Top | Refused:
    """What a shard gives where it is mined; packed, so that a set that is not there is a refusal like any other."""
    try:
        return search(pickle.loads(packed), stopped)
    except Refused as reason:
        return Refused("{machine}: {reason}", machine=platform.node(), reason=str(reason))


def in_order(
    submit: Callable[[bytes], Handle],
    shards: Iterable[PictureSet],
    most: Callable[[], int],
    is_ready: Callable[[Handle], bool],
    result: Callable[[Handle], Top | Refused],
    stopped: Stopped,
) -> Generator[Top]:
    """The shards' results in their order; never more than `most()` are under way or waiting for one before them.

    Args:
        is_ready: waits for a while.
    """
    packed, waiting = map(pickle.dumps, shards), deque()
    while not stopped():
        waiting.extend(map(submit, islice(packed, max(most() - len(waiting), 0))))
        if not waiting:
            return
        if is_ready(waiting[0]):
            found = result(waiting.popleft())
            if isinstance(found, Refused):
                raise found
            yield found


# On this machine -----------------------------------------------------------------------------------------------------


# A fork of this process would inherit locks of torch's threads; of a server of forks, all is imported once.
KINDS = multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if "forkserver" in KINDS else "spawn")
if "forkserver" in KINDS:
    CONTEXT.set_forkserver_preload([__name__])


def local(search: Search, shards: Iterable[PictureSet], stopped: Stopped, workers: int = 1) -> Generator[Top]:
    """Each shard in one of so many processes of this machine."""
    ended = CONTEXT.Event()
    pool = ProcessPoolExecutor(workers, CONTEXT, _begin, (ended,))
    try:
        yield from in_order(
            lambda packed: pool.submit(_mined_here, search, packed),
            shards,
            lambda: IN_FLIGHT * workers,
            lambda future: bool(wait([future], LOOKS, FIRST_COMPLETED).done),
            Future.result,
            stopped,
        )
    except BrokenProcessPool as error:
        raise Refused(
            "A process was killed, perhaps for lack of memory; run the same command again with fewer --workers."
        ) from error
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)


_ended: Stopped = threading.Event().is_set  # in a process of a pool: whether the search is


def _begin(ended: threading.Event) -> None:
    """Begins a process of the pool: it stops when it is told to, or is left alone, and not by the keyboard."""
    global _ended
    _ended = ended.is_set
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    above = multiprocessing.parent_process()
    threading.Thread(target=lambda: (above.join(), os._exit(1)), daemon=True).start()


def _mined_here(search: Search, packed: bytes) -> Top | Refused:
    return mined(search, packed, _ended)


# By torchrun ---------------------------------------------------------------------------------------------------------


def share() -> tuple[int, int, int]:
    """The number of this process among all that torchrun began, how many these are, and its number on its machine.

    Raises:
        Refused: for a process that was begun otherwise.
    """
    try:
        rank, all_of_them, here = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        if not 0 <= rank < all_of_them:
            raise ValueError("there is no such process")
    except (KeyError, ValueError) as error:
        raise Refused("Start it with torchrun, for example: torchrun --nproc-per-node 4 -m vis.top9 …") from error
    return rank, all_of_them, here
