"""The page “Activations” of every network, as its visitors set it and read it; clicks are in tests/live."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from models import ARCHITECTURES, load
from models.decoding import decoded
from pages.common.cache import sample
from pages.common.opened import Opened
from tests.app.visit import ACTIVATIONS, Visit
from tests.unit.pictures import saved
from vis.activations import activations
from vis.figures.pictures import heat
from vis.filters import convolutions
from vis.trace import record


def visit(**link: str) -> Visit:
    return Visit(ACTIVATIONS, **link)


def enlarged(page: Visit) -> str | None:
    """The title of the enlarged map; other headings of its size are the layer's, for a room, and the long text's."""
    titles = (m.value[3:].replace("\\", "") for m in page.at.markdown if m.value.startswith("## "))
    return next((title for title in titles if " · feature map " in title), None)


def read(page: Visit) -> str:
    """All captions, as they look."""
    return page.captions.replace("\\", "")


def labels(page: Visit) -> list[str]:
    """What the tiles of the sheet say, in their order."""
    return page.pictures()[0]["labels"]


def numbers(page: Visit) -> list[int]:
    """The maps on the sheet, in their order."""
    return [int(label.split("\n")[0].split(":")[0].split()[-1]) for label in labels(page)]


def ledger(page: Visit) -> dict[str, float]:
    """The terms of the arithmetic by their names."""
    lines = [line for line in page.at.code[0].value.splitlines() if not line.startswith("─")]
    return {name.strip(): float(number.replace("−", "-")) for name, number in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture(scope="module")
def first_layer():
    """What the page should show of zfnet_mini's first layer."""
    loaded = load("zfnet_mini", "shipped", "cpu")
    image = loaded.preprocess(decoded(sample("coffee")))
    return activations(loaded.model, image, loaded.layers["1"]), record(loaded.model, image, [loaded.layers["1"]])


def test_back_and_forward_open_the_map_of_the_address_in_its_layer_and_its_network():
    page = visit(network="lenet5", layer="features.c1").keep("opened activations lenet5", Opened("features.c1", 2))
    first = page.link
    page.choose(layer="features.c3").keep("opened activations lenet5", Opened("features.c3", 5, (1, 2)))
    second = page.link
    page.choose(network="zfnet_mini")
    assert enlarged(page) is None
    for entry, title in ((second, "features.c3 · feature map 5"), (first, "features.c1 · feature map 2")):
        page.go_back(**entry)
        assert (enlarged(page), page.link) == (title, entry)
    without = {name: said for name, said in first.items() if name != "map"}
    assert enlarged(page.go_back(**without)) is None
    assert page.link == without


def test_a_sheet_has_every_map_with_its_numbers(first_layer):
    found, _recording = first_layer
    page = visit(network="zfnet_mini", range="shared")
    assert numbers(page) == [*range(64)]
    for label, maximum, silent in zip(labels(page), found.maximum, found.silent, strict=True):
        assert f"maximum {maximum:.3g}" in label
        assert f"zeros {100 * silent:.0f} %" in label
    assert f"bright is {found.limit:.3g}" in read(page)


@pytest.mark.parametrize("by", ["maximum", "mean", "silent"])
def test_sorting_puts_the_largest_first(first_layer, by):
    page = visit(network="zfnet_mini").choose(sort=by)
    assert numbers(page) == first_layer[0].order(by).tolist()
    assert numbers(page) != [*range(64)]
    assert page.link["sort"] == by
    assert numbers(visit(**page.link)) == numbers(page)


def test_own_ranges_are_usual_and_say_so_and_a_shared_one_makes_another_picture():
    page = visit(network="zfnet_mini")
    own = page.pictures()[0]["picture"]
    assert "Each map has its own range: dark is 0" in read(page)
    page.choose(range="shared")
    assert page.pictures()[0]["picture"] != own
    assert visit(**page.link).pictures()[0]["picture"] == page.pictures()[0]["picture"]


def test_single_values_have_one_range_for_all():
    page = visit(network="alexnet_mini", layer="classifier.fc6")
    assert "own range" not in read(page)
    assert "bright is" in read(page) or "Grey is 0" in read(page)


def test_a_map_is_enlarged_by_its_number_too():
    page = visit(network="zfnet_mini", layer="features.relu3").choose(**{"map by number zfnet_mini": 17})
    assert enlarged(page) == "features.relu3 · feature map 17"
    assert page.link["map"] == "17"
    assert page.widget("map by number zfnet_mini").value is None


def test_a_number_typed_while_another_layer_is_on_its_way_is_of_that_layer():
    """A browser sends both at once; a number that this layer does not have opens nothing."""
    page = visit(network="zfnet_mini", layer="features.relu3")
    page.widget("map by number zfnet_mini").set_value(17)
    assert enlarged(page.press("chip 4")) == "features.relu4 · feature map 17"
    page = visit(network="zfnet_mini", layer="features.relu3")
    page.widget("map by number zfnet_mini").set_value(150)
    assert enlarged(page.press("chip 1")) is None


def test_any_operation_can_be_chosen_and_a_chip_goes_back_to_a_named_layer():
    page = visit(network="zfnet_mini").choose(**{"layer": "features.conv2"})
    assert page.link["layer"] == "features.conv2"
    assert "grey is 0" in read(page).lower()  # its values have a sign
    page.press("chip 3")
    assert page.link["layer"] == "features.relu3"
    assert page.pictures()[0]["cells"] == 192


def test_a_link_opens_the_layer_the_map_and_the_position_that_it_names(first_layer):
    page = visit(network="zfnet_mini", layer="features.relu1", map="3", at="20,40")
    found, recording = first_layer
    assert enlarged(page) == "features.relu1 · feature map 3"
    _sheet, alone, over = page.pictures()
    columns = found.shape[2]
    assert alone["selected"] == over["selected"] == 20 * columns + 40
    value = recording.of("features.relu1")[0, 3, 20, 40].item()
    assert any(f"row 20, column 40: **{value:.4g}**" in text.value for text in page.at.markdown)
    assert {"layer": "features.relu1", "map": "3", "at": "20,40"}.items() <= page.link.items()


def test_the_sum_of_the_arithmetic_is_the_value_of_the_network(first_layer):
    page = visit(network="zfnet_mini", layer="features.relu1", map="3", at="0,5")
    terms = ledger(page)
    value = first_layer[1].of("features.conv1")[0, 3, 0, 5].item()
    assert terms["the network's value"] == pytest.approx(value, abs=2e-5)
    assert terms["sum"] == pytest.approx(value, abs=2e-5)
    parts = sum(number for name, number in terms.items() if name in ("red", "green", "blue", "bias"))
    assert parts == pytest.approx(terms["sum"], abs=5e-5)  # each is rounded
    assert "Crosses mark padding" in read(page)


@pytest.mark.parametrize(("network", "has_bias"), [("zfnet_mini", False), ("lenet5", True)])
def test_the_arithmetic_names_a_bias_only_where_there_is_one(network, has_bias):
    first = next(iter(convolutions(load(network).model)))
    page = visit(network=network, layer=first, map="0", at="3,3")
    assert ("bias" in ledger(page)) == has_bias
    title = next(m.value for m in page.at.markdown if "The arithmetic of" in m.value)
    assert ("plus the bias" in title) == has_bias
    assert ("this layer has no bias" in title) != has_bias


def test_a_deeper_value_is_split_by_its_strongest_inputs():
    page = visit(network="zfnet_mini", layer="features.conv3", map="0", at="3,3")
    terms = ledger(page)
    assert len([name for name in terms if name.startswith("channel ")]) == 8
    assert "the other 120 channels" in terms
    *parts, total, value = terms.values()
    assert sum(parts) == pytest.approx(total, abs=6e-4)  # ten terms, each rounded to 1e-4
    assert total == pytest.approx(value, abs=1e-4)


def test_a_linear_layer_is_a_sheet_of_numbers_with_the_names_of_classes():
    page = visit(network="zfnet_mini", layer="classifier.fc7", map="2")
    categories = load("zfnet_mini", "shipped", "cpu").categories
    assert all(category in label for label, category in zip(labels(page), categories, strict=True))
    assert len(page.pictures()) == 1  # a number has no positions to click
    assert ledger(page)["the network's value"] == pytest.approx(ledger(page)["sum"], abs=1e-3)


@pytest.mark.parametrize(
    "link",
    [
        {"layer": "features.relu99"},
        {"layer": "features.relu1", "map": "64"},
        {"layer": "features.relu1", "map": "1", "at": "200,0"},
        {"layer": "features.relu1", "map": "x", "at": "1"},
        {"sort": "beauty", "range": "none"},
    ],
)
def test_a_link_to_what_is_not_there_opens_the_layer_without_it(link):
    page = visit(network="zfnet_mini", **link)
    assert page.link["layer"] == "features.relu1"
    assert not {"map", "at", "sort"} & page.link.keys()
    assert not page.errors


def test_more_maps_than_fit_on_a_page_are_on_several():
    page = visit(network="zfnet_mini", layer="features.relu5").choose(**{"on_a_page": 128})
    assert numbers(page) == [*range(128)]
    page.choose(**{"page": 1})
    assert numbers(page) == [*range(128, 256)]


def test_the_page_with_the_enlarged_map_is_shown_first():
    page = visit(network="zfnet_mini", layer="features.relu5", map="200").choose(**{"on_a_page": 64})
    assert numbers(page) == [*range(192, 256)]


def test_dead_maps_are_counted_for_all_named_layers():
    page = visit(network="zfnet_mini")
    table = page.at.table[0].value.map(lambda cell: cell.replace("\\", ""))
    assert table["operation"].tolist() == list(ARCHITECTURES["zfnet_mini"].layers.values())
    loaded = load("zfnet_mini", "shipped", "cpu")
    image = loaded.preprocess(decoded(sample("coffee")))
    maps = record(loaded.model, image).of("features.relu5")[0]
    dead = int((maps.amax((1, 2)) <= 0).sum())
    assert table["dead maps"].tolist()[-1].startswith(f"{dead} / 256")


@pytest.mark.parametrize("weights", ["random", "shipped"])
def test_the_banner_of_random_weights_hides_no_value_of_an_enlarged_map(weights):
    """Where there is one, it stands below the map's own rows."""
    page = visit(network="zfnet_mini", weights=weights, layer="features.relu5", map="3")
    alone = page.pictures()[1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(alone["picture"]))).convert("RGB"))
    rows = len(alone["labels"]) // alone["columns"]
    assert alone["rows"] == rows
    assert (alone["share"] < 1) == (weights == "random")
    of_values = picture[: round(len(picture) * alone["share"])].reshape(-1, 3)
    assert set(map(tuple, of_values)) <= set(map(tuple, heat(np.linspace(0, 1, 2560)[None], 1.0)[0]))


@pytest.mark.parametrize("network", [{}, {"network": "skynet"}])
def test_a_links_layer_and_map_are_opened_in_the_usual_network_where_it_names_none_that_there_is(network):
    page = visit(**network, layer="features.relu3", map="17")
    assert page.link["network"] == "zfnet_mini"
    assert enlarged(page) == "features.relu3 · feature map 17"
    assert len(page.at.toast) == len(network)  # that there is no such network


def test_another_layer_closes_the_enlarged_map():
    page = visit(network="zfnet_mini", layer="features.relu1", map="3")
    page.press("chip 2")
    assert enlarged(page) is None
    page.press("chip 1")
    assert enlarged(page) is not None  # it was only out of sight


def test_arrow_keys_go_through_the_maps_in_their_order_and_keep_the_map_where_layers_number_theirs_alike():
    page = visit(network="zfnet_mini", layer="features.conv2", sort="maximum")
    first, second, *_others = numbers(page)
    assert enlarged(page.arrow("right")).endswith(f"feature map {first}")
    assert enlarged(page.arrow("right", "right", "left")).endswith(f"feature map {second}")
    assert page.link["map"] == str(second)
    page.arrow("down", "down")
    assert enlarged(page) == f"features.relu2 · feature map {second}"
    page.arrow("down", "down")
    assert page.link["layer"] == "features.conv3"
    assert enlarged(page) is None  # it has 192 maps, those before 128
    page.arrow(*["down"] * 100)
    assert page.link["layer"] == "classifier.fc7"


def test_close_closes_the_enlarged_map():
    page = visit(network="zfnet_mini", layer="features.relu1", map="3").press("close map")
    assert enlarged(page) is None
    assert "map" not in page.link


def test_the_page_speaks_vietnamese():
    page = visit(network="zfnet_mini", layer="features.relu1", map="3", language="vi")
    assert page.at.title[0].value == "Các bản đồ kích hoạt"
    assert "bản đồ đặc trưng 0" in labels(page)[0]
    assert re.search(r"lớn nhất \d+,\d+ · trung bình \d+,\d+", labels(page)[0])
    assert "giá trị của mạng" in page.at.code[0].value


def test_weights_whose_maps_are_not_finite_are_refused_with_a_sentence():
    state = load("lenet5", "random", "cpu").model.state_dict()
    state["features.c3.weight"] = torch.full_like(state["features.c3.weight"], 3e38)
    file = io.BytesIO()
    torch.save(state, file)
    page = visit(network="lenet5", layer="features.relu3").choose(weights="file").upload_weights(file.getvalue())
    assert any("non-finite" in error.replace("\\", "") for error in page.errors)
    page.choose(**{"layer": "features.relu1"})  # the controls outlive it
    assert page.pictures()[0]["cells"] == 6


def test_a_portrait_picture_of_ones_own_is_shown():
    pixels = np.random.default_rng(0).integers(0, 255, (300, 120, 3), np.uint8)
    page = visit(network="zfnet_mini", map="0", layer="features.relu1").upload(saved(Image.fromarray(pixels), "PNG"))
    assert not page.errors
    assert "picture.png" in read(page)


def test_the_name_of_a_file_of_weights_is_text():
    file = io.BytesIO()
    torch.save(load("lenet5", "random", "cpu").model.state_dict(), file)
    page = visit(network="lenet5", layer="features.relu1", map="0").choose(weights="file")
    page.upload_weights(file.getvalue(), "*mine*.pt")
    named = [line for line in page.captions.splitlines() if "mine" in line]
    assert len(named) == 2  # of the sheet, and of the enlarged map
    assert all(r"\*mine\*\.pt" in line for line in named)


def test_the_way_to_what_the_layer_responds_to_names_the_layer():
    page = visit(network="zfnet_mini", layer="features.conv2").press("respond")
    assert page.link["also"] == "features.conv2"
