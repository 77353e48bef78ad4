"""Sets of pictures, and the nine of them that excite a feature map most."""

import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from models import Loaded
from models.download import kept
from models.refusals import Refused
from models.samples import photographs
from models.server import server
from pages.common.cache.networks import in_turn, made
from pages.common.cache.remembering import copied, shared
from pages.common.cache.turns import Line, Place, turn
from pages.common.session import Selection

if TYPE_CHECKING:
    from models.picture_sets import PictureSet
    from vis.figures.nine import Tile
    from vis.top9 import Entry, Key, Pair, Top


# What does that is imported where it is needed: pyarrow takes a quarter of a second, and the first screen has none.

MOST_RESULTS = 200  # files, finished or not
MOST_TILES, MOST_OWN_TILES = 512, 64  # feature maps whose nine are kept, of all results, 1.7 MB each at most
LISTED_AGAIN_AFTER = 300  # seconds, for what is in a folder changes

# Each has a network in the memory while it waits, and maybe a ZIP; nothing of the search itself, which is on the disk.
searches = Line(seconds=30, most=server().budget.searches)


@shared()
def sample_crops() -> "PictureSet":
    from models.picture_sets import samples

    return samples(photographs())


@shared(seconds=LISTED_AGAIN_AFTER)
def pictures_in_folder(root: str, name: str) -> "PictureSet":
    """The pictures in a folder below `root`; raises as `models.picture_sets.folder`."""
    from models.picture_sets import folder

    return folder(Path(root, name), Path(root))


@copied(seconds=LISTED_AGAIN_AFTER)
def folders_below(root: str, most: int) -> list[str]:
    """The first folders below `root`, two levels deep, as paths from there; "." is `root` itself."""
    found, waiting = [], [Path(root)]
    while waiting and len(found) < most:
        above = waiting.pop(0)
        try:
            names = sorted(f for f in above.iterdir() if f.is_dir() and not f.is_symlink() and f.name[0] != ".")
        except OSError:  # not for this program to see
            continue
        found += [f.relative_to(root).as_posix() for f in names]
        waiting += names if above == Path(root) else []
    return [".", *found[:most]]


@shared()
def pictures_in_dataset(name: str) -> "PictureSet":
    """The pictures of a data set that is there already; raises as `models.picture_sets.dataset`."""
    from models.picture_sets import dataset

    return dataset(name, kept() / "datasets")


def top_nine(key: "Key") -> "Top | None":
    """What was found under this key and kept for everybody; None where nothing was, or not all yet."""
    from vis.top9 import file_of

    file = file_of(key, kept() / "top9")
    return _top_nine(file.name, file.stat().st_mtime_ns, key, file.parent) if file.is_file() else None


@shared()
def _top_nine(name: str, written: int, _key: "Key", _folder: Path) -> "Top | None":
    from vis.top9 import find

    return find(_key, _folder)


def download_dataset(name: str) -> int:
    """How many pictures a data set of torchvision has, once it lies where `pictures_in_dataset` finds it.

    Raises:
        Refused: if it cannot be had.
    """
    from models.picture_sets import dataset

    with _downloading:
        folder = kept() / "datasets"
        folder.mkdir(parents=True, exist_ok=True)
        return len(dataset(name, folder, download=True).ids)


_downloading = threading.Lock()


def search(
    loaded: Loaded,
    pictures: "PictureSet",
    key: "Key",
    folder: Path,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool],
    waits: Callable[[Place], None] = lambda place: None,
) -> "Top | None":
    """The strongest pictures of every feature map, as far as it came; None where it was stopped before it began.

    One search at a time on this server, and all take turns: at the end of one, what was found is in the folder, and
    the next goes on from there. So does another session's search of it. A session that only wants to see something
    goes first.

    Args:
        waits: called with its place in the line, each time before it waits for its turn.

    Raises:
        Refused: if too many searches are under way, and as `vis.top9.mine`.
    """
    from vis.top9 import file_of, mine

    def report_and_wait(done: int, total: int) -> None:
        report(done, total)
        turn.release()
        time.sleep(0.002)  # a thread that waits is woken; without it this one would be first again
        turn.acquire()

    file, top = file_of(key, folder), None
    with searches.place(file) as place:
        while not (top and top.finished):
            waits(place)
            if not place.wait(stopped):
                break
            with turn:
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    _keep_the_newest(folder, MOST_RESULTS)
                except OSError as error:
                    raise Refused("This server cannot keep what a search finds, so it searches nothing.") from error
                top = mine(
                    *(loaded, pictures, key.layers, key.k),
                    keep=file,
                    report=report_and_wait,
                    stopped=_over(place, stopped),
                )
            place.again()
    return top


def _over(place: Place, stopped: Callable[[], bool]) -> Callable[[], bool]:
    """What says, asked before every group of pictures, that a turn is over: not before its first, so that it ends."""
    groups = count()
    return lambda: stopped() or (next(groups) > 0 and place.is_over)


def _keep_the_newest(folder: Path, most: int) -> None:
    """Deletes all but the newest `most` files, oldest first, and tiles without their result."""
    from vis.figures.tilefile import TILES

    delete_all_but(most - 1, (file for file in folder.iterdir() if file.suffix != TILES))
    for tiles in folder.glob(f"*{TILES}"):
        if not tiles.with_suffix(".parquet").exists():
            shutil.rmtree(tiles, ignore_errors=True)


def delete_all_but(most: int, files: Iterable[Path]) -> None:
    """Deletes all but the newest `most` of these files, oldest first."""
    written = {}
    for file in files:
        with suppress(FileNotFoundError):  # another process was faster
            written[file] = file.stat().st_mtime_ns
    for file in sorted(written, key=written.get)[: max(0, len(written) - most)]:
        file.unlink(missing_ok=True)


class Nines:
    """Patches and projections, small, of the strongest pictures of some feature maps of a layer.

    They are made when they are asked for, and then lie on the disk beside the result of the search. A picture that
    excites several of the maps is decoded and goes through the network once.

    Args:
        result: the file of the search's result, in the session's own folder where anything of it is private.
        entries: of each feature map.
    """

    def __init__(
        self,
        selection: Selection,
        pictures: "PictureSet",
        result: Path,
        layer: str,
        entries: "Mapping[int, Sequence[Entry]]",
    ):
        from vis.figures.tilefile import TILES, read

        self._selection, self._pictures, self._layer, self._entries = selection, pictures, layer, entries
        self._folder = result.with_suffix(TILES)
        found = {channel: read(self._folder, layer, channel, those) for channel, those in entries.items()}
        self._complete: dict[int, list[Tile]] = {channel: tiles for channel, tiles in found.items() if tiles}
        self._made: dict[tuple[int, int], Tile] = {}  # of the others, by feature map and rank
        self._waiting: dict[str, list[tuple[int, int]]] = defaultdict(list)  # what is still to be made of each picture
        for channel, those in entries.items():
            for rank, entry in enumerate(those if channel not in self._complete else ()):
                self._waiting[entry.picture].append((channel, rank))

    def of(self, channel: int, report: Callable[[float], None] = lambda part: None) -> "list[Tile]":
        """The tiles of one of the feature maps, strongest first.

        Args:
            report: called with the part of them that is there, before each picture that has to be looked at.

        Raises:
            Refused: as `vis.top9.patches_and_projections`.
        """
        if channel not in self._complete:
            entries = self._entries[channel]
            missing = [entry.picture for entry in entries if entry.picture in self._waiting]
            for i, picture in enumerate(missing):
                report(1 - (len(missing) - i) / len(entries))
                self._look_at(picture)
            self._complete[channel] = [self._made.pop((channel, rank)) for rank in range(len(entries))]
            self._keep(channel)
        return self._complete[channel]

    def _look_at(self, picture: str) -> None:
        from vis.figures.nine import tile
        from vis.top9 import pairs_in

        places = self._waiting[picture]
        wanted = [(channel, self._entries[channel][rank]) for channel, rank in places]

        def work(loaded: Loaded) -> "list[Tile]":
            return [tile(pair) for pair in pairs_in(loaded, self._pictures, picture, wanted, self._layer)]

        self._made.update(zip(places, in_turn(self._selection, work)[0], strict=True))
        del self._waiting[picture]

    def _keep(self, channel: int) -> None:
        from vis.figures.tilefile import TILES, write

        write(self._complete[channel], self._folder, self._layer, channel, self._entries[channel])
        most = MOST_OWN_TILES if self._selection.private else MOST_TILES
        delete_all_but(most, self._folder.parent.glob(f"*{TILES}/*"))


def nine_in_full(
    loaded: Loaded, pictures: "PictureSet", entries: "Sequence[Entry]", layer: str, channel: int
) -> "list[Pair]":
    """Patches and projections of these pictures with all their pixels; they are not remembered."""
    from vis.top9 import patches_and_projections

    numbers = made(loaded)  # there until the patches are
    with turn:
        try:
            return patches_and_projections(loaded, pictures, entries, layer, channel)
        finally:
            del numbers
