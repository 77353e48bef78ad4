"""What is remembered of a refusal is its sentence, and nothing of where it was raised."""

import gc
import pickle
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from models import ARCHITECTURES, download, load, loading
from models.naming import SeveralStates
from models.picture_sets import folder
from models.refusals import Refused, Remark
from pages.common.cache import networks
from pages.common.cache.networks import weights_to_be_had
from pages.common.jobs import Job
from pages.common.session import Picture, Selection
from tests.unit.test_jobs import ended
from vis.cost.stack import Row, row_by_row
from vis.top9 import mining as top9


class Something:
    """A network, say, in a frame through which a refusal goes."""


def refuse(sentence: str = "It is {what}.", what: object = "gone", kind: type[Refused] = Refused) -> None:
    """Refuses out of a frame that holds something, of which `alive` knows; so does the error that it comes from."""
    held = Something()
    alive.append(weakref.ref(held))
    try:
        raise OSError("no route", held)
    except OSError as error:
        raise kind(sentence, what=error if what is OSError else what) from error


alive: list[weakref.ref] = []


@pytest.fixture(autouse=True)
def nothing_alive():
    alive.clear()
    yield
    alive.clear()


def all_dead() -> bool:
    gc.collect()
    return len(alive) > 0 and not any(reference() for reference in alive)


def test_a_refusal_alone_says_the_same_and_holds_nothing():
    with pytest.raises(Refused) as caught:
        refuse(what=3)
    alone = caught.value.alone()
    assert (str(alone), alone.template, alone.values_said) == ("It is 3.", "It is {what}.", {"what": 3})
    assert alone.__traceback__ is alone.__context__ is alone.__cause__ is None
    assert not all_dead()  # for the one that was caught is still there
    del caught
    assert all_dead()


def test_an_error_among_the_values_of_a_refusal_is_only_text():
    with pytest.raises(Refused) as caught:
        refuse(what=OSError)
    alone = caught.value.alone()
    del caught
    assert isinstance(alone.values_said["what"], str)
    assert "no route" in str(alone)
    assert all_dead()


def test_a_refusal_alone_is_of_its_kind():
    with pytest.raises(Refused) as caught:
        refuse(kind=download.DownloadFailed)
    assert type(caught.value.alone()) is download.DownloadFailed


def fails(*_: object, **__: object) -> None:
    refuse(kind=download.DownloadFailed)


def test_a_failed_download_that_is_remembered_holds_nothing(monkeypatch):
    monkeypatch.setattr(loading, "fetched", fails)
    monkeypatch.setattr(networks, "_refused_lately", {})
    picture = Picture("coffee", "0" * 64, False)
    kind, said = weights_to_be_had(Selection("alexnet", "auto", "cpu", picture))
    again = weights_to_be_had(Selection("alexnet", "auto", "cpu", picture))
    assert (kind, str(said)) == ("random", "It is gone.")
    assert again == (kind, said)
    assert len(alive) == 1
    assert all_dead()


def test_a_network_with_random_weights_for_want_of_others_holds_nothing_of_the_reason(monkeypatch):
    entry = replace(
        ARCHITECTURES["lenet5"], name="away", torchvision_weights=ARCHITECTURES["alexnet"].torchvision_weights
    )
    monkeypatch.setattr(loading, "ARCHITECTURES", {"away": entry})
    monkeypatch.setattr(loading, "fetched", fails)
    loaded = load("away", device="cpu")
    assert str(loaded.refused) == "It is gone."
    assert all_dead()


def test_a_job_that_ended_with_a_refusal_holds_nothing():
    job = ended(Job(lambda report, stopped: refuse(), 60))
    assert str(job.refused) == "It is gone."
    assert all_dead()


def test_the_unreadable_pictures_of_a_search_hold_nothing(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        Image.new("RGB", (80, 80)).save(tmp_path / f"{name}.png")
    pictures = folder(tmp_path, tmp_path)
    monkeypatch.setattr(pictures, "open", lambda id: refuse())
    top = top9.mine(load("lenet5", "random", "cpu"), pictures, {"C1": "features.relu1"}.values(), 2)
    assert [id for id, _ in top.unreadable] == ["a.png", "b.png", "c.png"]
    assert len(alive) == 3
    assert all_dead()


def test_the_skipped_files_of_a_set_hold_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"")
    Image.new("RGB", (80, 80)).save(tmp_path / "b.png")
    real = Path.resolve
    monkeypatch.setattr(
        Path, "resolve", lambda self, strict=False: refuse() if self.name == "a.png" else real(self, strict)
    )
    pictures = folder(tmp_path, tmp_path)
    assert [(name, str(why)) for name, why in pictures.skipped] == [("a.png", "It is gone.")]
    assert all_dead()


def test_a_stack_with_an_impossible_row_holds_nothing():
    stack = row_by_row([Row("convolution", 8, 99, 1, 0, 1, 1)], (3, 32, 32))
    assert stack.refused
    assert stack.refused.__traceback__ is stack.refused.__context__ is None


@pytest.mark.parametrize("kind", [Refused, SeveralStates, Remark])
def test_a_sentence_comes_from_another_process_with_its_values(kind):
    sent = kind("There is no {place} in {file}.", place="{x}", file="a.pt")
    came = pickle.loads(pickle.dumps(sent))
    assert type(came) is kind
    assert (came.template, came.values_said, str(came)) == (sent.template, sent.values_said, "There is no {x} in a.pt.")


@pytest.mark.parametrize("kind", [Refused, Remark])
def test_a_sentence_without_a_value_of_its_place_is_found_where_it_is_made(kind):
    with pytest.raises(KeyError):
        kind("There is no {place}.")
