"""What blocks cost over a range of one of their numbers: a drag of that number changes none of it."""

from collections.abc import Mapping

import streamlit as st

from vis.cost import relatives


@st.cache_data(max_entries=512, show_spinner=False)
def costs_along(
    relative: str, name: str, values: list[int], others: Mapping[str, int], quantity: str
) -> list[list[int | None]]:
    """As `vis.cost.relatives.costs_along`, of one of its relatives."""
    return relatives.costs_along(relatives.RELATIVES[relative], name, values, others, quantity)
