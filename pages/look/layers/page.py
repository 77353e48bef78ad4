"""What layers 1–5 respond to: the strongest feature maps of every layer, and what each of them saw in the picture."""

from pathlib import Path

import streamlit as st

from models import ARCHITECTURES, Loaded
from models.options import Choice, Number, Numbers, Phrase
from models.refusals import Refused
from models.weights import Card, card
from pages.common import address, cache
from pages.common.asking import ask, first_value, fragment
from pages.common.code import picture_code, the_code
from pages.common.components.grid import clickable_grid
from pages.common.components.renewing import renewing
from pages.common.components.reveal import reveal
from pages.common.drawing import offer_drawing
from pages.common.layer_strip import layer_strip
from pages.common.opened import Opened, note, open_unit, opened, there
from pages.common.panels import let_it_be_drawn, row_that_wraps
from pages.common.presenting import Position, arrow_keys
from pages.common.session import Selection, keep, kept, selection
from pages.common.text import _, plain, prose, said, spoken
from pages.common.widgets import computed, network_or_stop, say_if_on_cpu, warning_of, weights_in_words
from pages.common.words import (
    empty_in_words,
    fidelity_in_words,
    field_in_words,
    range_in_words,
    ranked_in_words,
    unit_in_words,
)
from pages.look.layers import drawn, takeaway
from pages.look.layers.unit import PLACE, inspector
from vis.deconvnet import Projection
from vis.figures.numbers import percent
from vis.maps import layer_maps
from vis.responses import LayerResponse
from vis.trace import traced

TEXTS = Path(__file__).parent / "texts"
COUNT = Number("maps", Phrase("Feature maps per layer"), 9, 1, 16)  # what a link may say
SIZES = {1: Phrase("one, large"), 9: Phrase("nine"), 16: Phrase("sixteen, small")}
WHICH = Choice(
    "which", Phrase("Which feature maps"), {"strongest": Phrase("the strongest"), "typed": Phrase("chosen by number")}
)
RANGE = Choice(
    "range", Phrase("Grey scale"), {"shared": Phrase("one per layer"), "own": Phrase("one per picture")}, "own"
)
CODE = """\
from PIL import Image
from vis.deconvnet import project, strongest_units
from vis.figures.pictures import signed
from vis.responses import limit_of

for name, layer in loaded.layers.items():
    units = strongest_units(loaded.model, image, layer, k={count})
    for found in project(loaded.model, image, units):
        pixels = signed(found.pixels.numpy(), limit_of(found.pixels))
        if pixels.size:  # a unit at the border may see nothing but padding
            Image.fromarray(pixels).save(f"layer{{name}}-map{{found.unit.channel:04}}.png")
"""
CLICKED, ASKED_FOR = "clicked in a sheet", "asked for above"  # the unit that is in sight already; how often others


def page() -> None:
    st.title(_("What layers 1–5 respond to"))
    st.markdown(_("What each layer's strongest units saw in the picture. **Click a tile** for a closer look."))
    _layers_of(selection())


@fragment  # of a run of the whole page, a fifth is for the rows around what a click on a tile changes
def _layers_of(asked: Selection) -> None:
    """All layers of a network for a picture, and what of them is looked at closely."""
    with renewing(asked, "layers"):
        above = st.container()
        count, channels, own_range = _controls(asked)  # first, for a refusal ends the page, and they must outlive it
        with above:
            chosen, loaded = network_or_stop(asked)
            offer_drawing(chosen, loaded)
            showing = _("Showing the picture to the network …")
            st.caption(computed(showing, lambda: layer_strip(chosen, loaded, "strip", _go_to)))
            let_it_be_drawn()
        layers = _layers(chosen, loaded)
        which = chosen, layers, count, channels
        (found, on_cpu), sheets = computed(
            _("Projecting the strongest units of every layer …"),
            lambda: (cache.layer_responses(*which), drawn.sheets(*which, own_range, warning_of(loaded))),
        )
        seen = cache.seen(chosen)
        say_if_on_cpu(on_cpu and not seen.on_cpu)
        unit = there(opened(PLACE), chosen.network, {layer: response.shape for layer, response in found.items()})
        address.note(layer=unit and unit.layer)
        note(unit)
        for layer, response in found.items():
            _layer(loaded, layer, response, sheets[layer], own_range, unit if unit and unit.layer == layer else None)
        if unit:
            inspector(chosen, loaded, found[unit.layer].operation, unit)
        arrow_keys(
            _("← → feature maps · ↑ ↓ layers"),
            {layer: [p.unit.channel for p in response.projections] for layer, response in found.items()},
            Position(unit.layer, unit.channel) if unit else Position(),
            lambda to: open_unit(PLACE, Opened(to.layer, to.unit)),
        )
    st.divider()
    takeaway.offer(chosen, loaded, seen, found, own_range)
    the_code(CODE, picture_code(chosen), count=count)
    with st.expander(_("How these pictures are made, and how to read them"), icon=":material/menu_book:"):
        st.markdown(_about_network(loaded))
        st.markdown(prose(TEXTS, "deconvnet"))


def _layers(chosen: Selection, loaded: Loaded) -> tuple[tuple[str, str], ...]:
    """The layers to be shown and their operations; first the one with which another page asks for this one."""
    also = address.now("also")
    known = tuple(loaded.layers.items())
    if also not in traced(loaded.model).names.values():
        if also is not None and address.now("network") in (None, chosen.network):  # or else it was another one's
            address.leave_out(_("layer"), also)
        return known
    if also in dict(known).values():
        return known
    try:
        cache.layer_responses(chosen, ((also, also),), 1, ())
    except Refused as refusal:  # the others can be shown all the same
        st.warning(plain(said(refusal)), icon=":material/error:")
        return known
    address.note(also=also)
    return ((also, also), *known)


def _about_network(loaded: Loaded) -> str:
    """The network's paper, its weights and what they were trained for, Markdown."""
    notes = [spoken(loaded.architecture.title), *filter(None, [loaded.architecture.paper])]
    if loaded.architecture.differs:
        notes.append(_(loaded.architecture.differs))
    notes.append(weights_in_words(loaded))
    if loaded.weights.kind == "shipped":
        notes += _about_shipped(card(loaded.architecture.name))
        if loaded.architecture.accuracy is not None:
            notes.append(
                _(
                    "its repository states {top1} on ImageNet's validation pictures",
                    top1=percent(loaded.architecture.accuracy / 100),
                )
            )
    if (side := loaded.classifier_input.crop) != loaded.preprocess.crop and loaded.weights.predicts:
        notes.append(_("classified at {side}×{side}, its training size; here the picture is enlarged", side=side))
    return " · ".join(plain(one) for one in notes)


def _about_shipped(made: Card) -> list[str]:
    """What weights that ship know, and how well they were found to know it."""
    classes, first, last = len(made.categories), made.categories[0], made.categories[-1]
    top1 = percent(made.at().top1 / 100)
    if not made.package:
        return [
            _(
                "{classes} classes, from “{first}” to “{last}”; top-1 accuracy {top1} on its validation pictures",
                classes=classes,
                first=first,
                last=last,
                top1=top1,
            )
        ]
    return [
        _("{classes} classes, from “{first}” to “{last}”", classes=classes, first=first, last=last),
        _(
            "top-1 accuracy {top1} on {count} photographs of as many of its classes",
            top1=top1,
            count=made.validation_pictures,
        ),
    ]


def _controls(chosen: Selection) -> tuple[int, tuple[tuple[str, tuple[int, ...]], ...], bool]:
    """How many maps, which maps (by layer, where they were typed), and whether every picture gets its own range."""
    linked = first_value(COUNT)  # links have said any number
    sizes = Choice(COUNT.name, COUNT.label, {n: SIZES.get(n, str(n)) for n in sorted({*SIZES, linked})}, COUNT.usual)
    asked = ask(st.container(horizontal=True, gap="medium"), sizes, WHICH, RANGE)
    own_range = asked["range"] == "own"
    channels = ()
    if asked["which"] == "typed":
        entry = ARCHITECTURES[chosen.network]
        shapes = cache.shapes(cache.Built(entry.name, entry.input_shape[1]))
        boxes = [
            Numbers(
                f"maps_{layer}",
                _("Layer {layer}", layer=layer),
                most=int(COUNT.most),
                highest=len(layer_maps(shapes, operation)) - 1,
            )
            for layer, operation in entry.layers.items()
        ]
        typed = ask(st.columns(len(boxes)), *boxes, network=chosen.network).values()
        channels = tuple((layer, numbers) for layer, numbers in zip(entry.layers, typed, strict=True) if numbers)
    return asked["maps"], channels, own_range


def _go_to(layer: str, projection: Projection) -> None:
    """Opens a unit of the strip, and shows its layer."""
    open_unit(PLACE, Opened(layer, projection.unit.channel))
    keep(CLICKED, None)
    keep(ASKED_FOR, kept(ASKED_FOR, int) + 1)


def _layer(
    loaded: Loaded, layer: str, response: LayerResponse, sheet: drawn.Sheet, own_range: bool, unit: Opened | None
) -> None:
    """One layer's sheets, what each unit saw beside where it saw it; and what is to be said of them.

    Args:
        unit: the opened one, where it is of this layer.
    """
    k, h, w = response.shape
    projections = response.projections
    with st.container(gap=None):
        if unit and kept(CLICKED, lambda: None) != (layer, unit.channel):
            reveal(f"{unit.channel} {kept(ASKED_FOR, int)}", f"reveal {layer}", to="start")
        st.header(_("Layer {layer}", layer=layer), anchor=f"layer-{layer}")
    st.caption(
        _(
            "{k} feature maps of {h}×{w} · receptive field: {field} · deconvnet {fidelity} · {operation}",
            operation=plain(response.operation),
            k=k,
            h=h,
            w=w,
            field=field_in_words(response.field),
            fidelity=fidelity_in_words(next((p.fidelity for p in projections if p.unit.activation > 0), "exact")),
        )
    )
    if response.ranked_by != response.operation:
        st.caption(plain(ranked_in_words(response.ranked_by)))
    channels = [p.unit.channel for p in projections]

    def open_tile(place: int) -> None:
        open_unit(PLACE, Opened(layer, channels[place]))
        keep(CLICKED, (layer, channels[place]))

    left, right, about = row_that_wraps(f"layer {layer}", 3)
    labels = [unit_in_words(p.unit) + empty_in_words(p) for p in projections]
    for place, kind, name, those in (
        (left, "saw", _("What they saw"), sheet.saw),
        (right, "part", _("That part of the picture"), sheet.part),
    ):
        with place:
            st.caption(f"**{name}**")
            clickable_grid(
                those,
                -(-len(channels) // sheet.columns),
                sheet.columns,
                f"{layer} {kind}",
                labels=labels,
                selected=channels.index(unit.channel) if unit and unit.channel in channels else None,
                height=sheet.height,
                alt=f"{_('Layer {layer}', layer=layer)}: {name}",
                on_click=open_tile,
            )
    with about:
        if text := _about(loaded, layer):
            st.markdown(prose(TEXTS, text))
        if not own_range:
            st.caption(range_in_words(response.limits(own=False)[0]))
        if empty := [p.unit.channel for p in projections if p.is_empty]:
            st.caption(
                _(
                    "Empty tiles: feature maps {channels}. The units are active, but ReLUs on the way down removed the "
                    "whole signal.",
                    channels=", ".join(map(str, empty)),
                )
            )


def _about(loaded: Loaded, layer: str) -> str | None:
    """The name of the text beside a layer: what such layers often learn, or what random weights look like in them."""
    if loaded.weights.trained:
        if loaded.architecture.is_own:  # what such layers learn, nobody has told yet
            return None
        return f"layer{layer}" if (TEXTS / f"layer{layer}.en.md").exists() else None
    return dict(zip(loaded.layers, ("noise1", "noise2"), strict=False)).get(layer)


page()
