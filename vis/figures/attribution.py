"""Attributions as pictures: what speaks for a score is orange, what speaks against it is blue, and zero is neutral.

The two colours are told apart by everybody (Okabe & Ito 2008).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vis.figures.costs import LEGEND

FOR, AGAINST = (230, 97, 0), (0, 90, 200)
PALE = 80  # of 255, what is black in the picture: on it, both colours are seen
WITHIN = 0.995  # of the pixels have values that the colours tell apart: single ones are often far beyond the others
LINES = ("#d55e00", "#808080", "#56b4e9", "#009e73", "#cc79a7")  # of a map, and of those that it is compared with


def limit_of(values: np.ndarray) -> float:
    """The absolute value (h, w) at which the colours end: below it are 99.5 % of the pixels."""
    known = np.abs(values[np.isfinite(values)])
    if not known.size:
        return 0.0
    return float(np.quantile(known, WITHIN)) or float(known.max())


def over(values: np.ndarray, picture: np.ndarray, limit: float, strength: float) -> np.ndarray:
    """Pixels (H, W, 3), uint8: the picture (H, W, 3) in pale grey, and over it the values (H, W) as colours.

    Args:
        limit: the absolute value at which a colour is full.
        strength: how much a full colour covers, from 0 to 1.
    """
    known = np.nan_to_num(values)
    cover = np.clip(np.abs(known) / limit if limit > 0 else np.zeros_like(known), 0, 1)[..., None] * strength
    colour = np.where(known[..., None] > 0, np.array(FOR, float), np.array(AGAINST, float))
    grey = np.repeat(PALE + (1 - PALE / 255) * picture.mean(2, keepdims=True), 3, 2)
    return np.round(cover * colour + (1 - cover) * grey).astype(np.uint8)


CLASSES = {  # colours of classes by the names that Streamlit has for about the same
    "orange": (230, 97, 0),
    "blue": (28, 131, 225),
    "green": (33, 195, 84),
    "violet": (128, 61, 245),
    "red": (255, 75, 75),
    "gray": (128, 128, 128),  # of all others
}


def colours_of(best: np.ndarray) -> dict[int, str]:
    """The names of the colours of the classes in a grid of their numbers, the most frequent first; −1 is none."""
    numbers, counts = np.unique(best[best >= 0], return_counts=True)
    ordered = numbers[np.argsort(-counts, kind="stable")].tolist()
    return {number: list(CLASSES)[min(i, len(CLASSES) - 1)] for i, number in enumerate(ordered)}


def classes_over(best: np.ndarray) -> np.ndarray:
    """Pixels (rows, columns, 3), uint8, of a grid of class numbers in the colours of `colours_of`; −1 is dark."""
    pixels = np.zeros((*best.shape, 3), np.uint8)
    for number, name in colours_of(best).items():
        pixels[best == number] = CLASSES[name]
    return pixels


def smoothed(values: np.ndarray) -> np.ndarray:
    """The values (h, w) through a Gaussian whose deviation is a hundredth of the shorter side."""
    from skimage.filters import gaussian

    return gaussian(np.nan_to_num(values), min(values.shape) / 100, mode="nearest", preserve_range=True)


def curves_over(
    parts: Sequence[float], lines: Mapping[str, Sequence[float | None]], across: str, axis: str
) -> go.Figure:
    """Lines by the part of something that was changed, from 0 to 1; the first one is thicker.

    Args:
        lines: by their names.
        across, axis: what lies across, and what is drawn.
    """
    figure = go.Figure(
        [
            {
                "type": "scatter",
                "mode": "lines+markers" if None in values else "lines",  # a value between two gaps has no line
                "name": name,
                "x": [100 * part for part in parts],
                "y": list(values),
                "line": {"color": colour, "width": 3 if i == 0 else 1.5},
                "hovertemplate": f"%{{x:.0f}} %: %{{y:.4g}}<extra>{name}</extra>",
            }
            for i, ((name, values), colour) in enumerate(zip(lines.items(), LINES, strict=False))
        ]
    )
    return figure.update_layout(
        height=280,
        margin={"l": 0, "r": 0, "t": 8, "b": 90},
        xaxis={"title": across, "range": [0, 100], "ticksuffix": " %"},
        yaxis={"title": axis},
        legend=LEGEND,
        hovermode="x unified",
    )
