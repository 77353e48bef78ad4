"""What a picture on these pages shows, in words."""

from math import inf
from typing import TYPE_CHECKING

from models import Loaded
from models.options import Phrase
from models.samples import TITLES
from models.statefile import printable
from pages.common.session import Picture
from pages.common.text import _, plain, spoken
from pages.common.widgets import weights_in_words
from vis.cost.count import Counting
from vis.deconvnet import Box, Projection, Unit
from vis.figures.numbers import byte_size, fixed, grouped, shape, short, significant
from vis.receptive import ReceptiveField

if TYPE_CHECKING:
    from vis.graph import Graph

KINDS = {
    "input": Phrase("picture"),
    "block": Phrase("block"),
    "conv": Phrase("convolution"),
    "depthwise": Phrase("depthwise convolution"),
    "linear": Phrase("linear layer"),
    "norm": Phrase("normalisation"),
    "activation": Phrase("activation function"),
    "pool": Phrase("pooling"),
    "add": Phrase("addition"),
    "concat": Phrase("concatenation"),
    "multiply": Phrase("multiplication"),
    "dropout": Phrase("dropout or identity"),
    "reshape": Phrase("reshape"),
    "other": Phrase("other"),
}
QUANTITIES = {
    "params": Phrase("parameters"),
    "operations": Phrase("operations"),
    "memory": Phrase("activation memory"),
    "time": Phrase("measured time"),
    "field": Phrase("receptive field"),
}
TERMS = {  # what is known of an operation, where it heads a column or names a difference
    "layer": Phrase("layer"),
    "block": Phrase("block"),
    "kind": Phrase("kind"),
    "operation": Phrase("operation"),
    "kernel_size": Phrase("kernel"),
    "stride": Phrase("stride"),
    "padding": Phrase("padding"),
    "dilation": Phrase("dilation"),
    "groups": Phrase("groups"),
    "ceil_mode": Phrase("ceil mode"),
    "channels": Phrase("channels"),
    "height": Phrase("height"),
    "width": Phrase("width"),
    "size": Phrase("map size"),
    "output": Phrase("output"),
    "params": Phrase("parameters"),
    "macs": Phrase("MACs"),
    "flops": Phrase("FLOPs"),
    "activation_bytes": Phrase("activation memory, bytes"),
    "receptive_field": Phrase("receptive field"),
    "jump": Phrase("jump"),
    "start": Phrase("first pixel"),
    "milliseconds": Phrase("measured time, ms"),
    "order": Phrase("in a different order"),
}
METHODS = {
    "deconvnet": Phrase("Deconvnet"),
    "guided": Phrase("Guided backpropagation"),
    "gradient": Phrase("Gradient × activation"),
}


def unit_in_words(unit: Unit) -> str:
    """A unit by its feature map, its place in it, and its activation."""
    words = _(
        "feature map {channel}, row {row}, column {column}: activation {activation}",
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
        activation=significant(unit.activation),
    )
    return words if unit.activation > 0 else f"{words} ({_('not active')})"


def network_in_words(loaded: Loaded) -> str:
    """A network and which weights it has."""
    return f"{spoken(loaded.architecture.title)} · {weights_in_words(loaded)}"


def name_of(picture: Picture) -> str:
    """A sample's name in the session's language, or the name of the user's file."""
    if not picture.uploaded:
        return spoken(TITLES[picture.name])
    return printable(picture.name)


def range_in_words(limit: float | None) -> str:
    """What black, grey and white mean; None where every picture has its own range."""
    if limit is None:
        return _("Each picture has its own range: grey is 0, white or black its largest absolute value.")
    return grey_in_words(limit, f", {_('in units of the normalised picture')}")


def grey_in_words(limit: float, further: str = "") -> str:
    """What black, grey and white mean in a picture of this range; and what is to be said of the range."""
    return _("Grey is 0, white +{limit}, black −{limit}", limit=significant(limit)) + f"{further}."


def scale_in_words(has_sign: bool, limit: float | None, of_all: bool = True) -> str:
    """What the colours of maps mean; None where every map has its own range."""
    if limit is None:
        if has_sign:
            return _("Each map has its own range: grey is 0, white or black its largest absolute value.")
        return _("Each map has its own range: dark is 0, bright its largest value.")
    words = grey_in_words(limit) if has_sign else _("Dark is 0, bright is {limit}.", limit=significant(limit))
    return f"{words} {_('One range for all.')}" if of_all else words


def range_of_weights(limit: float | None) -> str:
    """What black, grey and white mean in a picture of weights; None where every tile has its own range."""
    if limit is None:
        return _("Each tile has its own range: grey is 0, white or black its largest absolute weight.")
    return grey_in_words(limit, f"; {_('one range for all')}")


def field_in_words(field: ReceptiveField) -> str:
    """How much of the picture a unit can see; what a gate or a norm's statistics let in beside is told apart."""
    if field.size is not None:
        return _("{side} pixels", side=f"{field.size}×{field.size}")
    if not field.is_known:
        return _("not known from “{layer}” on", layer=plain(field.because))
    if field.held is None or field.held.size is None:
        return _("the whole picture")
    side = f"{field.held.size}×{field.held.size}"
    return _("{side} pixels; through “{layer}” the whole picture", side=side, layer=plain(field.because))


def operations_in_words(graph: "Graph", name: str, counting: Counting) -> str:
    """What an operation or a block costs; "at least", where some of its layers' products are not counted."""
    number = graph.counted(name, counting)
    if number is None:
        return _("not counted")
    return _("at least {number}", number=grouped(number)) if graph.left_out(name) else grouped(number)


def box_in_words(box: Box) -> str:
    """Which pixels of the picture a unit can see."""
    return _(
        "{width}×{height} pixels: columns {left}–{right}, rows {top}–{bottom}",
        width=box.right - box.left,
        height=box.bottom - box.top,
        left=box.left,
        right=box.right - 1,
        top=box.top,
        bottom=box.bottom - 1,
    )


def fidelity_in_words(fidelity: str) -> str:
    """Whether the paper defines every step, and if not, what was assumed."""
    kind, _colon, why = fidelity.partition(": ")
    return f"{_(kind)}: {'; '.join(_(part) for part in why.split('; '))}" if why else _(kind)


def empty_in_words(projection: Projection) -> str:
    """That the projection of an active unit is empty, to follow other words; nothing, where it is not."""
    return f" · {_('empty: ReLUs on the way down removed the whole signal')}" if projection.is_empty else ""


def projection_in_words(loaded: Loaded, picture: Picture, projection: Projection, limit: float) -> list[str]:
    """All that a projection's picture must say where it stands alone."""
    unit, box = projection.unit, projection.box
    return [
        f"{network_in_words(loaded)} · {name_of(picture)}",
        f"{unit.layer} · {unit_in_words(unit)}",
        f"{spoken(METHODS[projection.method])} · {fidelity_in_words(projection.fidelity)}"
        f"{empty_in_words(projection)} · "
        + _(
            "pixels {left}–{right} × {top}–{bottom}",
            left=box.left,
            right=box.right - 1,
            top=box.top,
            bottom=box.bottom - 1,
        ),
        range_in_words(limit),
    ]


def unit_of(counting: Counting) -> str:
    """What operations are counted in."""
    return _("FLOPs") if counting.flops else _("MACs")


def quantity_in_words(of: str, value: float | None, counting: Counting) -> str:
    """One of the quantities of `vis.figures.graph.quantity` with its unit."""
    if value is None:
        return {"time": _("not measured"), "field": _("not known")}.get(of) or _("not counted")
    if of == "params":
        return short(value)
    if of == "operations":
        return f"{short(value)} {unit_of(counting)}"
    if of == "memory":
        return byte_size(value)
    if of == "time":
        return f"{significant(value)} ms"
    return _("the whole picture") if value == inf else _("{side} pixels", side=fixed(value))


def summary_of(graph: "Graph", name: str, counting: Counting, value: float | None, colour: str) -> str:
    """An operation or a block in one line: what it is, what comes out, what it costs, and what its colour means."""
    if name in graph.blocks:
        block, output = graph.blocks[name], graph.last(name).output_shape
        what = f"{block.count} × {block.operation}" if block.folded else block.operation
    else:
        node = graph.nodes[name]
        what, output = spoken(KINDS[node.kind]), node.output_shape
    parts = [name, what, _("output {shape}", shape=shape(output))]
    if params := graph.params(name):
        parts.append(_("{number} parameters", number=grouped(params)))
    if graph.counted(name, counting) is not None:
        parts.append(f"{operations_in_words(graph, name, counting)} {unit_of(counting)}")
    if colour in ("memory", "time", "field"):
        parts.append(f"{spoken(QUANTITIES[colour])}: {quantity_in_words(colour, value, counting)}")
    return " · ".join(parts)


def ranked_in_words(operation: str) -> str:
    """How the units of a layer are ranked whose activations have an upper end: by the operation before it."""
    return _(
        "Many units reach the upper end of this activation function; the strongest are those that go furthest "
        "beyond it, at {operation}.",
        operation=operation,
    )
