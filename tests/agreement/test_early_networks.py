"""The networks of 1998 to 2017 that are built here, against their papers: hand arithmetic, loops, and the slow twin."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise, product

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from models.alexnet import AlexNet2012
from models.googlenet import GoogLeNet2014
from models.lenet import C3_TABLE, LeNet5, LeNet5_1998, RadialBasis, ScaledTanh, SparseC3, Subsampling
from models.mobilenet import MobileNetV1
from models.zfnet import ZFNet
from tests.agreement.networks import picture, seeded
from tests.agreement.slow_twin import SlowTwin
from vis.deconvnet import METHODS, project, strongest_units
from vis.graph import layer_graph
from vis.shapes import record_shapes
from vis.trace import traced

NETWORKS: dict[str, tuple[Callable[..., nn.Module], tuple[int, int, int]]] = {
    "lenet5": (LeNet5, (1, 32, 32)),
    "lenet5_1998": (LeNet5_1998, (1, 32, 32)),
    "alexnet_2012": (AlexNet2012, (3, 227, 227)),
    "zfnet": (ZFNet, (3, 224, 224)),
    "googlenet_2014": (GoogLeNet2014, (3, 224, 224)),
    "mobilenet_v1": (MobileNetV1, (3, 224, 224)),
}


@cache
def without_weights(name: str, **options: object) -> nn.Module:
    with torch.device("meta"):
        return NETWORKS[name][0](**options).eval()


def parameters(model: nn.Module) -> dict[str, int]:
    """Of every layer that has some of its own."""
    counts = {name: sum(p.numel() for p in m.parameters(recurse=False)) for name, m in model.named_modules()}
    return {name: count for name, count in counts.items() if count}


def total(model: nn.Module) -> int:
    return sum(parameters(model).values())


def macs(model: nn.Module, shape: tuple[int, ...]) -> dict[str, int]:
    """Multiply-adds of every module as torch counts them, "" for the whole network."""
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, *shape, device="meta"))
    flops = {module: sum(of.values()) for module, of in counter.get_flop_counts().items()}
    assert not any(count % 2 for count in flops.values())
    return {"": flops["Global"] // 2} | {m.partition(".")[2]: c // 2 for m, c in flops.items() if "." in m}


def shapes(name: str, *layers: str, **options: object) -> list[tuple[int, ...]]:
    recording = record_shapes(without_weights(name, **options), (1, *NETWORKS[name][1]))
    return [tuple(recording.of(layer).shape[1:]) for layer in layers]


def millions(count: float, digits: int = 1) -> float:
    return round(count / 1e6, digits)


# Every network ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_traced_without_weights_and_has_as_many_outputs_as_classes(name):
    model, shape = without_weights(name, num_classes=7), NETWORKS[name][1]
    assert len(traced(model).names) > 10
    assert tuple(model(torch.empty(3, *shape, device="meta")).shape) == (3, 7)


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [
        *product(["alexnet_2012"], [227, 256, 400], [227, 300]),
        *product(["zfnet", "googlenet_2014"], [224, 256], [224, 320]),
        *product(["mobilenet_v1"], [32, 128, 250], [96, 224]),
    ],
)
def test_pictures_of_other_sizes_can_be_shown(name, height, width):
    assert tuple(without_weights(name)(torch.empty(1, 3, height, width, device="meta")).shape) == (1, 1000)


# LeNet-5, as published ---------------------------------------------------------------------------------------------


def test_lenet_of_1998_has_60_000_parameters_in_the_papers_layers():
    found = parameters(without_weights("lenet5_1998"))
    c3 = {layer: count for layer, count in found.items() if layer.startswith("features.c3")}
    assert {layer: count for layer, count in found.items() if layer not in c3} == {
        "features.c1": 6 * (5 * 5 + 1),
        "features.s2": 6 * (1 + 1),
        "features.s4": 16 * (1 + 1),
        "features.c5": 120 * (16 * 5 * 5 + 1),
        "classifier.f6": 84 * (120 + 1),
    }
    assert list(c3.values()) == [6 * (3 * 25 + 1), 9 * (4 * 25 + 1), 1 * (6 * 25 + 1)]
    assert sum(c3.values()) == 1_516
    assert 156 + 12 + 1_516 + 32 + 48_120 + 10_164 == sum(found.values()) == 60_000


def test_lenet_of_1998_has_the_papers_340_908_connections():
    """Of every unit: one to each input and one to its bias; to the codes one for each of the 84 bits of ten classes."""
    layers = ("c1", "s2.add", "c3.cat", "s4.add", "c5")
    c1, s2, c3, s4, c5 = (
        math.prod(shape) for shape in shapes("lenet5_1998", *(f"features.{layer}" for layer in layers))
    )
    assert (c1, s2, c3, s4, c5) == (28 * 28 * 6, 14 * 14 * 6, 10 * 10 * 16, 5 * 5 * 16, 120)
    by_hand = [
        c1 * (5 * 5 + 1),
        s2 * (2 * 2 + 1),
        c3 // 16 * sum(len(maps) * 25 + 1 for maps in C3_TABLE),
        s4 * (2 * 2 + 1),
        c5 * (16 * 25 + 1),
        84 * (120 + 1),
        10 * 84,
    ]
    assert by_hand == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(by_hand) == 340_908


def test_lenet_of_1998_costs_one_mac_for_each_weight_and_position():
    """Subsampling is no convolution and the distance to a code no product, so neither is counted."""
    found = macs(without_weights("lenet5_1998"), (1, 32, 32))
    by_hand = {
        "features.c1": 28 * 28 * 6 * 25,
        "features.c3": 10 * 10 * 60 * 25,
        "features.c5": 120 * 16 * 25,
        "classifier.f6": 84 * 120,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values()) == 325_680


def test_the_table_of_c3_has_every_run_of_three_and_of_four_then_three_broken_ones_then_all():
    """Table I: 60 of the 96 possible connections, and each map of S2 is looked at by ten maps of C3."""
    three, four, broken, last = C3_TABLE[:6], C3_TABLE[6:12], C3_TABLE[12:15], C3_TABLE[15:]
    runs = [[{(first + i) % 6 for i in range(length)} for first in range(6)] for length in (3, 4)]
    assert [set(maps) for maps in three] == runs[0]
    assert [set(maps) for maps in four] == runs[1]
    assert all(len(set(maps)) == 4 and set(maps) not in runs[1] for maps in broken)
    assert len({frozenset(maps) for maps in broken}) == 3
    assert last == (tuple(range(6)),)
    assert [sum(m in maps for maps in C3_TABLE) for m in range(6)] == [10] * 6


def test_c3_is_a_dense_convolution_whose_missing_weights_are_zero():
    c3, x = seeded(SparseC3), picture((2, 6, 14, 14))
    weights = [w for conv in (c3.three, c3.four, c3.six) for w in conv.weight]  # sixteen of (3, 4 or 6, 5, 5)
    dense = torch.zeros(16, 6, 5, 5, dtype=torch.float64)
    for number, (maps, weight) in enumerate(zip(C3_TABLE, weights, strict=True)):
        dense[number, list(maps)] = weight.detach()
    assert dense.count_nonzero() == 1_500
    bias = torch.cat([c3.three.bias, c3.four.bias, c3.six.bias])
    torch.testing.assert_close(c3(x), F.conv2d(x, dense, bias), rtol=0, atol=1e-12)


def test_subsampling_is_the_sum_of_four_times_one_coefficient_plus_one_bias():
    s2, x = seeded(lambda: Subsampling(3)), picture((1, 3, 6, 4))
    with torch.no_grad():
        s2.coefficient.copy_(torch.tensor([0.3, -0.2, 1.5]).view(3, 1, 1))
        s2.bias.copy_(torch.tensor([0.1, 0.0, -0.7]).view(3, 1, 1))
        found = s2(x)
    assert tuple(found.shape) == (1, 3, 3, 2)
    for c, row, column in product(range(3), range(3), range(2)):
        added = sum(x[0, c, 2 * row + i, 2 * column + j].item() for i, j in product(range(2), range(2)))
        by_hand = added * s2.coefficient[c].item() + s2.bias[c].item()
        assert found[0, c, row, column].item() == pytest.approx(by_hand, abs=1e-12)


def test_the_scaled_tanh_is_one_at_one_and_1_7159_far_out():
    """Appendix A: f(±1) = ±1, to the four digits of the constant."""
    x = torch.tensor([-1e3, -1.0, 0.0, 0.3, 1.0, 1e3], dtype=torch.float64)
    found = ScaledTanh()(x)
    torch.testing.assert_close(found, 1.7159 * torch.tanh(2 * x / 3), rtol=0, atol=1e-12)
    assert found.tolist() == pytest.approx([-1.7159, -1, 0, 1.7159 * math.tanh(0.2), 1, 1.7159], abs=1e-4)


def test_lenet_of_1998_squashes_every_layer_up_to_f6():
    """Page 8: units of the layers up to F6, subsampling included, pass their sum through the squashing function."""
    model = without_weights("lenet5_1998")
    steps = [type(m) for m in (*model.features, *model.classifier)]
    assert steps.count(ScaledTanh) == 6
    assert all(b is ScaledTanh for a, b in pairwise(steps) if a in (nn.Conv2d, Subsampling, SparseC3, nn.Linear))


def test_the_output_is_the_negative_squared_distance_to_each_code():
    rbf, x = RadialBasis(10).double(), picture((2, 84))
    found = rbf(x)
    for n, k in product(range(2), range(10)):
        by_hand = -sum((x[n, i].item() - rbf.codes[k, i].item()) ** 2 for i in range(84))
        assert found[n, k].item() == pytest.approx(by_hand, abs=1e-10)
    for k in range(10):  # a code is nearest to itself, at no distance
        distances = rbf(rbf.codes[k : k + 1])[0]
        assert distances.argmax() == k
        assert distances[k] == 0


@pytest.mark.parametrize("classes", [2, 10, 43, 200])
def test_the_codes_are_fixed_and_no_two_are_near_each_other(classes):
    codes = RadialBasis(classes).codes
    assert tuple(codes.shape) == (classes, 7 * 12)
    assert not list(RadialBasis(classes).parameters())
    assert codes.abs().eq(1).all()
    assert codes.equal(RadialBasis(classes).codes)
    differing = (codes[:, None] != codes).sum(2) + 84 * torch.eye(classes, dtype=torch.long)
    assert differing.min() >= 8  # of 84 bits; 0 and 8 look alike, and in the paper are meant to


# LeNet-5, as built today -------------------------------------------------------------------------------------------


def test_batch_norm_stands_between_each_convolution_of_lenet_and_its_relu():
    plain, normed = (list(dict(LeNet5(batch_norm=on).features.named_children())) for on in (False, True))
    assert plain == ["c1", "relu1", "s2", "c3", "relu3", "s4", "c5", "relu5"]
    assert normed == ["c1", "bn1", "relu1", "s2", "c3", "bn3", "relu3", "s4", "c5", "bn5", "relu5"]
    maps = 6 + 16 + 120
    assert total(without_weights("lenet5")) == 61_706
    assert total(without_weights("lenet5", batch_norm=True)) == 61_706 - maps + 2 * maps == 61_848


# AlexNet ---------------------------------------------------------------------------------------------------------


def test_the_layers_of_alexnet_have_the_parameters_that_the_papers_two_gpus_lead_to():
    by_hand = {
        "features.conv1": 2 * 48 * (11 * 11 * 3 + 1),
        "features.conv2": 2 * 128 * (5 * 5 * 48 + 1),
        "features.conv3": 2 * 192 * (3 * 3 * 256 + 1),
        "features.conv4": 2 * 192 * (3 * 3 * 192 + 1),
        "features.conv5": 2 * 128 * (3 * 3 * 192 + 1),
        "classifier.fc6": 4096 * (6 * 6 * 256 + 1),
        "classifier.fc7": 4096 * (4096 + 1),
        "classifier.fc8": 1000 * (4096 + 1),
    }
    assert parameters(without_weights("alexnet_2012")) == by_hand
    assert sum(by_hand.values()) == 60_965_224
    assert total(without_weights("alexnet_2012", groups=1)) == 62_378_344


def test_the_layers_of_alexnet_cost_one_mac_for_each_weight_and_position():
    found = macs(without_weights("alexnet_2012"), (3, 227, 227))
    by_hand = {
        "features.conv1": 55**2 * 96 * 11**2 * 3,
        "features.conv2": 27**2 * 256 * 5**2 * 48,
        "features.conv3": 13**2 * 384 * 3**2 * 256,
        "features.conv4": 13**2 * 384 * 3**2 * 192,
        "features.conv5": 13**2 * 256 * 3**2 * 192,
        "classifier.fc6": 9216 * 4096,
        "classifier.fc7": 4096 * 4096,
        "classifier.fc8": 4096 * 1000,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values()) == 724_406_816
    assert macs(without_weights("alexnet_2012", groups=1), (3, 227, 227))[""] == 1_135_256_096


def test_alexnet_has_the_papers_neurons_but_for_a_slip_at_conv1():
    """Section 3.5 counts 253,440 there, which no square of 96 maps gives; figure 2 draws 55×55, which are 290,400."""
    layers = [*(f"features.relu{i}" for i in range(1, 6)), "classifier.relu6", "classifier.relu7", "classifier.fc8"]
    neurons = [math.prod(shape) for shape in shapes("alexnet_2012", *layers)]
    published = [253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert neurons == [55 * 55 * 96, *published[1:]]
    assert published[0] % 96 == 0
    assert math.isqrt(published[0] // 96) ** 2 != published[0] // 96
    assert sum(neurons) == 659_272  # "650,000 neurons"
    assert sum(published) == 622_312


def test_alexnet_has_the_shapes_of_the_papers_figure_2():
    pools = shapes("alexnet_2012", "features.pool1", "features.pool2", "features.pool5")
    assert pools == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]
    steps = list(dict(without_weights("alexnet_2012").features.named_children()))
    assert steps[:8] == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]  # section 3.5
    assert all(p.kernel_size > p.stride for p in without_weights("alexnet_2012").features if type(p) is nn.MaxPool2d)


def test_a_group_of_alexnet_looks_at_the_maps_of_its_own_gpu_alone():
    conv = seeded(lambda: AlexNet2012().features.conv2)
    x = picture((1, 96, 5, 5)).requires_grad_()
    (gradient,) = torch.autograd.grad(conv(x)[:, :128].sum(), x)
    assert gradient[:, :48].abs().sum() > 0
    assert gradient[:, 48:].count_nonzero() == 0


@pytest.mark.parametrize("name", ["alexnet_2012", "zfnet", "googlenet_2014"])
def test_contrast_normalisation_is_the_papers_formula(name):
    """Section 3.3: b = a / (2 + 10⁻⁴ Σ a²)^0.75 over up to five maps around each."""
    norms = [m for m in without_weights(name).modules() if isinstance(m, nn.LocalResponseNorm)]
    assert len(norms) == 2
    a = picture((1, 9, 2, 2)) * 100  # so that the sum matters beside the 2
    for norm in norms:
        found = norm(a)
        for i, row, column in product(range(9), range(2), range(2)):
            squares = sum(a[0, j, row, column].item() ** 2 for j in range(max(0, i - 2), min(8, i + 2) + 1))
            by_hand = a[0, i, row, column].item() / (2 + 1e-4 * squares) ** 0.75
            assert found[0, i, row, column].item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("name", ["alexnet_2012", "zfnet"])
def test_half_of_the_outputs_of_the_two_hidden_layers_are_dropped_in_training(name):
    """AlexNet, section 4.2: the output of each hidden neuron is set to zero with probability one half."""
    steps = dict(without_weights(name).classifier.named_children())
    assert list(steps) == ["flatten", "fc6", "relu6", "dropout6", "fc7", "relu7", "dropout7", "fc8"]
    assert steps["dropout6"].p == steps["dropout7"].p == 0.5


# ZFNet -----------------------------------------------------------------------------------------------------------


def test_the_wide_zfnet_has_the_maps_of_the_papers_table_3():
    wide = without_weights("zfnet", widths=(512, 1024, 512))
    by_hand = {
        "features.conv1": 96 * (7 * 7 * 3 + 1),
        "features.conv2": 256 * (5 * 5 * 96 + 1),
        "features.conv3": 512 * (3 * 3 * 256 + 1),
        "features.conv4": 1024 * (3 * 3 * 512 + 1),
        "features.conv5": 512 * (3 * 3 * 1024 + 1),
        "classifier.fc6": 4096 * (6 * 6 * 512 + 1),
        "classifier.fc7": 4096 * (4096 + 1),
        "classifier.fc8": 1000 * (4096 + 1),
    }
    assert parameters(wide) == by_hand
    found = macs(wide, (3, 224, 224))
    assert [found[f"features.conv{i}"] for i in (3, 4, 5)] == [
        13**2 * 3**2 * inputs * outputs for inputs, outputs in ((256, 512), (512, 1024), (1024, 512))
    ]
    assert total(without_weights("zfnet")) == 62_357_608
    assert macs(without_weights("zfnet"), (3, 224, 224))[""] == 1_168_032_896


# GoogLeNet -------------------------------------------------------------------------------------------------------

TABLE_1 = {  # inputs; 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool; side
    "3a": (192, 64, 96, 128, 16, 32, 32, 28),
    "3b": (256, 128, 128, 192, 32, 96, 64, 28),
    "4a": (480, 192, 96, 208, 16, 48, 64, 14),
    "4b": (512, 160, 112, 224, 24, 64, 64, 14),
    "4c": (512, 128, 128, 256, 24, 64, 64, 14),
    "4d": (512, 112, 144, 288, 32, 64, 64, 14),
    "4e": (528, 256, 160, 320, 32, 128, 128, 14),
    "5a": (832, 256, 160, 320, 32, 128, 128, 7),
    "5b": (832, 384, 192, 384, 48, 128, 128, 7),
}


def inception_weights(inputs: int, one: int, r3: int, three: int, r5: int, five: int, pool: int) -> int:
    return inputs * (one + r3 + r5 + pool) + 9 * r3 * three + 25 * r5 * five


def test_googlenet_has_6_990_272_weights_and_a_bias_for_each_map():
    model = without_weights("googlenet_2014")
    stem = 7 * 7 * 3 * 64 + 64 * 64 + 3 * 3 * 64 * 192
    weights = stem + sum(inception_weights(*row[:7]) for row in TABLE_1.values()) + 1024 * 1000
    assert sum(p.numel() for p in model.parameters() if p.dim() > 1) == weights == 6_990_272
    biases = 64 + 64 + 192 + sum(sum(row[1:7]) for row in TABLE_1.values()) + 1000
    assert total(model) == weights + biases == 6_998_552


def test_the_modules_of_googlenet_cost_what_the_papers_widths_lead_to():
    found = macs(without_weights("googlenet_2014"), (3, 224, 224))
    by_hand = {
        "conv1": 112**2 * 7**2 * 3 * 64,
        "conv2_reduce": 56**2 * 64 * 64,
        "conv2": 56**2 * 3**2 * 64 * 192,
        **{f"inception_{name}": row[7] ** 2 * inception_weights(*row[:7]) for name, row in TABLE_1.items()},
        "fc": 1024 * 1000,
    }
    assert {module: found[module] for module in by_hand} == by_hand
    assert found[""] == sum(by_hand.values()) == 1_582_671_872
    modules = [millions(by_hand[f"inception_{name}"]) for name in TABLE_1]
    assert modules == [128.0, 304.3, 73.6, 87.9, 99.9, 118.5, 170.0, 51.1, 70.7]


def test_googlenet_has_the_shapes_of_the_papers_table_1():
    steps = ("conv1.relu", "pool1", "conv2.relu", "pool2", "pool3", "pool4", "pool5")
    assert shapes("googlenet_2014", *steps) == [
        (64, 112, 112),
        (64, 56, 56),
        (192, 56, 56),
        (192, 28, 28),
        (480, 14, 14),
        (832, 7, 7),
        (1024, 1, 1),
    ]
    found = shapes("googlenet_2014", *(f"inception_{name}.cat" for name in TABLE_1))
    assert found == [(row[1] + row[3] + row[5] + row[6], row[7], row[7]) for row in TABLE_1.values()]
    assert [shape[0] for shape in found] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_a_module_of_googlenet_has_the_papers_filters_and_ends_in_a_concatenation():
    model = without_weights("googlenet_2014")
    kernels = {
        name: {conv.kernel_size[0] for m, conv in module.named_modules() if isinstance(conv, nn.Conv2d)}
        for name, module in model.inception_4c.named_children()
    }
    assert kernels == {"branch1x1": {1}, "branch3x3": {1, 3}, "branch5x5": {1, 5}, "branch_pool": {1}}
    names = {name for name in traced(model).names.values() if name.endswith("cat")}
    assert names == {f"inception_{name}.cat" for name in TABLE_1}
    convolutions = sum(isinstance(m, nn.Conv2d) for m in model.modules())
    assert convolutions == 3 + 6 * 9 == sum(isinstance(m, nn.ReLU) for m in model.modules())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())


def test_googlenet_normalises_after_pool1_and_before_pool2():
    names = list(traced(without_weights("googlenet_2014")).names.values())
    stem = names[names.index("pool1") : names.index("pool2") + 1]
    reduced, filtered = ["conv2_reduce.conv", "conv2_reduce.relu"], ["conv2.conv", "conv2.relu"]
    assert stem == ["pool1", "norm1", *reduced, *filtered, "norm2", "pool2"]
    assert without_weights("googlenet_2014").dropout.p == 0.4


def test_the_auxiliary_classifiers_have_the_papers_layers():
    """Section 5: on 4a and 4d; pool 5×5 stride 3, 128 filters of 1×1, 1024 units, 70 % dropped, one linear layer."""
    model = without_weights("googlenet_2014", aux=True)
    for aux, inputs in ((model.aux1, 512), (model.aux2, 528)):
        assert parameters(aux) == {
            "project.conv": 128 * (inputs + 1),
            "fc1": 1024 * (4 * 4 * 128 + 1),
            "fc2": 1000 * (1024 + 1),
        }
        assert tuple(aux.pool(torch.empty(1, inputs, 14, 14, device="meta")).shape) == (1, inputs, 4, 4)
        assert aux.dropout.p == 0.7


def test_the_auxiliary_classifiers_cost_what_the_papers_layers_lead_to_and_are_seen_in_the_graph():
    """Their answers are not read in evaluation mode; they branch off behind 4a and 4d all the same."""
    graph = layer_graph(without_weights("googlenet_2014", aux=True), (1, 3, 224, 224))
    for head, inputs, of in (("aux1", 512, "4a"), ("aux2", 528, "4d")):
        assert graph.params(head) == 128 * (inputs + 1) + 1024 * (2048 + 1) + 1000 * (1024 + 1)
        assert graph.counted(head) == 4 * 4 * inputs * 128 + 2048 * 1024 + 1024 * 1000
        assert graph.nodes[f"{head}.pool"].inputs == (f"inception_{of}.cat",)
        assert not any(edge.source == f"{head}.fc2" for edge in graph.edges)
    heads = graph.params("aux1") + graph.params("aux2")
    assert graph.params() == 6_998_552 + heads == total(without_weights("googlenet_2014", aux=True))
    assert graph.counted() == macs(without_weights("googlenet_2014", aux=True), (3, 224, 224))[""]
    assert graph.unused == {}


def test_the_auxiliary_classifiers_answer_in_training_alone():
    model = seeded(lambda: GoogLeNet2014(num_classes=5, aux=True)).float()
    image = picture((2, 3, 224, 224), dtype=torch.float32)
    without = GoogLeNet2014(num_classes=5).eval()
    without.load_state_dict({key: v for key, v in model.state_dict().items() if not key.startswith("aux")})
    with torch.no_grad():
        answer = model(image)
        assert answer.equal(without(image))
        for module in (model.train(), without.train()):
            for dropout in (m for m in module.modules() if isinstance(m, nn.Dropout)):
                dropout.p = 0.0
        main, first, second = model(image)
        assert main.equal(answer)
        assert without(image).equal(answer)
    assert first.shape == second.shape == (2, 5)
    assert not first.equal(second)


# MobileNet -------------------------------------------------------------------------------------------------------


def test_mobilenet_has_28_layers_and_each_but_the_last_is_normalised_and_rectified():
    steps = [m for m in without_weights("mobilenet_v1").modules() if not list(m.children())]
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in steps) == 28
    convolutions = [i for i, m in enumerate(steps) if isinstance(m, nn.Conv2d)]
    assert {tuple(map(type, steps[i + 1 : i + 3])) for i in convolutions} == {(nn.BatchNorm2d, nn.ReLU)}
    last = without_weights("mobilenet_v1").features.block13.depthwise
    assert (last.stride, last.groups) == ((1, 1), 1024)


def test_mobilenet_has_the_shapes_of_the_papers_table_1():
    found = shapes("mobilenet_v1", "features.conv1.relu", *(f"features.block{i}.relu2" for i in range(1, 14)))
    assert found == [
        *((32, 112, 112), (64, 112, 112), (128, 56, 56), (128, 56, 56), (256, 28, 28), (256, 28, 28)),
        *[(512, 14, 14)] * 6,
        *[(1024, 7, 7)] * 2,
    ]


def mobilenet(side: int = 224, **options: object) -> int:
    return macs(without_weights("mobilenet_v1", **options), (3, side, side))[""]


@pytest.mark.parametrize(
    ("width", "of_sides", "parameters_in_millions"),
    [
        (1.0, (568.7, 418.1, 290.7, 186.4), 4.2),
        (0.75, (325.4, 239.3, 166.4, 106.8), 2.6),
        (0.5, (149.5, 110.0, 76.5, 49.2), 1.3),
        (0.25, (41.0, 30.2, 21.1, 13.6), 0.5),
    ],
)
def test_mobilenets_of_every_width_and_resolution_cost_what_tables_6_and_7_say(width, of_sides, parameters_in_millions):
    found = [millions(mobilenet(side, width=width, resolution=side)) for side in (224, 192, 160, 128)]
    assert found == list(of_sides)
    assert millions(total(without_weights("mobilenet_v1", width=width))) == parameters_in_millions


def test_mobilenet_spends_its_macs_and_parameters_where_table_2_says():
    """In percent: 1×1, depthwise, the first 3×3, fully connected; parameters without batch norm's and biases."""
    model = without_weights("mobilenet_v1")
    cost = macs(model, (3, 224, 224))
    layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    kinds = ("pointwise", "depthwise", "conv1.conv", "fc")

    def shares(count: dict[str, int]) -> list[float]:
        sums = [sum(count[name] for name in layers if name.endswith(kind)) for kind in kinds]
        return [round(100 * part / sum(sums), 2) for part in sums]

    assert shares(cost) == [94.86, 3.06, 1.91, 0.18]  # the paper's 1.19 is a swap of digits: its rows add to 99.29
    assert shares({name: m.weight.numel() for name, m in layers.items()}) == [74.59, 1.06, 0.02, 24.33]
    assert total(model) == 4_231_976


def test_mobilenet_of_full_convolutions_costs_what_table_4_says():
    """The paper's 4,866 M leave out the 1 M of the classifier, which its 569 M for MobileNet include."""
    full = without_weights("mobilenet_v1", separable=False)
    maps = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    sides = [112, 56, 56, 28, 28, *[14] * 6, 7, 7]
    convolutions = 112**2 * 27 * 32 + sum(
        side**2 * 9 * a * b for side, (a, b) in zip(sides, pairwise(maps), strict=True)
    )
    assert mobilenet(separable=False) == convolutions + 1024 * 1000
    assert millions(convolutions, 0) == 4866
    assert millions(total(full)) == 29.3


def test_shallow_mobilenet_costs_what_table_5_says():
    shallow = without_weights("mobilenet_v1", shallow=True)
    assert millions(mobilenet(shallow=True), 0) == 307
    assert millions(total(shallow)) == 2.9
    assert mobilenet() - mobilenet(shallow=True) == 5 * 14**2 * 512 * (9 + 512)


def test_the_resolution_is_kept_and_changes_no_layer():
    assert without_weights("mobilenet_v1", resolution=160).resolution == 160
    assert parameters(without_weights("mobilenet_v1", resolution=160)) == parameters(without_weights("mobilenet_v1"))


# What their units saw --------------------------------------------------------------------------------------------

TANH = "approximated: tanh treated as ReLU"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", ["c1", "tanh1", "s2", "tanh3", "tanh4", "tanh5"])
def test_every_map_of_lenet_of_1998_is_projected_as_by_the_slow_twin(layer, method):
    model, image = seeded(LeNet5_1998), picture((1, 1, 32, 32))
    operation = {"c1": "features.c1", "s2": "features.s2.add"}.get(layer, f"features.{layer}.mul_1")
    units = [unit for unit in strongest_units(model, image, operation, k=120) if unit.activation > 0]
    assert units
    twin = SlowTwin(model, image, method)
    for found in project(model, image, units, method):
        truth = twin.projection(replace(found.unit, layer=f"features.{layer}"))
        torch.testing.assert_close(found.on_canvas(), truth, rtol=1e-9, atol=1e-12)
        assert found.fidelity == ("exact" if method == "gradient" or layer == "c1" else TANH)


def test_a_unit_of_lenet_of_1998_sees_its_receptive_field_and_no_more():
    """C1 5, S2 6, C3 14, S4 16, C5 all 32 pixels, in steps of 1, 2, 2, 4."""
    model, image = seeded(LeNet5_1998), picture((1, 1, 32, 32))
    for number, (field, step) in enumerate([(5, 1), (6, 2), (14, 2), (16, 4), (32, 4)], 1):
        units = strongest_units(model, image, f"features.tanh{number}.tanh")
        for unit, found in zip(units, project(model, image, units), strict=True):
            top, left = unit.row * step, unit.column * step
            box = found.box
            assert (box.top, box.left, box.bottom, box.right) == (top, left, top + field, left + field)
            assert found.pixels.any()


def test_a_unit_of_f6_is_projected_but_a_distance_to_a_code_is_not():
    model, image = seeded(LeNet5_1998), picture((1, 1, 32, 32))
    (found,) = project(model, image, strongest_units(model, image, "classifier.tanh6.tanh", k=1))
    assert found.fidelity == TANH
    assert found.pixels.any()
    last = strongest_units(model, image, "classifier.output.neg", k=1)
    assert last[0].activation < 0
    with pytest.raises(ValueError, match=r"no rule for “\w+” at “classifier\.output"):
        project(model, image, last)
    (gradient,) = project(model, image, last, "gradient")
    twin = SlowTwin(model, image, "gradient")
    truth = twin.projection(replace(last[0], layer="the last"))
    torch.testing.assert_close(gradient.on_canvas(), truth, rtol=1e-9, atol=1e-12)


OF_THE_TWIN = {  # a small picture; layers as the engine and as the twin know them
    "lenet5_bn": (lambda: LeNet5(batch_norm=True), (1, 1, 32, 32), ["features.relu1", "features.relu3", "features.c5"]),
    "alexnet_2012": (lambda: AlexNet2012().features, (1, 3, 99, 111), ["relu1", "conv2", "relu3", "relu4", "relu5"]),
    "zfnet": (lambda: ZFNet().features, (1, 3, 96, 110), ["relu1", "conv2", "relu3", "relu4", "relu5"]),
    "googlenet_2014": (
        lambda: GoogLeNet2014(7),
        (1, 3, 64, 80),
        ["conv1.relu", "conv2.relu", "inception_3b.cat", "inception_4e.cat", "inception_5b.cat", "fc"],
    ),
    "mobilenet_v1": (
        lambda: MobileNetV1(7, width=0.25),
        (1, 3, 64, 80),
        ["features.conv1.relu", "features.block3.relu2", "features.block7.relu1", "features.block13.relu2"],
    ),
}


@pytest.mark.parametrize("name", OF_THE_TWIN)
def test_the_strongest_units_are_projected_exactly_and_as_by_the_slow_twin(name):
    build, shape, layers = OF_THE_TWIN[name]
    model, image = seeded(build), picture(shape)
    twin = SlowTwin(model, image, "deconvnet")
    units = [unit for layer in layers for unit in strongest_units(model, image, layer, k=2) if unit.activation > 0]
    assert {unit.layer for unit in units} >= {layer for layer in layers if layer != "fc"}
    for found in project(model, image, units):
        truth = twin.projection(replace(found.unit, layer=found.unit.layer.removesuffix(".cat")))
        assert truth.any()
        assert (found.on_canvas() - truth).abs().max() < 1e-9 * truth.abs().max()
        assert found.fidelity == "exact"


@pytest.mark.parametrize("name", ["alexnet_2012", "zfnet"])
def test_a_hidden_unit_above_the_maps_is_projected_exactly(name):
    build, shape = NETWORKS[name]
    model, image = seeded(lambda: build(3)).float(), picture((1, *shape), dtype=torch.float32)
    units = strongest_units(model, image, "classifier.relu7", k=1)
    (found,) = project(model, image, units)
    assert units[0].activation > 0
    assert found.fidelity == "exact"
    assert found.pixels.any()
