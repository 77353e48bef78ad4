"""The layers of a MobileNet as a table: the paper's Table 1 with what every layer costs."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pyarrow as pa
import streamlit as st

from pages.common.text import _
from vis.cost.layer import POOLS, Layer
from vis.cost.mobilenet import MobileNet
from vis.figures.costs import COLOURS
from vis.figures.numbers import grouped, short, side, sizes

ROW, BAR = 35, 120  # pixels
EXACT = 2**53  # a browser's numbers are whole up to here


def layer_table(network: MobileNet, is_short: bool) -> None:
    """One row per layer, with a bar each for its share of the multiply-adds and of the parameters."""
    layers = list(network.layers.values())
    names = {"macs": _("MACs"), "params": _("parameters")}
    shares = {"macs": _("of all MACs"), "params": _("of all parameters")}
    cells: dict[str, list] = {
        _("layer"): list(network.layers),
        _("filter shape"): [filter_shape(each) for each in layers],
        _("stride"): [each.stride[0] if each.is_convolution else None for each in layers],
        _("input"): [sizes(each.given) for each in layers],
    }
    look: dict[str, object] = {_("layer"): st.column_config.TextColumn(width=130)}
    for quantity, name in names.items():
        columns, looks = counted(layers, quantity, getattr(network, quantity), (name, shares[quantity]), is_short)
        cells |= columns
        look |= looks
    st.dataframe(
        pa.table(cells), hide_index=True, column_config=look, height=(len(layers) + 1) * ROW + 3, placeholder="–"
    )


def counted(
    layers: Sequence[Layer], quantity: str, whole: int, names: tuple[str, str], is_short: bool
) -> tuple[dict[str, list], dict[str, object]]:
    """Two columns under these names, and their look: what every layer has, and which part that is of the whole.

    Args:
        quantity: "macs", "params" or "activation_bytes"; what is not counted has no share.
    """
    numbers = [getattr(each, quantity) for each in layers]
    parts = [None if n is None or not whole else 100 * float(Fraction(n, whole)) for n in numbers]
    as_text = is_short or max(filter(None, numbers), default=0) > EXACT
    if as_text:
        written = [None if n is None else short(n, 4) if is_short else grouped(n) for n in numbers]
    right = st.column_config.TextColumn(alignment="right")
    name, share = names
    return {name: written if as_text else numbers, share: parts}, {
        name: right if as_text else st.column_config.NumberColumn(format="%,d"),
        share: st.column_config.ProgressColumn(
            width=BAR,
            format="%.2f %%",
            min_value=0,
            max_value=max(filter(None, parts), default=100),
            color=COLOURS["conv"],
        ),
    }


def filter_shape(layer: Layer) -> str:
    """As in Table 1: 3×3×32×64, one filter per map 3×3×32 dw, the matrix of a classifier 1024×1000."""
    if layer.kind == "linear":
        return f"{layer.given[0]}×{layer.channels}"
    if not layer.is_convolution:
        return f"pool {sizes(layer.kernel if layer.kind in POOLS else layer.given[1:])}"
    window = sizes(layer.kernel)
    return (
        f"{window}×{layer.channels} dw"
        if layer.kind == "depthwise"
        else f"{window}×{layer.given[0] // layer.groups}×{layer.channels}"
    )


def rows_of(layers: Mapping[str, Layer]) -> Iterator[dict[str, Any]]:
    """The table for a spreadsheet: what is not counted is None, not 0."""
    for name, each in layers.items():
        yield {
            "layer": name,
            "kind": each.kind,
            "filter": filter_shape(each),
            **{setting: side(getattr(each, setting)) for setting in ("stride", "padding", "dilation")},
            "groups": each.groups,
            "input": sizes(each.given),
            "output": sizes(each.shape),
            **{cost: getattr(each, cost) for cost in ("macs", "weights", "params", "activation_bytes")},
        }
