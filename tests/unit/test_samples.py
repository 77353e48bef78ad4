"""The samples: what they are, whose they are, and what the networks that ship take them for."""

import io

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from PIL import Image
from torchvision.models import get_weight

from models import ARCHITECTURES, load
from models.decoding import decoded
from models.digits import BOX, DIGITS, PEN, SIDE, digit_picture, smooth
from models.loaded import predicted
from models.samples import SAMPLES, File, photographs, samples_for
from models.weights import SHIPPED, card

NETWORKS = sorted(path.stem for path in SHIPPED.glob("*.json") if not path.stem.startswith("cifar_"))
IMAGENET = get_weight("AlexNet_Weights.IMAGENET1K_V1").meta["categories"]
CIFAR = card("cifar_lenet5").categories
SINCE_EVER = "coffee chelsea astronaut rocket motorcycle_left camera horse coins brick grass"  # links name them
HERE = [pytest.param(sample, id=name) for name, sample in SAMPLES.items()]


@pytest.fixture(scope="module", params=NETWORKS)
def loaded(request):
    return load(request.param, "shipped", "cpu")


def first_guess(loaded, name: str) -> str:
    """The class that a network thinks most probable."""
    ((number, _probability),) = predicted(loaded, loaded.classifier_input(decoded(SAMPLES[name].content())), 1)
    return loaded.categories[number]


# What they are -----------------------------------------------------------------------------------------------------


def test_old_links_still_name_samples():
    assert set(SINCE_EVER.split()) <= SAMPLES.keys()


@pytest.mark.parametrize("sample", HERE)
def test_a_sample_is_a_picture_with_its_owner_and_its_licence(sample):
    assert min(decoded(sample.content()).size) >= 128
    assert sample.source.by
    assert sample.source.licence


def test_a_cropped_sample_is_that_part_of_the_photograph_to_the_last_bit():
    cropped = [sample for sample in SAMPLES.values() if sample.crop]
    assert "coffee" in {sample.name for sample in cropped}
    for sample in cropped:
        left, top, right, bottom = sample.crop
        whole = np.asarray(decoded(sample.source.content()))
        assert np.array_equal(np.asarray(decoded(sample.content())), whole[top:bottom, left:right])
        assert bottom <= len(whole)
        assert right <= whole.shape[1]


def test_matplotlibs_photograph_is_where_matplotlib_says():
    with get_sample_data("grace_hopper.jpg") as file:
        assert SAMPLES["hopper"].source.content() == file.read()


def test_what_is_not_installed_is_no_sample():
    assert not File("no_such_package", "x.png", "nobody", "none").is_here
    assert not File("skimage", "data/no_such_file.png", "nobody", "none").is_here


def test_a_pair_shows_the_same_thing_and_the_set_of_photographs_has_it_once():
    pairs = [sample for sample in SAMPLES.values() if sample.same_as]
    assert pairs
    for sample in pairs:
        assert SAMPLES[sample.same_as].title in sample.title
        assert sample.name not in photographs()
    assert not {"horse", "digit_3"} & photographs().keys()  # drawings
    assert decoded(photographs()["coffee"]).size == (600, 400)  # whole


def test_the_readme_says_whose_every_sample_is_and_its_licence():
    readme = (SHIPPED.parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.partition("## Licences")[2].splitlines() if line.startswith("|")]
    for sample in SAMPLES.values():
        if isinstance(sample.source, File):
            assert any(sample.source.by in row and sample.source.licence in row for row in rows), sample.name


# What they are taken for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", HERE)
def test_the_classes_said_to_be_right_are_classes(sample):
    known = "0123456789" if sample.kind == "digit" else [*IMAGENET, *CIFAR]
    assert set(sample.classes) <= set(known)
    assert {*sample.known_to(IMAGENET), *sample.known_to(CIFAR)} == (
        set() if sample.kind == "digit" else {*sample.classes}
    )


def test_which_samples_the_shipped_networks_have_classes_for():
    tiny = load("zfnet_mini", "shipped", "cpu").categories
    assert {name: sample.known_to(tiny) for name, sample in SAMPLES.items() if sample.known_to(tiny)} == {
        "coffee": ("espresso",),
        "rocket": ("projectile",),
        "chelsea": ("tabby", "Egyptian cat"),
        "hopper": ("military uniform",),
    }


def test_networks_for_cifar_have_classes_for_the_animals_alone():
    assert {name: sample.known_to(CIFAR) for name, sample in SAMPLES.items() if sample.known_to(CIFAR)} == {
        "chelsea": ("cat",),
        "horse": ("horse",),
    }


def test_every_shipped_network_gets_its_usual_sample_right(loaded):
    usual, second, *_others = samples_for(loaded.architecture)
    takes_the_rocket_for_a_platform = loaded.architecture.name == "efficientnet_lite0"  # its second guess is a missile
    for sample in (usual,) if takes_the_rocket_for_a_platform else (usual, second):
        assert first_guess(loaded, sample.name) in sample.known_to(loaded.categories)


def test_lenet_reads_all_ten_digits():
    loaded = load("lenet5", "shipped", "cpu")
    assert [first_guess(loaded, f"digit_{number}") for number in range(10)] == list("0123456789")


def test_a_network_that_reads_digits_is_offered_digits_first_and_any_other_one_photographs():
    for architecture in ARCHITECTURES.values():
        kinds = [sample.kind for sample in samples_for(architecture)]
        assert len(kinds) == len(SAMPLES)
        assert (kinds[:10] == ["digit"] * 10) is (architecture.input_shape[0] == 1)
        assert (kinds[-10:] == ["digit"] * 10) is (architecture.input_shape[0] == 3)


# Digits ------------------------------------------------------------------------------------------------------------


def ink(strokes) -> np.ndarray:
    return np.asarray(digit_picture(strokes), float)  # (SIDE, SIDE)


@pytest.mark.parametrize("number", range(10))
def test_a_digit_fits_mnists_box_and_its_centre_of_mass_is_in_the_middle(number):
    rows, columns = np.nonzero(ink(DIGITS[number]) > 0)
    sides = (np.ptp(rows) + 1, np.ptp(columns) + 1)
    assert BOX - 2 <= max(sides) <= BOX + 2
    image = ink(DIGITS[number])
    for axis in (0, 1):
        centre = (np.arange(SIDE) * image.sum(1 - axis)).sum() / image.sum()
        assert abs(centre - (SIDE - 1) / 2) <= 0.51


def test_how_large_and_where_something_is_drawn_makes_no_difference():
    (stroke,) = DIGITS[0]
    for scale, x, y in ((1, 300, -20), (0.03, 0, 0), (7.5, 9, 9)):
        moved = [[(scale * px + x, scale * py + y) for px, py in stroke]]
        assert np.abs(ink(moved) - ink([stroke])).max() <= 3  # rounded once more


def test_a_dot_is_a_dot_a_line_is_a_line_and_nothing_is_black():
    dot, line = ink([[(500, 20)]]), ink([[(0, 10), (100, 10)]])
    assert dot.sum() / 255 == pytest.approx(np.pi * (PEN / 2) ** 2, rel=0.1)
    assert line.sum() / 255 == pytest.approx((BOX - PEN) * PEN + np.pi * (PEN / 2) ** 2, rel=0.05)
    assert not ink([]).any()


def test_ink_far_from_the_middle_stays_on_the_picture():
    heavy = [[(0, 0), (1, 1)] * 200, [(0, 0), (100, 100)]]
    assert ink([*heavy, *[[(0, y), (30, y)] for y in range(0, 30, 3)]]).sum() > ink(heavy).sum()
    edge = ink([*heavy, *[[(0, y), (30, y)] for y in range(0, 30, 3)]])
    assert not np.concatenate([edge[0], edge[-1], edge[:, 0], edge[:, -1]]).any()


def test_a_smooth_stroke_goes_through_its_points():
    points = [(0.0, 0.0), (10.0, 40.0), (30.0, 20.0), (5.0, 7.0)]
    curve = smooth(points, 12)
    assert curve[::12] == pytest.approx(np.array(points))
    assert smooth([(0.0, 0.0), (6.0, 3.0)], 3)[0] == (0, 0)


def test_a_drawing_is_white_on_black_with_soft_edges():
    file = Image.open(io.BytesIO(SAMPLES["digit_7"].content()))
    values = set(np.asarray(file).ravel().tolist())
    assert file.size == (SIDE, SIDE)
    assert {0, 255} < values
    assert len(values) > 10
