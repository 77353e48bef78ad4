"""The pictures that excite each feature map most, as a result, and the merging of two."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.images import Preprocess
from models.picture_sets import MOST_LISTED, sum_of
from models.refusals import Refused

MOST_PLACES = 100  # pictures of a feature map


@dataclass(frozen=True)
class Entry:
    """One of the pictures that excite a feature map most, and where: the unit at this position."""

    picture: str  # its id in the set
    value: float
    row: int
    column: int
    label: str | None  # the picture's class


@dataclass(frozen=True)
class Key:
    """All that a result depends on, on one device: what was asked of which network and which pictures."""

    network: str  # with its options, such as "mobilenet_v1 width=0.5"
    weights: str  # the sha256 of their file, or "random seed 0, torch …"
    preprocess: Preprocess
    fingerprint: str  # of the set of pictures
    k: int
    layers: tuple[str, ...]  # in the order of execution

    def canonical(self) -> str:
        """The key as JSON, the same for equal keys."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(eq=False)
class Ranking:
    """The strongest pictures of every feature map of a layer, strongest first; each array (K, k).

    Places that are not taken yet hold picture −1 with the value −∞.
    """

    values: np.ndarray  # float64, which holds every smaller float exactly
    pictures: np.ndarray  # int64: which of the names that belong to the ranking
    rows: np.ndarray  # int64
    columns: np.ndarray  # int64

    @classmethod
    def empty(cls, maps: int, k: int) -> "Ranking":
        none, nowhere = np.full((maps, k), -np.inf), np.full((maps, k), -1)
        return cls(none, nowhere, nowhere.copy(), nowhere.copy())

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.values, self.pictures, self.rows, self.columns

    def with_names(self, numbers: np.ndarray) -> "Ranking":
        """The same ranking, whose picture i is now picture numbers[i]."""
        return Ranking(self.values, np.append(numbers, -1)[self.pictures], self.rows, self.columns)

    def best(self, other: "Ranking") -> "Ranking":
        """The best of both rankings, of equal values those with the smaller picture."""
        k = self.values.shape[1]
        values, pictures, rows, columns = (
            np.concatenate(both, 1) for both in zip(self.arrays(), other.arrays(), strict=True)
        )
        order = np.lexsort((pictures, -values), axis=1)[:, :k]
        return Ranking(*(np.take_along_axis(array, order, 1) for array in (values, pictures, rows, columns)))

    def is_in_order(self) -> bool:
        """Whether values descend, equal ones by their pictures, and no feature map has a picture twice."""
        values, pictures, twice = self.values, self.pictures, np.sort(self.pictures, 1)
        fall, tie = values[:, :-1] > values[:, 1:], values[:, :-1] == values[:, 1:]
        by_picture = (pictures[:, :-1] < pictures[:, 1:]) | (pictures[:, 1:] < 0)
        once = (twice[:, :-1] < twice[:, 1:]) | (twice[:, 1:] < 0)
        return bool((fall | tie & by_picture).all() and once.all())


def compacted(rankings: Mapping[str, Ranking]) -> tuple[dict[str, Ranking], np.ndarray]:
    """The same rankings whose pictures are numbered without gaps, and what their numbers were, ascending."""
    numbers = np.unique(np.concatenate([found.pictures.ravel() for found in rankings.values()] or [[-1]])).astype(int)
    used = numbers[numbers >= 0]
    return {
        layer: dataclasses.replace(
            found, pictures=np.where(found.pictures < 0, -1, np.searchsorted(used, found.pictures))
        )
        for layer, found in rankings.items()
    }, used


@dataclass(frozen=True, eq=False)
class Top:
    """The k strongest pictures of every feature map of some layers."""

    key: Key
    title: str  # of the set of pictures; text from outside
    total: int  # pictures in the set
    counted: int  # pictures looked at so far
    unreadable: list[tuple[str, Refused]]  # of these the first that could not be read, and why
    unreadable_in_all: int
    rankings: Mapping[str, Ranking]
    names: Sequence[str]  # of the pictures in the rankings, in order
    labels: Sequence[str | None]  # of each, the name of its class

    @property
    def finished(self) -> bool:
        return self.counted == self.total

    @property
    def layers(self) -> tuple[str, ...]:
        return self.key.layers

    def channels(self, layer: str) -> int:
        """How many feature maps the layer has; 0 before any picture could be read."""
        return len(self.rankings[layer].values) if layer in self.rankings else 0

    def entries(self, layer: str, channel: int) -> list[Entry]:
        """The strongest pictures of a feature map, strongest first; fewer than k where the set has fewer."""
        found = self.rankings[layer]
        rows = zip(*(a[channel].tolist() for a in found.arrays()), strict=True)
        return [Entry(self.names[i], value, row, column, self.labels[i]) for value, i, row, column in rows if i >= 0]


# Merging ---------------------------------------------------------------------------------------------------------


def merged(one: Top, other: Top) -> Top:
    """The result of both sets of pictures together, equal to that of one run over their union, key included.

    Raises:
        Refused: for results of different networks, layers or k, for unfinished ones, and for sets that share pictures.
    """
    if dataclasses.replace(one.key, fingerprint=other.key.fingerprint) != other.key:
        raise Refused("These results are of different networks, weights, layers or k, and cannot be merged.")
    if not (one.finished and other.finished):
        raise Refused("An unfinished result cannot be merged; run its command again first.")
    if one.key == other.key or set(one.names) & set(other.names):
        raise Refused("These results are of sets that share pictures, or names of pictures, and cannot be merged.")
    labels = dict(zip((*one.names, *other.names), (*one.labels, *other.labels), strict=True))
    names = sorted(labels)
    numbers = {name: i for i, name in enumerate(names)}
    rankings: dict[str, Ranking] = {}
    for top in (one, other):
        new = np.array([numbers[name] for name in top.names], int)
        for layer, found in top.rankings.items():
            found = found.with_names(new)
            rankings[layer] = rankings[layer].best(found) if layer in rankings else found
    rankings, used = compacted(rankings)
    unreadable = sorted((*one.unreadable, *other.unreadable), key=lambda found: found[0])[:MOST_LISTED]
    return Top(
        dataclasses.replace(one.key, fingerprint=sum_of(one.key.fingerprint, other.key.fingerprint)),
        f"{one.title} + {other.title}",
        one.total + other.total,
        one.counted + other.counted,
        unreadable,
        one.unreadable_in_all + other.unreadable_in_all,
        rankings,
        [names[i] for i in used],
        [labels[names[i]] for i in used],
    )


def rows(top: Top, layers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A row for each of the nine of every feature map, strongest first; whose they are stands in every row."""
    names = {operation: name for name, operation in layers.items()}
    for operation in top.layers:
        of = {
            "network": top.key.network,
            "weights": top.key.weights,
            "pictures": top.title,
            "layer": names.get(operation, operation),
            "operation": operation,
        }
        for channel in range(top.channels(operation)):
            for rank, entry in enumerate(top.entries(operation, channel), 1):
                yield {
                    **of,
                    "channel": channel,
                    "rank": rank,
                    "picture": entry.picture,
                    "value": entry.value,
                    "row": entry.row,
                    "column": entry.column,
                    "class": entry.label,
                }
