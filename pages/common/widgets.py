"""Pieces of a page that every page uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import streamlit as st

from models import Loaded
from models.decoding import PictureRefused
from models.download import DownloadFailed
from models.images import png
from models.refusals import Refused
from pages.common import cache
from pages.common.cache.meanwhile import meanwhile
from pages.common.session import Selection
from pages.common.text import _, plain, said
from vis.figures.numbers import fixed
from vis.figures.pictures import with_banner

Result = TypeVar("Result")


@contextmanager
def refusals_said():
    """A refusal ends the page with its sentence instead of a traceback."""
    try:
        yield
    except Refused as refusal:
        say(refusal)
        st.stop()


def is_on_a_telephone() -> bool:
    """Whether the visitor's browser says that it runs on a telephone."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def say(refusal: Refused) -> None:
    """Says a refusal, and of a picture also the way out."""
    st.error(plain(said(refusal)), icon=":material/error:")
    if isinstance(refusal, PictureRefused):
        st.info(_("Choose another file, or remove this one to return to the samples."))


def network_or_stop(selection: Selection, at_once: bool = True) -> tuple[Selection, Loaded]:
    """As `opened`; a refusal ends the page."""
    with refusals_said():
        return opened(selection, at_once)


def opened(selection: Selection, at_once: bool = True) -> tuple[Selection, Loaded]:
    """The selection with what its weights turned out to be, and its network.

    Downloads show how far they are.

    Args:
        at_once: as in `cache.opened_network`.

    Raises:
        Refused: see `pages.common.cache.network`.
    """
    bar = st.empty()

    def progress(done: int, total: int | None) -> None:
        share = done / total if total else 0.0
        megabytes = f"{fixed(done / 1e6)} / {fixed(total / 1e6)}" if total else fixed(done / 1e6)
        bar.progress(min(share, 1.0), _("Downloading the weights: {megabytes} MB", megabytes=megabytes))

    with _said_meanwhile(_("Opening the network …")):
        weights, refused = cache.weights_to_be_had(selection, progress)
        selection = replace(selection, weights=weights)
        loaded, on_cpu = cache.opened_network(selection, at_once)
    bar.empty()
    say_if_on_cpu(on_cpu)
    for remark in loaded.weights.remarks:
        st.info(plain(said(remark)), icon=":material/info:")
    if isinstance(refused, DownloadFailed):
        _say_not_downloaded(loaded, refused)
    elif not loaded.weights.trained:
        if refused:
            st.warning(plain(said(refused)), icon=":material/deployed_code:")
        st.warning(
            _(
                "The weights of {network} are random: this shows what the architecture alone does, not what training "
                "has learned.",
                network=loaded.architecture.title,
            ),
            icon=":material/casino:",
        )
    return selection, loaded


def _say_not_downloaded(loaded: Loaded, refused: Refused) -> None:
    """Says that there are random weights instead; why, is for whoever runs the server."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.warning(
        _(
            "The trained weights of {network} could not be downloaded, so its weights are random: this shows what the "
            "architecture alone does. The download is tried again after {minutes} minutes.",
            network=loaded.architecture.title,
            minutes=cache.ASK_AGAIN_AFTER // 60,
        ),
        icon=":material/cloud_off:",
    )
    with row.popover(_("Why"), type="tertiary"):
        st.markdown(plain(said(refused)))


def say_if_on_cpu(on_cpu: bool) -> None:
    """Says that the CPU did what the GPU had no room for."""
    if on_cpu:
        st.info(_("The GPU ran out of memory, so the CPU was used."), icon=":material/memory:")


def weights_in_words(loaded: Loaded) -> str:
    """Which weights these are, in a few words: their source and the beginning of their sha256."""
    weights = loaded.weights
    if weights.kind == "random":
        return _("random weights")
    return f"{weights.source} ({weights.sha256[:8]})"


def warning_of(loaded: Loaded) -> str | None:
    """What must stand below every picture that this network made; None where its weights are trained."""
    return None if loaded.weights.trained else _("random weights")


def honest_png(loaded: Loaded, pixels: np.ndarray, shown: int | None = None) -> bytes:
    """A PNG of what the network made of a picture; below it a banner where its weights are random.

    Args:
        shown: as of `with_banner`.
    """
    warning = warning_of(loaded)
    return png(with_banner(pixels, warning, shown) if warning else pixels)


def computed(what: str, work: Callable[[], Result]) -> Result:
    """What `work` gives, of what is remembered; while it is made the page says so, and a refusal ends the page."""
    with refusals_said(), _said_meanwhile(what):
        return work()


@contextmanager
def _said_meanwhile(what: str) -> Iterator[None]:
    """A `with` in which the page says this while something is made that was not remembered.

    It has a place of its own, whether somebody waits there or not: what is drawn later would else stand one place
    further on, and a fragment in it would be left behind where it stood before.
    """
    with st.container(), meanwhile(lambda: st.spinner(what, show_time=True)):
        yield
