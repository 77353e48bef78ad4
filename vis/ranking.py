"""The pictures that excite each feature map most, as a result: its files, and the merging of two.

A result is a Parquet file. Its key says of which network and which pictures it is, so that it is found again and never
taken for another.
"""

import dataclasses
import glob
import hashlib
import json
import operator
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from PIL.Image import Resampling
from pyarrow import parquet

from models.decoding import PictureRefused
from models.images import Preprocess
from models.picture_sets import MOST_LISTED, sum_of
from models.refusals import Refused
from models.statefile import printable


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
    """All that a result depends on, on one machine: what was asked of which network and which pictures."""

    network: str  # with its options, such as "mobilenet_v1 width=0.5"
    weights: str  # the sha256 of their file, or "random seed 0"
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


# Files -----------------------------------------------------------------------------------------------------------

FORMAT = 1
MOST_PLACES = 100  # pictures of a feature map
MOST_MAPS = 1_000_000  # of all layers
MOST_ROWS = 20_000_000
MOST_FILE_MEGABYTES = 512
ABANDONED_AFTER = 3600  # seconds: whoever was writing that partial file is gone

TABLE = pa.schema(
    {
        "layer": pa.dictionary(pa.int32(), pa.string()),
        "channel": pa.int32(),
        "rank": pa.int32(),
        "picture": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float64(),
        "row": pa.int32(),
        "column": pa.int32(),
        "label": pa.dictionary(pa.int32(), pa.string()),
    }
)
TEXTS = ("layer", "picture", "label")
ABOUT = b"top nine"  # where in the file's metadata the rest stands, as JSON


def save(top: Top, path: Path) -> None:
    """Writes a result to a Parquet file, whole or not at all.

    A row is an entry: layer, channel, rank, picture, value, row, column, label; all else is in the metadata.

    Raises:
        Refused: where the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        _clear_abandoned(path)
        parquet.write_table(_table(top), partial)
        os.replace(partial, path)
    except OSError as error:
        raise Refused(
            "{file} cannot be written: {reason}; choose another place.",
            file=printable(path.name),
            reason=error.strerror or type(error).__name__,
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _clear_abandoned(path: Path) -> None:
    for partial in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        with suppress(FileNotFoundError):  # another process was quicker
            if time.time() - partial.stat().st_mtime > ABANDONED_AFTER:
                partial.unlink()


def _table(top: Top) -> pa.Table:
    layers, columns = [layer for layer in top.layers if layer in top.rankings], []
    for i, layer in enumerate(layers):
        found = top.rankings[layer]
        channels, ranks = np.nonzero(found.pictures >= 0)  # row by row
        columns.append([np.full(len(ranks), i), channels, ranks, *(array[channels, ranks] for array in found.arrays())])
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)] or [np.zeros(0, int)] * 7
    layer, channel, rank, value, picture, row, column = joined
    numbered = {
        "layer": pa.DictionaryArray.from_arrays(pa.array(layer, pa.int32()), pa.array(layers, pa.string())),
        "channel": channel,
        "rank": rank,
        "picture": pa.DictionaryArray.from_arrays(pa.array(picture, pa.int32()), pa.array(top.names, pa.string())),
        "value": value,
        "row": row,
        "column": column,
        "label": _dictionary(np.array([*top.labels, None], object)[picture.astype(int)]),
    }
    about = {
        "format": FORMAT,
        "key": dataclasses.asdict(top.key),
        "maps": {layer: top.channels(layer) for layer in layers},
        **{name: getattr(top, name) for name in ("title", "total", "counted", "unreadable_in_all")},
        "unreadable": [[id, reason.template, reason.values_said] for id, reason in top.unreadable],
    }
    table = pa.table(numbered).cast(TABLE)
    return table.replace_schema_metadata({ABOUT: json.dumps(about, default=str)})


def _dictionary(labels: np.ndarray) -> pa.DictionaryArray:
    return pa.array(labels, pa.string()).dictionary_encode()


def open_top(path: Path) -> Top:
    """The result in a file, which may be anybody's: whatever it holds, a result comes back or a refusal.

    Raises:
        Refused: for a file that is not there, damaged, no result, or not finished yet.
    """
    top = read(path)
    if not top.finished:
        raise Refused(
            "{file} is not finished: {counted} of {total} pictures are done; give the same command again.",
            file=printable(path.name),
            counted=top.counted,
            total=top.total,
        )
    return top


def read(path: Path) -> Top:
    """The result in a file, finished or not."""
    if not path.is_file():
        raise Refused("There is no file {file}; check its name and folder.", file=printable(path.name))
    if path.stat().st_size > MOST_FILE_MEGABYTES * 2**20:
        raise Refused(
            "{file} is larger than {most} MB, which no result is; choose another file.",
            file=printable(path.name),
            most=MOST_FILE_MEGABYTES,
        )
    try:
        with parquet.ParquetFile(path, read_dictionary=TEXTS) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise ValueError("too many rows")
            table = file.read(list(TABLE.names), use_threads=False).cast(TABLE)
            about = json.loads(file.schema_arrow.metadata[ABOUT])
        return _top(table.combine_chunks(), about)
    except DAMAGE as error:
        raise Refused(
            "{file} is no result of this program, or damaged; mine the pictures again.", file=printable(path.name)
        ) from error


DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


def _top(table: pa.Table, about: dict) -> Top:
    """What a file says; raises one of DAMAGE where it cannot be true."""
    key = _key(about["key"])
    total, counted, refused = (operator.index(about[name]) for name in ("total", "counted", "unreadable_in_all"))
    maps = {str(layer): operator.index(number) for layer, number in about["maps"].items()}
    _true(about["format"] == FORMAT and 0 <= refused <= counted <= total and len(about["unreadable"]) <= MOST_LISTED)
    _true(set(maps) <= set(key.layers) and 0 <= sum(maps.values()) <= MOST_MAPS and min(maps.values(), default=0) >= 0)
    _true(not any(table[name].null_count for name in TABLE.names if name != "label"))
    names, numbers = _texts(table["picture"])
    labels_said, label_numbers = _texts(table["label"])
    layers, layer_numbers = _texts(table["layer"])
    channel, rank, value, row, column = (
        table[name].to_numpy() for name in ("channel", "rank", "value", "row", "column")
    )
    labels: list[str | None] = [None] * len(names)
    for number, label in set(zip(numbers.tolist(), label_numbers.tolist(), strict=True)):
        labels[number] = labels_said[label] if label >= 0 else None
    _true(min(numbers.min(initial=0), layer_numbers.min(initial=0), row.min(initial=0), column.min(initial=0)) >= 0)
    _true(bool(np.isfinite(value).all()) and len(set(names)) == len(names))
    rankings = {layer: Ranking.empty(number, key.k) for layer, number in maps.items()}
    for i, layer in enumerate(layers):
        of_layer = layer_numbers == i
        place = channel[of_layer], rank[of_layer]
        _true(min(numbers.min(initial=0) for numbers in place) >= 0)
        for whole, found in zip(rankings[layer].arrays(), (value, numbers, row, column), strict=True):
            whole[place] = found[of_layer]
    order = sorted(range(len(names)), key=names.__getitem__)
    rankings = {layer: found.with_names(np.argsort(order)) for layer, found in rankings.items()}
    _true(all(found.is_in_order() for found in rankings.values()))
    unreadable = [(str(id), _reason(template, values)) for id, template, values in about["unreadable"]]
    title, names, labels = printable(about["title"]), [names[i] for i in order], [labels[i] for i in order]
    return Top(key, title, total, counted, unreadable, refused, rankings, names, labels)


def _true(said: bool) -> None:
    if not said:
        raise ValueError("it contradicts itself")


def _texts(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The texts of a column, and of each row the number of its text; −1 for none."""
    array = column.unify_dictionaries().combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return array.dictionary.to_pylist(), array.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _key(said: dict) -> Key:
    preprocess = said["preprocess"]
    mean, std = (tuple(map(float, preprocess[name])) for name in ("mean", "std"))
    key = Key(
        **{name: str(said[name]) for name in ("network", "weights", "fingerprint")},
        preprocess=Preprocess(
            operator.index(preprocess["resize"]),
            operator.index(preprocess["crop"]),
            mean,
            std,
            Resampling(preprocess["resample"]),
        ),
        k=operator.index(said["k"]),
        layers=tuple(map(str, said["layers"])),
    )
    _true(1 <= key.k <= MOST_PLACES and re.fullmatch("[0-9a-f]{64}", key.fingerprint) is not None)
    return key


def _reason(template: str, values: dict) -> Refused:
    """A refusal as it was saved; of a foreign template nothing but plain names and digits is filled in."""
    _true(len(template) < 1000 and re.fullmatch(r"([^{}]|\{\w+(:\.\d[fg]?)?\})*", template) is not None)
    _true(all(isinstance(value, (str, int, float)) for value in values.values()))
    return PictureRefused(template, **values)


def kept(file: Path, key: Key) -> Top | None:
    """The state in `file` if it is of this key."""
    try:
        top = read(file)
    except Refused:
        return None
    return top if top.key == key else None


def file_of(key: Key, folder: Path) -> Path:
    """Where in `folder` the result of this key lies: the sha256 of the key as JSON is its name."""
    return folder / f"{hashlib.sha256(key.canonical().encode()).hexdigest()}.parquet"


def find(key: Key, folder: Path) -> Top | None:
    """The finished result of this key in `folder`; None where there is none that can be read."""
    top = kept(file_of(key, folder), key)
    return top if top and top.finished else None


# Merging ---------------------------------------------------------------------------------------------------------


def merged(one: Top, other: Top) -> Top:
    """The result of both sets of pictures together, equal to that of one run over their union, key included.

    Raises:
        Refused: for results of different networks, layers or k, for unfinished ones, and for sets that share pictures.
    """
    if dataclasses.replace(one.key, fingerprint=other.key.fingerprint) != other.key:
        raise Refused("These results are of different networks, weights, layers or k, and cannot be merged.")
    if not (one.finished and other.finished):
        raise Refused("A result that is not finished cannot be merged; give its command again first.")
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
