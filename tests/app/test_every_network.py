"""Filters, activations and the top nine of every kind of network of the registry and of a visitor's own, with random
weights.

No page is left out, and no network but those for which another stands (tests/representatives.py). What takes long is
made small instead, so that all of it takes about a minute on two cores:
* A network of more than LIGHT multiply-adds – all but LeNet, AlexNet, SqueezeNet, MobileNet, EfficientNet-B0 and B1 and
  the two made small – is shown pictures of SIDE pixels. Its weights, operations and maps are its own; only how high and
  wide the maps are is not. At its own size EfficientNet-B7 alone would take half a minute.
* The top nine are searched in three pictures, and shown of the first layer, three maps a page: deeper layers' units see
  more of a picture, and their projections take longer. tests/app/test_top9_page.py looks at those.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from models import ARCHITECTURES, Architecture
from pages.common import cache as remembered
from pages.common.cache.memory import remembered_things
from pages.common.opened import Opened
from pages.look.top9 import nine
from tests.app.visit import ACTIVATIONS, FILTERS, TOP9, Visit, a_moment
from tests.representatives import REPRESENTATIVES
from tests.unit.pictures import saved
from vis.filters import convolutions
from vis.trace import Recording

LIGHT = 1e9  # multiply-adds
SIDE = 64  # pixels; VGG's five pools leave 2×2 of it
PATIENCE = 60  # seconds


@pytest.fixture(scope="module", autouse=True)
def made_small(tmp_path_factory) -> Iterator[None]:
    """A server whose heavy networks see small pictures, and which keeps its results in a folder of its own."""
    root = tmp_path_factory.mktemp("pictures")
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise.repeat(10, 0).repeat(10, 1))
        (root / f"{seed}.png").write_bytes(saved(picture, "PNG"))
    forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_PICTURES", str(root))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("kept")))
        patch.setattr(nine, "PREPARED_WITHIN", 0)  # of the layer in the middle, which is not looked at here
        patch.setattr(Architecture, "preprocess_of", small_where_heavy)
        yield
    forget()


own_preprocess = Architecture.preprocess_of


def small_where_heavy(architecture: Architecture, options: dict):
    usual = own_preprocess(architecture, options)
    return usual if architecture.macs <= LIGHT else replace(usual, resize=SIDE, crop=SIDE)


def forget() -> None:
    """Networks are remembered by their names: elsewhere they see pictures of another size."""
    remembered_things.forget()


def shapes(network: str) -> Recording:
    """The shapes of everything that a network computes; the page's own, for finding them takes a while."""
    side = small_where_heavy(ARCHITECTURES[network], {}).crop
    return remembered.shapes(remembered.Built(network, side))


def opened(page: str, title: str, network: str, **link: str) -> Visit:
    """A visit by a link, without a traceback, that says whose weights it shows."""
    visit = Visit(page, network=network, weights="random", **link)
    assert visit.at.title[0].value == title
    assert not visit.errors
    assert "are random" in visit.warnings
    assert (visit.link["network"], visit.link["weights"]) == (network, "random")
    return visit


def as_read(markdown: str) -> str:
    """Markdown without the backslashes that keep text from being markup."""
    return re.sub(r"\\(.)", r"\1", markdown)


def of_filters(network: str) -> None:
    visit = opened(FILTERS, "Filters", network)
    known = convolutions(shapes(network).model)
    layers = list(known)
    chooser = visit.widget("layer")
    assert [option.split(" · ")[0] for option in chooser.options] == layers
    assert chooser.value == visit.link["layer"] == layers[0]
    kinds = {convolution.kind: name for name, convolution in known.items()}  # the last of each kind
    for layer in kinds.values():
        visit.choose(layer=layer)
        assert visit.link["layer"] == layer
        assert not visit.errors
        assert "are random" in visit.warnings
        assert layer in as_read(visit.captions)
        assert visit.pictures()
        assert "random weights" in visit.captions


def of_activations(network: str) -> None:
    visit = opened(ACTIVATIONS, "Activations", network)
    found, named = shapes(network), list(ARCHITECTURES[network].layers.values())
    chooser = visit.widget("layer")
    offered = [option.split(" · ")[0] for option in chooser.options]
    assert offered == [name for name in found.trace.names.values() if name in offered]
    assert {*named, *convolutions(found.model)} <= {*offered}
    assert chooser.value == visit.link["layer"] == named[0]
    sheet = visit.pictures()[0]
    assert sheet["cells"] == len(sheet["labels"]) == found.of(named[0]).shape[1] <= sheet["rows"] * sheet["columns"]
    visit.keep(f"opened activations {network}", Opened(named[0], 1))
    assert not visit.errors
    assert f"## {named[0]} · feature map 1" in [as_read(text.value) for text in visit.at.markdown]
    assert visit.link["map"] == "1"
    assert visit.pictures()[0]["selected"] == 1
    assert "random weights" in visit.captions


def of_nines(network: str) -> None:
    layers = ARCHITECTURES[network].layers
    first = next(iter(layers))
    visit = opened(TOP9, "Top nine pictures", network, set="folder", folder=".", layer=first, maps="3").press("search")
    end = time.monotonic() + PATIENCE
    while visit.at.get("progress"):
        assert time.monotonic() < end, "the search takes too long"
        a_moment()
        visit.run()
    assert not visit.errors
    assert visit.widget("searched").options == list(layers)
    assert visit.link["layer"] == first
    cards = [markdown for markdown in visit.at.markdown if re.fullmatch(r"\*\*Feature map \d+\*\*", markdown.value)]
    silent = visit.captions.count("No picture of the set activates it")
    assert len(cards) == 3
    assert len(visit.pictures()) == 2 * (len(cards) - silent) > 0
    assert all(len(data["labels"]) == 3 for data in visit.pictures())  # one for each picture of the set
    assert "3 pictures" in visit.captions


PAGES = {"filters": of_filters, "activations": of_activations, "top nine": of_nines}


@pytest.mark.parametrize("opens", PAGES.values(), ids=PAGES)  # the pages of one network after another: it stays open
@pytest.mark.parametrize("network", [*REPRESENTATIVES, "stack.cifar10.norm_conv.6.5_max-pool.2.2_pointwise.8"])
def test_every_kind_of_network_opens_on_every_page_of_its_maps_and_filters(network, opens):
    opens(network)
