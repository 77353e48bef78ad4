"""The search as a command."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

import vis.top9
from models import ARCHITECTURES, load
from models.device import available, cores
from models.picture_sets import DATASETS, PictureSet, archive, dataset, folder, part
from models.refusals import Refused
from models.statefile import printable
from vis.top9.files import kept, open_top, save
from vis.top9.mining import AHEAD, key_of, mine
from vis.top9.ranking import merged


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 for a refusal, 2 for arguments that are not understood, 130 where it was interrupted."""
    options = _parser().parse_args(arguments)
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
    parser.add_argument("--threads", type=int, default=cores(), help="that decode pictures")
    parser.add_argument("--device", choices=available(), help="by default the best there is")
    parser.add_argument("--merge", type=Path, nargs=2, metavar="FILE", help="results of disjoint sets, to become one")
    return parser


def _part(said: str) -> tuple[int, int]:
    number, parts = said.split("/")
    return int(number), int(parts)


def _merge(options: argparse.Namespace) -> int:
    save(merged(*map(open_top, options.merge)), options.out)
    print(f"wrote {options.out}")
    return 0


def _mine(options: argparse.Namespace) -> int:
    if not (options.model and options.pictures):
        raise Refused("Give --model and --pictures, or --merge.")
    loaded = load(options.model, options.weights, options.device)
    if loaded.refused:
        print(loaded.refused, file=sys.stderr)
    layers = [loaded.layers.get(layer, layer) for layer in options.layers or loaded.layers]
    pictures = _pictures(options.pictures)
    if options.part:
        pictures = part(pictures, *options.part)
    if options.out.exists() and options.resume and not kept(options.out, key_of(loaded, pictures, layers, options.k)):
        raise Refused(
            "{file} exists and holds something else; choose another --out, or --no-resume to overwrite it.",
            file=printable(options.out.name),
        )
    if not options.resume:
        options.out.unlink(missing_ok=True)
    with _interruptions() as interrupted, tqdm(unit=" pictures", disable=None) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        top = mine(
            *(loaded, pictures, layers, options.k),
            keep=options.out,
            report=report,
            stopped=interrupted.is_set,
            threads=options.threads,
            ahead=options.batch,
        )
    for id, reason in (*pictures.skipped, *top.unreadable):
        print(f"{printable(id)}: {reason}", file=sys.stderr)
    print(
        f"{top.counted} of {top.total} pictures, {top.unreadable_in_all} unreadable, {pictures.skipped_in_all} skipped"
    )
    if not top.finished:
        print(f"interrupted; the same command goes on from {options.out}", file=sys.stderr)
        return INTERRUPTED
    print(f"wrote {options.out}")
    return 0


def _pictures(said: str) -> PictureSet:
    name, colon, root = said.partition(":")
    if colon and name in DATASETS:
        return dataset(name, Path(root))
    path = Path(said)
    if path.suffix.lower() != ".zip" and not path.is_dir():
        raise Refused("There is no folder {folder}; check its name.", folder=printable(said))
    return archive(path, path.name) if path.suffix.lower() == ".zip" else folder(path, path)


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
