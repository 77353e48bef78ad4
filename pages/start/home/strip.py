"""The first thing that a visitor sees: a photograph, what layers 1–5 see in it, and ways to a picture of one's own."""

from dataclasses import replace
from urllib.parse import urlsplit

import streamlit as st

from models import ARCHITECTURES
from models.images import webp
from models.loading import weights_here
from models.refusals import Refused
from models.samples import samples_for
from models.trained import AS_USUAL
from pages.common import cache
from pages.common.chooser import NETWORK, ask_picture, sample_of, with_trained_weights
from pages.common.components.grid import clickable_grid
from pages.common.components.renewing import renewing
from pages.common.layer_strip import layer_strip
from pages.common.opened import Opened, open_unit
from pages.common.routes import LAYERS, go
from pages.common.samples import take_sample
from pages.common.session import PICTURE_FILE, Selection, selection, take_file
from pages.common.text import _, spoken
from pages.common.widgets import say
from vis.deconvnet import Projection
from vis.figures.pictures import montage

OFFERED = 3  # samples a click away


def live_strip() -> None:
    """The photograph with the strongest unit of every layer, and the ways to another photograph."""
    chosen = network_here(selection())
    try:
        with renewing(chosen, "strip"), st.spinner(_("Showing the picture to the network …"), show_time=True):
            loaded, _on_cpu = cache.opened_network(chosen)
            about = layer_strip(
                chosen, loaded, "strip", lambda layer, projection: _open(chosen.network, layer, projection)
            )
    except Refused as refusal:
        say(refusal)
        about = ""
    _other_pictures()
    st.caption(about)


def network_here(asked: Selection) -> Selection:
    """The chosen network with trained weights that this machine has, or else the usual one: here nobody waits."""
    usual = "lenet5" if ARCHITECTURES[asked.network].reads_digits else NETWORK.usual
    for network in (asked.network, usual):
        if weights := weights_here(network):
            break
    return replace(asked, network=network, weights=weights, trained=AS_USUAL)


def _open(network: str, layer: str, projection: Projection) -> None:
    """Asks for the page of the layers with this unit open there, and the weights with which it was found."""
    with_trained_weights()
    open_unit("layers", Opened(layer, projection.unit.channel))
    go(LAYERS, network, layer=layer, map=str(projection.unit.channel))


# Other pictures ---------------------------------------------------------------------------------------------------


def _other_pictures() -> None:
    """One's own picture, from a file or the camera, and some photographs."""
    file, photographs = st.columns([1.7, 1], vertical_alignment="center", gap="medium")
    with file:
        ask_picture()
    with photographs.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        if st.button(_("Camera"), icon=":material/photo_camera:", key="camera"):
            st.dialog(_("Take a picture"))(_camera)()
        network = selection().network
        offered = samples_for(ARCHITECTURES[network])[:OFFERED]
        tiles = [cache.thumbnail(sample_of(sample.name), 128) for sample in offered]
        clickable_grid(
            webp(montage(tiles, len(tiles))),
            1,
            len(tiles),
            "photographs",
            labels=[spoken(sample.title) for sample in offered],
            alt=_("Photographs to try"),
            pixelated=False,
            on_click=lambda place: take_sample(offered[place].name, network),
        )


def _camera() -> None:
    """The browser's camera; it is given only to pages that nobody on the way can change."""
    here = urlsplit(st.context.url or "")
    if here.scheme != "https" and here.hostname not in ("localhost", "127.0.0.1", "::1"):
        st.info(
            _("Browsers lend the camera only to pages with an https address. Take the picture first, then upload it."),
            icon=":material/no_photography:",
        )
        return
    if file := st.camera_input(_("Take a picture"), label_visibility="collapsed"):
        take_file(PICTURE_FILE, file)
        st.rerun()
