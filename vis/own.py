"""Networks of a visitor's own: `ARCHITECTURES` looks them up by names that say how they are built and what they learn.

stack.digits_conv.6.5_max-pool.2.2 is the stack of these rows, as a link to its page says them, for digits;
stack.cifar10.norm_… one for CIFAR-10's pictures, with batch norm. plain.digits and residual.digits.norm are networks of
the page “Train live”.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from types import MappingProxyType

from torch import nn

from models.architecture import OWN, Architecture, Layers, Title, numbered
from models.cifar_entries import PICTURES
from models.learners import LEARNERS
from models.refusals import Refused
from models.registry import ARCHITECTURES, MNIST
from models.skeletons import bare
from models.training import Recipe
from vis.cost.count import layer_costs
from vis.cost.design import Design, as_code, from_code
from vis.cost.layer import Shape
from vis.cost.trainable import classifier

STACK, NORM = "stack", "norm"
DATA = {"digits": (1, MNIST), "cifar10": (3, PICTURES)}  # channels, and how pictures are prepared
CLASSES, SIDE = 10, 32
MOST_REACH = 2 * SIDE  # pixels of a window or a padding: what a unit sees beyond the picture takes memory, too
MOST_LAYERS = 5  # that have a number
MOST_REMEMBERED = 64  # entries
STAGES = numbered("relu", *(f"layer{stage}.1.relu_1" for stage in (1, 2, 3)))  # of the plain and the residual network


def name_of(recipe: Recipe) -> str:
    """What the network that learns by this recipe is called, where it is none of the list."""
    head = ".".join([recipe.net, recipe.data, *([NORM] if recipe.batch_norm else [])])
    return f"{head}_{recipe.stack}" if recipe.net == STACK else head


@ARCHITECTURES.makes(STACK, "plain", "residual")
@lru_cache(MOST_REMEMBERED)
def own(name: str) -> Architecture:
    """The entry of that name.

    Raises:
        KeyError: for a name that `name_of` does not give.
        Refused: for a stack that cannot be, that cannot be trained here, or that would take too much to be looked into.
    """
    head, _, code = name.partition("_")
    net, _, about = head.partition(".")
    data, _, norm = about.partition(".")
    recipe = Recipe(net, code, data, norm == NORM)
    if name_of(recipe) != name:
        raise KeyError(name)
    channels, preprocess = DATA[data]
    shape = (channels, SIDE, SIDE)
    if net == STACK:
        build = _stack(recipe, shape)
    else:
        build = partial(LEARNERS[net].build, CLASSES, channels, recipe.batch_norm)
    skeleton = bare(build, {})
    return Architecture(
        name,
        _title(skeleton, recipe),
        build,
        shape,
        year=None,
        parameters=sum(values.numel() for values in skeleton.parameters()),
        macs=sum(layer.macs or 0 for layer in layer_costs(skeleton, (1, *shape))),
        paper="",
        layers=_layers(skeleton) if net == STACK else STAGES,
        family=OWN,
        preprocess=preprocess,
        options=MappingProxyType({}),
    )


def _stack(recipe: Recipe, shape: Shape) -> Callable[[], nn.Module]:
    rows = from_code(recipe.stack)
    if as_code(rows) != recipe.stack:
        raise KeyError(recipe.stack)
    stack = Design(rows, shape, norm=recipe.batch_norm).stack()
    widest = max((max(*step.layer.reach, *step.layer.padding) for step in stack.steps), default=0)
    if widest > MOST_REACH:
        raise Refused(
            "This stack has a window or padding of {widest} pixels; other pages show at most {most}.",
            widest=widest,
            most=MOST_REACH,
        )
    return partial(classifier, stack, CLASSES)


def _title(net: nn.Module, recipe: Recipe) -> Title:
    layers = sum(isinstance(part, nn.Conv2d | nn.Linear) for part in net.modules())
    if recipe.net == "plain":
        title = Title("Plain {layers}-layer net", layers=layers)
    elif recipe.net == "residual":
        title = Title("Residual {layers}-layer net", layers=layers)
    else:  # whose page counts its rows
        title = Title("Custom {layers}-layer stack", layers=len(from_code(recipe.stack)))
    if recipe.batch_norm:
        title = Title("{network} + batch norm", network=title)
    return title if recipe.data == "digits" else Title("{network} for CIFAR-10", network=title)


def _layers(stack: nn.Sequential) -> Layers:
    """Its convolutions, or without any its linear layers, each up to the norm and the ReLUs after it.

    Of more than can have a number, some at even distances from the first to the last.
    """
    modules = list(stack)
    kind = nn.Conv2d if any(isinstance(each, nn.Conv2d) for each in modules) else nn.Linear
    ends = []
    for place, module in enumerate(modules):
        follows = ends and place == ends[-1] + 1 and isinstance(module, nn.BatchNorm2d | nn.ReLU)
        if follows:
            ends[-1] = place
        elif isinstance(module, kind):
            ends.append(place)
    steps = min(len(ends), MOST_LAYERS) - 1
    chosen = [ends[round(i * (len(ends) - 1) / max(steps, 1))] for i in range(steps + 1)]
    return numbered(*map(str, chosen))
