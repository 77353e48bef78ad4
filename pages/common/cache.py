"""Everything that is remembered between reruns, bounded; and the turn that heavy work waits for.

Keys are hashes of files, never arrays. What comes from an upload is remembered for its own session only.
"""

import atexit
import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st
import torch
from PIL import Image

from models import ARCHITECTURES, Loaded, load
from models.decoding import decoded
from models.device import available, or_on_cpu
from models.loading import best_weights, predicted, skeleton
from models.refusals import Refused
from pages.common.session import PICTURE_FILE, PUBLIC_WEIGHTS, SAMPLES, WEIGHTS_FILE, Selection, sha256, uploaded
from vis.cost.count import Counting
from vis.cost.latency import Times, layer_times
from vis.filters import LayerView, view_of
from vis.receptive import ReceptiveField, fields_of
from vis.responses import LayerResponse, UnitResponse, responses, unit_in_full
from vis.shapes import record_shapes
from vis.trace import Recording

if TYPE_CHECKING:
    from vis.graph import Graph
    from vis.layout import Drawing

Result = TypeVar("Result")


def _cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# One heavy job per core, or one on a GPU: more at once would only make everybody wait longer and fill the memory.
_turn = threading.BoundedSemaphore(1 if available()[0] != "cpu" else _cores())


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Once per process: takes what start-up left behind out of the sight of the garbage collector, which Streamlit runs
    after every rerun while everybody waits.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


# Networks ---------------------------------------------------------------------------------------------------------


_refused_lately: dict[str, tuple[float, Refused]] = {}  # by network: nobody waits twice for a server that is away
ASK_AGAIN_AFTER = 300  # seconds


def weights_to_be_had(selection: Selection, progress: Callable | None = None) -> tuple[str, Refused | None]:
    """What the selection's "auto" stands for today, and why it has to be random; a download may take minutes."""
    if selection.weights != "auto":
        return selection.weights, None
    when, refused = _refused_lately.get(selection.network, (-ASK_AGAIN_AFTER, None))
    if time.monotonic() - when < ASK_AGAIN_AFTER:
        return "random", refused
    kind, refused = best_weights(selection.network, progress)
    if refused:
        _refused_lately[selection.network] = time.monotonic(), refused
    return kind, refused


@st.cache_resource(max_entries=4, show_spinner=False)
def _public_network(name: str, weights: str, device: str) -> Loaded:
    return load(name, weights, device)


@st.cache_resource(max_entries=2, scope="session", show_spinner=False)
def _own_network(name: str, digest: str, device: str, file_name: str, _content: Callable[[], bytes]) -> Loaded:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights"  # the user's name for it is text, never a path
        path.write_bytes(_content())
        with _turn:
            return load(name, path, device, file_name=file_name)


def network(selection: Selection, device: str) -> Loaded:
    """The selection's network with its weights, which must have been resolved, on this device.

    Raises:
        Refused: see `models.load`.
    """
    if selection.weights in PUBLIC_WEIGHTS:
        return _public_network(selection.network, selection.weights, device)
    file = uploaded(WEIGHTS_FILE)
    return _own_network(selection.network, selection.weights, device, file.name, file.getvalue)


def opened_network(selection: Selection) -> tuple[Loaded, bool]:
    """The selection's network, and whether the GPU had no room for it, so that it is on the CPU."""
    return or_on_cpu(lambda device: network(selection, device), selection.device)


# Layer graphs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Built:
    """A network as its layer graph needs it: how it is built and the side of its pictures. Weights do not matter."""

    network: str
    side: int
    options: tuple[tuple[str, object], ...] = ()


@st.cache_resource(max_entries=32, show_spinner=False)
def shapes(built: Built) -> Recording:
    """The shapes of everything that the network computes.

    Raises:
        Refused: for a picture that is too small.
    """
    channels = ARCHITECTURES[built.network].input_shape[0]
    return record_shapes(skeleton(built.network, **dict(built.options)), (1, channels, built.side, built.side))


@st.cache_resource(max_entries=32, show_spinner=False)
def fields(built: Built) -> dict[str, ReceptiveField]:
    """The receptive fields of all operations; raises as `shapes` does."""
    return fields_of(shapes(built))


# What draws graphs is imported where it is needed: networkx takes a quarter of a second, and the first screen has none.


@st.cache_resource(max_entries=32, show_spinner=False)
def graph(built: Built) -> "Graph":
    """The layer graph; raises as `shapes` does."""
    from vis.graph import graph_of

    return graph_of(shapes(built))


@st.cache_resource(max_entries=128, show_spinner=False)
def drawing(built: Built, opened: frozenset[str], counting: Counting) -> "Drawing":
    """The layer graph with these blocks open, laid out."""
    from vis.figures.graph import texts
    from vis.layout import drawing

    return drawing(graph(built), opened, lambda graph, name: texts(graph, name, counting))


def measure(
    built: Built, device: str, rounds: int, report: Callable[[float], None], stopped: Callable[[], bool]
) -> dict[str, Times]:
    """The time of every operation on the device, one measurement at a time; it is not remembered here."""
    while not _measuring.acquire(timeout=0.1):
        if stopped():
            return {}
    try:
        report(0.0)  # its time begins
        loaded = load(built.network, "random", device, **dict(built.options))  # time does not depend on the weights
        picture = torch.zeros(1, loaded.architecture.input_shape[0], built.side, built.side)
        with _turn:
            return layer_times(loaded.model, picture, rounds, stopped, report)
    finally:
        _measuring.release()


_measuring = threading.Lock()


# Pictures ---------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=len(SAMPLES), show_spinner=False)
def sample(name: str) -> bytes:
    """The file of a sample photograph, which scikit-image carries."""
    folder = resources.files("skimage.data")
    return next(file.read_bytes() for file in folder.iterdir() if Path(file.name).stem == name)


@st.cache_data(max_entries=len(SAMPLES), show_spinner=False)
def sample_sha256(name: str) -> str:
    """The sha256 of a sample's file."""
    return sha256(sample(name))


@st.cache_data(max_entries=4, scope="session", show_spinner=False)
def _upload(digest: str, _file) -> np.ndarray:
    return np.asarray(decoded(_file.getvalue()))


def picture(selection: Selection) -> Image.Image:
    """The selection's picture as it was given, upright RGB.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    chosen = selection.picture
    if chosen.uploaded:
        return Image.fromarray(_upload(chosen.sha256, uploaded(PICTURE_FILE)))
    return decoded(sample(chosen.name))


# Results ----------------------------------------------------------------------------------------------------------


def _remembered(entries: int) -> Callable:
    """Remembers a function of a selection: for everybody, or for the session where something in it was uploaded."""

    def decorate(function: Callable) -> Callable:
        public = st.cache_data(max_entries=entries, show_spinner=False)(function)
        private = st.cache_data(max_entries=max(2, entries // 8), scope="session", show_spinner=False)(function)

        @wraps(function)
        def recall(selection: Selection, *args, **kwargs):
            if selection.weights == "auto":
                raise ValueError("“auto” stands for other weights tomorrow; remember results under what it is today.")
            return (private if selection.private else public)(selection, *args, **kwargs)

        return recall

    return decorate


def _in_turn(selection: Selection, work: Callable[[Loaded], Result]) -> tuple[Result, bool]:
    """What `work` makes of the selection's network, and whether the GPU's memory ran out so that the CPU did it."""

    def on(device: str) -> Result:
        loaded = network(selection, device)
        with _turn:
            return work(loaded)

    return or_on_cpu(on, selection.device)


@dataclass(frozen=True, eq=False)
class Seen:
    """The picture as the network sees it, (H, W, 3) uint8, and the most probable classes with their probabilities."""

    pixels: np.ndarray
    classes: list[tuple[int, float]]
    on_cpu: bool  # because the GPU's memory ran out


@_remembered(entries=64)
def seen(selection: Selection) -> Seen:
    """What the network sees and what it takes it for."""
    given = picture(selection)

    def work(loaded: Loaded) -> tuple[np.ndarray, list[tuple[int, float]]]:
        return loaded.preprocess.for_the_eye(loaded.preprocess(given)), predicted(
            loaded, loaded.classifier_input(given)
        )

    (pixels, classes), on_cpu = _in_turn(selection, work)
    return Seen(pixels, classes, on_cpu)


@_remembered(entries=32)
def layer_responses(
    selection: Selection,
    layers: tuple[tuple[str, str], ...],
    k: int,
    channels: tuple[tuple[str, tuple[int, ...]], ...],
) -> tuple[dict[str, LayerResponse], bool]:
    """What every layer responds to, and whether the CPU had to do it.

    Args:
        layers: (name, operation).
        channels: (layer, feature maps) chosen in place of the strongest.
    """
    given = picture(selection)
    return _in_turn(
        selection,
        lambda loaded: responses(loaded.model, loaded.preprocess(given), dict(layers), k, dict(channels)),
    )


@_remembered(entries=64)
def unit_response(selection: Selection, operation: str, channel: int, position: tuple[int, int] | None) -> UnitResponse:
    """Everything about one unit; the strongest of its feature map unless a position (row, column) is given."""
    given = picture(selection)
    return _in_turn(
        selection,
        lambda loaded: unit_in_full(loaded.model, loaded.preprocess(given), operation, channel, position),
    )[0]


@_remembered(entries=16)
def layer_view(selection: Selection, operation: str, most: int) -> tuple[LayerView, bool]:
    """A layer's filters and its `most` strongest maps of the picture, and whether the CPU had to do it."""
    given = picture(selection)
    return _in_turn(selection, lambda loaded: view_of(loaded.model, loaded.preprocess(given), operation, most))


def picture_at(selection: Selection, built: Built) -> np.ndarray:
    """The selection's picture (H, W, 3) at the side that the layer graph is made for, as the network would see it."""
    usual = ARCHITECTURES[built.network].preprocess
    preprocess = replace(usual, resize=max(built.side, round(usual.resize * built.side / usual.crop)), crop=built.side)
    return preprocess.for_the_eye(preprocess(picture(selection)))
