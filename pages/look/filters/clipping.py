"""RMS clipping as a what-if: how the first layer would look if no filter's RMS might exceed a radius."""

import numpy as np
import streamlit as st

from models import Loaded
from models.options import Choice, Phrase
from pages.common import cache
from pages.common.asking import ask_one
from pages.common.panels import legend, picture
from pages.common.session import Selection
from pages.common.text import _
from pages.common.words import network_in_words, range_of_weights
from vis.figures.filters import columns_for, limits_of, sheet, side_for
from vis.figures.nine import side_by_side
from vis.figures.numbers import fixed, significant
from vis.filters import RADIUS, clipped, convolutions

RADII = Choice("radius", Phrase("Radius"), (0.02, 0.05, RADIUS, 0.2, 0.5), RADIUS, shown_as="scale")
GREY_LEVELS = 255


def what_if(chosen: Selection, loaded: Loaded) -> None:
    """Draws the first layer's filters before and after."""
    st.markdown(
        _(
            "During training, Zeiler & Fergus rescaled every filter with a root mean square (RMS) above 10⁻¹ to "
            "exactly that value, so that no filter of the first layer dominates. **Nothing is trained here and the "
            "network is unchanged**: its filters are shown as they are and as that rule would leave them."
        )
    )
    radius = ask_one(st, RADII)
    layer = next(iter(convolutions(loaded.model)))
    measures = cache.filters(chosen, layer, None, False)
    after = clipped(measures.kernels, radius)
    changed = np.flatnonzero(measures.rms > radius).tolist()
    limits = limits_of(measures.kernels, own=False)
    columns = columns_for(len(after), after.shape[2:])
    names = (_("As they are"), _("RMS clipped to {radius}", radius=radius))
    sheets = [sheet(kernels, limits, columns, side_for(len(after)), changed) for kernels in (measures.kernels, after)]
    for column, pixels, name in zip(st.columns(2, gap="medium"), sheets, names, strict=True):
        picture(name, pixels, loaded=loaded, place=column)
    lines = [
        f"{network_in_words(loaded)} · {layer}",
        range_of_weights(float(limits.max(initial=0))),
        _(
            "A red frame marks the {count} of {all} filters that the rule would rescale: {numbers}",
            count=len(changed),
            all=len(after),
            numbers=", ".join(map(str, changed)) or "–",
        ),
    ]
    both, file = side_by_side(*sheets), f"{chosen.network}-{layer}-rms-{radius}.png"
    legend(lines, both, file, "clipping png", further=[" · ".join(names)], loaded=loaded)
    scale = GREY_LEVELS * float(np.mean(loaded.preprocess.std))
    st.info(
        _(
            "The RMS depends on the unit of the picture. The paper's pictures are in grey levels, about −128 to 128; "
            "this network's are divided by their standard deviation, {scale} grey levels. In grey levels, the RMS of "
            "its filters would be {smallest} to {largest}.",
            scale=fixed(scale),
            smallest=significant(measures.rms.min() / scale, 2),
            largest=significant(measures.rms.max() / scale, 2),
        ),
        icon=":material/straighten:",
    )
