"""From a name to a network that can be looked into. Downloads here come from a server on the loopback, or from none."""

import gc
import hashlib
import io
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision import models as vision

from models import ARCHITECTURES, Loaded, load, loading
from models.download import DownloadFailed
from models.lenet import LeNet5
from models.loaded import predicted
from models.loading import place_of_weights, skeleton, weights_here
from models.refusals import Refused
from models.spellings import SPELLINGS
from models.weights import SHIPPED, WeightsRefused, card, shipped
from tests.representatives import REPRESENTATIVES

SMALL = [name for name in REPRESENTATIVES if ARCHITECTURES[name].parameters < 5_000_000]
LARGE = [entry for entry in ARCHITECTURES.values() if not entry.is_for_cifar]
CHEAPEST = {entry.family: entry.name for entry in sorted(LARGE, key=lambda entry: -entry.macs)}
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (250, 300, 3), np.uint8))


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def sentence(refused: pytest.ExceptionInfo) -> str:
    said = str(refused.value)
    assert said.endswith(".")
    return said


# Every network ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({*CHEAPEST.values(), "lenet5", "alexnet", "zfnet", "cifar_resnet20"}))
def test_a_network_of_every_family_is_ready_to_be_looked_into(name):
    before = torch.random.get_rng_state()
    loaded = load(name, weights="random", device="cpu")
    assert torch.equal(before, torch.random.get_rng_state())
    assert not any(module.training or getattr(module, "inplace", False) for module in loaded.model.modules())
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert {p.device.type for p in loaded.model.parameters()} == {loaded.device.type} == {"cpu"}
    assert (loaded.weights.kind, loaded.weights.trained, loaded.weights.sha256) == ("random", False, None)
    assert loaded.categories is loaded.refused is None
    assert loaded.layers == ARCHITECTURES[name].layers

    channels = loaded.architecture.input_shape[0]
    image = loaded.preprocess(NOISE)
    assert image.dtype == torch.float32
    assert image.shape == (1, channels, loaded.preprocess.crop, loaded.preprocess.crop)
    image = loaded.classifier_input(NOISE)
    assert image.shape == (1, *loaded.architecture.input_shape)
    with torch.inference_mode():
        answer = loaded.model(image)
    mini = name.endswith("_mini")
    assert answer.shape == (1, 10 if name.startswith(("lenet5", "cifar_")) else 200 if mini else 1000)
    assert answer.isfinite().all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_pictures_are_prepared_as_torchvision_prepares_them_for_these_weights(name):
    entry = ARCHITECTURES[name]
    assert entry.preprocess.crop == (224 if entry.classify_at else entry.input_shape[1])
    if not entry.torchvision_weights:
        return
    image, theirs = entry.preprocess(NOISE), entry.torchvision_weights().transforms()(NOISE)[None]
    if name == "googlenet":  # torchvision normalises a second time, inside the network: transform_input
        theirs = vision.GoogLeNet(transform_input=True, init_weights=False)._transform_input(theirs)
    torch.testing.assert_close(image, theirs, rtol=0, atol=1e-5)


def test_names_and_titles_are_those_of_one_network_alone():
    assert len({entry.title for entry in ARCHITECTURES.values()}) == len(ARCHITECTURES)
    assert [*ARCHITECTURES] == [entry.name for entry in ARCHITECTURES.values()]


# Random weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_random_weights_are_the_same_every_time(name):
    first = load(name, weights="random", device="cpu")
    torch.manual_seed(7)
    assert same(load(name, weights="random", device="cpu").model, first.model)


def test_random_weights_are_the_same_for_everyone_who_opens_a_network_at_the_same_moment():
    expected = load("lenet5", weights="random", device="cpu").model
    names = ["lenet5", "zfnet_mini", "lenet5", "alexnet_mini"] * 10
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: load(name, weights="random", device="cpu").model, names))
    assert all(same(one, expected) for name, one in zip(names, found, strict=True) if name == "lenet5")


def test_random_weights_are_drawn_when_they_are_needed_and_once_for_everybody(monkeypatch):
    drawn, draw = [], loading._drawn
    monkeypatch.setattr(loading, "_drawn", lambda *what: drawn.append(what) or draw(*what))
    loaded = load("lenet5", weights="random", device="cpu")
    assert loaded.weights.identity.startswith("random seed 0")
    assert all(p.is_meta for p in loaded.outline.parameters())
    assert not drawn
    with ThreadPoolExecutor(8) as pool:
        models = set(pool.map(lambda _: loaded.model, range(16)))
    assert len(models) == len(drawn) == 1
    assert loaded.outline is loaded.model


def test_loading_weights_leaves_the_random_numbers_as_they_were():
    before = torch.random.get_rng_state()
    load("lenet5", weights="shipped", device="cpu")
    assert torch.equal(before, torch.random.get_rng_state())


def test_options_are_passed_to_the_builder_and_leave_no_weights_but_random():
    assert load("zfnet_mini", device="cpu", num_classes=3).model.classifier.fc7.out_features == 3
    thin = load("mobilenet_v2", device="cpu", width_mult=0.5, num_classes=2)
    assert sum(p.numel() for p in thin.model.parameters()) < 1_000_000
    assert thin.weights.kind == "random"
    assert thin.refused is None


def test_the_resolution_of_a_network_is_the_side_of_its_pictures_and_layers_follow_its_options():
    loaded = load("mobilenet_v1", width=0.25, resolution=160, shallow=True, separable=False, device="cpu")
    assert loaded.preprocess(NOISE).shape == loaded.classifier_input(NOISE).shape == (1, 3, 160, 160)
    assert loaded.preprocess.resize == 183  # 256 · 160 / 224
    assert loaded.layers == loaded.architecture.layers_of({"shallow": True, "separable": False})
    assert loaded.layers != loaded.architecture.layers
    assert loaded.model(loaded.preprocess(NOISE)).shape == (1, 1000)
    names = dict(loaded.model.named_modules())
    assert all(layer in names for layer in loaded.layers.values())


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_one_of_several_choices_is_passed_to_the_builder(shortcut):
    model = load("resnet18", device="cpu", shortcut=shortcut).model
    assert {"A": 0, "B": 3, "C": 8}[shortcut] == sum("downsample.1.weight" in key for key in model.state_dict())


# Refusals --------------------------------------------------------------------------------------------------------


def test_an_unknown_network_is_refused_with_those_there_are():
    with pytest.raises(Refused) as refused:
        load("lenet")
    assert "“lenet”" in sentence(refused)
    assert ", ".join(ARCHITECTURES) in sentence(refused)


def test_an_unknown_option_is_refused_with_those_there_are():
    with pytest.raises(Refused) as refused:
        load("mobilenet_v2", width=0.5, depth=3, num_classes=2)
    assert sentence(refused) == "MobileNet V2 has no option depth, width; it has num_classes, width_mult."


@pytest.mark.parametrize(
    ("name", "option", "value", "right"),
    [
        ("resnet18", "shortcut", "D", "choose one of A, B, C."),
        ("resnet18", "shortcut", 1, "choose one of A, B, C."),
        ("alexnet_2012", "groups", 3, "choose one of 1, 2."),
        ("alexnet_2012", "groups", True, "choose one of 1, 2."),
        ("mobilenet_v1", "resolution", 100, "choose one of 224, 192, 160, 128."),
        ("mobilenet_v1", "shallow", 1, "choose one of False, True."),
        ("mobilenet_v1", "width", "1", "choose a number from 0.01 to 16.0."),
        ("mobilenet_v1", "width", -0.5, "choose a number from 0.01 to 16.0."),
        ("mobilenet_v1", "width", float("nan"), "choose a number from 0.01 to 16.0."),
        ("mobilenet_v1", "width", float("inf"), "choose a number from 0.01 to 16.0."),
        ("lenet5", "num_classes", 0, "choose a whole number, 1 to 1000000."),
        ("lenet5", "num_classes", 2.5, "choose a whole number, 1 to 1000000."),
        ("lenet5", "num_classes", True, "choose a whole number, 1 to 1000000."),
    ],
)
def test_a_wrong_value_of_an_option_is_refused_with_what_is_right(name, option, value, right):
    with pytest.raises(Refused) as refused:
        load(name, **{option: value})
    assert sentence(refused) == f"The option {option} cannot be {value}; {right}"


def test_a_whole_number_is_a_width_too_and_the_same_network():
    assert load("mobilenet_v1", "random", "cpu", width=1).options == {"width": 1.0}
    assert type(load("mobilenet_v1", "random", "cpu", width=1).options["width"]) is float


@pytest.mark.parametrize("weights", ["imagnet", "", "nowhere/mine.pt", Path("nowhere.pt"), "."])
def test_unknown_weights_are_refused_with_those_there_are(weights):
    with pytest.raises(Refused, match=r"no weights “.*”; choose “auto”, “shipped”, “imagenet”, “random” or the path"):
        load("lenet5", weights=weights)


@pytest.mark.parametrize(
    ("name", "weights", "options", "said"),
    [
        ("zfnet", "shipped", {}, "No weights ship for ZFNet"),
        ("lenet5", "shipped", {"num_classes": 10}, "No weights ship for LeNet-5 with these options"),
        ("zfnet", "imagenet", {}, "torchvision has no weights for ZFNet"),
        ("alexnet", "imagenet", {"num_classes": 10}, "torchvision has no weights for AlexNet with these options"),
    ],
)
def test_weights_that_a_network_does_not_have_are_refused(name, weights, options, said):
    with pytest.raises(Refused, match=said) as refused:
        load(name, weights=weights, device="cpu", **options)
    assert "“random”" in sentence(refused)


def test_an_unknown_device_is_refused_before_anything_is_built():
    with pytest.raises(Refused, match="no abacus; choose one of"):
        load("vgg16", weights="random", device="abacus")


# Shipped weights -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.json")))
def test_auto_takes_the_shipped_weights_of_the_last_epoch(name):
    loaded = load(name, device="cpu")
    state, about = shipped(name)
    assert loaded.weights.kind == "shipped"
    assert loaded.weights.trained
    assert (loaded.weights.source, loaded.weights.sha256) == (Path(about.at().file).name, about.at().sha256)
    assert loaded.categories == about.categories
    own = loaded.model.state_dict()
    called = SPELLINGS[loaded.architecture.family][0].of(own) if about.package else dict.fromkeys(own)
    assert len(own) == len(state)
    assert all(torch.equal(values, state[called[key] or key]) for key, values in own.items())
    assert (loaded.preprocess.mean, loaded.preprocess.std) == (about.mean, about.std)


def test_prediction_gives_the_most_probable_classes_first():
    loaded = load("lenet5", weights="shipped", device="cpu")
    image = loaded.preprocess(Image.new("L", (40, 40)))
    probabilities = loaded.model(image).softmax(1)[0].tolist()
    found = predicted(loaded, image, 3)
    assert found == sorted(enumerate(probabilities), key=lambda pair: -pair[1])[:3]
    assert sorted(number for number, _ in predicted(loaded, image, 99)) == list(range(10))


# torchvision's weights -------------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The empty folder where torch.hub keeps downloads; nothing that leaves the loopback is reached from here."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home" / "hub" / "checkpoints"


@pytest.fixture
def published(tmp_path, cache, monkeypatch):
    """A file of weights on a server, and with it a network “tiny” in the registry, as torchvision publishes its own."""
    torch.manual_seed(3)
    model, content = LeNet5(7), io.BytesIO()
    torch.save(model.state_dict(), content)
    digits = hashlib.sha256(content.getvalue()).hexdigest()[:8]
    (tmp_path / "server").mkdir()
    file = tmp_path / "server" / f"tiny-{digits}.pth"
    file.write_bytes(content.getvalue())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=file.parent)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/{file.name}"

        class TinyWeights(vision.WeightsEnum):
            IMAGENET1K_V1 = vision.Weights(url, nn.Identity, {"categories": [*"abcdefg"]})

        tiny = replace(
            ARCHITECTURES["lenet5"],
            name="tiny",
            build=partial(LeNet5, num_classes=7),
            torchvision_weights=lambda: TinyWeights.IMAGENET1K_V1,
        )
        monkeypatch.setattr(loading, "ARCHITECTURES", {"tiny": tiny})
        yield file, model
        server.shutdown()
        thread.join()


def check(loaded: Loaded, model: nn.Module, file: Path) -> None:
    assert same(loaded.model, model)
    assert (loaded.weights.kind, loaded.weights.trained) == ("imagenet", True)
    assert loaded.weights.source == "TinyWeights.IMAGENET1K_V1"
    assert loaded.weights.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert loaded.categories == tuple("abcdefg")
    assert loaded.refused is None


@pytest.mark.parametrize("weights", ["imagenet", "auto"])
def test_torchvisions_weights_are_downloaded_once_and_progress_is_told(published, cache, weights):
    file, model = published
    told = []
    check(load("tiny", weights, "cpu", lambda done, total: told.append((done, total))), model, file)
    size = file.stat().st_size
    assert told[-1] == (size, size)
    assert (cache / file.name).read_bytes() == file.read_bytes()
    file.rename(file.with_suffix(".away"))  # from now on the server has nothing
    told.clear()
    check(load("tiny", weights, "cpu", lambda *_: told.append(_)), model, cache / file.name)
    assert not told


def test_weights_are_here_once_they_ship_or_lie_whole_on_the_disk(published, cache, monkeypatch):
    file, _model = published
    assert (weights_here("tiny"), place_of_weights("tiny")) == (None, "internet")  # and nothing was asked of the server
    assert not cache.exists()
    load("tiny", "imagenet", "cpu")
    assert (weights_here("tiny"), place_of_weights("tiny")) == ("imagenet", "disk")
    (cache / file.name).write_bytes(file.read_bytes()[:-1])
    assert weights_here("tiny") is None
    monkeypatch.setattr(loading, "ARCHITECTURES", ARCHITECTURES)
    assert (weights_here("zfnet_mini"), place_of_weights("zfnet_mini")) == ("shipped", "install")
    assert (weights_here("alexnet_2012"), place_of_weights("alexnet_2012")) == (None, "nowhere")


def test_a_rotted_file_is_replaced(published, cache):
    file, model = published
    cache.mkdir(parents=True)
    (cache / file.name).write_bytes(file.read_bytes()[:-1])
    check(load("tiny", "imagenet", "cpu"), model, file)
    assert (cache / file.name).read_bytes() == file.read_bytes()


def test_auto_takes_random_weights_where_no_others_are_to_be_had_and_says_why(published, cache):
    published[0].unlink()
    loaded = load("tiny", device="cpu")
    assert (loaded.weights.kind, loaded.weights.trained, loaded.categories) == ("random", False, None)
    assert isinstance(loaded.refused, DownloadFailed)
    assert "answered 404" in str(loaded.refused)
    assert not [*cache.iterdir()]
    with pytest.raises(DownloadFailed, match="answered 404"):
        load("tiny", "imagenet", "cpu")


def test_auto_says_why_when_nobody_answers(cache, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as closed:
        url = f"http://127.0.0.1:{closed.server_port}/gone-01234567.pth"

    class Gone(vision.WeightsEnum):
        V1 = vision.Weights(url, nn.Identity, {"categories": []})

    gone = replace(ARCHITECTURES["lenet5"], name="gone", torchvision_weights=lambda: Gone.V1)
    monkeypatch.setattr(loading, "ARCHITECTURES", {"gone": gone})
    loaded = load("gone", device="cpu")
    assert same(loaded.model, load("gone", "random", "cpu").model)
    assert f"{url} cannot be reached" in str(loaded.refused)


def test_a_download_that_is_cancelled_is_no_reason_for_random_weights(published, cache):
    class Cancelled(BaseException):
        pass

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        load("tiny", device="cpu", progress=cancel)
    assert not [*cache.iterdir()]


# A file of one's own ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [str, Path])
def test_a_file_of_ones_own_is_loaded_with_as_many_classes_as_it_has(tmp_path, weights):
    torch.manual_seed(5)
    mine = LeNet5(23)
    file = tmp_path / "mine.safetensors"
    save_file({f"module.{key}": values for key, values in mine.state_dict().items()}, file)
    loaded = load("lenet5", weights(file), "cpu")
    assert same(loaded.model, mine)
    assert loaded.model(torch.zeros(1, 1, 32, 32)).shape == (1, 23)
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert (loaded.weights.kind, loaded.weights.source, loaded.weights.trained) == ("file", "mine.safetensors", True)
    assert loaded.weights.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert loaded.categories is None


def test_a_saved_state_dict_with_options_is_loaded(tmp_path):
    mine = vision.mobilenet_v2(width_mult=0.1, num_classes=4)
    torch.save({"state_dict": mine.state_dict(), "epoch": 3}, tmp_path / "mine.pt")
    assert same(load("mobilenet_v2", tmp_path / "mine.pt", "cpu", width_mult=0.1).model, mine)


@pytest.mark.parametrize("name", SMALL)
def test_every_small_network_takes_a_file_of_ones_own_with_other_classes(tmp_path, name):
    torch.manual_seed(3)
    mine = ARCHITECTURES[name].build(num_classes=3)
    if name == "lenet5":
        torch.save(mine.state_dict(), tmp_path / "mine")
    else:
        save_file(mine.state_dict(), tmp_path / "mine")  # for which no process has to be started
    loaded = load(name, tmp_path / "mine", "cpu")
    assert same(loaded.model, mine)
    assert (loaded.weights.kind, loaded.weights.trained) == ("file", True)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_state_dict_holds_all_that_a_network_is_made_of(name):
    """A skeleton that is given one has nothing left without numbers."""
    model = skeleton(name)
    tensors = {key for key, _ in (*model.named_parameters(), *model.named_buffers())}
    assert tensors == model.state_dict().keys()


def test_another_networks_file_is_refused_and_never_replaced_by_random_weights():
    with pytest.raises(WeightsRefused, match=r"of LeNet-5, not of AlexNet mini; choose LeNet-5\."):
        load("alexnet_mini", SHIPPED / card("lenet5").at().file, "cpu")


@pytest.mark.parametrize(("name", "weights"), [("zfnet_mini", "shipped"), ("resnet18", "random")])
def test_a_network_that_rests_goes_when_nobody_uses_it_and_is_made_again_the_same(name, weights):
    loaded = load(name, weights, "cpu")
    numbers = {key: value.clone() for key, value in loaded.model.state_dict().items()}
    model = loaded.model
    loaded.rest()
    assert loaded.is_there
    assert loaded.model is model  # somebody uses it
    loaded.rest()
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert not loaded.is_there
    assert loaded.model.state_dict().keys() == numbers.keys()
    assert all(torch.equal(value, numbers[key]) for key, value in loaded.model.state_dict().items())
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.model is loaded.model


def test_a_network_of_a_file_of_ones_own_does_not_rest(tmp_path):
    torch.save(load("lenet5", "random", "cpu").model.state_dict(), tmp_path / "own.pth")
    loaded = load("lenet5", tmp_path / "own.pth", "cpu")
    (tmp_path / "own.pth").unlink()
    loaded.rest()
    gc.collect()
    assert loaded.is_there
