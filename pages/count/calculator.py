"""A calculator: a plain block and a cheap relative that can stand in for it, counted while they are dragged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from models.options import Choice, Number, Phrase
from models.refusals import Refused
from pages.common import address, cache, panels
from pages.common.asking import Live, ask_live, ask_one, first_value, fragment, key_of, note
from pages.common.code import arguments, the_code
from pages.common.export import download, table
from pages.common.session import set_to, value_of
from pages.common.text import _, spoken
from pages.count.following import QUANTITY, following, ratio_in_words
from pages.count.style import Style, chosen_style
from vis.cost.blocks import Block
from vis.cost.layer import Layer, formula
from vis.cost.relatives import RELATIVES
from vis.cost.tables import layer_rows
from vis.figures.blocks import beside, drawn, title
from vis.figures.curves import curves, places
from vis.figures.graph_files import png, svg
from vis.figures.numbers import grouped

CODE = """\
from vis.cost.blocks import ratio
from vis.cost.relatives import RELATIVES

plain, cheap = RELATIVES[{name!r}].blocks(
    {values}
)
for block in (plain, cheap):
    for layer in block.layers:
        print(layer.kind, layer.shape, layer.macs)
    print(block.macs, "MACs,", block.weights, "weights,", block.activation_bytes, "bytes")
print(float(ratio(cheap, plain)))
"""
WIDE = 300  # pixels, up to which a drawing fits into a telephone as it is


@dataclass(frozen=True)
class Calculator:
    """What is dragged, and what is compared.

    Its sliders set the numbers of one of `vis.cost.relatives`.
    """

    name: str  # of that, also in the address
    sliders: Sequence[Number]
    across: str  # the slider that the curves lie over until one is moved
    examples: Mapping[str, Mapping[str, int]]  # published ones by what they are called
    sides: tuple[Phrase, Phrase]  # what the plain block and its relative are called


def calculator(of: Calculator) -> Style:
    """Draws all of it; how numbers are written and charts are saved is chosen below."""
    place = st.container()
    style = chosen_style(st)
    with place:
        _calculator(of, style)
    return style


@fragment
def _calculator(of: Calculator, style: Style) -> None:
    """What else the page shows is not drawn anew while a slider is dragged."""
    is_linked = address.opened_with().get("block") == of.name
    address.note(block=of.name)
    across = Choice("across", "", [slider.name for slider in of.sliders], of.across)
    first = first_value(across) if is_linked else of.across
    above, below = st.container(), st.container()
    results = following(of.name, of.sides, style, first)
    live = ask_live(below, *of.sliders, of=of.name, is_linked=is_linked, results=results)
    _example(above, of, live)
    moved = live.moved or first
    note(across, moved)
    try:
        sides = RELATIVES[of.name].blocks(**live.values)
    except Refused:  # which stands beside the sliders, and they can mend it
        note(QUANTITY, value_of(key_of(QUANTITY.name, page="count"), first_value(QUANTITY)))
        return
    _compared(of, live.values, dict(zip(map(spoken, of.sides), sides, strict=True)), moved, style)


def _example(place, of: Calculator, live: Live) -> None:
    """The published examples, of which the one that the sliders stand at is shown."""
    key = key_of("example", of.name)
    set_to(key, next((name for name, values in of.examples.items() if values == live.values), None))

    def act() -> None:
        if (name := value_of(key)) is not None:
            live.put(of.examples[name])

    place.selectbox(_("Example"), list(of.examples), placeholder=_("custom values"), key=key, on_change=act, width=340)


def _compared(of: Calculator, now: Mapping[str, int], sides: Mapping[str, Block], moved: str, style: Style) -> None:
    """The law of what remains, both blocks and how their costs come about, and curves over the slider moved last."""
    law, share = RELATIVES[of.name].law(**now)
    st.markdown(f"{_('Multiply-adds, relative to the plain block:')} ${law} =$ **{ratio_in_words(share)}**")
    left, right = st.columns([1, 1], gap="large")
    with left.container(horizontal=True, gap="medium"):
        for name, block in sides.items():
            block_drawn(name, block)
    with right:
        _curves(of, now, sides, moved, style)
    for column, (name, block) in zip(st.columns(2, gap="large"), sides.items(), strict=True):
        with column:
            sums(name, block, style)
    st.caption(
        _(
            "For one picture, without biases and batch norm; pooling, additions and shuffles have no multiply-adds. "
            "Activation memory is the size of all layer outputs, in float32. Shapes are channels×height×width."
        )
    )
    _files(of, now, sides)
    the_code(CODE, name=of.name, values=arguments(now))


def block_drawn(name: str, block: Block) -> None:
    """A block under its name."""
    drawing, paints = drawn(block, _("input"), _("MACs"))
    width = round(drawing.width) if drawing.width <= WIDE else "stretch"  # which shrinks on a telephone
    st.image(
        svg(drawing, paints, dark=st.context.theme.type == "dark"), name, width=width, alt=f"{name}: {drawing.text}"
    )


def sums(name: str, block: Block, style: Style) -> None:
    """How the multiply-adds of every layer come about, and what a unit sees."""
    lines = [f"- {title(layer)}: {_sum(layer, style)}" for layer in block.layers]
    together = f"- {_('total')}: **{style.number(block.macs)}** {_('MACs')}"
    st.markdown("\n".join([f"**{name}**\n", *lines, together]))
    if block.field:
        rows, columns = block.field.size
        st.caption(_("Each output unit sees {rows}×{columns} of the input maps.", rows=rows, columns=columns))


def _sum(layer: Layer, style: Style) -> str:
    if layer.macs is None:
        return _("no multiply-adds")
    return panels.formula(*formula("macs", layer), style.number(layer.macs))


def _curves(of: Calculator, now: Mapping[str, int], sides: Mapping[str, Block], moved: str, style: Style) -> None:
    """The cost of both over one of the sliders."""
    quantity = ask_one(st, QUANTITY, page="count")
    slider = next(slider for slider in of.sliders if slider.name == moved)
    across, others = places(slider.values), {name: value for name, value in now.items() if name != moved}
    costs = cache.costs_along(of.name, moved, across, others, quantity)
    here = now[moved], [getattr(block, quantity) for block in sides.values()]
    lines = dict(zip(sides, costs, strict=True))
    style.draw_chart(
        curves(across, lines, here, spoken(slider.label), spoken(QUANTITY.called(quantity))),
        f"curves {of.name}",
        f"{of.name}-{quantity}",
        _("Two curves: the cost of the plain block and of the cheap one over the slider moved last."),
    )
    if moved == "kernel" and "padding" in now:
        st.caption(
            _(
                "Padding stays {padding}: a larger kernel makes a smaller map, so costs can fall.",
                padding=now["padding"],
            )
        )


def _files(of: Calculator, now: Mapping[str, int], sides: Mapping[str, Block]) -> None:
    name = "-".join(["convscope", of.name, *map(str, now.values())])
    layers = {
        f"{side}: {i}.{j}": layer
        for side, block in sides.items()
        for i, path in enumerate(block.paths, 1)
        for j, layer in enumerate(path, 1)
    }
    caption = [
        f"{side}: {grouped(block.macs)} {_('MACs')}, {grouped(block.weights)} {_('weights')}"
        for side, block in sides.items()
    ]
    both = beside(*sides.values(), _("input"), _("MACs"))
    files = {
        "csv": (_("Table of layers (CSV)"), lambda: table(layer_rows(layers))),
        "svg": (_("Drawing (SVG)"), lambda: svg(*both, caption)),
        "png": (_("Drawing (PNG)"), lambda: png(*both, caption)),
    }
    row = st.container(horizontal=True)
    for kind, (label, make) in files.items():
        download(row, label, make, f"{name}.{kind}", f"{kind} of blocks")
