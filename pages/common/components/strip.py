"""A photograph, and beside it one unit of each of some layers: what it saw, and which part of the photograph it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.images import data_uri
from pages.common.components import component
from pages.common.session import value_of
from vis.figures.numbers import percent

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7")  # Okabe & Ito 2008: told apart by all eyes

_strip = component("strip")


@dataclass(frozen=True)
class UnitTile:
    """One unit; its pictures as PNG, and its box in shares of the photograph's sides."""

    title: str
    note: str
    saw: bytes
    part: bytes
    box: tuple[float, float, float, float]  # top, left, bottom, right, 0 to 1

    @property
    def words(self) -> str:
        return f"{self.title}: {self.note}"


@dataclass(frozen=True)
class Answer:
    """What the network takes the photograph for: its classes with their probabilities; or why it says nothing."""

    title: str
    classes: Sequence[tuple[str, float]] = ()
    words: str = ""
    known: str = ""  # to be said before


def strip(
    photograph: bytes,
    tiles: Sequence[UnitTile],
    key: str,
    *,
    alt: str,
    note: str = "",
    answer: Answer | None = None,
    on_click: Callable[[int], None],
) -> None:
    """Draws the photograph with the boxes of all tiles on it, and the tiles beside it; on a phone around it.

    Args:
        photograph: a PNG.
        key: identifies it on its page.
        alt: what the photograph shows, for those who do not see it.
        note: stands below the photograph.
        answer: stands after the tiles.
        on_click: is called with the place of the tile that was clicked, before the script runs again.

    Raises:
        ValueError: for more tiles than colours, or a box that is not on the photograph.
    """
    if len(tiles) > len(COLOURS):
        raise ValueError(f"Strip {key!r} has {len(tiles)} tiles; there are {len(COLOURS)} colours.")
    for tile in tiles:
        top, left, bottom, right = tile.box
        if not (0 <= top <= bottom <= 1 and 0 <= left <= right <= 1):
            raise ValueError(f"The box {tile.box} of {tile.title!r} is not on the photograph.")
    data = {
        "photograph": data_uri(photograph),
        "alt": alt,
        "note": note,
        "tiles": [
            {
                "title": tile.title,
                "note": tile.note,
                "words": tile.words,
                "saw": data_uri(tile.saw),
                "part": data_uri(tile.part),
                "box": tile.box,
                "colour": colour,
            }
            for tile, colour in zip(tiles, COLOURS, strict=False)
        ],
        "answer": answer
        and {
            "title": answer.title,
            "words": answer.words,
            "known": answer.known,
            "classes": [
                {"name": name, "share": float(share), "percent": percent(share)} for name, share in answer.classes
            ],
        },
    }

    def act() -> None:
        place = getattr(value_of(key), "clicked", None)
        if type(place) is int and 0 <= place < len(tiles):  # it comes from a browser
            on_click(place)

    _strip(key=key, data=data, on_clicked_change=act)
