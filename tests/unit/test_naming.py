"""Checkpoints as they lie about: whatever is wrapped around a network's tensors, they are loaded bit by bit."""

import argparse
import datetime
import enum
import pathlib
import pickle
from collections import OrderedDict, defaultdict
from itertools import count

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models import ARCHITECTURES, load
from models.lenet import LeNet5
from models.loading import skeleton
from models.naming import SeveralStates, candidates, named, outline_of, unwrapped
from models.own_file import TWINS, Given, whose
from models.pickled import unpickled
from models.recognition import ELSEWHERE, SIGNS, recognised
from models.skeletons import bare
from models.spellings import SPELLINGS
from models.statefile import WeightsRefused
from models.weights import Misfit, Weights, fit

torch.manual_seed(11)
NETWORK = LeNet5(batch_norm=True).eval()
with torch.no_grad():
    for values in NETWORK.state_dict().values():
        values.add_(1 if values.dtype == torch.int64 else torch.rand(values.shape))
STATE = NETWORK.state_dict()
OUTLINE = outline_of(NETWORK)
AVERAGE = {key: values / 2 if values.is_floating_point() else values + 1 for key, values in STATE.items()}


def under(prefix: str, state: dict[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {prefix + key: values for key, values in state.items()}


def opened(tmp_path, content: object, state: str | None = None):
    """What a file of torch.save with this content gives a network that is built like NETWORK, and the network."""
    torch.save(content, tmp_path / "mine.pt")
    found = named(OUTLINE, unpickled(tmp_path / "mine.pt", "mine.pt"), "mine.pt", state)
    return found, fit(LeNet5(batch_norm=True), found.state)


def check(model: nn.Module, state: dict[str, Tensor] = STATE) -> None:
    found = model.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) and found[key].dtype == state[key].dtype for key in state)


def remarks(found) -> str:
    return " ".join(map(str, found.remarks))


class Mode(enum.Enum):
    FINE = 1


class Settings:
    """A trainer's own class, of which nothing here may run."""

    def __init__(self):
        self.rate, self.path = 0.1, pathlib.PurePosixPath("runs/3")

    def __setstate__(self, state):
        raise AssertionError("code of a file ran")


class Attributes(dict):
    """As EasyDict and its kin."""

    __getattr__ = dict.__getitem__


class EasyDict(Attributes):
    pass


ADAM = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.rand(6, 1, 5, 5)}}, "param_groups": [{"lr": 0.1}]}
EPOCH = {"epoch": 7, "loss": 0.25, "arch": "lenet", "best": None, "optimizer": ADAM}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        *({key: STATE, **EPOCH} for key in ("state_dict", "model", "model_state_dict", "net", "params", "weights")),
        *(
            {key: STATE}
            for key in ("ema", "model_ema", "state_dict_ema", "ema_state_dict", "swa", "network", "params_ema")
        ),
        {"net": STATE, "acc": 91.2, "epoch": 199},
        {"checkpoint": {"payload": {"model": {"state_dict": STATE}}}},
        *(
            under(prefix)
            for prefix in (
                *("module.", "model.", "_orig_mod.", "backbone.", "encoder.", "net.", "network.", "student."),
                *("module.model.", "model.module.", "_orig_mod.module.", "module._orig_mod.", "module.module."),
                *("model.backbone.", "backbone.model.", "module.encoder_q.", "encoder.backbone.body.", "0."),
                *("_fsdp_wrapped_module.", "model._fsdp_wrapped_module._checkpoint_wrapped_module.", "a.b.c.d.e.f."),
            )
        ),
        {key.replace("features.", "features.module."): values for key, values in STATE.items()},
        {key.replace("bn", "_checkpoint_wrapped_module.bn"): values for key, values in under("model.").items()},
        {"state_dict": under("model."), "hyper_parameters": {"lr": 0.1}, "pytorch-lightning_version": "2.1", **EPOCH},
        {"state_dict": under("net."), "callbacks": {"EarlyStopping": {"best_score": torch.tensor(torch.inf)}}},
        {"state_dict": under("backbone._orig_mod."), "loops": {}, "optimizer_states": [ADAM], "lr_schedulers": [{}]},
        {"state_dict": {**under("model."), "criterion.weight": torch.ones(10)}},
        {"n_averaged": torch.tensor(5), **under("module.")},
        {"model": {"n_averaged": torch.tensor(5), **under("module.")}},
        {**STATE, **{f"{key.rpartition('.')[0]}.total_ops": torch.zeros(1).double() for key in STATE}},
        {**under("module."), "module.total_ops": torch.zeros(1), "module.total_params": torch.zeros(1)},
        {**under("model."), "mean": torch.rand(1, 3, 1, 1), "std": torch.rand(1, 3, 1, 1)},
        {**STATE, "normalize.mean": torch.rand(3), "normalize.std": torch.rand(3), "pixel_mean": torch.rand(3, 1, 1)},
        {"decay": torch.tensor(0.99), "num_updates": torch.tensor(9), **STATE},
        {"model": STATE, "acc": np.float64(91.2), "history": np.arange(3.0), "best": np.int64(3)},
        {"model": STATE, "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("a"))},
        {"model": STATE, "mode": Mode.FINE, "when": datetime.datetime(2024, 1, 1), "settings": Settings()},
        {"cfg": EasyDict(lr=0.1), "net": EasyDict(STATE)},
        defaultdict(dict, {"model": STATE}),
        {"model": {key: nn.Parameter(values, requires_grad=False) for key, values in STATE.items()}},
        {key: values for key, values in STATE.items() if "num_batches" not in key},
    ],
    ids=count(),
)
def test_what_is_wrapped_is_loaded_bit_by_bit(tmp_path, content):
    found, model = opened(tmp_path, content)
    without_counters = [key for key in STATE if "num_batches" in key and key not in found.state]
    check(model, STATE | {key: torch.tensor(0) for key in without_counters})
    assert not found.headless
    assert found.place is None


def test_the_wrappings_do_not_depend_on_how_the_file_was_saved(tmp_path):
    for prefix in ("module.", "model._orig_mod."):
        save_file({**under(prefix), "criterion.weight": torch.ones(2)}, tmp_path / "mine.safetensors")
        loaded = load("lenet5_bn", tmp_path / "mine.safetensors", "cpu")
        check(loaded.model)
        assert "criterion.weight" in " ".join(map(str, loaded.weights.remarks))
    torch.save(
        {"net": under("module."), "acc": np.float64(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False
    )
    loaded = load("lenet5_bn", tmp_path / "old.pt", "cpu", file_name="{mine}.pt")
    check(loaded.model)
    assert loaded.weights.remarks == ()


@pytest.mark.parametrize("classes", [1, 3, 10, 23])
def test_wrapped_weights_may_have_other_classes(tmp_path, classes):
    mine = LeNet5(classes, batch_norm=True)
    _, model = opened(tmp_path, {"ema": under("module.", mine.state_dict())})
    check(model, mine.state_dict())


# What was left out is said ---------------------------------------------------------------------------------------


def test_what_is_not_used_is_said(tmp_path):
    found, _ = opened(tmp_path, {"model": under("net."), "criterion": {"weight": torch.ones(10)}})
    assert remarks(found) == "Not used from mine.pt: criterion.weight."
    found, _ = opened(tmp_path, {**STATE, "features.total_ops": torch.zeros(1)})
    assert remarks(found) == "Not used from mine.pt: features.total_ops."
    found, _ = opened(tmp_path, {"state_dict": STATE, **EPOCH})
    assert remarks(found) == ""


def test_a_normalisation_of_its_own_is_said(tmp_path):
    found, _ = opened(tmp_path, {**under("model."), "mean": torch.rand(3), "std": torch.rand(3)})
    assert "brings its own normalisation of pictures (mean, std)" in remarks(found)
    assert "Not used" not in remarks(found)


# Several in one file ---------------------------------------------------------------------------------------------

TWICE = {
    ("state_dict", "state_dict_ema"): {"state_dict": STATE, "state_dict_ema": AVERAGE},
    ("model", "model_ema"): {"model_ema": under("module.", AVERAGE), "model": under("module."), "epoch": 3},
    ("net", "ema"): {"ema": AVERAGE, "net": STATE},
    ("params", "params_ema"): {"params_ema": AVERAGE, "params": STATE},
    ("state_dict.model", "state_dict.ema_model"): {"state_dict": {**under("ema_model.", AVERAGE), **under("model.")}},
    (".", "ema"): {**STATE, **under("ema.", AVERAGE)},
    ("encoder_q", "encoder_k"): {**under("module.encoder_q."), **under("module.encoder_k.", AVERAGE)},
    ("best, so far", "best, so far_ema"): {"best, so far_ema": AVERAGE, "best, so far": STATE},
    (", ", "ema, "): {"ema, ": AVERAGE, ", ": STATE},
}


@pytest.mark.parametrize(("places", "content"), TWICE.items(), ids=count())
def test_a_plain_and_an_averaged_state_are_asked_for(tmp_path, places, content):
    with pytest.raises(SeveralStates) as refused:
        opened(tmp_path, content)
    assert set(refused.value.places) == set(places)
    if any(word in places[1] for word in ("ema", "avg")):
        assert refused.value.places == places  # the plain one first
    assert str(refused.value.alone()) == str(refused.value)
    for place, expected in zip(places, (STATE, AVERAGE), strict=True):
        found, model = opened(tmp_path, content, place)
        check(model, expected)
        assert found.place == place
        other = places[1 - places.index(place)]
        assert f"These are the weights at “{place}”; mine.pt also holds {other}." in remarks(found)
        assert "Not used" not in remarks(found)


def test_places_are_kept_as_they_are_and_said_as_they_can_be_shown(tmp_path):
    strange = ("net\0", "net\u202e_ema")
    with pytest.raises(SeveralStates) as refused:
        opened(tmp_path, dict(zip(strange, (STATE, AVERAGE), strict=True)))
    assert refused.value.places == strange
    assert "such as plain and averaged: net�, net�_ema; choose one" in str(refused.value)
    came = pickle.loads(pickle.dumps(refused.value))
    assert (came.places, str(came)) == (strange, str(refused.value))
    check(opened(tmp_path, dict(zip(strange, (STATE, AVERAGE), strict=True)), "net\0")[1])


def test_a_place_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(WeightsRefused, match="at “swa”; it holds them at state_dict, state_dict_ema"):
        opened(tmp_path, {"state_dict": STATE, "state_dict_ema": AVERAGE}, "swa")
    with pytest.raises(WeightsRefused, match=r"at “swa”; it holds them at \."):
        opened(tmp_path, STATE, "swa")


def test_the_chosen_state_is_part_of_the_identity_of_weights(tmp_path):
    save_file({**under("model."), **under("ema.", AVERAGE)}, tmp_path / "mine.safetensors")
    with pytest.raises(SeveralStates, match="plain and averaged: model, ema; choose one"):
        load("lenet5_bn", tmp_path / "mine.safetensors", "cpu")
    plain, averaged = (load("lenet5_bn", tmp_path / "mine.safetensors", "cpu", state=s) for s in ("model", "ema"))
    check(plain.model)
    check(averaged.model, AVERAGE)
    assert plain.weights.sha256 == averaged.weights.sha256
    assert plain.weights.identity != averaged.weights.identity


def test_of_several_networks_in_a_file_only_the_one_that_fits_is_taken(tmp_path):
    """A teacher of another architecture is none of the states to choose between."""
    teacher = LeNet5(batch_norm=False).state_dict()
    found, model = opened(tmp_path, {**under("student."), **under("teacher.", teacher)})
    check(model)
    assert "Not used from mine.pt: teacher.features.c1.weight" in remarks(found)


# Without a classifier --------------------------------------------------------------------------------------------


def headless(state: dict[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {key: values for key, values in state.items() if not key.startswith("classifier")}


@pytest.mark.parametrize(
    "content",
    [
        headless(),
        under("backbone.", headless()),
        {**under("state_dict.module.encoder.", headless()), "state_dict.module.queue": torch.ones(3)},
        {**under("backbone.", headless()), "head.0.weight": torch.ones(3, 3)},
        {**headless(), "classifier.projector.weight": torch.ones(7, 7)},
        {key: values for key, values in STATE.items() if key not in OUTLINE.last},
    ],
    ids=["plain", "prefix", "contrastive", "another head", "another classifier", "last layer alone"],
)
def test_a_backbone_is_loaded_and_its_classifier_is_random_which_is_said(tmp_path, content):
    save_file(content, tmp_path / "mine.pt")
    loaded = load("lenet5_bn", tmp_path / "mine.pt", "cpu")
    drawn = load("lenet5_bn", "random", "cpu").model.state_dict()
    given = {key for key in STATE if any(name.endswith(key) for name in content)}
    assert given < STATE.keys()
    check(loaded.model, {key: STATE[key] if key in given else drawn[key] for key in STATE})
    assert loaded.weights.headless
    assert str(loaded.weights.remarks[0]).startswith("mine.pt has no classifier for this network (classifier.")


# What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({**STATE, "features.conv9.weight": torch.ones(1)}, "1 unexpected (features.conv9.weight)"),
        ({"model": {**under("net."), "net.extra.bias": torch.ones(1)}}, "1 unexpected (extra.bias)"),
        (
            {key: values for key, values in STATE.items() if key != "features.c1.weight"},
            "1 missing (features.c1.weight)",
        ),
        ({**under("a."), "a.features.c1.weight": torch.ones(6, 1, 3, 3)}, "features.c1.weight 6×1×3×3 ≠ 6×1×5×5"),
        (under("x", STATE), "unexpected (xfeatures"),  # a prefix ends with a dot
        ({f"{key}.module": values for key, values in STATE.items()}, None),
    ],
)
def test_what_is_almost_the_network_is_refused_with_what_differs(tmp_path, content, said):
    if said is None:  # torch's wrappers are left out wherever they are
        return check(opened(tmp_path, content)[1])
    with pytest.raises(Misfit) as refused:
        opened(tmp_path, content)
    assert said in str(refused.value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_values_that_are_not_finite_are_refused_but_not_in_what_is_not_used(tmp_path, bad, dtype):
    state = {key: values.to(dtype, copy=True) for key, values in under("net.").items()}
    save_file({**state, "best.score": torch.tensor(bad)}, tmp_path / "a.safetensors")
    load("lenet5_bn", tmp_path / "a.safetensors", "cpu")
    state["net.features.c3.weight"][3, 2, 1, 0] = bad
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(WeightsRefused, match=r"^a\.safetensors contains non-finite values, in features.c3.weight:"):
        load("lenet5_bn", tmp_path / "a.safetensors", "cpu")


def test_a_name_with_a_million_dots_is_no_trouble():
    tensors = {"a" + "." * 2_000_000 + "features.c1.weight": torch.ones(1), **STATE}
    with pytest.raises(Misfit, match="1 unexpected"):
        fit(LeNet5(batch_norm=True), named(OUTLINE, tensors, "mine.pt").state)


def test_twenty_thousand_places_are_no_trouble():
    tensors = {f"a{i}.classifier.f6.weight": torch.ones(1) for i in range(19_000)} | under("net.")
    assert len(candidates(OUTLINE, tensors)) < 100
    check(fit(LeNet5(batch_norm=True), named(OUTLINE, tensors, "mine.pt").state))


def test_names_that_only_the_wrappers_told_apart_stay_apart():
    tensors = {"module.a": torch.ones(1), "a": torch.zeros(1)}
    assert unwrapped(tensors) == tensors


class Shell:
    def __init__(self, function, *given):
        self.made_of = function, given

    def __reduce__(self):
        return self.made_of


@pytest.mark.parametrize(
    ("evil", "said"),
    [
        (Shell(eval, "1/0"), "it would run builtins.eval"),
        (Shell(__import__, "os"), "it would run builtins.__import__"),
        (Shell(open, "run", "w"), "it would run io.open"),
        (Shell(__import__("subprocess").check_call, ["touch", "run"]), "it would run subprocess.check_call"),
        (Shell(__import__("shutil").rmtree, "folder"), "it would run shutil.rmtree"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_wants_to_do_something_is_named_for_it(tmp_path, evil, said):
    torch.save({"model": STATE, "extra": evil}, tmp_path / "evil.pt")
    with pytest.raises(WeightsRefused) as refused:
        unpickled(tmp_path / "evil.pt", "evil.pt")
    assert "more than tensors" in str(refused.value)
    assert said in str(refused.value)


def test_nothing_that_a_file_names_is_called(tmp_path, monkeypatch):
    """Whatever it is: here a function of this module, which would be harmless to call by its name."""
    torch.save({"model": STATE, "extra": Shell(tell_tale, 3), "settings": Settings()}, tmp_path / "mine.pt")
    torch_loaded.clear()
    check(fit(LeNet5(batch_norm=True), named(OUTLINE, unpickled(tmp_path / "mine.pt", "mine.pt"), "mine.pt").state))
    assert not torch_loaded
    with pytest.raises(AssertionError, match="code of a file ran"):
        torch.load(tmp_path / "mine.pt", weights_only=False)
    assert torch_loaded == [3]  # so it would have worked


torch_loaded: list[int] = []


def tell_tale(value: int) -> int:
    torch_loaded.append(value)
    return value


def test_what_torch_save_did_not_write_is_named_for_what_it_is(tmp_path):
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.jit.script(nn.Sequential(nn.Linear(2, 2))).save(tmp_path / "script.pt")
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), tmp_path / "exported.pt2")
    np.savez(tmp_path / "arrays.npz", a=np.ones(2))
    for name, said in (
        ("script.pt", "is a TorchScript program, which could run code"),
        ("exported.pt2", "is an exported program (.pt2), which could run code"),
        ("arrays.npz", "a ZIP that torch.save did not write"),
    ):
        with pytest.raises(WeightsRefused) as refused:
            unpickled(tmp_path / name, name)
        assert str(refused.value).startswith(name)
        assert said in str(refused.value)


# Others' names ---------------------------------------------------------------------------------------------------

BN = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
LINEAR = ("weight", "bias")


def tensors_of(*parts: tuple[str, tuple[str, ...]]) -> list[str]:
    return [f"{part}.{tensor}" for part, tensors in parts for tensor in tensors]


def inverted(block: str, gated: bool) -> list[str]:
    """A block of timm's with an expansion, part by part in the order in which it computes."""
    gate = [("se.conv_reduce", LINEAR), ("se.conv_expand", LINEAR)] if gated else []
    parts = [("conv_pw", ("weight",)), ("bn1", BN), ("conv_dw", ("weight",)), ("bn2", BN), *gate]
    return tensors_of(*((f"{block}.{part}", t) for part, t in (*parts, ("conv_pwl", ("weight",)), ("bn3", BN))))


def separable(block: str, gated: bool) -> list[str]:
    gate = [("se.conv_reduce", LINEAR), ("se.conv_expand", LINEAR)] if gated else []
    parts = [("conv_dw", ("weight",)), ("bn1", BN), *gate, ("conv_pw", ("weight",)), ("bn2", BN)]
    return tensors_of(*((f"{block}.{part}", t) for part, t in parts))


def timms_mobile(depths: tuple[int, ...], gated: bool) -> list[str]:
    """timm's names for MobileNet V2 and EfficientNet, in order, by the blocks in every stage."""
    blocks = [
        name
        for stage, depth in enumerate(depths)
        for i in range(depth)
        for name in (inverted if stage else separable)(f"blocks.{stage}.{i}", gated)
    ]
    return [
        *tensors_of(("conv_stem", ("weight",)), ("bn1", BN)),
        *blocks,
        *tensors_of(("conv_head", ("weight",)), ("bn2", BN), ("classifier", LINEAR)),
    ]


def timms_convnext(depths: tuple[int, ...]) -> list[str]:
    names = tensors_of(("stem.0", LINEAR), ("stem.1", LINEAR))
    for stage, depth in enumerate(depths):
        if stage:
            names += tensors_of(*((f"stages.{stage}.downsample.{i}", LINEAR) for i in (0, 1)))
        for block in (f"stages.{stage}.blocks.{i}" for i in range(depth)):
            parts = ((f"{block}.{part}", LINEAR) for part in ("conv_dw", "norm", "mlp.fc1", "mlp.fc2"))
            names += [f"{block}.gamma", *tensors_of(*parts)]
    return names + tensors_of(("head.norm", LINEAR), ("head.fc", LINEAR))


def authors_convnext(depths: tuple[int, ...]) -> list[str]:
    names = tensors_of(*((f"downsample_layers.0.{i}", LINEAR) for i in (0, 1)))
    for stage, depth in enumerate(depths):
        if stage:
            names += tensors_of(*((f"downsample_layers.{stage}.{i}", LINEAR) for i in (0, 1)))
        for block in (f"stages.{stage}.{i}" for i in range(depth)):
            parts = ((f"{block}.{part}", LINEAR) for part in ("dwconv", "norm", "pwconv1", "pwconv2"))
            names += [f"{block}.gamma", *tensors_of(*parts)]
    return names + tensors_of(("norm", LINEAR), ("head", LINEAR))


def lukemelas_lite(depth: int) -> list[str]:
    """The names of lukemelas/EfficientNet-PyTorch without gates, by the number of blocks."""
    parts = [("_expand_conv", ("weight",)), ("_bn0", BN), ("_depthwise_conv", ("weight",)), ("_bn1", BN)]
    parts += [("_project_conv", ("weight",)), ("_bn2", BN)]
    blocks = [(f"_blocks.{i}.{part}", of) for i in range(depth) for part, of in (parts if i else parts[2:])]
    return tensors_of(
        ("_conv_stem", ("weight",)), ("_bn0", BN), *blocks, ("_conv_head", ("weight",)), ("_bn1", BN), ("_fc", LINEAR)
    )


def old_densenet(name: str) -> list[str]:
    """torchvision's own file for a DenseNet, whose modules had dots in their names: norm.1, conv.2."""
    changed = {"norm1": "norm.1", "norm2": "norm.2", "conv1": "conv.1", "conv2": "conv.2"}
    names = []
    for own in skeleton(name).state_dict():
        *start, part, tensor = own.split(".")
        names.append(".".join([*start, changed[part] if "denselayer" in "".join(start[-1:]) else part, tensor]))
    return names


B = {0: (1, 2, 2, 3, 3, 4, 1), 1: (2, 3, 3, 4, 4, 5, 2), 3: (2, 3, 3, 5, 5, 6, 2), 4: (2, 4, 4, 6, 6, 8, 2)}
B |= {2: B[1], 5: (3, 5, 5, 7, 7, 9, 3), 6: (3, 6, 6, 8, 8, 11, 3), 7: (4, 7, 7, 10, 10, 13, 4)}
C = {"tiny": (3, 3, 9, 3), "small": (3, 3, 27, 3), "base": (3, 3, 27, 3), "large": (3, 3, 27, 3)}

THEIRS = {
    "mobilenet_v2": [timms_mobile((1, 2, 3, 4, 3, 3, 1), gated=False)],
    **{f"efficientnet_b{size}": [timms_mobile(depths, gated=True)] for size, depths in B.items()},
    "efficientnet_lite0": [lukemelas_lite(16)],
    **{f"convnext_{size}": [timms_convnext(depths), authors_convnext(depths)] for size, depths in C.items()},
    **{f"densenet{depth}": [] for depth in (121, 161, 169, 201)},  # see `theirs_of`
}


def theirs_of(name: str) -> list[list[str]]:
    return THEIRS[name] or [old_densenet(name)]


@pytest.mark.parametrize("name", THEIRS)
def test_a_table_of_others_names_names_every_tensor(name):
    """Modules stand in the same order here and there, so names can be paired without the table."""
    own = list(skeleton(name).state_dict())
    for spelling, theirs in zip(SPELLINGS[ARCHITECTURES[name].family], theirs_of(name), strict=True):
        assert spelling.of(own) == dict(zip(own, theirs, strict=True))


def test_names_of_timm_are_those_that_its_networks_have():
    """Some of those that timm 1.0.31 prints for mobilenetv2_100, efficientnet_b0 and convnext_tiny."""
    for name, said in (
        ("mobilenet_v2", {"blocks.0.0.conv_dw.weight": (32, 1, 3, 3), "blocks.1.1.conv_pwl.weight": (24, 144, 1, 1)}),
        ("mobilenet_v2", {"blocks.6.0.bn3.bias": (320,), "conv_head.weight": (1280, 320, 1, 1), "bn2.weight": (1280,)}),
        ("efficientnet_b0", {"blocks.0.0.se.conv_reduce.weight": (8, 32, 1, 1), "classifier.bias": (1000,)}),
        ("efficientnet_b0", {"blocks.6.0.se.conv_expand.weight": (1152, 48, 1, 1), "conv_stem.weight": (32, 3, 3, 3)}),
        ("convnext_tiny", {"stages.0.blocks.1.mlp.fc1.weight": (384, 96), "stages.3.downsample.1.bias": (768,)}),
        ("convnext_tiny", {"head.norm.weight": (768,), "head.fc.weight": (1000, 768), "stem.0.bias": (96,)}),
    ):
        own = skeleton(name).state_dict()
        theirs = {their: own[key].shape for key, their in SPELLINGS[ARCHITECTURES[name].family][0].of(own).items()}
        assert {key: tuple(theirs[key]) for key in said} == said


@pytest.mark.parametrize("prefix", ["", "module.", "state_dict.model."])
@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v2", "efficientnet_b0", "convnext_tiny"])
def test_weights_under_others_names_are_loaded_bit_by_bit(name, prefix):
    generator = torch.Generator().manual_seed(2)
    own = skeleton(name).state_dict()
    mine = {
        key: torch.rand(values.shape, generator=generator) if values.is_floating_point() else torch.tensor(3)
        for key, values in own.items()
    }
    for theirs in theirs_of(name):
        file = {
            prefix + their: values.squeeze() if "gamma" in their else values
            for their, values in zip(theirs, mine.values(), strict=True)
        }
        found = named(outline_of(skeleton(name), SPELLINGS[ARCHITECTURES[name].family]), file, "mine.pt")
        check(fit(skeleton(name), found.state), mine)
        assert ("tf_" in remarks(found)) == (name == "efficientnet_b0")


def test_torchvisions_file_for_a_densenet_is_opened_whole(tmp_path):
    own, theirs = load("densenet121", "random", "cpu").model.state_dict(), old_densenet("densenet121")
    file = dict(zip(theirs, own.values(), strict=True))
    assert "features.denseblock1.denselayer1.norm.1.weight" in file
    assert "features.denseblock4.denselayer16.conv.2.weight" in file
    assert "features.transition1.norm.weight" in file
    save_file(under("module.", file), tmp_path / "mine.pth")
    check(load("densenet121", tmp_path / "mine.pth", "cpu").model, own)


# Whose they are --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({entry.name for entry in ARCHITECTURES.values() if entry.parameters < 30e6}))
def test_every_network_is_recognised_by_its_names_and_shapes_alone(name):
    entry = ARCHITECTURES[name]
    found = recognised(
        {f"net.{key}": values for key, values in bare(entry.build, {"num_classes": 3}).state_dict().items()}
    )
    expected = {entry.title, *({ARCHITECTURES[TWINS[name]].title} if name in TWINS else ())}
    assert set(found.here) == expected
    assert not found.backbone


@pytest.mark.parametrize("known", ELSEWHERE, ids=lambda known: known.name)
def test_a_network_that_is_not_here_is_recognised(known):
    model = bare(known.build, {})
    assert sum(p.numel() for p in model.parameters()) == known.parameters
    assert recognised(under("module.", model.state_dict())).elsewhere == known.title


def test_every_network_has_the_sign_of_its_family():
    for entry in (*ARCHITECTURES.values(), *ELSEWHERE):
        names = bare(entry.build, {}).state_dict().keys()
        assert any(sign in names for sign in SIGNS[entry.family]), entry.title


def test_networks_that_no_name_and_no_shape_tells_apart_are_known():
    alike: dict[tuple, set[str]] = defaultdict(set)
    for name, entry in ARCHITECTURES.items():
        shapes = tuple((key, values.shape) for key, values in bare(entry.build, {}).state_dict().items())
        alike[shapes].add(name)
    assert {frozenset(names) for names in alike.values() if len(names) > 1} == {
        frozenset(pair) for pair in TWINS.items()
    }


def refusal(network: str, state: dict[str, Tensor], **options) -> str:
    """What is said of tensors that may have shapes alone, in a file of the name “mine.pt”."""
    entry = ARCHITECTURES[network]
    model = bare(entry.build, options)
    weights = Weights("file", "mine.pt", "0" * 64, True, None)
    with pytest.raises(Misfit) as misfit:
        fit(model, named(outline_of(model, SPELLINGS.get(entry.family, ())), state, "mine.pt").state)
    said = str(whose(entry, Given(state, {}, weights), misfit.value))
    assert said.endswith(".")
    return said


def shapes(build, **options) -> dict[str, Tensor]:
    return bare(build, options).state_dict()


def test_another_networks_weights_are_refused_with_whose_they_are():
    state = shapes(ARCHITECTURES["resnet50"].build, num_classes=7)
    both = "ResNet-50 / ResNet-50 v1"
    said = refusal("resnet18", under("model.", state))
    assert said == f"mine.pt holds the weights of {both}, not of ResNet-18; choose {both}."
    backbone = {key: values for key, values in state.items() if not key.startswith("fc.")}
    assert f"the weights of {both} without a classifier, not of ResNet-18; choose" in refusal("resnet18", backbone)
    usual = shapes(ARCHITECTURES["mobilenet_v2"].build)
    assert "MobileNet V2 as it is without options" in refusal("mobilenet_v2", usual, width_mult=0.5)
    timms = dict(zip(theirs_of("mobilenet_v2")[0], usual.values(), strict=True))
    assert "the weights of MobileNet V2, not of VGG-16" in refusal("vgg16", timms)
    assert "the weights of MobileNet V2, not of ResNet-18" in refusal("resnet18", under("ema.", usual))


@pytest.mark.parametrize(("network", "title"), [("vgg16", "VGG-16 with batch norm"), ("resnet50", "ResNeXt-50 32×4d")])
def test_weights_of_a_network_that_is_not_here_are_called_so(network, title):
    (known,) = (known for known in ELSEWHERE if known.title == title)
    said = refusal(network, under("features.module.", shapes(known.build, num_classes=2)))
    assert said == f"mine.pt holds the weights of {title}, which is not among the networks here; choose another file."


def test_what_is_no_network_that_is_known_is_compared_with_the_chosen_one():
    state = shapes(ARCHITECTURES["mobilenet_v2"].build)
    del state["features.3.conv.2.weight"]
    said = refusal("mobilenet_v2", under("model.", state))
    assert said.startswith(
        "mine.pt fits none of the networks here as they are. For MobileNet V2, 1 tensors are missing"
    )
    assert "missing (features.3.conv.2.weight), 0 unexpected (–) and 0 of another shape (–)." in said
    assert "16 tensors are missing (features.0.weight, " in refusal("alexnet", {"a": torch.ones(1)})


def test_a_file_of_another_network_is_refused_with_whose_it_is(tmp_path):
    save_file(under("net.", LeNet5(7).state_dict()), tmp_path / "mine.pt")
    with pytest.raises(WeightsRefused, match=r"of LeNet-5, not of LeNet-5 \+ batch norm; choose LeNet-5\."):
        load("lenet5_bn", tmp_path / "mine.pt", "cpu")


def test_the_other_stride_of_a_resnet_is_said(tmp_path):
    state = shapes(ARCHITECTURES["resnet50"].build)
    state = {key: torch.zeros(values.shape, dtype=torch.float16) for key, values in state.items()}
    save_file(state, tmp_path / "mine.safetensors")
    for network, other in (("resnet50_v1", "ResNet-50"), ("resnet50", "ResNet-50 v1")):
        (remark,) = load(network, tmp_path / "mine.safetensors", "cpu").weights.remarks
        assert str(remark).startswith(f"{other} has tensors of the same names and shapes, but strides in another")
