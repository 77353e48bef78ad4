"""Top nine pictures: for every feature map, the pictures of a set that excite it most (Zeiler & Fergus, figure 2)."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from models import ARCHITECTURES
from models.options import Phrase, Several
from pages.common import address, cache
from pages.common.asking import ask_one
from pages.common.panels import reading
from pages.common.session import selection
from pages.common.text import _
from pages.common.widgets import computed, network_or_stop, refusals_said, say_if_on_cpu
from pages.look.top9 import nine, sets
from pages.look.top9.mining import Asked, K, found, left_out, of_set, top_of
from vis.top9 import key_of

TEXTS = Path(__file__).parent / "texts"
ROW = 480  # pixels of what is chosen first, at most: pictures are to be on the first screen


def page() -> None:
    st.title(_("Top nine pictures"))
    st.markdown(
        _(
            "The nine pictures that activate each map most, and what it saw in them. **Click a tile** for the whole "
            "picture."
        )
    )
    row = st.container(horizontal=True, width=ROW)
    kind = ask_one(row, sets.SET, comes_back=True, label_visibility="collapsed")
    with row.popover(_("Layers"), help=_("Layers to search")):
        layers = _layers(selection().network)
    if not layers:
        st.info(_("Choose at least one layer to search."), icon=":material/layers:")
    chosen = sets.choose(kind)
    below = st.container()
    # Before the search, which ends some runs.
    reading(_("How these pictures are made, and how to read them"), TEXTS, "top9")
    if chosen and layers:
        with below:
            is_shown = _nines(chosen, layers)
        if not is_shown:
            address.stay(*nine.LINKED, of=("network", "set", "folder", "dataset"))


def _layers(network: str) -> tuple[str, ...]:
    """The layers that are searched: all that have names, or fewer."""
    names = tuple(ARCHITECTURES[network].layers)
    searched = Several("searched", Phrase("Layers to search"), names, names)
    layers = ask_one(st, searched, network=network, placeholder=_("at least one"))
    if not layers:
        address.note(searched=None)
    return layers


def _nines(chosen: sets.Chosen, layers: tuple[str, ...]) -> bool:
    """What the search for the chosen set found; until then, how far it is. Whether it was found."""
    resolved, loaded = network_or_stop(selection(), at_once=False)  # what was found before needs none of its numbers
    if (pictures := sets.opened(chosen)) is None:
        return False
    with refusals_said():
        every = key_of(loaded, pictures, list(loaded.layers.values()), K)
        key = key_of(loaded, pictures, [loaded.layers[name] for name in layers], K)
    title = sets.title_of(chosen, pictures)
    of = of_set(resolved, pictures, chosen.private)
    asked = Asked(of, loaded, pictures, title, every, chosen.kind == "samples", sets.in_code(chosen, pictures))
    with refusals_said(), st.spinner(_("Opening the result …"), show_time=True):
        top = found(asked)
    if not top:
        opened, on_cpu = computed(_("Opening the network …"), lambda: cache.opened_network(resolved))
        say_if_on_cpu(on_cpu and opened.device != loaded.device)  # or else it was said already
        asked = replace(asked, loaded=opened, key=key)
        top = top_of(asked, asked.is_samples, partial(nine.prepare, asked, layers))
    if top:
        left_out(top, pictures)
        nine.view(asked, top, layers)
    return bool(top)


page()
