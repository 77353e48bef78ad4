"""The top nine in shards, on this machine and on Ray: `python -m tests.benchmarks.top9_engines [--photos DIR]`.

Pictures a second once all processes are at work, each with one thread, beside `mine` in one process with one thread;
with more processes than cores they share these. The overhead of a shard is what it takes longer, in one process of the
engine, than as many pictures of one long `mine`; it is the same for shards of any size, so small ones show it and the
bar is for the default size. What the process that merges does for a shard is measured alone, on results of a large set
with invented values: it says how many shards a second one such process can take. Random weights: the work is the same
as with trained ones.
"""

import gc
import pickle
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import ray
import torch
from PIL import Image

from models import Loaded, load
from models.picture_sets import PictureSet, folder, mark_of, span
from tests.benchmarks.timing import head, machine, medians, of_bar, parser_of, row
from vis.top9 import Top, key_of, merge, mine, save
from vis.top9.cluster import on_ray
from vis.top9.engines import SHARD, Engine, Search, local
from vis.top9.ranking import Ranking

SMALL, MEASURED = 32, 12  # pictures of a shard; shards that are measured, a multiple of all numbers of processes
BAR = 5  # % of a shard's time
LARGE = 10**6  # pictures of the set that was searched when results are merged


def steady(engine: Engine, search: Search, pictures: PictureSet, size: int, workers: int, measured: int) -> float:
    """Seconds a shard once every process has had two; the set is gone through as often as is needed."""
    per_pass = len(pictures.ids) // size
    first = 2 * workers
    places = (i % per_pass * size for i in range(first + measured))
    shards = (span(pictures, place, place + size) for place in places)
    times = [time.perf_counter() for _ in engine(search, shards, lambda: False)]
    return (times[-1] - times[first - 1]) / measured


def on_new_ray(*given, workers: int):
    """`on_ray` in a cluster of its own, whatever others this machine is in, with as many cores as workers."""
    ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield from on_ray(*given)
    finally:
        ray.shutdown()


ENGINES: dict[str, Callable] = {"local": local, "ray": on_new_ray}


def throughput(loaded: Loaded, pictures: PictureSet, size: int, workers: Sequence[int], measured: int) -> None:
    layers = tuple(loaded.layers.values())
    search = Search(loaded.architecture.name, "random", layers, device="cpu")
    torch.set_num_threads(1)
    enough = span(pictures, 0, min(len(pictures.ids), size * measured))
    mine(loaded, span(pictures, 0, 1), layers, threads=1)
    begun = time.perf_counter()
    mine(loaded, enough, layers, threads=1)
    alone = (time.perf_counter() - begun) / len(enough.ids)
    seconds = {
        (name, number): steady(partial(engine, workers=number), search, pictures, size, number, measured)
        for name, engine in ENGINES.items()
        for number in workers
    }
    head("network", "engine", *(f"{n} at once, pictures/s" for n in workers), "mine in one process, pictures/s")
    for name in ENGINES:
        rates = (f"{size / seconds[name, number]:.1f}" for number in workers)
        row(loaded.architecture.name, name, *rates, f"{1 / alone:.1f}")
    head("network", "engine", "overhead of a shard ms", f"{SHARD} pictures s", "overhead %", "bar %", "of the bar")
    for name in ENGINES:
        overhead = seconds[name, workers[0]] - size * alone
        part = 100 * overhead / (SHARD * alone + overhead)
        cells = f"{1000 * overhead:.0f}", f"{SHARD * alone:.1f}", f"{part:.2f}", *of_bar(part, BAR)
        row(loaded.architecture.name, name, *cells)


def invented(like: Top, first: int, number: int, seed: int) -> Top:
    """A result for a set of so many pictures, from the place `first` on of an invented one."""
    dice, rankings = np.random.default_rng(seed), {}
    for layer, found in like.rankings.items():
        maps, k = found.values.shape
        strengths = -np.sort(-dice.random((maps, k)), axis=1)
        pictures = dice.integers(0, number // k, (maps, k)) * k + np.arange(k)  # of a map all different
        rankings[layer] = Ranking(strengths, strengths, pictures, pictures % 7, pictures % 5)
    used = np.unique(np.concatenate([found.pictures.ravel() for found in rankings.values()]))
    rankings = {layer: found.with_names(np.searchsorted(used, np.arange(number))) for layer, found in rankings.items()}
    names = [f"some folder/{first + i:09d}.jpg" for i in used]
    key = replace(like.key, fingerprint=mark_of(first).hex())
    labels = ["some folder"] * len(names)
    return replace(
        like, key=key, rankings=rankings, names=names, photographs=names, labels=labels, total=number, counted=number
    )


def merging(loaded: Loaded, pictures: PictureSet, shard: PictureSet, place: Path, rounds: int) -> None:
    few = span(pictures, 0, 1)
    like = mine(loaded, few, key_of(loaded, few, list(loaded.layers.values())).layers)
    like = replace(like, rankings={name: Ranking.empty(like.channels(name), like.key.k) for name in like.layers})
    so_far, found = invented(like, 0, LARGE, 0), invented(like, LARGE, SHARD, 1)
    works = {
        "send": lambda: pickle.dumps(shard),
        "fetch": lambda: pickle.loads(pickle.dumps(found)),
        "merge": lambda: merge(so_far, found),
        "save": lambda: save(so_far, place),
    }
    taken = medians(works, rounds)
    each = taken["send"] + taken["fetch"] + taken["merge"]
    milliseconds = (f"{1000 * taken[work]:.1f}" for work in works)
    sent, size = (f"{len(pickle.dumps(what)) / 1e6:.2f}" for what in (shard, found))
    row(loaded.architecture.name, sent, size, f"{place.stat().st_size / 1e6:.2f}", *milliseconds, f"{1 / each:.0f}")


def listing(place: Path, files: int) -> PictureSet:
    """What the list of a folder takes of the process that merges; gives the folder."""
    for i in range(files):
        (place / f"{i % 100:02d}").mkdir(parents=True, exist_ok=True)
        (place / f"{i % 100:02d}" / f"{i:09d}.jpg").write_bytes(b"-")
    seconds = medians({"listed": lambda: folder(place, place)}, 3)["listed"]
    gc.collect()
    tracemalloc.start()
    listed = folder(place, place)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    head("a folder on this disk, files", "listed, files/s", "memory of the list, bytes a file")
    row(len(listed.ids), f"{files / seconds:.0f}", f"{held / files:.0f}")
    return listed


def noise(place: Path) -> Path:
    """A folder of some small pictures."""
    place.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)):
        Image.fromarray(pixels).save(place / f"{i}.png")
    return place


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("top9_engines", __doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"))
    given = parser.parse_args(argv)
    print(machine())
    before = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as temporary:
        photos = given.photos.resolve()
        if given.short:
            photos = noise(Path(temporary) / "photos")
        pictures = folder(photos, photos)
        name, size, workers, measured = (
            ("lenet5", 2, (1,), 2) if given.short else ("alexnet", SMALL, (1, 2, 4), MEASURED)
        )
        throughput(load(name, "random", "cpu"), pictures, size, workers, measured)
        torch.set_num_threads(before)
        shard = span(listing(Path(temporary) / "many", 100 if given.short else 50_000), 0, SHARD)
        sizes = "a shard sent MB", "its result MB", "the file MB"
        times = "send ms", "fetch ms", "merge ms", "save ms"
        head("network", *sizes, *times, "shards/s of the process that merges")
        for name in ("lenet5",) if given.short else ("alexnet", "resnet50"):
            merging(
                load(name, "random", "cpu"), pictures, shard, Path(temporary) / "top.parquet", 1 if given.short else 5
            )


if __name__ == "__main__":
    main()
