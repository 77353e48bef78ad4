"""What of a network is neither linear nor has a rule of its own in a method that goes back by rules."""

from torch import fx

from models.options import Phrase
from vis.attribution.question import Inside, Question
from vis.attribution.unrolled import ELEMENTWISE
from vis.attribution.way import is_signal, signals
from vis.operations import named, plain_name
from vis.shapes import record_shapes
from vis.trace import Recording, argument, is_max_pool, parameter

PRODUCTS = Phrase("products of two signals by their gradient")
OTHERS = Phrase("operations without a rule by their gradient")

LINEAR = (
    named("conv", "add", "concat", "dropout", "reshape")
    | {"mean", "sum", "neg", "to", "float", "double"}
    | {
        *(name for name in named("pool") if "avg" in name),
        *(name for name in named("other") if "pad" in name or name.startswith(("interpolate", "upsampl"))),
        *(
            "repeat",
            "repeatinterleave",
            "tile",
            "broadcastto",
            "flip",
            "fliplr",
            "flipud",
            "roll",
            "rot90",
            "indexselect",
        ),
    }
)
IN_ONE_SIGNAL = named("multiply", "linear")  # linear in one, not in two
BATCH_NORMS = named("norm", reaches=("position",))


def without_rule(asked: Question) -> str:
    """What on the way from the picture to the score DeepLIFT has no rule for, in words; "" where there is nothing.

    It has rules for activation functions and max pools; through anything else it goes by the gradient, which is right
    where that is linear.

    Raises:
        TraceRefused: as `vis.shapes.record_shapes`.
    """
    known = record_shapes(asked.model, tuple(asked.image.shape))
    is_network = isinstance(asked.target, Inside) or not asked.is_probability
    found = set() if is_network else {OTHERS}  # the softmax or the sigmoid over the logits
    found |= {_missing(node, known) for node in signals(known, asked.end(known.trace))}
    return "; ".join(words for words in (PRODUCTS, OTHERS) if words in found)


def _missing(node: fx.Node, known: Recording) -> str:
    name, signals = plain_name(node, known.model), _signals(node, known)
    if node.op == "placeholder" or is_max_pool(node, known.model) or name in LINEAR:
        return ""
    if name in ELEMENTWISE and len(signals) == 1:
        return ""
    if name in BATCH_NORMS:
        norm = parameter(node, known, "running_mean running_var weight bias training", training=False)
        return OTHERS if norm["running_mean"] is None or norm["training"] else ""
    if name in IN_ONE_SIGNAL:
        is_divisor = "div" in name and argument(node, 0, "input") not in signals
        return PRODUCTS if len(signals) > 1 else OTHERS if is_divisor else ""
    return OTHERS


def _signals(node: fx.Node, known: Recording) -> list[fx.Node]:
    """The signals that the call was given; of x * x these are two."""
    given = (*node.args, *node.kwargs.values())
    return [argument for argument in given if isinstance(argument, fx.Node) and is_signal(argument, known)]
