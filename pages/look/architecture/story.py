"""The story of a network: which problem it answered, its idea, and its block as it is really built here."""

from pathlib import Path

import streamlit as st

from models.architecture import Architecture
from pages.common.panels import folded
from pages.common.text import _, plain, prose
from vis.figures.graph import painted_by_kind, texts
from vis.figures.graph_files import svg
from vis.graph import Graph
from vis.layout import Drawing, drawing

WIDE = 460  # pixels, from which on a drawing does not fit beside the text
TEXTS = Path(__file__).parent / "texts"
BLOCKS = {  # by family, the modules that are its idea: of this class, or of this name
    "lenet": ("SparseC3", "Subsampling"),
    "googlenet": ("Inception",),
    "resnet": ("Bottleneck", "BasicBlock", "Basic", "BasicA"),
    "resnet_v2": ("PreActivated", "PreActivatedBasic"),
    "plain": ("Plain",),
    "densenet": ("_DenseLayer",),
    "squeezenet": ("Fire",),
    "mobilenet_v1": ("features.block2",),
    "mobilenet_v2": ("InvertedResidual",),
    "mobilenet_v3": ("InvertedResidual",),
    "efficientnet": ("MBConv",),
    "efficientnet_lite": ("features.stage3.block1", "features.stage3.block2"),
    "convnext": ("CNBlock",),
}
HAVING = {"mobilenet_v3": "SqueezeExcitation"}  # by family, what such a module has inside where it is new
STACKS = {"densenet": "_DenseBlock"}  # by family, the module whose idea is how its parts are joined: these stay closed


def told(architecture: Architecture, graph: Graph) -> None:
    """Draws the text, and beside it the network's own block; nothing of a visitor's own network."""
    if architecture.is_own:
        return

    def draw() -> None:
        drawings = {name: _drawn(graph, name) for name in _blocks(architecture, graph)}
        is_wide = any(drawn.width > WIDE for drawn in drawings.values())
        left, right = st.columns([3, 2], gap="large") if drawings and not is_wide else (st.container(), st.container())
        left.markdown(prose(TEXTS, architecture.family))
        for name, drawn in drawings.items():
            paints = painted_by_kind(graph, [box.name for box in drawn.boxes])
            dark = st.context.theme.type == "dark"
            title = f"{architecture.title} · {name} · {graph.blocks[name].operation}"
            width = round(drawn.width) if drawn.width <= WIDE else "stretch"
            right.image(svg(drawn, paints, dark=dark), width=width, alt=f"{title}: {drawn.text}")
            right.caption(plain(title))

    folded(_("The story of {network}", network=architecture.title), "menu_book", "story", draw)


def _drawn(graph: Graph, name: str) -> Drawing:
    """A block with everything in it open, or with its parts closed where it is known for the lines between them."""
    inside = () if graph.blocks[name].operation in STACKS.values() else graph.blocks
    return drawing(graph, [block for block in inside if name in graph.ancestors(block)], texts, name)


def _blocks(architecture: Architecture, graph: Graph) -> list[str]:
    """The first block of the network's kind, and the first that is built otherwise, such as without a projection.

    Before them the first stack of such blocks, if the family is known for it.
    """
    needed = HAVING.get(architecture.family)
    having = {above for name, b in graph.blocks.items() if b.operation == needed for above in graph.ancestors(name)}
    stacks = [name for name, block in graph.blocks.items() if block.operation == STACKS.get(architecture.family)]
    kinds = BLOCKS.get(architecture.family, ())
    blocks = [
        name
        for name, block in graph.blocks.items()
        if not block.folded and (block.operation in kinds or name in kinds) and (needed is None or name in having)
    ]
    sizes = {name: [node.operation for node in graph.operations(name)] for name in blocks}
    others = [name for name in blocks if sizes[name] != sizes[blocks[0]]]
    return stacks[:1] + blocks[:1] + others[:1]
