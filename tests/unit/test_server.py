"""What the environment allows visitors, and which pages are shown."""

import os
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from models.device import memory
from models.loading import best_weights, place_of_weights
from models.server import IN_CLASS, VARIABLES, Budget, Server, server
from pages.common import routes
from pages.common.routes import HOME, LAYERS, SECTIONS, TRAIN, listed


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing is set but what a test sets."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_variables_a_server_is_its_owners_own():
    assert server() == Server()
    assert server().takes_weights
    assert server().takes_archives
    assert server().fetches_weights
    assert (server().datasets, server().folder, server().pages) == ("machine", None, None)


@pytest.mark.parametrize("written", ["1", "on", "yes", " true "])
def test_one_variable_makes_it_a_classs_whatever_the_others_say(environment, written):
    environment.setenv("CONVSCOPE_CLASS", written)
    environment.setenv("CONVSCOPE_WEIGHTS_UPLOAD", "on")
    environment.setenv("CONVSCOPE_DOWNLOADS", "1")
    known = server()
    assert not known.takes_weights
    assert not known.takes_archives
    assert not known.fetches_weights
    assert known.datasets == "nobody"
    assert known.budget == IN_CLASS


@pytest.mark.parametrize("written", ["", "0", "off", "no", "False"])
def test_a_class_that_is_switched_off_is_none(environment, written):
    environment.setenv("CONVSCOPE_CLASS", written)
    assert server() == Server()


def test_a_class_may_have_less_of_everything():
    usual = Budget()
    assert all(0 < getattr(IN_CLASS, name) < getattr(usual, name) for name in usual.__dataclass_fields__)


@pytest.mark.parametrize(("written", "taken"), [("OFF", False), (" no", False), ("0", False), ("", True), ("on", True)])
def test_weights_are_not_taken_where_the_variable_says_no_in_any_word(environment, written, taken):
    environment.setenv("CONVSCOPE_WEIGHTS_UPLOAD", written)
    assert server().takes_weights == taken


def test_the_other_variables_stand_for_themselves(environment, tmp_path):
    environment.setenv("CONVSCOPE_WEIGHTS_UPLOAD", "off")
    assert not server().takes_weights
    assert server().takes_archives
    environment.setenv("CONVSCOPE_DOWNLOADS", "1")
    environment.setenv("CONVSCOPE_PICTURES", str(tmp_path))
    assert (server().datasets, server().folder) == ("everybody", tmp_path)


def test_a_budget_reaches_what_it_bounds():
    """What is bounded is made when the app starts, so this asks a process of its own."""
    asked = (
        "from pages.common import learning; from pages.common.cache import AT_MOST, memory, top9; "
        "from pages.look.top9 import mining; "
        "print(memory.remembered_things.budget, top9.searches.most, mining.AT_MOST, AT_MOST, "
        "learning.AT_MOST)"
    )
    given = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"CONVSCOPE_CLASS": "1", "CONVSCOPE_MEMORY": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = replace(IN_CLASS, remembered=min(IN_CLASS.remembered, memory() // 8))
    assert tuple(map(int, given.stdout.split())) == astuple(expected)


# Weights ---------------------------------------------------------------------------------------------------------


def test_a_class_opens_networks_without_a_download(environment, tmp_path):
    environment.setenv("TORCH_HOME", str(tmp_path))
    environment.setattr("models.loading.fetched", lambda *_args, **_options: pytest.fail("it was fetched"))
    assert place_of_weights("alexnet") == "internet"
    environment.setenv("CONVSCOPE_CLASS", "1")
    kind, refused = best_weights("alexnet")
    assert kind == "random"
    assert str(refused) == "This server downloads no weights, and it does not have those of AlexNet."
    assert place_of_weights("alexnet") == "nowhere"
    assert best_weights("zfnet_mini") == ("shipped", None)


def test_weights_that_lie_on_the_disk_are_a_classs_too(environment, tmp_path):
    environment.setenv("CONVSCOPE_CLASS", "1")
    environment.setattr("models.loading.cached", lambda *_source: tmp_path / "weights")
    environment.setattr("models.loading.fetched", lambda *_source, progress: tmp_path / "weights")
    assert best_weights("alexnet") == ("imagenet", None)


# Pages -----------------------------------------------------------------------------------------------------------


def shown() -> list[str]:
    return [route.name for section in SECTIONS.values() for route in section if route.is_shown]


def test_all_pages_are_shown_unless_some_are_listed(environment):
    assert shown() == [route.name for section in SECTIONS.values() for route in section]
    environment.setenv("CONVSCOPE_PAGES", " look/layers, train ,/learn/convolution,")
    assert shown() == ["home", "layers", "convolution", "train"]
    environment.setenv("CONVSCOPE_PAGES", " , ")  # as a file of settings leaves it that lists none
    assert server() == Server()


def test_what_is_no_page_is_named_once_and_ignored(environment):
    said = []
    environment.setattr(routes.log, "warning", lambda words, *values: said.append(words % values))
    listed.cache_clear()
    environment.setenv("CONVSCOPE_PAGES", "look/layers,learn/layers,lairs,train")
    assert LAYERS.is_shown
    assert TRAIN.is_shown
    assert HOME.is_shown
    assert shown() == ["home", "layers", "train"]
    assert said == ["CONVSCOPE_PAGES names no page of the app with 'learn/layers', 'lairs'."]
