"""EfficientNet-Lite0 against a slow twin, which is written with functions from the names in its file of weights."""

from functools import cache

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models import Loaded, load
from models.decoding import decoded
from models.packaged import packaged
from models.samples import SAMPLES
from models.weights import card
from vis.graph import layer_graph

ENDS = {16: 1, 24: 2, 40: 2, 80: 2, 112: 1, 192: 2, 320: 1}  # of a stage, its maps and the stride of its first block
KNOWN = {  # sample, and the class that the network says first
    "coffee": "espresso",
    "chelsea": "tiger cat",
    "hopper": "military uniform",
    "camera": "tripod",
}


@cache
def trained() -> Loaded:
    return load("efficientnet_lite0", "shipped", "cpu")


@cache
def in_the_file() -> dict[str, Tensor]:
    """All tensors of the file, in double precision."""
    about = card("efficientnet_lite0")
    file = packaged(about.package, about.at().file, about.at().sha256)
    return {name: values.double() for name, values in torch.load(file, weights_only=True).items()}


def same(x: Tensor, filters: Tensor, stride: int, groups: int = 1) -> Tensor:
    """A convolution padded as TensorFlow's SAME, by its formula: the odd zero is on the right and below."""
    for dim in (3, 2):
        side, kernel = x.shape[dim], filters.shape[dim]
        wanted = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        zeros = [x.new_zeros([n if d != dim else width for d, n in enumerate(x.shape)])
                 for width in (wanted // 2, wanted - wanted // 2)]  # fmt: skip
        x = torch.cat([zeros[0], x, zeros[1]], dim)
    return F.conv2d(x, filters, None, stride, groups=groups)


def twin(x: Tensor) -> Tensor:
    """The logits (N, 1000) of pictures (N, 3, H, W)."""
    p = in_the_file()

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (
            p[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-3).sqrt() * weight + bias

    def relu6(x: Tensor) -> Tensor:
        return x.clamp(0, 6)

    x = relu6(norm(same(x, p["_conv_stem.weight"], 2), "_bn0"))
    for i in range(16):
        name, y = f"_blocks.{i}", x
        if i:
            y = relu6(norm(same(y, p[f"{name}._expand_conv.weight"], 1), f"{name}._bn0"))
        project = p[f"{name}._project_conv.weight"]
        is_first = len(project) != x.shape[1]
        y = same(y, p[f"{name}._depthwise_conv.weight"], ENDS[len(project)] if is_first else 1, y.shape[1])
        y = norm(same(relu6(norm(y, f"{name}._bn1")), project, 1), f"{name}._bn2")
        x = y if is_first else x + y
    x = relu6(norm(same(x, p["_conv_head.weight"], 1), "_bn1"))
    return x.mean((2, 3)) @ p["_fc.weight"].T + p["_fc.bias"]


def test_its_logits_are_those_of_the_twin_and_it_holds_every_tensor_of_the_file():
    loaded, image = trained(), torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)).double()
    model = load("efficientnet_lite0", "shipped", "cpu").model.double()
    with torch.no_grad():
        torch.testing.assert_close(model(image), twin(image), rtol=0, atol=1e-9)
    own, file = loaded.model.state_dict(), in_the_file()
    assert len(own) == len(file) == 296
    assert sorted(float(v.double().sum()) for v in own.values()) == pytest.approx(
        sorted(float(v.sum()) for v in file.values()), rel=1e-12
    )


def test_pictures_are_prepared_as_its_file_was_trained():
    preprocess, picture = trained().preprocess, decoded(SAMPLES["coffee"].content())
    assert (preprocess.resize, preprocess.crop, preprocess.resample.name) == (256, 224, "BICUBIC")
    pixels = torch.from_numpy(preprocess.for_the_eye(preprocess(picture))).permute(2, 0, 1).double()
    torch.testing.assert_close(preprocess(picture)[0].double(), (pixels - 127) / 128, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sample", KNOWN)
def test_known_samples_are_named_rightly(sample):
    loaded = trained()
    with torch.no_grad():
        first = loaded.model(loaded.preprocess(decoded(SAMPLES[sample].content()))).argmax()
    assert loaded.categories[first] == KNOWN[sample]
    assert KNOWN[sample] in SAMPLES[sample].classes


def test_zeros_are_put_around_maps_where_a_filter_strides_and_nowhere_else():
    graph = layer_graph(trained().model, (1, 3, 224, 224))
    pads = {name: node.settings["padding"] for name, node in graph.nodes.items() if node.operation == "ZeroPad2d"}
    assert pads == {
        "features.stem.pad": (0, 1, 0, 1),
        "features.stage3.block1.pad": (0, 1, 0, 1),
        "features.stage4.block1.pad": (1, 2, 1, 2),
        "features.stage5.block1.pad": (0, 1, 0, 1),
        "features.stage7.block1.pad": (1, 2, 1, 2),
    }
