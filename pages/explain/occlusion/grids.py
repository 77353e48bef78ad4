"""The four pictures of figure 7, each a grid of places that can be clicked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from models import Loaded
from models.images import png
from pages.common import cache
from pages.common.export import download, table
from pages.common.panels import picture_file, small_tiles, tiles
from pages.common.session import Selection
from pages.common.text import _, plain
from pages.common.widgets import honest_png
from pages.common.words import fidelity_in_words, grey_in_words, name_of, network_in_words
from pages.explain.classes import class_name
from vis.deconvnet import Box
from vis.figures.attribution import classes_over, colours_of
from vis.figures.numbers import percent, significant
from vis.figures.pictures import heat, signed
from vis.responses import limit_of

SIDE = 224  # pixels of a grid's picture, at least
UNKNOWN = (200, 200, 200)


def draw(
    loaded: Loaded,
    pixels: np.ndarray,
    known: cache.Grids,
    layer: str,
    name: str,
    place: tuple[int, int] | None = None,
    may_be_clicked: bool = False,
) -> tuple[int, int] | None:
    """The picture and the four; what comes back is the place that was clicked.

    Args:
        pixels: of the picture as the network classifies it.
        layer: whose strongest map is followed.
        name: of the class.
        place: that is looked at.
    """
    picture, *places = small_tiles("figure 7", 5)
    clicked = None
    with picture:
        st.markdown(f"**{_('The picture')}**")
        if may_be_clicked:
            words = [place_in_words(box) for row in known.boxes for box in row]
            clicked = _clicked(pixels, len(known.boxes[0]), _("The picture"), labels=words, pixelated=False)
        else:
            st.image(png(pixels), width="stretch", alt=_("The picture"))
    best, probability = class_name(loaded, known.before.best), percent(known.before.best_probability)
    as_it_is = _("as it is: {name} {probability}", name=best, probability=probability)
    picture.caption(plain(as_it_is))
    shown = [
        (
            _("Sum of the strongest map"),
            with_unknown(_cells(known.activation), known),
            activation_in_words(known, None),
            [significant(float(value)) for value in known.activation.ravel()],
        ),
        (
            _("Probability: {name}", name=name),
            with_unknown(heat(np.nan_to_num(known.probability), 1.0), known),
            _("dark is 0 %, bright 100 %; as it is {probability}", probability=percent(known.before.probability)),
            [percent(float(value)) for value in known.probability.ravel()],
        ),
        (
            _("Most probable class"),
            with_unknown(classes_over(known.best), known),
            None,
            [class_name(loaded, value) if value >= 0 else "" for value in known.best.ravel().tolist()],
        ),
    ]
    for (title, cells, words, labels), where in zip(shown, (places[0], places[2], places[3]), strict=True):
        with where:
            st.markdown(f"**{plain(title)}**")
            if may_be_clicked:
                found = _grid(loaded, cells, known, title, labels, place)
                clicked = found if found is not None else clicked
            else:
                st.image(honest_png(loaded, _enlarged(cells)), width="stretch", alt=title)
            if words:
                st.caption(plain(words))
            else:
                st.markdown(_legend(loaded, known))  # a caption would make its colours pale
    with places[1]:
        projection = known.projection
        st.markdown(f"**{_('What that map saw')}**")
        saw = signed(projection.on_canvas().numpy(), limit_of(projection.pixels))
        st.image(honest_png(loaded, saw), width="stretch", alt=_("What that map saw"))
        st.caption(f"deconvnet {fidelity_in_words(projection.fidelity)} · {plain(layer)}")
    return clicked


def with_unknown(pixels: np.ndarray, known: cache.Grids) -> np.ndarray:
    """The pixels (rows, columns, 3) of a grid, grey where nothing is known yet."""
    return np.where((known.best >= 0)[..., None], pixels, np.array(UNKNOWN, np.uint8))


def place_in_words(box: Box) -> str:
    """The pixels under the square."""
    return _(
        "rows {top}–{bottom}, columns {left}–{right}",
        top=box.top,
        bottom=box.bottom - 1,
        left=box.left,
        right=box.right - 1,
    )


def activation_in_words(known: cache.Grids, value: float | None) -> str:
    """The sum of the map that is followed, there and for the picture as it is; or what its colours mean."""
    before = significant(known.before.activation)
    if value is not None:
        words = _("map {channel}: sum {value}; as it is {before}")
        return words.format(channel=known.channel, value=significant(value), before=before)
    largest = _largest(known.activation)
    if _has_sign(known.activation):
        colours = grey_in_words(largest)
        return _("map {channel}, as it is {before}. {colours}", channel=known.channel, before=before, colours=colours)
    words = _("map {channel}: dark is 0, bright {largest}; as it is {before}")
    return words.format(channel=known.channel, largest=significant(largest), before=before)


def _has_sign(values: np.ndarray) -> bool:
    return bool((np.nan_to_num(values) < 0).any())


def _cells(values: np.ndarray) -> np.ndarray:
    """The values (rows, columns) as pixels: grey is 0 where some are negative, else dark."""
    known = np.nan_to_num(values)
    return signed(known[None], _largest(values)) if _has_sign(values) else heat(known, _largest(values))


def _enlarged(cells: np.ndarray) -> np.ndarray:
    times = -(-SIDE // max(cells.shape[:2]))
    return cells.repeat(times, 0).repeat(times, 1)


def _largest(values: np.ndarray) -> float:
    """The largest absolute value that is known."""
    return float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0


def _grid(
    loaded: Loaded,
    cells: np.ndarray,
    known: cache.Grids,
    title: str,
    labels: Sequence[str],
    place: tuple[int, int] | None,
) -> tuple[int, int] | None:
    boxes = [box for row in known.boxes for box in row]
    words = [f"{place_in_words(box)}\n{label}" if label else "" for box, label in zip(boxes, labels, strict=True)]
    return _clicked(_enlarged(cells), cells.shape[1], title, place, labels=words, loaded=loaded)


def _clicked(
    pixels: np.ndarray, columns: int, title: str, place: tuple[int, int] | None = None, **look: Any
) -> tuple[int, int] | None:
    """The place that was clicked in a picture of so many columns of places; `place` has a ring."""
    selected = place[0] * columns + place[1] if place else None
    clicked = tiles(pixels, columns, title, selected=selected, alt=title, **look)
    return None if clicked is None else divmod(clicked, columns)


def _legend(loaded: Loaded, known: cache.Grids) -> str:
    """The colours of the classes and how many places each has, Markdown."""
    colours = colours_of(known.best)
    own = {number: name for number, name in colours.items() if name != "gray"}
    badges = [
        f":{name}-badge[{plain(class_name(loaded, number))} · {int((known.best == number).sum())}]"
        for number, name in own.items()
    ]
    rest = sum(int((known.best == number).sum()) for number in colours if number not in own)
    return " ".join([*badges, *([f":gray-badge[{_('others')} · {rest}]"] if rest else [])])


# Files ------------------------------------------------------------------------------------------------------------


def offer(
    chosen: Selection, loaded: Loaded, known: cache.Grids, target: int, layer: str, square: tuple[int, int]
) -> None:
    """Buttons for the pictures and for the numbers.

    Args:
        square: its side and its stride, in pixels.
    """
    row = st.container(horizontal=True, gap="small")
    name, (size, stride) = class_name(loaded, target), square
    lines = [
        f"{network_in_words(loaded)} · {name_of(chosen.picture)} · {name}",
        _("A grey square of {size} pixels, {stride} from one place to the next.", size=size, stride=stride),
        f"{_('left')}: {_('Sum of the strongest map')}, {layer}: {activation_in_words(known, None)}",
        f"{_('right')}: {_('Probability: {name}', name=name)}: {_('dark is 0 %, bright 100 %')}",
    ]
    file = f"{chosen.network}-occlusion"
    pixels = np.concatenate([_edged(_cells(known.activation)), _edged(heat(known.probability, 1.0))], 1)
    picture_file(row, pixels, lines, f"{file}.png", "occlusion png", loaded=loaded)
    rows = rows_of(chosen, loaded, known, target, layer)
    download(row, _("As a table (CSV)"), lambda: table(rows), f"{file}.csv", "occlusion csv")


def _edged(cells: np.ndarray) -> np.ndarray:
    return np.pad(_enlarged(cells), ((0, 0), (0, 8), (0, 0)), constant_values=255)


def rows_of(chosen: Selection, loaded: Loaded, known: cache.Grids, target: int, layer: str) -> list[dict[str, object]]:
    """Every place of the square, as a row of a table."""
    return [
        {
            "network": chosen.network,
            "picture": chosen.picture.name,
            "class": class_name(loaded, target),
            "layer": layer,
            "map": known.channel,
            **{side: getattr(box, side) for side in ("top", "left", "bottom", "right")},
            "sum_of_the_map": float(known.activation[row, column]),
            "probability": float(known.probability[row, column]),
            "most_probable": class_name(loaded, int(known.best[row, column])),
        }
        for row, boxes in enumerate(known.boxes)
        for column, box in enumerate(boxes)
    ]
