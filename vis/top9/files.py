"""Results as Parquet files. A result's key says of which network and which pictures it is, so that it is found again
and never taken for another.
"""

import dataclasses
import glob
import hashlib
import json
import operator
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from PIL.Image import Resampling
from pyarrow import parquet

from models.decoding import PictureRefused
from models.images import Preprocess
from models.picture_sets import MOST_LISTED
from models.refusals import Refused
from models.statefile import printable
from models.temporary import temporary_folder
from vis.top9.ranking import MOST_PLACES, Key, Ranking, Top, numbered

FORMAT = 3
LACKS = {3: (), 2: ("strength",), 1: ("strength", "photograph")}  # columns of the table, by the format
CROP = re.compile(r" \d+,\d+ (\d+)×\1")  # what followed, in the name of a crop, the photograph's, which was its class
MOST_MAPS = 1_000_000  # of all layers
MOST_ROWS = 20_000_000
MOST_FILE_MEGABYTES = 512
ABANDONED_AFTER = 3600  # seconds: the process that was writing that partial file is gone

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
        "photograph": pa.dictionary(pa.int32(), pa.string()),
        "strength": pa.float64(),
    }
)
TEXTS = ("layer", "picture", "label")  # in all files
MAY_LACK = ("label", "photograph")  # the picture's class; the photograph, where it is no part of another
ABOUT = b"top nine"  # where in the file's metadata the rest stands, as JSON


def save(top: Top, path: Path) -> None:
    """Writes a result to a Parquet file, whole or not at all.

    A row is an entry: layer, channel, rank, picture, value, row, column, label, photograph (null where the picture is
    one of its own), strength (what it is ranked by: the value, or what an upper end made of it); all else is in the
    metadata.

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


def as_parquet(top: Top) -> bytes:
    """The file that `save` writes, which `open_top` reads.

    Raises:
        Refused: as `save`.
    """
    with temporary_folder() as folder:
        path = Path(folder) / "top.parquet"
        save(top, path)
        return path.read_bytes()


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
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)] or [np.zeros(0, int)] * 8
    layer, channel, rank, strength, value, picture, row, column = joined
    sources = [None if of == name else of for name, of in zip(top.names, top.photographs, strict=True)]
    written = {
        "layer": pa.DictionaryArray.from_arrays(pa.array(layer, pa.int32()), pa.array(layers, pa.string())),
        "channel": channel,
        "rank": rank,
        "picture": pa.DictionaryArray.from_arrays(pa.array(picture, pa.int32()), pa.array(top.names, pa.string())),
        "value": value,
        "row": row,
        "column": column,
        "label": _dictionary(np.array([*top.labels, None], object)[picture.astype(int)]),
        "photograph": _dictionary(np.array([*sources, None], object)[picture.astype(int)]),
        "strength": strength,
    }
    about = {
        "format": FORMAT,
        "key": dataclasses.asdict(top.key),
        "maps": {layer: top.channels(layer) for layer in layers},
        **{name: getattr(top, name) for name in ("title", "total", "counted", "unreadable_in_all")},
        "unreadable": [[id, reason.template, reason.values_said] for id, reason in top.unreadable],
    }
    table = pa.table(written).cast(TABLE)
    return table.replace_schema_metadata({ABOUT: json.dumps(about, default=str)})


def _dictionary(texts: np.ndarray) -> pa.DictionaryArray:
    return pa.array(texts, pa.string()).dictionary_encode()


def open_top(path: Path) -> Top:
    """The result in a file from any source: whatever it holds, a result comes back or a refusal.

    Raises:
        Refused: for a file that is not there, damaged, no result, not finished yet, or of several crops a photograph.
    """
    top = read(path)
    if not top.finished:
        raise Refused(
            "{file} is not finished: {counted} of {total} pictures are done; run the same command again.",
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
            "{file} is larger than {most} MB, too large for a result; choose another file.",
            file=printable(path.name),
            most=MOST_FILE_MEGABYTES,
        )
    try:
        with parquet.ParquetFile(path, read_dictionary=TEXTS) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise ValueError("too many rows")
            about = json.loads(file.schema_arrow.metadata[ABOUT])
            lacks = LACKS[about["format"]]
            table = file.read([name for name in TABLE.names if name not in lacks], use_threads=False)
        if "photograph" in lacks:
            table = table.append_column("photograph", pa.nulls(len(table), TABLE.field("photograph").type))
        if "strength" in lacks:
            table = table.append_column("strength", table["value"])
        top = _top(table.cast(TABLE).combine_chunks(), about)
    except DAMAGE as error:
        raise Refused(
            "{file} is not a result of this program, or is damaged; search the pictures again.",
            file=printable(path.name),
        ) from error
    photographs = numbered(top.photographs)
    if any(found.has_twice(photographs) for found in top.rankings.values()):
        raise Refused(
            "{file} comes from an earlier version, which took several crops a photograph; search the pictures again.",
            file=printable(path.name),
        )
    return top


DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


def _top(table: pa.Table, about: dict) -> Top:
    """What a file says; raises one of DAMAGE where it cannot be true."""
    key = _key(about["key"])
    total, counted, refused = (operator.index(about[name]) for name in ("total", "counted", "unreadable_in_all"))
    maps = {str(layer): operator.index(number) for layer, number in about["maps"].items()}
    _true(len(about["unreadable"]) <= MOST_LISTED)
    _true(0 <= refused <= counted <= total)
    _true(set(maps) <= set(key.layers) and 0 <= sum(maps.values()) <= MOST_MAPS and min(maps.values(), default=0) >= 0)
    _true(not any(table[name].null_count for name in TABLE.names if name not in MAY_LACK))
    names, numbers = _texts(table["picture"])
    layers, layer_numbers = _texts(table["layer"])
    channel, rank, strength, value, row, column = (
        table[name].to_numpy() for name in ("channel", "rank", "strength", "value", "row", "column")
    )
    labels, photographs = (_of_each(len(names), numbers, table[name]) for name in MAY_LACK)
    if "photograph" in LACKS[about["format"]]:
        photographs = [
            label if label and CROP.fullmatch(name.removeprefix(label)) else None
            for name, label in zip(names, labels, strict=True)
        ]
    _true(min(numbers.min(initial=0), layer_numbers.min(initial=0), row.min(initial=0), column.min(initial=0)) >= 0)
    _true(bool(np.isfinite((value, strength)).all()) and len(set(names)) == len(names))
    _true(bool(key.ranked_by) or np.array_equal(strength, value))
    rankings = {layer: Ranking.empty(number, key.k) for layer, number in maps.items()}
    for i, layer in enumerate(layers):
        of_layer = layer_numbers == i
        place = channel[of_layer], rank[of_layer]
        _true(min(numbers.min(initial=0) for numbers in place) >= 0)
        for whole, found in zip(rankings[layer].arrays(), (strength, value, numbers, row, column), strict=True):
            whole[place] = found[of_layer]
    order = sorted(range(len(names)), key=names.__getitem__)
    rankings = {layer: found.with_names(np.argsort(order)) for layer, found in rankings.items()}
    _true(all(found.is_in_order() and not found.has_twice(np.arange(len(names))) for found in rankings.values()))
    unreadable = [(str(id), _reason(template, values)) for id, template, values in about["unreadable"]]
    title, photographs = printable(about["title"]), [photographs[i] or names[i] for i in order]
    names, labels = [names[i] for i in order], [labels[i] for i in order]
    return Top(key, title, total, counted, unreadable, refused, rankings, names, labels, photographs)


def _true(said: bool) -> None:
    if not said:
        raise ValueError("it contradicts itself")


def _texts(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The texts of a column, and of each row the number of its text; −1 for none."""
    array = column.unify_dictionaries().combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return array.dictionary.to_pylist(), array.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _of_each(pictures: int, numbers: np.ndarray, column: pa.ChunkedArray) -> list[str | None]:
    """Of each picture what a column says of it, where `numbers` has the picture of every row."""
    texts, said = _texts(column)
    found: list[str | None] = [None] * pictures
    for picture, text in set(zip(numbers.tolist(), said.tolist(), strict=True)):
        found[picture] = texts[text] if text >= 0 else None
    return found


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
        ranked_by=tuple(map(str, said.get("ranked_by", ()))),
    )
    _true(len(key.ranked_by) in (0, len(key.layers)))
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
