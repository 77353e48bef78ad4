"""Networks whose way depends on the size of the picture, as TensorFlow's padding does, against twins padded by hand."""

import gc
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.agreement.networks import PICTURE, Net, picture, seeded
from vis.activations import channel_view, dead_shares
from vis.cost.count import layer_costs
from vis.cost.latency import layer_times
from vis.deconvnet import METHODS, Unit, project, strongest_units
from vis.graph import layer_graph
from vis.receptive import receptive_fields
from vis.shapes import record_shapes
from vis.trace import Recording, TraceRefused, record, stream, traced

SHAPES = [PICTURE, (1, 3, 16, 16), (1, 3, 15, 29), (1, 3, 9, 8)]


def padding(n: int, kernel: int, stride: int) -> int:
    """Of TensorFlow's "SAME" in all: as much as ⌈n / stride⌉ windows reach over the border."""
    return max((-(-n // stride) - 1) * stride + kernel - n, 0)


class AsInTimm(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        height, width = x.size()[-2:]
        down, across = self.missing(height, 0), self.missing(width, 1)
        if down > 0 or across > 0:
            x = F.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2])
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def missing(self, n: int, i: int) -> int:
        return max((math.ceil(n / self.stride[i]) - 1) * self.stride[i] + self.kernel_size[i] - n, 0)


class AsInEfficientNetPytorch(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        ih, iw = x.size()[-2:]
        (kh, kw), (sh, sw) = self.weight.size()[-2:], self.stride
        oh, ow = math.ceil(ih / sh), math.ceil(iw / sw)
        down, across = max((oh - 1) * sh + kh - ih, 0), max((ow - 1) * sw + kw - iw, 0)
        if down > 0 or across > 0:
            x = F.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2])
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class ByRemainder(nn.Module):
    """Pads in a module of its own and leaves the convolution to torch."""

    def __init__(self, *sizes: int, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(*sizes, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for n, kernel, stride in zip(x.shape[:1:-1], self.conv.kernel_size[::-1], self.conv.stride[::-1], strict=True):
            missing = kernel - stride if n % stride == 0 else kernel - n % stride
            pads += [max(missing, 0) // 2, max(missing, 0) - max(missing, 0) // 2]
        return self.conv(F.pad(x, pads) if any(pads) else x)


def built(conv) -> nn.Module:
    return seeded(
        lambda: nn.Sequential(
            *(conv(3, 4, 3, 2), nn.ReLU(), conv(4, 6, 5, 2), nn.ReLU(), conv(6, 6, 3, 1, groups=6)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
        )
    )


def twin(model: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """The same with convolutions of torch, behind a padding that was worked out here for this picture alone."""
    (height, width), pads = shape[2:], []
    for kernel, stride in ((3, 2), (5, 2), (3, 1)):
        down, across = padding(height, kernel, stride), padding(width, kernel, stride)
        pads.append((across // 2, across - across // 2, down // 2, down - down // 2))
        height, width = -(-height // stride), -(-width // stride)

    def way(net: nn.Module, x: Tensor) -> Tensor:
        for i, pad in enumerate(pads):
            x = getattr(net, f"conv{i}")(F.pad(x, pad) if any(pad) else x)
            x = x.relu() if i < 2 else x
        return net.fc(x.mean((2, 3)))

    convs = [nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 6, 5, 2), nn.Conv2d(6, 6, 3, groups=6)]
    found = Net(way, **{f"conv{i}": conv for i, conv in enumerate(convs)}, fc=nn.Linear(6, 3)).double().eval()
    found.load_state_dict(dict(zip(found.state_dict(), model.state_dict().values(), strict=True)))
    return found


CONVS = [AsInTimm, AsInEfficientNetPytorch, ByRemainder]
cases = pytest.mark.parametrize(("conv", "shape"), [(conv, shape) for conv in CONVS for shape in SHAPES])


def layers(recording: Recording) -> list[str]:
    """The convolutions and what comes out in the end, in both ways of writing."""
    names = [name for node, name in recording.trace.names.items() if isinstance(recording.values.get(node), Tensor)]
    return [
        name for name in names if name.endswith(("conv2d", ".conv")) or name in ("conv0", "conv1", "conv2", "fc", "7")
    ]


# Against the twin -------------------------------------------------------------------------------------------------


@cases
def test_the_recorded_values_are_the_twins(conv, shape):
    model, image = built(conv), picture(shape)
    ours, theirs = record(model, image), record(twin(model, shape), image)
    assert ours.trace.shape == shape
    assert theirs.trace.shape is None
    assert len(layers(ours)) == len(layers(theirs)) == 4
    for one, other in zip(layers(ours), layers(theirs), strict=True):
        torch.testing.assert_close(ours.of(one), theirs.of(other), rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(ours.of("7"), model(image), rtol=1e-12, atol=1e-12)


@cases
def test_shapes_fields_and_counts_are_the_twins(conv, shape):
    model = built(conv)
    other = twin(model, shape)
    ours, theirs = record_shapes(model, shape), record_shapes(other, shape)
    pairs = [*zip(layers(ours), layers(theirs), strict=True)]
    assert [ours.of(a).shape for a, _ in pairs] == [theirs.of(b).shape for _, b in pairs]
    fields, their_fields = receptive_fields(model, shape), receptive_fields(other, shape)
    assert [fields[a] for a, _ in pairs] == [their_fields[b] for _, b in pairs]
    costs, their_costs = ({cost.name: cost.macs for cost in layer_costs(net, shape)} for net in (model, other))
    assert [costs[a] for a, _ in pairs] == [their_costs[b] for _, b in pairs]
    assert sum(macs or 0 for macs in costs.values()) == sum(macs or 0 for macs in their_costs.values()) > 0
    assert {layer for layer, _ in pairs} <= {node.name for node in layer_graph(model, shape).nodes.values()}


@pytest.mark.parametrize("method", METHODS)
@cases
def test_projections_are_the_twins(conv, shape, method):
    model, image = built(conv), picture(shape)
    other = twin(model, shape)
    pairs = [*zip(layers(record(model, image)), layers(record(other, image)), strict=True)]
    for one, its in pairs[:3]:
        units = strongest_units(model, image, one, 3)
        their_units = [Unit(its, unit.channel, unit.row, unit.column, unit.activation) for unit in units]
        for found, expected in zip(
            project(model, image, units, method), project(other, image, their_units, method), strict=True
        ):
            assert (found.box, found.fidelity) == (expected.box, expected.fidelity)
            torch.testing.assert_close(found.on_canvas(), expected.on_canvas(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("conv", CONVS)
def test_what_else_asks_for_the_layers_gets_them(conv):
    """Without a picture at hand the names, and with one what belongs to it."""
    model, image = built(conv), picture()
    names = layers(record(model, image))
    assert set(names) <= set(traced(model).names.values())
    chain = channel_view(model, image, names[0], 1)
    assert [stage.layer for stage in chain.stages] == [names[0], "1"]
    torch.testing.assert_close(torch.tensor(chain.map), record(model, image).of(names[0])[0, 1])
    inactive, maps, share = dead_shares(model, image, ["1"])["1"]
    assert (maps, 0 <= inactive <= maps, 0 <= share <= 1) == (4, True, True)
    assert set(names) <= layer_times(model, image, rounds=1).keys()
    two = torch.cat([image, picture(seed=2)])
    streamed = dict(stream(model, two, [names[1]]))[names[1]]
    torch.testing.assert_close(streamed[1:], record(model, two[1:]).of(names[1]))


# What is remembered ----------------------------------------------------------------------------------------------


def test_there_is_a_trace_for_each_of_a_few_shapes_and_none_outlives_the_network():
    model = built(AsInTimm)
    first = traced(model, PICTURE)
    assert traced(model, PICTURE) is first
    assert traced(model, torch.Size(PICTURE)) is first
    assert traced(model, (1, 3, 16, 16)) is not first
    first = weakref.ref(first)
    for side in range(20, 40):
        traced(model, (1, 3, side, side))
    gc.collect()
    assert first() is None
    last, network = weakref.ref(traced(model, (1, 3, 39, 39))), weakref.ref(model)
    del model
    gc.collect()
    assert (last(), network()) == (None, None)


def test_a_network_whose_way_is_the_same_for_every_picture_has_one_trace():
    model = twin(built(AsInTimm), PICTURE)
    assert traced(model, PICTURE) is traced(model) is traced(model, (1, 3, 16, 16))


def test_many_threads_with_pictures_of_many_shapes_get_what_one_gets():
    alone, model, start = built(AsInTimm), built(AsInTimm), threading.Barrier(8)
    expected = {shape: record(alone, picture(shape)).of("7") for shape in SHAPES}

    def work(thread: int) -> bool:
        start.wait()
        order = SHAPES[thread % 4 :] + SHAPES[: thread % 4]
        return all(torch.equal(record(model, picture(shape)).of("7"), expected[shape]) for shape in order * 3)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


# Other ways to ask for a size ------------------------------------------------------------------------------------


def asserted(net, x):
    assert x.dim() == 4
    assert x.shape[1] == 3
    return net.conv(x)


def counted_rows(net, x):
    return sum(net.conv(x)[:, i : i + 1] for i in range(len(x[0])))


def parts_of_a_map(net, x):
    return torch.cat([part * i for i, part in enumerate(net.conv(x).unbind(1))], 0)[None]


def places(net, x):
    y = net.conv(x)
    across = torch.arange(y.shape[-1], device=y.device, dtype=y.dtype)
    down = torch.linspace(-1, 1, int(y.shape[2] ** 0.5) * 2).to(y)[:1]
    return y * across + down + y.new_ones(y.shape)


def spread_sizes(net, x):
    y = net.conv(x)
    return y.view(2, 2, *y.shape[2:]).mean(1)[None]


def only_large(net, x):
    y = net.conv(x - net.mean)
    if torch.numel(y) > 100 and y.ndim == 4 and y.dtype != torch.int64:
        y = F.max_pool2d(y, 2)
    return (y / net.std).to(x.device)


def a_second_name(net, x):
    y = net.conv(x)
    s = y
    y += len(y)
    return y + s


def until_it_is_small(net, x):
    while min(x.shape[2:]) > 8:
        x = F.avg_pool2d(x, 2)
    return net.conv(x)


WAYS = [asserted, counted_rows, parts_of_a_map, places, spread_sizes, only_large, a_second_name]


@pytest.mark.parametrize("shape", SHAPES[:2])
@pytest.mark.parametrize("way", [*WAYS, until_it_is_small])
def test_what_hangs_on_a_size_goes_its_way(way, shape):
    model = seeded(partial(Net, way, conv=nn.Conv2d(3, 4, 3)))
    model.register_buffer("mean", torch.ones(3, 1, 1, dtype=torch.float64))
    model.std = torch.full((4, 1, 1), 2.0, dtype=torch.float64)
    recording = record(model, picture(shape))
    assert recording.trace.shape == shape
    (output,) = (node for node in recording.trace.graph.nodes if node.op == "output")
    with torch.no_grad():
        own = model(picture(shape))
    torch.testing.assert_close(recording.values[output.args[0]], own, rtol=1e-12, atol=1e-12)
    assert record_shapes(model, shape).values[output.args[0]].shape == own.shape


def test_code_that_takes_another_way_for_numbers_goes_that_way():
    """Without sizes it can be followed, to an answer that is its own for some pictures alone."""

    def way(net, x):
        return net.conv(x[:, :, 1:] if isinstance(x.shape[2], int) and x.shape[2] % 2 else x)

    model = seeded(partial(Net, way, conv=nn.Conv2d(3, 4, 3)))
    for shape in [(1, 3, 16, 16), (1, 3, 13, 10), (1, 3, 16, 16)]:
        with torch.no_grad():
            torch.testing.assert_close(record(model, picture(shape)).of("conv"), model(picture(shape)))
    assert record_shapes(model, (1, 3, 15, 10)).of("conv").shape == (1, 4, 12, 8)


def test_numbers_leave_no_operation_behind():
    recording = record(built(AsInTimm), picture())
    assert {name.rpartition(".")[2] for name in recording.trace.names.values()} == {
        *("input", "pad", "conv2d", "1", "3", "5", "6", "7"),
        *(f"_{i}_{of}" for i in (0, 2, 4) for of in ("weight", "bias")),
    }


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        (lambda net, x: x if len(x) == 1 and x.mean() > 0 else -x, "beyond “gt”: symbolically traced variables"),
        (lambda net, x: x * float(x[:, : len(x)].max()), "beyond “max”: "),
        (lambda net, x: x[0, 0, len(x) + 98], "10×13 picture: “getitem” says index 99 is out of bounds"),
        (lambda net, x: net.conv(x[..., : len(x)]), "10×13 picture: “conv” says "),
        (lambda net, x: F.dropout(x, 0.5) if len(x) == 1 else x, "“dropout” draws random numbers"),
        (lambda net, x: x.colour if len(x) == 1 else x, "no attribute 'colour'"),
    ],
)
def test_what_depends_on_more_than_sizes_is_refused_with_a_sentence(way, sentence):
    model = Net(way, conv=nn.Conv2d(3, 4, 3)).double().eval()
    with pytest.raises(TraceRefused, match=sentence):
        record(model, picture())
    with pytest.raises(TraceRefused):
        record_shapes(model, PICTURE)


def test_without_a_picture_or_a_convolution_the_size_is_missed():
    with pytest.raises(TraceRefused, match="cannot trace this network beyond “x”"):
        traced(Net(lambda net, x: x * len(x)).eval())


def test_a_network_that_wants_larger_pictures_says_so():
    with pytest.raises(TraceRefused, match=r"cannot process a 2×2 picture: “0\.conv” says"):
        record_shapes(
            nn.Sequential(Net(lambda net, x: net.conv(x) if len(x) == 1 else x, conv=nn.Conv2d(3, 4, 3))).eval(),
            (1, 3, 2, 2),
        )
