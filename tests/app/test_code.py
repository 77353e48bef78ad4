"""The code that pages show: it runs by itself, and makes what the page shows.

That of pages that count and search is run where these pages are tested.
"""

import base64
from pathlib import Path

import numpy as np
import pytest
import torch

from models import load
from models.decoding import decoded
from models.samples import SAMPLES
from pages.common.code import tidied
from tests.app.visit import ACTIVATIONS, FILTERS, GRAPH, LAYERS, Visit
from tests.unit.pictures import photograph, saved
from vis.cost.mobilenet import MobileNet


@pytest.fixture(autouse=True)
def folder_for_files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def seen(network: str, module: str, content: bytes) -> np.ndarray:
    """What a module gives for a picture, by a hook of torch's, (K, h, w)."""
    loaded, kept = load(network, "shipped", "cpu"), []
    hook = loaded.model.get_submodule(module).register_forward_hook(lambda _module, _given, made: kept.append(made[0]))
    with torch.inference_mode():
        loaded.model(loaded.preprocess(decoded(content)))
    hook.remove()
    return kept[0].numpy()


@pytest.mark.parametrize("look", [{}, {"sort": "mean", "range": "own"}])
def test_the_code_of_activations_makes_the_maps_of_the_page(look):
    visit = Visit(ACTIVATIONS, network="lenet5", layer="features.relu3").choose(**look)
    made = visit.made_by_code()
    wanted = seen("lenet5", "features.relu3", SAMPLES["digit_0"].content())
    np.testing.assert_allclose(made["found"].maximum, wanted.max((1, 2)), rtol=1e-5, atol=1e-6)
    assert Path("maps.png").read_bytes() == base64.b64decode(visit.pictures()[0]["picture"])


def test_of_ones_own_picture_it_opens_the_file_and_takes_the_same_part():
    content = saved(photograph(300, 200), "PNG")
    Path("mine.png").write_bytes(content)
    visit = Visit(ACTIVATIONS, network="lenet5", layer="features.relu1").upload(content, "mine.png").choose(part=100)
    square = saved(photograph(300, 200).crop((100, 0, 300, 200)), "PNG")
    wanted = seen("lenet5", "features.relu1", square)
    np.testing.assert_allclose(visit.made_by_code()["found"].maximum, wanted.max((1, 2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("link", "kernels"),
    [
        ({"layer": "features.conv1"}, lambda weights, std: weights),
        ({"layer": "features.conv1", "on": "picture"}, lambda weights, std: weights / std),
        ({"layer": "features.conv2", "output": "7"}, lambda weights, std: weights[7][:, None]),
    ],
)
def test_the_code_of_filters_makes_their_sheet(link, kernels):
    visit = Visit(FILTERS, network="zfnet_mini", **link).choose(sort="index")
    made, loaded = visit.made_by_code(), load("zfnet_mini", "shipped", "cpu")
    std = np.array(loaded.preprocess.std).reshape(3, 1, 1)
    np.testing.assert_allclose(
        made["kernels"], kernels(loaded.model.get_submodule(link["layer"]).weight.numpy(), std), rtol=1e-6
    )
    assert Path("filters.png").stat().st_size > 0


def test_the_code_of_the_layers_projects_the_units_of_the_page():
    visit = Visit(LAYERS, network="zfnet_mini", maps="4")
    visit.made_by_code()
    shown = {f"layer{layer + 1}-map{channel:04}.png" for layer in range(5) for channel in visit.maps_of(layer)}
    made = {file.name for file in Path().glob("layer*.png")}
    assert len(made) >= 19  # of 20: one at the border may see nothing
    assert made <= shown


def test_the_code_of_the_graph_counts_what_the_formulas_say(capsys):
    Visit(GRAPH, network="mobilenet_v1", option_width="0.5", side="160").made_by_code()
    assert capsys.readouterr().out.endswith(f"\n{MobileNet(0.5, 160).macs} MACs\n")


def test_imports_come_first_and_once():
    assert (
        tidied("import b\nx = 1\nfrom a import c\n\nimport b\ny = 2\n") == "from a import c\nimport b\n\nx = 1\ny = 2"
    )
