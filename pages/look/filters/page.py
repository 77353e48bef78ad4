"""Filters: what the weights of every convolution look like, and what their numbers say."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from models import Loaded
from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.panels import reading
from pages.common.session import Selection, selection
from pages.common.text import _
from pages.common.widgets import network_or_stop
from pages.look.filters import clipping, evolution, figure6, layer

TEXTS = Path(__file__).parent / "texts"
SHOW = Choice(
    "show",
    Phrase("Show"),
    {
        "layer": Phrase("Filters of a layer"),
        "clipping": Phrase("RMS clipping"),
        "training": Phrase("During training (figure 4)"),
        "pair": Phrase("ZFNet beside AlexNet (figure 6)"),
    },
)
VIEWS = {
    "layer": layer.view,
    "clipping": clipping.what_if,
    "training": evolution.through_training,
    "pair": figure6.pair,
}


def page() -> None:
    st.title(_("Filters"))
    st.markdown(
        _(
            "The weights of every convolution as pictures: the first layer's filters in colour, deeper ones map by "
            "map, 1×1 layers as a matrix. **Click a tile** for its numbers."
        )
    )
    chosen, loaded = network_or_stop(selection())
    _body(chosen, loaded)
    reading(_("What is shown here, and how it is measured"), TEXTS, "filters")


@fragment
def _body(chosen: Selection, loaded: Loaded) -> None:
    """One of the views; what is chosen in it redraws no more than this."""
    has_pair = chosen.network in figure6.NETWORKS
    offered = {name: title for name, title in SHOW.values.items() if name != "pair" or has_pair}
    show = ask_one(st, replace(SHOW, values=offered), comes_back=True, label_visibility="collapsed")
    VIEWS[show](chosen, loaded)


page()
