"""All feature maps of a layer as one picture: to be clicked, and to be taken away."""

import io
from collections.abc import Mapping

import numpy as np
import streamlit as st
from PIL import Image

from models import Loaded
from models.options import Choice, Phrase
from pages.common.asking import ask_one
from pages.common.components.grid import clickable_grid
from pages.common.export import download, table
from pages.common.opened import Opened
from pages.common.session import Selection
from pages.common.text import _, plain
from pages.common.widgets import warning_of
from pages.common.words import name_of, network_in_words, scale_in_words
from vis.activations import Activations, rows
from vis.figures.numbers import percent, significant
from vis.figures.pictures import captioned
from vis.figures.sheets import sheet_of

ORDER = Choice(
    "sort",
    Phrase("Sort by"),
    {
        "index": Phrase("number"),
        "maximum": Phrase("maximum"),
        "mean": Phrase("mean"),
        "silent": Phrase("share of values ≤ 0"),
    },
    help=Phrase("Largest first. After a ReLU, values ≤ 0 are the zeros."),
)
RANGE = Choice(
    "range",
    Phrase("Colour scale"),
    {"own": Phrase("one per map"), "shared": Phrase("one for all")},
    help=Phrase("With one for all, maps can be compared, and most of them are dark."),
)
ON_A_PAGE = Choice("on_a_page", Phrase("Maps per page"), (64, 128, 256, 512), 512)
WIDEST = 150  # pixels of a tile on the screen
WIDTH = 1200, 600  # pixels of the page on a large screen; and of a sheet that is seldom made smaller


def all_maps(
    chosen: Selection, loaded: Loaded, found: Activations, look: Mapping[str, str], opened: Opened | None
) -> int | None:
    """One page of maps as one picture. Returns the number of the map that was clicked.

    Args:
        look: what was chosen of ORDER and RANGE.
    """
    by, own = look["sort"], has_own_ranges(found, look)
    order = found.order(by)
    number, count = _choose_page(found, by, order, opened)
    shown = order[number * count : (number + 1) * count]
    sheet = sheet_of(found, shown, own, warning_of(loaded))
    about = _about(chosen, loaded, found, by, own, len(shown))
    clicked = clickable_grid(
        sheet.png,
        -(-len(shown) // sheet.columns),
        sheet.columns,
        key=f"sheet {chosen.network} {found.layer}",
        labels=[_label(loaded, found, channel) for channel in shown],
        selected=int(np.flatnonzero(shown == opened.channel)[0]) if opened and opened.channel in shown else None,
        width=sheet.columns * WIDEST if sheet.columns * WIDEST < WIDTH[0] else None,
        pixelated=sheet.width < WIDTH[1],
        alt=_("All feature maps of {layer}", layer=found.layer),
        height=sheet.height,
    )
    st.caption("  \n".join(map(plain, about)))
    _downloads(chosen, loaded, found, sheet.png, about)
    return None if clicked is None else int(shown[clicked])


def has_own_ranges(found: Activations, look: Mapping[str, str]) -> bool:
    """Whether every map has a colour scale of its own; a single value has none."""
    return look["range"] == "own" and found.shape[1:] != (1, 1)


def _choose_page(found: Activations, by: str, order: np.ndarray, opened: Opened | None) -> tuple[int, int]:
    """Which page of maps is shown, at first the enlarged map's, and how many maps are on a page."""
    fewest = ON_A_PAGE.values[0]
    if len(order) <= fewest:
        return 0, fewest
    row = st.container(horizontal=True, gap="medium")
    count = ask_one(row, ON_A_PAGE)
    pages = -(-len(order) // count)
    if pages == 1:
        return 0, count
    names = {i: f"{i * count + 1}–{min((i + 1) * count, len(order))}" for i in range(pages)}
    first = int(np.flatnonzero(order == opened.channel)[0]) // count if opened else 0
    number = ask_one(row, Choice("page", Phrase("Page"), names, first), of=f"{found.layer} {by} {count}")
    return number, count


def _label(loaded: Loaded, found: Activations, channel: int) -> str:
    """What a tile says when it is pointed at."""
    name = _("feature map {channel}", channel=channel)
    if loaded.categories and found.shape == (len(loaded.categories), 1, 1):
        name += f" · {loaded.categories[channel]}"
    highest = significant(found.maximum[channel])
    if found.shape[1:] == (1, 1):
        return f"{name}: {highest}"
    return "\n".join(
        [
            name,
            _("maximum {maximum} · mean {mean}", maximum=highest, mean=significant(found.mean[channel])),
            f"{zeros_in_words(found)} {percent(found.silent[channel], 0)}",
        ]
    )


def zeros_in_words(found: Activations) -> str:
    """What the share of silent values is called: after a ReLU they are zeros."""
    return _("share of values ≤ 0") if found.has_sign else _("share of zeros")


def _about(chosen: Selection, loaded: Loaded, found: Activations, by: str, own: bool, shown: int) -> list[str]:
    """All that the sheet must say where it stands alone."""
    orders = {
        "index": _("ordered by number"),
        "maximum": _("largest maximum first"),
        "mean": _("largest mean first"),
        "silent": _("largest share of values ≤ 0 first"),
    }
    k, h, w = found.shape
    lines = [
        f"{network_in_words(loaded)} · {name_of(chosen.picture)} · {found.layer}",
        _("{shown} of {all} feature maps of {h}×{w}, {order}.", shown=shown, all=k, h=h, w=w, order=orders[by])
        + " "
        + scale_in_words(found.has_sign, None if own else found.limit),
    ]
    if found.reduced > 1:
        lines.append(_("Each pixel of a tile is the mean of {n}×{n} positions.", n=found.reduced))
    return lines


def _downloads(chosen: Selection, loaded: Loaded, found: Activations, sheet: bytes, about: list[str]) -> None:
    """The sheet with its caption, and what is counted of every map; what it is of stands in every row."""
    name, row = f"{chosen.network}-{found.layer}-activations", st.container(horizontal=True)
    download(
        row,
        _("This sheet (PNG)"),
        lambda: captioned(np.asarray(Image.open(io.BytesIO(sheet)).convert("RGBA")), about),
        f"{name}.png",
        "sheet png",
    )
    picture = f"{chosen.picture.name} {chosen.picture.sha256[:8]}"
    of = {"network": chosen.network, "weights": loaded.weights.identity, "picture": picture, "layer": found.layer}
    download(
        row,
        _("All maps as a table (CSV)"),
        lambda: table({**of, **numbers} for numbers in rows(found)),
        f"{name}.csv",
        "sheet csv",
        icon=":material/table:",
    )
