import gc
import operator
import sys
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.feature_extraction import get_graph_node_names

from models.refusals import Refused
from tests.agreement.networks import EXACT, NORMALISED, PICTURE, UNUSUAL, Net, gated, picture, seeded
from vis.trace import TraceRefused, nothing, operation, record, record_above, record_differentiable, source, traced

ALL = {**EXACT, **NORMALISED, **UNUSUAL, "gates": gated}


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3)).eval()


def outputs(recording) -> list:
    return [recording.values[n] for n in recording.trace.graph.nodes if n.op != "output"]


# Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [models.alexnet, models.resnet18, models.squeezenet1_1, models.shufflenet_v2_x0_5])
def test_the_names_are_those_of_torchvisions_feature_extractor(build):
    model = build(weights=None).eval()
    trace = traced(model)
    names = [name for node, name in trace.names.items() if node.op != "output"]
    assert names == get_graph_node_names(model)[1]
    assert [trace.names[trace[name]] for name in names] == names


def test_a_reused_module_has_a_name_for_each_use():
    names = list(traced(seeded(EXACT["reused modules"])).names.values())
    assert [name for name in names if name.startswith("relu")] == ["relu", "relu_1", "relu_2"]


def test_an_unknown_layer_is_refused_with_close_names():
    with pytest.raises(TraceRefused, match=r"no layer “features\.99”.*features\.9") as refusal:
        traced(models.alexnet(weights=None).eval())["features.99"]
    assert isinstance(refusal.value, Refused)


# Values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_pass_that_is_kept_above_a_layer_is_the_same_there_and_changes_no_picture(name):
    """Below the layer, modules that work in place may do so."""
    model, image = seeded(ALL[name]), picture()
    whole = record_differentiable(model, image)
    *layers, last = [
        node for node in whole.trace.graph.nodes if node in whole.trace.from_picture and node.op != "output"
    ]
    for node in layers[1:]:
        if not isinstance(whole.values[node], torch.Tensor):
            continue
        known = record_above(model, image, whole.trace.names[node], lambda trace: last)
        torch.testing.assert_close(known.values[node], whole.values[node], rtol=0, atol=0)
        torch.testing.assert_close(known.values[last], whole.values[last], rtol=0, atol=0)
    assert torch.equal(image, picture())


class SumBesideAView(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 2, 1)

    def forward(self, x):
        y = self.conv(x)
        view = y.transpose(2, 3)
        total = y + x  # nothing reads y itself any more
        return self.last(total * view.transpose(2, 3))


def test_a_sum_below_what_is_kept_is_not_written_over_what_a_view_still_shows():
    model, image = seeded(SumBesideAView), picture()
    known = record_above(model, image, "last", lambda trace: trace["last"])
    torch.testing.assert_close(known.of("last"), model(image), rtol=0, atol=0)


@pytest.mark.parametrize("name", ALL)
def test_the_last_value_is_what_the_network_answers(name):
    model = seeded(ALL[name])
    answer = model(picture())
    for _ in range(2):  # the second time from the remembered trace
        torch.testing.assert_close(outputs(record(model, picture()))[-1], answer, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["in place", "pre-activated in place", "functions"])
def test_values_stay_as_they_were_before_a_change_in_place(name):
    model = seeded(EXACT[name])
    recording = record(model, picture())
    torch.testing.assert_close(recording.of("conv1"), model.conv1(picture()))
    assert (recording.of("conv1") < 0).any()


def a_part(net, x):
    y = net.conv(x)
    z = y[:, :2]
    z.mul_(0)
    return F.relu(y)


def another_shape(net, x):
    y = net.conv(x)
    y.view(1, -1).relu_()
    return y + 1


def a_view_of_a_view(net, x):
    y = net.conv(x)
    net.relu(y.transpose(1, 2)[:, 1:])
    return y


def a_chunk(net, x):
    y = net.conv(x)
    one, _ = y.chunk(2, 1)
    one.add_(1)
    return torch.cat([one, y], 1)


def under_a_view_from_before(net, x):
    y = net.conv(x)
    z = torch.flatten(y, 1)
    net.relu(y)
    return z


def what_dropout_gave_again(net, x):
    y = net.conv(x)
    z = net.dropout(y)
    return net.relu(z) + y


def in_place(way) -> nn.Module:
    return Net(way, conv=nn.Conv2d(3, 4, 3), relu=nn.ReLU(True), dropout=nn.Dropout(inplace=True)).double().eval()


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        (a_part, "“mul_” changes values in place that “conv” shares and “relu” reads"),
        (another_shape, "“relu_” changes .* that “conv” shares and “add” reads"),
        (a_view_of_a_view, "“relu” changes .* that “conv” shares and “output” reads"),
        (a_chunk, "“add_” changes .* that “conv” shares and “cat” reads"),
        (under_a_view_from_before, "“relu” changes .* that “flatten” shares and “output” reads"),
        (what_dropout_gave_again, "“relu” changes .* that “conv” shares and “add” reads"),
    ],
)
def test_a_change_in_place_that_is_seen_through_another_view_is_refused(way, sentence):
    with pytest.raises(TraceRefused, match=sentence):
        traced(in_place(way))


@pytest.mark.parametrize(
    "way",
    [
        lambda net, x: net.relu(net.conv(x).flatten(1)),
        lambda net, x: (lambda y: net.relu(y.flatten(1)).view(1, y.shape[1], -1))(net.conv(x)),
        lambda net, x: (lambda y: net.dropout(y.flatten(1)) + y.view(1, -1))(net.conv(x)),
        lambda net, x: (lambda y: net.relu(y[:, :2].clone()) + y[:, 2:])(net.conv(x)),
        lambda net, x: (lambda y: y.sum() + net.relu(y[:, :2]))(net.conv(x)),
    ],
)
def test_a_change_in_place_that_nobody_else_sees_is_followed(way):
    model = in_place(way)
    torch.testing.assert_close(outputs(record(model, picture()))[-1], model(picture()))


def test_a_switch_is_where_its_maximum_was():
    recording = record(seeded(EXACT["pools over the border"]), picture())
    assert len(recording.switches) == 2
    for node, switches in recording.switches.items():
        below = recording.values[node.all_input_nodes[0]]
        torch.testing.assert_close(below.flatten(2).gather(2, switches.flatten(2)), recording.values[node].flatten(2))


def test_recording_stops_at_the_highest_layer_asked_for():
    model = plain()
    recording = record(model, picture(), ["0", "1"])
    assert [recording.trace.names[node] for node in recording.values] == ["input", "0", "1"]
    with pytest.raises(TraceRefused, match="“3” was not recorded"):
        recording.of("3")


def test_of_what_nobody_reads_later_no_more_than_the_shape_is_kept():
    model, image = plain(), picture()
    everything, recording = record(model, image), record(model, image, ["2"], nothing)
    assert torch.equal(recording.of("2"), everything.of("2"))
    kept = {recording.trace.names[node]: value for node, value in recording.values.items()}
    assert {name for name, value in kept.items() if not value.is_meta} == {"input", "2"}
    assert [recording.shaped_as(name).shape for name in ("0", "1")] == [everything.of(n).shape for n in ("0", "1")]
    with pytest.raises(TraceRefused, match="The layer “1” was not recorded; name it when recording"):
        recording.of("1")

    def before_the_pool(recording, node):
        return [source(node)] if recording.trace.names[node] == "2" else []

    assert torch.equal(record(model, image, ["2"], before_the_pool).of("1"), everything.of("1"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
def test_the_picture_takes_the_precision_of_the_network(dtype):
    for model in (plain(), plain().double()):
        values = outputs(record(model, (picture() * 40).abs().to(dtype)))
        assert {value.dtype for value in values} == {next(model.parameters()).dtype}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_the_picture_goes_to_the_device_of_the_network():
    assert record(plain().cuda(), picture()).of("3").is_cuda


def test_a_second_input_with_a_default_is_left_at_it():
    class Scaled(nn.Module):
        def forward(self, x, factor=3):
            return x * factor

    assert torch.equal(outputs(record(Scaled().eval(), picture()))[-1], picture() * 3)


def test_what_has_a_default_is_not_asked_for_on_the_way():
    class Masked(nn.Module):
        def forward(self, x, mask=None, *, twice=True):
            x = x if mask is None else x * mask
            return x + x if twice else x

    recording = record(Masked().eval(), picture())
    assert [*recording.trace.names.values()] == ["x", "add"]
    assert torch.equal(outputs(recording)[-1], picture() * 2)


def test_a_layer_whose_weights_are_made_from_others_is_the_layer_that_it_was():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))).eval()
    (node,) = (node for node in traced(model).graph.nodes if node.op == "call_module")
    assert operation(node, model) is nn.Conv2d


def test_sizes_are_counted_on_without_changing_the_sizes_others_read():
    def way(net, x):
        height, width = x.shape[2], x.shape[3]
        half = height
        half += height % 2
        half //= 2
        return F.adaptive_avg_pool2d(x, (half, width)).reshape(1, 3 * half * width)[:, :height]

    model = Net(way).eval()
    assert torch.equal(outputs(record(model, picture()))[-1], model(picture()))


def test_a_network_may_be_deeper_than_python_calls():
    def way(net, x):
        for _ in range(sys.getrecursionlimit() + 100):
            x += 1
        return x

    assert outputs(record(Net(way).eval(), torch.zeros(PICTURE)))[-1].unique().item() == sys.getrecursionlimit() + 100


# What is left behind ---------------------------------------------------------------------------------------------


def with_a_constant() -> nn.Module:
    return Net(
        lambda net, x: net.conv(x - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)), conv=nn.Conv2d(3, 4, 3)
    ).eval()


def with_a_constant_and_an_if() -> nn.Module:
    return Net(lambda net, x: x if (x + torch.tensor([0.1])).sum() > 0 else -x, conv=nn.Conv2d(3, 4, 3)).eval()


def test_a_constant_made_on_the_way_is_not_left_on_the_network():
    model, image = with_a_constant(), picture(dtype=torch.float32)
    before = set(vars(model))
    recording = record(model, image)
    assert set(vars(model)) == before
    assert torch.equal(outputs(recording)[-1], model(image))


def test_a_refused_network_is_left_as_it_was():
    model = with_a_constant_and_an_if()
    before = set(vars(model))
    with pytest.raises(TraceRefused):
        traced(model)
    assert set(vars(model)) == before


def test_a_trace_is_made_once_and_dies_with_its_network():
    model = plain()
    trace = traced(model)
    assert traced(model) is trace
    record(model, picture())
    watched, trace = [weakref.ref(model), weakref.ref(trace)], None
    del model
    gc.collect()
    assert [reference() for reference in watched] == [None, None]


# Refusals --------------------------------------------------------------------------------------------------------


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


UNTRACEABLE = {  # each with the operation that is the last to be followed
    "a path that depends on the picture": (lambda net, x: x if x.mean() > 0 else -x, "gt"),
    "a loop over the picture": (lambda net, x: sum(row for row in x.relu()), "relu"),
    "a length": (lambda net, x: x * len(x), "x"),
    "a number taken out": (lambda net, x: x * float(x.max()), "max"),
    "a value assigned to a part": (lambda net, x: operator.setitem(x, 0, 1) or x, "x"),
    "a module that is not there": (lambda net, x: net.missing(x), "x"),
    "a key that is not there": (lambda net, x: {}["missing"], "x"),
    "a division by zero": (lambda net, x: x * (1 // 0), "x"),
}


@pytest.mark.parametrize("name", UNTRACEABLE)
def test_a_network_that_cannot_be_followed_is_refused_with_the_operation_up_to_which_it_can(name):
    way, last = UNTRACEABLE[name]
    with pytest.raises(TraceRefused, match=f"cannot trace this network beyond “{last}”: ."):
        traced(Net(way).eval())


def test_an_operation_that_cannot_be_followed_is_named_with_the_block_it_stands_in():
    inner = Net(UNTRACEABLE["a path that depends on the picture"][0])
    with pytest.raises(TraceRefused, match=r"beyond “1\.gt”: symbolically traced variables"):
        traced(nn.Sequential(nn.Conv2d(3, 4, 3), inner).eval())


@pytest.mark.parametrize(
    ("model", "image", "sentence"),
    [
        (plain().train(), picture(), "training mode.*model.eval"),
        (TwoInputs().eval(), picture(), "one input.*“y”"),
        (plain(), torch.zeros(2, 3, 13, 10), r"One picture of shape \(1, C, H, W\).*\(2, 3, 13, 10\)"),
        (plain(), torch.zeros(3, 13, 10), r"One picture.*\(3, 13, 10\)"),
        (plain(), torch.zeros(1, 3, 9, 2), "2×9 picture: “0” says"),
        (plain(), torch.zeros(1, 3, 4, 5), "5×4 picture: “3” says"),
        (plain(), torch.zeros(1, 1, 13, 10), "“0” says.*channels"),
        (Net(lambda net, x: x[0, 0, 99]).eval(), picture(), "“getitem” says index 99 is out of bounds"),
        (Net(lambda net, x: x.colour).eval(), picture(), "“getattr” says .* no attribute 'colour'"),
        (Net(lambda net, x: F.interpolate(x)).eval(), picture(), "“interpolate” says either size or scale_factor"),
        (nn.Sequential(nn.LazyConv2d(4, 3)).eval(), picture(), "no weights before they have seen a picture"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_a_sentence(model, image, sentence):
    with pytest.raises(TraceRefused, match=sentence):
        record(model, image)


def test_a_single_module_in_training_mode_is_noticed():
    model = nn.Sequential(plain(), nn.Dropout()).eval()
    model[1].train()
    with pytest.raises(TraceRefused, match="training mode"):
        record(model, picture())


def test_a_network_put_into_training_mode_after_its_trace_is_refused():
    model = plain()
    record(model, picture())
    model.train()
    with pytest.raises(TraceRefused, match="training mode"):
        record(model, picture())
