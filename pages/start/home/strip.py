"""What layers 1–5 see in one photograph: the first thing that a visitor sees; and how they come to their own."""

from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from models import ARCHITECTURES, Loaded
from models.images import png
from models.loading import weights_here
from models.refusals import Refused
from models.samples import samples_for
from pages.common import address, cache
from pages.common.asking import FRAME, key_of
from pages.common.chooser import NETWORK, ask_picture, sample_of
from pages.common.components.grid import clickable_grid
from pages.common.components.strip import COLOURS, UnitTile, strip
from pages.common.opened import Opened, open_unit
from pages.common.routes import LAYERS, go
from pages.common.samples import known_in_words, take_sample
from pages.common.session import PICTURE_FILE, Selection, selection, set_to, take_file
from pages.common.text import _, plain, spoken
from pages.common.widgets import say, say_if_on_cpu, weights_in_words
from pages.common.words import empty_in_words, fidelity_in_words, name_of, range_in_words
from vis.deconvnet import Projection
from vis.figures.numbers import percent, significant
from vis.figures.pictures import montage, signed
from vis.responses import limit_of

OFFERED = 3  # samples a click away


def live_strip() -> None:
    """The photograph with the strongest unit of every layer, and the ways to another photograph."""
    chosen = network_here(selection())
    try:
        with st.spinner(_("Showing the picture to the network …"), show_time=True):
            loaded, _on_cpu = cache.opened_network(chosen)
            seen = cache.seen(chosen)
            layers = tuple(loaded.layers.items())[: len(COLOURS)]
            found, on_cpu = cache.layer_responses(chosen, layers, 1, ())
    except Refused as refusal:
        say(refusal)
        _other_pictures()
        return
    say_if_on_cpu(seen.on_cpu or on_cpu)
    units = [(layer, response.projections[0]) for layer, response in found.items()]
    strip(
        png(seen.pixels),
        [_tile(layer, projection, seen.pixels) for layer, projection in units],
        "strip",
        alt=name_of(chosen.picture),
        note=_prediction(chosen, loaded, seen),
        on_click=lambda place: _open(chosen.network, *units[place]),
    )
    fidelities = dict.fromkeys(fidelity_in_words(projection.fidelity) for _layer, projection in units)
    said = [loaded.architecture.title, weights_in_words(loaded), f"deconvnet {' · '.join(fidelities)}"]
    st.caption(" · ".join(map(plain, said)) + ". " + range_in_words(None))
    _other_pictures()


def network_here(asked: Selection) -> Selection:
    """The chosen network with trained weights that this machine has, or else the usual one: here nobody waits."""
    usual = "lenet5" if ARCHITECTURES[asked.network].reads_digits else NETWORK.usual
    for network in (asked.network, usual):
        if weights := weights_here(network):
            break
    return replace(asked, network=network, weights=weights)


def _tile(layer: str, projection: Projection, pixels: np.ndarray) -> UnitTile:
    unit, box = projection.unit, projection.box
    height, width = pixels.shape[:2]
    return UnitTile(
        _("Layer {layer}", layer=layer),
        _("map {map}, activation {value}", map=unit.channel, value=significant(unit.activation))
        + empty_in_words(projection),
        png(signed(projection.pixels.numpy(), limit_of(projection.pixels))),
        png(pixels[box.top : box.bottom, box.left : box.right]),
        (box.top / height, box.left / width, box.bottom / height, box.right / width),
    )


def _prediction(chosen: Selection, loaded: Loaded, seen: cache.Seen) -> str:
    name = name_of(chosen.picture)
    if not (loaded.weights.predicts and loaded.categories):
        return name
    number, probability = seen.classes[0]
    guess = f"{loaded.categories[number]}, {percent(probability, 0)}"
    known = known_in_words(chosen.picture, loaded)
    return f"{name}. {known}. {_('Guess: {guess}', guess=guess)}" if known else f"{name} → {guess}"


def _open(network: str, layer: str, projection: Projection) -> None:
    """Asks for the page of the layers with this unit open there, and the weights with which it was found."""
    address.forget("weights")
    set_to(key_of("weights", page=FRAME), "auto")
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
            png(montage(tiles, len(tiles))),
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
