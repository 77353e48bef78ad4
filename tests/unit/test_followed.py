"""That what is recorded is the network as it is now, doing what it does itself, and that it is left as it was found."""

import copy
import gc
import math
import operator
import threading
import types
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

from tests.agreement.networks import Net, picture, seeded
from vis.cost.count import layer_costs
from vis.shapes import record_shapes
from vis.trace import Recording, TraceRefused, agreement, record, stream, traced


def net(way, **modules: nn.Module) -> nn.Module:
    return seeded(lambda: Net(way, **{"conv": nn.Conv2d(3, 4, 3), **modules}))


def names(model: nn.Module) -> list[str]:
    return list(traced(model).names.values())


def answer(recording: Recording) -> Tensor:
    (output,) = (node for node in recording.trace.graph.nodes if node.op == "output")
    return recording.values[output.args[0]]


@torch.no_grad()
def own(model: nn.Module, image: Tensor | None = None) -> Tensor:
    """What the network itself answers, on a copy, for some change themselves in doing so."""
    return copy.deepcopy(model)(picture() if image is None else image.clone())


def assert_followed(model: nn.Module) -> Recording:
    recording = record(model, picture())
    torch.testing.assert_close(answer(recording), own(model), rtol=1e-12, atol=1e-12)
    return recording


# The network as it is now ----------------------------------------------------------------------------------------


def classifier() -> nn.Module:
    def way(net, x):
        return net.fc(torch.flatten(net.pool(net.conv(x)), 1)) * net.scale

    model = net(way, pool=nn.AdaptiveAvgPool2d(1), fc=nn.Linear(4, 2))
    model.scale, model.twice = 3, False
    return model


def another_head(model):
    model.fc = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2)).double().eval()


def another_pool(model):
    model.pool = nn.Sequential(nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1)).double().eval()


def one_more_within(model):
    model.pool = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1)).eval()
    record(model, picture())
    model.pool.add_module("after", nn.Tanh().eval())


def another_factor(model):
    model.scale = 7


def another_way(model):
    model.way = lambda net, x: net.fc(torch.flatten(net.conv(x).relu().mean((2, 3)), 1))


def another_class(model):
    class Doubled(Net):
        def forward(self, x):
            return 2 * super().forward(x)

    model.__class__ = Doubled


def changes_in_place_now(model):
    def way(net, x):
        y = net.conv(x)
        return net.relu(y).mean() + y

    model.relu, model.way = nn.ReLU().eval(), way
    record(model, picture())
    model.relu.inplace = True


def new_module_at_an_old_address(model):
    for _ in range(20):  # the allocator gives the same place again, sooner or later
        del model.fc
        gc.collect()
        model.fc = nn.Linear(4, 2).double().eval()


def new_weights_at_an_old_address(model):
    for channels in range(5, 25):  # see above; the maps are as many as the weights make them
        del model.conv.weight, model.conv.bias
        gc.collect()
        model.conv.weight = nn.Parameter(torch.randn(channels, 3, 3, 3, dtype=torch.float64))
        model.conv.bias = nn.Parameter(torch.randn(channels, dtype=torch.float64))
        model.fc = nn.Linear(channels, 2).double().eval()
        assert record_shapes(model, (1, 3, 16, 16)).of("conv").shape[1] == channels


def weights_of_another(model):
    model.way = lambda net, x: (
        F.conv2d(net.conv(x), net.conv.weight.transpose(0, 1)) + F.conv2d(x, net.two.weight).sum()
    )
    model.two = nn.Conv2d(3, 4, 3).double().eval()
    model.two.weight = model.conv.weight
    record(model, picture())
    model.two.weight = nn.Parameter(torch.randn(4, 3, 3, 3, dtype=torch.float64))


def other_values_of_a_buffer(model):
    model.register_buffer("mean", torch.ones(3, dtype=torch.float64))
    model.way = lambda net, x: net.conv(x - net.mean.view(1, 3, 1, 1))
    record(model, picture())
    model.mean.mul_(5)


def other_values_of_a_tensor(model):
    model.mean = torch.ones(3, dtype=torch.float64)
    model.way = lambda net, x: net.conv(x - net.mean.view(1, 3, 1, 1))
    record(model, picture())
    model.mean = model.mean * 5


def another_entry_of_a_list(model):
    model.taken = [0, 1]
    model.way = lambda net, x: net.conv(x)[:, net.taken]
    record(model, picture())
    model.taken.append(3)


def another_entry_of_a_config(model):
    model.config = types.SimpleNamespace(factor=2)
    model.way = lambda net, x: net.conv(x) * net.config.factor
    record(model, picture())
    model.config.factor = 4


CHANGES = [
    *(another_head, another_pool, one_more_within, another_factor, another_way, another_class, changes_in_place_now),
    *(
        new_module_at_an_old_address,
        new_weights_at_an_old_address,
        weights_of_another,
        other_values_of_a_buffer,
        other_values_of_a_tensor,
    ),
    *(another_entry_of_a_list, another_entry_of_a_config),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_network_that_was_changed_is_followed_anew(change):
    model = classifier()
    record(model, picture())
    change(model)
    assert_followed(model)


def test_counts_and_shapes_know_a_head_that_was_replaced():
    model = classifier()
    assert sum(cost.macs or 0 for cost in layer_costs(model, (1, 3, 13, 10))) == 4 * 27 * 11 * 8 + 4 * 2
    another_head(model)
    another_pool(model)
    expected = 4 * 27 * 11 * 8 + 4 * 36 * 9 * 6 + 4 * 5 + 5 * 2
    assert sum(cost.macs or 0 for cost in layer_costs(model, (1, 3, 13, 10))) == expected
    assert record_shapes(model, (1, 3, 13, 10)).of("fc.0").shape == (1, 5)


def other_weights(model):
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})


def weights_put_in_their_place(model):
    with torch.no_grad():
        model.conv.weight.mul_(2)


@pytest.mark.parametrize("change", [other_weights, weights_put_in_their_place])
def test_weights_are_read_anew_without_another_trace(change):
    model = classifier()
    trace = traced(model)
    change(model)
    assert traced(model) is trace
    assert_followed(model)


def test_old_traces_are_let_go_and_keep_no_network():
    model = classifier()
    old = weakref.ref(traced(model))
    another_head(model)
    new = weakref.ref(traced(model))
    gc.collect()
    assert (old() is None, new() is None) == (True, False)
    head, network = weakref.ref(model.fc), weakref.ref(model)
    del model
    gc.collect()
    assert (head(), network(), new()) == (None, None, None)


# Other names for the same values ---------------------------------------------------------------------------------


def by_a_second_name(net, x):
    y = net.conv(x)
    s = y
    y += 1
    return y + s


def multiplied_under_a_second_name(net, x):
    y = net.conv(x)
    s = y
    y *= net.conv.bias.view(1, 4, 1, 1)
    y -= 2
    return s * s + y


def through_data(net, x):
    y = net.conv(x)
    y.data += 1
    return y * 2


def data_replaced(net, x):
    y = net.conv(x)
    y.data = y.data * 2
    return y * y


def through_detach(net, x):
    y = net.conv(x)
    z = y.detach()
    z.mul_(3)
    return y + z


def the_picture_itself(net, x):
    y = x
    x.mul_(2)
    return net.conv(x) + net.conv(y)


def a_bias_that_is_changed(net, x):
    net.conv.bias.data.zero_()
    return F.conv2d(x, net.conv.weight, net.conv.bias)


SEEN = [
    *(by_a_second_name, multiplied_under_a_second_name, through_data, data_replaced, through_detach),
    *(the_picture_itself, a_bias_that_is_changed),
]


@pytest.mark.parametrize("way", SEEN)
def test_a_change_is_seen_under_every_name_of_the_values(way):
    model = net(way)
    before = copy.deepcopy(model.state_dict())
    assert_followed(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def through_a_slice_of_data(net, x):
    y = net.conv(x)
    z = y.data[:, 0]
    z += 1
    return y * 2


def through_a_transpose(net, x):
    y = net.conv(x)
    y.mT.mul_(2)
    return y * 2


def through_a_cast_that_casts_nothing(net, x):
    y = net.conv(x)
    z = y.double()
    z += 1
    return y * 2


@pytest.mark.parametrize("way", [through_a_slice_of_data, through_a_transpose, through_a_cast_that_casts_nothing])
def test_a_change_through_a_view_is_refused(way):
    with pytest.raises(TraceRefused, match=r"changes values in place that “conv” shares and “mul\w*” reads afterwards"):
        record(net(way), picture())


IN_PLACE = {
    **{f.__name__: f for f in (F.leaky_relu_, F.elu_, F.hardtanh_, F.celu_, F.selu_, torch.sigmoid_, torch.relu_)},
    "rrelu_": F.rrelu_,
    "threshold_": lambda y: F.threshold_(y, 0.1, 0.0),
    "torch.clamp_": lambda y: torch.clamp_(y, min=0),
    "clamp_": lambda y: y.clamp_(0, 1),
    "zero_": lambda y: y.zero_().add_(1),
    "fill_": lambda y: y.fill_(2),
    "copy_": lambda y: y.copy_(y * 2),
    "out=": lambda y: torch.abs(y, out=y),
    "out= of something else": lambda y: torch.add(y * 2, 1, out=y),
    "inplace=": lambda y: F.leaky_relu(y, 0.1, inplace=True),
    "inplace by position": lambda y: F.relu6(y, True),
    "masked_fill_": lambda y: y.masked_fill_(y < 0, 0.0),
    "**=": lambda y: operator.ipow(y, 2),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_is_done_in_place_leaves_the_recorded_layer_below_as_it_was(name):
    def way(net, x):
        y = net.conv(x)
        IN_PLACE[name](y)
        return y * 1.5

    with torch.no_grad():
        model = net(way)
        recording = assert_followed(model)
        assert torch.equal(recording.of("conv"), model.conv(picture()))
        assert not torch.equal(recording.of("conv") * 1.5, answer(recording))


def test_results_that_go_into_another_map_are_read_from_there():
    def way(net, x):
        y = net.conv(x)
        z = torch.empty_like(y)
        torch.mul(y, 2, out=z)
        return z + y

    with torch.no_grad():
        model = net(way)
        recording = record(model, picture())
        torch.testing.assert_close(answer(recording), 3 * model.conv(picture()))


class Masked(nn.Conv2d):
    """As in PixelCNN: no filter reads the last column of its window, or the third map."""

    def __init__(self, *sizes: int):
        super().__init__(*sizes)
        self.register_buffer("mask", torch.ones_like(self.weight))
        self.mask[..., -1] = 0
        self.mask[:, 2] = 0

    def forward(self, x):
        self.weight.data *= self.mask
        return super().forward(x)


class MaskedAnew(Masked):
    def forward(self, x):
        self.weight.data = self.weight.data * self.mask
        return nn.Conv2d.forward(self, x)


class MaskedOnTheWay(Masked):
    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


@pytest.mark.parametrize("kind", [Masked, MaskedAnew, MaskedOnTheWay])
def test_masked_weights_are_masked_in_the_recording_and_not_on_the_network(kind):
    model = seeded(lambda: nn.Sequential(kind(3, 4, 3), nn.ReLU()))
    before = model[0].weight.clone()
    recording = assert_followed(model)
    masked = F.conv2d(picture(), before * model[0].mask, model[0].bias)
    torch.testing.assert_close(recording.of("0.conv2d"), masked, rtol=1e-12, atol=1e-12)
    assert torch.equal(model[0].weight, before)


def test_pruned_weights_are_those_that_are_left():
    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    prune.l1_unstructured(model[0], "weight", 0.5)
    assert_followed(model)


# What only the answer shows --------------------------------------------------------------------------------------


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        self.passes += 1
        return self.conv(x) * self.passes


class AsTensor(nn.Module):
    """Takes another way for tensors than for what stands for them."""

    def forward(self, x):
        return x * 2 if isinstance(x, Tensor) else x


class ThroughNumpy(nn.Module):
    """Whose result depends on which pass it is."""

    passes = 0

    def forward(self, x):
        type(self).passes += 1
        return x * self.passes


def with_another_forward() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model.forward = lambda x: 2 * model[0](x)
    return model


def with_a_hook_that_changes() -> nn.Module:
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)))
    model[0].register_forward_hook(lambda module, given, result: 2 * result)
    return model


def noisy() -> nn.Module:
    return Net(lambda net, x: x * torch.rand(1, 3, 1, 1))


OTHERS = [Counting, AsTensor, ThroughNumpy, with_another_forward, with_a_hook_that_changes, noisy]


@pytest.mark.parametrize("build", OTHERS)
def test_a_recording_that_is_not_the_networks_own_pass_is_refused_each_time_with_the_difference(build):
    model = build().double().eval()
    before = copy.deepcopy(model.state_dict())
    for _ in range(2):
        with pytest.raises(
            TraceRefused, match=r"differs from the network itself by \d\.\de[+-]\d\d of the largest value"
        ):
            record(model, picture())
    with pytest.raises(TraceRefused, match="differs from the network itself by"):
        list(stream(model, picture(), names(model)[:1]))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_another_number_of_results_is_refused():
    class Pair(nn.Module):
        def forward(self, x):
            return (x, x) if isinstance(x, Tensor) else x

    with pytest.raises(TraceRefused, match=r"differs from the network itself by .*\(1, 3, 13, 10\)"):
        record(Pair().eval(), picture())


def test_a_picture_of_one_colour_does_not_hide_a_difference():
    with pytest.raises(TraceRefused, match="differs from the network itself by"):
        record(AsTensor().eval(), torch.zeros(1, 3, 13, 10))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_rounding_is_no_difference(dtype):
    model = net(lambda net, x: (net.conv(x) / 3).softmax(1).log()).to(dtype)
    record(model, picture())


def test_answers_that_are_not_finite_in_both_are_no_difference():
    record(net(lambda net, x: net.conv(x).log() / 0), picture())


def test_the_answers_are_compared_once_for_all_threads(monkeypatch):
    asked, compare = [], agreement._compare
    monkeypatch.setattr(agreement, "_compare", lambda *given: asked.append(1) or compare(*given))
    model, start = net(lambda net, x: net.conv(x).relu()), threading.Barrier(8)

    def work(seed: int) -> Tensor:
        start.wait()
        return answer(record(model, picture(seed=seed)))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert len(asked) == 1
    for seed, value in enumerate(found):
        torch.testing.assert_close(value, own(model, picture(seed=seed)))


def test_code_of_torch_alone_is_not_compared():
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    assert not agreement.is_foreign(plain)
    plain[0].register_forward_hook(lambda module, given, result: 2 * result)
    assert agreement.is_foreign(plain)
    assert agreement.is_foreign(nn.Sequential(plain[1], AsTensor()))
    assert agreement.is_foreign(with_another_forward())


def test_code_that_is_put_into_a_layer_of_torch_later_is_compared():
    calls = []
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).double().eval()
    record(plain, picture())
    own_forward = plain[1].forward
    plain[1].forward = lambda x: calls.append(1) or own_forward(x) * len(calls)
    with pytest.raises(TraceRefused, match="differs from the network itself"):
        record(plain, picture())


# The network as it was found -------------------------------------------------------------------------------------


class Plain:
    def __init__(self):
        self.kept: list[Tensor] = []


class Keeping(nn.Module):
    """Which keeps what it sees in every place that there is."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("seen", torch.zeros(()))
        self.passes, self.last, self.all, self.by_name, self.queue = 0, None, [], {"of": []}, deque(maxlen=3)
        self.plain, self.mean, self.inner = Plain(), torch.zeros(4), nn.Sequential(nn.ReLU())

    def forward(self, x):
        x = self.conv(x)
        self.passes += 1
        self.seen += 1
        self.mean += 1
        self.last = self.inner.last = x
        self.all.append(x)
        self.by_name["of"].append(x)
        self.by_name["x"] = x
        self.queue.append(x)
        self.plain.kept.append(x)
        self.new = x
        return self.inner(x)


def test_what_a_network_keeps_stays_as_it_was():
    model = seeded(Keeping)
    attributes = {module: dict(vars(module)) for module in model.modules()}
    assert_followed(model)
    record_shapes(model, (1, 3, 13, 10))
    assert all(vars(module) == then for module, then in attributes.items())
    assert (model.passes, model.last, model.all, model.by_name, [*model.queue]) == (0, None, [], {"of": []}, [])
    assert (model.plain.kept, model.seen.item(), model.mean.sum().item()) == ([], 0, 0)


def test_a_network_that_keeps_its_last_maps_is_followed_after_passes_of_its_own():
    model = seeded(Keeping)
    for _ in range(2):
        with torch.no_grad():
            model(picture())
        assert_followed(model)
    assert (model.passes, len(model.all)) == (2, 2)


def test_hooks_of_others_see_no_tracers():
    model, seen = seeded(lambda: nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.ReLU())), []
    model[0].register_forward_hook(lambda module, given, result: seen.append(result))
    model[0].register_forward_pre_hook(lambda module, given: seen.extend(given))
    traced(model)
    assert not seen
    assert_followed(model)
    assert all(type(value) is Tensor for value in seen)


def test_a_module_that_code_knows_by_another_way_is_found():
    class Indirect(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
            self.way = lambda x: self.relu(self.conv(x))
            self.activate = self.relu.forward

        def forward(self, x):
            return self.activate(self.way(x) - 1)

    recording = assert_followed(seeded(Indirect))
    assert {"conv", "relu"} <= set(recording.trace.names.values())


# Chance ----------------------------------------------------------------------------------------------------------

RANDOM = {
    "dropout": lambda x: F.dropout(x, 0.5),
    "dropout2d": lambda x: F.dropout2d(x),
    "alpha_dropout": lambda x: F.alpha_dropout(x, 0.5, True),
    "torch.dropout": lambda x: torch.dropout(x, 0.5, True),
    "by name": lambda x: F.dropout(input=x, training=True, p=0.1),
    "rrelu": lambda x: F.rrelu(x, training=True),
    "noise": lambda x: x + torch.randn_like(x),
    "bernoulli": lambda x: x.sigmoid().bernoulli(),
}


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_random_in_evaluation_mode_is_refused(name):
    with pytest.raises(TraceRefused, match=r"“\w+” draws random numbers in evaluation mode; call \w+ "):
        record(net(lambda net, x: net.conv(RANDOM[name](x))), picture())


@pytest.mark.parametrize(
    "way",
    [
        lambda net, x: net.conv(F.dropout(x, 0.5, training=net.training)),
        lambda net, x: net.conv(F.dropout(x, 0.5, False)),
        lambda net, x: net.conv(F.dropout(x, 0.0)),
        lambda net, x: net.conv(F.alpha_dropout(x, 0.5)),
        lambda net, x: net.conv(F.rrelu(x)),
    ],
)
def test_what_is_switched_off_is_not_random(way):
    assert_followed(net(way))


# Wrappers and networks without weights ---------------------------------------------------------------------------


def inner() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: nn.DataParallel(inner()), r"wrapped in DataParallel; unwrap it: model\.module\."),
        (lambda: nn.Sequential(nn.DataParallel(inner())), r"unwrap it: model\.0\.module\."),
        (lambda: torch.compile(inner()), r"wrapped in OptimizedModule; unwrap it: model\._orig_mod\."),
        (lambda: torch.optim.swa_utils.AveragedModel(inner()), r"wrapped in AveragedModel; unwrap it: model\.module\."),
        (lambda: torch.jit.trace(inner(), torch.zeros(1, 3, 9, 9)), "TorchScript; take the network"),
        (lambda: inner().to("meta"), "has no weights, only shapes .*load weights"),
    ],
)
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_what_has_to_be_unwrapped_or_loaded_first_is_refused_with_the_way_out(model, sentence):
    with pytest.raises(TraceRefused, match=sentence):
        record(model().eval(), picture(dtype=torch.float32))


def test_a_network_that_is_compiled_in_place_is_followed_as_it_was_written():
    model = net(lambda net, x: net.inner(net.conv(x)), inner=Net(lambda net, x: x.relu() * math.pi))
    plain = answer(record(model, picture()))
    model.inner.compile()
    assert torch.equal(answer(record(model, picture())), plain)
