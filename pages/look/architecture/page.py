"""The layer graph of a network: how it is built, what each part costs and what each part can see."""

from collections.abc import Collection

import streamlit as st

from models import ARCHITECTURES
from models.architecture import Architecture
from models.options import Choice, Number, Phrase, Several, Switch
from models.refusals import Refused
from pages.common import address, cache
from pages.common.asking import ask, ask_one, fragment
from pages.common.cache import Built
from pages.common.code import network_code, the_code
from pages.common.panels import let_it_be_drawn
from pages.common.session import selection
from pages.common.text import _, plain, said, spoken
from pages.common.widgets import say
from pages.common.words import QUANTITIES
from pages.look.architecture import facts, files, story, timing, versus
from pages.look.architecture.canvas import arrow_keys_of, canvases, places, turned_ahead
from pages.look.architecture.operation import inspector
from pages.look.architecture.painting import Look
from pages.look.architecture.thumbnails import find_missing, in_boxes, legend
from pages.look.architecture.view import EVERYTHING, graph_view
from vis.cost.count import Counting
from vis.figures.graph import QUANTITIES as COLOURS

COLOUR = Choice("colour", Phrase("Colour by"), {"kind": Phrase("kind")} | {name: QUANTITIES[name] for name in COLOURS})
COUNTED = Several(
    "count",
    Phrase("What is counted"),
    {
        "flops": Phrase("FLOPs: a multiply-add is two operations"),
        "bias": Phrase("bias additions"),
        "norm": Phrase("normalisation"),
        "pooling": Phrase("pooling"),
    },
    shown_as="switches",
)
TOGETHER = Switch("together", Phrase("Move and open together"), True)
DIFFERENCES = Switch("differences", Phrase("Show differences"), True)
THUMBNAILS = Switch("thumbnails", Phrase("Maps in the boxes"))
ELSEWHERE = ("num_classes", "resolution")  # of the networks' options: weights and the picture's size set these


CODE = """\
from vis.cost.count import layer_costs
from vis.receptive import receptive_fields

shape = {shape}  # (N, C, H, W)
costs, fields = layer_costs(loaded.model, shape), receptive_fields(loaded.model, shape)
for cost in costs:
    print(cost.name, cost.kind, cost.output_shape, cost.params, cost.macs, fields[cost.name].size)
print(sum(cost.macs or 0 for cost in costs), "MACs")
"""


def page() -> None:
    head = st.container(horizontal=True, vertical_alignment="center", key="head")
    head.title(_("The layer graph"), width="content")
    head.markdown(_("**Open a block** with its **+**; **click a box** to see how its numbers are computed."))
    network = selection().network
    with head.popover(_("Compare, options"), icon=":material/tune:"):
        shown = _networks(network)
        both = ask(st, TOGETHER, DIFFERENCES) if "right" in shown else {}
        counting = _counting()
    row = st.container(horizontal=True, vertical_alignment="center", key="look")
    colour = ask_one(row, COLOUR, label_visibility="collapsed")
    look = Look(colour, counting, thumbnails=ask_one(row, THUMBNAILS), **both)
    try:
        graphs = {place: cache.graph(built) for place, built in shown.items()}
    except Refused as refusal:  # the controls above can mend it
        _refused(refusal, ARCHITECTURES[network])
        return
    timing.measure_all(shown.values() if look.colour == "time" else ())
    _graphs(shown, look)
    if "right" in shown:
        titles = [spoken(ARCHITECTURES[built.network].title) for built in shown.values()]
        versus.table(titles, *graphs.values(), cache.comparison(*shown.values()).pairs, look.counting)
    facts.tables(shown, graphs, look.counting)
    files.layer_table(graphs["left"], look.counting, timing.milliseconds(shown["left"]))
    story.told(ARCHITECTURES[network], graphs["left"])
    built = shown["left"]
    shape = (1, ARCHITECTURES[network].input_shape[0], built.side, built.side)
    the_code(CODE, network_code(network, "random", **dict(built.options)), shape=shape)


def _networks(network: str) -> dict[str, Built]:
    """By its place: the chosen network with its options, and the one that it is compared with."""
    others = {None: _("nothing")} | {name: a.title for name, a in ARCHITECTURES.items() if name != network}
    partner = versus.WORTH_COMPARING.get(network)
    worth = partner and _("The most instructive comparison is with {network}.", network=ARCHITECTURES[partner].title)
    compare = Choice("compare", Phrase("Compare with"), others, None, shown_as="list", help=worth)
    compared = ask_one(st, compare, network=network, comes_back=True, placeholder=_("nothing"))  # once it is cleared
    usual = ARCHITECTURES[network].input_shape[1]
    words = _("Side in pixels; {side} in the paper.", side=usual)
    about = _("Side in pixels; {side} in training.", side=usual) if ARCHITECTURES[network].is_own else words
    side = ask_one(st, Number("side", Phrase("Picture size"), usual, 1, 1024, help=about), network=network)
    options = _options(ARCHITECTURES[network])
    shown = {"left": Built(network, side, options)}
    return shown | ({"right": Built(compared, ARCHITECTURES[compared].input_shape[1])} if compared else {})


def _options(architecture: Architecture) -> tuple[tuple[str, object], ...]:
    """The architecture's own options where they are not as usual, for its builder."""
    chosen = {
        name: ask_one(st, option, network=architecture.name, prefix="option_")
        for name, option in architecture.options.items()
        if name not in ELSEWHERE
    }
    return tuple((name, value) for name, value in chosen.items() if value != architecture.options[name].usual)


def _counting() -> Counting:
    """What counts as an operation."""
    st.caption(_("A MAC is one multiply-add of a convolution or a linear layer. Also count:"))
    counted = ask_one(st, COUNTED)
    return Counting(**{name: name in counted for name in COUNTED.values})


def _refused(refusal: Refused, architecture: Architecture) -> None:
    """Says that the network cannot take this picture, and which it can."""
    usual = architecture.input_shape[1]
    st.error(plain(said(refusal)), icon=":material/error:")
    st.info(_("{network} was designed for {side}×{side} pictures.", network=architecture.title, side=usual))


def _say_what_is_not_there(place: str, network: str, blocks: Collection[str], nodes: Collection[str]) -> None:
    """Names what the link that opened this page wants open or chosen, where this network has no such thing."""
    link = address.opened_with()
    if link.get({"left": "network", "right": "compare"}[place]) != network:
        return
    opened = [name for name in link.get(f"open_{place}", "").split(",") if name and name not in blocks]
    chosen = [name for name in (link.get(f"node_{place}"),) if name and name not in nodes]
    for what, names in ((_("block"), opened), (_("layer"), chosen)):
        if names:
            address.leave_out(what, ", ".join(names))


@fragment
def _graphs(shown: dict[str, Built], look: Look) -> None:
    """The graph, or two side by side, and what of them is looked at closely."""
    seen = in_boxes(shown) if look.thumbnails else {}
    drawings = canvases(shown, look, seen)
    is_beside = len(shown) == 1  # of two graphs, both may have something looked at
    legend(seen)
    if look.thumbnails:
        find_missing(shown.values())
    arrow_keys_of(shown["left"], drawings["left"])
    for place, built in shown.items():
        view, known = graph_view(place, built.network), cache.graph(built)
        opened = ",".join(sorted(view.opened & {EVERYTHING, *known.blocks}))
        selected = view.selected if view.selected in places(known) else None
        address.note(**{f"open_{place}": opened or None, f"node_{place}": selected})
        _say_what_is_not_there(place, built.network, {EVERYTHING, *known.blocks}, places(known))
        if selected:
            try:
                inspector(place, built, selected, look.counting, is_beside)
            except Refused as refusal:  # of a picture, or of weights: it ends the inspector and nothing else
                say(refusal)
    let_it_be_drawn()
    if len(shown) == 1:
        turned_ahead(shown["left"], drawings["left"], look)


page()
