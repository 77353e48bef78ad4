"""What a class's server takes away from its pages, and how it says so."""

import pytest

from models.server import VARIABLES
from pages.common.routes import ATTRIBUTION, LAYERS, TRAIN
from pages.common.session import SET_FILE, WEIGHTS_FILE
from tests.app.visit import FILTERS, HOME, TOP9, Visit
from tests.unit.pictures import photograph, saved


@pytest.fixture(autouse=True)
def in_class(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONVSCOPE_CLASS", "1")
    return monkeypatch


def said(visit: Visit) -> str:
    at = visit.at
    return "\n".join(element.value for kind in (at.info, at.warning, at.caption, at.markdown) for element in kind)


def uploaders(visit: Visit) -> set[str]:
    return {uploader.key for uploader in visit.at.file_uploader}


NO_FILES = {"en": "This server takes no files of weights.", "vi": "Máy chủ này không nhận tệp trọng số."}
NO_ZIPS = {"en": "This server takes no ZIPs of pictures", "vi": "Máy chủ này không nhận tệp ZIP chứa ảnh"}
NO_SETS = {"en": "This server downloads no data sets", "vi": "Máy chủ này không tải bộ dữ liệu"}
NO_WEIGHTS = {
    "en": "This server downloads no weights, and it does not have those of AlexNet",
    "vi": "Máy chủ này không tải trọng số và không có trọng số của AlexNet",
}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_files_of_weights_are_not_asked_for(language):
    visit = Visit(LAYERS, language=language, network="lenet5", weights="file")
    assert NO_FILES[language] in said(visit)
    assert len(visit.widget("weights").options) == 2
    assert WEIGHTS_FILE not in uploaders(visit)


def test_a_picture_of_ones_own_is_still_taken():
    visit = Visit(LAYERS, network="lenet5").upload(saved(photograph(40, 30), "PNG"), "mine.png")
    assert "sample" not in visit.link
    assert not visit.errors


@pytest.mark.parametrize("language", ["en", "vi"])
def test_zips_and_downloads_of_data_sets_say_that_they_are_off(language):
    visit = Visit(TOP9, language=language, network="lenet5").choose(set="zip")
    assert NO_ZIPS[language] in said(visit)
    assert SET_FILE not in uploaders(visit)
    visit = Visit(TOP9, language=language, network="lenet5", set="dataset", dataset="CIFAR10")
    assert NO_SETS[language] in said(visit)
    assert not any(button.key == "download data set" for button in visit.at.button)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_network_whose_weights_are_not_here_says_why_they_are_random(language, in_class, tmp_path):
    in_class.setenv("TORCH_HOME", str(tmp_path))
    visit = Visit(FILTERS, language=language, network="alexnet")
    assert NO_WEIGHTS[language] in said(visit).replace("\\", "")
    assert not visit.errors


# Pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "This server does not show the page “Filters”; choose another one in the menu."),
        ("vi", "Máy chủ này không hiển thị trang “Bộ lọc”; hãy chọn trang khác trong trình đơn."),
    ],
)
def test_a_page_that_is_not_listed_is_not_drawn(language, words, in_class):
    in_class.setenv("CONVSCOPE_PAGES", "look/layers,learn/train")
    visit = Visit(FILTERS, language=language)
    assert visit.at.info[0].value == words
    assert not visit.pictures()
    assert not visit.at.file_uploader


def test_a_page_that_is_listed_and_the_first_one_are_drawn(in_class):
    in_class.setenv("CONVSCOPE_PAGES", "look/layers,learn/train")
    visit = Visit(HOME)
    assert visit.at.title
    ways = {button.key for button in visit.at.button if button.key.startswith("way ")}
    assert ways == {
        "way One photograph, five layers",
        "way Draw a digit, and LeNet-5 reads it",
        "way Watch LeNet-5 learn digits",
    }
    assert visit.go(LAYERS).pictures()
    assert not visit.go(ATTRIBUTION).pictures()  # and back
    assert visit.go(LAYERS).pictures()
    assert "does not show" not in said(visit.go(TRAIN))
