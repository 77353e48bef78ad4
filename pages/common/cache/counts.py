"""What blocks cost over a range of one of their numbers: a drag of that number changes none of it."""

from collections.abc import Callable, Mapping

import streamlit as st

from models.refusals import Refused

Costs = list[list[int | None]]  # of every block; None where it cannot be


@st.cache_data(max_entries=512, show_spinner=False)
def costs_along(
    name: str, slider: str, values: list[int], others: Mapping[str, int], quantity: str, _blocks: Callable
) -> Costs:
    """A "macs", "weights" or "activation_bytes" of each of two blocks for every value of a slider.

    Args:
        name: of what is compared, which says what `_blocks(**numbers)` gives: a plain block and its cheap relative.
        others: the numbers that stay as they are.
    """
    found: Costs = [[], []]
    for value in values:
        try:
            costs = [getattr(block, quantity) for block in _blocks(**others, **{slider: value})]
        except Refused:
            costs = [None, None]
        for side, cost in zip(found, costs, strict=True):
            side.append(cost)
    return found
