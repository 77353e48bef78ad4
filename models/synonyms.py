"""What else the parts of a network are called: by its paper, and as one of the layers 1–5 of these pages.

This is the one home of the correspondence: `layer2` of torchvision's ResNets is the paper's conv3_x and layer 3 here.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.architecture import Architecture, Layers

Kinds = Mapping[str, str]  # of operations by name, in the order of execution: "conv", "pool", …
MOSTLY = 0.6  # of a block's operations lie in the layer that it is said to belong to


@dataclass(frozen=True)
class OtherNames:
    """What a part of a network is called elsewhere; None where it has no name there."""

    paper: str | None = None  # "conv3_x"
    layer: str | None = None  # of the layers that are projected: "3", or LeNet's "C3"

    @property
    def stage(self) -> str | None:
        """The number of a residual network's stage, its stem being the first: conv3_x is C3 in Lin et al. 2016."""
        match = re.fullmatch(r"conv(\d)_x", self.paper or "")
        return match and match[1]


def other_names(
    architecture: Architecture, layers: Layers, kinds: Kinds, blocks: Mapping[str, Sequence[str]]
) -> dict[str, OtherNames]:
    """The other names of all operations and blocks that have any.

    Args:
        layers: by their names, the operations with which they end; see `Architecture.layers_of`.
        kinds: of all operations.
        blocks: of every block, the operations in it, in the order of execution.
    """
    paper, numbers = paper_names(architecture, kinds, blocks), layer_numbers(layers, list(kinds))
    for block, inside in blocks.items():
        counts = Counter(numbers.get(name) for name in inside)
        last = numbers.get(inside[-1])
        if last is not None and counts[last] >= MOSTLY * len(inside):
            numbers[block] = last
    return {name: OtherNames(paper.get(name), numbers.get(name)) for name in {**paper, **numbers}}


_RESIDUAL = {r"conv1": "conv1", r"layer(\d)": lambda stage: f"conv{int(stage) + 1}_x"}  # He et al. 2015, table 1
_BY_PATTERN: Mapping[str, Mapping[str, str | Callable[[str], str]]] = {
    "resnet": _RESIDUAL,
    "resnet_v2": _RESIDUAL,
    "plain": _RESIDUAL,
    "googlenet": {r"inception_?(\d\w)": lambda number: f"inception ({number})"},  # Szegedy et al. 2014, table 1
    "densenet": {  # Huang et al. 2016, table 1
        r"features\.denseblock(\d)": lambda number: f"Dense Block ({number})",
        r"features\.transition(\d)": lambda number: f"Transition Layer ({number})",
    },
    "efficientnet": {
        r"features\.(\d)(?:\.0(?:\.block)?)?": lambda place: f"stage {int(place) + 1}"
    },  # Tan & Le 2019, table 1
    "efficientnet_lite": {
        r"features\.stem": "stage 1",
        r"features\.stage(\d)(?:\.block1)?": lambda number: f"stage {number}",
        r"features\.head": "stage 9",
    },
    "convnext": {r"features\.([1357])": lambda place: f"res{(int(place) + 3) // 2}"},  # Liu et al. 2022, table 9
}


def paper_names(architecture: Architecture, kinds: Kinds, blocks: Iterable[str]) -> dict[str, str]:
    """What the paper calls operations and blocks, of those that it gives a name."""
    if architecture.is_for_cifar:  # of which no paper has a table
        return {}
    if architecture.family in ("vgg", "alexnet"):
        return dict(_counted(kinds))
    if architecture.family == "squeezenet":
        return dict(_fires(kinds, blocks))
    found: dict[str, str] = {}
    for name in sorted((*blocks, *kinds), key=len):  # a block of one thing is called like that thing
        for pattern, called in _BY_PATTERN.get(architecture.family, {}).items():
            if match := re.fullmatch(pattern, name):
                word = called if isinstance(called, str) else called(match[1])
                if word not in found.values():
                    found[name] = word
    return found


def _counted(kinds: Kinds) -> Iterator[tuple[str, str]]:
    """VGG's conv1_1 to pool5, AlexNet's conv1 to pool5, and fc6 to fc8, as everyone has called them since Caffe."""
    stages = _stages(kinds)
    is_deep = any(len(stage) > 1 for stage in stages)
    convolutions = [name for stage in stages for name in stage]
    places = {name: f"{i}_{j}" for i, stage in enumerate(stages, 1) for j, name in enumerate(stage, 1)}
    if not is_deep or len(convolutions) < 8:
        places = {name: str(i) for i, name in enumerate(convolutions, 1)}
    last, pooled, linear = "", "", 5
    for name, kind in kinds.items():
        if kind == "conv":
            last = places[name]
            yield name, f"conv{last}"
        elif kind == "activation" and last:
            yield name, f"relu{last}"
        elif kind == "pool" and last and last != pooled:
            pooled = last
            yield name, f"pool{last.partition('_')[0]}"
        elif kind == "linear":
            linear += 1
            last = str(linear)
            yield name, f"fc{linear}"


def _stages(kinds: Kinds) -> list[list[str]]:
    """The convolutions between two poolings."""
    stages: list[list[str]] = [[]]
    for name, kind in kinds.items():
        if kind == "conv":
            stages[-1].append(name)
        elif kind == "pool":
            stages.append([])
    return [stage for stage in stages if stage]


def _fires(kinds: Kinds, blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """SqueezeNet's conv1, fire2 to fire9 and conv10 (Iandola et al. 2016, table 1)."""
    fires = sorted((name for name in blocks if re.fullmatch(r"features\.\d+", name)), key=lambda name: int(name[9:]))
    inside = tuple(f"{name}." for name in fires)
    alone = [name for name, kind in kinds.items() if kind == "conv" and not name.startswith(inside)]
    yield from zip(alone, ("conv1", "conv10"), strict=False)
    yield from ((name, f"fire{i}") for i, name in enumerate(fires, 2))


def layer_numbers(layers: Layers, order: Iterable[str]) -> dict[str, str]:
    """In which of the layers 1–5 (of LeNet: C1, C3, C5) each operation lies: behind one's end, up to the next one's.

    Args:
        layers: by their names, the operations with which they end.
        order: of all operations.
    """
    ends = {operation: layer for layer, operation in layers.items()}
    found, waiting = {}, []
    for name in order:
        waiting.append(name)
        if name in ends:
            found |= dict.fromkeys(waiting, ends[name])
            waiting = []
    return found


def alike(one: str, other: str) -> bool:
    """Whether two names are the same but for spaces and signs, as inception3a and inception (3a) are."""
    return _plain(one) == _plain(other.rpartition(".")[2]) or _plain(one.rpartition(".")[2]) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()
