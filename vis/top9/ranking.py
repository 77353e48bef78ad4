"""The pictures that excite each feature map most, as a result, and the merging of two.

Of each photograph a feature map has one picture at most: where a set holds several of its crops, the strongest.
"""

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
    ranked_by: tuple[str, ...] = ()  # of each, the operation whose values are ranked; empty where these are the layers

    @property
    def ranking(self) -> Mapping[str, str]:
        """By layer, the operation whose values are ranked."""
        return dict(zip(self.layers, self.ranked_by or self.layers, strict=True))

    def canonical(self) -> str:
        """The key as JSON, the same for equal keys."""
        said = {name: value for name, value in dataclasses.asdict(self).items() if name != "ranked_by" or value}
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(eq=False)
class Ranking:
    """The strongest pictures of every feature map of a layer, strongest first; each array (K, k).

    Places that are not taken yet hold picture −1 with the value −∞.
    """

    strengths: np.ndarray  # by which they are ranked: the values, or those before an activation's upper end
    values: np.ndarray  # float64, which holds every smaller float exactly
    pictures: np.ndarray  # int64: which of the names that belong to the ranking
    rows: np.ndarray  # int64
    columns: np.ndarray  # int64

    @classmethod
    def empty(cls, maps: int, k: int) -> "Ranking":
        none, nowhere = np.full((maps, k), -np.inf), np.full((maps, k), -1)
        return cls(none, none.copy(), nowhere, nowhere.copy(), nowhere.copy())

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.strengths, self.values, self.pictures, self.rows, self.columns

    def with_names(self, numbers: np.ndarray) -> "Ranking":
        """The same ranking, whose picture i is now picture numbers[i]."""
        return dataclasses.replace(self, pictures=np.append(numbers, -1)[self.pictures])

    def best(self, other: "Ranking", photographs: np.ndarray | None = None) -> "Ranking":
        """The best of both rankings, of each photograph one; of equally strong ones those with the smaller picture.

        Args:
            photographs: of every picture, the number of its photograph; None where each is one of its own.
        """
        k = self.values.shape[1]
        both = Ranking(*(np.concatenate(two, 1) for two in zip(self.arrays(), other.arrays(), strict=True)))
        if photographs is not None:
            both = both._sorted(of := np.append(photographs, -1)[both.pictures])
            of = np.sort(of, 1)
            again = np.pad((of[:, 1:] == of[:, :-1]) & (of[:, 1:] >= 0), ((0, 0), (1, 0)))
            both.strengths[again], both.values[again], both.pictures[again] = -np.inf, -np.inf, -1
        best = both._sorted()
        return Ranking(*(array[:, :k] for array in best.arrays()))

    def _sorted(self, *first: np.ndarray) -> "Ranking":
        """The same ranking in the order of these numbers (K, k), then of the strengths, then of the pictures."""
        order = np.lexsort((self.pictures, -self.strengths, *first), axis=1)
        return Ranking(*(np.take_along_axis(array, order, 1) for array in self.arrays()))

    def is_in_order(self) -> bool:
        """Whether strengths descend, equal ones by their pictures, and values with them."""
        strengths, pictures = self.strengths, self.pictures
        fall, tie = strengths[:, :-1] > strengths[:, 1:], strengths[:, :-1] == strengths[:, 1:]
        by_picture = (pictures[:, :-1] < pictures[:, 1:]) | (pictures[:, 1:] < 0)
        return bool(((fall | tie & by_picture) & (self.values[:, :-1] >= self.values[:, 1:])).all())

    def has_twice(self, photographs: np.ndarray) -> bool:
        """Whether a feature map has a photograph twice; argument as of `best`."""
        of = np.sort(np.append(photographs, -1)[self.pictures], 1)
        return bool(((of[:, :-1] == of[:, 1:]) & (of[:, 1:] >= 0)).any())


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


def numbered(photographs: Sequence[str]) -> np.ndarray:
    """Of every picture the number of its photograph, as `Ranking` wants them."""
    return np.unique(np.array(photographs, object), return_inverse=True)[1].astype(int)


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
    photographs: Sequence[str]  # of each, the photograph that it is a part of; its own name for one of its own

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
        """The strongest pictures of a feature map, strongest first; fewer than k of a set of fewer photographs."""
        found = self.rankings[layer]
        rows = zip(*(a[channel].tolist() for a in found.arrays()), strict=True)
        return [Entry(self.names[i], value, row, column, self.labels[i]) for _, value, i, row, column in rows if i >= 0]


# Merging ---------------------------------------------------------------------------------------------------------


def merge(one: Top, other: Top) -> Top:
    """The result of both sets of pictures together, equal to that of one run over their union, key included.

    Which comes first, and which of several are merged first, changes nothing, be values equal or not. So whatever was
    mined in shards, in any order and anywhere, becomes what one run gives.

    Raises:
        Refused: for results of different networks, layers or k, for unfinished ones, and for sets that share pictures.
    """
    if dataclasses.replace(one.key, fingerprint=other.key.fingerprint) != other.key:
        raise Refused("These results are of different networks, weights, layers or k, and cannot be merged.")
    if not (one.finished and other.finished):
        raise Refused("An unfinished result cannot be merged; run its command again first.")
    if one.key == other.key or set(one.names) & set(other.names):
        raise Refused("These results are of sets that share pictures, or names of pictures, and cannot be merged.")
    both = (*one.names, *other.names)
    labels = dict(zip(both, (*one.labels, *other.labels), strict=True))
    sources = dict(zip(both, (*one.photographs, *other.photographs), strict=True))
    names = sorted(labels)
    are_parts = any(sources[name] != name for name in names)
    photographs = numbered([sources[name] for name in names]) if are_parts else None
    numbers = {name: i for i, name in enumerate(names)}
    rankings: dict[str, Ranking] = {}
    for top in (one, other):
        new = np.array([numbers[name] for name in top.names], int)
        for layer, found in top.rankings.items():
            found = found.with_names(new)
            rankings[layer] = rankings[layer].best(found, photographs) if layer in rankings else found
    rankings, used = compacted(rankings)
    unreadable = sorted((*one.unreadable, *other.unreadable), key=lambda found: found[0])[:MOST_LISTED]
    return Top(
        dataclasses.replace(one.key, fingerprint=sum_of(one.key.fingerprint, other.key.fingerprint)),
        _title(one.title, other.title),
        one.total + other.total,
        one.counted + other.counted,
        unreadable,
        one.unreadable_in_all + other.unreadable_in_all,
        rankings,
        [names[i] for i in used],
        [labels[names[i]] for i in used],
        [sources[names[i]] for i in used],
    )


def _title(*titles: str) -> str:
    """The titles of all sets that were merged, each once: shards have that of their whole set."""
    return JOINT.join(sorted({name for title in titles for name in title.split(JOINT)}))


JOINT = " + "


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
