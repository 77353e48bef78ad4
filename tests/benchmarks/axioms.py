"""Whether methods keep what they promise, on every network: `python -m tests.benchmarks.axioms`.

By how much each axiom is missed, as a part of what the map should add up to. Random weights in double precision, batch
norms that have seen pictures, the smallest square picture from 32 pixels on that a network takes, and the class whose
logit is furthest from that of the baseline, the mean colour. Integrated gradients are complete with enough steps, of
which deep random networks, rugged as they are, need more than these: where one happens to miss less, 300 are taken. A
network of ReLUs without biases is linear on the straight way from the baseline, and there one step is enough. Gradient
SHAP is complete on average over its draws. DeepLIFT adds up where it says that it is exact. LRP conserves the score of
a network without biases; with them it is input × gradient where all activations are ReLUs (Ancona et al. 2018), and the
last column but one says how far it is from that, as a part of the largest value. The other methods promise no sum and
state no residual. “No” in the last column makes the command fail.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import torch
from torch import Tensor, nn

from models import ARCHITECTURES
from models.refusals import Refused
from tests.agreement.networks import seeded
from tests.benchmarks.timing import head, machine, parser_of, row
from vis.attribution import Attribution, attribute
from vis.shapes import record_shapes
from vis.trace import TraceRefused

LEAST = 32  # pixels along a side, where the network takes them
FEW, MANY, MOST, DRAWS = 1, 50, 300, 10
EXACT, NEAR = 1e-7, 1e-4  # LRP divides by sums to which Captum adds 10⁻⁹, which counts where they are small
LITTLE = 1e-2  # below it, more steps may by chance miss more, for the gradients of ReLUs jump
NO_AXIOM = ("saliency", "input_x_gradient", "deconvnet", "guided", "grad_cam", "guided_grad_cam", "layer_cam")


@dataclass
class Axioms:
    """What became of every axiom on one network."""

    side: int  # of the picture
    missed: dict[str, str] = field(default_factory=dict)  # in words, by what was asked
    broken: list[str] = field(default_factory=list)  # of what was promised

    def note(self, name: str, missed: float, bar: float = inf, words: str = "") -> None:
        """Keeps by how much something is missed, and whether it is more than it may be."""
        self.missed[name] = f"{abs(missed):.0e}{words}"
        if not abs(missed) < bar:
            self.broken.append(name)


def axioms(name: str, few: int = FEW, many: int = MANY, draws: int = DRAWS) -> Axioms:
    """What becomes of every axiom on a network of the registry.

    Args:
        few, many: steps of integrated gradients; where few happen to miss less, 300 are taken.
        draws: of gradient SHAP.
    """
    model, channels = seeded(ARCHITECTURES[name].build), ARCHITECTURES[name].input_shape[0]
    side = smallest(model, channels)
    image, *others = noise(9, channels, side).split([1, 8])
    settle(model, *others)
    found, (target, delta) = Axioms(side), furthest(model, image)

    found.note("few", coarse := missed(attribute(model, image, "integrated_gradients", target, steps=few), delta))
    bar = max(abs(coarse), LITTLE)
    for steps in (many, MOST):
        fine = missed(attribute(model, image, "integrated_gradients", target, steps=steps), delta)
        if abs(fine) < bar:
            break
    found.note("many", fine, bar, "" if steps == many else f", {steps} steps")
    found.note("shap", attribute(model, image, "gradient_shap", target, samples=draws, noise=0.0).residual / delta)
    lift = attribute(model, image, "deep_lift", target)
    is_exact = lift.fidelity == "exact"
    found.note("deep_lift", missed(lift, delta), EXACT if is_exact else inf, "" if is_exact else f", {lift.fidelity}")
    also = {method: attributed(model, image, method, target) for method in (*NO_AXIOM, "lrp")}
    found.broken += [method for method in NO_AXIOM if also[method] and also[method].residual is not None]
    compare(found, also["lrp"], also["input_x_gradient"], is_rectified(model))

    take_biases_away(model)
    target, delta = furthest(model, image)
    with torch.no_grad():
        once, twice = (model(scale * image)[0, target].item() for scale in (1, 2))
    is_homogeneous = abs(twice - 2 * once) < 1e-9 * abs(once)
    one = attribute(model, image, "integrated_gradients", target, steps=1)
    found.note("one", missed(one, delta), EXACT if is_homogeneous else inf)
    try:
        found.note("lrp", missed(attribute(model, image, "lrp", target), once), NEAR)
    except Refused as refusal:
        found.missed["lrp"] = str(refusal)
    return found


def missed(found: Attribution, whole: float) -> float:
    """By which part of the whole a map's sum is off, which must be what the method itself says."""
    apart = found.map.sum().item() - whole
    assert abs(apart - found.residual) <= 1e-9 * (abs(whole) + abs(apart)), (found.method, apart, found.residual)
    return apart / whole


def noise(pictures: int, channels: int, side: int) -> Tensor:
    """The same random pictures in every run."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(pictures, channels, side, side, generator=generator, dtype=torch.float64)


@torch.no_grad()
def settle(model: nn.Module, images: Tensor) -> None:
    """Biases of 0 and ConvNeXt's layer scales of 10⁻⁶ become random, and batch norms take what these pictures give."""
    generator = torch.Generator().manual_seed(0)
    for key, value in model.named_parameters():
        if key.endswith("layer_scale") or (key.endswith("bias") and not value.any()):
            value.uniform_(-0.3, 0.3, generator=generator)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    model(images)
    for norm in norms:
        norm.eval()


def smallest(model: nn.Module, channels: int) -> int:
    """The side of the smallest square picture, from 32 pixels on, that the network takes."""
    try:
        record_shapes(model, (1, channels, LEAST, LEAST))
    except TraceRefused as refusal:
        return refusal.values_said["side"]
    return LEAST


@torch.no_grad()
def furthest(model: nn.Module, image: Tensor) -> tuple[int, float]:
    """The class whose logit is furthest from that of the mean colour, and how far."""
    apart = (model(image) - model(torch.zeros_like(image)))[0]
    target = int(apart.abs().argmax())
    return target, apart[target].item()


def attributed(model: nn.Module, image: Tensor, method: str, target: int) -> Attribution | None:
    """What a method finds; None where it does not apply."""
    try:
        return attribute(model, image, method, target)
    except Refused:
        return None


def is_rectified(model: nn.Module) -> bool:
    """Whether its activation functions, if they are modules, are ReLUs."""
    return not any(type(module) is nn.ReLU6 for module in model.modules())


def compare(found: Axioms, lrp: Attribution | None, by_gradient: Attribution, is_same: bool) -> None:
    """Keeps how far LRP is from input × gradient, which it should be where `is_same`."""
    found.missed["beside"] = "–"
    if lrp is not None:
        apart = (lrp.per_channel - by_gradient.per_channel).abs().max() / by_gradient.per_channel.abs().max()
        found.note("beside", apart.item(), NEAR if is_same else inf, "" if is_same else ", ReLU6")


@torch.no_grad()
def take_biases_away(model: nn.Module) -> None:
    """What is added, and the means that batch norms take away, become 0."""
    for key, value in model.state_dict(keep_vars=True).items():
        if "bias" in key.rpartition(".")[2] or key.endswith("running_mean"):
            value.zero_()


def main(argv: Sequence[str] | None = None) -> int:
    parser = parser_of("axioms", __doc__)
    parser.add_argument("--only", nargs="+", choices=ARCHITECTURES, help="these networks")
    given = parser.parse_args(argv)
    print(machine())
    columns = {
        "few": f"integrated gradients, {FEW} step",
        "many": f"{MANY} steps",
        "one": "without biases, 1 step",
        "shap": f"gradient SHAP, {DRAWS} draws",
        "deep_lift": "DeepLIFT",
        "lrp": "LRP without biases",
        "beside": "LRP beside input × gradient",
    }
    head("network", "side", *columns.values(), "holds")
    broken = []
    for name in ("lenet5",) if given.short else given.only or ARCHITECTURES:
        found = axioms(name, *((2, 4, 2) if given.short else ()))
        broken += found.broken
        row(name, found.side, *map(found.missed.get, columns), f"no: {found.broken}" if found.broken else "yes")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
