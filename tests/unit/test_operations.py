"""The one table of operations: whoever knows an operation finds it there, and what the table says is true."""

import pytest
import torch
from torch import fx, nn
from torch.nn import functional as F

from vis import activations, receptive, rules
from vis.operations import CONVOLUTIONS, KINDS, OPERATIONS, REACHES, named, plain

READERS = {
    "receptive fields": set(receptive.RULES),
    "the rules of the deconvnet": {plain(done) for done in rules.RULES},
    "activations": activations.ONE_POSITION | activations.ONE_WINDOW,
}
FUNCTIONS = {plain(name): getattr(home, name) for home in (torch, F) for name in dir(home) if name.strip("_") == name}


@pytest.mark.parametrize("known", READERS.values(), ids=READERS)
def test_every_operation_that_somebody_knows_stands_in_the_table(known):
    assert known
    assert not known - set(OPERATIONS)


def test_the_table_has_plain_names_and_known_words_alone():
    assert all(name == plain(name) for name in OPERATIONS)
    assert {known.kind for known in OPERATIONS.values()} == set(KINDS) - {"depthwise"}
    assert {known.reach for known in OPERATIONS.values()} == set(REACHES)


@pytest.mark.parametrize(
    ("done", "name"),
    [
        (nn.MaxPool2d, "maxpool2d"),
        (F.max_pool2d, "maxpool2d"),
        (torch.max_pool2d, "maxpool2d"),
        ("relu_", "relu"),
        ("__add__", "add"),
        ("torchvision.ops.stochastic_depth.stochastic_depth", "stochasticdepth"),
    ],
)
def test_an_operation_has_one_name_however_it_is_written(done, name):
    assert plain(done) == name


def of_one_argument(reach: str) -> dict[str, object]:
    """The functions of torch that make a tensor (3, 4) of another one and nothing else."""
    found, x = {}, torch.rand(3, 4, dtype=torch.float64)
    for name in sorted(named(*KINDS, reaches=(reach,)) & set(FUNCTIONS) - {"emptylike"}):  # whose values are chance
        try:
            made = FUNCTIONS[name](x)
        except (TypeError, RuntimeError):  # it wants more than one tensor
            continue
        if isinstance(made, torch.Tensor) and made.shape == x.shape and made.is_floating_point():
            found[name] = FUNCTIONS[name]
    return found


@pytest.mark.filterwarnings("ignore:dropout")
def test_what_acts_at_its_own_position_changes_where_its_input_changes_and_nowhere_else():
    functions = of_one_argument("position")
    assert len(functions) > 50
    image = torch.rand(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changed = image.clone()
    changed[1, 2] = 0.97
    for name, function in functions.items():
        torch.manual_seed(0)  # dropout
        before = function(image)
        torch.manual_seed(0)
        differs = (before - function(changed)).abs() > 1e-12
        differs[1, 2] = False
        assert not differs.any(), name


def test_every_module_of_torch_that_convolves_pools_activates_or_normalises_is_known():
    """But those of other inputs: without weights yet, of indices, of losses."""
    layers = {
        name
        for name, found in vars(nn).items()
        if isinstance(found, type) and issubclass(found, nn.Module) and not name.startswith("Lazy")
        if fx.Tracer().is_leaf_module(object.__new__(found), name)
        if any(f".{home}" in found.__module__ for home in ("conv", "pooling", "activation", "batchnorm", "padding"))
    }
    assert not {name for name in layers if plain(name) not in OPERATIONS}
    assert {plain(name) for name in layers if name.startswith("Conv")} == CONVOLUTIONS
