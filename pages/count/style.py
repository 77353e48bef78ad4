"""How numbers are written and charts are saved, on every page that counts."""

from dataclasses import dataclass

from pages.common.session import from_link
from pages.common.text import _
from pages.common.widgets import choice
from vis.figures.numbers import grouped, short


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

    @property
    def of_link(self) -> str | None:
        """What the address says of it."""
        return "short" if self.is_short else None


def chosen_style(place) -> Style:
    """What is chosen in two switches, which this draws; the same for all these pages.

    Args:
        place: a container, or `st`.
    """
    numbers = {"all": "120,422,400", "short": "120.4 M"}
    digits = choice(place, _("Numbers"), numbers, from_link("numbers", "all", numbers), "digits")
    files = {"svg": "SVG", "png": "PNG"}
    return Style(digits == "short", choice(place, _("Charts are saved as"), files, "svg", "saved as"))
