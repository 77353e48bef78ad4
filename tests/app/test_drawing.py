"""A digit of one's own, without a browser: which sample and what field a network gets, and what the drawing becomes."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from models import load
from models.digits import DIGITS, digit_picture
from models.loaded import predicted
from pages.common.components.drawing import FINEST, MOST_POINTS, MOST_STROKES, strokes_of
from pages.common.drawing import DRAWING
from pages.common.made_file import MadeFile
from pages.common.session import sha256
from tests.app.visit import ACTIVATIONS, FILTERS, HOME, Visit

STROKES = tuple(tuple((round(10 * x), round(10 * y)) for x, y in stroke) for stroke in DIGITS[7])


def field(visit: Visit) -> dict | None:
    """The data of the field to draw in."""
    components = (json.loads(element.proto.json) for element in visit.at.get("bidi_component"))
    return next((data for data in components if "strokes" in data), None)


def pixels_of(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


# The field ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "is_there"), [("lenet5", True), ("zfnet_mini", False)])
def test_the_field_is_there_for_networks_that_read_digits(network, is_there):
    assert (field(Visit(network=network)) is not None) is is_there


def test_what_is_drawn_is_classified_as_the_network_does_and_shown_as_it_sees_it():
    visit = Visit(network="lenet5")
    empty = field(visit)
    assert [(bar["name"], bar["share"], bar["text"]) for bar in empty["bars"]] == [(d, 0, "") for d in "0123456789"]
    assert empty["answer"] == ""
    loaded = load("lenet5", "shipped", "cpu")
    image = loaded.preprocess(digit_picture(STROKES))
    expected = dict(predicted(loaded, image, 10))
    there = field(visit.keep(DRAWING, STROKES))
    assert [bar["share"] for bar in there["bars"]] == pytest.approx([expected[n] for n in range(10)], abs=1e-6)
    assert [bar["name"] for bar in there["bars"] if bar["best"]] == ["7"]
    assert there["answer"] == f"7 · {100 * expected[7]:.1f} %"
    assert np.array_equal(pixels_of(there["seen"]), loaded.preprocess.for_the_eye(image))
    assert there["strokes"] == json.loads(json.dumps(STROKES))


def test_with_random_weights_one_can_draw_but_nothing_is_predicted():
    there = field(Visit(network="lenet5_1998").keep(DRAWING, STROKES))
    assert there["bars"] == []
    assert there["answer"] == ""
    assert "random" in there["note"]


def test_a_drawing_is_taken_as_the_picture_on_every_page_until_it_is_removed():
    visit = Visit(network="lenet5")
    content = io.BytesIO()
    digit_picture(STROKES).save(content, "PNG")
    visit.keep("own picture_file", MadeFile("digit.png", content.getvalue()))
    assert visit.predictions[0].startswith("7 · 9")
    assert visit.strip["note"].startswith("digit.png, as the network sees it")
    assert "sample" not in visit.link
    visit.go(ACTIVATIONS)
    visit.press("remove picture_file")
    assert visit.link["sample"] == "digit_0"


def test_a_drawn_file_is_told_from_another_by_what_is_in_it():
    assert MadeFile("a", b"x").file_id == MadeFile("b", b"x").file_id == sha256(b"x") != MadeFile("a", b"y").file_id
    assert MadeFile("a", b"x").getvalue() == b"x"


# What a browser sends ----------------------------------------------------------------------------------------------


def test_strokes_are_taken_as_they_were_drawn():
    assert strokes_of([[[0, 0], [FINEST, 5]], [[3, 4]]]) == (((0, 0), (FINEST, 5)), ((3, 4),))
    assert strokes_of([]) == ()
    assert strokes_of([[[1, 2]] * MOST_POINTS]) is not None
    assert strokes_of([[[1, 2]]] * MOST_STROKES) is not None


@pytest.mark.parametrize(
    "report",
    [
        *(None, "strokes", 7, {}, {"0": []}, [[]], [None], ["ab"], [[[1]]], [[[1, 2, 3]]], [[(1, 2)]]),
        *([[[1, -1]]], [[[FINEST + 1, 0]]], [[[0.5, 0]]], [[[True, 0]]], [[["1", 0]]], [[[float("nan"), 0]]]),
        *([[[1, 2]] * (MOST_POINTS + 1)], [[[1, 2]]] * (MOST_STROKES + 1), [[[10**400, 0]]]),
    ],
    ids=lambda report: str(report)[:30],
)
def test_what_is_no_drawing_or_too_large_is_not_taken(report):
    assert strokes_of(report) is None


# Samples -----------------------------------------------------------------------------------------------------------


def test_networks_that_read_digits_have_a_sample_of_their_own():
    visit = Visit(FILTERS, network="lenet5")
    assert visit.link["sample"] == "digit_0"
    assert visit.choose(network="zfnet_mini").link["sample"] == "coffee"
    visit.choose(sample="rocket")
    assert visit.choose(network="lenet5_bn").link["sample"] == "digit_0"
    visit.choose(sample="digit_4")
    assert visit.choose(network="lenet5").link["sample"] == "digit_4"
    assert visit.choose(network="alexnet_mini").link["sample"] == "rocket"


def test_home_shows_digits_to_a_network_that_reads_them_and_photographs_to_others():
    for network, sample in (("lenet5", "Digit 0"), ("lenet5_1998", "Digit 0"), ("resnet50", "Cup of coffee")):
        strip = Visit(HOME, network=network).strip
        assert strip["note"].startswith(f"{sample}, as the network sees it")
        assert strip["answer"]["known"].startswith("Right answers among ")


@pytest.mark.parametrize("sample", ["coffee", "motorcycle_left", "digit_8"])
def test_a_link_may_show_any_network_any_sample_and_speaks_of_its_own_network_alone(sample):
    visit = Visit(FILTERS, network="lenet5", sample=sample)
    assert visit.link["sample"] == sample
    assert visit.choose(network="zfnet_mini").link["sample"] == "coffee"
