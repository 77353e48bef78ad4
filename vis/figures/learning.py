"""How networks learn: their curves, the gradients of their layers, and their filters on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_hex

from vis.figures.costs import LEGEND, SERIES, STEADY
from vis.figures.numbers import significant
from vis.figures.pictures import montage, signed

MOST = len(SERIES)
NAMED = 6  # layers in a legend
SHOWN = 6  # rows of filters


@dataclass(frozen=True)
class Curve:
    """A number as one training goes on: of the batches it learned from, and of what was held out."""

    name: str
    learned: tuple[Sequence[float], Sequence[float]]  # epochs, values
    held_out: tuple[Sequence[float], Sequence[float]]


def learning_curves(
    curves: Sequence[Curve], epochs: float, axis: str, words: Mapping[str, str], is_share: bool = False
) -> go.Figure:
    """A full line for what was held out and a faint one for what was learned from, a colour for each training.

    Args:
        epochs: of the longest training.
        words: for "learned", "held out" and "across".
        is_share: whether the values are shares of a whole.
    """
    traces = []
    for curve, colour in zip(curves, SERIES, strict=False):
        of = f"{curve.name}: " if len(curves) > 1 else ""
        for kind, (x, y), look in (
            ("learned", curve.learned, {"width": 1.5, "dash": "dot"}),
            ("held out", curve.held_out, {"width": 3}),
        ):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": f"{of}{words[kind]}",
                    "x": list(x),
                    "y": list(y),
                    "line": {"color": colour, **look},
                    "hovertemplate": "%{y:.1%}" if is_share else "%{y:.3~g}",
                }
            )
    whole = {"tickformat": ".0%", "range": [0, 1.02]} if is_share else {"rangemode": "tozero"}
    lines = len(traces) if len(curves) > 1 else 1  # of the legend
    layout = {
        "xaxis": {"title": words["across"], "range": [0, epochs], "zeroline": False, "nticks": 8, **STEADY},
        "yaxis": {"title": axis, "nticks": 6, **whole, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 62, "r": 14, "t": 10, "b": 62 + 20 * lines, "autoexpand": False},
        "hovermode": "x unified",
        "height": 320 + 20 * lines,
    }
    return go.Figure({"data": traces, "layout": layout})


def gradient_norms(
    epochs: Sequence[float],
    norms: Sequence[Sequence[float]],
    layers: Sequence[str],
    last: float,
    words: Mapping[str, str],
) -> go.Figure:
    """A line for every layer, the first ones dark and the last ones bright; the axis is logarithmic.

    Args:
        norms: at every time, of each of the layers in their order.
        last: epochs of the whole training.
        words: for "axis" and "across".
    """
    values = np.array(norms, float).reshape(-1, len(layers))
    shades = matplotlib.colormaps["plasma"](np.linspace(0.3, 0.88, len(layers)))
    named = {round(place) for place in np.linspace(0, len(layers) - 1, min(len(layers), NAMED))}
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": list(epochs),
            "y": [value if value > 0 else None for value in values[:, place].tolist()],  # a logarithm has no 0
            "line": {"color": to_hex(shade), "width": 2},
            "showlegend": place in named,
            "hovertemplate": "%{y:.3~g}",
        }
        for place, (name, shade) in enumerate(zip(layers, shades, strict=True))
    ]
    positive = values[values > 0]
    low, high = (np.log10(positive.min()), np.log10(positive.max())) if len(positive) else (-1, 1)
    digits, apart = ((1, 2, 5), 1) if high - low < 2 else ((1,), 1 + int(high - low) // 6)
    powers = range(int(low) - 2, int(high) + 3, apart)
    at = [digit * 10.0**power for power in powers for digit in digits]
    ticks = {"tickvals": at, "ticktext": [significant(value) for value in at]}
    layout = {
        "xaxis": {"title": words["across"], "range": [0, last], "zeroline": False, "nticks": 8, **STEADY},
        "yaxis": {"title": words["axis"], "type": "log", **ticks, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 62, "r": 14, "t": 10, "b": 110, "autoexpand": False},
        "hovermode": "closest",
        "height": 380,
    }
    return go.Figure({"data": traces, "layout": layout})


def times_shown(count: int) -> list[int]:
    """The places of some of so many filters on the way: the first, the last, and what doubles in between."""
    doubling = [0, *(2**power for power in range(count.bit_length()))]
    early = [place for place in doubling if place < count - 1]
    return [*early[:: -(-len(early) // (SHOWN - 1)) or 1], count - 1]


def filters_on_the_way(kernels: Sequence[np.ndarray], most: int) -> tuple[np.ndarray, float]:
    """The first kernels (K, C, h, w) of a layer at several times, a row each: pixels (H, W, 4); and their range.

    One range for all of them; of other channels than 1 or 3 the mean is shown.

    Args:
        most: filters in a row.
    """
    flat = [each[:most] if each.shape[1] in (1, 3) else each[:most].mean(1, keepdims=True) for each in kernels]
    limit = max(float(np.abs(each).max()) for each in flat)
    return montage([signed(kernel, limit) for each in flat for kernel in each], len(flat[0]), 40, gap=0.16), limit
