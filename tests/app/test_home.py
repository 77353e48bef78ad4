"""The first page without a browser: what it tells of every network, and how it leads to them."""

import base64
import json

import numpy as np
import pytest

from models import ARCHITECTURES
from tests.app.visit import APP, HOME, LAYERS, Visit

FAMILIES = {architecture.family for architecture in ARCHITECTURES.values()}


def figure(visit: Visit) -> dict:
    (chart,) = visit.at.get("plotly_chart")
    return json.loads(chart.proto.spec)


def heading(visit: Visit) -> str:
    return visit.at.title[0].value


KNOWN = {  # whose accuracy on ImageNet is known: torchvision's, or the paper's
    name
    for name, a in ARCHITECTURES.items()
    if a.accuracy is not None or (a.published.top1_error and a.family != "lenet")
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
    assert {markdown.value for markdown in visit.at.markdown}.issuperset(text.strip().split("\n\n"))
    assert not visit.errors


def test_every_family_stands_in_the_timeline_in_the_order_of_its_years(home):
    cards = [markdown.value for markdown in home.at.markdown if markdown.value.startswith("#### :primary[")]
    years = [int(card[14:18]) for card in cards]
    assert years == sorted(years)
    assert (years[0], years[-1]) == (1998, 2022)
    menus = {menu.key.removeprefix("open "): list(menu.options) for menu in home.at.menu_button}
    assert menus == {family: [a.title for a in ARCHITECTURES.values() if a.family == family] for family in FAMILIES}
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
    absent = [a for name, a in ARCHITECTURES.items() if name not in shown]
    listed = note.replace(", which", "").replace(", of which", "").replace("; and", ",")
    assert all(a.title in listed for a in absent)
    assert len(absent) > 0


def test_the_picture_is_described_to_those_who_do_not_see_it(home):
    (chart,) = home.at.get("plotly_chart")
    assert chart.proto.alt.startswith(f"Top-1 accuracy of {len(KNOWN)} ")
    assert "from AlexNet with 56.5 % to ConvNeXt-L with 84.4 %" in chart.proto.alt


# What it leads to --------------------------------------------------------------------------------------------------


def test_leads_to_both_pages_with_the_network_and_the_language():
    visit = Visit(HOME, network="resnet50", language="vi")
    assert [link.proto.query_string for link in visit.at.page_link] == ["network=resnet50&language=vi"] * 2
    assert [link.proto.page for link in visit.at.page_link] == ["layers", "architecture"]


@pytest.mark.parametrize("link", [{}, {"network": "vgg16"}], ids=["usual", "from a link"])
def test_a_network_chosen_from_the_list_becomes_the_sidebars_and_its_graph_opens(link):
    visit = Visit(HOME, **link).choose(**{"network to open": "resnet18"})
    assert visit.widget("network").value == "resnet18"
    assert heading(visit) == "The layer graph"


def test_a_network_chosen_in_the_timeline_becomes_the_sidebars_and_its_graph_opens():
    visit = Visit(HOME).choose(**{"open lenet": "LeNet-5"})
    assert visit.widget("network").value == "lenet5"
    assert heading(visit) == "The layer graph"


def test_who_comes_back_stays_and_may_open_the_same_network_again():
    visit = Visit(HOME).choose(**{"network to open": "lenet5"})
    for _ in range(2):
        visit.at.switch_page(HOME.script)
        assert heading(visit.run()) == "See how convolutional networks work"
        assert heading(visit.run()) == "See how convolutional networks work"
        assert visit.widget("network").value == "lenet5"
        assert heading(visit.choose(**{"network to open": "lenet5"})) == "The layer graph"


# Links -------------------------------------------------------------------------------------------------------------


def test_a_link_restores_what_the_picture_shows():
    first = Visit(HOME, network="lenet5").choose(x="year", size="macs", language="vi")
    assert first.link == {"network": "lenet5", "sample": "coffee", "x": "year", "size": "macs", "language": "vi"}
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
