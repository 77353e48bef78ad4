"""Where each method applies: known without computing anything, and true."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.refusals import Refused
from tests.agreement.networks import UNUSUAL, Net, gated, picture, seeded
from tests.agreement.test_attribution_odd import SMALL, convolutional
from vis.attribution import METHODS, FeatureMap, Target, attribute, question
from vis.deconvnet import Unit
from vis.trace import without_numbers

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not already")

WALKED = {"deconvnet", "guided", "guided_grad_cam"}
OF_MAPS = {"grad_cam", "guided_grad_cam", "layer_cam", "score_cam"}
UNROLLED = {"deep_lift", "lrp"}


def padded_by_size(net: nn.Module, x: Tensor) -> Tensor:
    """As TensorFlow pads at stride 2: one more where the side is odd."""
    x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)) if x.shape[3] % 2 or x.shape[2] % 2 else x
    return net.end(F.relu(net.a(x)).mean((2, 3)))


def curved_above(net: nn.Module, x: Tensor) -> Tensor:
    """What has no rule lies above the ReLU."""
    return net.end((F.relu(net.a(x)) ** 3).flatten(1))


def beside_a_constant(net: nn.Module, x: Tensor) -> Tensor:
    return net.end(F.relu(net.a(x) + net.a.weight.mean((2, 3))[:1, :1, None, None]).mean((2, 3)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "convolutional": convolutional,
    "one output": lambda: convolutional(classes=1),
    "gated": lambda: nn.Sequential(gated(), nn.Flatten(), nn.LazyLinear(3)),
    "fully connected": lambda: nn.Sequential(nn.Flatten(), nn.Linear(390, 8), nn.ReLU(), nn.Linear(8, 3)),
    "a square": lambda: nn.Sequential(UNUSUAL["a square"](), nn.Flatten(), nn.LazyLinear(3)),
    "padded by size": lambda: Net(padded_by_size, a=nn.Conv2d(3, 4, 3, 2), end=nn.Linear(4, 3)),
    "beside a constant": lambda: Net(beside_a_constant, a=nn.Conv2d(3, 4, 3, 2), end=nn.Linear(4, 3)),
    "curved above": lambda: Net(curved_above, a=nn.Conv2d(3, 4, 3, 2), end=nn.LazyLinear(3)),
}
NO_LAYER, LOGIT, BELOW = "maps with positions", "ask for the logit instead", "does not depend on layer"
RULE, SIZES = "has no rule for", "depend on the size of the picture"

CASES: list[tuple[str, dict, dict[str, str]]] = [  # the network, what is asked, and which methods say what
    ("convolutional", {"target": 1}, {}),
    ("convolutional", {"target": (1, 3), "negative": True}, {}),
    ("convolutional", {"target": 1, "probability": True}, dict.fromkeys(WALKED | {"lrp"}, LOGIT)),
    ("convolutional", {"target": Unit("5", 2, 1, 1, 0.0)}, {}),
    ("convolutional", {"target": FeatureMap("5", 2)}, {}),
    ("convolutional", {"target": Unit("1", 2, 4, 1, 0.0), "layer": "4"}, dict.fromkeys(OF_MAPS, BELOW)),
    ("convolutional", {"target": 2, "layer": "3"}, {}),
    ("convolutional", {"target": 2, "layer": "none"}, dict.fromkeys(OF_MAPS, "no layer “none”")),
    ("one output", {"target": 0, "negative": True}, {}),
    ("gated", {"target": 1}, {"lrp": RULE}),
    ("fully connected", {"target": (0, 2)}, dict.fromkeys(OF_MAPS, NO_LAYER)),
    ("a square", {"target": 1}, dict.fromkeys(WALKED, "neither is a gate") | {"lrp": RULE}),
    ("padded by size", {"target": 1}, dict.fromkeys(UNROLLED, SIZES)),
    (
        "beside a constant",
        {"target": Unit("getitem", 0, 0, 0, 0.0)},
        dict.fromkeys(METHODS, "the same for every picture"),
    ),
    ("beside a constant", {"target": 2}, {"lrp": RULE}),
    ("curved above", {"target": 1}, dict.fromkeys(WALKED | {"lrp"}, RULE)),
    ("curved above", {"target": Unit("relu", 1, 2, 0, 0.0)}, {}),  # of what lies below nothing is missing
]


def built(name: str) -> nn.Module:
    def initialised() -> nn.Module:
        net = NETWORKS[name]()
        net(torch.zeros(2, 3, 13, 10))  # layers that make their weights when they see a picture
        return net

    return seeded(initialised)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_method_that_applies_gives_a_map_and_one_that_does_not_says_the_same_before_and_then(case):
    name, asked, refused = case
    model, image = built(name), picture()
    for method in METHODS:
        why = refusal_of(model, image, method, asked)
        assert refusal_of(without_numbers(model), image, method, asked) == why  # nothing needs to be computed
        options = SMALL.get(method, {})
        if method in refused:
            assert refused[method] in (why or ""), (method, why)
            with pytest.raises(Refused) as raised:
                attribute(model, image, method, **asked, **options)
            assert str(raised.value) == why
        else:
            assert why is None, method
            found = attribute(model, image, method, **asked, **options)
            assert found.map.isfinite().all(), method


def refusal_of(model: nn.Module, image: Tensor, method: str, asked: dict[str, Target]) -> str | None:
    try:
        METHODS[method].applies(question(model, image, **asked))
    except Refused as refusal:
        return str(refusal)
    return None
