"""What can be set of a stack of layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from models.options import Choice, Number, Option, Phrase, Switch
from pages.common.asking import ask_one
from pages.common.text import spoken
from vis.concepts.activation import ACTIVATIONS
from vis.concepts.depth import Stack

KINDS = {"plain": Phrase("plain"), "residual": Phrase("with shortcuts")}
FUNCTIONS = {name: ACTIVATIONS[name].title for name in ("relu", "tanh", "sigmoid")}
STARTS = {
    "small": Phrase("too small"),
    "xavier": "Xavier",
    "he": "He",
    "large": Phrase("too large"),
}
GRADIENTS = {"signals": Phrase("outputs"), "weights": Phrase("weights")}


def options(prefix: str, start: str, is_normed: bool) -> tuple[Option, ...]:
    """What is asked for, with the usual start and norm of one part of the page."""
    return (
        Choice(f"{prefix}function", Phrase("Activation function"), FUNCTIONS),
        Choice(f"{prefix}start", Phrase("Start of the weights"), STARTS, start),
        Choice(f"{prefix}gradient", Phrase("Gradient of the"), GRADIENTS),
        Switch(f"{prefix}norm", Phrase("Batch norm"), is_normed),
        Number(f"{prefix}seed", Phrase("Seed"), 1, 1, 999),
    )


@dataclass(frozen=True)
class Settings:
    """Both stacks, whatever their depth; and which gradients are shown of them."""

    activation: str
    start: str
    is_normed: bool
    seed: int
    gradient: str

    def stacks(self, depth: int) -> list[Stack]:
        """The plain stack and the one with shortcuts."""
        return [Stack(depth, kind, self.activation, self.start, self.is_normed) for kind in KINDS]


def ask_settings(key: str, asked: tuple[Option, ...], *further: Option) -> tuple[Settings, Mapping[str, Any]]:
    """What was chosen of these options, and of further ones, by their names.

    Args:
        key: identifies the row on its page.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=f"row of {key}"):
        function, start, gradient, is_normed = (ask_one(st, option) for option in asked[:-1])
        seed = ask_one(st, asked[-1], width=125)
        others = {option.name: ask_one(st, option, width=260) for option in further}
    return Settings(function, start, is_normed, seed, gradient), others


def names() -> list[str]:
    """What both stacks are called."""
    return [*map(spoken, KINDS.values())]
