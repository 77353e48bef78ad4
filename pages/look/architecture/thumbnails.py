"""What the boxes of layer graphs show of the picture: found in one pass, packed for the canvas, and said in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from models import Loaded
from models.refusals import Refused
from pages.common import cache
from pages.common.cache import Built, Thumbnails
from pages.common.session import MOST_FILES, Selection, keep_among, kept
from pages.common.text import _, plain
from pages.common.widgets import opened, say, say_if_on_cpu, warning_of
from pages.common.words import name_of, network_in_words, scale_in_words, unit_in_words
from pages.look.architecture.view import selection_of
from vis.figures.numbers import significant, sizes

FOUND = "thumbnails"  # under which name the session keeps of which graphs there are some


@dataclass(frozen=True, eq=False)
class InBoxes:
    """What the boxes of one layer graph show."""

    built: Built
    chosen: Selection
    loaded: Loaded
    found: Thumbnails
    shown: Mapping[str, str]  # by box, the operation whose map that is

    @property
    def seen(self) -> str:
        """The picture in words, with its size."""
        return f"{name_of(self.chosen.picture)}, {sizes([self.built.side] * 2)}"

    def picture(self, box: str) -> bytes | None:
        """A PNG for a box; None for one without maps."""
        shown = self.shown.get(box)
        return self.found.maps[shown].png if shown in self.found.maps else self.found.picture if shown else None

    def words(self, box: str) -> str:
        """What is to be read of the picture in a box, in lines; nothing of one that has none."""
        shown = self.shown.get(box)
        if shown is None:
            return ""
        if shown not in self.found.maps:
            side, name = self.built.side, name_of(self.chosen.picture)
            return _(
                "{picture}, as the network sees it: {width}×{height} pixels", picture=name, width=side, height=side
            )
        found = self.found.maps[shown]
        least, most = significant(found.lowest), significant(found.unit.activation)
        scale = scale_in_words(found.has_sign, found.limit, of_all=False)
        lines = [
            _("Strongest map of {layer}: {unit}", layer=shown, unit=unit_in_words(found.unit)),
            f"{_('Its values: {least} to {most}.', least=least, most=most)} {scale}",
        ]
        if found.reduced > 1:
            lines.append(_("Each pixel is the mean of {n}×{n} positions.", n=found.reduced))
        return "\n".join(filter(None, [*lines, warning_of(self.loaded)]))

    @property
    def about(self) -> list[str]:
        """All that a drawing with these pictures must say of them."""
        whose = f"{network_in_words(self.loaded)} · {self.seen}"
        return [f"{_('Maps in the boxes')}: {whose}", *explained()]


def explained() -> list[str]:
    """How the pictures in boxes are to be read."""
    return [
        _("Each box shows its layer's map with the highest activation; a closed block, that of its last layer."),
        _("Each map has its own range: from 0, dark, to bright; grey is 0 where the layer has negative values."),
    ]


def in_boxes(shown: Mapping[str, Built]) -> dict[str, InBoxes]:
    """By place, what has been found of the graphs; it says where weights are random, and what cannot be shown."""
    seen = {}
    if any(built.options for built in shown.values()):
        st.caption(_("Filters and activation maps are shown only with the network's default options."))
    for place, built in shown.items():
        if _key(built) not in kept(FOUND, dict):
            continue
        try:
            chosen, loaded = opened(selection_of(built.network))
            found = cache.thumbnails(chosen, built)
        except Refused as refusal:
            say(refusal)
            continue
        say_if_on_cpu(found.on_cpu)
        seen[place] = InBoxes(built, chosen, loaded, found, cache.pictured(built))
    return seen


def find_missing(shown: Iterable[Built]) -> None:
    """Shows the picture to the networks that have not seen it yet, and then has the page drawn again."""
    is_new = False
    for built in shown:
        if built.options or _key(built) in kept(FOUND, dict):
            continue
        try:
            chosen, _loaded = opened(selection_of(built.network))
            with st.spinner(_("Showing the picture to the network …"), show_time=True):
                cache.thumbnails(chosen, built)
        except Refused as refusal:
            say(refusal)
            continue
        keep_among(FOUND, _key(built), True, most=2 * MOST_FILES)
        is_new = True
    if is_new:
        st.rerun()


def legend(seen: Mapping[str, InBoxes]) -> None:
    """What the boxes show, below the graphs."""
    if seen:
        pictures = dict.fromkeys(plain(one.seen) for one in seen.values())
        st.caption(f"**{_('Maps in the boxes')}** · {', '.join(pictures)}  \n{' '.join(explained())}")


def _key(built: Built) -> tuple[Built, Selection]:
    return built, selection_of(built.network)
