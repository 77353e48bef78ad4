"""A field to draw a digit in, and beside it what a network takes it for while one draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.digits import Strokes
from models.images import data_uri
from pages.common.components import component
from pages.common.session import value_of
from vis.figures.numbers import percent

MOST_POINTS, MOST_STROKES = 4_000, 200
FINEST = 1000  # places of a point lie between 0 and this, in both directions

_drawing = component("drawing", "reports")


@dataclass(frozen=True)
class ClassProbability:
    """How probable one class is."""

    name: str
    share: float | None  # 0 to 1; None while nothing is drawn

    @property
    def text(self) -> str:
        return "" if self.share is None else percent(self.share)


def drawing_field(
    strokes: Strokes,
    classes: Sequence[ClassProbability],
    seen: bytes,
    key: str,
    *,
    words: Mapping[str, str],
    note: str = "",
    on_drawn: Callable[[Strokes], None],
) -> Strokes | None:
    """The strokes that are to be used, where the visitor has just said so; None else.

    It belongs into a fragment, with all that depends on it: it reports a few times per second while one draws.

    Args:
        strokes: what is drawn already, when the page comes; afterwards the browser knows it better.
        classes: all of them, in their order; none where nothing can be said.
        seen: a PNG of what the network sees.
        key: identifies the field on its page.
        words: what the field says: "field", "hint", "undo", "clear", "use", "seen".
        note: stands below the classes.
        on_drawn: is called with all strokes, before the script runs again.
    """
    best = max((c for c in classes if c.share is not None), key=lambda one: one.share, default=None)
    data = {
        "strokes": strokes,
        "most": MOST_POINTS,
        "most_strokes": MOST_STROKES,
        "bars": [{"name": c.name, "share": c.share or 0, "text": c.text, "best": c is best} for c in classes],
        "answer": f"{best.name} · {best.text}" if best else "",
        "seen": data_uri(seen),
        "words": dict(words),
        "note": note,
    }

    def act() -> None:
        drawn = strokes_of(getattr(value_of(key), "drawn", None))
        if drawn is not None:
            on_drawn(drawn)

    result = _drawing(key=key, data=data, on_drawn_change=act, on_used_change=lambda: None)
    return strokes_of(result.used) or None


def strokes_of(report: Any) -> Strokes | None:
    """The strokes in what a browser sent; None where it is no such thing, or too much."""
    if not isinstance(report, list) or len(report) > MOST_STROKES:
        return None
    if not all(isinstance(stroke, list) and stroke for stroke in report):
        return None
    if sum(map(len, report)) > MOST_POINTS or not all(_is_point(point) for stroke in report for point in stroke):
        return None
    return tuple(tuple((x, y) for x, y in stroke) for stroke in report)


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(type(n) is int and 0 <= n <= FINEST for n in point)
