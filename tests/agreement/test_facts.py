"""The facts of the registry, recomputed: parameters, multiply-adds, shapes; no weights are needed for that."""

from collections import defaultdict
from functools import cache
from math import prod

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models import ARCHITECTURES, load
from tests.representatives import REPRESENTATIVES
from vis.deconvnet import project, strongest_units
from vis.trace import Recording, operation, record

OF_TORCHVISION = [entry.name for entry in ARCHITECTURES.values() if entry.torchvision_weights]
MINIS = ["zfnet_mini", "alexnet_mini"]


@cache
def without_weights(name: str, **options: object) -> nn.Module:
    """The network on the meta device, where there are shapes but no values."""
    with torch.device("meta"):
        return ARCHITECTURES[name].build(**options).eval()


def picture(shape: tuple[int, ...]) -> Tensor:
    return torch.empty(1, *shape, device="meta")


@cache
def recorded(name: str, shape: tuple[int, ...] | None = None) -> Recording:
    return record(without_weights(name), picture(shape or ARCHITECTURES[name].input_shape))


def parameters(model: nn.Module) -> dict[str, int]:
    """Weights and biases of every layer that has some of its own."""
    counts = {name: sum(p.numel() for p in m.parameters(recurse=False)) for name, m in model.named_modules()}
    return {name: count for name, count in counts.items() if count}


def macs(name: str, **options: object) -> dict[str, int]:
    """Multiply-adds of every module as torch counts them, "" for the whole network."""
    counter = FlopCounterMode(display=False)
    with counter:
        without_weights(name, **options)(picture(ARCHITECTURES[name].input_shape))
    flops = {module: sum(of.values()) for module, of in counter.get_flop_counts().items()}
    assert not any(count % 2 for count in flops.values())
    return {"": flops["Global"] // 2} | {m.partition(".")[2]: c // 2 for m, c in flops.items() if "." in m}


# Counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_and_macs_are_those_of_the_network_that_is_built(name):
    entry = ARCHITECTURES[name]
    assert sum(parameters(without_weights(name)).values()) == entry.parameters
    assert macs(name)[""] == entry.macs


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_parameters_macs_and_accuracy_are_those_that_torchvision_publishes(name):
    entry = ARCHITECTURES[name]
    published = entry.torchvision_weights().meta
    assert entry.parameters == published["num_params"]  # GoogLeNet's there, too, are without the auxiliary heads
    assert entry.macs / 1e9 == pytest.approx(published["_ops"], abs=0.0005 + 1e-9)  # G, three decimals
    assert (entry.accuracy, entry.accuracy_of) == (published["_metrics"]["ImageNet-1K"]["acc@1"], "torchvision")


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.keys() - OF_TORCHVISION))
def test_an_accuracy_of_the_paper_is_100_less_the_error_it_prints(name):
    entry = ARCHITECTURES[name]
    said_by = "authors" if name == "efficientnet_lite0" else "paper"  # in their repository: there is no paper of it
    assert entry.accuracy_of == (None if entry.accuracy is None else said_by)
    if entry.accuracy is not None:
        assert entry.published.top1_error == f"{100 - entry.accuracy:.1f} %"


TABLES = {  # of parameters and multiply-adds, counted by hand or elsewhere, with as many digits as stand there
    "lenet5_1998": (60_000, None),
    "lenet5": (61_706, "0.417 M"),
    "alexnet_2012": (60_965_224, "0.724 G"),
    "alexnet": (61_100_840, "0.714 G"),
    "zfnet": (62_357_608, "1.168 G"),
    "vgg11": (132_863_336, "7.609 G"),
    "vgg13": (133_047_848, "11.308 G"),
    "vgg16": (138_357_544, "15.470 G"),
    "vgg19": (143_667_240, "19.632 G"),
    "googlenet_2014": (6_998_552, "1.583 G"),
    "googlenet": (6_624_904, "1.498 G"),
    "resnet18": (11_689_512, "1.814 G"),
    "resnet34": (21_797_672, "3.664 G"),
    "resnet50": (25_557_032, "4.089 G"),
    "resnet101": (44_549_160, "7.801 G"),
    "resnet152": (60_192_808, "11.514 G"),
    "resnet50_v1": (25_557_032, "3.858 G"),
    "resnet101_v1": (44_549_160, "7.570 G"),
    "resnet152_v1": (60_192_808, "11.282 G"),
    "densenet121": (7_978_856, "2.834 G"),
    "densenet169": (14_149_480, "3.360 G"),
    "densenet201": (20_013_928, "4.291 G"),
    "densenet161": (28_681_000, "7.728 G"),
    "mobilenet_v1": (4_231_976, "568.7 M"),
    "mobilenet_v2": (3_504_872, "300.8 M"),
    "efficientnet_b0": (5_288_548, "0.386 G"),
    "efficientnet_lite0": (4_652_008, "385.2 M"),
    "convnext_tiny": (28_589_128, "4.456 G"),
    "convnext_small": (50_223_688, "8.684 G"),
    "convnext_base": (88_591_464, "15.355 G"),
    "convnext_large": (197_767_336, "34.361 G"),
    "cifar_lenet5": (62_006, "0.652 M"),
    "cifar_resnet20": (269_722, "40.55 M"),  # as tests/unit/test_cifar.py calculates them from the paper's section 4.2
    "cifar_resnet32": (464_154, "68.86 M"),
}


@pytest.mark.parametrize("name", TABLES)
def test_parameters_and_macs_are_those_of_the_tables(name):
    entry, (parameters, macs) = ARCHITECTURES[name], TABLES[name]
    assert entry.parameters == parameters
    assert macs is None or agrees(entry.macs, macs)


UNITS = {"": 1, "M": 1e6, "G": 1e9}


def agrees(count: int, printed: str) -> bool:
    """Whether the count is at most half a unit of the last printed digit away: "1.5 G" is 1.45 to 1.55 · 10⁹."""
    digits, _, unit = printed.replace(",", "").partition(" ")
    half = 0.5 * 10 ** -len(digits.partition(".")[2])
    return abs(count / UNITS[unit] - float(digits)) <= half + 1e-9


@pytest.mark.parametrize(
    ("count", "printed", "agreeing"),
    [
        (60_000, "60,000", True),
        (60_001, "60,000", False),
        (1_549_999_999, "1.5 G", True),
        (1_550_000_100, "1.5 G", False),
        (568_740_352, "569 M", True),
        (60_965_224, "60 M", False),
    ],
)
def test_a_count_agrees_with_what_is_printed_to_half_a_unit_of_its_last_digit(count, printed, agreeing):
    assert agrees(count, printed) is agreeing


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_where_our_count_is_not_the_papers_a_remark_says_why(name):
    entry, printed = ARCHITECTURES[name], ARCHITECTURES[name].published
    pairs = [(entry.parameters, printed.parameters), (entry.macs, printed.macs)]
    assert printed.remark or all(agrees(*pair) for pair in pairs if pair[1])
    assert printed.remark == "" or printed.remark.endswith(".")
    for error in (printed.top1_error, printed.top5_error):
        assert error is None or 0 < float(error.removesuffix(" %")) < 50


WITH_OPTIONS = [(name, *with_) for name, entry in ARCHITECTURES.items() for with_ in entry.published_with.items()]


def _called(given: object) -> str:
    """The same in every process, where the order in a set is not."""
    return str(sorted(given) if isinstance(given, frozenset) else given)[:24]


@pytest.mark.parametrize(("name", "unusual", "printed"), WITH_OPTIONS, ids=_called)
def test_what_the_paper_prints_of_an_option_is_counted_too_or_a_remark_says_why(name, unusual, printed):
    entry, options = ARCHITECTURES[name], dict(unusual)
    channels, side, _ = entry.input_shape
    side = options.pop("side", side)
    assert entry.published_of(options, side) is printed
    model = without_weights(name, **options)
    with FlopCounterMode(display=False) as counter:
        model(picture((channels, side, side)))
    counts = sum(parameters(model).values()), counter.get_total_flops() // 2
    for count, digits in zip(counts, (printed.parameters, printed.macs), strict=True):
        assert printed.remark or digits is None or agrees(count, digits), count


def test_of_two_unusual_things_the_one_pair_of_table_9_is_quoted():
    printed = ARCHITECTURES["mobilenet_v1"].published_of({"width": 0.5}, 160)
    assert (printed.parameters, printed.macs, printed.top1_error) == ("1.32 M", "76 M", "39.8 %")  # 60.2 % are right


def test_of_what_no_paper_prints_nothing_is_said():
    entry = ARCHITECTURES["mobilenet_v1"]
    assert entry.published_of({}, 224) is entry.published
    assert entry.published_of({"width": 0.75}, 192) is None
    assert entry.published_of({"width": 0.3}, 224) is None
    assert ARCHITECTURES["googlenet_2014"].published_of({"aux": True}, 224) is None


def test_alexnet_without_groups_has_the_parameters_and_macs_of_the_tables():
    assert sum(parameters(without_weights("alexnet_2012", groups=1)).values()) == 62_378_344
    assert agrees(macs("alexnet_2012", groups=1)[""], "1.135 G")


def test_googlenets_weights_are_those_of_the_papers_widths_and_its_biases_come_on_top():
    weights = [p.numel() for p in without_weights("googlenet_2014").parameters() if p.dim() > 1]
    assert sum(weights) == 6_990_272


def test_the_layers_of_lenet_have_the_parameters_that_the_paper_leads_to():
    """60,000 in the paper: there C3 is sparse (1,516) and subsampling has 12 + 32, the output none."""
    assert parameters(without_weights("lenet5")) == {
        "features.c1": 6 * (5 * 5 * 1 + 1),
        "features.c3": 16 * (5 * 5 * 6 + 1),
        "features.c5": 120 * (5 * 5 * 16 + 1),
        "classifier.f6": 84 * (120 + 1),
        "classifier.output": 10 * (84 + 1),
    }
    assert list(parameters(without_weights("lenet5")).values()) == [156, 2_416, 48_120, 10_164, 850]
    assert 61_706 - 2_416 - 850 + 1_516 + 12 + 32 == 60_000


def test_the_layers_of_lenet_cost_one_mac_for_each_weight_and_position():
    found = macs("lenet5")
    by_hand = {
        "features.c1": 28 * 28 * 6 * 25,
        "features.c3": 10 * 10 * 16 * 25 * 6,
        "features.c5": 120 * 25 * 16,
        "classifier.f6": 120 * 84,
        "classifier.output": 84 * 10,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values()) == 416_520


def test_the_layers_of_zfnet_cost_what_the_papers_shapes_lead_to():
    found = macs("zfnet")
    by_hand = {
        "features.conv1": 110**2 * 96 * 7**2 * 3,
        "features.conv2": 26**2 * 256 * 5**2 * 96,
        "features.conv3": 13**2 * 384 * 3**2 * 256,
        "features.conv4": 13**2 * 384 * 3**2 * 384,
        "features.conv5": 13**2 * 256 * 3**2 * 384,
        "classifier.fc6": 9216 * 4096,
        "classifier.fc7": 4096 * 4096,
        "classifier.fc8": 4096 * 1000,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values())
    assert [round(count / 1e6, 1) for count in by_hand.values()][:5] == [170.8, 415.3, 149.5, 224.3, 149.5]


def test_the_layers_of_the_minis_cost_what_their_first_layer_leaves_them():
    above = 5**2 * 64 * 128, 3**2 * 128 * 192, 3**2 * 192 * 192, 3**2 * 192 * 256  # of one position
    zfnet = [32**2 * 64 * 7**2 * 3, *(n * cost for n, cost in zip((256, 64, 64, 64), above, strict=True))]
    alexnet = [16**2 * 64 * 11**2 * 3, *(n * cost for n, cost in zip((64, 16, 16, 16), above, strict=True))]
    for name, by_hand, classifier in zip(MINIS, (zfnet, alexnet), (4096 * 384, 1024 * 384), strict=True):
        found = macs(name)
        assert [found[f"features.conv{i}"] for i in range(1, 6)] == by_hand
        assert found[""] == sum(by_hand) + classifier + 384 * 200


def test_options_change_what_they_are_named_for():
    assert parameters(without_weights("zfnet_mini", num_classes=3))["classifier.fc7"] == 3 * (384 + 1)
    thin = sum(parameters(without_weights("mobilenet_v2", width_mult=0.5)).values())
    assert thin == 1_968_680  # the 1.97 M under which torchvision's network is known at half the width


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_answers_with_as_many_classes_as_asked_for(name):
    assert recorded_output(without_weights(name, num_classes=7), ARCHITECTURES[name].input_shape) == (1, 7)


def recorded_output(model: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(model(picture(shape)).shape)


# Layers and shapes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_are_operations_of_the_trace_with_feature_maps_in_the_order_of_their_depth(name):
    recording, layers = recorded(name), list(ARCHITECTURES[name].layers.values())
    order = [recording.trace.names[node] for node in recording.trace.graph.nodes if node in recording.trace.names]
    depths = [order.index(layer) for layer in layers]
    assert depths == sorted(set(depths))
    assert all(recording.of(layer).dim() == 4 for layer in layers)
    sides = [recording.of(layer).shape[-1] for layer in layers]
    assert sides == sorted(sides, reverse=True)


ACTIVATIONS = {nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, torch.nn.functional.relu}
NEVER_RECTIFIED = {
    "lenet5_1998": "its activation is a tanh",
    "convnext_tiny": (why := "its GELUs lie inside the blocks, where maps are the last dimension and not the second"),
    "convnext_small": why,
    "convnext_base": why,
    "convnext_large": why,
    "cifar_convnext": why,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_end_where_their_signal_is_rectified(name):
    """So that no unit that can be chosen has a negative activation, or none to speak of (SiLU, Hardswish).

    A concatenation of rectified maps is rectified.
    """
    recording = recorded(name)
    rectified = []
    for layer in ARCHITECTURES[name].layers.values():
        node = recording.trace[layer]
        ends = node.args[0] if layer.endswith("cat") else [node]
        rectified.append(all(operation(end, recording.model) in ACTIVATIONS for end in ends))
    assert rectified == [name not in NEVER_RECTIFIED] * len(rectified), NEVER_RECTIFIED.get(name)


MAPS = {  # and the sides, where they are not a half, a quarter … of the picture's, rounded up
    "zfnet_mini": ((64, 128, 192, 192, 256), (32, 16, 8, 8, 8)),
    "alexnet_mini": ((64, 128, 192, 192, 256), (16, 8, 4, 4, 4)),
    **dict.fromkeys(("lenet5_1998", "lenet5", "lenet5_bn"), ((6, 16, 120), (28, 10, 1))),
    "alexnet_2012": ((96, 256, 384, 384, 256), (55, 27, 13, 13, 13)),
    "alexnet": ((64, 192, 384, 256, 256), (55, 27, 13, 13, 13)),
    "zfnet": ((96, 256, 384, 384, 256), (110, 26, 13, 13, 13)),
    "zfnet_wide": ((96, 256, 512, 1024, 512), (110, 26, 13, 13, 13)),
    **{f"vgg{depth}": ((64, 128, 256, 512, 512), (224, 112, 56, 28, 14)) for depth in (11, 13, 16, 19)},
    **dict.fromkeys(("googlenet_2014", "googlenet"), ((64, 192, 480, 832, 1024),)),
    **dict.fromkeys(("plain18", "plain34", "resnet18", "resnet34"), ((64, 64, 128, 256, 512),)),
    **{f"resnet{d}{v}": ((64, 256, 512, 1024, 2048),) for d in (50, 101, 152) for v in ("", "_v1", "_v2")},
    "densenet121": ((64, 256, 512, 1024, 1024),),
    "densenet161": ((96, 384, 768, 2112, 2208),),
    "densenet169": ((64, 256, 512, 1280, 1664),),
    "densenet201": ((64, 256, 512, 1792, 1920),),
    "squeezenet1_0": ((96, 256, 512, 512, 1000), (109, 54, 27, 13, 13)),
    "squeezenet1_1": ((64, 128, 256, 512, 1000), (111, 55, 27, 13, 13)),
    "mobilenet_v1": ((64, 128, 256, 512, 1024),),
    "mobilenet_v2": ((32, 144, 192, 576, 1280),),
    "mobilenet_v3_small": ((16, 72, 96, 288, 576),),
    "mobilenet_v3_large": ((64, 72, 240, 672, 960),),
    "efficientnet_b0": ((96, 144, 240, 672, 1280),),
    "efficientnet_b1": ((96, 144, 240, 672, 1280),),
    "efficientnet_b2": ((96, 144, 288, 720, 1408),),
    "efficientnet_b3": ((144, 192, 288, 816, 1536),),
    "efficientnet_b4": ((144, 192, 336, 960, 1792),),
    "efficientnet_b5": ((144, 240, 384, 1056, 2048),),
    "efficientnet_b6": ((192, 240, 432, 1200, 2304),),
    "efficientnet_b7": ((192, 288, 480, 1344, 2560),),
    "efficientnet_lite0": ((96, 144, 240, 672, 1280),),
    "convnext_tiny": ((96, 96, 192, 384, 768), (56, 56, 28, 14, 7)),
    "convnext_small": ((96, 96, 192, 384, 768), (56, 56, 28, 14, 7)),
    "convnext_base": ((128, 128, 256, 512, 1024), (56, 56, 28, 14, 7)),
    "convnext_large": ((192, 192, 384, 768, 1536), (56, 56, 28, 14, 7)),
    **dict.fromkeys(("cifar_lenet5", "cifar_lenet5_bn"), ((6, 16, 120), (28, 10, 1))),
    "cifar_alexnet": ((32, 64, 96, 96, 64), (16, 8, 4, 4, 4)),
    "cifar_zfnet": ((32, 64, 96, 96, 64), (32, 16, 8, 8, 8)),
    "cifar_vgg": ((32, 32, 64, 96), (32, 32, 16, 8)),
    "cifar_googlenet": ((32, 64, 128, 176, 240), (32, 16, 16, 8, 8)),
    **{f"cifar_{n}{depth}": ((16, 16, 32, 64), (32, 32, 16, 8)) for n in ("plain", "resnet") for depth in (20, 32)},
    "cifar_resnet20_v2": ((16, 16, 32, 64), (32, 32, 16, 8)),
    "cifar_densenet": ((24, 72, 84, 90), (32, 32, 16, 8)),
    "cifar_mobilenet": ((32, 64, 128, 256), (32, 32, 16, 8)),
    "cifar_mobilenet_half": ((16, 32, 64, 128), (32, 32, 16, 8)),
    "cifar_efficientnet": ((24, 64, 96, 256), (32, 32, 16, 8)),
    "cifar_convnext": ((32, 32, 64, 96), (16, 16, 8, 4)),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_have_the_shapes_of_the_papers(name):
    entry = ARCHITECTURES[name]
    halves = tuple(-(-entry.input_shape[1] // 2**i) for i in range(1, 6))
    maps, sides = (*MAPS[name], halves)[:2]
    found = [tuple(recorded(name).of(layer).shape[1:]) for layer in entry.layers.values()]
    assert found == [(k, side, side) for k, side in zip(maps, sides, strict=True)]


@pytest.mark.parametrize(
    "options",
    [{"separable": False}, {"shallow": True}, {"separable": False, "shallow": True}, {"width": 0.25}],
    ids=str,
)
def test_layers_of_mobilenet_are_the_last_relus_of_their_size_however_it_is_built(options):
    entry, model = ARCHITECTURES["mobilenet_v1"], without_weights("mobilenet_v1", **options)
    recording = record(model, picture(entry.input_shape))
    last = {recording.of(name).shape[-1]: name for name in recording.trace.names.values() if ".relu" in name}
    assert list(last.items()) == list(zip((112, 56, 28, 14, 7), entry.layers_of(options).values(), strict=True))


def test_zfnet_has_the_shapes_of_the_papers_figure_3():
    steps = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    found = [tuple(recorded("zfnet").of(f"features.{step}").shape[1:]) for step in steps]
    assert found == [
        (96, 110, 110),
        (96, 55, 55),
        (256, 26, 26),
        (256, 13, 13),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
    ]
    assert prod(found[-1]) == 9216


def test_lenet_has_the_shapes_of_the_papers_figure_2():
    found = [recorded("lenet5").of(f"features.{step}").shape for step in ("c1", "s2", "c3", "s4", "c5")]
    assert [tuple(shape[1:]) for shape in found] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1)]


def test_the_minis_differ_in_the_kernel_and_the_stride_of_the_first_layer_alone():
    """Their classifiers differ in how much of the grid is left for them."""
    zfnet, alexnet = (dict(without_weights(name).features.named_children()) for name in MINIS)
    assert zfnet.keys() == alexnet.keys()
    assert [step for step in zfnet if repr(zfnet[step]) != repr(alexnet[step])] == ["conv1"]
    one, other = zfnet["conv1"], alexnet["conv1"]
    assert (one.kernel_size, one.stride) == ((7, 7), (2, 2))
    assert (other.kernel_size, other.stride) == ((11, 11), (4, 4))
    assert one.out_channels == other.out_channels
    assert ARCHITECTURES[MINIS[0]].preprocess == ARCHITECTURES[MINIS[1]].preprocess


@pytest.mark.parametrize("name", MINIS)
@pytest.mark.parametrize("size", [(64, 64), (65, 64), (100, 73), (224, 224), (300, 300), (224, 512)])
def test_the_minis_take_pictures_of_any_size_and_keep_their_layers_in_proportion(name, size):
    recording = recorded(name, (3, *size))
    stride = without_weights(name).features.conv1.stride[0]
    assert recorded_output(without_weights(name), (3, *size)) == (1, 200)
    assert recording.of("features.conv1").shape[2:] == tuple(-(-side // stride) for side in size)


# Projections -----------------------------------------------------------------------------------------------------

APPROXIMATED = {
    "lenet5_1998": "tanh treated as ReLU",
    "mobilenet_v2": "ReLU6 treated as ReLU",
    "efficientnet_lite0": "ReLU6 treated as ReLU",
    "mobilenet_v3_small": "Hardswish treated as ReLU; gates held at their value",
    "efficientnet_b0": "SiLU treated as ReLU; gates held at their value",
    "convnext_tiny": "GELU treated as ReLU; layer norm with its statistics held",
}


@cache
def kinds() -> list[str]:
    """The cheapest of all representatives that are made of the same operations, for every such set of operations."""
    groups = defaultdict(list)
    for name in REPRESENTATIVES:
        entry = ARCHITECTURES[name]
        model, nodes = without_weights(name), recorded(name).trace.graph.nodes
        groups[frozenset(operation(n, model) for n in nodes if n.op.startswith("call"))].append(entry)
    return [min(entries, key=lambda entry: entry.macs).name for entries in groups.values()]


def test_every_kind_of_network_is_projected_from_all_its_layers_exactly_or_says_what_is_assumed():
    assert len(kinds()) < len(ARCHITECTURES) / 2
    for name in kinds():
        loaded, side = load(name, "random", "cpu"), min(64, ARCHITECTURES[name].input_shape[1])
        generator = torch.Generator().manual_seed(0)
        image = torch.randn(1, ARCHITECTURES[name].input_shape[0], side, side, generator=generator)
        units = [strongest_units(loaded.model, image, layer, 1)[0] for layer in loaded.layers.values()]
        assert all(unit.activation > 0 for unit in units), name
        *lower, highest = project(loaded.model, image, units)
        assert highest.fidelity == (f"approximated: {APPROXIMATED[name]}" if name in APPROXIMATED else "exact"), name
        for found in (*lower, highest):
            assert found.fidelity.startswith(("exact", "approximated")), name
            assert found.pixels.isfinite().all()
            assert found.pixels.any()
