"""Top nine pictures: for every feature map, the pictures of a set that excite it most (Zeiler & Fergus, figure 2)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from models import ARCHITECTURES
from pages.common import cache
from pages.common.session import link_is_about, selection, text_of_link, to_url
from pages.common.text import _, language, prose
from pages.common.widgets import computed, cpu_did_it, network_or_stop, refusals_said
from pages.look.top9 import nine, sets
from pages.look.top9.mining import Asked, K, found, left_out, of_set, top_of
from vis.top9 import key_of

TEXTS = Path(__file__).parent / "texts"


def page() -> None:
    st.title(_("Top nine pictures"))
    st.markdown(
        _(
            "For every feature map, the nine pictures of a set that excite it most: the part of each that its "
            "strongest unit can see, beside what the deconvnet says that it saw there. This is Figure 2 of Zeiler & "
            "Fergus, for your network and your pictures. **Click a tile** to see its whole picture."
        )
    )
    chosen = sets.choose()
    layers = _layers(selection().network)
    below = st.container()
    with st.expander(_("How these pictures are made, and how to read them"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "top9"))  # before the search, which ends some runs
    with below:
        if chosen and layers:
            _nines(chosen, layers)
        else:
            to_url(**_link(chosen, layers))


def _layers(network: str) -> list[str]:
    """The layers that are searched: all that have names, or fewer."""
    names = list(ARCHITECTURES[network].layers)
    of_link = text_of_link("searched") if link_is_about(network) else None
    chosen = st.multiselect(
        _("Layers that are searched"),
        names,
        [name for name in names if name in (of_link or "").split(",")] or names,
        placeholder=_("at least one"),
        key=f"searched {network}",
        persist_state="session",
    )
    return [name for name in names if name in chosen]  # not in the order of the clicks


def _nines(chosen: sets.Chosen, layers: list[str]) -> None:
    """What the search for the chosen set found; until then, how far it is."""
    resolved, loaded = network_or_stop(selection(), at_once=False)  # what was found before needs none of its numbers
    if (pictures := sets.opened(chosen)) is None:
        to_url(**_link(chosen, layers))
        return
    with refusals_said():
        every = key_of(loaded, pictures, list(loaded.layers.values()), K)
        key = key_of(loaded, pictures, [loaded.layers[name] for name in layers], K)
    title = sets.title_of(chosen, pictures)
    of = of_set(resolved, pictures, chosen.private)
    asked = Asked(of, loaded, pictures, title, every, chosen.kind == "samples")
    top = computed(_("Opening the result …"), lambda: found(asked))
    if not top:
        opened, on_cpu = computed(_("Opening the network …"), lambda: cache.opened_network(resolved))
        if on_cpu and opened.device != loaded.device:  # or else it was said already
            st.info(cpu_did_it(), icon=":material/memory:")
        asked = replace(asked, loaded=opened, key=key)
        top = top_of(asked, asked.is_samples, partial(nine.prepare, asked, layers))
    if top:
        left_out(top, pictures)
        nine.view(asked, top, layers, _link(chosen, layers))
    else:
        to_url(**_link(chosen, layers))


def _link(chosen: sets.Chosen | None, layers: Sequence[str]) -> dict[str, object]:
    """What the address says of network, set and layers; of a set of one's own nothing, for nobody else has it."""
    asked = selection()
    public = chosen if chosen and not chosen.private else None
    return {
        "network": asked.network,
        "weights": "random" if asked.weights == "random" else None,
        "set": public.kind if public and public.kind != "samples" else None,
        "folder": public.name if public and public.kind == "folder" else None,
        "dataset": public.name if public and public.kind == "dataset" else None,
        "searched": ",".join(layers) if 0 < len(layers) < len(ARCHITECTURES[asked.network].layers) else None,
        "language": language(),
    }


page()
