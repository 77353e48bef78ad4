"""ZFNet beside AlexNet, made small: the first layers' filters and what the second layers see. The paper's figure 6."""

from dataclasses import replace

import numpy as np
import streamlit as st

from models import ARCHITECTURES, Loaded
from models.images import png
from pages.common import cache
from pages.common.panels import bullets, legend, picture_file
from pages.common.session import Selection
from pages.common.text import _, plain
from pages.common.widgets import computed, honest_png
from pages.common.words import fidelity_in_words, name_of, network_in_words, range_in_words, range_of_weights
from pages.look.filters.kernels import dead_in_words, repeated_in_words, rms_in_words, shipped_all_the_same
from vis.figures.filters import columns_for, limits_of, sheet
from vis.figures.numbers import percent
from vis.figures.pictures import montage, signed
from vis.filters import Convolution, Measures, aliased_share, convolutions

NETWORKS = ("zfnet_mini", "alexnet_mini")
LAYER = "2"  # whose projections are shown


def pair(chosen: Selection, _loaded: Loaded) -> None:
    """Draws both networks with the weights that ship."""
    st.markdown(
        _(
            "Zeiler & Fergus saw dead filters and aliasing in AlexNet, blamed its first layer's 11×11 filters with "
            "stride 4, and switched to 7×7 with stride 2. These two small networks differ only in that; both are "
            "shown with the shipped weights, in one range. Their pictures have 64×64 pixels, so the effect may differ "
            "from the paper's: **read the counts**."
        )
    )
    shipped_all_the_same(chosen)
    sides = {name: replace(chosen, network=name, weights="shipped") for name in NETWORKS}
    opened = {name: cache.opened_network(side)[0] for name, side in sides.items()}
    first = {name: next(iter(convolutions(loaded.model).values())) for name, loaded in opened.items()}
    measures = {name: cache.filters(sides[name], first[name].name, None, False) for name in NETWORKS}
    limit = max(float(limits_of(m.kernels, own=False).max()) for m in measures.values())
    columns = dict(zip(NETWORKS, st.columns(2, gap="large"), strict=True))
    for name, column in columns.items():
        with column:
            _filters(opened[name], first[name], measures[name], limit)
    st.divider()
    st.markdown(f"**{_('What layer {layer} saw in {picture}', layer=LAYER, picture=plain(name_of(chosen.picture)))}**")
    for name, column in zip(NETWORKS, st.columns(2, gap="large"), strict=True):
        with column:
            _projections(sides[name], opened[name])
    st.caption(
        _(
            "Aliasing appears as fine stripes or checks that are not in the picture. Compare each projection with the "
            "part of the picture below it before trusting it."
        )
    )


def _filters(loaded: Loaded, convolution: Convolution, measures: Measures, limit: float) -> None:
    """The first layer of one of the two, with its counts."""
    kernel, stride = "×".join(map(str, convolution.kernel)), convolution.stride[0]
    st.markdown(f"## {loaded.architecture.title}")
    about = f"{network_in_words(loaded)} · {convolution.name} · {kernel} /{stride}"
    st.caption(plain(about))
    columns = columns_for(len(measures.kernels))
    pixels = sheet(measures.kernels, np.full(len(measures.kernels), limit), columns, 66, measures.dead)
    st.image(honest_png(loaded, pixels), width="stretch", alt=about)
    st.caption(range_of_weights(limit))
    share = aliased_share(measures.kernels, convolution.stride)
    lines = [
        dead_in_words(measures),
        repeated_in_words(measures),
        rms_in_words(measures),
        _(
            "Finer than stride {stride} can sample: {share} of the filters' energy on average; more than half of it "
            "in {count} of {all} filters",
            stride=stride,
            share=percent(share.mean(), 0),
            count=int((share > 0.5).sum()),
            all=len(share),
        ),
    ]
    bullets(lines)
    words, name = [about, range_of_weights(limit), *lines], loaded.architecture.name
    file = f"{name}-figure6-filters.png"
    picture_file(st, pixels, words, file, f"filters of {name}", label=_("Tiles (PNG)"), loaded=loaded)


def _projections(side: Selection, loaded: Loaded) -> None:
    """What the nine strongest maps of the second layer saw, above that part of the picture."""
    operation = loaded.layers[LAYER]
    found, _on_cpu = computed(
        _("Projecting the strongest units of every layer …"),
        lambda: cache.layer_responses(side, ((LAYER, operation),), 9, ()),
    )
    pixels = computed(_("Showing the picture to the network …"), lambda: cache.seen(side)).pixels
    projections = found[LAYER].projections
    limits = found[LAYER].limits(own=True)
    saw = [signed(p.pixels.numpy(), limit) for p, limit in zip(projections, limits, strict=True)]
    parts = [p.box.part_of(pixels) for p in projections]
    field = cache.fields(cache.Built(side.network, ARCHITECTURES[side.network].input_shape[1]))[operation].size
    about = f"{loaded.architecture.title}, {_('Layer {layer}', layer=LAYER)}"
    st.image(honest_png(loaded, montage(saw, 3)), width="stretch", alt=f"{about}: {_('What they saw')}")
    st.image(png(montage(parts, 3)), width="stretch", alt=f"{about}: {_('That part of the picture')}")
    lines = [
        f"{network_in_words(loaded)} · {operation} · deconvnet {fidelity_in_words(projections[0].fidelity)}",
        _(
            "The nine strongest maps: {maps}; each unit sees {side} pixels.",
            maps=", ".join(str(p.unit.channel) for p in projections),
            side=f"{field}×{field}",
        ),
        range_in_words(None),
    ]
    both, file = montage([*saw, *parts], 3), f"{side.network}-figure6-layer{LAYER}.png"
    legend(lines, both, file, f"projections of {side.network}", further=[name_of(side.picture)])
