"""How numbers are written and charts are saved, on every page that counts."""

from dataclasses import dataclass

from models.options import Choice, Phrase
from pages.common.asking import ask
from vis.figures.numbers import grouped, short

NUMBERS = Choice("numbers", Phrase("Number format"), {"all": "120,422,400", "short": "120.4 M"})
CHARTS = Choice("charts", Phrase("Save charts as"), {"svg": "SVG", "png": "PNG"})


@dataclass(frozen=True)
class Style:
    is_short: bool  # 120.4 M for 120,422,400
    file: str  # "svg" or "png"

    def number(self, number: int) -> str:
        return short(number, 4) if self.is_short else grouped(number)

    def toolbar(self, name: str) -> dict[str, object]:
        """The settings of a Plotly chart, which saves it under this name."""
        return {
            "displaylogo": False,
            "toImageButtonOptions": {"format": self.file, "filename": f"convscope-{name}", "scale": 2},
        }


def chosen_style(place) -> Style:
    """What is chosen in two switches, which this draws; the same for all these pages.

    Args:
        place: a container, or `st`.
    """
    chosen = ask(place, NUMBERS, CHARTS, page="count")
    return Style(chosen["numbers"] == "short", chosen["charts"])
