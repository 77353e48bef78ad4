"""Networks with their weights, and what they make of a selection: remembered for everybody, or for one session."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile
from torch import nn

from models import ARCHITECTURES, Architecture, Loaded, load
from models.device import or_on_cpu
from models.loading import best_weights, weights_here
from models.naming import SeveralStates
from models.refusals import Refused
from models.temporary import temporary_folder
from models.trained import Trained
from pages.common.cache.meanwhile import making
from pages.common.cache.remembering import copied, shared, shared_in_session
from pages.common.cache.room import computing, entered, opening, weight_of
from pages.common.cache.turns import turn
from pages.common.made_file import MadeFile
from pages.common.session import MOST_FILES, PUBLIC_WEIGHTS, WEIGHTS_FILE, Selection, keep_among, kept, own_file

Result = TypeVar("Result")


_refused_lately: dict[str, tuple[float, Refused]] = {}  # by network: no session waits twice for a server that is away
ASK_AGAIN_AFTER = 300  # seconds


def weights_to_be_had(selection: Selection, progress: Callable | None = None) -> tuple[str, Refused | None]:
    """What the selection's "auto" stands for today, and why it has to be random; a download may take minutes."""
    if selection.weights != "auto":
        return selection.weights, None
    when, refused = _refused_lately.get(selection.network, (-ASK_AGAIN_AFTER, None))
    if time.monotonic() - when < ASK_AGAIN_AFTER:
        return "random", refused
    if here := weights_here(selection.network):
        return here, None
    with making():
        kind, refused = best_weights(selection.network, progress)
    if refused:
        _refused_lately[selection.network] = time.monotonic(), refused
    return kind, refused


@shared(weight_of)
def _public_network(name: str, weights: str, device: str) -> Loaded:
    with opening(ARCHITECTURES[name], weights != "random"):
        return entered(load(name, weights, device))


@contextmanager
def _in_a_file(content: Callable[[], bytes]) -> Iterator[Path]:
    """A `with` in which what a visitor gave lies in a file; their name for it is text, never a path."""
    with ExitStack() as there:
        try:
            path = Path(there.enter_context(temporary_folder())) / "weights"
            path.write_bytes(content())
        except OSError as error:
            raise Refused("This server's disk has no room for the file at the moment; try again later.") from error
        yield path


@shared_in_session(weight_of)
def _own_network(
    name: str,
    digest: str,
    state: str | None,
    device: str,
    file_name: str,
    trained: Trained,
    _content: Callable[[], bytes],
) -> Loaded:
    with _in_a_file(_content) as path, opening(ARCHITECTURES[name]), turn:  # in the order of `in_turn`
        return entered(load(name, path, device, file_name=file_name, state=state, trained=trained))


def states_in_file(network: str, digest: str) -> tuple[str, ...]:
    """The places in a file at which the network is, if it was opened and has several."""
    return kept("states in files", dict).get((network, digest), ())


def network(selection: Selection, device: str, at_once: bool = True) -> Loaded:
    """The selection's network with its weights, which must have been resolved, on this device.

    Args:
        at_once: its numbers are there when this returns; otherwise random ones are drawn when they are needed.

    Raises:
        Refused: see `models.load`.
    """
    if selection.weights in PUBLIC_WEIGHTS:
        loaded = _public_network(selection.network, selection.weights, device)
    else:
        file = own_file(WEIGHTS_FILE)
        _check_whose(file, ARCHITECTURES[selection.network])
        digest, _, state = selection.weights.partition("/")
        try:
            of_file = digest, state or None, device, file.name, selection.trained
            loaded = _own_network(selection.network, *of_file, file.getvalue)
        except SeveralStates as refused:
            keep_among("states in files", (selection.network, digest), refused.places, MOST_FILES)
            st.rerun()  # now the chooser asks which
    if at_once:
        made(loaded)
    return loaded


def made(loaded: Loaded) -> nn.Module:
    """The network itself; where its numbers are not there, or not any more, they are waited for."""
    if (model := loaded.made) is None:
        with making(), opening(loaded.architecture):
            model = loaded.model
    entered(loaded)
    return model


def _check_whose(file: UploadedFile | MadeFile, architecture: Architecture) -> None:
    """Refuses weights that a network of the visitor's own learned here to every other one, and its own those of others.

    By names and shapes alone a plain network's are a residual one's, and of a stack nobody else knows whose they are.
    """
    trained = ARCHITECTURES.get(file.of) if isinstance(file, MadeFile) else None
    if trained and trained.name != architecture.name and (trained.is_own or architecture.is_own):
        raise Refused(
            "{file} holds the weights of {found}, not of {network}; choose {found}.",
            file=file.name,
            found=trained.title,
            network=architecture.title,
        )


def opened_network(selection: Selection, at_once: bool = True) -> tuple[Loaded, bool]:
    """As `network`, and whether the GPU had no room for it, so that it is on the CPU."""
    return or_on_cpu(lambda device: network(selection, device, at_once), selection.device)


# What is made with them -------------------------------------------------------------------------------------------


def remembered(function: Callable[..., Result]) -> Callable[..., Result]:
    """Remembers a function of a selection: for everybody, or for the session where something in it was uploaded."""
    return _of_selection(function, copied()(function), copied(of_session=True)(function))


def remembered_once(function: Callable[..., Result]) -> Callable[..., Result]:
    """As `remembered`, but all get the same thing and must not change it: for what every run of a page asks for."""
    return _of_selection(function, shared()(function), shared_in_session()(function))


def _of_selection(
    function: Callable[..., Result], public: Callable[..., Result], private: Callable[..., Result]
) -> Callable[..., Result]:
    @wraps(function)
    def recall(selection: Selection, *args, **kwargs) -> Result:
        if selection.weights == "auto":
            raise ValueError("“auto” stands for other weights tomorrow; remember results under what it is today.")
        return (private if selection.private else public)(selection, *args, **kwargs)

    return recall


def in_turn(selection: Selection, work: Callable[[Loaded], Result]) -> tuple[Result, bool]:
    """What `work` makes of the selection's network, and whether the GPU's memory ran out so that the CPU did it."""

    def on(device: str) -> Result:
        loaded = network(selection, device, at_once=False)
        while True:
            with ExitStack() as opened:  # first room, and then a turn: who has one frees room, and never waits for it
                is_there = loaded.made is not None
                if not is_there:
                    opened.enter_context(making())
                    opened.enter_context(opening(loaded.architecture))
                with computing():
                    numbers = loaded.made if is_there else loaded.model  # there until the work is done
                    if numbers is None:
                        continue  # who stands in the line lets them go for others
                    entered(loaded)
                    opened.close()  # the next one may be opened
                    try:
                        return work(loaded)
                    finally:
                        del numbers

    return or_on_cpu(on, selection.device)
