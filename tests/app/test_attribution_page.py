"""The page “Why this class”, as its visitors set it and read it; clicks on its pictures are in tests/live."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save

from models import Loaded, load
from models.decoding import decoded
from pages.common.cache import sample
from pages.common.export import KINDS
from pages.common.session import WEIGHTS_FILE
from pages.explain import work
from pages.explain.attribution import asking, closely, tiles, trust
from tests.app.visit import FILTERS, ROUTES, Visit, read_csv
from vis.attribution import METHODS, attribute, attributions, question
from vis.attribution.checks import BLIND, deletion, insertion
from vis.attribution.infidelity import infidelity
from vis.attribution.randomisation import randomised
from vis.figures.attribution import limit_of, over, smoothed

ATTRIBUTION = ROUTES["attribution"]


def visit(**link: str) -> Visit:
    return Visit(ATTRIBUTION, **{"network": "zfnet_mini", "sample": "coffee", "look": "computed"} | link)


@pytest.fixture(scope="module")
def known() -> Loaded:
    return load("zfnet_mini", "shipped", "cpu")


@pytest.fixture(scope="module")
def image(known):
    return known.classifier_input(decoded(sample("coffee")))


@pytest.fixture(scope="module")
def best(known, image) -> int:
    return int(known.model(image).argmax())


def shown(page: Visit, method: str) -> np.ndarray:
    """The pixels of a method's picture."""
    (data,) = (one for one in page.pictures() if one["alt"].startswith(f"{METHODS[method].title}: "))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data["picture"]))).convert("RGB"))


def arrived(page: Visit, is_there: Callable[[Visit], bool]) -> Visit:
    end = time.monotonic() + 60
    while not is_there(page) and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    assert is_there(page)
    return page


def test_six_methods_are_shown_at_once_and_each_picture_is_what_the_method_gives(known, image, best):
    page = visit()
    pixels = known.classifier_input.for_the_eye(image)
    assert len(page.pictures()) == len(asking.CHEAP)
    for method in asking.CHEAP:
        values = attribute(known.model, image, method, best).map.numpy()
        expected = over(values.astype(np.float32), pixels, limit_of(values.astype(np.float32)), 0.8)
        assert np.abs(shown(page, method).astype(int) - expected).max() <= 1
    page.choose(look="smoothed")
    found = attribute(known.model, image, "saliency", best).map.numpy()
    expected = over(smoothed(found), pixels, limit_of(smoothed(found)), 0.8)
    assert np.abs(shown(page, "saliency").astype(int) - expected).max() <= 1
    names = page.made_by_code()
    assert names["found"].method == asking.CHEAP[-1]
    last = attribute(known.model, image, asking.CHEAP[-1], best).map.numpy()
    assert np.array_equal(names["values"], smoothed(last))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for the pictures of “The code”


def test_it_opens_on_a_network_that_knows_imagenet_and_the_others_on_theirs_until_one_is_chosen():
    page = Visit(ATTRIBUTION, methods="grad_cam", sample="coffee")
    assert page.link["network"] == "efficientnet_lite0"
    assert page.at.button(key="class 967").label.startswith("espresso · 9")
    assert page.go(FILTERS).link["network"] == "zfnet_mini"
    assert page.go(ATTRIBUTION).link["network"] == "efficientnet_lite0"
    assert page.choose(network="lenet5").link["network"] == "lenet5"
    assert page.go(FILTERS).link["network"] == "lenet5"
    assert page.choose(network="zfnet_mini").go(ATTRIBUTION).link["network"] == "zfnet_mini"


def test_a_class_at_hand_another_one_and_the_difference_of_two_are_explained(known, image, best):
    page = visit(methods="saliency,guided")
    second = int(known.model(image)[0].argsort(descending=True)[1])
    page.press(f"class {second}")
    assert page.link["target"] == str(second)
    assert page.pictures()[0]["alt"].endswith(known.categories[second])
    page.choose(against=best)
    assert page.pictures()[0]["alt"].endswith(f"{known.categories[second]} and not {known.categories[best]}")
    again = Visit(ATTRIBUTION, **page.link)
    pixels = known.classifier_input.for_the_eye(image)
    for method in ("saliency", "guided"):
        values = attribute(known.model, image, method, (second, best)).map.numpy()
        assert np.abs(shown(again, method).astype(int) - over(values, pixels, limit_of(values), 0.8)).max() <= 1
    assert again.choose(sample="chelsea").link.get("target") is None  # another picture has its own most probable class


def test_what_takes_long_says_so_is_begun_by_hand_and_gives_the_same(known, image, best, monkeypatch):
    monkeypatch.setattr(work, "AT_ONCE", 0)
    monkeypatch.setattr(tiles, "FEW", 0)
    page = visit(methods="integrated_gradients", **{"integrated_gradients-steps": "20"})
    assert "22 forward passes, 20 backward" in page.captions
    assert not page.pictures()
    page.press("start integrated_gradients")
    page = arrived(page, lambda page: page.pictures() != [])
    values = attribute(known.model, image, "integrated_gradients", best, steps=20).map.numpy()
    pixels = known.classifier_input.for_the_eye(image)
    assert (
        np.abs(shown(page, "integrated_gradients").astype(int) - over(values, pixels, limit_of(values), 0.8)).max() <= 1
    )


def test_a_method_that_does_not_apply_says_why_and_the_others_are_shown():
    page = visit(methods="saliency,deconvnet", score="probability")
    assert [one["alt"].split(":")[0] for one in page.pictures()] == ["Saliency"]
    assert [i.value.replace("\\", "") for i in page.at.info] == [
        "This method starts at logits; ask for the logit instead of the probability."
    ]
    assert page.made_by_code()["found"].method == "saliency"  # the code makes those that there are


def test_a_network_that_knows_nothing_offers_one_that_does_and_random_weights_stand_beside_trained_ones():
    page = visit(weights="random", methods="grad_cam")
    assert page.press("knows").link["network"] == "efficientnet_lite0"
    assert "weights" not in page.link
    page = Visit(ATTRIBUTION, network="efficientnet_lite0", weights="random", methods="saliency")
    assert page.press("knows").link.get("weights") is None  # of the very network that could know, too
    page = visit(methods="grad_cam", random="on")
    assert "With random weights" in [image.proto.imgs[0].alt for image in page.at.get("image")]


def test_a_flat_map_beside_a_trained_one_is_named_too(known, image):
    noise = load("zfnet_mini", "random", "cpu")
    maps_are = {
        n: [bool(attribute(one.model, image, "grad_cam", n).map.any()) for one in (known, noise)] for n in range(60)
    }
    flat = next(n for n, found in maps_are.items() if found == [True, False])
    page = visit(methods="grad_cam", random="on", target=str(flat))
    said = [c.replace("\\", "") for c in page.captions.split("\n") if "everywhere" in c]
    assert [one for one in said if known.categories[flat] in one and "the map is 0 everywhere" in one]


def test_what_was_known_when_a_job_was_stopped_stays_and_is_what_the_method_knew_by_then(
    known, image, best, monkeypatch
):
    monkeypatch.setattr(work, "AT_ONCE", 0)
    monkeypatch.setattr(tiles, "FEW", 0)
    page = visit(methods="rise", **{"rise-masks": "8000"})
    page.press("start rise")
    (job,) = page.at.session_state["kept"]["explanations"].values()
    end = time.monotonic() + 60
    while not job.known and time.monotonic() < end:
        time.sleep(0.01)
    page.press("stop rise")
    page = arrived(page, lambda page: bool(page.at.info))
    assert page.at.info[0].value.startswith("Stopped before it was finished")
    assert "What is known so far" in [one.proto.imgs[0].alt for one in page.at.get("image")]
    asked = question(known.model, image, best)
    so_far = next(step for step in attributions(asked, "rise", masks=8000) if step.part == job.known[-1].part)
    assert np.array_equal(job.known[-1].map, so_far.map.numpy())
    assert page.at.button(key="start rise").label == "Start"


def test_a_list_calls_what_is_usual_by_its_name_in_every_language(known):
    page = visit(methods="grad_cam", language="en")
    page.choose(language="vi")
    assert (page.widget("layer").value, page.widget("layer").options[0]) == ("", "tầng cuối còn vị trí")
    page.choose(layer=known.layers["4"])
    assert page.link["layer"] == known.layers["4"]
    page.choose(layer="")
    assert "layer" not in page.link


def test_a_network_with_one_output_explains_its_yes_or_its_no_and_says_which():
    model = load("lenet5", "random", "cpu", num_classes=1).model
    page = Visit(ATTRIBUTION, network="lenet5", methods="input_x_gradient", look="computed", closely="input_x_gradient")
    page.choose(weights="file").upload(save(model.state_dict()), "one.safetensors", WEIGHTS_FILE)
    assert "logit" in page.captions
    assert "not class 0" not in page.captions
    yes = shown(page, "input_x_gradient")
    page.choose(answer="no")
    assert page.link["answer"] == "no"
    assert "not class 0" in page.captions
    no = shown(page, "input_x_gradient")
    assert not np.array_equal(yes, no)
    assert not page.errors


def test_colours_mean_what_the_method_shows(known):
    page = visit(methods="saliency,grad_cam", closely="saliency")
    assert page.captions.count("orange for or against") == 1  # of saliency, and not of Grad-CAM
    assert "for the class or against it; full at" in page.captions
    page = visit(methods="grad_cam", closely="grad_cam")
    assert "Orange speaks for the class, blue against it" in page.captions
    assert "layer\\: avgpool" in page.captions


def checked(page: Visit, check: str) -> list[dict[str, str]]:
    """The rows of a check's table, when it is there."""
    if page.widget("check").value != check:
        page.choose(check=check)
    page.press("start check")
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust, "download", lambda place, label, make, file, key, **look: given.update({key: make}))
        arrived(page, lambda page: "check csv" in given)
    return read_csv(given["check csv"]())


def test_a_map_seen_closely_is_checked_in_four_ways_by_hand(known, image, best):
    layer = known.layers["5"]
    page = visit(methods="grad_cam,saliency", closely="grad_cam", layer=layer)
    assert "## Grad-CAM · " in "".join(m.value for m in page.at.markdown)
    found = attribute(known.model, image, "grad_cam", best, layer).map
    asked = question(known.model, image, best, layer)
    rows = checked(page, "curves")
    maps = {"grad_cam": found} | {name: make(image) for name, make in BLIND.items()}
    assert {row["map"] for row in rows} == maps.keys()
    for name, kind in [(name, kind) for name in maps for kind in (deletion, insertion)]:
        mine = [row for row in rows if (row["map"], row["curve"]) == (name, kind.__name__)]
        curve = kind(asked, maps[name], 25)
        assert [float(row["score"]) for row in mine] == pytest.approx(curve.scores.tolist(), rel=1e-4, abs=1e-4)
        assert float(mine[0]["area"]) == pytest.approx(curve.area, rel=1e-4)
    (row,) = checked(page, "numbers")
    expected = infidelity(asked, found, 50)
    assert float(row["relative_infidelity"]) == pytest.approx(expected.relative, rel=1e-3)
    rows = checked(page, "cascade")
    assert [row["random_down_to"] for row in rows] == [
        one.layer for one in randomised(known.model, image, "grad_cam", best, layer=layer, stops=6)
    ]
    rows = checked(page, "pointing")
    assert len({row["mosaic_class"] for row in rows}) == 4
    assert rows[0]["mosaic_class"] == known.categories[best]
    assert all(0 <= float(row["share"]) <= 1 for row in rows)
    assert not page.errors


def test_what_is_pointed_at_is_each_pictures_own_class_and_flat_maps_are_named(known, image, best):
    other = (best + 1) % len(known.categories)
    page = visit(methods="grad_cam", closely="grad_cam", target=str(other))
    rows = checked(page, "pointing")
    assert rows[0]["mosaic_class"] == known.categories[best]
    assert "Each picture's own class is pointed at" in page.captions.replace("\\", "")
    checked(page, "cascade")
    assert "the map is 0 everywhere" in page.captions.replace("\\", "")
    assert "is not defined\\: a gap" in page.captions or "is not defined: a gap" in page.captions


def test_a_cascade_ends_with_the_first_layer_however_many_layers_there_are():
    page = Visit(ATTRIBUTION, network="lenet5", methods="saliency", closely="saliency")
    rows = checked(page, "cascade")
    assert (float(rows[-1]["part"]), rows[-1]["random_down_to"]) == (1, "features.c1")


def test_all_maps_can_be_taken_away_with_what_is_needed_to_make_them_again(known, image, best, monkeypatch):
    given = {}
    monkeypatch.setattr(closely, "download", lambda place, label, make, file, key, **look: given.update({file: make}))
    page = visit(methods="saliency,layer_cam")
    archive = zipfile.ZipFile(io.BytesIO(given["zfnet_mini-why.zip"]()))
    assert set(archive.namelist()) == {
        *("picture.png", "manifest.json"),
        *(f"{method}.{kind}" for method in ("saliency", "layer_cam") for kind in ("png", "npy")),
    }
    values = np.load(io.BytesIO(archive.read("saliency.npy")), allow_pickle=False)
    assert np.array_equal(values, attribute(known.model, image, "saliency", best).map.numpy())
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["target"], manifest["network"]) == (best, "zfnet_mini")
    assert manifest["maps"]["saliency"]["range"] == [pytest.approx(float(n)) for n in (values.min(), values.max())]
    assert {method: of["layer"] for method, of in manifest["maps"].items()} == {
        "saliency": None,
        "layer_cam": "avgpool",
    }
    assert (manifest["pixels"], manifest["strength_percent"]) == ("computed", 80)
    assert "npy" in KINDS
    assert not page.errors
