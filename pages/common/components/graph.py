"""The drawing of a layer graph, to be moved about, opened and pointed at."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from models.images import data_uri
from pages.common.components import component
from pages.common.session import value_of

WORDS = ("canvas", "hint", "zoom_in", "zoom_out", "fit", "full", "open", "close", "overview", "note", "shrink")
ASPECTS = 0.3, 4.0  # of canvases, width by height, that a drawing may be asked for

_graph = component("graph", "keeping")
_foresight = component("foresight")


@dataclass(frozen=True)
class Action:
    """What a visitor asked for: to select a box (None: to select none), to open a block or close it, to close the
    innermost blocks; or, by the browser itself, a drawing for a canvas of another shape.
    """

    kind: Literal["select", "toggle", "shrink", "shape"]
    id: str | None = None
    aspect: float | None = None  # of the canvas, width by height


def layer_canvas(
    drawing: Mapping[str, Any],
    key: str,
    *,
    mode: Literal["kind", "value"],
    selected: str | None,
    words: Mapping[str, str],
    height: str = "640px",
    aspect: float | None = None,
    together: str = "",
    on_action: Callable[[Action], None],
) -> None:
    """Draws the canvas.

    Zoom and place stay from run to run. A block that is opened fills the view, and the one around it when it is closed.

    Args:
        drawing: `width` and `height`; `boxes`, a block before what stands in it; `lines` between them; and `header`,
            the height of an open block's header (30). A box has an `id`, its place `x`, `y`, `width`, `height`, what
            is written on it, `title`, `subtitle` and `note`, and in its tooltip, `label`. It may be `openable`, and
            `open`; `count` > 1 makes it a stack. `fill` and `ink` are its colours, each ("#…", "#…") for the light and
            the dark theme, and `frame` that of a thick edge. `twin` is the id of its like on the canvas that moves
            together with this one. With `room`, the side of a square, its texts leave place for a picture at its left;
            `picture` is that, a PNG file, if it is there yet, and `about` what is to be read of it. A line has
            `source`, `target`, its `points` [(x, y), …], and may be `implied`, which is drawn only while one of its
            ends is pointed at or selected. A `legend`, [(text, fill), …] or [(text, fill, frame), …], stands below.
        key: identifies the canvas on its page. Another network is another canvas, and begins with all of it.
        mode: with "value", boxes whose `value` is None are hatched, as not counted.
        selected: the box with a ring; brought into view when it was selected elsewhere. An id without a box is none.
        words: what the canvas says itself, see `WORDS`. `hint` tells those who do not see it about its keys; `note`,
            with {size} in pixels and {count} boxes, is said where the names on most of them are too small to be read.
        height: in CSS.
        aspect: of the canvas that the drawing was made for; another shape of it asks for another drawing.
        together: canvases of the same group move and zoom together.
        on_action: is called with what was asked for before the script runs again, so that what it changes is drawn in
            that run.

    Raises:
        ValueError: if a word is missing, or a number of the drawing is none that can be drawn.
    """
    if missing := [word for word in WORDS if word not in words]:
        raise ValueError(f"Canvas {key!r} lacks the words {', '.join(missing)}.")
    data = {
        **_packed(drawing, mode),
        "name": key,
        "selected": selected,
        "words": {word: words[word] for word in WORDS},
        "height": height,
        "aspect": aspect,
        "together": together,
    }
    ids = frozenset(box["id"] for box in drawing["boxes"])

    def act() -> None:
        action = _action(value_of(key).asked, ids)
        if action is not None:
            on_action(action)

    _graph(key=key, data=data, on_asked_change=act)


def foresee(canvas: str, opened: Collection[str], drawings: Mapping[str, Mapping[str, Any]], *, mode: str) -> None:
    """Sends what a canvas will look like when a block is opened or closed, so that it can draw that at once.

    Nothing waits for it: it is sent after the canvas, which asks Python all the same and draws what that says.

    Args:
        canvas: its key.
        opened: the blocks that are open on it now.
        drawings: of blocks of the canvas, by id, each as `layer_canvas` would take it then.
        mode: as of the canvas.
    """
    packed = {block: _packed(drawing, mode) for block, drawing in drawings.items()}
    _foresight(key="foresight", data={"canvas": canvas, "opened": sorted(opened), "drawings": packed}, height=1)


def _packed(drawing: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """The drawing as columns, which weigh half of what rows do: names once, colours once, coordinates to a tenth."""
    boxes, lines = drawing["boxes"], drawing["lines"]
    place = {box["id"]: number for number, box in enumerate(boxes)}
    looks = [_look(box, mode) for box in boxes]
    pictures = {}
    if any(box.get("room") for box in boxes):
        files = [box.get("picture") for box in boxes]
        pictures = {
            "room": [_tenths(box.get("room", 0)) for box in boxes],
            "picture": [file and data_uri(file) for file in files],
        }
    known = {look: number for number, look in enumerate(dict.fromkeys(looks))}
    return {
        "size": [_tenths(drawing["width"]), _tenths(drawing["height"])],
        "header": _tenths(drawing.get("header", 30)),
        "looks": list(known),
        "legend": [[text, *fill, *frame] for text, fill, *frame in drawing.get("legend", ())],
        "boxes": {
            "id": [box["id"] for box in boxes],
            "corner": [[_tenths(box[side]) for side in ("x", "y", "width", "height")] for box in boxes],
            "texts": [[box["title"], box.get("subtitle", ""), box.get("note", "")] for box in boxes],
            "label": ["\n".join(filter(None, (box.get("label", box["title"]), box.get("about")))) for box in boxes],
            "state": [_state(box) for box in boxes],
            "count": [int(box.get("count", 1)) for box in boxes],
            "look": [known[look] for look in looks],
            "twin": [box.get("twin") for box in boxes],
            **pictures,
        },
        "lines": {
            "ends": [[place.get(line["source"], -1), place.get(line["target"], -1)] for line in lines],
            "points": [[_tenths(number) for point in line["points"] for number in point] for line in lines],
            "implied": [number for number, line in enumerate(lines) if line.get("implied")],
        },
    }


def _state(box: Mapping[str, Any]) -> int:
    """0: cannot be opened; 1: closed; 2: open."""
    return 0 if not box.get("openable") and not box.get("open") else 2 if box.get("open") else 1


def _look(box: Mapping[str, Any], mode: str) -> tuple[str | bool | None, ...]:
    """Fill in the light and the dark theme, ink in both, None for the page's own; whether it is hatched; its edge."""
    fill, ink = box.get("fill") or (None, None), box.get("ink") or (None, None)
    return (*fill, *ink, mode == "value" and box.get("value") is None, box.get("frame"))


def _tenths(number: float) -> float:
    """Rounded, and a number that JSON knows: no NumPy's, and not infinite, for which the canvas would stay empty."""
    if not math.isfinite(number):
        raise ValueError(f"{number} is no place in a drawing.")
    return round(float(number), 1)


def _action(asked: Any, ids: Collection[str]) -> Action | None:
    """What came from a browser, if it can have come from this canvas."""
    if not isinstance(asked, Mapping):
        return None
    kind, box = asked.get("kind"), asked.get("id")
    known = isinstance(box, str) and box in ids
    if (kind == "select" and (known or box is None)) or (kind == "toggle" and known):
        return Action(kind, box)
    if kind == "shrink":
        return Action(kind)
    if kind == "shape" and isinstance(box, int | float) and math.isfinite(box):
        return Action(kind, aspect=round(min(max(float(box), ASPECTS[0]), ASPECTS[1]), 1))
    return None
