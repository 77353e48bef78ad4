"""The search: one pass over a set of pictures.

Each goes through the network once, every chosen layer is ranked at once, and only the k strongest pictures of every
feature map are kept, of each photograph the strongest. A feature map's answer to a picture is its maximum over
positions. Where activations have an upper end, which many of them reach, as those of ReLU6 do at 6, the strongest are
those that go furthest beyond it. Equal answers are in the order of the pictures' ids, equal positions in reading order,
so that the result depends on nothing but the network and the pictures – not on their order, on threads, or on having
been stopped and resumed.
"""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import Loaded
from models.device import cores
from models.picture_sets import MOST_LISTED, PictureSet, SetGone
from models.refusals import Refused
from vis.deconvnet import ranked_by
from vis.maps import stream_maps
from vis.shapes import record_shapes
from vis.top9.files import kept, save
from vis.top9.ranking import MOST_PLACES, Key, Ranking, Top, compacted, numbered
from vis.trace import traced

AHEAD = 32  # pictures that are decoded before their turn
MOST_TOGETHER = 32  # pictures that go through the network at once
LARGEST_ON_CPU, LARGEST_ON_GPU = 25 * 10**6, 2**28  # bytes of what any operation gives for them


def key_of(loaded: Loaded, pictures: PictureSet, layers: Sequence[str], k: int = 9) -> Key:
    """The key of what `mine` gives for the same arguments.

    Raises:
        TraceRefused: for a layer that the network does not have.
    """
    trace = traced(loaded.outline)
    wanted = {trace[layer] for layer in layers}
    if not wanted or not 1 <= k <= MOST_PLACES:
        raise Refused("At least one layer is needed, and 1 to {most} pictures per feature map.", most=MOST_PLACES)
    names = tuple(trace.names[node] for node in sorted(wanted))
    ranked = tuple(ranked_by(trace, loaded.outline, layer) for layer in names)
    options = "".join(f" {name}={value}" for name, value in sorted(loaded.options.items()))
    return Key(
        loaded.architecture.name + options,
        loaded.weights.identity,
        loaded.preprocess,
        pictures.fingerprint,
        k,
        names,
        () if ranked == names else ranked,
    )


def mine(
    loaded: Loaded,
    pictures: PictureSet,
    layers: Sequence[str],
    k: int = 9,
    *,
    keep: Path | None = None,
    report: Callable[[int, int], None] | None = None,
    stopped: Callable[[], bool] | None = None,
    threads: int = cores(),
    ahead: int = AHEAD,
    every: float = 10.0,
) -> Top:
    """The k strongest pictures of every feature map of `layers`, of as many photographs, by one pass over the set.

    Pictures that cannot be read are counted and listed. On one device, with one number of torch threads, equal keys
    give equal results, bit by bit.

    Args:
        layers: operations of the trace.
        keep: where the state so far is saved every few seconds, and the result at the end; what is there with the
            same key is gone on with, anything else is written over.
        report: called with the pictures that are done and all there are.
        stopped: asked after every group; if so, what was found so far is given, and `finished` is false.
        threads: that decode pictures; by default one a processor core.
        ahead: pictures that are decoded before their turn.

    Raises:
        TraceRefused: for a layer that does not exist or has no feature maps, or values that are not finite.
        SetGone: where the whole set goes out of reach on the way; what was saved can be gone on with.
    """
    key = key_of(loaded, pictures, layers, k)
    running = _Running(loaded, pictures, key, keep and kept(keep, key))
    report = report or (lambda done, total: None)
    report(running.counted, running.total)
    if keep:
        save(running.top(), keep)  # now it is known that it can be
    saved = time.monotonic()
    ids = islice(pictures.ids, running.counted, None)
    with closing(_prepared(loaded, pictures, ids, threads, ahead)) as images:
        while running.counted < running.total and not (stopped and stopped()):
            running.take(list(islice(images, running.together)))
            report(running.counted, running.total)
            if keep and time.monotonic() - saved > every:
                save(running.top(), keep)
                saved = time.monotonic()
    top = running.top()
    if keep:
        save(top, keep)
    return top


def together(loaded: Loaded) -> int:
    """How many pictures go through the network at once when it is mined: always as many, a power of two.

    Always as many, for float32 results depend on it (4·10⁻⁷). As many as leave every value small: what is larger is
    given back to the system after its use, and the next is cleared anew, which on two cores costs ResNet-50 a third.
    """
    colours, side = len(loaded.preprocess.mean), loaded.preprocess.crop
    values = record_shapes(loaded.model, (1, colours, side, side)).values.values()
    largest = max(value.nbytes for value in values if isinstance(value, Tensor))
    room = (LARGEST_ON_CPU if loaded.device.type == "cpu" else LARGEST_ON_GPU) // largest
    return min(1 << max(room, 1).bit_length() - 1, MOST_TOGETHER)


def _prepared(
    loaded: Loaded, pictures: PictureSet, ids: Iterable[str], threads: int, ahead: int
) -> Iterator[Tensor | Refused]:
    """Each picture as the network wants it, (1, C, H, W), or why it cannot be read; in the order of the ids.

    Other threads decode, a bounded number of pictures ahead: while a GPU computes, all the
    time. On a CPU they take turns with the network, whose own threads want all cores and wait for the slowest.
    """

    def prepared(id: str) -> Tensor | Refused:
        try:
            return loaded.preprocess(pictures.open(id))
        except SetGone:
            raise
        except Refused as reason:
            return reason.alone()

    in_turns = loaded.device.type == "cpu"
    with ThreadPoolExecutor(threads) as pool:
        ids, waiting = iter(ids), deque()
        try:
            while True:
                if not (in_turns and waiting):
                    waiting.extend(pool.submit(prepared, id) for id in islice(ids, max(ahead, 1) - len(waiting)))
                if in_turns:
                    wait(waiting)
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Running:
    """The rankings so far; pictures are numbered by their place in the set."""

    def __init__(self, loaded: Loaded, pictures: PictureSet, key: Key, begun: Top | None):
        self._loaded, self._pictures, self._key = loaded, pictures, key
        self.total, self.counted, self.together = len(pictures.ids), 0, together(loaded)
        self._unreadable: list[tuple[str, Refused]] = []
        self._unreadable_in_all = 0
        self._rankings: dict[str, Ranking] = {}
        self._ranked_by = key.ranking
        self._waited_for = {ranked for layer, ranked in self._ranked_by.items() if ranked != layer}
        self._photographs = numbered(pictures.sources) if pictures.sources else None
        if begun and begun.total == self.total and (numbers := _places(begun.names, pictures.ids)) is not None:
            self.counted = begun.counted
            self._unreadable, self._unreadable_in_all = list(begun.unreadable), begun.unreadable_in_all
            self._rankings = {layer: found.with_names(numbers) for layer, found in begun.rankings.items()}

    def take(self, group: Sequence[Tensor | Refused]) -> None:
        """Looks at the next pictures of the set."""
        numbers, images = [], []
        for number, image in enumerate(group, self.counted):
            if isinstance(image, Tensor):
                numbers.append(number)
                images.append(image)
            else:
                self._unreadable_in_all += 1
                if len(self._unreadable) < MOST_LISTED:
                    self._unreadable.append((self._pictures.ids[number], image))
        if images:
            self._rank(torch.cat(images + images[-1:] * (self.together - len(images))), np.array(numbers))
        self.counted += len(group)

    def _rank(self, images: Tensor, numbers: np.ndarray) -> None:
        """Ranks pictures (N, C, H, W), of which those after the last number only fill up."""
        waiting: dict[str, Tensor] = {}  # what some layers are ranked by, which comes before them
        for layer, maps in stream_maps(self._loaded.model, images, {*self._ranked_by, *self._ranked_by.values()}):
            maps = maps[: len(numbers)]  # (n, K, h, w)
            if layer in self._ranked_by:
                if layer not in self._rankings:
                    self._rankings[layer] = Ranking.empty(maps.shape[1], self._key.k)
                ranked = waiting.pop(self._ranked_by[layer], maps)
                _enter(self._rankings[layer], maps, ranked, numbers, self._photographs)
            if layer in self._waited_for:
                waiting[layer] = maps

    def top(self) -> Top:
        """What was found so far, with the names of the pictures that are in it."""
        rankings, used = compacted(self._rankings)
        classes, ids = self._pictures.classes, self._pictures.ids
        sources = self._pictures.sources or ids
        return Top(
            self._key,
            self._pictures.title,
            self.total,
            self.counted,
            list(self._unreadable),
            self._unreadable_in_all,
            rankings,
            [ids[i] for i in used],
            [classes[i] if classes else None for i in used],
            [sources[i] for i in used],
        )


def _places(names: Sequence[str], ids: Sequence[str]) -> np.ndarray | None:
    """Where these names stand among the sorted ids; None where one of them does not."""
    places = [bisect_left(ids, name) for name in names]
    is_there = all(i < len(ids) and ids[i] == name for i, name in zip(places, names, strict=True))
    return np.array(places, int) if is_there else None


def _enter(ranking: Ranking, maps: Tensor, ranked: Tensor, numbers: np.ndarray, photographs: np.ndarray | None) -> None:
    """Enters pictures that come after all in the ranking, in which equally strong ones stay behind.

    Args:
        maps: of the pictures, (n, K, h, w).
        ranked: maps of the same shape by whose maxima they are ranked.
    """
    maxima = ranked.amax((2, 3)).double().cpu().numpy() + 0.0  # (n, K); there is one zero only
    pictures, channels = np.nonzero(maxima > ranking.strengths[:, -1])
    if not len(pictures):
        return
    at = (torch.as_tensor(pictures, device=maps.device), torch.as_tensor(channels, device=maps.device))
    positions = ranked[at].flatten(1).cpu().numpy().argmax(1)  # the first of equal ones; ten times as fast as torch's
    changed, where = np.unique(channels, return_inverse=True)
    new = Ranking.empty(len(changed), len(numbers))
    new.strengths[where, pictures] = new.values[where, pictures] = maxima[pictures, channels]
    if maps is not ranked:
        there = torch.as_tensor(positions, device=maps.device)[:, None]
        new.values[where, pictures] = maps[at].flatten(1).gather(1, there)[:, 0].double().cpu().numpy() + 0.0
    new.pictures[where, pictures] = numbers[pictures]
    new.rows[where, pictures], new.columns[where, pictures] = np.divmod(positions, maps.shape[3])
    old = Ranking(*(a[changed] for a in ranking.arrays()))
    for whole, best in zip(ranking.arrays(), old.best(new, photographs).arrays(), strict=True):
        whole[changed] = best
