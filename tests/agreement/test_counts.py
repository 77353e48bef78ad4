"""Counted costs against torch's own counter, torchvision's published numbers, and hand arithmetic."""

import ast
import operator
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import ceil, floor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from tests.agreement.networks import EXACT, NORMALISED, PICTURE, UNUSUAL, Net, gated
from vis.cost.arithmetic import Explanation, explained
from vis.cost.count import (
    Counting,
    LayerCost,
    costs_of,
    layer_costs,
    layers,
    left_out,
    unused_parameters,
)
from vis.graph import layer_graph
from vis.operations import KINDS, adaptive_windows
from vis.shapes import record_shapes
from vis.trace import Recording

CONVOLUTIONAL = [name for name in models.list_models(module=models) if not name.startswith(("vit_", "swin_", "maxvit"))]
BY_HAND = {**EXACT, **NORMALISED, **UNUSUAL, "gates": gated}


class WithoutWeights(TorchFunctionMode):
    """Modules built here have weights that take no memory; numbers that decide on the network's form are real."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        where = {"device": "meta"} if func is torch.empty else {}
        return func(*args, **{**(kwargs or {}), **where})


def network(name: str) -> nn.Module:
    """A network of torchvision, with its auxiliary heads, on the meta device."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}  # they warn otherwise
    with WithoutWeights():
        return models.get_model(name, weights=None, **options).to("meta").eval()


def weights_of(name: str) -> list:
    """The trained weights that torchvision has for a network; their facts are there without a download."""
    return list(models.get_model_weights(name))


def counted_by_torch(model: nn.Module, shape: tuple[int, ...]) -> Fraction:
    """Multiply-adds: torch counts each as two operations."""
    first = next(model.parameters(), torch.empty(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(shape, device=first.device, dtype=first.dtype))
    return Fraction(counter.get_total_flops(), 2)


def total(costs: Iterable[LayerCost]) -> int:
    return sum(Counting().of(cost) or 0 for cost in costs)


def numbers_of(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# All convolutional networks of torchvision -----------------------------------------------------------------------


def test_torchvision_has_68_convolutional_networks_for_classification():
    """Of its 80; the rest are 5 ViT, 6 Swin and 1 MaxViT."""
    assert len(CONVOLUTIONAL) == 68
    assert len(models.list_models(module=models)) == 80


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_network_of_torchvision_costs_what_torchvision_publishes_and_torch_counts(name):
    model = network(name)
    published = {(w.transforms.keywords["crop_size"], w.meta["num_params"], w.meta["_ops"]) for w in weights_of(name)}
    for side, parameters, billions in published:
        recording = record_shapes(model, (1, 3, side, side))
        costs, unused = costs_of(recording), sum(unused_parameters(recording).values())
        assert {cost.kind for cost in costs} <= set(KINDS) - {"other"}
        assert left_out(costs) == ()
        assert total(costs) == counted_by_torch(model, (1, 3, side, side))
        assert total(costs) / 1e9 == pytest.approx(billions, abs=0.0005 + 1e-9)  # G, three decimals

        used = sum(cost.params for cost in costs)
        assert used + unused == numbers_of(model)
        assert parameters == (used + unused if name == "inception_v3" else used)  # there with its auxiliary head


def test_heads_for_training_alone_belong_to_no_layer():
    assert unused_parameters(record_shapes(network("googlenet"), (1, 3, 224, 224))) == {
        "aux1": 3_188_968,
        "aux2": 3_191_016,
    }
    assert unused_parameters(record_shapes(network("inception_v3"), (1, 3, 299, 299))) == {"AuxLogits": 3_326_696}
    assert unused_parameters(record_shapes(network("resnet18"), (1, 3, 224, 224))) == {}


# Networks of few layers, one for every way in which an operation can be written ----------------------------------


def shared_and_scaled(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(net.conv(net.stem(x)))  # the same module twice
    return net.block.scale * F.conv2d(x, net.block.conv.weight, net.block.conv.bias) + x


def scaled_block() -> nn.Module:
    block = nn.Module()
    block.conv, block.scale = nn.Conv2d(4, 4, 1), nn.Parameter(torch.ones(4, 1, 1))
    return block


def attention(net: nn.Module, x: Tensor) -> Tensor:
    x = net.tokens(x).flatten(2).transpose(1, 2)  # (1, T, 8)
    queries, keys, values = net.three(x).chunk(3, -1)
    return torch.softmax(queries @ keys.transpose(-2, -1) / 8**0.5, -1).matmul(values)


def attention_in_one(net: nn.Module, x: Tensor) -> Tensor:
    x = net.tokens(x).flatten(2).transpose(1, 2)
    queries, keys, values = net.three(x).chunk(3, -1)
    return F.scaled_dot_product_attention(queries, keys, values)


def contracted(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x)
    return torch.einsum("nchw, ndhw -> ncd", x, x) @ torch.einsum("nchw,cd->ndhw", x, net.mix).flatten(2)


def with_a_matrix() -> nn.Module:
    net = Net(contracted, conv=nn.Conv2d(3, 4, 3))
    net.mix = nn.Parameter(torch.ones(4, 5)[:, :4].clone())
    return net


def upward(net: nn.Module, x: Tensor) -> Tensor:
    x = F.conv_transpose2d(
        net.up(net.down(x)), net.last.weight, net.last.bias, (1, 2), 1, groups=2, output_padding=(0, 1)
    )
    return net.along(x.flatten(2)).unsqueeze(2)


def in_three_directions(net: nn.Module, x: Tensor) -> Tensor:
    return net.conv(x.unsqueeze(2))


FURTHER: dict[str, Callable[[], nn.Module]] = {
    "a shared module and a learned scale": lambda: Net(
        shared_and_scaled, stem=nn.Conv2d(3, 4, 3), conv=nn.Conv2d(4, 4, 3, padding=1), block=scaled_block()
    ),
    "attention": lambda: Net(attention, tokens=nn.Conv2d(3, 8, 3, 3), three=nn.Linear(8, 24)),
    "attention in one": lambda: Net(attention_in_one, tokens=nn.Conv2d(3, 8, 3, 3), three=nn.Linear(8, 24)),
    "contractions": with_a_matrix,
    "transposed convolutions": lambda: Net(
        upward,
        down=nn.Conv2d(3, 4, 3, 2),
        up=nn.ConvTranspose2d(4, 6, (3, 2), 2, groups=2, bias=False),
        last=nn.ConvTranspose2d(6, 4, 3, groups=2),
        along=nn.Conv1d(4, 5, 3, 2, dilation=2),
    ),
    "three directions": lambda: Net(in_three_directions, conv=nn.Conv3d(3, 4, (1, 3, 2), stride=(1, 2, 1))),
    "linear layers on maps": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 2), nn.Flatten(2), nn.Linear(108, 5, bias=False), nn.Unflatten(1, (2, 2)), nn.Linear(5, 3)
    ),
}
HAND_MADE = {**BY_HAND, **FURTHER}


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_network_by_hand_costs_what_torch_counts_and_every_parameter_is_counted_once(name):
    model = HAND_MADE[name]().to("meta").eval()
    recording = record_shapes(model, PICTURE)
    costs = costs_of(recording)
    assert total(costs) == counted_by_torch(model, PICTURE) > 0
    assert sum(c.params for c in costs) + sum(unused_parameters(recording).values()) == numbers_of(model)
    assert [c.name for c in costs] == [recording.trace.names[n] for n in layers(recording)]


def by_name(model: nn.Module, shape: tuple[int, ...] = PICTURE) -> dict[str, LayerCost]:
    return {cost.name: cost for cost in layer_costs(model.eval(), shape)}


def test_a_shared_module_has_its_parameters_once_and_its_macs_each_time():
    found = by_name(FURTHER["a shared module and a learned scale"]())
    assert (found["conv"].params, found["conv_1"].params) == (4 * (9 * 4 + 1), 0)
    assert found["conv"].macs == found["conv_1"].macs == 9 * 4 * 4 * 11 * 8


def test_a_parameter_that_is_fetched_belongs_to_the_first_layer_that_reads_it():
    found = by_name(FURTHER["a shared module and a learned scale"]())
    assert found["conv2d"].params == 4 * 4 + 4
    assert found["mul"].params == 4
    assert not {"block.conv.weight", "block_scale"} & found.keys()  # fetching it is no layer


def test_unused_parameters_stand_under_the_topmost_module_without_a_used_one():
    net = Net(
        lambda net, x: F.conv2d(x, net.partly.weight), partly=nn.Conv2d(3, 4, 3), head=nn.Sequential(nn.Linear(4, 2))
    )
    recording = record_shapes(net.eval(), PICTURE)
    assert unused_parameters(recording) == {"partly.bias": 4, "head": 10}
    assert sum(cost.params for cost in costs_of(recording)) == 4 * 3 * 9


def test_what_the_formula_does_not_cover_is_not_counted_rather_than_nothing():
    found = by_name(Net(lambda net, x: torch.einsum("nchw,nchw->n", x, net.conv(x)), conv=nn.Conv2d(3, 3, 1)))
    assert found["einsum"].macs == 3 * 13 * 10
    found = by_name(
        Net(lambda net, x: torch.einsum(x, [0, 1, 2, 3], net.conv(x), [0, 1, 4, 3], [2, 4]), conv=nn.Conv2d(3, 3, 1))
    )
    assert found["einsum"].macs is None
    found = by_name(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Upsample(scale_factor=2)))
    assert (found["1"].kind, found["1"].macs) == ("other", None)


# Matrix products of every kind ------------------------------------------------------------------------------------


def macs_of_product(way: Callable[[Tensor], Tensor], shape: tuple[int, ...] = PICTURE) -> tuple[int, Fraction]:
    """Of all that is not a convolution: what is counted here, and by torch on numbers in float64."""
    model = Net(lambda net, x: way(x)).eval()
    return total(layer_costs(model, shape)), counted_by_torch(model.double(), shape)


@pytest.mark.parametrize(
    ("way", "macs"),
    [
        (lambda x: torch.addmm(x[0, 0, 0], x[0, 0, :, :4], x[0, 1, :4]), 13 * 4 * 10),
        (lambda x: torch.baddbmm(x[0, :, :4, :4], x[0, :, :4], x[0, :, :10, :4]), 3 * 4 * 10 * 4),
        (lambda x: torch.tensordot(x, x, ([0, 1, 3], [0, 1, 3])), 13 * 13 * 30),
        (lambda x: torch.tensordot(x[0], x[0].permute(1, 2, 0), 2), 3 * 3 * 130),
        (lambda x: torch.tensordot(x[0, 0, 0], x[0, 0, 0], 0), 10 * 10),
        (lambda x: torch.tensordot(x, x.flip(3), dims=[[3], [3]]), 39 * 39 * 10),
        (lambda x: torch.inner(x[0, 0], x[0, 1]), 13 * 13 * 10),
        (lambda x: torch.einsum("...hw,...wk->...hk", x, x[:, :1, :10, :4]), 3 * 13 * 10 * 4),
        (lambda x: torch.einsum("...w,wk", x, x[0, 0, :10, :4]), 3 * 13 * 10 * 4),
        (lambda x: torch.einsum("c...,dc->d...", x[0], x[0, 0, :5, :3]), 5 * 3 * 130),
        (lambda x: torch.einsum("hw,wk,kl->hl", x[0, 0], x[0, 1, :10, :4], x[0, 2, :4, :7]), 13 * 40 + 13 * 28),
        (lambda x: torch.einsum("hw,kl,wk->hl", x[0, 0], x[0, 1, :4, :7], x[0, 2, :10, :4]), 13 * 10 * 4 * 7),
        (lambda x: torch.einsum("h,hw,w->", x[0, 0, :, 0], x[0, 0], x[0, 0, 0]), 130 + 10),
        (lambda x: torch.einsum("chw,chw,chw->w", x[0], x[0], x[0]), 390),
        (lambda x: torch.einsum("bii,bij->bj", x[0, :, :10], x[0, :, :10]), 3 * 100),
        (lambda x: torch.einsum("nchw,ndkl->cd", x, x), 0),  # sums, and then an outer product
        (lambda x: torch.einsum("nchw,nchw->nchw", x, x), 0),
        (lambda x: torch.einsum("nchw->nhwc", x), 0),
    ],
)
def test_a_product_costs_what_torch_counts_and_what_the_hand_does(way, macs):
    assert macs_of_product(way) == (macs, macs)


@pytest.mark.parametrize(
    ("way", "macs"),
    [  # products that torch's own counter does not know
        (lambda x: torch.mv(x[0, 0], x[0, 0, 0]), 130),
        (lambda x: torch.addbmm(x[0, 0, :4, :4], x[0, :, :4], x[0, :, :10, :4]), 3 * 4 * 10 * 4),
        (lambda x: torch.dot(x[0, 0, 0], x[0, 0, 1]), 10),
        (lambda x: torch.addmv(x[0, 0, :, 0], x[0, 0], x[0, 0, 0]), 130),
        (lambda x: F.bilinear(x[..., :3], x[..., :4], x[0, :, 9:12, :5].new_ones(6, 3, 4)), 3 * 13 * 6 * (3 * 4 + 4)),
    ],
)
def test_a_product_that_torch_does_not_count_costs_what_the_hand_counts(way, macs):
    assert macs_of_product(way) == (macs, 0)


def as_tokens(net: nn.Module, x: Tensor) -> Tensor:
    x = net.patches(x).flatten(2).transpose(1, 2)  # (1, T, C)
    return net.attention(x, x, x, need_weights=False)[0]


def patches_with_attention(channels: int, heads: int, side: int) -> nn.Module:
    return Net(
        as_tokens,
        patches=nn.Conv2d(3, channels, side, side),
        attention=nn.MultiheadAttention(channels, heads, batch_first=True),
    )


def test_attention_over_64_tokens_of_16_numbers_costs_four_matrices_and_two_products():
    found = by_name(patches_with_attention(16, 4, 4), (1, 3, 32, 32))
    assert found["attention"].macs == 64 * 16 * 48 + 2 * 64 * 64 * 16 + 64 * 16 * 16
    assert found["attention"].kind == "linear"
    assert total(found.values()) == 64 * 16 * 48 + found["attention"].macs == 245_760


def test_attention_over_580_tokens_of_512_numbers():
    found = by_name(patches_with_attention(512, 4, 1), (1, 3, 29, 20))
    assert found["attention"].macs == 4 * 580 * 512**2 + 2 * 580**2 * 512 == 952_647_680


@pytest.mark.parametrize(
    ("options", "keys", "values"),
    [
        ({"batch_first": True}, 8, 8),
        ({"batch_first": True, "bias": False, "add_zero_attn": True}, 8, 8),
        ({"batch_first": True, "kdim": 5, "vdim": 6, "add_bias_kv": True}, 5, 6),
        ({"kdim": 5, "vdim": 6, "add_bias_kv": True, "add_zero_attn": True}, 5, 6),
    ],
)
def test_an_attention_layer_costs_what_torch_counts(options, keys, values):
    def way(net, x):
        x = x[0]  # 3 × 13 × 10: a batch of three, or a sequence of three
        return net.attention(x[:, :, :8], x[:, 2:, :keys], x[:, 2:, :values])[0]

    model = Net(way, attention=nn.MultiheadAttention(8, 2, **options)).eval()
    if not options.get("batch_first"):  # as many keys as queries in a batch
        model.way = lambda net, x: net.attention(x[0, :2, :, :8], x[0, :, :, :keys], x[0, :, :, :values])[0]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # torch does not count what it does there
    try:
        assert total(layer_costs(model, PICTURE)) == counted_by_torch(model.double(), PICTURE) > 0
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(10, 6),
        nn.LSTM(10, 6, num_layers=2, bidirectional=True, batch_first=True),
        nn.LSTM(10, 6, num_layers=2, proj_size=4, bias=False),
        nn.GRU(10, 6, 2, batch_first=True),
        nn.RNN(10, 6, bidirectional=True),
        nn.LSTMCell(10, 6),
        nn.GRUCell(10, 6),
        nn.RNNCell(10, 6),
    ],
    ids=repr,
)
def test_a_recurrent_layer_costs_what_torch_counts(layer):
    def way(net, x):
        return net.layer(x[0, 0] if isinstance(layer, nn.RNNCellBase) else x[0])[0]

    model = Net(way, layer=layer).eval()
    costs = layer_costs(model, PICTURE)
    assert total(costs) == counted_by_torch(model.double(), PICTURE) > 0
    assert sum(cost.params for cost in costs) == numbers_of(model)
    assert left_out(costs) == ()


def test_a_recurrent_layer_by_hand():
    found = by_name(Net(lambda net, x: net.layer(x[0])[0], layer=nn.LSTM(10, 6)))
    assert found["layer"].macs == 3 * 13 * 4 * 6 * (10 + 6)  # steps of a batch, gates, numbers of each, of what


def test_a_bilinear_layer_by_hand():
    layer = nn.Bilinear(10, 4, 6)
    found = by_name(Net(lambda net, x: net.layer(x, x[..., :4]), layer=layer))
    assert found["layer"].macs == 3 * 13 * 6 * (10 * 4 + 4)


# What is left out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "names"),
    [
        (lambda net, x: torch.einsum(net.conv(x), [0, 1, 2, 3], x, [0, 1, 4, 3], [2, 4]), ("einsum",)),
        (lambda net, x: torch.fft.fft2(net.conv(x)).real, ("fft_fft2",)),
        (lambda net, x: net.encoder(net.conv(x).flatten(2).transpose(1, 2)), ("encoder",)),
        (lambda net, x: torch.cdist(net.conv(x)[0], x[0]), ("cdist",)),
    ],
)
def test_a_layer_whose_products_are_not_counted_is_named(way, names):
    encoder = nn.TransformerEncoderLayer(3, 1, 8, batch_first=True)
    costs = layer_costs(Net(way, conv=nn.Conv2d(3, 3, 1), encoder=encoder).eval(), PICTURE)
    assert left_out(costs) == names
    assert total(costs) == 3 * 3 * 130  # at least
    assert layer_graph(Net(way, conv=nn.Conv2d(3, 3, 1), encoder=encoder).eval(), PICTURE).left_out() == names


@pytest.mark.parametrize("name", HAND_MADE)
def test_nothing_that_torch_counts_is_left_out_of_a_network_by_hand(name):
    costs = layer_costs(HAND_MADE[name]().to("meta").eval(), PICTURE)
    assert left_out(costs) == ()


# Kinds and further countings -------------------------------------------------------------------------------------


def test_kinds():
    kinds = [
        ("conv", nn.Conv2d(4, 4, 1)),
        ("conv", nn.Conv2d(4, 4, 1, groups=2)),
        ("depthwise", nn.Conv2d(4, 8, 3, groups=4)),
        ("norm", nn.GroupNorm(2, 8)),
        ("norm", nn.LocalResponseNorm(2)),
        *[("activation", activation) for activation in (nn.Hardswish(), nn.Sigmoid(), nn.GELU(), nn.PReLU())],
        ("pool", nn.AdaptiveMaxPool2d(3)),
        ("dropout", nn.Dropout2d()),
        ("dropout", nn.Identity()),
        ("reshape", nn.Flatten()),
        ("linear", nn.Linear(72, 3)),
    ]
    model = nn.Sequential(nn.Conv2d(3, 4, 1), *[module for _, module in kinds])
    assert [cost.kind for cost in by_name(model).values()][1:] == [kind for kind, _ in kinds]


def test_a_mean_over_positions_is_a_pool_and_any_other_is_not():
    found = by_name(Net(lambda net, x: net.conv(x).mean((2, 3)) + x.mean(1).mean(), conv=nn.Conv2d(3, 4, 3)))
    assert [found[name].kind for name in ("mean", "mean_1", "mean_2")] == ["pool", "other", "other"]
    assert found["mean"].pool_operations == 4 * 11 * 8


def test_a_layer_whose_weights_are_made_from_others_costs_as_much_as_it_would_without():
    norms = nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm
    for norm in norms:
        model = nn.Sequential(norm(nn.Conv2d(3, 4, 3)), nn.Flatten(), norm(nn.Linear(352, 5))).eval()
        recording = record_shapes(model, PICTURE)
        conv, _, linear = costs_of(recording)
        assert (conv.kind, conv.macs, linear.kind, linear.macs) == ("conv", 27 * 352, "linear", 352 * 5)
        assert conv.params + linear.params == numbers_of(model)
        assert check(recording, conv) == NEEDED["conv"]
        check(recording, linear)


def test_a_single_number_is_explained():
    model = Net(lambda net, x: net.conv(x).mean() * net.scale, conv=nn.Conv2d(3, 4, 3))
    model.scale = nn.Parameter(torch.tensor(2.0))
    recording = record_shapes(model.eval(), PICTURE)
    _, mean, product = costs_of(recording)
    assert check(recording, mean) == {"activation_bytes"}
    assert check(recording, product) == {"activation_bytes", "params"}


def test_a_batch_norm_for_several_gpus_is_a_batch_norm():
    found = by_name(nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4)))["1"]
    assert (found.kind, found.params, found.norm_macs) == ("norm", 8, 4 * 11 * 8)


def test_sizes_are_no_layers():
    found = by_name(EXACT["shuffled channels"]())
    assert list(found) == ["conv1", "relu", "view", "transpose", "reshape", "conv2", "relu_1"]


def test_what_is_counted_on_request():
    """On 3 × 13 × 10 by hand."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(3), nn.LayerNorm(3)
    )
    conv, norm, pool, adaptive, layer_norm = by_name(model).values()
    macs, maps = 4 * 11 * 8 * 27, 4 * 11 * 8
    assert (conv.macs, conv.bias_adds, norm.norm_macs, pool.pool_operations) == (macs, maps, maps, 4 * 5 * 4 * 4)
    assert adaptive.pool_operations == 4 * (2 + 3 + 2) * (2 + 2 + 2)  # of 5 rows and 4 columns, windows share some
    assert layer_norm.norm_macs == 4 * 9 * 4

    assert [Counting().of(cost) for cost in (conv, norm, pool)] == [macs, None, None]
    assert Counting(flops=True, bias=True).of(conv) == 2 * macs + maps  # an addition alone is one operation
    assert Counting(norm=True).of(norm) == maps
    assert Counting(norm=True, flops=True).of(norm) == 2 * maps
    assert Counting(pooling=True).of(pool) == Counting(pooling=True, flops=True).of(pool) == 320
    assert Counting(norm=True, pooling=True).of(conv) == macs


def test_adaptive_windows_are_those_of_torch():
    for n_in, n_out in ((5, 3), (4, 3), (7, 7), (13, 6), (3, 5)):
        row = torch.arange(n_in, dtype=torch.float64).exp()
        means = torch.stack([row[first:last].mean() for first, last in adaptive_windows(n_in, n_out)])
        torch.testing.assert_close(F.adaptive_avg_pool1d(row[None], n_out)[0], means, rtol=1e-12, atol=0)


def test_memory_is_that_of_new_maps_and_views_copy_nothing():
    """In float32 on 3 × 13 × 10 by hand."""

    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = F.dropout(net.relu(net.conv(x)), training=net.training)  # 4 × 11 × 8
        one, two = x.chunk(2, 1)
        joined = torch.cat([two, one], 1).permute(0, 2, 3, 1)
        return joined.flatten(1) + x.flatten(1)  # the first cannot be flattened without a copy

    found = by_name(Net(way, conv=nn.Conv2d(3, 4, 3), relu=nn.ReLU(inplace=True)))
    whole = 4 * 11 * 8 * 4
    new = {"conv": whole, "relu": whole, "cat": whole, "flatten": whole, "add": whole}
    assert {name: cost.activation_bytes for name, cost in found.items() if cost.activation_bytes} == new
    assert {"dropout", "chunk", "getitem", "getitem_1", "permute", "flatten_1"} == found.keys() - new.keys()
    halves = by_name(Net(way, conv=nn.Conv2d(3, 4, 3), relu=nn.ReLU()).double())
    assert halves["conv"].activation_bytes == 2 * whole


# Formulas with their numbers put in ------------------------------------------------------------------------------


def arithmetic(formula: str) -> int:
    """What a formula of plain numbers comes to, exactly."""
    signs = {"·": "*", "−": "-", "⌊": "floor(", "⌈": "ceil(", "⌋": ")", "⌉": ")"}
    return worked_out(ast.parse("".join(signs.get(sign, sign) for sign in formula), mode="eval").body)


SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: Fraction}


def worked_out(tree: ast.expr) -> int | Fraction:
    match tree:
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(left, sign, right):
            return SIGNS[type(sign)](worked_out(left), worked_out(right))
        case ast.Call(ast.Name("floor"), [inside]):
            return floor(worked_out(inside))
        case ast.Call(ast.Name("ceil"), [inside]):
            return ceil(worked_out(inside))
    raise AssertionError(ast.dump(tree))


def test_arithmetic_is_worked_out():
    assert arithmetic("⌊(224 + 2·3 − 1·(7 − 1) − 1)/2⌋ + 1") == 112
    assert arithmetic("⌈7/2⌉ − 3·(64/4)") == 4 - 48


def check(recording: Recording, cost: LayerCost) -> set[str]:
    """The quantities that are explained, each by a formula that gives what was counted."""
    explanations = explained(recording, cost.name)
    shown = {
        "params": cost.params,
        "macs": cost.macs,
        "activation_bytes": cost.activation_bytes,
        "height": cost.output_shape[-2] if len(cost.output_shape) > 1 else None,
        "width": cost.output_shape[-1] if cost.output_shape else None,
    }
    for explanation in explanations:
        assert arithmetic(explanation.numbers) == explanation.value == shown[explanation.quantity], (cost, explanation)
        assert explanation.symbols.count("+") == explanation.numbers.count("+")
        assert explanation.symbols.count("(") == explanation.numbers.count("(")
    return {explanation.quantity for explanation in explanations}


NEEDED = {
    "conv": {"height", "width", "params", "macs", "activation_bytes"},
    "depthwise": {"height", "width", "params", "macs", "activation_bytes"},
    "linear": {"params", "macs", "activation_bytes"},
    "norm": {"params", "activation_bytes"},
    "pool": {"height", "width", "activation_bytes"},
}


A_DOZEN = """
    alexnet vgg11_bn googlenet inception_v3 resnet50 resnext50_32x4d densenet121 squeezenet1_0
    mobilenet_v2 mobilenet_v3_small efficientnet_b0 convnext_tiny regnet_x_400mf mnasnet0_5
"""


@pytest.mark.parametrize("name", A_DOZEN.split())
def test_every_number_of_a_layer_is_explained(name):
    recording = record_shapes(network(name), (1, 3, 299, 235))
    for cost in costs_of(recording):
        quantities = check(recording, cost)
        if cost.name.split(".")[-1] != "mean":
            assert quantities >= NEEDED.get(cost.kind, set()), cost
        assert ("params" in quantities) == (cost.params > 0)
        assert ("activation_bytes" in quantities) == (cost.activation_bytes > 0)


@pytest.mark.parametrize("name", HAND_MADE)
def test_every_explanation_of_a_network_by_hand_comes_to_what_was_counted(name):
    recording = record_shapes(HAND_MADE[name]().eval(), PICTURE)
    explanations = [check(recording, cost) for cost in costs_of(recording)]
    assert any({"params", "activation_bytes"} <= quantities for quantities in explanations)


def test_the_formulas_of_a_layer_in_symbols():
    recording = record_shapes(network("resnet18"), (1, 3, 224, 224))
    assert explained(recording, "layer1.0.conv1") == (
        Explanation(
            "height",
            "⌊(H_in + 2·p − d·(K_h − 1) − 1)/s⌋ + 1",
            "⌊(56 + 2·1 − 1·(3 − 1) − 1)/1⌋ + 1",
            56,
        ),
        Explanation(
            "width",
            "⌊(W_in + 2·p − d·(K_w − 1) − 1)/s⌋ + 1",
            "⌊(56 + 2·1 − 1·(3 − 1) − 1)/1⌋ + 1",
            56,
        ),
        Explanation("params", "K_h·K_w·(C_in/g)·C_out", "3·3·(64/1)·64", 36_864),
        Explanation("macs", "K_h·K_w·(C_in/g)·C_out·H·W", "3·3·(64/1)·64·56·56", 115_605_504),
        Explanation("activation_bytes", "|Y|·b", "64·56·56·4", 802_816),
    )
    assert explained(recording, "bn1")[0] == Explanation("params", "2·C", "2·64", 128)
    assert explained(recording, "fc")[0] == Explanation("params", "C_in·C_out + C_out", "512·1000 + 1000", 513_000)


def test_a_window_that_would_lie_in_the_padding_alone_is_taken_away():
    pool = nn.MaxPool2d(1, 3, ceil_mode=True)  # along 11 columns at 0, 3, 6 and 9; 12 lies outside
    recording = record_shapes(nn.Sequential(pool, nn.MaxPool2d(2, 3, padding=1, ceil_mode=True)).eval(), (1, 3, 13, 11))
    for cost in costs_of(recording):
        check(recording, cost)
    assert [e.numbers for e in explained(recording, "0") if e.quantity == "width"] == [
        "⌈(11 + 2·0 − 1·(1 − 1) − 1)/3⌉ + 1 − 1"
    ]
