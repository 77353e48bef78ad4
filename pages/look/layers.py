"""What layers 1–5 respond to: the strongest feature maps of every layer, and what each of them saw in the picture."""

from pathlib import Path

import numpy as np
import streamlit as st

from models import ARCHITECTURES, Loaded
from models.images import png
from models.refusals import Refused
from models.weights import card
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import Opened, Selection, from_link, of_sidebar, open_unit, opened_unit, selection, to_url
from pages.common.text import _, language, plain, prose, said
from pages.common.widgets import computed, cpu_did_it, honest_png, network_or_stop, weights_in_words
from pages.look import takeaway
from pages.look.unit import inspector
from pages.look.words import fidelity_in_words, field_in_words, name_of, range_in_words, unit_in_words
from vis.figures.pictures import enlarged, montage, signed
from vis.responses import LayerResponse
from vis.trace import traced

TEXTS = Path(__file__).parent / "texts"
MOST_MAPS = 16  # of a layer


def page() -> None:
    st.title(_("What layers 1–5 respond to"))
    st.markdown(
        _(
            "For every layer, the feature maps that respond most to the picture: what each of them saw, reconstructed "
            "by the deconvnet of Zeiler & Fergus, beside that part of the picture. **Click a tile** to look closer; "
            "choose the picture and the network in the sidebar."
        )
    )
    asked = selection()
    above = st.container()
    count, channels, own_range = _controls(asked)  # first, for a refusal ends the page, and they must outlive it
    with above:
        chosen, loaded = network_or_stop(asked)
        seen = computed(_("Showing the picture to the network …"), lambda: cache.seen(chosen))
        _picture_and_prediction(chosen, loaded, seen)
    layers = _layers(chosen, loaded)
    found, on_cpu = computed(
        _("Projecting the strongest units of every layer …"),
        lambda: cache.layer_responses(chosen, layers, count, channels),
    )
    if seen.on_cpu or on_cpu:
        st.info(cpu_did_it(), icon=":material/memory:")
    close_up = _still_there(opened_unit(), found)
    for layer, response in found.items():
        _layer(loaded, seen.pixels, layer, response, own_range, close_up)
        if close_up and close_up.layer == layer:
            inspector(chosen, loaded, seen.pixels, response.operation, close_up)
    st.divider()
    takeaway.offer(chosen, loaded, seen, found, own_range)
    with st.expander(_("How these pictures are made, and how to read them"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "deconvnet"))
    _put_into_url(count, close_up)


def _layers(chosen: Selection, loaded: Loaded) -> tuple[tuple[str, str], ...]:
    """The layers to be shown and their operations; first the one with which another page asks for this one."""
    also = st.query_params.get("also")
    known = tuple(loaded.layers.items())
    names = traced(loaded.model).names.values()
    if also not in names or also in dict(known).values():
        return known
    try:
        cache.layer_responses(chosen, ((also, also),), 1, ())
    except Refused as refusal:  # the others can be shown all the same
        st.warning(plain(said(refusal)), icon=":material/error:")
        return known
    return ((also, also), *known)


def _picture_and_prediction(chosen: Selection, loaded: Loaded, seen: cache.Seen) -> None:
    left, right = st.columns([1, 2])
    height, width = seen.pixels.shape[:2]
    left.image(png(enlarged(seen.pixels, 224)), width=224)
    left.caption(
        _(
            "{picture}, as the network sees it: {width}×{height} pixels",
            picture=plain(name_of(chosen.picture)),
            width=width,
            height=height,
        )
    )
    notes = [loaded.architecture.paper, weights_in_words(loaded)]
    if loaded.architecture.differs:
        notes.insert(1, _(loaded.architecture.differs))
    if not loaded.weights.trained:
        notes.append(_("with random weights this is a guess"))
    if loaded.weights.kind == "shipped":
        made = card(loaded.architecture.name)
        notes.append(
            _(
                "it knows {classes} classes, from “{first}” to “{last}”, "
                "and is right on {top1} % of its validation pictures",
                classes=len(made.categories),
                first=made.categories[0],
                last=made.categories[-1],
                top1=f"{made.at().top1:.1f}",
            )
        )
    if (side := loaded.architecture.classify_at) and loaded.weights.trained:
        notes.append(
            _("classified at {side}×{side}, as in its training; below it sees the picture enlarged", side=side)
        )
    with right:
        st.markdown(f"**{_('{network} takes it for', network=loaded.architecture.title)}**")
        for number, probability in seen.classes:
            name = loaded.categories[number] if loaded.categories else _("class {number}", number=number)
            st.progress(probability, f"{plain(name)} · {probability:.1%}")
        st.caption(" · ".join(plain(note) for note in notes))


def _controls(chosen: Selection) -> tuple[int, tuple[tuple[str, tuple[int, ...]], ...], bool]:
    """How many maps, which maps (by layer, where they were typed), and whether every picture gets its own range."""
    left, middle, right = st.columns(3)
    count = left.slider(
        _("Feature maps per layer"), 1, MOST_MAPS, from_link("maps", 9, range(1, MOST_MAPS + 1), int), key="maps"
    )
    which = {"strongest": _("the strongest"), "typed": _("chosen by number")}
    mode = middle.segmented_control(
        _("Which feature maps"), which, format_func=which.get, default="strongest", required=True, key="which"
    )
    ranges = {"shared": _("one per layer"), "own": _("one per picture")}
    contrast = right.segmented_control(
        _("Range of grey"), ranges, format_func=ranges.get, default="own", required=True, key="contrast"
    )
    if contrast == "own":
        right.caption(range_in_words(None))
    channels = ()
    if mode == "typed":
        layers = ARCHITECTURES[chosen.network].layers
        columns = st.columns(len(layers))
        typed = {
            layer: column.text_input(
                _("Layer {layer}", layer=layer), key=f"typed {chosen.network} {layer}", placeholder="3, 17, 40"
            )
            for column, layer in zip(columns, layers, strict=True)
        }
        numbers = {layer: _numbers(text) for layer, text in typed.items()}
        channels = tuple((layer, wanted) for layer, wanted in numbers.items() if wanted)
    return count, channels, contrast == "own"


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers in a text such as "3, 17 40", at most sixteen; anything else is named and ends the page."""
    words = text.replace(",", " ").replace(";", " ").split()
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 6)]
    if wrong:
        said = _("“{text}” is not the number of a feature map; write numbers such as 3, 17, 40.", text=plain(wrong[0]))
        st.error(said, icon=":material/error:")
        st.stop()
    numbers = tuple(dict.fromkeys(map(int, words)))
    if len(numbers) > MOST_MAPS:
        st.caption(_("The first sixteen of the numbers are shown."))
    return numbers[:MOST_MAPS]


def _layer(
    loaded: Loaded, pixels: np.ndarray, layer: str, response: LayerResponse, own_range: bool, close_up: Opened | None
) -> None:
    k, h, w = response.shape
    fields = cache.fields(cache.Built(loaded.architecture.name, pixels.shape[0]))
    projections = response.projections
    st.subheader(_("Layer {layer}", layer=layer), anchor=f"layer-{layer}")
    st.caption(
        _(
            "{k} feature maps of {h}×{w} · receptive field: {field} · deconvnet {fidelity} · {operation}",
            operation=plain(response.operation),
            k=k,
            h=h,
            w=w,
            field=field_in_words(fields[response.operation]),
            fidelity=fidelity_in_words(next((p.fidelity for p in projections if p.unit.activation > 0), "exact")),
        )
    )
    columns = next(n for n in (1, 2, 3, 4) if n * n >= len(projections))
    limits = response.limits(own_range)
    tiles = [signed(p.pixels.numpy(), limit) for p, limit in zip(projections, limits, strict=True)]
    saw = honest_png(loaded, montage(tiles, columns))
    patches = [pixels[p.box.top : p.box.bottom, p.box.left : p.box.right] for p in projections]
    part = png(montage(patches, columns))

    labels = [unit_in_words(unit) for unit in response.units]
    selected = next((i for i, u in enumerate(response.units) if close_up and _is(close_up, layer, u.channel)), None)
    pictures, about = st.columns([2, 1], gap="medium")
    left, right = pictures.columns(2, gap="medium", wrap=False)
    for place, name, sheet in ((left, _("What they saw"), saw), (right, _("That part of the picture"), part)):
        with place:
            st.caption(f"**{name}**")
            clicked = clickable_grid(
                sheet,
                -(-len(projections) // columns),
                columns,
                key=f"{layer} {'saw' if sheet is saw else 'part'}",
                labels=labels,
                selected=selected,
                alt=f"{_('Layer {layer}', layer=layer)}: {name}",
            )
        if clicked is not None:
            open_unit(Opened(layer, response.units[clicked].channel))
            st.rerun()
    with about:
        if (TEXTS / f"layer{layer}.en.md").exists():
            st.markdown(prose(TEXTS, f"layer{layer}"))
        if not own_range:
            st.caption(range_in_words(limits[0]))


def _is(close_up: Opened, layer: str, channel: int) -> bool:
    return (close_up.layer, close_up.channel) == (layer, channel)


def _still_there(close_up: Opened | None, found: dict[str, LayerResponse]) -> Opened | None:
    """The opened unit, unless this network has no such layer, feature map or position."""
    if close_up is None or close_up.layer not in found:
        return None
    k, h, w = found[close_up.layer].shape
    row, column = close_up.position or (0, 0)
    return close_up if 0 <= close_up.channel < k and 0 <= row < h and 0 <= column < w else None


def _put_into_url(count: int, close_up: Opened | None) -> None:
    position = close_up.position if close_up else None
    to_url(
        **of_sidebar(),
        maps=count,
        layer=close_up.layer if close_up else None,
        map=close_up.channel if close_up else None,
        at=f"{position[0]},{position[1]}" if position else None,
        also=st.query_params.get("also"),
        language=language(),
    )


page()
