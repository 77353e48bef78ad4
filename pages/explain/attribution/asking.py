"""What the page asks for: the class, the methods and their options, and how their maps are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from models import Loaded
from models.options import Choice, Number, Option, Phrase, Several, Switch
from pages.common import address, cache, routes
from pages.common.asking import ask, ask_one, come_back, key_of, standing
from pages.common.session import Selection, set_to
from pages.common.text import _
from pages.explain.classes import class_name
from vis.attribution import METHODS
from vis.figures.attribution import limit_of, over, smoothed

PAGE = routes.ATTRIBUTION.name  # that keeps what is asked here
CAMS = ("grad_cam", "guided_grad_cam", "layer_cam", "score_cam")  # which look at the maps of a layer
CHEAP = ("grad_cam", "layer_cam", "guided", "deconvnet", "saliency", "input_x_gradient")

SHOWN = Several(
    "methods", Phrase("Methods"), {name: METHODS[name].title for name in dict.fromkeys((*CHEAP, *METHODS))}, CHEAP
)
SCORE = Choice(
    "score",
    Phrase("Score"),
    {"logit": Phrase("logit"), "probability": Phrase("probability")},
    help=Phrase("A probability also rises where other classes fall; where it is near 1, its gradient is near 0."),
)
RANGE = Choice(
    "range", Phrase("Colour scale"), {"own": Phrase("one per method"), "shared": Phrase("one for all")}, "own"
)
LOOK = Choice("look", Phrase("Pixels"), {"smoothed": Phrase("smoothed"), "computed": Phrase("as computed")})
STRENGTH = Number("strength", Phrase("Strength of the colours, percent"), 80, 0, 100, step=10, shown_as="slider")
NOISE = Switch("random", Phrase("Random weights beside it"))
CLOSE = Choice("closely", Phrase("Seen closely"), {None: "", **SHOWN.values}, None)


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows, and how."""

    chosen: Selection
    loaded: Loaded
    pixels: np.ndarray  # (H, W, 3), the picture as the network classifies it
    target: int | tuple[int, int]
    methods: tuple[str, ...]
    layer: str | None  # of the CAM family
    look: Mapping[str, Any]
    is_negative: bool = False  # of a network with one output: whether its “no” is explained

    def asked(self, method: str) -> cache.Asked:
        """What is asked of the cache for a method."""
        of = f"{self.side} pixels"
        options = tuple((o.name, standing(_of(method, o), PAGE, of)) for o in METHODS[method].options_for(self.side))
        is_probability = self.look["score"] == "probability"
        layer = self.layer if method in CAMS else None
        return cache.Asked(method, self.target, layer, is_probability, self.is_negative, options)

    @property
    def side(self) -> int:
        """The shorter one of the picture, in pixels; it decides what is usual."""
        return min(self.pixels.shape[:2])

    def values(self, found: cache.Explained) -> np.ndarray:
        """The map (H, W) as it is shown."""
        return smoothed(found.map) if self.look["look"] == "smoothed" else found.map

    def pixels_of(self, found: cache.Explained, limit: float) -> np.ndarray:
        """The map over the picture, (H, W, 3) uint8; at `limit` the colours are full."""
        return over(self.values(found), self.pixels, limit, self.look["strength"] / 100)

    def limits(self, maps: Mapping[str, cache.Explained]) -> dict[str, float]:
        """The value at which the colours of each map are full."""
        own = {method: limit_of(self.values(found)) for method, found in maps.items()}
        return own if self.look["range"] == "own" else dict.fromkeys(own, max(own.values(), default=0.0))

    @property
    def class_name(self) -> str:
        """The class that is explained, in words."""
        if isinstance(self.target, tuple):
            first, second = (class_name(self.loaded, number) for number in self.target)
            return _("{first} and not {second}", first=first, second=second)
        name = class_name(self.loaded, self.target)
        return _("not {name}", name=name) if self.is_negative else name


# Methods and how they are shown -----------------------------------------------------------------------------------


def ask_methods(place) -> tuple[str, ...]:
    """Which methods are shown."""
    with place.popover(_("Methods"), icon=":material/view_module:"):
        chosen = ask_one(st, SHOWN, width=440)
    if not chosen:
        address.note(methods=None)  # a link to nothing would open the usual ones, with a complaint
    return chosen


def ask_look(place, chosen: Selection, layers: Mapping[str, str]) -> tuple[str | None, dict[str, Any]]:
    """The layer of the CAM family, and how maps are shown.

    Args:
        layers: those that have positions, each with what it is called.
    """
    with place.popover(_("Layer, score, colours"), icon=":material/tune:"):
        names = {None: _("the last layer with positions"), **layers}
        option = Choice("layer", Phrase("Layer of the CAM methods"), names, None, shown_as="list")
        layer = ask_one(st, option, network=chosen.network)
        return layer, ask(st, SCORE, RANGE, LOOK, STRENGTH, NOISE)


def ask_options(place, method: str, side: int) -> None:
    """The options of a method for pictures of this side, behind a button."""
    options = METHODS[method].options_for(side)
    if options:
        with place.popover("", icon=":material/tune:", help=_("Options"), type="tertiary"):
            for option in options:
                ask_one(st, _of(method, option), of=f"{side} pixels", page=PAGE)


def seen_closely(methods: tuple[str, ...]) -> str | None:
    """The method that is open, if it is one of these."""
    come_back(CLOSE, key_of(CLOSE.name, page=PAGE))
    method = standing(CLOSE, PAGE)
    return method if method in methods else None


def see_closely(method: str | None) -> None:
    """Opens a method; None closes it."""
    set_to(key_of(CLOSE.name, page=PAGE), method)


def _of(method: str, option: Option) -> Option:
    """An option with the method in its name, for several methods may have one of that name."""
    return replace(option, name=f"{method}-{option.name}")
