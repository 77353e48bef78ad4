"""Networks of a visitor's own: a name and its entry say the same, and any other name of a link is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models import ARCHITECTURES, load
from models.cifar_entries import PICTURES
from models.learners import LEARNERS
from models.refusals import Refused
from models.registry import MNIST
from models.training import Recipe
from pages.common.text import spoken, spoken_in
from tests.unit.test_design import ROWS
from vis.cost.design import Design, as_code
from vis.cost.layer import SETTINGS
from vis.cost.presets import PRESETS
from vis.cost.stack import MOST_ROWS, Row
from vis.cost.trainable import classifier
from vis.deconvnet import project, strongest_units
from vis.own import MOST_LAYERS, MOST_REACH, name_of, own

LENET = as_code(PRESETS["lenet5"].rows)
SHAPES = {"digits": (1, 32, 32), "cifar10": (3, 32, 32)}
SMALL = st.integers(1, 4)
LIKELY = st.sampled_from([*SETTINGS]).flatmap(  # rows that often make a stack
    lambda kind: st.builds(Row, st.just(kind), st.integers(1, 12), SMALL, st.integers(1, 2), st.integers(0, 2), SMALL)
)


def named(rows, data: str = "digits", batch_norm: bool = False) -> str:
    return name_of(Recipe("stack", as_code(rows), data, batch_norm))


def multiply_adds(net: nn.Module, image: torch.Tensor) -> int:
    """Counted while it runs: what each output number of a convolution or a linear layer is the sum of."""
    counted = []

    def count(layer: nn.Module, _given: object, made: torch.Tensor) -> None:
        counted.append(made.numel() * layer.weight[0].numel())

    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            part.register_forward_hook(count)
    net(image)
    return sum(counted)


# A name and its entry --------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(LIKELY | ROWS, max_size=6), st.sampled_from([*SHAPES]), st.booleans())
def test_a_stack_has_an_entry_where_it_can_be_trained_and_the_entry_says_what_it_is(rows, data, batch_norm):
    name, shape = named(rows, data, batch_norm), SHAPES[data]
    stack = Design(tuple(rows), shape, norm=batch_norm).stack()
    entry = ARCHITECTURES.get(name)
    try:
        net = classifier(stack, 10).eval()
    except Refused:
        assert entry is None
        return
    if any(max(*step.layer.reach, *step.layer.padding) > MOST_REACH for step in stack.steps):
        assert entry is None
        return
    assert entry.name == name
    built = entry.build()
    assert [(key, tuple(values.shape)) for key, values in built.state_dict().items()] == [
        (key, tuple(values.shape)) for key, values in net.state_dict().items()
    ]
    image = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    assert entry.parameters == sum(values.numel() for values in net.parameters())
    assert entry.macs == multiply_adds(net, image)
    assert (entry.input_shape, entry.preprocess) == (shape, {"digits": MNIST, "cifar10": PICTURES}[data])
    assert f"{len(rows)}-layer" in entry.title
    assert 1 <= len(entry.layers) <= MOST_LAYERS
    for operation in entry.layers.values():
        (unit,) = strongest_units(net, image, operation, k=1)
        assert project(net, image, [unit])[0].picture_shape == shape


def test_every_stack_that_its_page_begins_with_has_an_entry_or_is_refused_as_it_is_when_trained():
    for design in PRESETS.values():
        for data, shape in SHAPES.items():
            try:
                classifier(Design(design.rows, shape).stack(), 10)
            except Refused as refused:
                with pytest.raises(Refused, match=str(refused)[:20]):
                    own(named(design.rows, data))
            else:
                assert named(design.rows, data) == ARCHITECTURES[named(design.rows, data)].name


@pytest.mark.parametrize("net", ["plain", "residual"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_plain_and_the_residual_network_have_entries(net, batch_norm):
    entry = ARCHITECTURES[name_of(Recipe(net, batch_norm=batch_norm))]
    trained = LEARNERS[net].build(10, 1, batch_norm)
    model = entry.build()
    model.load_state_dict(trained.state_dict())
    image = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.eval()(image), trained.eval()(image))
    assert entry.parameters == sum(values.numel() for values in trained.parameters())
    assert entry.macs == multiply_adds(trained, image)
    for place, (operation, channels) in enumerate(zip(entry.layers.values(), (8, 8, 16, 32), strict=True)):
        side = (16, 16, 8, 4)[place]
        (unit,) = strongest_units(model, image, operation, k=1)
        assert 0 <= unit.channel < channels
        assert 0 <= unit.row < side
    assert f"{net.title()} 14-layer net" in entry.title


def test_layers_are_its_convolutions_up_to_their_relu_five_of_many_and_else_its_linear_ones():
    many = [Row("conv", 4, 3)] * 9
    assert [*ARCHITECTURES[named(many)].layers.items()] == [(str(i), str(4 * i - 3)) for i in range(1, 6)]
    few = [Row("conv", 4, 3), Row("max pool", None, 2, 2), Row("conv", 4, 3), Row("linear", 10)]
    assert [*ARCHITECTURES[named(few, batch_norm=True)].layers.values()] == ["2", "6"]
    assert [*ARCHITECTURES[named([Row("linear", 20), Row("relu"), Row("linear", 10)])].layers.values()] == ["2", "3"]
    assert [*ARCHITECTURES[named([])].layers.values()] == ["1"]


def test_a_title_is_said_in_the_language_of_the_page_and_is_english_as_text():
    title = ARCHITECTURES[named(PRESETS["lenet5"].rows, "cifar10", batch_norm=True)].title
    assert f"{title}" == str(title) == "Custom 7-layer stack + batch norm for CIFAR-10"
    with spoken_in("en"):
        assert spoken(title) == title
    with spoken_in("vi"):
        assert spoken(title) == "Chồng 7 tầng tự dựng + batch norm cho CIFAR-10"


def test_random_weights_are_the_same_for_everybody_and_no_others_ship():
    name = f"stack.digits_{LENET}"
    one, other = load(name, "random", "cpu"), load(name, "auto", "cpu")
    assert other.weights.kind == "random"
    assert all(torch.equal(values, other.model.state_dict()[key]) for key, values in one.model.state_dict().items())


# What is no name -------------------------------------------------------------------------------------------------


def test_lists_know_the_known_networks_alone():
    name = f"stack.digits_{LENET}"
    before = [*ARCHITECTURES]
    assert ARCHITECTURES[name].name == name
    assert name not in ARCHITECTURES
    assert [*ARCHITECTURES] == before
    assert len(ARCHITECTURES) == len(before) == len(ARCHITECTURES.values())
    assert not any(entry.is_own for entry in ARCHITECTURES.values())


WORDS = st.lists(
    st.sampled_from(["stack", "plain", "digits", "cifar10", "norm", "conv", "3", "", "_", ".", "\0", "/.."])
)


@settings(deadline=None)
@given(st.text() | WORDS.map(".".join) | WORDS.map("_".join) | st.text().map("stack.digits_".__add__))
def test_any_text_is_an_entry_of_that_very_name_or_refused_as_every_unknown_network(text):
    entry = ARCHITECTURES.get(text)
    if entry:
        assert entry.name == text
    else:
        with pytest.raises(Refused) as refused:
            load(text, "random")
        assert refused.value.template == "There is no network “{name}”; choose one of {names}."


@pytest.mark.parametrize(
    "name",
    [
        *("stack", "stack.", "stack.digits", "stack.digits_", "stack.svhn_conv.6.5", "stack_conv.6.5", "own.digits"),
        *("plain.digits_", "plain.digits.", "plain.digits.norm.norm", "plain.digits.Norm", "residual", "lenet5.digits"),
        "stack.digits_conv.6.5.1",  # which its page writes shorter
        "stack.digits_conv.06.5",
        "stack.digits_conv.6.99",  # larger than the picture
        f"stack.digits_{'conv.4.1_' * MOST_ROWS}conv.4.1",
        "stack.digits_conv.4096.5_conv.4096.5",  # larger than can be trained
        "stack.digits_linear.1000000",
        "stack.digits_" + "9" * 100_000,
        None,
    ],
    ids=lambda name: str(name)[:30],
)
def test_what_is_no_network_of_ones_own_is_not_found(name):
    assert ARCHITECTURES.get(name) is None
    with pytest.raises(KeyError):
        ARCHITECTURES[name]


def test_a_stack_whose_windows_look_far_beyond_the_picture_is_trained_but_not_opened():
    rows = [Row("conv", 2, 2, padding=MOST_REACH + 1, dilation=2 * MOST_REACH + 1)]
    classifier(Design(tuple(rows), (1, 32, 32)).stack(), 10)
    with pytest.raises(Refused, match="padding of 130 pixels; other pages show at most 64"):
        own(named(rows))
