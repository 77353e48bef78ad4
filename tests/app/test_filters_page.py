"""The page “Filters” without a browser: what a visitor sets, and what the page then says."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import save

from models import load
from models.decoding import decoded
from pages.common.cache import sample
from pages.common.export import table
from pages.common.session import WEIGHTS_FILE
from pages.look.filters.kernels import Shown, rows_of_tiles
from tests.app.visit import FILTERS, Visit
from vis.deconvnet import strongest_units
from vis.filters import ORDERS, convolutions, kernels_of, measured

VIEWS = ("layer", "clipping", "training", "pair")


def spoken(markdown: str) -> str:
    """Markdown as it is read: without the backslashes that keep text from being markup."""
    return re.sub(r"\\(.)", r"\1", markdown)


def numbers(visit: Visit) -> list[int]:
    """The filters, or the input maps, in the order in which they are shown."""
    return [int(re.search(r"\d+", label)[0]) for label in visit.pictures()[0]["labels"]]


def said(visit: Visit) -> str:
    return "\n".join(markdown.value for markdown in visit.at.markdown)


def of_network(network: str, layer: str, weights: str = "auto"):
    return measured(kernels_of(load(network, weights).model, layer))


# Opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("en", "Filters"), ("vi", "Bộ lọc")])
@pytest.mark.parametrize("view", VIEWS)
def test_opens_every_view_in_both_languages(view, language, title):
    visit = Visit(FILTERS, network="zfnet_mini", show=view, language=language)
    assert visit.at.title[0].value == title
    assert not visit.errors
    assert visit.link.get("show", "layer") == view
    assert visit.link["language"] == language


@pytest.mark.parametrize("network", ["lenet5", "lenet5_1998"])
def test_grey_filters_are_shown_as_one_plane(network):
    weights = "random" if network == "lenet5_1998" else "auto"
    visit = Visit(FILTERS, network=network, weights=weights, layer="features.c1", filter="2")
    tiles, plane = visit.pictures()
    assert (tiles["cells"], plane["cells"]) == (6, 25)
    assert "Red, green and blue" not in visit.captions


def test_back_and_forward_open_what_the_address_says_in_its_view_and_its_layer():
    visit = Visit(FILTERS, network="zfnet_mini").keep("filter zfnet_mini shipped features.conv1", (5,))
    entries = [visit.link]
    visit.choose(layer="features.conv2").choose(output=7).keep("filter zfnet_mini shipped features.conv2", (3,))
    entries += [visit.link, visit.choose(output=8).link, visit.choose(show="clipping").link]
    assert [len(entry.keys() & {"filter", "output", "input"}) for entry in entries] == [1, 2, 2, 0]
    for entry in (entries[2], entries[1], entries[0], entries[3], entries[0]):
        assert visit.go_back(**entry).link == entry
        assert re.findall(r"## (?:Filter|Input map) \d+", said(visit)) == (
            ["## Filter 5"] if "filter" in entry else ["## Input map 3"] if "input" in entry else []
        )


# Numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ORDERS)
def test_sorting_really_sorts(by):
    wanted = of_network("zfnet_mini", "features.conv1").order(by).tolist()
    visit = Visit(FILTERS, network="zfnet_mini").choose(sort=by)
    assert numbers(visit) == wanted
    assert visit.link.get("sort", "index") == by
    assert numbers(Visit(FILTERS, network="zfnet_mini", sort=by)) == wanted


def test_says_how_many_filters_are_dead_and_repeated_and_what_that_means():
    m = of_network("alexnet_mini", "features.conv1")
    text = said(Visit(FILTERS, network="alexnet_mini"))
    assert f"Dead: {len(m.dead)} of 64 (RMS below 5 % of the layer's median)" in text
    assert f"Repeated: {len(m.repeated)} of 64 (absolute cosine with another filter at least 0.8)" in text


def test_the_range_is_printed_and_changes_with_what_the_filters_act_on():
    visit = Visit(FILTERS, network="zfnet_mini")
    loaded = load("zfnet_mini")
    for on, std in (("normalised", None), ("picture", loaded.preprocess.std)):
        limit = np.abs(kernels_of(loaded.model, "features.conv1", std)).max()
        visit.choose(on=on)
        assert f"Grey is 0, white +{limit:.3g}, black −{limit:.3g}; one range for all." in spoken(visit.captions)
    visit.choose(range="own")
    assert "Each tile has its own range" in visit.captions
    assert (visit.link["range"], visit.link["on"]) == ("own", "picture")


def test_a_filter_seen_closely_tells_its_numbers_and_every_weight():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv1", filter="5")
    m = of_network("zfnet_mini", "features.conv1")
    tiles, planes = visit.pictures()
    assert tiles["selected"] == 5
    assert f"RMS {m.rms[5]:.4g} · norm {m.norm[5]:.4g}" in said(visit)
    assert (planes["rows"], planes["columns"]) == (7, 23)
    shown = np.reshape(planes["labels"], (7, 23))
    for channel, letter in enumerate("RGB"):
        weight = m.kernels[5, channel, 2, 3]
        assert shown[2, channel * 8 + 3] == f"{letter}, row 2, column 3: {weight:.4g}".replace("-", "−")
    visit.press("close filter")
    assert "filter" not in visit.link
    assert len(visit.pictures()) == 1


def test_the_ring_stays_with_its_filter_when_the_order_changes():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv1", filter="5")
    visit.choose(sort="norm")
    assert numbers(visit)[visit.pictures()[0]["selected"]] == 5


def test_arrow_keys_go_through_the_filters_in_their_order_and_through_the_layers():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv1", sort="norm")
    first, second, *_others = numbers(visit)
    visit.arrow("right")
    assert visit.link["filter"] == str(first)
    visit.arrow("right").arrow("down")
    assert visit.link["layer"] == "features.conv2"
    assert "filter" not in visit.link
    visit.arrow("right", "right", "up")
    assert visit.link["layer"] == "features.conv1"
    assert visit.link["filter"] == str(second)


# Deeper layers -----------------------------------------------------------------------------------------------------


def test_the_slices_of_an_output_map_stand_with_the_strongest_input_first():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv3", output="17")
    kernels = kernels_of(load("zfnet_mini").model, "features.conv3")
    assert numbers(visit) == np.argsort(-np.linalg.norm(kernels[17].reshape(128, -1), axis=1), kind="stable").tolist()
    assert "output map 17 over its 128 input maps" in spoken(visit.captions)


def test_the_output_map_with_the_largest_norm_is_shown_first():
    norms = np.linalg.norm(kernels_of(load("zfnet_mini").model, "features.conv2").reshape(128, -1), axis=1)
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv2")
    assert visit.link["output"] == str(norms.argmax())


@pytest.mark.heavy
def test_the_inputs_of_a_grouped_layer_are_numbered_as_in_the_whole_layer():
    link = {"network": "alexnet_2012", "weights": "random", "layer": "features.conv2"}
    assert sorted(numbers(Visit(FILTERS, **link, output="3"))) == list(range(48))
    second = Visit(FILTERS, **link, output="200", input="50")
    assert sorted(numbers(second)) == list(range(48, 96))
    assert "this filter reads only input maps 48 to 95" in said(Visit(FILTERS, **link, output="200"))
    assert "## Input map 50" in said(second)


# C3 of 1998: its filters read maps that are not next to each other, by Table I of the paper
C3 = [("three", 4, (4, 5, 0)), ("three", 5, (5, 0, 1)), ("four", 6, (0, 1, 3, 4)), ("four", 8, (0, 2, 3, 5))]


@pytest.mark.parametrize(("part", "output", "reads"), C3)
def test_each_slice_of_a_filter_over_scattered_maps_is_found_by_the_number_of_its_map(part, output, reads):
    layer = f"features.c3.{part}"
    m = measured(kernels_of(load("lenet5_1998", "random").model, layer)[output][:, None])
    link = {"network": "lenet5_1998", "weights": "random", "layer": layer, "output": str(output)}
    for i, number in enumerate(reads):
        visit = Visit(FILTERS, **link, input=str(number))
        assert f"## Input map {number}" in said(visit)
        assert f"RMS {m.rms[i]:.4g} · norm {m.norm[i]:.4g}" in said(visit)
        tiles = visit.pictures()[0]
        assert re.match(rf"Input map {number}: RMS {m.rms[i]:.3g},", tiles["labels"][tiles["selected"]])
        assert visit.link["input"] == str(number)


def test_a_filter_over_scattered_maps_names_them_all_and_opens_no_other():
    link = {"network": "lenet5_1998", "weights": "random", "layer": "features.c3.three"}
    visit = Visit(FILTERS, **link, output="4", input="2")
    assert "this filter reads only input maps 0, 4, 5" in said(visit)
    assert "input" not in visit.link
    assert "this filter reads only input maps 0 to 2" in said(Visit(FILTERS, **link, output="0"))


def test_a_weight_of_a_1x1_layer_can_be_read():
    link = {"network": "squeezenet1_1", "weights": "random", "layer": "features.3.squeeze"}
    matrix = kernels_of(load("squeezenet1_1", "random").model, "features.3.squeeze")[..., 0, 0]
    visit = Visit(FILTERS, **link, output="4", input="9")
    assert "## Output map 4, input map 9" in said(visit)
    assert f"weight {matrix[4, 9]:+.4g}".replace("-", "−") in said(visit)
    grid = visit.pictures()[0]
    rows, columns = (np.argsort(-np.linalg.norm(m, axis=1), kind="stable").tolist() for m in (matrix, matrix.T))
    assert divmod(grid["selected"], grid["columns"]) == (rows.index(4), columns.index(9))
    visit.choose(sort="index")
    assert divmod(visit.pictures()[0]["selected"], grid["columns"]) == (4, 9)


def test_a_large_matrix_is_shown_in_parts():
    visit = Visit(FILTERS, network="squeezenet1_1", weights="random", layer="classifier.1")
    assert (visit.pictures()[0]["columns"], visit.pictures()[0]["labels"]) == (512, None)
    assert visit.pictures()[0]["rows"] < 600  # of 1,000
    visit.choose(rows=512)
    assert not visit.errors


def test_a_layer_of_many_depthwise_filters_is_shown_in_parts():
    network, layer = "efficientnet_b0", "features.7.0.block.1.0"
    visit = Visit(FILTERS, network=network, weights="random", layer=layer)
    assert numbers(visit) == list(range(512))
    visit.choose(tiles=1024)
    assert numbers(visit) == list(range(1024, 1152))
    assert visit.link["tiles"] == "1024"
    assert numbers(Visit(FILTERS, **visit.link)) == list(range(1024, 1152))


# Links -------------------------------------------------------------------------------------------------------------


def test_a_link_restores_layer_order_range_and_filter():
    link = {"network": "zfnet_mini", "layer": "features.conv1", "sort": "frequency", "range": "own", "on": "picture"}
    visit = Visit(FILTERS, **link, filter="11")
    assert {name: visit.link[name] for name in link} == link
    assert visit.link["filter"] == "11"
    assert "## Filter 11" in said(visit)


def test_a_link_to_a_slice_restores_the_output_map_and_the_input_map():
    link = {"network": "zfnet_mini", "layer": "features.conv4", "output": "90", "input": "3", "sort": "orientation"}
    visit = Visit(FILTERS, **link)
    assert {name: visit.link[name] for name in link} == link
    assert "## Input map 3" in said(visit)


def test_a_link_to_an_output_map_of_one_layer_says_nothing_of_another():
    norms = np.linalg.norm(kernels_of(load("zfnet_mini").model, "features.conv4").reshape(192, -1), axis=1)
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv3", output="17", input="3")
    visit.choose(layer="features.conv4")
    assert visit.link["output"] == str(norms.argmax()) != "17"
    assert "input" not in visit.link


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer": "features.nothing"},
        {"layer": "<b>"},
        {"filter": "64"},
        {"filter": "-1"},
        {"filter": "x"},
        {"sort": "colour"},
        {"range": "none"},
        {"show": "all"},
        {"layer": "features.conv3", "output": "9999", "input": "9999"},
        {"show": "training", "epoch": "3", "map": "9999", "of": "9"},
        {"show": "clipping", "radius": "nan"},
    ],
)
def test_a_link_that_makes_no_sense_opens_the_page_as_usual(wrong):
    visit = Visit(FILTERS, network="zfnet_mini", **wrong)
    assert not visit.errors
    assert "filter" not in visit.link


def test_a_link_to_a_layer_without_filters_says_so_and_shows_the_first():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.relu1")
    assert "“features.relu1” is not a convolution" in spoken(visit.at.info[0].value)
    assert visit.link["layer"] == "features.conv1"


def test_what_is_chosen_of_one_network_is_not_asked_of_another():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv3", output="100", input="90")
    visit.choose(network="lenet5")
    assert not visit.errors
    assert visit.link["layer"] == "features.c1"
    visit.choose(network="zfnet_mini")
    assert (visit.link["layer"], visit.link["output"], visit.link["input"]) == ("features.conv3", "100", "90")


def test_the_way_to_what_a_filter_responds_to_leads_to_its_map():
    visit = Visit(FILTERS, network="zfnet_mini", layer="features.conv1", filter="5").press("responses")
    assert visit.at.title[0].value == "What layers 1–5 respond to"
    assert visit.inspector.startswith("Layer 1 · feature map 5,")


def test_the_way_from_a_layer_that_has_no_short_name_shows_it_as_one_more():
    link = {"network": "resnet18", "weights": "random", "layer": "layer1.0.conv1", "output": "7", "input": "2"}
    visit = Visit(FILTERS, **link).press("responses")
    assert visit.layers[0] == "Layer layer1.0.conv1"
    assert "## Layer layer1.0.conv1 · feature map 7," in said(visit)


# Clipping, figure 6, figure 4 --------------------------------------------------------------------------------------


def test_clipping_says_which_filters_it_would_change():
    visit = Visit(FILTERS, network="zfnet_mini", show="clipping")
    rms = of_network("zfnet_mini", "features.conv1").rms
    changed = np.flatnonzero(rms > 0.1).tolist()
    assert f"the {len(changed)} of 64 filters that the rule would rescale: {', '.join(map(str, changed))}" in spoken(
        visit.captions
    )
    visit.at.select_slider(key="filters/radius").set_value(0.5)
    visit.run()
    assert "the 0 of 64 filters that the rule would rescale: –" in spoken(visit.captions)
    assert visit.link["radius"] == "0.5"


@pytest.mark.parametrize("network", ["zfnet_mini", "alexnet_mini"])
def test_both_small_networks_stand_side_by_side_with_their_true_counts(network):
    text = said(Visit(FILTERS, network=network, show="pair"))
    for name in ("zfnet_mini", "alexnet_mini"):
        m = of_network(name, "features.conv1")
        assert f"Dead: {len(m.dead)} of 64" in text
        assert f"Repeated: {len(m.repeated)} of 64" in text


def test_both_are_shown_with_the_weights_that_ship_whatever_is_chosen_above():
    visit = Visit(FILTERS, network="zfnet_mini", weights="random", show="pair")
    assert "zfnet_mini.safetensors" in spoken(visit.captions)
    assert "alexnet_mini.safetensors" in spoken(visit.captions)


def test_the_pair_is_offered_of_these_two_networks_alone():
    assert "show" not in Visit(FILTERS, network="lenet5", show="pair").link


def test_the_slider_goes_through_the_epochs_and_a_filter_is_shown_at_each():
    visit = Visit(FILTERS, network="zfnet_mini", show="training", epoch="2", of="3", map="11", filter="6")
    assert (visit.link["epoch"], visit.link["of"], visit.link["map"], visit.link["filter"]) == ("2", "3", "11", "6")
    assert "top-1 accuracy 18.0 % on the validation pictures" in said(visit)
    assert "After epochs 1, 2, 5, 10, 20, from left to right." in visit.captions
    visit.at.select_slider(key="filters/epoch/zfnet_mini").set_value(10)
    visit.run()
    assert "top-1 accuracy 34.8 % on the validation pictures" in said(visit)
    assert visit.link["epoch"] == "10"


def test_the_map_that_is_shown_at_first_through_training_is_the_strongest_after_the_last_epoch():
    loaded = load("zfnet_mini", "shipped", "cpu")
    image = loaded.preprocess(decoded(sample("coffee")))
    (strongest,) = strongest_units(loaded.model, image, loaded.layers["5"], k=1)
    assert Visit(FILTERS, network="zfnet_mini", show="training").link["map"] == str(strongest.channel)


@pytest.mark.parametrize(
    ("show", "files"),
    [("layer", 2), ("clipping", 1), ("training", 2), ("pair", 4)],
)
def test_what_a_view_shows_can_be_taken_away(show, files):
    assert len(Visit(FILTERS, network="zfnet_mini", show=show).at.get("download_button")) == files


@pytest.mark.parametrize("network", ["alexnet_mini", "lenet5", "resnet18"])
def test_a_network_without_checkpoints_says_which_have_some(network):
    visit = Visit(FILTERS, network=network, weights="random", show="training")
    assert "networks with saved checkpoints: ZFNet mini." in visit.at.info[-1].value


# One's own weights and files -----------------------------------------------------------------------------------------


def test_ones_own_weights_are_shown_under_their_name():
    state = {k: v.clone() for k, v in load("zfnet_mini").model.state_dict().items()}
    state["features.conv1.weight"][9] = 0
    visit = Visit(FILTERS, network="zfnet_mini").choose(weights="file")
    visit.upload(save(state), "mine_[1].safetensors", WEIGHTS_FILE)
    assert "mine_[1].safetensors" in spoken(visit.captions)
    assert "Dead: 1 of 64" in said(visit)
    assert "A red frame marks a dead filter." in visit.captions
    assert not visit.errors


@pytest.mark.parametrize("show", ["training", "pair"])
def test_a_picture_that_cannot_be_read_ends_the_views_that_need_one_with_a_sentence(show):
    visit = Visit(FILTERS, network="zfnet_mini", show=show).upload(b"no picture", "broken.png")
    assert len(visit.errors) == 1


def test_filters_need_no_picture():
    visit = Visit(FILTERS, network="zfnet_mini").upload(b"no picture", "broken.png")
    assert not visit.errors
    assert visit.pictures()


@pytest.mark.parametrize(("layer", "output", "first"), [("features.conv1", None, 0), ("features.conv3", 17, 0)])
def test_the_table_has_a_row_for_every_tile_and_says_whose_they_are(layer, output, first):
    loaded = load("zfnet_mini")
    kernels = kernels_of(loaded.model, layer)
    m = measured(kernels if output is None else kernels[output][:, None])
    convolution = convolutions(loaded.model)[layer]
    count = range(first, first + len(m.kernels))
    shown = Shown(None, loaded, convolution, m, count, output, own=False, on_picture=False)
    found = pd.read_csv(io.BytesIO(table(rows_of_tiles(shown))))
    assert found[("filter" if output is None else "input_map")].tolist() == list(count)
    assert set(found["weights"]) == {loaded.weights.sha256}
    assert set(found["layer"]) == {layer}
    np.testing.assert_allclose(found["rms"], m.rms)
    assert found["orientation_degrees"].isna().tolist() == np.isnan(m.orientation).tolist()
    if output is None:
        assert found["dead"].tolist() == [int(i in m.dead) for i in count]
