"""The page “Top nine pictures” without a browser: what a visitor sets, and what the page then says."""

import base64
import csv
import io
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save as safetensors

from models import ARCHITECTURES, Architecture, load, loading
from models.images import Preprocess
from models.picture_sets import folder, samples
from models.samples import photographs
from pages.common import cache
from pages.common.cache import networks, top9
from pages.common.cache.memory import remembered_things
from pages.common.export import table
from pages.common.session import SET_FILE
from pages.common.text import plain
from pages.look.top9.mining import Asked
from pages.look.top9.nine import Slice
from pages.look.top9.ranking import Shown, sheet_in_words, sheet_of
from pages.look.top9.state import Mining, OneOfNine
from tests.app.visit import TOP9, Visit, a_moment
from tests.unit.pictures import saved
from vis.deconvnet import Box
from vis.figures.nine import Tile, montages, side_by_side, tile, whole
from vis.figures.pictures import EDGE, LINE
from vis.figures.tilefile import file_of, read, write
from vis.top9 import as_parquet, find, key_of, mine, open_top, patches_and_projections, rows

LIGHT = ("lenet5", "zfnet_mini", "alexnet_mini", "mobilenet_v2", "squeezenet1_1")
PATIENCE = 60  # seconds


def picture(seed: int, size: tuple[int, int] = (80, 60)) -> Image.Image:
    """Coloured patches, different for every seed."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 10, size[0] // 10, 3), dtype=np.uint8)
    return Image.fromarray(noise.repeat(10, 0).repeat(10, 1))


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    """Where this test's server keeps its results: nothing of an earlier test is found there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "kept"))
    return cache.kept() / "top9"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A folder that is open to visitors: twelve pictures of two classes in "set", some portrait, some broken."""
    root = tmp_path / "root"
    for seed in range(12):
        file = root / "set" / ("even" if seed % 2 == 0 else "odd") / f"{seed:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(saved(picture(seed, (60, 120) if seed % 3 == 0 else (80, 60)), "PNG"))
    (root / "set" / "half *odd*.png").write_bytes(saved(picture(3), "PNG")[:200])
    (root / "set" / "empty.jpg").write_bytes(b"")
    (root / "nothing").mkdir()
    monkeypatch.setenv("CONVSCOPE_PICTURES", str(root))
    return root


def of_folder(name: str = "set", network: str = "lenet5", **link: str) -> Visit:
    return Visit(TOP9, network=network, set="folder", folder=name, **link)


def packed(*seeds: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pictures:
        for seed in seeds:
            pictures.writestr(f"class {seed % 2}/{seed}.png", saved(picture(seed), "PNG"))
    return file.getvalue()


def searched(visit: Visit) -> Visit:
    """The visit when its search has ended."""
    if any(button.key == "search" for button in visit.at.button):
        visit.press("search")
    return ended(visit)


def ended(visit: Visit) -> Visit:
    """The visit when no search goes on any more."""
    end = time.monotonic() + PATIENCE
    while visit.at.get("progress"):
        assert time.monotonic() < end, "the search takes too long"
        a_moment()
        visit.run()
    return visit


def until(visit: Visit, reached: Callable[[], bool]) -> Visit:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "the search takes too long"
        time.sleep(0.1)
        visit.run()
    return visit


def maps(visit: Visit) -> list[int]:
    """The numbers of the feature maps on the screen."""
    texts = (re.fullmatch(r"\*\*Feature map (\d+)\*\*", markdown.value) for markdown in visit.at.markdown)
    return [int(text[1]) for text in texts if text]


def close_up(visit: Visit, *one: object) -> Visit:
    """As a click on one of the nine, which needs a browser."""
    return visit.keep("one of nine", OneOfNine(*one))


def mining(visit: Visit) -> Mining:
    """What the session searches, and what it found."""
    return visit.at.session_state["kept"]["mining"]


def results(kept: Path) -> list[Path]:
    return list(kept.glob("*.parquet"))


def tiles_of(kept: Path) -> list[Path]:
    """The files of all feature maps whose nine are kept."""
    return sorted(kept.glob("*.tiles/*"))


def unread(visit: Visit) -> str:
    return "\n".join(markdown.value for markdown in visit.at.markdown if markdown.value.startswith("* "))


# Sets of pictures --------------------------------------------------------------------------------------------------


def test_crops_of_the_samples_are_searched_without_being_asked_for():
    visit = Visit(TOP9, network="lenet5", weights="random")
    assert visit.at.get("progress")
    searched(visit)
    assert len(visit.pictures()) == 2 * len(maps(visit)) > 0
    crops = samples(photographs())
    assert f"{len(crops.ids)} pictures: crops of {len(set(crops.sources))} sample photographs" in visit.captions
    assert "one crop per photograph and one unit per crop" in visit.captions
    for data in visit.pictures():  # the first line of a tile's words is its photograph
        assert len({label.splitlines()[0].partition(" ")[2] for label in data["labels"]}) == len(data["labels"]) == 9
    assert "set" not in visit.link
    assert not visit.errors


def test_a_folder_is_searched_when_it_is_asked_for_and_found_again_by_the_next_visitor(root, kept):
    visit = of_folder()
    assert not visit.pictures()
    assert "13 pictures" in "".join(m.value for m in visit.at.markdown)
    searched(visit)
    assert len(visit.pictures()) == 12
    assert len(results(kept)) == 1
    assert of_folder().pictures() == visit.pictures()


def test_what_the_page_shows_is_what_the_search_and_the_pages_code_give(root, monkeypatch):
    visit = searched(of_folder(layer="C3"))
    loaded = load("lenet5")
    pictures = folder(root / "set", root)
    top = mine(loaded, pictures, list(loaded.layers.values()))
    strongest = sorted(range(16), key=lambda channel: -top.entries("features.relu3", channel)[0].value)
    assert maps(visit) == strongest[:6]
    entries = top.entries("features.relu3", strongest[0])
    for entry, label in zip(entries, visit.pictures()[0]["labels"], strict=True):
        assert entry.picture in label
        assert f"row {entry.row}, column {entry.column}: {entry.value:.4g}" in label
    assert plain(f"values {entries[-1].value:.3g} to {entries[0].value:.3g}") in visit.captions
    monkeypatch.chdir(root)
    visit.made_by_code()
    sheets = [np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet["picture"])))) for sheet in visit.pictures()]
    for channel, patches, projections in zip(maps(visit), sheets[::2], sheets[1::2], strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(f"map{channel}.png")), side_by_side(patches, projections))


def test_pictures_that_cannot_be_read_are_counted_and_named_as_they_are(root):
    visit = searched(of_folder())
    assert "Skipped files: 2" in [expander.label for expander in visit.at.expander]
    assert r"half \*odd\*\.png" in unread(visit)
    assert r"empty\.jpg" in unread(visit)
    assert "12 pictures" in visit.captions


@pytest.mark.parametrize("name", ["nothing", "absent", "..", "../kept", "/", "set/even/00.png"])
def test_a_folder_without_pictures_or_outside_the_allowed_one_is_refused(root, name):
    visit = of_folder(name)
    assert len(visit.errors) == 1
    assert not visit.pictures()
    assert not any(button.key == "search" for button in visit.at.button)


def test_without_an_allowed_folder_the_page_says_how_one_is_allowed(monkeypatch):
    monkeypatch.delenv("CONVSCOPE_PICTURES", raising=False)
    visit = Visit(TOP9, network="lenet5", set="folder")
    assert "CONVSCOPE_PICTURES" in visit.at.info[0].value
    assert not visit.errors


def test_a_data_set_that_is_not_there_can_be_fetched(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DOWNLOADS", "1")
    visit = Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10")
    assert "CIFAR\\-10 test is not on this server" in visit.at.info[0].value
    assert visit.at.button(key="download data set")
    assert visit.link["dataset"] == "CIFAR10"
    assert not visit.errors


def test_a_data_set_that_cannot_be_downloaded_says_so_and_no_path_of_the_server(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVSCOPE_DOWNLOADS", "1")
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    visit = Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10").press("download data set")
    until(visit, lambda: visit.errors)
    assert "CIFAR\\-10 test could not be downloaded" in visit.errors[0]
    assert tmp_path.name not in visit.errors[0].replace("\\", "")


def unreachable(*_args, **_kwargs):
    raise OSError("no network here")


def test_an_empty_choice_of_layers_is_no_error(root):
    visit = of_folder().choose(searched=[])
    assert not visit.errors
    assert not visit.pictures()


def test_fewer_layers_are_shown_out_of_a_search_of_all(root):
    visit = searched(of_folder()).choose(searched=["C1"])
    assert visit.pictures()
    assert "features\\.relu1" in visit.captions


# Uploads -----------------------------------------------------------------------------------------------------------


def of_zip(content: bytes, name: str = "mine.zip", **link: str) -> Visit:
    """A visit with an upload; before it, nothing is searched, for that data set is not there."""
    return Visit(TOP9, network="lenet5", set="dataset", **link).choose(set="zip").upload(content, name, SET_FILE)


def test_a_zip_is_searched_and_its_folders_are_classes():
    visit = searched(of_zip(packed(*range(10))))
    assert "10 pictures: mine\\.zip" in visit.captions
    assert "one unit per picture, the map's strongest" in visit.captions
    assert "could be read" not in visit.captions
    assert re.search(r"class [01] ×\d", visit.captions)


def test_what_is_found_in_a_zip_stays_in_its_session(kept):
    content = packed(*range(10))
    first = searched(of_zip(content))
    assert first.pictures()
    assert not kept.exists() or not list(kept.iterdir())
    assert "set" not in first.link
    second = of_zip(content)
    assert not second.pictures()
    assert any(button.key == "search" for button in second.at.button)


def test_a_zip_that_was_searched_is_found_again_in_its_session(root):
    content = packed(*range(10))
    visit = searched(of_zip(content))
    before = visit.pictures()
    searched(visit.choose(set="folder").choose(folder="set"))
    assert visit.pictures() != before
    assert visit.choose(set="zip").upload(content, "mine.zip", SET_FILE).pictures() == before


def test_a_set_of_fewer_than_nine_pictures_shows_fewer_and_says_so():
    visit = searched(of_zip(packed(*range(3))))
    assert {len(data["labels"]) for data in visit.pictures()} == {3}
    assert "that could be read: 3, so each map shows 3" in visit.captions


@pytest.mark.parametrize("content", [b"no zip", packed()], ids=["no zip", "empty"])
def test_a_bad_zip_is_refused_in_a_sentence(content):
    visit = of_zip(content)
    assert len(visit.errors) == 1
    assert not visit.pictures()


def test_what_is_found_with_weights_of_ones_own_stays_in_the_session(root, kept):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        content = safetensors(ARCHITECTURES["lenet5"].build().state_dict())
    visit = of_folder().choose(weights="file").upload_weights(content, "mine.safetensors")
    searched(visit)
    assert visit.pictures()
    assert "mine\\.safetensors" in visit.captions
    assert not kept.exists() or not list(kept.iterdir())


# The search --------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch) -> list[str]:
    """Every picture takes a moment; the names of those that were opened."""
    opened = []
    original = cache.pictures_in_folder

    def slowly(root: str, name: str):
        pictures = original(root, name)
        if not hasattr(pictures, "at_once"):
            pictures.at_once = pictures.open
            pictures.open = lambda id: (time.sleep(0.1), opened.append(id), pictures.at_once(id))[-1]
        return pictures

    monkeypatch.setattr(cache, "pictures_in_folder", slowly)
    return opened


def many(root: Path, number: int) -> None:
    for seed in range(number):
        file = root / "many" / f"{seed:03}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(saved(picture(seed), "PNG"))


def test_a_search_that_is_stopped_goes_on_where_it_was_and_finds_the_same(root, kept, slow):
    many(root, 120)
    visit = of_folder("many").press("search")
    until(visit, lambda: re.match(r"[1-9]\d* of 120", progress(visit)))
    visit.press("stop search")
    ended(visit)
    seen = re.search(r"\*\*(\d+) of 120 pictures\*\*", "".join(m.value for m in visit.at.markdown))
    assert not visit.pictures()
    assert not visit.errors
    already = len(slow)
    searched(visit)
    assert visit.pictures()
    assert min(slow[already : already + 20]) >= f"{int(seen[1]):03}.png"  # and not all again from the first
    loaded, pictures = load("lenet5"), folder(root / "many", root)
    whole = mine(loaded, pictures, list(loaded.layers.values()))
    top = find(key_of(loaded, pictures, list(loaded.layers.values())), kept)
    for layer in top.layers:
        for channel in range(top.channels(layer)):
            assert top.entries(layer, channel) == whole.entries(layer, channel)


def progress(visit: Visit) -> str:
    return "".join(bar.proto.text for bar in visit.at.get("progress"))


def test_the_progress_says_how_many_how_fast_and_how_long(root, slow):
    many(root, 120)
    visit = of_folder("many").press("search")
    until(visit, lambda: "left" in progress(visit))
    assert re.fullmatch(r"\d+ of 120 pictures: many · [\d.]+ pictures per second · \d+ s left", progress(visit))
    visit.press("stop search")


def test_a_second_search_waits_for_its_turn_and_says_so(root, slow):
    many(root, 120)
    first = of_folder("many").press("search")
    until(first, lambda: "of 120" in progress(first))
    second = of_folder().press("search")
    until(second, lambda: "Another search is running" in progress(second))
    first.press("stop search")
    assert searched(second).pictures()


def test_only_the_newest_results_are_kept(kept, monkeypatch, root):
    monkeypatch.setattr(top9, "MOST_RESULTS", 3)
    for seed in range(4):
        file = root / f"set {seed}" / "a.png"
        file.parent.mkdir()
        file.write_bytes(saved(picture(seed), "PNG"))
        searched(of_folder(f"set {seed}"))
    assert len(results(kept)) == 3
    assert tiles_of(kept)
    assert {file.parent.stem for file in tiles_of(kept)} <= {file.stem for file in results(kept)}
    assert of_folder("set 3").pictures()
    assert not of_folder("set 0").pictures()


def test_a_broken_result_on_the_disk_is_no_error_and_is_found_anew(root, kept):
    searched(of_folder())
    (file,) = results(kept)
    file.write_bytes(b"PAR1 of something else")
    visit = of_folder()
    assert not visit.errors
    assert searched(visit).pictures()


# Tiles on the disk -------------------------------------------------------------------------------------------------


def test_whoever_opens_a_finished_result_waits_for_no_picture(root, kept, slow):
    many(root, 30)
    visit = searched(of_folder("many"))
    slow.clear()
    assert of_folder("many").pictures() == visit.pictures()
    assert not slow


def test_a_finished_result_is_opened_without_a_number_of_the_network(root, kept, monkeypatch):
    many(root, 30)
    visit = searched(of_folder("many", weights="random"))
    networks._public_network.clear()
    drawn, draw = [], loading._drawn
    monkeypatch.setattr(loading, "_drawn", lambda *what: drawn.append(what) or draw(*what))
    opened = of_folder("many", weights="random")
    assert opened.pictures() == visit.pictures()
    assert not drawn
    shutil.rmtree(tiles_of(kept)[0].parent)
    assert of_folder("many", weights="random").pictures() == visit.pictures()
    assert len(drawn) == 1


def test_a_picture_that_excites_several_maps_of_a_page_is_opened_once(root, kept, slow):
    many(root, 30)
    searched(of_folder("many"))
    shutil.rmtree(tiles_of(kept)[0].parent)
    slow.clear()
    assert len(of_folder("many").pictures()) == 12
    assert len(tiles_of(kept)) == 6
    assert len(slow) == len(set(slow)) > 0


def test_a_page_that_begins_anew_while_it_projects_goes_on_where_it_was(root, kept, slow, monkeypatch):
    many(root, 30)
    visit = searched(of_folder("many"))
    shutil.rmtree(tiles_of(kept)[0].parent)
    slow.clear()
    monkeypatch.setattr(Slice, "SECONDS", 0.0)
    assert of_folder("many").pictures() == visit.pictures()
    assert len(slow) == len(set(slow)) > 0


DAMAGES = {
    "empty": lambda whole: b"",
    "cut short": lambda whole: whole[:-1],
    "one bit": lambda whole: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    "something else": lambda whole: b"x" * 99,
}


@pytest.mark.parametrize("damaged", DAMAGES.values(), ids=DAMAGES)
def test_damaged_tiles_are_made_anew(root, kept, damaged):
    visit = searched(of_folder())
    whole = {file: file.read_bytes() for file in tiles_of(kept)}
    for file, content in whole.items():
        file.write_bytes(damaged(content))
    assert of_folder().pictures() == visit.pictures()
    assert {file: file.read_bytes() for file in tiles_of(kept)} == whole


def test_tiles_from_the_disk_are_bit_by_bit_those_that_were_made(result, tmp_path):
    loaded, pictures, top = result
    layer, entries = "features.relu3", top.entries("features.relu3", 5)
    made = [tile(pair) for pair in patches_and_projections(loaded, pictures, entries, layer, 5)]
    write(made, tmp_path / "x.tiles", layer, 5, entries)
    for one, other in zip(made, read(tmp_path / "x.tiles", layer, 5, entries), strict=True):
        assert (one.limit, one.fidelity) == (other.limit, other.fidelity)
        for before, after in ((one.patch, other.patch), (one.projection, other.projection)):
            assert (before.dtype, before.shape, before.tobytes()) == (after.dtype, after.shape, after.tobytes())


def test_tiles_of_other_entries_are_not_taken_for_these(result, tmp_path):
    loaded, pictures, top = result
    layer, entries = "features.relu3", top.entries("features.relu3", 5)
    made = [tile(pair) for pair in patches_and_projections(loaded, pictures, entries, layer, 5)]
    write(made, tmp_path, layer, 5, entries)
    assert read(tmp_path, layer, 5, entries[::-1]) is None
    file_of(tmp_path, layer, 5).rename(file_of(tmp_path, layer, 6))
    assert read(tmp_path, layer, 6, entries) is None


def test_only_so_many_tiles_are_kept(root, kept, monkeypatch):
    monkeypatch.setattr(top9, "MOST_TILES", 4)
    visit = searched(of_folder())
    assert len(visit.pictures()) == 12
    assert len(tiles_of(kept)) == 4


def test_tiles_of_ones_own_pictures_lie_in_the_folder_of_the_session(kept):
    visit = searched(of_zip(packed(*range(10))))
    assert tiles_of(Path(mining(visit).folder.name))
    assert not tiles_of(kept)


def test_where_nothing_can_be_written_the_nines_are_shown_all_the_same(root, kept):
    visit = searched(of_folder())
    folder = tiles_of(kept)[0].parent
    shutil.rmtree(folder)
    folder.write_bytes(b"no folder")
    assert of_folder().pictures() == visit.pictures()


# What is shown -----------------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_layer_the_page_and_the_order(root):
    searched(of_folder())
    visit = of_folder(layer="C3", sort="number", page="2", maps="3")
    assert maps(visit) == [3, 4, 5]
    assert visit.link == {
        "network": "lenet5",
        "sample": "digit_0",
        "set": "folder",
        "folder": "set",
        "layer": "C3",
        "sort": "number",
        "page": "2",
        "maps": "3",
        "language": "en",
    }


def test_a_link_leads_to_the_picture_seen_closely_and_the_range(root):
    visit = searched(of_folder(layer="C3")).choose(range="shared")
    channel = maps(visit)[1]
    close_up(visit, "C3", channel, 4)
    assert {"nine": f"{channel},5", "range": "shared"}.items() <= visit.link.items()
    other = of_folder(**{name: visit.link[name] for name in ("layer", "nine", "range")})
    assert f"## Feature map {channel}, picture 5 of 9" in [markdown.value for markdown in other.at.markdown]
    assert other.pictures() == visit.pictures()
    other.press("close one of nine")
    assert "nine" not in other.link


@pytest.mark.parametrize("more", [{"layer": "C1"}, {"layer": "C3", "map": "7", "nine": "7,2", "range": "shared"}])
def test_the_address_keeps_what_will_be_shown_while_a_search_runs(root, slow, more):
    many(root, 30)
    visit = of_folder("many", **more)
    assert more.items() <= visit.link.items()  # before it has begun
    until(visit.press("search"), lambda: "of 30" in progress(visit))
    assert more.items() <= visit.link.items()
    visit.press("stop search")
    ended(visit)
    assert more.items() <= visit.link.items()
    searched(visit)
    assert visit.pictures()
    assert more.items() <= visit.link.items()


@pytest.mark.parametrize("other", [{"network": "lenet5_bn"}, {"set": "samples"}])
def test_the_address_says_nothing_more_of_what_is_no_longer_asked_for(root, slow, other):
    visit = of_folder(layer="C3", map="7", nine="7,2")
    visit.choose(**other)
    assert not {"map", "nine"} & visit.link.keys()


def test_a_link_leads_to_a_search_of_some_of_the_layers(root, kept):
    searched(of_folder().choose(searched=["C1"]))
    visit = of_folder(searched="C1")
    assert visit.pictures()
    assert visit.link["searched"] == "C1"


@pytest.mark.parametrize("name", ["map", "page"])
def test_a_link_to_one_layer_says_nothing_of_another(root, name):
    searched(of_folder())
    visit = of_folder(layer="C3", maps="3", **{name: "2"})
    assert visit.link[name] == "2"
    visit.choose(layer="C1")
    assert name not in visit.link
    assert len(maps(visit)) == 3


def test_a_link_leads_to_a_map(root):
    searched(of_folder())
    assert maps(of_folder(layer="C3", map="7")) == [7]


@pytest.mark.parametrize(
    "link",
    [
        *("map=999", "map=-1", "map=x", "page=999", "page=0", "maps=7", "sort=<b>", "layer=9"),
        *("nine=0", "nine=a,b", "nine=0,0", "nine=0,99", "nine=-1,1", "range=x", "searched=,9"),
    ],
)
def test_a_link_to_what_is_not_there_shows_the_page(root, link):
    searched(of_folder())
    visit = of_folder(**dict([link.split("=")]))
    assert visit.pictures()
    assert not visit.errors


def test_a_map_is_found_by_its_number_and_all_are_back_without_it(root):
    visit = searched(of_folder(layer="C3"))
    before = maps(visit)
    visit.choose(map=11)
    assert maps(visit) == [11]
    assert visit.link["map"] == "11"
    visit.choose(map=None)
    assert maps(visit) == before


def test_arrow_keys_go_through_the_maps_through_the_nine_of_the_open_one_and_through_the_layers(root):
    first, second, *_others = maps(visit := searched(of_folder(layer="C3")))
    assert maps(visit.arrow("right")) == [first]
    assert maps(visit.arrow("right")) == [second]
    assert visit.link["map"] == str(second)
    close_up(visit, "C3", second, 0).arrow("right", "right")
    assert visit.link["nine"] == f"{second},3"
    visit.press("close one of nine").arrow("down")
    assert visit.link["layer"] == "C5"
    assert len(maps(visit)) == 6
    assert not visit.warnings


def test_pages_hold_all_maps_once(root):
    visit = searched(of_folder(layer="C3", maps="3"))
    seen = maps(visit)
    for page in range(2, 7):
        seen += maps(visit.choose(page=page))
    assert sorted(seen) == list(range(16))


def test_one_range_for_a_map_makes_its_projections_comparable(root):
    visit = searched(of_folder())
    own = visit.pictures()
    assert "Each picture has its own range" in visit.captions
    visit.choose(range="shared")
    assert "Each map's nine share one range: grey is 0" in visit.captions
    assert "projections ±" in visit.captions
    assert " to ±" not in visit.captions
    assert [data["picture"] for data in visit.pictures()[::2]] == [data["picture"] for data in own[::2]]
    assert [data["picture"] for data in visit.pictures()[1::2]] != [data["picture"] for data in own[1::2]]


def test_a_close_up_shows_the_picture_the_box_and_the_value(root):
    visit = searched(of_folder(layer="C3"))
    channel = maps(visit)[0]
    label = visit.pictures()[0]["labels"][2]
    close_up(visit, "C3", channel, 2)
    assert f"## Feature map {channel}, picture 3 of 9" in [markdown.value for markdown in visit.at.markdown]
    place, value = re.search(r"(row \d+, column \d+): ([\d.]+)", label).groups()
    assert f"{place}: activation {value}" in visit.captions.replace("\\", "")
    assert [data["selected"] for data in visit.pictures()[:2]] == [2, 2]
    visit.press("close one of nine")
    assert [data["selected"] for data in visit.pictures()[:2]] == [None, None]


def test_back_and_forward_show_the_picture_of_the_address_among_its_maps(root):
    visit = searched(of_folder(layer="C3", sort="number", maps="3"))
    entries = [close_up(visit, "C3", 1, 2).link]
    entries += [visit.choose(page=2).link, close_up(visit, "C3", 4, 0).link, visit.choose(layer="C1").link]
    for entry, title in zip((*reversed(entries[:-1]), entries[-1]), (4, None, 1, None), strict=True):
        assert visit.go_back(**entry).link == entry
        shown = [m.value for m in visit.at.markdown if m.value.startswith("## Feature map")]
        assert [int(re.search(r"map (\d+)", one)[1]) for one in shown] == ([title] if title is not None else [])


def test_a_map_that_no_picture_excites_says_so(root):
    """With biases far below zero the first layer's ReLU lets nothing through."""
    state = ARCHITECTURES["lenet5"].build().state_dict()
    bias = next(name for name in state if name.endswith("bias"))
    state[bias] = torch.full_like(state[bias], -1e6)
    visit = of_folder(layer="C1").choose(weights="file").upload_weights(safetensors(state), "dead.safetensors")
    searched(visit)
    assert visit.captions.count("No picture of the set activates it") == 6
    assert "Maps that no picture activates: 6 of 6" in visit.captions
    assert not visit.pictures()


@pytest.mark.parametrize("network", LIGHT)
def test_every_small_network_shows_its_nines_with_random_weights(root, network):
    visit = searched(of_folder(network=network, weights="random"))
    assert visit.pictures()
    assert not visit.errors
    assert "are random" in visit.warnings


@pytest.fixture
def small_pictures(monkeypatch) -> Iterator[None]:
    """Networks see pictures of 64 pixels: operations and maps are their own, only how high and wide these are is not.

    The server remembers networks by their names, those of other tests before, and these after.
    """
    usual = Architecture.preprocess_of
    forget()
    monkeypatch.setattr(
        Architecture, "preprocess_of", lambda self, options: replace(usual(self, options), resize=64, crop=64)
    )
    yield
    forget()


def forget() -> None:
    remembered_things.forget()


@pytest.mark.heavy
@pytest.mark.usefixtures("small_pictures")
@pytest.mark.parametrize("network", ["convnext_tiny", "densenet121", "googlenet"])
def test_other_kinds_of_networks_show_their_nines(root, network):
    visit = searched(of_folder(network=network, weights="random"))
    assert visit.pictures()
    assert not visit.errors


def test_vietnamese(root):
    visit = searched(of_folder(language="vi"))
    assert visit.at.title[0].value == "Chín ảnh mạnh nhất"
    assert "hình chiếu" in visit.captions
    assert "Số tệp bị bỏ qua: 2" in [expander.label for expander in visit.at.expander]
    assert not visit.errors


# What can be taken away --------------------------------------------------------------------------------------------


@pytest.fixture
def result(root):
    loaded, pictures = load("lenet5"), folder(root / "set", root)
    return loaded, pictures, mine(loaded, pictures, list(loaded.layers.values()))


def test_the_parquet_file_is_the_result(result, tmp_path):
    _loaded, _pictures, top = result
    file = tmp_path / "x.parquet"
    file.write_bytes(as_parquet(top))
    again = open_top(file)
    assert again.key == top.key
    assert again.entries("features.relu3", 5) == top.entries("features.relu3", 5)


def test_the_table_has_a_row_for_each_of_the_nine_of_every_map(result):
    loaded, _pictures, top = result
    found = list(csv.DictReader(io.StringIO(table(rows(top, loaded.layers)).decode("utf-8-sig"))))
    assert len(found) == 9 * (6 + 16 + 120)
    row = next(r for r in found if (r["layer"], r["channel"], r["rank"]) == ("C3", "5", "1"))
    entry = top.entries("features.relu3", 5)[0]
    assert (row["picture"], float(row["value"]), row["class"]) == (entry.picture, entry.value, entry.label)


def test_what_a_visitor_named_like_a_formula_is_text_in_the_table(root):
    file = root / "+set" / "=1+1" / "@a.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(saved(picture(1), "PNG"))
    loaded = load("lenet5")
    top = mine(loaded, folder(root / "+set", root), [loaded.layers["C1"]])
    (row, *_others) = csv.DictReader(io.StringIO(table(rows(top, loaded.layers)).decode("utf-8-sig")))
    assert (row["picture"], row["class"], row["pictures"]) == ("'=1+1/@a.png", "'=1+1", f"'{top.title}")
    assert top.title.startswith("+set")


def test_the_two_montages_hold_the_patches_and_the_projections_in_the_same_places(result):
    loaded, pictures, top = result
    pairs = patches_and_projections(loaded, pictures, top.entries("features.relu3", 5), "features.relu3", 5)
    patches, projections = montages([tile(pair) for pair in pairs], own=True)
    assert patches.shape == projections.shape
    assert np.array_equal(patches[..., 3], projections[..., 3])


def test_of_a_portrait_what_the_network_does_not_see_is_dark_and_the_box_stands_where_the_patch_is():
    """A white picture of 100 × 200; the network sees the middle 100 × 100, and the unit its upper left tenth."""
    preprocess = Preprocess(50, 50, (0.0,) * 3, (1.0,) * 3)
    white = Image.new("RGB", (100, 200), "white")
    drawn = whole(white, preprocess, Box(0, 0, 5, 5), side=400).astype(int)  # (400, 200, 3)
    assert (drawn[:95] == 85).all()
    assert (drawn[305:] == 85).all()
    assert (drawn[130:300] == 255).all()
    rows, columns = np.nonzero((drawn == (255, 224, 64)).all(2))
    assert (rows.min(), rows.max(), columns.max()) == (99, 120, 20)


def test_a_downloaded_sheet_says_what_it_shows_and_warns_of_random_weights(result):
    loaded, pictures, top = result
    shown = Shown(Asked(None, loaded, pictures, "set", top.key, is_samples=False), top, "C3", own_range=True)
    plain, warned = (
        np.asarray(Image.open(io.BytesIO(sheet_of(shown, 5, ["what it shows"], warning))))
        for warning in (None, "random weights")
    )
    words = LINE + 2 * EDGE  # rows of pixels: one line and its margin
    picture = len(plain) - words
    assert (plain[:picture] == warned[:picture]).all()
    assert (plain[-words:] == warned[-words:]).all()
    assert len(warned) > len(plain)  # by the strip between them


def test_a_downloaded_sheet_has_the_names_of_classes_as_they_are(result):
    """It is a picture, where nothing has to be escaped."""
    loaded, _pictures, top = result
    shown = Shown(Asked(None, loaded, None, "set", top.key, is_samples=False), top, "C3", own_range=True)
    entries = [replace(entry, label="horse (silhouette) *1*") for entry in shown.entries(5)]
    tiles = [Tile(np.zeros((2, 2, 3), np.uint8), np.ones((1, 2, 2)), 1.0, "exact")]
    assert "horse (silhouette) *1* ×9" in sheet_in_words(shown, 5, entries, tiles)
