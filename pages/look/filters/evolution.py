"""Filters through training: the checkpoints as a slider, and a map's projection at each. The paper's figure 4."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import streamlit as st

from models import ARCHITECTURES, Loaded
from models.images import png
from models.options import Choice, Number, Phrase
from models.weights import Card, card
from pages.common import address, cache
from pages.common.asking import ask_one, first_value
from pages.common.panels import bullets, legend, picture, tiles
from pages.common.session import Selection, keep, kept
from pages.common.text import _
from pages.common.widgets import computed
from pages.common.words import fidelity_in_words, grey_in_words, name_of, unit_in_words
from pages.look.filters.kernels import dead_in_words, repeated_in_words, rms_in_words, shipped_all_the_same
from vis.figures.filters import columns_for, sheet
from vis.figures.numbers import percent, significant
from vis.figures.pictures import montage, signed
from vis.filters import convolutions, kernels_of, measured
from vis.maps import layer_maps
from vis.responses import limit_of


def through_training(chosen: Selection, loaded: Loaded) -> None:
    """Draws the first layer and one map at every epoch that was kept."""
    made = card(chosen.network)
    if made is None or len(made.files) < 2:
        others = [a.title for a in ARCHITECTURES.values() if (found := card(a.name)) and len(found.files) > 1]
        st.info(
            _(
                "Training can be replayed only for networks with saved checkpoints: {networks}. For {network} there "
                "are at most the final weights.",
                networks=", ".join(others),
                network=loaded.architecture.title,
            )
        )
        return
    shipped_all_the_same(chosen)
    side = replace(chosen, weights="shipped")
    _first_layer(side, loaded, made)
    st.divider()
    _map(side, loaded)


def _first_layer(side: Selection, loaded: Loaded, made: Card) -> None:
    """The first layer's filters after an epoch, in one range for all epochs."""
    network, layer = side.network, next(iter(convolutions(loaded.model)))
    known = {file.epoch: cache.checkpoint(network, file.epoch, side.device) for file in made.files}
    kernels = {epoch: kernels_of(at.model, layer) for epoch, at in known.items()}
    limit = max(float(np.abs(values).max()) for values in kernels.values())
    epochs = Choice("epoch", Phrase("After epoch"), tuple(known), max(known), shown_as="scale")
    epoch = ask_one(st, epochs, network=network)
    measures, count, after = measured(kernels[epoch]), len(kernels[epoch]), _("After epoch {epoch}", epoch=epoch)
    place = f"through training {network}"
    chosen = kept(place, lambda: first_value(Number("filter", "", None, 0, count - 1), network))
    address.note(epoch=epoch, filter=chosen)
    left, right = st.columns([3, 2], gap="medium")
    columns = columns_for(count, kernels[epoch].shape[2:])
    pixels = sheet(kernels[epoch], np.full(count, limit), columns, marked=measures.dead)
    with left:
        clicked = tiles(
            pixels,
            columns,
            "first layer through training",
            labels=[
                _("{name}: RMS {rms}", name=_("Filter {number}", number=i), rms=significant(rms))
                for i, rms in enumerate(measures.rms)
            ],
            selected=chosen,
            alt=_("Filters of {layer}", layer=layer),
        )
        file, name = made.at(epoch), f"{network}-{layer}-epoch{epoch}.png"
        of = f"{loaded.architecture.title} · {file.file} ({file.sha256[:8]}) · {layer}"
        words, further = [of, grey_in_words(limit, f"; {_('one range for all epochs')}")], [after]
        legend(words, pixels, name, "first layer png", further, label=_("Tiles (PNG)"))
    if clicked is not None:
        keep(place, clicked)
        st.rerun()
    with right:
        st.markdown(f"**{after}**")
        accuracy = _("top-1 accuracy {top1} on the validation pictures", top1=percent(file.top1 / 100))
        bullets([accuracy, rms_in_words(measures), dead_in_words(measures), repeated_in_words(measures)])
        if chosen is None:
            st.caption(_("Click a filter to see it after every epoch."))
            return
        each = montage([signed(values[chosen], limit) for values in kernels.values()], len(kernels))
        words = _("After epochs {epochs}, from left to right.", epochs=_listed(kernels))
        picture(_("Filter {number}", number=chosen), each, words)


def _map(side: Selection, loaded: Loaded) -> None:
    """What the strongest unit of a map saw in the picture, after every epoch."""
    st.markdown(f"**{_('The strongest projection of a feature map')}**")
    left, right = st.columns(2)
    layers = Choice("of", Phrase("Layer"), tuple(loaded.layers), [*loaded.layers][-1])
    layer = ask_one(left, layers, network=side.network)
    operation = loaded.layers[layer]
    strongest, _on_cpu = computed(
        _("Projecting the strongest units of every layer …"),
        lambda: cache.layer_responses(side, ((layer, operation),), 1, ()),
    )
    usual = strongest[layer].projections[0].unit.channel
    known = cache.shapes(cache.Built(side.network, loaded.architecture.input_shape[1]))
    maps = Number("map", Phrase("Feature map"), usual, 0, len(layer_maps(known, operation)) - 1)
    number = ask_one(right, maps, network=side.network, of=layer)
    address.note(of=layer, map=number)
    found, _on_cpu = computed(_("Projecting the unit …"), lambda: cache.through_training(side, operation, number))
    pixels = computed(_("Showing the picture to the network …"), lambda: cache.seen(side)).pixels
    limits = [limit_of(p.pixels) for p in found.values()]
    shown = [signed(p.pixels.numpy(), limit) for p, limit in zip(found.values(), limits, strict=True)]
    parts = [p.box.part_of(pixels) for p in found.values()]
    both = montage([*shown, *parts], len(found))
    title = _("The strongest projection of a feature map")
    st.image(png(both), width="stretch", alt=f"{title}: {_('layer {layer}, map {map}', layer=layer, map=number)}")
    st.caption(_("After epochs {epochs}, from left to right; below, that part of the picture.", epochs=_listed(found)))
    each = [
        f"{_('epoch {epoch}', epoch=epoch)}: {unit_in_words(p.unit)} · ±{significant(limit, 2)}"
        for (epoch, p), limit in zip(found.items(), limits, strict=True)
    ]
    bullets(each)
    lines = [
        f"{loaded.architecture.title} · {_('layer {layer}, map {map}', layer=layer, map=number)} · {operation} · "
        f"{name_of(side.picture)} · deconvnet {fidelity_in_words(found[max(found)].fidelity)}",
        _(
            "For each epoch, the strongest unit of this map in this picture, at any position; the paper searches all "
            "training pictures. Each projection has its own range, ± the number beside it."
        ),
    ]
    legend(lines, both, f"{side.network}-{operation}-{number}-epochs.png", "epochs png", further=each)


def _listed(epochs: Iterable[int]) -> str:
    """Epochs as they are listed: 1, 2, 5."""
    return ", ".join(map(str, epochs))
