"""The values of a layer as bars, and one value of a convolution as the numbers that it is made of."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vis.activations import Histogram
from vis.figures.numbers import fixed
from vis.sums import Sum

ORANGE = "#d55e00"  # is seen on white and on black
GREYS = [[0, "rgb(1, 1, 1)"], [0.5, "rgb(128, 128, 128)"], [1, "rgb(255, 255, 255)"]]  # as all signed pictures
CELL = 34, 22  # pixels at least of a number, from left to right and from top to bottom


def bars(histogram: Histogram, value: str, count: str) -> go.Figure:
    """A histogram with a logarithmic axis of counts, for by far the most values of a layer are 0.

    Args:
        value, count: what the axes are called.
    """
    edges = histogram.edges
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=histogram.counts,
            width=np.diff(edges),
            customdata=np.stack([edges[:-1], edges[1:]], 1),
            hovertemplate="%{customdata[0]:.3g} … %{customdata[1]:.3g}: %{y:,}<extra></extra>",
            marker={"color": ORANGE, "line": {"width": 0}},
        )
    )
    figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 8, "b": 0}, bargap=0)
    figure.update_xaxes(title=value, range=[float(edges[0]), float(edges[-1])])
    top = np.log10(max(histogram.counts.max(), 10))
    figure.update_yaxes(title=count, type="log", dtick=1, range=[-0.15, 1.03 * top])  # a single value can be seen
    return figure


def multiplication(found: Sum, places: Sequence[int], names: Sequence[str], titles: Sequence[str]) -> go.Figure:
    """Of each of these input channels a row of three fields of numbers: patch × kernel = products.

    Crosses mark what lies in the padding. Each column has a scale of its own, 0 is grey.

    Args:
        places: of the channels in `found.patch`.
        names: what they are called.
        titles: of the three columns, and what a cell in the padding is called.
    """
    *titles, padding = titles
    figure = make_subplots(
        len(places), 3, column_titles=titles, row_titles=list(names), horizontal_spacing=0.05, vertical_spacing=0.03
    )
    height, width = found.inside.shape
    where = [[f"{row}, {column}" for column in found.columns] for row in found.rows]
    outside = np.argwhere(~found.inside)
    for j, values in enumerate((found.patch, found.kernel, found.products), 1):
        values = values[list(places)]
        limit = float(np.abs(values).max()) or 1.0
        for i, field in enumerate(values, 1):
            text = np.where(found.inside | (j > 1), np.vectorize(_short)(field, limit), "")
            for side, ink in ((field >= 0, "black"), (field < 0, "white")):  # Plotly's own choice is hard to read
                figure.add_heatmap(
                    z=np.where(side, field, np.nan),
                    zmin=-limit,
                    zmax=limit,
                    colorscale=GREYS,
                    showscale=False,
                    xgap=1,
                    ygap=1,
                    text=np.where(side, text, ""),
                    texttemplate="%{text}",
                    textfont={"color": ink},
                    customdata=where,
                    hovertemplate="%{customdata}: %{z:.6g}<extra></extra>",
                    hoverongaps=False,
                    row=i,
                    col=j,
                )
            if j == 1 and len(outside):
                figure.add_scatter(
                    x=outside[:, 1],
                    y=outside[:, 0],
                    mode="markers",
                    marker={"symbol": "x-thin", "size": 14, "line": {"width": 1.5, "color": ORANGE}},
                    hovertemplate=f"{padding}<extra></extra>",
                    showlegend=False,
                    row=i,
                    col=j,
                )
    figure.update_xaxes(visible=False, range=[-0.5, width - 0.5])
    figure.update_yaxes(visible=False, range=[height - 0.5, -0.5])
    figure.update_layout(
        height=40 + len(places) * max(90, (height + 1) * CELL[1]), margin={"l": 0, "r": 24, "t": 28, "b": 8}
    )
    return figure


def _short(number: float, limit: float) -> str:
    """With two decimals, or more where all numbers are small; and with a real minus."""
    decimals = int(np.clip(1 - np.floor(np.log10(limit)), 2, 4))
    return fixed(round(number, decimals) + 0.0, decimals)
