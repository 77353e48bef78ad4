"""The search as a command."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial, reduce
from pathlib import Path

from tqdm import tqdm

import vis.top9
from models import ARCHITECTURES, load
from models.device import available, cores
from models.picture_sets import DATASETS, PictureSet, archive, dataset, folder, part, span
from models.refusals import Refused
from models.statefile import printable
from vis.top9.cluster import connected, on_ray
from vis.top9.engines import SHARD, Search, local, mine_in_shards, share
from vis.top9.files import kept, open_top, save
from vis.top9.mining import AHEAD, key_of, mine
from vis.top9.ranking import Key, merge


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 for a refusal, 2 for arguments that are not understood, 130 where it was interrupted."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.merge and len(options.merge) < 2:
        parser.error("argument --merge: expected at least two files")
    if min(options.workers, options.shard, options.batch, 1 if options.threads is None else options.threads) < 1:
        parser.error("--workers, --shard, --batch and --threads begin at 1")
    if options.workers > 1 and options.engine != "local":
        parser.error("--workers is of --engine local; others have their own way to say how many")
    if options.out.is_dir():
        parser.error(f"argument --out: {options.out} is a folder")
    try:
        return _merge(options) if options.merge else _mine(options)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


INTERRUPTED = 130  # as shells say it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vis.top9", description=vis.top9.__doc__.splitlines()[0])
    parser.add_argument("--model", choices=ARCHITECTURES, metavar="NAME", help="; ".join(ARCHITECTURES))
    parser.add_argument("--weights", default="auto", help="auto, shipped, imagenet, random or a file")
    parser.add_argument("--pictures", help="a folder, a ZIP, or a data set and where it lies, such as CIFAR10:data")
    parser.add_argument("--part", type=_part, metavar="I/N", help="only every N-th picture, from the I-th on")
    parser.add_argument("--layers", nargs="+", help="1 to 5, or names of operations; by default 1 to 5")
    parser.add_argument("--k", type=int, default=9, help="pictures a feature map")
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file; meanwhile, the state so far")
    parser.add_argument(
        "--resume", action=argparse.BooleanOptionalAction, default=True, help="go on with what is there"
    )
    parser.add_argument(
        "--batch", type=int, default=AHEAD, help="pictures decoded ahead; changes nothing of the result"
    )
    parser.add_argument("--threads", type=int, help="that decode pictures; in shards also those of the network")
    parser.add_argument("--device", choices=available(), help="by default the best there is")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="this machine, a cluster of Ray, or a share for each of torchrun's",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes of --engine local; more than one take shards")
    parser.add_argument("--shard", type=int, default=SHARD, help="pictures of a shard; changes nothing of the result")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="results of disjoint sets, to become one")
    return parser


ENGINES = ("local", "ray", "torchrun")


def _part(said: str) -> tuple[int, int]:
    number, parts = said.split("/")
    return int(number), int(parts)


def _merge(options: argparse.Namespace) -> int:
    save(reduce(merge, map(open_top, options.merge)), options.out)
    print(f"wrote {options.out}")
    return 0


def _mine(options: argparse.Namespace) -> int:
    if not (options.model and options.pictures):
        raise Refused("Give --model and --pictures, or --merge.")
    in_shards = options.engine == "ray" or (options.engine == "local" and options.workers > 1)
    first, out, device = True, options.out, options.device
    pictures = _pictures(options.pictures)
    if options.part:
        pictures = part(pictures, *options.part)
    if options.engine == "torchrun":
        rank, number, here = share()
        first, total = rank == 0, len(pictures.ids)
        pictures = span(pictures, total * rank // number, total * (rank + 1) // number)
        out = out.with_stem(f"{out.stem}.{rank + 1}-of-{number}")
        device = f"cuda:{here}" if (device or available()[0]) == "cuda" else device
    loaded = load(options.model, options.weights, "cpu" if in_shards else device)
    if loaded.refused:
        print(loaded.refused, file=sys.stderr)
    layers = [loaded.layers.get(layer, layer) for layer in options.layers or loaded.layers]
    key = key_of(loaded, pictures, layers, options.k)
    if out.exists() and options.resume and not kept(out, key):
        raise Refused(
            "{file} exists and holds something else; choose another --out, or --no-resume to overwrite it.",
            file=printable(out.name),
        )
    cluster = connected() if options.engine == "ray" else nullcontext()
    with cluster, _interruptions() as interrupted, tqdm(unit=" pictures", disable=None if first else True) as bar:
        if not options.resume:
            out.unlink(missing_ok=True)

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        watched = {"keep": out, "report": report, "stopped": interrupted.is_set}
        if in_shards:
            engine = on_ray if options.engine == "ray" else partial(local, workers=options.workers)
            top = mine_in_shards(engine, _search(options, key), pictures, key, size=options.shard, **watched)
        else:
            threads = options.threads or cores()
            top = mine(loaded, pictures, layers, options.k, threads=threads, ahead=options.batch, **watched)
    for id, reason in (*pictures.skipped, *top.unreadable):
        print(f"{printable(id)}: {reason}", file=sys.stderr)
    print(
        f"{top.counted} of {top.total} pictures, {top.unreadable_in_all} unreadable, {pictures.skipped_in_all} skipped"
    )
    if not top.finished:
        print(f"interrupted; the same command goes on from {out}", file=sys.stderr)
        return INTERRUPTED
    print(f"wrote {out}")
    return 0


def _search(options: argparse.Namespace, key: Key) -> Search:
    """What every shard is asked; names of files as they are in every folder."""
    weights = str(Path(options.weights).resolve()) if Path(options.weights).is_file() else options.weights
    threads = options.threads or (max(cores() // options.workers, 1) if options.engine == "local" else 1)
    return Search(options.model, weights, key.layers, options.k, options.device, threads, options.batch)


MOST_FILES = 20_000_000  # of a folder: who gives a command has the machine's memory for the list


def _pictures(said: str) -> PictureSet:
    name, colon, root = said.partition(":")
    if colon and name in DATASETS:
        return dataset(name, Path(root))
    path = Path(said)
    if path.suffix.lower() != ".zip" and not path.is_dir():
        raise Refused("There is no folder {folder}; check its name.", folder=printable(said))
    return archive(path, path.name) if path.suffix.lower() == ".zip" else folder(path, path, MOST_FILES)


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """A `with` in which asking the program to end sets an event, so that the work stops between two groups."""
    interrupted = threading.Event()
    before = {asked: signal.signal(asked, lambda *_: interrupted.set()) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for asked, done in before.items():
            signal.signal(asked, done)


if __name__ == "__main__":
    sys.exit(main())
