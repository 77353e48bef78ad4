"""Receptive fields against published numbers, against the pixels that can change a unit, and against the deconvnet."""

import copy
from collections.abc import Callable, Iterable
from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.ops import SqueezeExcitation

from models import ARCHITECTURES, load
from models.googlenet import GoogLeNet2014
from models.mobilenet import MobileNetV1
from models.resnet import resnet, resnet_v1, resnet_v2
from models.zfnet import ZFNet
from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, Net, gated, last_layer, picture, seeded
from vis.deconvnet import Unit, project, strongest_units
from vis.maps import Order, channel_dimensions, gives_maps
from vis.receptive import fields_of, receptive_fields
from vis.shapes import record_shapes
from vis.trace import TraceRefused, record, traced

# Published numbers -------------------------------------------------------------------------------------------------


def without_gates(build: Callable[[], nn.Module]) -> nn.Module:
    model = build()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, SqueezeExcitation):
                setattr(module, name, nn.Identity())
    return model


PUBLISHED: list[tuple[str, Callable[[], nn.Module], dict[str, tuple[int | None, int | None]]]] = [
    ("AlexNet", models.alexnet, {"features.10": (163, 16), "features.12": (195, 32)}),
    (
        "ZFNet",
        ZFNet,
        {
            "features.conv1": (7, 2),
            "features.pool1": (11, 4),
            "features.conv2": (27, 8),
            "features.pool2": (43, 16),
            "features.conv3": (75, 16),
            "features.conv4": (107, 16),
            "features.conv5": (139, 16),
            "features.pool5": (171, 32),
        },
    ),
    ("VGG-16", models.vgg16, {"features.28": (196, 16), "features.30": (212, 32)}),
    ("VGG-19", models.vgg19, {"features.36": (268, 32)}),
    ("GoogLeNet, 2014", GoogLeNet2014, {"inception_5b": (715, 32)}),
    ("GoogLeNet, torchvision", partial(models.googlenet, init_weights=False), {"inception5b": (379, 32)}),
    ("Inception-v3", partial(models.inception_v3, init_weights=False), {"Mixed_7c": (1311, 32)}),  # Araujo et al. 2019
    *[
        (f"ResNet-{depth}", getattr(models, f"resnet{depth}"), {"layer4": (size, 32)})
        for depth, size in {18: 435, 34: 899, 50: 427, 101: 971, 152: 1451}.items()
    ],
    *[
        (f"ResNet-{depth} with shortcut {how}", partial(resnet, depth, shortcut=how), {"layer4": (size, 32)})
        for depth, size in {18: 435, 34: 899}.items()
        for how in "ABC"
    ],
    *[
        (f"ResNet-{depth} {version}", partial(build, depth), {"layer4": (size, 32)})
        for depth, size in {50: 483, 101: 1027, 152: 1507}.items()
        for version, build in {"v1": resnet_v1, "v2": resnet_v2}.items()
    ],
    ("DenseNet-121", models.densenet121, {"features": (2071, 32)}),
    ("MobileNet V1", MobileNetV1, {"features": (315, 32)}),
    ("MobileNet V2", models.mobilenet_v2, {"features": (491, 32)}),
    ("EfficientNet-B0 without gates", partial(without_gates, models.efficientnet_b0), {"features": (851, 32)}),
    ("EfficientNet-B0", models.efficientnet_b0, {"features.0": (3, 2), "features": (None, None)}),
    (
        "ConvNeXt-T",
        models.convnext_tiny,
        {"features.1": (76, 4), "features.3": (224, 8), "features.5": (1096, 16), "features.7": (1688, 32)},
    ),
]


@pytest.mark.parametrize(("build", "published"), [case[1:] for case in PUBLISHED], ids=[case[0] for case in PUBLISHED])
def test_fields_are_the_published_ones(build, published):
    with torch.device("meta"):
        model = build().eval()
    fields = receptive_fields(model, (1, 3, 224, 224))
    for block, numbers in published.items():
        last = [name for name in fields if f"{name}.".startswith(f"{block}.")][-1]
        assert (fields[last].size, fields[last].jump) == numbers, last


@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_the_answer_of_every_network_comes_from_the_whole_picture():
    for name in ("alexnet", "googlenet", "resnet18", "densenet121", "convnext_tiny", "shufflenet_v2_x0_5", "swin_t"):
        with torch.device("meta"):
            model = models.get_model(name, weights=None).eval()
        assert list(receptive_fields(model, (1, 3, 224, 224)).values())[-1].size is None, name


# The pixels that can change a unit ---------------------------------------------------------------------------------
# A field is a bound over all weights and all pictures. With filters and pictures that are positive nothing cancels out
# and every ReLU is open; a max pool, which looks at one pixel alone, has an average pool's window in its place.

Box = tuple[int, int, int, int]


def opened(model: nn.Module) -> nn.Module:
    """A copy in which every pixel that may count does count, in float64."""
    model = copy.deepcopy(model).double()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                average = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(module, name, average)
        if getattr(module, "inplace", False):
            module.inplace = False
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.uniform_(module.weight, 0.5, 1)
            module.weight.data /= module.weight[0].numel()
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model.eval()


class Kept(fx.Interpreter):
    """A forward pass that keeps every map (1, C, h, w), with its way back to the picture."""

    def __init__(self, model: nn.Module):
        trace = traced(model.requires_grad_(False))
        for name, constant in trace.constants.items():
            setattr(model, name, constant)
        super().__init__(fx.GraphModule(model, trace.graph), garbage_collect_values=False)
        self.names = dict(zip(self.graph.nodes, map(trace.names.get, trace.graph.nodes), strict=True))  # of its copy

    def maps(self, image: Tensor) -> dict[str, Tensor]:
        self.run(image)
        maps, channels_last = {}, False
        for node, value in self.env.items():
            name = self.names[node]
            channels_last ^= name is not None and "permute" in name  # there and back again
            if isinstance(value, Tensor) and value.dim() == 4 and value.requires_grad and name and not channels_last:
                maps[name] = value
        return maps


def support(maps: Tensor, row: int, column: int, image: Tensor) -> Box:
    """The box around the pixels that change the units at this place."""
    (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), image, retain_graph=True)
    rows, columns = (gradient[0].abs().sum(0) > 0).nonzero().T
    if not len(rows):  # it sees nothing but padding
        return 0, 0, 0, 0
    return rows.min().item(), columns.min().item(), rows.max().item() + 1, columns.max().item() + 1


def corners_and_middle(maps: Tensor) -> Iterable[tuple[int, int]]:
    bottom, right = maps.shape[2] - 1, maps.shape[3] - 1
    return {(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)}


def assert_fields_are_supports(model: nn.Module, shape: tuple[int, ...], layers: Iterable[str] | None = None) -> None:
    model = opened(model)
    fields = receptive_fields(model, shape)
    image = (torch.rand(shape, dtype=torch.float64) * 1e-6).requires_grad_()  # far below the 6 at which ReLU6 closes
    maps = Kept(model).maps(image)
    for layer in layers or fields.keys() & maps:
        assert fields[layer].rows is not None, layer
        for place in corners_and_middle(maps[layer]):
            assert seen(fields[layer].box(*place, shape)) == support(maps[layer], *place, image), (layer, place)


def seen(box: Box) -> Box:
    """The same; of a box without pixels only that it has none."""
    return box if box[0] < box[2] and box[1] < box[3] else (0, 0, 0, 0)


def permuted_pixels(net: nn.Module, x: Tensor) -> Tensor:
    x = net.stem(x)
    y = net.linear(net.norm(net.depthwise(x).permute(0, 2, 3, 1)))
    return net.last(x + 0.5 * y.permute(0, 3, 1, 2))


def option_a(net: nn.Module, x: Tensor) -> Tensor:
    x = net.stem(x).relu()
    return net.last(F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)) + net.conv2(net.conv1(x).relu()))


def grown(net: nn.Module, x: Tensor) -> Tensor:
    maps = [net.conv1(x)]
    for conv in (net.conv2, net.conv3):
        maps.append(conv(torch.cat(maps, 1).relu()))
    return F.avg_pool2d(torch.cat(maps, 1), 2)


def shuffled(net: nn.Module, x: Tensor) -> Tensor:
    kept, changed = net.stem(x).chunk(2, 1)
    x = torch.cat((kept, net.branch(changed)), dim=1)
    n, c, h, w = x.shape
    return net.last(x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))


def u_net(net: nn.Module, x: Tensor) -> Tensor:
    high = net.one(x)
    middle = net.two(net.pool(high))
    low = net.three(net.pool(middle))
    middle = net.two_again(torch.cat([net.up_from_three(low), middle], 1))
    return net.one_again(torch.cat([high, net.up_from_two(middle)], 1))


def pyramid(net: nn.Module, x: Tensor) -> Tensor:
    """A feature pyramid whose maps have odd sides, so that twice the smaller one is not the larger one."""
    one = net.one(x)
    two = net.two(one)
    three = net.three(two)
    two = two + F.interpolate(three, size=two.shape[-2:])
    return net.last(one + F.interpolate(two, size=one.shape[-2:]))


def resolutions(net: nn.Module, x: Tensor) -> Tensor:
    """Two resolutions side by side that exchange what they have, as in HRNet."""
    fine = net.stem(x)
    coarse = net.down(fine)
    fine, coarse = net.fine(fine), net.coarse(coarse)
    fine, coarse = fine + net.up(net.across(coarse)), coarse + net.down_again(fine)
    return torch.cat([net.fine_again(fine), net.up(coarse)], 1).relu()


def focus(net: nn.Module, x: Tensor) -> Tensor:
    x = x[:, :, :38, :30]
    corners = [x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return net.last(torch.cat(corners, 1))


def one_after_the_other(net: nn.Module, x: Tensor) -> Tensor:
    x = net.stem(x)
    rows = torch.cat([x.flip(2), x.narrow(2, 3, 9), x[:, :, :1]], 2)
    return net.last(rows.roll(4, 3))


def along_columns(net: nn.Module, x: Tensor) -> Tensor:
    """A gate for every column, as half of a coordinate attention."""
    x = net.stem(x)
    return net.last(x * net.gate(x.narrow(2, 5, 1)) + x.repeat_interleave(2, 3)[..., 3 : 3 + x.shape[3]])


def up(*settings: int, **more: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(2, 2, *settings, **more)


def enlarged_by(mode: str, **how: object) -> Callable[[], nn.Module]:
    """A network that enlarges its maps like this, with a convolution before and after it."""
    return lambda: nn.Sequential(nn.Conv2d(3, 2, 3, 2), nn.Upsample(mode=mode, **how), nn.Conv2d(2, 2, 2))


SMALL: dict[str, Callable[[], nn.Module]] = {
    "pixels that a stride leaves over": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 4, 3), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(2, 2, 3, padding=1)
    ),
    "pools that round up": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 5, 2, 1),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(2, 2, 3, padding=1),
        nn.MaxPool2d(2, 2, 1, ceil_mode=True),
    ),
    "dilation": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3, dilation=2), nn.Conv2d(2, 2, (3, 2), dilation=(1, 3)), nn.AvgPool2d(2, 1)
    ),
    "oblong kernels": lambda: nn.Sequential(
        nn.Conv2d(3, 2, (1, 7), padding=(0, 3)), nn.Conv2d(2, 2, (7, 1), (2, 1), (3, 0)), nn.AvgPool2d((2, 3), (1, 2))
    ),
    "a per-pixel linear layer": lambda: Net(
        permuted_pixels,
        stem=nn.Conv2d(3, 4, 2, 2),
        depthwise=nn.Conv2d(4, 4, 5, padding=2, groups=4),
        norm=nn.LayerNorm(4),
        linear=nn.Linear(4, 4),
        last=nn.Conv2d(4, 2, 2, 2),
    ),
    "a shortcut that takes every second pixel": lambda: Net(
        option_a,
        stem=nn.Conv2d(3, 2, 3, padding=1),
        conv1=nn.Conv2d(2, 6, 3, 2, 1),
        conv2=nn.Conv2d(6, 6, 3, padding=1),
        last=nn.Conv2d(6, 2, 3, padding=1),
    ),
    "dense": lambda: Net(
        grown,
        conv1=nn.Conv2d(3, 2, 5, 2, 2),
        conv2=nn.Conv2d(2, 2, 3, padding=1),
        conv3=nn.Conv2d(4, 2, 3, padding=1),
    ),
    "shuffled": lambda: Net(
        shuffled,
        stem=nn.Conv2d(3, 4, 3, 2),
        branch=nn.Conv2d(2, 2, 3, padding=1),
        last=nn.Conv2d(4, 2, 3, groups=2),
    ),
    "transposed without a stride": lambda: nn.Sequential(nn.Conv2d(3, 2, 3, 2), nn.ConvTranspose2d(2, 2, 4, padding=1)),
    "transposed": lambda: nn.Sequential(nn.Conv2d(3, 2, 3, 2), up(2, 2), up(3, 2, 1, output_padding=1), up(4, 2, 1)),
    "transposed with gaps": lambda: nn.Sequential(nn.Conv2d(3, 2, 3, 3), up(2, 3), nn.Conv2d(2, 2, 2, 2)),
    "transposed and dilated": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3, 2), up((3, 2), (2, 3), (1, 0), dilation=(2, 3)), nn.Conv2d(2, 2, 3, padding=1)
    ),
    "pixel shuffle": lambda: nn.Sequential(
        nn.Conv2d(3, 9, 3, 2, 1), nn.PixelShuffle(3), nn.Conv2d(1, 2, 3), nn.AvgPool2d(2, 2)
    ),
    "pixel unshuffle": lambda: nn.Sequential(
        nn.Conv2d(3, 2, (3, 4)), nn.PixelUnshuffle(2), nn.Conv2d(8, 2, 3, padding=1), nn.PixelUnshuffle(2)
    ),
    "nearest": enlarged_by("nearest", scale_factor=2),
    "nearest to a size": enlarged_by("nearest", size=(41, 20)),
    "nearest by a broken factor": enlarged_by("nearest", scale_factor=(1.5, 2.3)),
    "nearest, exactly": enlarged_by("nearest-exact", scale_factor=3.0),
    "bilinear": enlarged_by("bilinear", scale_factor=2),
    "bilinear, corner on corner": enlarged_by("bilinear", scale_factor=2, align_corners=True),
    "bilinear to a smaller size": enlarged_by("bilinear", size=(7, 9)),
    "bicubic": enlarged_by("bicubic", scale_factor=(2, 4)),
    "area": enlarged_by("area", size=(7, 20)),
    "antialias": lambda: Net(
        lambda net, x: net.conv(F.interpolate(x, (11, 9), mode="bilinear", antialias=True)), conv=nn.Conv2d(3, 2, 2)
    ),
    "U-Net": lambda: Net(
        u_net,
        one=nn.Conv2d(3, 2, (3, 4)),  # 36 × 28
        pool=nn.MaxPool2d(2),
        two=nn.Conv2d(2, 3, 3, padding=1),
        three=nn.Conv2d(3, 4, 3, padding=1),
        up_from_three=nn.ConvTranspose2d(4, 3, 2, 2),
        two_again=nn.Conv2d(6, 3, 3, padding=1),
        up_from_two=nn.ConvTranspose2d(3, 2, 2, 2),
        one_again=nn.Conv2d(4, 2, 3, padding=1),
    ),
    "a feature pyramid": lambda: Net(
        pyramid,
        one=nn.Conv2d(3, 2, 4, 2),
        two=nn.Conv2d(2, 2, 3, 2),
        three=nn.Conv2d(2, 2, 3, 2, 1),
        last=nn.Conv2d(2, 2, 3, padding=1),
    ),
    "two resolutions": lambda: Net(
        resolutions,
        stem=nn.Conv2d(3, 2, (3, 4)),  # 36 × 28
        down=nn.Conv2d(2, 2, 3, 2, 1),
        fine=nn.Conv2d(2, 2, 3, padding=1),
        coarse=nn.Conv2d(2, 2, 3, padding=1),
        across=nn.Conv2d(2, 2, 1),
        up=nn.Upsample(scale_factor=2),
        down_again=nn.Conv2d(2, 2, 3, 2, 1),
        fine_again=nn.Conv2d(2, 2, 3, padding=1),
    ),
    "focus": lambda: Net(focus, last=nn.Conv2d(12, 2, 3, padding=1)),
    "rows in a different order": lambda: Net(one_after_the_other, stem=nn.Conv2d(3, 2, 3, 2), last=nn.Conv2d(2, 2, 2)),
    "a gate for every column": lambda: Net(
        along_columns, stem=nn.Conv2d(3, 2, 3, 2), gate=nn.Conv2d(2, 2, (1, 3), padding=(0, 1)), last=nn.Conv2d(2, 2, 2)
    ),
    **{
        f"{mode} padding": partial(
            lambda mode: nn.Sequential(
                nn.Conv2d(3, 2, 3, 2, padding=1, padding_mode=mode), nn.Conv2d(2, 2, 5, padding=2, padding_mode=mode)
            ),
            mode,
        )
        for mode in ("reflect", "replicate", "circular")
    },
    "padding in its own layer": lambda: nn.Sequential(
        nn.ReflectionPad2d((2, 0, 1, 3)), nn.Conv2d(3, 2, 3, 2), nn.ReplicationPad2d(2), nn.CircularPad2d((0, 4, 1, 0))
    ),
    "bins of different sizes": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d((5, 8)), nn.Conv2d(2, 2, 2), nn.AdaptiveAvgPool2d((6, 20))
    ),
    "equal bins": lambda: nn.Sequential(nn.Conv2d(3, 2, 4), nn.AdaptiveAvgPool2d((5, 7)), nn.Conv2d(2, 2, 2)),
}


@pytest.mark.parametrize("build", SMALL.values(), ids=SMALL)
def test_every_field_of_a_small_network_is_the_support(build):
    assert_fields_are_supports(build(), (1, 3, 38, 31))


TORCHVISION: dict[str, tuple[Callable[[], nn.Module], int, list[str]]] = {
    "AlexNet": (models.alexnet, 224, ["features.3", "features.12"]),
    "SqueezeNet": (models.squeezenet1_1, 150, ["features.5", "features.12.cat"]),
    "ResNet-18": (models.resnet18, 130, ["layer1.1.relu_1", "layer2.0.add", "layer3.1.relu_1"]),
    "MobileNet V2": (partial(models.mobilenet_v2, width_mult=0.1), 200, ["features.4.conv.2", "features.13.add"]),
    "ShuffleNet V2": (models.shufflenet_v2_x0_5, 150, ["stage2.3.view_1", "stage3.2.cat"]),
    "GoogLeNet": (
        partial(models.googlenet, init_weights=False, aux_logits=False),
        120,
        ["inception3b.cat", "inception4c.cat"],
    ),
    "DenseNet": (
        partial(models.DenseNet, 4, (2, 3, 2), 8),
        150,
        ["features.denseblock2.denselayer3.conv2", "features.norm5"],
    ),
    "ConvNeXt": (
        lambda: models.ConvNeXt([CNBlockConfig(8, 12, 2), CNBlockConfig(12, None, 2)], layer_scale=0.5),
        160,
        ["features.1.1.add", "features.3.1.add"],
    ),
}


@pytest.mark.parametrize(("build", "side", "layers"), TORCHVISION.values(), ids=TORCHVISION)
def test_fields_of_torchvision_networks_are_the_support(build, side, layers):
    assert_fields_are_supports(build().eval(), (1, 3, side, side - 17), layers)


def test_a_gate_opens_the_whole_picture():
    model, shape = opened(gated()), (1, 3, 25, 23)
    image = torch.rand(shape, dtype=torch.float64).requires_grad_()
    maps, fields = Kept(model).maps(image), receptive_fields(model, shape)
    assert support(maps["conv"], 2, 3, image) == fields["conv"].box(2, 3, shape)
    assert support(maps["mul"], 2, 3, image) == fields["mul"].box(2, 3, shape) == (0, 0, 25, 23)


@pytest.mark.parametrize(
    "build", [*EXACT.values(), *NORMALISED.values(), *UNUSUAL.values()], ids=[*EXACT, *NORMALISED, *UNUSUAL]
)
def test_no_pixel_outside_its_field_changes_a_unit(build):
    model, image = seeded(build), picture().requires_grad_()
    fields, channel = receptive_fields(model, tuple(image.shape)), channel_dimensions(model, tuple(image.shape))
    for layer, maps in Kept(model).maps(image).items():
        if gives_maps(maps):  # which may stand last
            maps = Order(maps.dim(), channel.get(layer, 1)).maps(maps)
        for row, column in corners_and_middle(maps):
            (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), image, retain_graph=True)
            top, left, bottom, right = fields[layer].box(row, column, image.shape)
            gradient[:, :, top:bottom, left:right] = 0
            assert not gradient.any(), (layer, row, column)


# Random networks ---------------------------------------------------------------------------------------------------


class Branches(nn.Module):
    """Branches around the same map, summed or one beside the other, and then mixed to one map."""

    def __init__(self, branches: list[nn.Module], concatenated: bool):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.mixed = nn.Conv2d(len(branches), 1, 1) if concatenated else None

    def forward(self, x: Tensor) -> Tensor:
        maps = [branch(x) for branch in self.branches]
        return self.mixed(torch.cat(maps, 1)) if self.mixed else sum(maps[1:], maps[0])


@st.composite
def windows(draw: st.DrawFn) -> nn.Module:
    """A convolution or a pool with any kernel, stride, padding and dilation, along rows and columns apart."""
    kernel, stride = (draw(st.tuples(st.integers(1, high), st.integers(1, high))) for high in (4, 2))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        return nn.AvgPool2d(kernel, stride, padding, draw(st.booleans()), draw(st.booleans()))
    return nn.Conv2d(1, 1, kernel, stride, padding, draw(st.tuples(st.integers(1, 3), st.integers(1, 3))))


@st.composite
def branches(draw: st.DrawFn) -> nn.Module:
    """Convolutions that leave the size of their map, beside each other and perhaps a shortcut."""
    reaches = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2)), min_size=1, max_size=2))
    found: list[nn.Module] = [nn.Conv2d(1, 1, 2 * n + 1, padding=n * d, dilation=d) for n, d in reaches]
    if draw(st.booleans()):
        found.append(nn.Identity())
    return Branches(found, draw(st.booleans()))


@settings(max_examples=60, deadline=None)
@given(layers=st.lists(st.one_of(windows(), branches()), min_size=1, max_size=5))
def test_the_field_of_any_stack_of_windows_and_branches_is_its_support(layers):
    model = opened(nn.Sequential(nn.Conv2d(1, 1, 1), *layers))
    last = last_layer(model)
    field = receptive_fields(model, (1, 1, 1000, 1000))[last]
    sides = [3 * span.size + 4 * span.jump for span in (field.rows, field.columns)]
    image = torch.rand(1, 1, *sides, dtype=torch.float64, requires_grad=True)
    maps = Kept(model).maps(image)[last]
    middle = maps.shape[2] // 2, maps.shape[3] // 2
    top, left, bottom, right = field.box(*middle, sides)
    assert (bottom - top, right - left) == (field.rows.size, field.columns.size)  # the border is far away
    assert (top, left, bottom, right) == support(maps, *middle, image)


@st.composite
def enlargers(draw: st.DrawFn) -> nn.Module:
    """What makes maps larger, or puts their pixels into groups of maps."""
    size = st.integers(1, 3)
    match draw(st.integers(0, 4)):
        case 0:
            kernel, stride = draw(st.tuples(size, size)), draw(st.tuples(size, size))
            return nn.ConvTranspose2d(1, 1, kernel, stride, tuple(draw(st.integers(0, (k - 1) // 2)) for k in kernel))
        case 1:
            return nn.Sequential(nn.Conv2d(1, 4, 1), nn.PixelShuffle(2))
        case 2:
            return nn.Sequential(nn.PixelUnshuffle(by := draw(size)), nn.Conv2d(by * by, 1, 1))
        case 3:
            return nn.Upsample(scale_factor=draw(size), mode=draw(st.sampled_from(["nearest", "bilinear"])))
        case _:
            return nn.AdaptiveAvgPool2d((draw(st.integers(2, 30)), draw(st.integers(2, 30))))


@settings(max_examples=40, deadline=None)
@given(layers=st.lists(st.one_of(windows(), enlargers()), min_size=1, max_size=4))
def test_the_fields_of_any_stack_of_windows_and_enlargers_are_the_support(layers):
    model, shape = nn.Sequential(nn.Conv2d(1, 1, 1), *layers).eval(), (1, 1, 24, 18)
    try:
        record_shapes(model, shape)
    except TraceRefused:  # too small for these windows, or no multiple of these squares
        assume(False)
    assert_fields_are_supports(model, shape, [last_layer(model)])


# The deconvnet -----------------------------------------------------------------------------------------------------


def assert_boxes_are_fields(model: nn.Module, image: Tensor, layers: Iterable[str], method: str = "deconvnet") -> None:
    """Of units at the corners and in the middle; where the method holds gates, the fields are those behind them."""
    recording = record(model, image, layers)
    fields = fields_of(recording)
    units = [
        Unit(layer, 0, row, column, 1.0) for layer in layers for row, column in corners_and_middle(recording.of(layer))
    ]
    for found in project(model, recording, units, method):
        field, unit = fields[found.unit.layer], found.unit
        field = field.held if field.held and method != "gradient" else field
        box = found.box.top, found.box.left, found.box.bottom, found.box.right
        assert seen(box) == seen(field.box(unit.row, unit.column, image.shape)), unit


V3 = ["features.0.1", "features.1.block.1.fc2", "features.1.block.2.1", "features.2.block.1.0"]


@pytest.mark.parametrize(
    ("build", "layers", "method"),
    [
        (models.alexnet, ["features.0", "features.5", "features.10", "features.12"], "deconvnet"),
        (models.resnet18, ["conv1", "layer1.0.relu_1", "layer2.1.add", "layer4.1.relu_1"], "deconvnet"),
        (models.mobilenet_v3_small, V3, "deconvnet"),
        (models.mobilenet_v3_small, V3, "gradient"),  # which goes through gates, too
        (models.efficientnet_b0, ["features.1.0.block.1.mul", "features.2.1.add"], "guided"),
        (
            lambda: models.ConvNeXt([CNBlockConfig(8, 12, 1), CNBlockConfig(12, None, 1)]),
            ["features.0.0", "features.1.0.add", "features.3.0.add"],
            "deconvnet",
        ),
        (models.shufflenet_v2_x0_5, ["conv1.2", "stage2.0.view_1", "stage2.1.cat"], "deconvnet"),
    ],
)
def test_a_projection_has_the_field_of_its_unit_for_its_box(build, layers, method):
    torch.manual_seed(0)
    assert_boxes_are_fields(build().eval(), torch.randn(1, 3, 96, 84), layers, method)


@pytest.mark.parametrize(
    ("way", "layer"),
    [
        (lambda net, x: net.conv((x - net.mean) / net.deviation), "conv"),
        (lambda net, x: net.conv(F.pad(x, (1, 2, 0, 1))), "conv"),
        (lambda net, x: net.conv(x[:, :, 3:-2, ::2]), "conv"),
        (lambda net, x: net.conv(net.shuffle(net.conv(x))), "conv_1"),
        (lambda net, x: net.conv(F.interpolate(x, scale_factor=2)), "conv"),
        (lambda net, x: net.conv(net.conv(x).permute(0, 2, 3, 1).transpose(1, 3).permute(0, 1, 3, 2)), "conv_1"),
    ],
)
def test_a_projection_behind_an_operation_on_whole_maps_has_the_box_of_its_field(way, layer):
    torch.manual_seed(0)
    model = Net(way, conv=nn.Conv2d(3, 3, 3, 2, 1), shuffle=nn.ChannelShuffle(3))
    for name in ("mean", "deviation"):
        model.register_buffer(name, torch.full((1, 3, 1, 1), 0.3))
    assert_boxes_are_fields(model.eval(), torch.randn(1, 3, 25, 23), [layer])


def lightest_of_each_family() -> list[str]:
    lightest: dict[str, str] = {}
    for architecture in sorted(ARCHITECTURES.values(), key=lambda a: (a.is_for_cifar, a.macs)):
        lightest.setdefault(architecture.family, architecture.name)
    return sorted({*lightest.values(), "cifar_resnet20"})


@pytest.mark.parametrize("name", lightest_of_each_family())
def test_no_box_of_a_network_of_ours_is_larger_than_the_field_of_its_unit(name):
    loaded = load(name, weights="random")
    channels, side, _width = ARCHITECTURES[name].input_shape
    image = torch.randn(1, channels, *[min(side, 96)] * 2, generator=torch.Generator().manual_seed(0))
    layers = list(loaded.layers.values())[:3]
    recording = record(loaded.model, image, layers)
    fields = fields_of(recording)
    for layer in layers:
        for found in project(loaded.model, recording, strongest_units(loaded.model, recording, layer, k=2)):
            unit, field = found.unit, fields[layer]
            box = found.box.top, found.box.left, found.box.bottom, found.box.right
            top, left, bottom, right = field.box(unit.row, unit.column, image.shape)
            assert top <= box[0] <= box[2] <= bottom, unit
            assert left <= box[1] <= box[3] <= right, unit
            assert seen(box) == seen((field.held or field).box(unit.row, unit.column, image.shape)), unit
