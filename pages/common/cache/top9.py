"""Sets of pictures, and the nine of them that excite a feature map most."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models import Loaded
from models.download import checkpoints
from pages.common.cache.networks import in_turn, remembered
from pages.common.cache.pictures import sample
from pages.common.cache.turns import turn
from pages.common.session import SAMPLES, Selection

if TYPE_CHECKING:
    from models.picture_sets import PictureSet
    from vis.figures.nine import Tile
    from vis.top9 import Entry, Key, Pair, Top


# What does that is imported where it is needed: pyarrow takes a quarter of a second, and the first screen has none.

MOST_RESULTS = 200  # files, finished or not
LISTED_AGAIN_AFTER = 300  # seconds, for what is in a folder changes


def kept() -> Path:
    """The app's own folder, beside the weights that torchvision downloads."""
    return checkpoints().parent / "convscope"


@st.cache_resource(max_entries=1, show_spinner=False)
def sample_crops() -> "PictureSet":
    from models.picture_sets import samples

    return samples({name: sample(name) for name in SAMPLES})


@st.cache_resource(max_entries=4, ttl=LISTED_AGAIN_AFTER, show_spinner=False)
def pictures_in_folder(root: str, name: str) -> "PictureSet":
    """The pictures in a folder below `root`; raises as `models.picture_sets.folder`."""
    from models.picture_sets import folder

    return folder(Path(root, name), Path(root))


@st.cache_data(max_entries=8, ttl=LISTED_AGAIN_AFTER, show_spinner=False)
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


@st.cache_resource(max_entries=2, scope="session", show_spinner=False)
def pictures_in_archive(digest: str, _file) -> "PictureSet":
    """The pictures in an uploaded ZIP; raises as `models.picture_sets.archive`."""
    from models.picture_sets import archive

    return archive(_file.getvalue(), _file.name)


@st.cache_resource(max_entries=2, show_spinner=False)
def pictures_in_dataset(name: str) -> "PictureSet":
    """The pictures of a data set that is there already; raises as `models.picture_sets.dataset`."""
    from models.picture_sets import dataset

    return dataset(name, kept() / "datasets")


def top_nine(key: "Key") -> "Top | None":
    """What was found under this key and kept for everybody; None where nothing was, or not all yet."""
    from vis.top9 import file_of

    file = file_of(key, kept() / "top9")
    return _top_nine(file.name, file.stat().st_mtime_ns, key, file.parent) if file.is_file() else None


@st.cache_resource(max_entries=8, show_spinner=False)
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
) -> "Top | None":
    """The strongest pictures of every feature map, as far as it came; one search at a time on this server.

    It goes on from what the folder keeps. Whoever only wants to look at something goes first.
    """
    from vis.top9 import file_of, mine

    while not _searching.acquire(timeout=0.1):
        if stopped():
            return None
    try:
        with turn:
            folder.mkdir(parents=True, exist_ok=True)
            _keep_the_newest(folder, MOST_RESULTS)

            def report_and_wait(done: int, total: int) -> None:
                report(done, total)
                turn.release()
                time.sleep(0.002)  # a thread that waits is woken; without it this one would be first again
                turn.acquire()

            file = file_of(key, folder)
            return mine(loaded, pictures, key.layers, key.k, keep=file, report=report_and_wait, stopped=stopped)
    finally:
        _searching.release()


_searching = threading.Lock()


def _keep_the_newest(folder: Path, most: int) -> None:
    """Deletes all but so many files, those first that were written longest ago."""
    written = {}
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # another process was faster
            written[file] = file.stat().st_mtime_ns
    for file in sorted(written, key=written.get)[: max(0, len(written) - most + 1)]:
        file.unlink(missing_ok=True)


@remembered(entries=96)
def nine(
    selection: Selection, layer: str, channel: int, _entries: "Sequence[Entry]", _pictures: "PictureSet"
) -> "list[Tile]":
    """Patches and projections of the strongest pictures of a feature map, small.

    Args:
        selection: its picture stands for the set, by its fingerprint.
    """
    from vis.figures.nine import tile
    from vis.top9 import patches_and_projections

    def work(loaded: Loaded) -> "list[Tile]":
        return [tile(pair) for pair in patches_and_projections(loaded, _pictures, _entries, layer, channel)]

    return in_turn(selection, work)[0]


def nine_in_full(
    loaded: Loaded, pictures: "PictureSet", entries: "Sequence[Entry]", layer: str, channel: int
) -> "list[Pair]":
    """Patches and projections of these pictures with all their pixels; they are not remembered."""
    from vis.top9 import patches_and_projections

    with turn:
        return patches_and_projections(loaded, pictures, entries, layer, channel)
