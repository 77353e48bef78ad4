"""A file of somebody's own weights, as those of one network; or a refusal that says whose they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from models.architecture import Architecture
from models.download import sha256_of
from models.naming import named, outline_of
from models.recognition import recognised
from models.refusals import Remark
from models.registry import ARCHITECTURES
from models.skeletons import bare
from models.spellings import SPELLINGS
from models.statefile import WeightsRefused, listed, read_state_dict
from models.weights import Misfit, Weights, not_finite

# In what they differ, no name and no shape tells: where their blocks stride, or whether these have shortcuts.
_PAIRS = [
    *((f"resnet{depth}", f"resnet{depth}_v1") for depth in (50, 101, 152)),
    *((f"cifar_plain{depth}", f"cifar_resnet{depth}") for depth in (20, 32)),
]
TWINS = dict(_PAIRS) | {later: earlier for earlier, later in _PAIRS}


@dataclass(frozen=True, eq=False)
class Given:
    """What a file gives a network.

    Args:
        tensors: all that is in the file, by their full names.
        state: those of the network, by its own; of another network what comes nearest.
    """

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    weights: Weights

    def completed(self, draw: Callable[[], nn.Module]) -> Mapping[str, Tensor]:
        """`state`, and where the classifier is not in it, that of the network that `draw` gives."""
        if not self.weights.headless:
            return self.state
        return {name: self.state.get(name, values) for name, values in draw().state_dict().items()}


def read_file(
    architecture: Architecture, options: Mapping[str, object], path: Path, name: str, state: str | None = None
) -> Given:
    """What the file at `path`, which its user calls `name`, gives the network that is built with these options.

    Args:
        state: the place in the file, where the network is there more than once.

    Raises:
        SeveralStates: where it is, and `state` is not given.
        WeightsRefused: for a file that cannot be read.
    """
    tensors = read_state_dict(path, name)
    outline = outline_of(bare(architecture.build, options), SPELLINGS.get(architecture.family, ()))
    found = named(outline, tensors, name, state)
    if found.fits and (wrong := not_finite(found.state)):
        raise WeightsRefused(
            "{file} contains non-finite values, in {names}: its training diverged or the file is damaged; choose an "
            "earlier checkpoint.",
            file=name,
            names=listed(wrong),
        )
    remarks = list(found.remarks)
    if twin := TWINS.get(architecture.name):
        remarks.append(_told_apart(architecture, ARCHITECTURES[twin].title))
    weights = Weights("file", name, sha256_of(path), True, None, found.place, found.headless, tuple(remarks))
    return Given(tensors, found.state, weights)


def _told_apart(architecture: Architecture, other: str) -> Remark:
    """In what a network differs from its twin."""
    if not architecture.is_for_cifar:
        return Remark(
            "{other} has tensors of the same names and shapes, but strides in another convolution of its blocks: "
            "if these weights were trained for it, choose it.",
            other=other,
        )
    if architecture.family == "plain":
        return Remark(
            "{other} has tensors of the same names and shapes, and shortcuts without any: if these weights were "
            "trained for it, choose it.",
            other=other,
        )
    return Remark(
        "{other} has tensors of the same names and shapes, but no shortcuts: if these weights were trained for it, "
        "choose it.",
        other=other,
    )


def whose(architecture: Architecture, given: Given, misfit: Misfit) -> WeightsRefused:
    """The refusal of another network's weights, which says whose they are."""
    found, file, title = recognised(given.tensors), given.weights.source, architecture.title
    here = " / ".join(found.here)
    if title in found.here:
        return WeightsRefused(
            "{file} holds the weights of {network} as it is without options; leave these out.", file=file, network=title
        )
    if here and found.backbone:
        return WeightsRefused(
            "{file} holds the weights of {found} without a classifier, not of {network}; choose {found}.",
            file=file,
            found=here,
            network=title,
        )
    if here:
        return WeightsRefused(
            "{file} holds the weights of {found}, not of {network}; choose {found}.",
            file=file,
            found=here,
            network=title,
        )
    if found.elsewhere:
        return WeightsRefused(
            "{file} holds the weights of {found}, which is not among the networks here; choose another file.",
            file=file,
            found=found.elsewhere,
        )
    said = misfit.values_said
    return WeightsRefused(
        "{file} fits none of the networks here as they are. For {network}, {missing_count} tensors are missing "
        "({missing}), {unexpected_count} unexpected ({unexpected}) and {misshapen_count} of another shape "
        "({misshapen}).",
        file=file,
        network=title,
        missing_count=said["missing_count"],
        missing=said["missing"],
        unexpected_count=said["unexpected_count"],
        unexpected=said["unexpected"],
        misshapen_count=said["misshapen_count"],
        misshapen=said["misshapen"],
    )
