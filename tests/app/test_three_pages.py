"""What the pages “Filters”, “Activations” and “Top nine pictures” promise alike, without a browser.

That they say whose weights they show, that their tables say what they are of, that layers are offered in the order of
the network, and that a picture which cannot be read any more ends its own card alone.
"""

import csv
import io
import shutil
from collections.abc import Callable

import pytest
from safetensors.torch import save
from streamlit.runtime.media_file_manager import MediaFileManager

from models import ARCHITECTURES, load
from models.picture_sets import folder
from pages.common.cache import sample_sha256
from pages.look.top9.state import OneOfNine
from tests.app.test_top9_page import kept, many, maps, of_folder, root, searched, tiles_of
from tests.app.visit import ACTIVATIONS, FILTERS, Visit
from vis.filters import convolutions
from vis.top9 import find, key_of
from vis.trace import traced

__all__ = ["kept", "root"]  # fixtures


# Whose weights -----------------------------------------------------------------------------------------------------

SHIPPED = "The shipped weights are shown below, not those chosen above."


def notes(visit: Visit) -> list[str]:
    return [info.value for info in visit.at.info]


@pytest.mark.parametrize("show", ["training", "pair"])
def test_a_view_of_the_shipped_weights_says_so_where_others_are_chosen(show):
    visit = Visit(FILTERS, network="zfnet_mini", weights="random", show=show)
    assert notes(visit) == [SHIPPED]
    assert SHIPPED not in notes(visit.choose(weights="auto"))


@pytest.mark.parametrize("show", ["training", "pair"])
def test_it_says_so_of_weights_of_ones_own_and_in_vietnamese(show):
    visit = Visit(FILTERS, network="zfnet_mini", show=show, language="vi").choose(weights="file")
    visit.upload_weights(save(load("zfnet_mini", "random", "cpu").model.state_dict()), "mine.safetensors")
    assert notes(visit) == ["Bên dưới là trọng số đi kèm ứng dụng, không phải trọng số chọn ở trên."]


@pytest.mark.parametrize("show", ["layer", "clipping"])
def test_views_of_the_chosen_weights_say_nothing_of_shipped_ones(show):
    assert SHIPPED not in notes(Visit(FILTERS, network="zfnet_mini", weights="random", show=show))


# Tables ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(monkeypatch) -> dict[str, Callable[[], bytes | str]]:
    """By its name, how each file that the pages offer is made; it is made once its button is pressed."""
    offered, register = {}, MediaFileManager.add_deferred

    def noted(manager, make, mimetype, coordinates, file_name=None, **more):
        offered[file_name] = make
        return register(manager, make, mimetype, coordinates, file_name, **more)

    monkeypatch.setattr(MediaFileManager, "add_deferred", noted)
    return offered


def rows(files: dict[str, Callable], name: str) -> list[dict[str, str]]:
    content = files[name]()
    text = content if isinstance(content, str) else content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def all_of(table: list[dict[str, str]], *columns: str) -> set[tuple[str, ...]]:
    """The different values of these columns."""
    return {tuple(row[column] for column in columns) for row in table}


def sha256(network: str) -> str:
    return load(network, "shipped", "cpu").weights.sha256


def test_every_row_of_the_table_of_filters_says_of_which_network_weights_and_layer_it_is(files):
    Visit(FILTERS, network="zfnet_mini", layer="features.conv1", on="picture")
    table = rows(files, "zfnet_mini-features.conv1-filters.csv")
    assert all_of(table, "network", "weights", "layer", "acts_on") == {
        ("zfnet_mini", sha256("zfnet_mini"), "features.conv1", "pixels from 0 to 1")
    }
    assert [row["filter"] for row in table] == [str(i) for i in range(64)]


def test_a_table_of_slices_says_of_which_output_map_they_are_and_calls_input_maps_by_their_numbers(files):
    link = {"network": "lenet5_1998", "weights": "random", "layer": "features.c3.three", "output": "1"}
    visit = Visit(FILTERS, **link)
    table = rows(files, "lenet5_1998-features.c3.three-1-filters.csv")
    assert all_of(table, "network", "layer", "output_map") == {("lenet5_1998", "features.c3.three", "1")}
    reads = [row["input_map"] for row in table]
    assert reads == ["1", "2", "3"]  # Table I of LeCun et al. 1998
    assert {row["most_like"] for row in table} <= {*reads}
    assert "dead" not in table[0]
    assert len(visit.pictures()[0]["labels"]) == len(table)


def test_every_row_of_the_table_of_activations_says_also_of_which_picture_it_is(files):
    link = {"network": "zfnet_mini", "layer": "features.relu3"}
    tables = []
    for picture in ("chelsea", "rocket"):
        Visit(ACTIVATIONS, **link, sample=picture)
        tables.append(rows(files, "zfnet_mini-features.relu3-activations.csv"))
        of = ("zfnet_mini", sha256("zfnet_mini"), "features.relu3", f"{picture} {sample_sha256(picture)[:8]}")
        assert all_of(tables[-1], "network", "weights", "layer", "picture") == {of}
        assert [row["channel"] for row in tables[-1]] == [str(i) for i in range(192)]
    both = [*tables[0], *tables[1]]  # put together, they can still be told apart
    assert len(all_of(both, "network", "weights", "picture", "layer", "channel")) == len(both)


def test_every_row_of_the_table_of_nines_says_of_which_network_weights_and_pictures_it_is(files, root):
    searched(of_folder())
    table = rows(files, "convscope-top9-lenet5.csv")
    assert all_of(table, "network", "weights") == {("lenet5", sha256("lenet5"))}
    assert all("set" in row["pictures"] for row in table)
    layers = ARCHITECTURES["lenet5"].layers
    assert all_of(table, "layer", "operation") == {*layers.items()}
    assert all_of(table, "picture") <= {(id,) for id in folder(root / "set", root).ids}
    assert len(all_of(table, "network", "weights", "pictures", "operation", "channel", "rank")) == len(table)


@pytest.mark.parametrize("page", [FILTERS, ACTIVATIONS])
def test_a_table_of_random_weights_is_not_of_the_shipped_ones(files, page):
    Visit(page, network="zfnet_mini", weights="random", layer="features.conv1")
    (table,) = [rows(files, name) for name in files if name.endswith(".csv")]
    ((weights,),) = all_of(table, "weights")
    assert weights not in ("", "None", sha256("zfnet_mini"))


# Layers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["googlenet_2014", "mobilenet_v2", "lenet5_1998"])
def test_layers_are_offered_in_the_order_in_which_the_network_goes_through_them(network):
    model = load(network, "random", "cpu").model
    order = list(traced(model).names.values())
    for page, least in (
        (FILTERS, convolutions(model)),
        (ACTIVATIONS, ARCHITECTURES[network].layers.values()),
    ):
        options = Visit(page, network=network, weights="random").widget("layer").options
        offered = [option.split(" · ")[0] for option in options]
        assert {*least} <= {*offered}
        assert offered == sorted(offered, key=order.index)


def chooser(visit: Visit):
    """The choice of the layer whose nines are shown."""
    return visit.widget("layer")


def test_layers_of_nines_are_in_the_order_of_the_network_and_not_in_that_of_the_clicks(root):
    visit = searched(of_folder().choose(searched=["C5", "C1"]))
    assert chooser(visit).options == ["C1", "C5"]
    assert visit.link["layer"] == "C5"  # the one in the middle, of two the second
    assert "features\\.relu5" in visit.captions
    searched(visit.choose(searched=["C5", "C3", "C1"]))
    assert chooser(visit).options == ["C1", "C3", "C5"]


# Cards -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_is_gone(root, kept) -> tuple[str, list[int], list[int]]:
    """A search whose tiles are to be made anew, after a picture of some of its nines was lost.

    Returns:
        The picture, the feature maps of C1 that need it, and those that do not.
    """
    many(root, 40)
    searched(of_folder("many", layer="C1"))
    loaded, pictures = load("lenet5"), folder(root / "many", root)
    top = find(key_of(loaded, pictures, list(loaded.layers.values())), kept)
    nines = {channel: {entry.picture for entry in top.entries("features.relu1", channel)} for channel in range(6)}
    lost = next(id for id in pictures.ids if 0 < sum(id in nine for nine in nines.values()) < 6)
    shutil.rmtree(tiles_of(kept)[0].parent)
    (root / "many" / lost).unlink()
    need = [channel for channel, nine in nines.items() if lost in nine]
    return lost, need, [channel for channel in nines if channel not in need]


def test_a_picture_that_is_gone_ends_the_cards_that_need_it_and_no_others(one_is_gone):
    _lost, need, others = one_is_gone
    visit = of_folder("many", layer="C1", sort="number")
    assert maps(visit) == list(range(6))
    assert visit.errors == ["The file cannot be read\\: it is gone, or access is denied\\."] * len(need)
    assert len(visit.pictures()) == 2 * len(others) > 0
    assert [data["alt"].split(":")[0] for data in visit.pictures()[::2]] == [f"Feature map {n}" for n in others]


def test_what_stands_below_the_cards_stands_there_though_one_of_them_ended(one_is_gone, files):
    visit = of_folder("many", layer="C1")
    assert visit.link["layer"] == "C1"
    assert {"convscope-top9-lenet5.csv", "convscope-top9-lenet5.parquet"} <= files.keys()


def test_a_close_up_of_a_picture_that_is_gone_leaves_the_cards_as_they_are(root):
    many(root, 40)
    visit = searched(of_folder("many", layer="C1"))
    before, channel = visit.pictures(), maps(visit)[0]
    name = before[0]["labels"][0].split("\n")[0].split(" ")[1]
    (root / "many" / name).unlink()
    visit.keep("one of nine", OneOfNine("C1", channel, 0))
    assert len(visit.errors) == 1
    assert [data["picture"] for data in visit.pictures()] == [data["picture"] for data in before]
