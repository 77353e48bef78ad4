"""The first page without a browser: what it tells of every network, and how it leads to them."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from models import ARCHITECTURES, load
from models.decoding import decoded
from pages.common.cache import sample
from pages.common.session import PICTURE_FILE
from pages.start.home.ways import WAYS
from tests.app.visit import APP, HOME, LAYERS, Visit
from tests.unit.pictures import photograph, saved
from vis.receptive import receptive_fields

LARGE = [architecture for architecture in ARCHITECTURES.values() if not architecture.is_for_cifar]
FAMILIES = {architecture.family for architecture in LARGE}


def figure(visit: Visit) -> dict:
    (chart,) = visit.at.get("plotly_chart")
    return json.loads(chart.proto.spec)


def heading(visit: Visit) -> str:
    return visit.at.title[0].value


KNOWN = {  # whose accuracy on ImageNet is known: torchvision's, or the paper's
    name
    for name, a in ARCHITECTURES.items()
    if a.accuracy is not None or (a.published.top1_error and a.family != "lenet" and not a.is_for_cifar)
}


@pytest.fixture(scope="module")
def home() -> Visit:
    return Visit(HOME)


# What it says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "title", "axis"),
    [
        ("en", "See how convolutional networks work", "Multiply-adds (MACs)"),
        ("vi", "Xem mạng tích chập hoạt động thế nào", "Phép nhân–cộng (MAC)"),
    ],
)
def test_is_the_first_page_in_both_languages(language, title, axis):
    visit = Visit(None, language=language)
    assert heading(visit) == title
    assert figure(visit)["layout"]["xaxis"]["title"]["text"] == axis
    text = (APP.parent / "pages/start/home/texts" / f"home.{language}.md").read_text("utf-8")
    assert text.strip() in {markdown.value.strip() for markdown in visit.at.markdown}
    assert not visit.errors


def test_every_family_stands_in_the_timeline_in_the_order_of_its_years(home):
    cards = [markdown.value for markdown in home.at.markdown if markdown.value.startswith("### :primary[")]
    years = [int(card[13:17]) for card in cards]
    assert years == sorted(years)
    assert (years[0], years[-1]) == (1998, 2022)
    menus = {menu.key.removeprefix("open "): list(menu.options) for menu in home.at.menu_button}
    assert menus == {family: [a.title for a in LARGE if a.family == family] for family in FAMILIES}
    assert len(cards) == len(FAMILIES)


def test_an_accuracy_that_only_the_paper_prints_is_what_its_error_leaves_and_is_marked(home):
    (alexnet,) = [t for t in figure(home)["data"] if ["alexnet_2012"] in t["customdata"]]
    place = alexnet["customdata"].index(["alexnet_2012"])
    y = alexnet["y"]
    y = y if isinstance(y, list) else list(np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"]))
    assert y[place] == pytest.approx(100 - 40.7)
    assert alexnet["marker"]["symbol"] == "diamond-open"
    assert "several crops" in alexnet["hovertext"][place]


def test_every_network_is_in_the_picture_or_in_the_note_of_those_that_are_not(home):
    shown = {name for trace in figure(home)["data"] for (name,) in trace["customdata"]}
    assert shown == KNOWN
    (note,) = (caption.value for caption in home.at.caption if caption.value.startswith("Not in the chart"))
    absent = [a for a in LARGE if a.name not in shown]
    listed = note.replace(", which", "").replace(", of which", "").replace("; and", ",")
    assert all(a.title in listed for a in absent)
    assert len(absent) > 0
    assert f"the {len(ARCHITECTURES) - len(LARGE)} small networks for CIFAR-10, which end the list" in note
    assert [*ARCHITECTURES.values()][: len(LARGE)] == LARGE
    assert "CIFAR" not in " ".join(text for trace in figure(home)["data"] for text in trace["hovertext"])


def test_the_picture_is_described_to_those_who_do_not_see_it(home):
    (chart,) = home.at.get("plotly_chart")
    assert chart.proto.alt.startswith(f"Top-1 accuracy of {len(KNOWN)} ")
    assert "from AlexNet with 56.5 % to ConvNeXt-L with 84.4 %" in chart.proto.alt


# What it leads to --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [way for ways in WAYS.values() for way in ways], ids=lambda way: way.label)
def test_every_way_on_leads_to_the_view_that_it_names(way):
    visit = Visit(HOME, language="vi").press(f"way {way.label}")
    assert heading(visit) == Visit(way.route, language="vi").at.title[0].value
    wanted = {"network": way.network or way.route.opens_on, "language": "vi"}
    wanted |= {option: value for (option, _of), value in way.options.items()}
    assert wanted.items() <= visit.link.items()


@pytest.mark.parametrize("link", [{}, {"network": "vgg16"}], ids=["usual", "from a link"])
def test_a_network_chosen_from_the_list_becomes_the_chosen_one_and_its_graph_opens(link):
    visit = Visit(HOME, **link).choose(**{"network to open": "resnet18"})
    assert visit.widget("network").value == "resnet18"
    assert heading(visit) == "The layer graph"


def test_a_network_chosen_in_the_timeline_becomes_the_chosen_one_and_its_graph_opens():
    visit = Visit(HOME).choose(**{"open lenet": "LeNet-5"})
    assert visit.widget("network").value == "lenet5"
    assert heading(visit) == "The layer graph"


def test_who_comes_back_stays_and_may_open_the_same_network_again():
    visit = Visit(HOME).choose(**{"network to open": "lenet5"})
    for _ in range(2):
        visit.at.switch_page(HOME.script)
        assert heading(visit.run()) == "See how convolutional networks work"
        assert heading(visit.run()) == "See how convolutional networks work"
        assert visit.link["network"] == "lenet5"
        assert heading(visit.choose(**{"network to open": "lenet5"})) == "The layer graph"


# The strip ---------------------------------------------------------------------------------------------------------


def pixels_of(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


@torch.no_grad()
def test_the_strip_shows_the_strongest_unit_of_every_layer_and_its_part_of_the_photograph(home):
    loaded = load("zfnet_mini", "shipped", "cpu")
    image = loaded.preprocess(decoded(sample("coffee")))
    pixels = loaded.preprocess.for_the_eye(image)
    fields = receptive_fields(loaded.model, image.shape)
    strip = home.strip
    assert np.array_equal(pixels_of(strip["photograph"]), pixels)
    assert [tile["title"] for tile in strip["tiles"]] == [f"Layer {n}" for n in range(1, 6)]
    value, answers = image, {}
    for name, module in loaded.model.features.named_children():
        value = answers[f"features.{name}"] = module(value)  # (1, K, h, w)
    for tile, operation in zip(strip["tiles"], loaded.layers.values(), strict=True):
        maps = answers[operation][0]
        channel, row, column = np.unravel_index(int(maps.argmax()), maps.shape)
        assert tile["note"] == f"map {channel}, activation {maps.max():.3g}"
        sides, spans = pixels.shape[:2], (fields[operation].rows, fields[operation].columns)
        (top, bottom), (left, right) = (
            np.clip([span.start + span.jump * at, span.start + span.jump * at + span.size], 0, side)
            for span, at, side in zip(spans, (row, column), sides, strict=True)
        )
        assert tile["box"] == pytest.approx([top / sides[0], left / sides[1], bottom / sides[0], right / sides[1]])
        assert np.array_equal(pixels_of(tile["part"]), pixels[top:bottom, left:right])
        assert pixels_of(tile["saw"]).shape == (bottom - top, right - left, 3)


@pytest.mark.parametrize(
    ("network", "title", "tiles"),
    [
        ("lenet5", "LeNet-5", "C1 C3 C5"),
        ("resnet18", "ZFNet mini", "1 2 3 4 5"),
        ("alexnet_mini", "AlexNet mini", "1 2 3 4 5"),
        ("cifar_alexnet", "AlexNet for CIFAR", "1 2 3 4 5"),
    ],
)
def test_the_strip_is_the_chosen_networks_where_it_was_trained_and_is_here(network, title, tiles):
    visit = Visit(HOME, network=network)
    assert [tile["title"] for tile in visit.strip["tiles"]] == [f"Layer {name}" for name in tiles.split()]
    assert title in visit.captions
    assert "random" not in visit.captions


def test_random_weights_are_not_shown_at_home():
    visit = Visit(HOME, weights="random")
    assert "safetensors" in visit.captions
    assert visit.predictions[0].startswith("espresso")


def test_a_picture_given_at_home_is_taken_apart_there_and_on_the_other_pages_until_it_is_removed():
    visit = Visit(HOME).upload(saved(photograph(300, 200), "PNG"), "<b>mine</b>.png")
    given = visit.strip["photograph"]
    assert visit.strip["note"].startswith("<b>mine</b>.png, as the network")
    assert "sample" not in visit.link
    visit.at.switch_page(LAYERS.script)
    visit.run()
    assert visit.strip["note"].startswith("<b>mine</b>.png, as")
    visit.press(f"remove {PICTURE_FILE}")
    visit.at.switch_page(HOME.script)
    assert visit.run().strip["note"].startswith("Cup of coffee, as the network")
    assert visit.strip["answer"]["known"] == "Right answers among ZFNet mini's 200 classes: espresso"
    assert visit.predictions[0].startswith("espresso")
    assert visit.strip["photograph"] != given


def test_what_is_no_picture_is_refused_and_the_page_goes_on():
    visit = Visit(HOME).upload(b"no picture", "none.png")
    assert len(visit.errors) == 1
    assert visit.at.get("plotly_chart")


# Links -------------------------------------------------------------------------------------------------------------


def test_a_link_restores_what_the_picture_shows():
    first = Visit(HOME, network="lenet5").choose(x="year", size="macs", language="vi")
    assert first.link == {"network": "lenet5", "sample": "digit_0", "x": "year", "size": "macs", "language": "vi"}
    again = Visit(HOME, **first.link)
    assert again.link == first.link
    assert figure(again) == figure(first)
    assert figure(again) != figure(Visit(HOME, language="vi"))


@pytest.mark.parametrize("link", [{"x": "accuracy"}, {"x": ""}, {"size": "year"}, {"network": "skynet"}])
def test_a_link_with_a_wrong_value_opens_the_page_without_it(link):
    visit = Visit(HOME, **link)
    assert visit.link == {"network": "zfnet_mini", "sample": "coffee", "language": "en"}


def test_what_the_picture_shows_outlives_a_look_at_another_page():
    visit = Visit(HOME, network="lenet5").choose(x="parameters", size="macs")
    shown = figure(visit)
    visit.at.switch_page(LAYERS.script)
    assert heading(visit.run()) == "What layers 1–5 respond to"
    visit.at.switch_page(HOME.script)
    assert figure(visit.run()) == shown
