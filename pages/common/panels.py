"""Shapes that pages have in common: a close-up, a picture with its words, tiles to be clicked, figures, a long text."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from models.images import png
from pages.common import address
from pages.common.asking import fragment
from pages.common.components.drawer import drawer
from pages.common.components.grid import clickable_grid
from pages.common.components.reveal import reveal
from pages.common.export import download
from pages.common.session import kept
from pages.common.text import _, bare, plain, prose
from pages.common.widgets import honest_png, warning_of
from vis.cost.layer import typeset
from vis.figures.numbers import grouped, marks
from vis.figures.pictures import captioned

TO_DRAW = 0.7  # seconds in which a browser draws a first screen

# Room and time ----------------------------------------------------------------------------------------------------


def let_it_be_drawn() -> None:
    """Gives the browser time for what stands above, when a visitor comes to a page for the first time.

    With all that stands below sent at once, a chart above all, it would show the first screen a second later.
    """
    visited = kept("pages drawn", set)
    if address.drawn() not in visited:
        visited.add(address.drawn())
        time.sleep(TO_DRAW)


def row_that_wraps(key: str, count: int) -> list[DeltaGenerator]:
    """Containers of equal width, as many in a line as have 400 pixels each; their look is in `arrival.css`.

    Args:
        key: identifies the row on its page.
    """
    row = st.container(horizontal=True, gap="medium", key=f"row {key}")
    return [row.container(key=f"part {n} of row {key}") for n in range(count)]


def small_tiles(key: str, count: int) -> list[DeltaGenerator]:
    """Containers of equal width for small pictures: two in a line on a telephone, as many as have 180 pixels elsewhere.

    Args:
        key: identifies them on their page.
    """
    row = st.container(horizontal=True, gap="small", key=f"tiles {key}")
    return [row.container(key=f"tile {n} of {key}", gap="xsmall") for n in range(count)]


# Words and numbers ------------------------------------------------------------------------------------------------


@fragment
def folded(title: str, icon: str, name: str, draw: Callable[[], None]) -> None:
    """A part of a page that is folded up under its title, and drawn when a visitor opens it.

    Until then the browser has nothing to do for it: Python in colours alone costs it a program for two hundred
    languages, while the first screen waits.

    Args:
        name: identifies it on its page.
    """
    part = st.expander(title, icon=f":material/{icon}:", key=f"open {name}", on_change="rerun")
    if part.open:
        with part:
            draw()


def reading(title: str, texts: Path, name: str) -> None:
    """A long text, folded up under its title."""
    with st.expander(title, icon=":material/menu_book:"):
        st.markdown(prose(texts, name))


def bullets(lines: Iterable[str]) -> None:
    """Lines of Markdown as a list."""
    st.markdown("\n".join(f"* {line}" for line in lines))


def formula(symbols: str, numbers: str, value: int | str) -> str:
    """How a number comes about, Markdown: its formula, the same with numbers put in, and what comes out."""
    return f"${typeset(symbols)}$ = {numbers} = **{value if isinstance(value, str) else grouped(value)}**"


def figures(shown: Sequence[tuple[str, ...]]) -> None:
    """A row of numbers, each below what it is, and above what else is to be said of it; it wraps where it is narrow."""
    row = st.container(horizontal=True, gap="medium")
    for words, value, *further in shown:
        row.markdown("  \n".join([f":gray[:small[{words}]]", f"**{value}**", *further]), width="content")


def numbers(columns: Sequence[str], rows: Sequence[Sequence[object]], **look: Any) -> None:
    """A table to be read; `look` as of `st.dataframe`."""
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, **look)


def wrapped(columns: Sequence[str], rows: Sequence[Sequence[str]], key: str) -> None:
    """A table of few rows whose texts wrap, so that all of it is seen on a telephone.

    Args:
        key: identifies it on its page.
    """
    with st.container(key=f"wrapped {key}"):
        st.table(pd.DataFrame([[*map(plain, row)] for row in rows], columns=[*map(plain, columns)]), hide_index=True)


# Pictures ---------------------------------------------------------------------------------------------------------


def chart(
    figure: go.Figure | dict[str, Any], key: str, alt: str, config: Mapping[str, Any] | None = None, **look: Any
) -> None:
    """A chart whose numbers are written as the page's.

    Args:
        alt: what it shows, for those who do not see it.
        config: of Plotly, beside what all charts have.
        look: as of `st.plotly_chart`.
    """
    figure = go.Figure(figure) if isinstance(figure, dict) else figure
    figure.layout.separators = marks().separators
    st.plotly_chart(figure, key=key, config={"displaylogo": False, **(config or {})}, alt=alt, **look)


def picture(
    title: str, pixels: np.ndarray | bytes, *words: str, of: str = "", loaded: Loaded | None = None, place=st
) -> None:
    """A picture below its title, and below it what it shows.

    Args:
        pixels: or a file of them, which has its warning already.
        words: lines of Markdown.
        of: follows the title, Markdown.
        loaded: the network that made it, which warns below where its weights are random.
    """
    place.caption(f"**{title}**" + (f" · {of}" if of else ""))
    place.image(
        pixels if isinstance(pixels, bytes) else honest_png(loaded, pixels) if loaded else png(pixels),
        width="stretch",
        alt=bare(f"{title} · {of}" if of else title),
    )
    if words:
        place.caption("  \n".join(words))


def tiles(
    pixels: np.ndarray,
    columns: int,
    key: str,
    *,
    labels: Sequence[str] | np.ndarray | None = None,
    cells: int | None = None,
    loaded: Loaded | None = None,
    **look: Any,
) -> int | None:
    """The number of the tile that was clicked since the last run; None when none was.

    Args:
        pixels: all tiles, in rows of `columns`.
        labels, cells, look: as of `clickable_grid`; one of the two says how many tiles there are.
        loaded: as of `picture`.
    """
    sheet = honest_png(loaded, pixels) if loaded else png(pixels)
    rows = -(-(cells or np.size(labels)) // columns)
    return clickable_grid(sheet, rows, columns, key, labels=labels, cells=cells, height=len(pixels), **look)


def picture_file(
    place,
    pixels: np.ndarray | Callable[[], np.ndarray],
    lines: Sequence[str],
    file: str,
    key: str,
    *,
    label: str = "PNG",
    loaded: Loaded | None = None,
) -> None:
    """A button for a picture with these lines under it; `loaded` as of `picture`.

    Args:
        pixels: or what makes them, when the button is pressed.
    """
    warning = warning_of(loaded) if loaded else None
    download(place, label, lambda: captioned(pixels() if callable(pixels) else pixels, lines, warning), file, key)


def legend(lines: Sequence[str], pixels: np.ndarray, file: str, key: str, further: Sequence[str] = (), **look) -> None:
    """What a picture shows, and a button for the picture with these lines under it.

    Args:
        further: lines that only the file has, before the others.
        look: as of `picture_file`.
    """
    st.caption("  \n".join(map(plain, lines)))
    picture_file(st, pixels, [*further, *lines], file, key, **look)


@contextmanager
def close_up(
    title: str, what: str, close: Callable[[], None], key: str = "", is_beside: bool = False
) -> Iterator[None]:
    """A `with` that frames what is seen closely, under a title with a button that closes it.

    Args:
        what: names what is shown; below the page's other parts, another one scrolls into view.
        close: called when the button is pressed.
        key: of this close-up, where its page has several.
        is_beside: whether it stands beside what was clicked, and not below.
    """
    of = f" {key}" if key else ""
    with drawer(title) if is_beside else st.container(border=True, key=f"close-up{of}"):
        if not is_beside:
            reveal(what, key=f"reveal{of}")
        row = st.container(horizontal=True, vertical_alignment="top", wrap=False, key=f"head of close-up{of}")
        row.markdown(f"## {title}", width="stretch")
        row.button(_("Close"), icon=":material/close:", key=f"close{of}", on_click=close)
        yield
