"""How numbers are written, layers are called, and charts are drawn and saved, on every page that counts."""

from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go

from models.options import Choice, Phrase
from pages.common import panels, words
from pages.common.asking import ask
from pages.common.text import _, spoken
from vis.figures.numbers import grouped, short

NUMBERS = Choice("numbers", Phrase("Number format"), {"all": Phrase("120,422,400"), "short": Phrase("120.4 M")})
CHARTS = Choice("charts", Phrase("Save charts as"), {"svg": "SVG", "png": "PNG"})
KINDS = words.KINDS | {
    "pointwise": Phrase("pointwise 1×1"),
    "max pool": Phrase("max pool"),
    "average pool": Phrase("average pool"),
    "global pool": Phrase("global average pool"),
    "shuffle": Phrase("channel shuffle"),
    "relu": Phrase("ReLU"),
}


@dataclass(frozen=True)
class Style:
    is_short: bool  # 120.4 M for 120,422,400
    file: str  # "svg" or "png"

    def number(self, number: int) -> str:
        return short(number, 4) if self.is_short else grouped(number)

    def draw_chart(self, chart: go.Figure, key: str, file: str, alt: str) -> None:
        """A chart that saves itself under this name; `alt` is for those who do not see it."""
        saved = {"format": self.file, "filename": f"convscope-{file}", "scale": 2}
        panels.chart(chart, key, alt, {"toImageButtonOptions": saved})


def chosen_style(place) -> Style:
    """What is chosen in two switches, which this draws behind a button; the same for all these pages.

    Args:
        place: a container, or `st`.
    """
    chosen = ask(place.popover(_("Number format, file type"), icon=":material/tune:"), NUMBERS, CHARTS, page="count")
    return Style(chosen["numbers"] == "short", chosen["charts"])


def draw_number(place, label: str, value: str, beside: str | None = None) -> None:
    """A number in large type below what it is, and in grey what is to be said of it."""
    place.metric(label, value, beside, delta_color="off", delta_arrow="off")


def kind_names(kinds: Iterable[str] = KINDS) -> dict[str, str]:
    """What kinds of layers are called."""
    return {kind: spoken(KINDS[kind]) for kind in kinds}
