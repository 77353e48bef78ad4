"""Why this class: what in the picture speaks for a class, and what against it, by several methods side by side."""

from pathlib import Path

import streamlit as st

from models import Loaded
from models.options import Choice, Phrase
from pages.common import cache
from pages.common.asking import ask_one, fragment
from pages.common.code import picture_code, the_code
from pages.common.panels import reading
from pages.common.session import Selection
from pages.common.text import _
from pages.common.widgets import computed
from pages.explain import work
from pages.explain.attribution import closely, tiles, trust
from pages.explain.attribution.asking import View, ask_look, ask_methods, see_closely, seen_closely
from pages.explain.classes import ask_class, network_that_knows, probabilities
from vis.figures.numbers import sizes
from vis.maps import gives_maps, layer_maps

ANSWER = Choice(  # of a network with one output
    "answer", Phrase("Answer that is explained"), {"yes": Phrase("yes: +score"), "no": Phrase("no: −score")}
)
TEXTS = Path(__file__).parent / "texts"
CODE = """\
from PIL import Image
from vis.attribution import attribute
from vis.figures.attribution import limit_of, over, smoothed

pixels = loaded.classifier_input.for_the_eye(image)
for method, options in {methods!r}.items():
    found = attribute(loaded.model, image, method, {target}, **options)
    values = {shown}
    Image.fromarray(over(values, pixels, {limit}, {strength})).save(method + ".png")
"""


def page() -> None:
    st.title(_("Why this class"))
    chosen, loaded = network_that_knows()
    _explorer(chosen, loaded)
    reading(_("How these maps are made, and how far to trust them"), TEXTS, "attribution")


@fragment
def _explorer(chosen: Selection, loaded: Loaded) -> None:
    """The class, the methods' maps, and one of them closely."""
    pixels = computed(_("Reading the picture …"), lambda: cache.pixels_explained(chosen))
    found = probabilities(chosen)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="row of methods")
    words = row.empty()
    methods = ask_methods(row)
    words.markdown(_("Orange speaks **for** the class, blue **against** it. **Click a picture** to look closely."))
    layer, look = ask_look(row, chosen, _layers(loaded, pixels.shape[0]))
    target = ask_class(chosen, loaded, found)
    is_no = len(found) == 1 and ask_one(st, ANSWER, network=chosen.network) == "no"
    view = View(chosen, loaded, pixels, target, methods, layer, look, is_no)
    opened = seen_closely(methods)
    maps = tiles.draw(view, opened, see_closely)
    if opened and opened in maps:
        closely.draw(view, opened, maps[opened], view.limits(maps)[opened], lambda: see_closely(None))
    work.keep_only(tiles.keys(view) | trust.keys(view, opened))
    if maps:
        closely.offer_all(view, maps)
    _code(view, maps)


def _layers(loaded: Loaded, side: int) -> dict[str, str]:
    """The layers whose maps have positions, each with its size."""
    known = cache.shapes(cache.Built(loaded.architecture.name, side))
    found = {}
    for node, name in known.trace.names.items():
        value = known.values.get(node)
        if node in known.trace.from_picture and node.op != "placeholder" and gives_maps(value):
            maps = layer_maps(known, name)
            if max(maps.shape[1:]) > 1:
                found[name] = f"{name} · {sizes(maps.shape)}"
    return found


def _code(view: View, maps: tiles.Maps) -> None:
    methods = {}
    for method in view.methods:
        asked = view.asked(method)
        if cache.refusal(view.chosen, asked):
            continue
        further = {"layer": asked.layer} if asked.layer else {}
        further |= {"probability": True} if asked.probability else {}
        further |= {"negative": True} if asked.negative else {}
        methods[method] = further | dict(asked.options)
    shown = "found.map.float().cpu().numpy()"
    shown = f"smoothed({shown})" if view.look["look"] == "smoothed" else shown
    shared = view.look["range"] == "shared" and maps
    values = {
        "methods": methods,
        "target": view.target,
        "shown": shown,
        "limit": repr(max(view.limits(maps).values())) if shared else "limit_of(values)",
        "strength": view.look["strength"] / 100,
    }
    the_code(CODE, picture_code(view.chosen, "classifier_input"), **values)


page()
