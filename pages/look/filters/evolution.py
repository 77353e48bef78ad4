"""Filters through training: the checkpoints as a slider, and a map's projection at each. The paper's figure 4."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import streamlit as st

from models import ARCHITECTURES, Loaded
from models.images import png
from models.weights import Card, card
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import Selection, linked, pick, picked
from pages.common.text import _, plain
from pages.common.widgets import choice, computed, download
from pages.common.words import fidelity_in_words, grey_in_words, name_of, unit_in_words
from pages.look.filters.kernels import dead_in_words, repeated_in_words, rms_in_words, shipped_all_the_same
from vis.figures.filters import columns_for, sheet
from vis.figures.pictures import captioned, montage, signed
from vis.filters import Measures, convolutions, kernels_of, measured
from vis.maps import layer_maps
from vis.responses import limit_of


def through_training(chosen: Selection, loaded: Loaded) -> dict[str, object]:
    """Draws the first layer and one map at every epoch that was kept; what of it belongs into the address."""
    made = card(chosen.network)
    if made is None or len(made.files) < 2:
        others = [a.title for a in ARCHITECTURES.values() if (found := card(a.name)) and len(found.files) > 1]
        st.info(
            _(
                "How training went can be shown of networks whose weights were kept on the way: {networks}. "
                "Of {network} there are at most the last ones.",
                networks=", ".join(others),
                network=loaded.architecture.title,
            )
        )
        return {}
    shipped_all_the_same(chosen)
    side = replace(chosen, weights="shipped")
    first = _first_layer(side, loaded, made)
    st.divider()
    return first | _map(side, loaded)


def _first_layer(side: Selection, loaded: Loaded, made: Card) -> dict[str, object]:
    """The first layer's filters after an epoch, in one range for all epochs."""
    kept = [file.epoch for file in made.files]
    known = {epoch: cache.checkpoint(side.network, epoch, side.device) for epoch in kept}
    layer = next(iter(convolutions(loaded.model)))
    kernels = {epoch: kernels_of(at.model, layer) for epoch, at in known.items()}
    limit = max(float(np.abs(values).max()) for values in kernels.values())
    epoch = st.select_slider(
        _("After epoch"),
        kept,
        linked(side.network, "epoch", kept[-1], kept, int),
        key=f"epoch {side.network}",
        persist_state="session",
    )
    measures = measured(kernels[epoch])
    place = ("through training", side.network)
    chosen = picked(place, linked(side.network, "filter", None, range(len(kernels[epoch])), int))
    left, right = st.columns([3, 2], gap="medium")
    columns = columns_for(len(kernels[epoch]), kernels[epoch].shape[2:])
    pixels = sheet(kernels[epoch], np.full(len(kernels[epoch]), limit), columns, marked=measures.dead)
    with left:
        clicked = clickable_grid(
            png(pixels),
            -(-len(kernels[epoch]) // columns),
            columns,
            key="first layer through training",
            labels=[
                _("{name}: RMS {rms}", name=_("Filter {number}", number=i), rms=f"{rms:.3g}")
                for i, rms in enumerate(measures.rms)
            ],
            selected=chosen,
            alt=_("Filters of {layer}", layer=layer),
        )
        file = made.at(epoch)
        words = f"{loaded.architecture.title} · {file.file} ({file.sha256[:8]}) · {layer}"
        greys = grey_in_words(limit, f"; {_('one range for all epochs')}")
        st.caption(f"{plain(words)}  \n{plain(greys)}")
        lines = [words, _("After epoch {epoch}", epoch=epoch), greys]
        name = f"{side.network}-{layer}-epoch{epoch}.png"
        download(st, _("Tiles (PNG)"), lambda: captioned(pixels, lines), name, "first layer png")
    if clicked is not None:
        pick(place, clicked)
        st.rerun()
    with right:
        _numbers(made, epoch, measures)
        if chosen is not None:
            _one_filter(chosen, kernels, limit)
        else:
            st.caption(_("Click a filter to see it after every epoch."))
    return {"epoch": epoch, "filter": chosen}


def _numbers(made: Card, epoch: int, measures: Measures) -> None:
    lines = [
        _("right on {top1} % of the validation pictures", top1=f"{made.at(epoch).top1:.1f}"),
        rms_in_words(measures),
        dead_in_words(measures),
        repeated_in_words(measures),
    ]
    st.markdown(f"**{_('After epoch {epoch}', epoch=epoch)}**")
    st.markdown("\n".join(f"* {line}" for line in lines))


def _one_filter(number: int, kernels: dict[int, np.ndarray], limit: float) -> None:
    """One filter after every epoch."""
    st.caption(f"**{_('Filter {number}', number=number)}**")
    st.image(
        png(montage([signed(values[number], limit) for values in kernels.values()], len(kernels))), width="stretch"
    )
    st.caption(_("After epochs {epochs}, from left to right.", epochs=epochs(kernels)))


def _map(side: Selection, loaded: Loaded) -> dict[str, object]:
    """What the strongest unit of a map saw in the picture, after every epoch."""
    st.markdown(f"**{_('The strongest projection of a feature map')}**")
    left, right = st.columns(2)
    names = {name: name for name in loaded.layers}
    first = linked(side.network, "of", list(names)[-1], names)
    layer = choice(left, _("Layer"), names, first, f"layer through training {side.network}")
    operation = loaded.layers[layer]
    strongest, _on_cpu = computed(
        _("Projecting the strongest units of every layer …"),
        lambda: cache.layer_responses(side, ((layer, operation),), 1, ()),
    )
    usual = strongest[layer].projections[0].unit.channel
    known = cache.shapes(cache.Built(side.network, loaded.architecture.input_shape[1]))
    count = len(layer_maps(known, operation))
    number = right.number_input(
        _("Feature map"),
        0,
        count - 1,
        linked(side.network, "map", usual, range(count), int),
        key=f"map through training {side.network} {layer}",
        persist_state="session",
    )
    found, _on_cpu = computed(_("Projecting the unit …"), lambda: cache.through_training(side, operation, int(number)))
    pixels = computed(_("Showing the picture to the network …"), lambda: cache.seen(side)).pixels
    limits = [limit_of(p.pixels) for p in found.values()]
    shown = [signed(p.pixels.numpy(), limit) for p, limit in zip(found.values(), limits, strict=True)]
    boxes = [p.box for p in found.values()]
    parts = [pixels[box.top : box.bottom, box.left : box.right] for box in boxes]
    both = montage([*shown, *parts], len(found))
    st.image(png(both), width="stretch")
    st.caption(_("After epochs {epochs}, from left to right; below, that part of the picture.", epochs=epochs(found)))
    each = [
        f"{_('epoch {epoch}', epoch=epoch)}: {unit_in_words(p.unit)} · ±{limit:.2g}"
        for (epoch, p), limit in zip(found.items(), limits, strict=True)
    ]
    st.markdown("\n".join(f"* {line}" for line in each))
    lines = [
        f"{loaded.architecture.title} · {_('layer {layer}, map {map}', layer=layer, map=number)} · {operation} · "
        f"{name_of(side.picture)} · deconvnet {fidelity_in_words(found[max(found)].fidelity)}",
        _(
            "Of each epoch the strongest unit of this map in this one picture, wherever it is; the paper takes it from "
            "all training pictures. Every projection has its own range, ± the number beside it."
        ),
    ]
    st.caption("  \n".join(map(plain, lines)))
    file = f"{side.network}-{operation}-{number}-epochs.png"
    download(st, "PNG", lambda: captioned(both, [*lines, *each], width=900), file, "epochs png")
    return {"of": layer, "map": int(number)}


def epochs(of: Iterable[int]) -> str:
    """Epochs as they are listed: 1, 2, 5."""
    return ", ".join(map(str, of))
