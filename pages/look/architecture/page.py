"""The layer graph of a network: how it is built, what each part costs and what each part can see."""

import streamlit as st

from models import ARCHITECTURES
from models.architecture import Architecture
from models.refusals import Refused
from pages.common import cache
from pages.common.cache import Built
from pages.common.session import (
    EVERYTHING,
    from_link,
    graph_view,
    layer_wanted,
    linked,
    of_sidebar,
    selection,
    to_url,
)
from pages.common.text import _, language, plain, said
from pages.common.widgets import choice, say
from pages.common.words import QUANTITIES
from pages.look.architecture import facts, files, story, timing, versus
from pages.look.architecture.canvas import Look, canvases, places
from pages.look.architecture.operation import inspector
from vis.cost.count import Counting
from vis.figures.graph import QUANTITIES as COLOURS

COUNTED = ("flops", "bias", "norm", "pooling")
SIDES = range(1, 1025)
WIDTHS = [n / 100 for n in range(5, 401)]
BOOLS = {str(value): value for value in (True, False)}  # as they stand in a link


def page() -> None:
    st.title(_("The layer graph"))
    st.markdown(
        _(
            "How a network is built: every operation with its numbers, nested in its blocks. **Open a block** with its "
            "**+**, **click a box** to see how its numbers come about. Drag to move; pinch, or turn the wheel with "
            "Ctrl, to zoom."
        )
    )
    network = selection().network
    shown = _networks(network)
    look = _look()
    try:
        graphs = {place: cache.graph(built) for place, built in shown.items()}
    except Refused as refusal:  # the controls above can mend it
        _refused(refusal, ARCHITECTURES[network])
        return
    timing.measure_all(shown.values() if look.colour == "time" else ())
    _graphs(shown, look)  # first, for the tables below take as long as the graph
    if "right" in shown:
        versus.table([ARCHITECTURES[built.network].title for built in shown.values()], *graphs.values(), look.counting)
    facts.tables(shown, graphs, look.counting)
    files.layer_table(graphs["left"], look.counting, timing.milliseconds(shown["left"]))
    story.told(ARCHITECTURES[network], graphs["left"])


def _networks(network: str) -> dict[str, Built]:
    """By its place: the network of the sidebar with its options, and the one that it is compared with."""
    left, middle, right = st.columns([2, 1, 2])
    others = [None, *(name for name in ARCHITECTURES if name != network)]
    partner = versus.WORTH_COMPARING.get(network)
    compared = left.selectbox(
        _("Compare with"),
        others,
        others.index(linked(network, "compare", None, others)),
        format_func=lambda name: _("nothing") if name is None else ARCHITECTURES[name].title,
        placeholder=_("nothing"),  # once it is cleared
        key=f"compare {network}",
        persist_state="session",
        help=_("There is most to be learnt beside {network}.", network=ARCHITECTURES[partner].title)
        if partner
        else None,
    )
    usual = ARCHITECTURES[network].input_shape[1]
    side = middle.number_input(
        _("Side of the picture"),
        SIDES[0],
        SIDES[-1],
        linked(network, "side", usual, SIDES, int),
        key=f"side {network}",
        persist_state="session",
        help=_("In pixels; {side} in the paper.", side=usual),
    )
    with right:
        options = _options(ARCHITECTURES[network])
    shown = {"left": Built(network, int(side), options)}
    return shown | ({"right": Built(compared, ARCHITECTURES[compared].input_shape[1])} if compared else {})


def _options(architecture: Architecture) -> tuple[tuple[str, object], ...]:
    """The architecture's own options where they are not as usual, for its builder."""
    names = {
        "width": _("Width α"),
        "width_mult": _("Width α"),
        "separable": _("Depthwise separable"),
        "shallow": _("Shallow"),
        "shortcut": _("Shortcut"),
        "groups": _("Groups, one a GPU"),
        "aux": _("Auxiliary heads"),
    }
    offered = {name: kind for name, kind in architecture.options.items() if name in names}
    chosen = {}
    row = st.container(horizontal=True, vertical_alignment="center")
    for name, kind in offered.items():
        usual = architecture.usual(name)
        about = (architecture.name, f"option_{name}", usual)
        kept = {"key": f"option {architecture.name} {name}", "persist_state": "session"}
        if kind is bool:
            value = row.toggle(names[name], linked(*about, (True, False), BOOLS.__getitem__), **kept)
        elif isinstance(kind, tuple):
            value = row.selectbox(names[name], kind, kind.index(linked(*about, kind, type(kind[0]))), width=140, **kept)
        else:
            first = linked(*about, WIDTHS, float)
            typed = row.number_input(names[name], WIDTHS[0], WIDTHS[-1], first, 0.05, width=140, **kept)
            value = round(typed, 2)
        if value != usual:
            chosen[name] = value
    return tuple(chosen.items())


def _look() -> Look:
    """What the colours mean, and what counts as an operation."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    colours = {"kind": _("kind")} | {name: _(QUANTITIES[name]) for name in COLOURS}
    colour = choice(left, _("Colour by"), colours, from_link("colour", "kind", colours), "colour")
    names = {
        "flops": _("FLOPs: a multiply-add is two operations"),
        "bias": _("additions of biases"),
        "norm": _("normalisation"),
        "pooling": _("pooling"),
    }
    with right.popover(_("What counts"), icon=":material/calculate:", width="stretch"):
        st.caption(_("A MAC is one multiply-add of a convolution or a linear layer. Beyond that:"))
        chosen = {
            name: st.toggle(
                names[name],
                from_link("count", False, (True, False), lambda counted, name=name: name in counted.split(",")),
                key=f"count {name}",
                persist_state="session",
            )
            for name in COUNTED
        }
    return Look(colour, Counting(**chosen))


def _refused(refusal: Refused, architecture: Architecture) -> None:
    """Says that the network cannot take this picture, and which it can."""
    usual = architecture.input_shape[1]
    st.error(plain(said(refusal)), icon=":material/error:")
    st.info(_("{network} was made for pictures of {side}×{side}.", network=architecture.title, side=usual))


@st.fragment
def _graphs(shown: dict[str, Built], look: Look) -> None:
    """The graph, or two side by side, and what of them is looked at closely."""
    if link := layer_wanted():
        st.switch_page("pages/look/layers/page.py", query_params=link)
    canvases(shown, look)
    _put_into_url(shown, look)
    for place, built in shown.items():
        if (selected := graph_view(place, built.network).selected) in places(cache.graph(built)):
            try:
                inspector(place, built, selected, look.counting)
            except Refused as refusal:  # of a picture, or of weights: it ends the inspector and nothing else
                say(refusal)


def _put_into_url(shown: dict[str, Built], look: Look) -> None:
    left, opened, selected = shown["left"], {}, {}
    for place, built in shown.items():
        view, known = graph_view(place, built.network), cache.graph(built)
        opened[f"open_{place}"] = ",".join(sorted(view.opened & {EVERYTHING, *known.blocks})) or None
        selected[f"node_{place}"] = view.selected if view.selected in places(known) else None
    usual = ARCHITECTURES[left.network].input_shape[1]
    to_url(
        **of_sidebar(),
        compare=shown["right"].network if "right" in shown else None,
        side=left.side if left.side != usual else None,
        **{f"option_{name}": value for name, value in left.options},
        colour=look.colour if look.colour != "kind" else None,
        count=",".join(name for name in COUNTED if getattr(look.counting, name)) or None,
        **opened,
        **selected,
        language=language(),
    )


page()
