"""How numbers move while a network learns: bands of their quantiles, and a histogram."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from vis.figures.costs import HERE, LEGEND, STEADY
from vis.figures.numbers import percent

ROOMS = (0.04, 0.08, 0.12, 0.2, 0.4, 0.6, 0.8, 1.0)  # whose quarters are whole percents
FAINT, MIDDLE = "rgba({}, 0.2)", "rgba({}, 0.45)"


def bands(
    steps: Sequence[int],
    quantiles: Sequence[Sequence[float]],
    here: int,
    limits: tuple[float, float],
    rgb: str,
    words: Mapping[str, str],
) -> dict[str, Any]:
    """A line for the median, a band for the middle half and a fainter one for the middle 90 %.

    Args:
        quantiles: at every step, of 5, 25, 50, 75 and 95 %.
        here: the chosen step.
        limits: of the numbers, the same for what is compared.
        rgb: the colour, as in "0, 114, 178".
        words: for "median", "half", "most", "axis" and "across".
    """
    lowest, low, median, high, highest = (list(of) for of in zip(*quantiles, strict=True))
    traces = []
    for name, below, above, shade in (
        (words["most"], lowest, highest, FAINT),
        (words["half"], low, high, MIDDLE),
    ):
        edge = {"type": "scatter", "mode": "lines", "x": list(steps), "line": {"width": 0}, "hoverinfo": "skip"}
        traces.append({**edge, "y": below, "showlegend": False})
        traces.append({**edge, "y": above, "name": name, "fill": "tonexty", "fillcolor": shade.format(rgb)})
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": words["median"],
            "x": list(steps),
            "y": median,
            "line": {"color": f"rgb({rgb})", "width": 3},
            "hovertemplate": "%{y:.3~g}<extra></extra>",
        }
    )
    chosen = {"type": "line", "x0": here, "x1": here, "yref": "paper", "y0": 0, "y1": 1}
    layout = {
        "xaxis": {"title": words["across"], "range": [0, steps[-1]], "zeroline": False, "nticks": 8, **STEADY},
        "yaxis": {"title": words["axis"], "range": list(limits), "nticks": 8, **STEADY},
        "shapes": [{**chosen, "line": {"color": HERE, "width": 2, "dash": "dot"}}],
        "legend": LEGEND,
        "margin": {"l": 56, "r": 14, "t": 10, "b": 110, "autoexpand": False},
        "height": 340,
    }
    return {"data": traces, "layout": layout}


def bars(
    edges: Sequence[float], shares: Sequence[float], most: float, rgb: str, words: Mapping[str, str]
) -> dict[str, Any]:
    """A bar for the share of the numbers between each edge and the next.

    Args:
        most: the largest share in what is compared, which has one axis.
        rgb: the colour.
        words: for "axis" and "across".
    """
    pairs = [*pairwise(edges)]
    room = next(room for room in ROOMS if room >= min(most, 1))
    ticks = [room * quarter / 4 for quarter in range(5)]
    trace = {
        "type": "bar",
        "x": [(low + high) / 2 for low, high in pairs],
        "y": list(shares),
        "width": [high - low for low, high in pairs],
        "marker": {"color": f"rgb({rgb})", "line": {"width": 0}},
        "hovertemplate": "%{x:.3~g}: %{y:.1%}<extra></extra>",
    }
    axis = {"tickvals": ticks, "ticktext": [percent(tick, 0) for tick in ticks]}
    layout = {
        "xaxis": {"title": words["across"], "range": [edges[0], edges[-1]], "nticks": 8, **STEADY},
        "yaxis": {"title": words["axis"], "range": [0, room], **axis, **STEADY},
        "margin": {"l": 56, "r": 14, "t": 10, "b": 50, "autoexpand": False},
        "height": 230,
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}
