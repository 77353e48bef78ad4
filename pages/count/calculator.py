"""A calculator: a plain block and a cheap relative that can stand in for it, counted while they are dragged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import streamlit as st

from models.refusals import Refused
from pages.common import cache
from pages.common.components.sliders import Slider, live_sliders
from pages.common.session import (
    from_link,
    link_says,
    of_sidebar,
    pick,
    picked,
    set_to,
    slid,
    slide,
    sliders_rest,
    to_url,
    value_of,
)
from pages.common.text import _, language
from pages.common.widgets import choice, download, say
from pages.count.layer_table import as_csv
from pages.count.style import Style
from vis.cost.blocks import Block, ratio
from vis.cost.layer import Layer, formula
from vis.figures.blocks import beside, drawn, title
from vis.figures.curves import curves, places
from vis.figures.graph import png, svg
from vis.figures.numbers import grouped, short

WIDE = 300  # pixels, up to which a drawing fits into a telephone as it is


@dataclass(frozen=True)
class Calculator:
    """What is dragged, and what is compared.

    Its functions are called with a keyword for each slider.
    """

    name: str  # in the address
    sliders: tuple[Slider, ...]
    usual: Mapping[str, int]
    across: str  # the slider that the curves lie over until one is moved
    examples: Mapping[str, Mapping[str, int]]  # published ones by what they are called
    sides: tuple[str, str]  # what the plain block and its relative are called
    blocks: Callable[..., tuple[Block, Block]]
    law: Callable[..., tuple[str, Fraction]]  # which part of the MACs remains, in LaTeX and as a number


@st.fragment
def calculator(of: Calculator, style: Style) -> None:
    """Draws all of it. What else the page shows is not drawn anew while a slider is dragged."""
    first = of.usual
    if link_says("block", of.name):
        first = {s.name: from_link(s.name, of.usual[s.name], s.values, int) for s in of.sliders}
    now = slid(of.name, first)
    _examples(of, now)
    live_sliders(of.sliders, now, f"sliders {of.name}", on_change=lambda values, rest: _moved(of, values, rest))
    quantity = _compared(of, now, style)
    if sliders_rest():  # or else every step of a drag would be one of the browser's Back button
        to_url(
            **of_sidebar(),
            block=of.name,
            **{name: value for name, value in now.items() if value != of.usual[name]},
            across=_across(of).name if _across(of).name != of.across else None,
            bars=quantity if quantity != "macs" else None,
            numbers=style.of_link,
            language=language(),
        )


def _examples(of: Calculator, now: Mapping[str, int]) -> None:
    """The published examples, of which the one that the sliders stand at is shown."""
    key = f"example {of.name}"
    set_to(key, next((name for name, values in of.examples.items() if values == now), None))

    def act() -> None:
        if (name := value_of(key)) is not None:
            slide(of.name, of.examples[name], True)

    st.selectbox(
        _("Example"),
        list(of.examples),
        placeholder=_("your own numbers"),
        key=key,
        on_change=act,
        width=340,
    )


def _moved(of: Calculator, values: dict[str, int], rest: bool) -> None:
    """Keeps where the sliders stand, and which one was moved."""
    before = slid(of.name, values)
    for i, slider in enumerate(of.sliders):
        if values[slider.name] != before[slider.name]:
            pick(("across", of.name), i)
    slide(of.name, values, rest)


def _across(of: Calculator) -> Slider:
    """The slider that was moved last, or the link's, or the usual one."""
    names = [slider.name for slider in of.sliders]
    first = from_link("across", of.across, names) if link_says("block", of.name) else of.across
    return of.sliders[picked(("across", of.name), names.index(first))]


def quantities() -> dict[str, str]:
    """What blocks are compared by."""
    return {"macs": _("MACs"), "weights": _("weights"), "activation_bytes": _("activation memory")}


def _compared(of: Calculator, now: Mapping[str, int], style: Style) -> str:
    """Both blocks with what they cost, and their curves; gives the quantity of these."""
    names = quantities()
    usual = from_link("bars", "macs", names)
    try:
        sides = of.blocks(**now)
    except Refused as refusal:  # the sliders above can mend it
        say(refusal)
        return usual
    plain, cheap = sides
    for column, (quantity, name) in zip(st.columns(3), names.items(), strict=True):
        column.metric(
            name[:1].upper() + name[1:],
            amount(getattr(cheap, quantity), quantity, style),
            _(
                "{share} of {plain}",
                share=percent(ratio(cheap, plain, quantity)),
                plain=amount(getattr(plain, quantity), quantity, style),
            ),
            delta_color="off",
            delta_arrow="off",
        )
    law, share = of.law(**now)
    st.markdown(f"{_('What remains of the multiply-adds:')} ${law} =$ **{percent(share)}**")
    left, right = st.columns([1, 1], gap="large")
    with left.container(horizontal=True, gap="medium"):
        for name, block in zip(of.sides, sides, strict=True):
            block_drawn(name, block)
    with right:
        quantity = choice(st, _("Drawn"), names, usual, "bars of blocks")
        _curves(of, now, sides, quantity, style)
    for column, name, block in zip(st.columns(2, gap="large"), of.sides, sides, strict=True):
        with column:
            sums(name, block, style)
    st.caption(
        _(
            "For one picture, without biases and batch norm; poolings, additions and shuffles have no multiply-adds. "
            "Activation memory is all that the layers make, in float32. Shapes are maps×height×width."
        )
    )
    _files(of, now, sides)
    return quantity


def amount(number: int, quantity: str, style: Style) -> str:
    """A number of this quantity with its unit."""
    if quantity != "activation_bytes":
        return style.number(number)
    return f"{short(number, 4)}B" if style.is_short and number >= 1000 else f"{grouped(number)} B"


def percent(share: Fraction) -> str:
    """10.3 %, with so many digits as one can tell it from another by; 524,402 × of what is much more."""
    if share < 10:
        return f"{100 * float(share):.3g} %"
    return f"{float(share):.3g} ×" if share < 999.5 else f"{grouped(round(share))} ×"


def block_drawn(name: str, block: Block) -> None:
    """A block under its name."""
    drawing, paints = drawn(block, _("input"), _("MACs"))
    width = round(drawing.width) if drawing.width <= WIDE else "stretch"  # which shrinks on a telephone
    st.image(svg(drawing, paints, dark=st.context.theme.type == "dark"), name, width=width)


def sums(name: str, block: Block, style: Style) -> None:
    """How the multiply-adds of every layer come about, and what a unit sees."""
    lines = [f"- {title(layer)}: {_sum(layer, style)}" for layer in block.layers]
    together = f"- {_('together')}: **{style.number(block.macs)}** {_('MACs')}"
    st.markdown("\n".join([f"**{name}**\n", *lines, together]))
    if block.field:
        rows, columns = block.field.size
        st.caption(_("A unit that comes out sees {rows}×{columns} of the maps that go in.", rows=rows, columns=columns))


def _sum(layer: Layer, style: Style) -> str:
    if layer.macs is None:
        return _("no multiply-adds")
    symbols, numbers = formula("macs", layer)
    return f"{symbols} = {numbers} = {style.number(layer.macs)}".replace("_", r"\_")


def _curves(of: Calculator, now: Mapping[str, int], sides: tuple[Block, Block], quantity: str, style: Style) -> None:
    """The cost of both over the slider that was moved last."""
    slider = _across(of)
    across, others = places(slider.values), {name: value for name, value in now.items() if name != slider.name}
    costs = cache.costs_along(of.name, slider.name, across, others, quantity, of.blocks)
    here = now[slider.name], [getattr(block, quantity) for block in sides]
    st.plotly_chart(
        curves(across, dict(zip(of.sides, costs, strict=True)), here, slider.label, quantities()[quantity]),
        key=f"curves {of.name}",
        config=style.toolbar(f"{of.name}-{quantity}"),
        alt=_("Two curves: what the plain block and its cheap relative cost over the slider that was moved last."),
    )


def _files(of: Calculator, now: Mapping[str, int], sides: tuple[Block, Block]) -> None:
    name = "-".join(["convscope", of.name, *map(str, now.values())])
    layers = {
        f"{side}: {i}.{j}": layer
        for side, block in zip(of.sides, sides, strict=True)
        for i, path in enumerate(block.paths, 1)
        for j, layer in enumerate(path, 1)
    }
    caption = [
        f"{side}: {grouped(block.macs)} {_('MACs')}, {grouped(block.weights)} {_('weights')}"
        for side, block in zip(of.sides, sides, strict=True)
    ]
    both = beside(*sides, _("input"), _("MACs"))
    files = {
        "csv": (_("Table of layers (CSV)"), lambda: as_csv(layers).encode("utf-8-sig")),
        "svg": (_("Drawing (SVG)"), lambda: svg(*both, caption)),
        "png": (_("Drawing (PNG)"), lambda: png(*both, caption)),
    }
    row = st.container(horizontal=True)
    for kind, (label, make) in files.items():
        download(row, label, make, f"{name}.{kind}", f"{kind} of blocks")
