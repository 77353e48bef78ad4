"""What is remembered for visitors: one budget of bytes, and room for the networks that are open."""

import gc
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from models import ARCHITECTURES, load
from models.device import memory
from models.download import A_MOMENT
from models.loaded import Made
from models.refusals import Refused
from pages.common.cache import Built, networks, top9, turns
from pages.common.cache import memory as remembering
from pages.common.cache import room as rooms
from pages.common.cache.meanwhile import meanwhile
from pages.common.cache.memory import Memory, held
from pages.common.cache.remembering import copied, shared
from pages.common.cache.room import Room, entered, opening, weight_of
from pages.common.cache.turns import Line
from pages.common.measuring import on_device
from pages.common.session import Picture, Selection
from vis.top9 import key_of


def kept(store: Memory) -> list[str]:
    return [name for name, _ in store._entries]


def ask(store: Memory, name: str, size: int, **about: object) -> str:
    return store.recall((name, 0), lambda: f"{name} {time.monotonic_ns()}", lambda value: size, **about)


def test_what_was_asked_for_longest_ago_goes_first():
    store = Memory(10)
    for name in "abc":
        ask(store, name, 4)
    assert (kept(store), store.used) == (["b", "c"], 8)
    first = ask(store, "b", 4)
    ask(store, "d", 4)
    assert kept(store) == ["b", "d"]
    assert ask(store, "b", 4) == first


def test_what_is_larger_than_the_budget_is_kept_until_something_newer_comes():
    store = Memory(10)
    ask(store, "small", 3)
    large = ask(store, "large", 30)
    assert kept(store) == ["large"]
    assert ask(store, "large", 30) == large
    ask(store, "small", 3)
    assert (kept(store), store.used) == (["small"], 3)


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 12)), max_size=60), st.integers(1, 30))
def test_the_budget_holds_after_any_questions_and_what_is_kept_are_the_newest(asked, budget):
    store, sizes = Memory(budget), {}
    for name, size in asked:
        sizes.setdefault(name, size)  # of one thing, the same whenever it is made
        ask(store, name, sizes[name])
    order = list(dict.fromkeys(name for name, _ in reversed(asked)))
    assert kept(store)[::-1] == order[: len(kept(store))]
    assert store.used == sum(sizes[name] for name in kept(store))
    assert store.used <= budget or len(kept(store)) == 1


class Thing:
    """Something that can be referred to weakly, as a network can."""


def test_what_was_let_go_and_is_still_used_is_found_again_and_there_are_no_two_of_it():
    store = Memory(10)
    used = store.recall(("used", 0), Thing, lambda thing: 6)
    ask(store, "newer", 6)
    assert kept(store) == ["newer"]
    assert store.recall(("used", 0), Thing, lambda thing: 6) is used
    assert (kept(store), store.used) == (["used"], 6)
    ask(store, "newer", 6)
    number = id(used)
    del used
    gc.collect()
    other = [Thing() for _ in range(20)]  # so that no new one stands where that one was
    assert id(store.recall(("used", 0), Thing, lambda thing: 6)) not in {number, *map(id, other)}
    store.forget()
    assert not store._gone


def test_many_who_ask_for_the_same_wait_for_one_and_nobody_else_waits():
    store, made, release = Memory(10**6), [], threading.Event()

    def slow() -> str:
        made.append(1)
        release.wait(10)
        return "result"

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(store.recall, ("slow", 0), slow, len) for _ in range(8)]
        assert pool.submit(ask, store, "quick", 1).result(timeout=5).startswith("quick")
        release.set()
        assert {one.result() for one in waiting} == {"result"}
    assert len(made) == 1
    assert not store._making


def test_what_failed_is_not_remembered():
    store = Memory(10)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            store.recall(("x", 0), lambda: 1 // 0)
    assert not store._making
    assert store.recall(("x", 0), lambda: 7) == 7


def test_what_is_old_or_its_sessions_that_has_ended_goes(monkeypatch):
    monkeypatch.setattr(remembering, "_is_there", lambda session: session != "gone")
    monkeypatch.setattr(remembering, "TIDIED_AGAIN_AFTER", 0)
    store = Memory(100)
    first = ask(store, "short", 1, seconds=0.02)
    time.sleep(0.03)
    assert ask(store, "short", 1, seconds=0.02) != first
    ask(store, "theirs", 1, owner="gone")
    ask(store, "ours", 1, owner="here")
    time.sleep(0.03)
    store.tidy()
    assert (kept(store), store.used) == (["ours"], 1)


def test_what_is_not_counted_yet_is_counted_when_nobody_waits():
    store = Memory(3_000_000)
    for number in range(5):
        store.recall(("array", number), lambda: np.zeros(1_000_000, np.uint8))
    assert store.used == 0
    store.tidy()
    assert [number for _, number in store._entries] == [3, 4]
    assert 2_000_000 <= store.used <= 2_001_000


@pytest.mark.parametrize("way", ["array", "view", "tensor", "shared storage", "module", "in a dataclass"])
def test_what_something_holds_is_counted_once(way):
    array, tensor = np.zeros(250_000, np.float32), torch.zeros(250_000)
    linear = nn.Linear(500, 500, bias=False)
    value = {
        "array": array,
        "view": [array[::2], array[10:20], array],
        "tensor": tensor,
        "shared storage": (tensor[:10], tensor.view(500, 500), {"again": tensor}),
        "module": linear,
        "in a dataclass": ARCHITECTURES["lenet5"],
    }[way]
    if way == "in a dataclass":
        assert held(value) < 100_000
        return
    assert 1_000_000 <= held(value) < 1_020_000


def test_numbers_that_are_not_there_yet_count():
    loaded = load("vgg16", "random", "cpu")
    assert not loaded.is_there
    assert weight_of(loaded) == 4 * 138_357_544


def test_a_copy_is_ones_own_and_a_key_is_made_of_whatever_arguments_there_are():
    made = []

    @copied()
    def listed(names: list[str], settings: dict[str, int], _content: object = None, flag: bool = False) -> list[str]:
        made.append(1)
        return [*names, *settings]

    one = listed(["a"], {"b": 1}, object())
    one.append("mine")
    assert listed(["a"], {"b": 1}, object()) == listed(["a"], settings={"b": 1}, flag=False) == ["a", "b"]
    assert len(made) == 1
    listed(["a"], {"b": 2})
    listed(["a"], {"b": 1}, flag=True)
    assert len(made) == 3
    listed.clear()
    listed(["a"], {"b": 1})
    assert len(made) == 4
    listed.clear()


def test_what_is_shared_is_the_same_for_everybody():
    @shared()
    def thing(number: int) -> list[int]:
        return [number]

    assert thing(1) is thing(1)
    assert thing(1) is not thing(2)
    thing.clear()


def test_a_budget_may_be_set_is_smaller_in_a_class_and_else_a_share_of_the_memory(monkeypatch):
    for variable in ("CONVSCOPE_MEMORY", "CONVSCOPE_CLASS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(remembering, "memory", lambda: 64 << 30)
    assert remembering._budget() == 1 << 30
    monkeypatch.setenv("CONVSCOPE_CLASS", "1")
    assert remembering._budget() == 1 << 29
    monkeypatch.setattr(remembering, "memory", lambda: 2 << 30)
    assert remembering._budget() == 256 << 20
    monkeypatch.setenv("CONVSCOPE_MEMORY", "250")
    assert remembering._budget() == 250_000_000
    monkeypatch.setenv("CONVSCOPE_MEMORY", "0")
    assert remembering._budget() == 0
    monkeypatch.setenv("CONVSCOPE_MEMORY", "99999999999")
    assert remembering._budget() == remembering.memory()
    said = []
    monkeypatch.setattr("models.server.LOG.warning", lambda words, *values: said.append(words % values))
    monkeypatch.setenv("CONVSCOPE_MEMORY", "1 GB")
    assert remembering._budget() == remembering._budget() == 256 << 20
    assert said == ["CONVSCOPE_MEMORY is a number of megabytes, such as 500, and not '1 GB': it is ignored."]


def test_the_memory_of_the_machine_is_known():
    assert 256 << 20 < memory() < 1 << 50


def test_the_log_says_what_is_remembered(monkeypatch):
    monkeypatch.setattr(remembering, "TIDIED_AGAIN_AFTER", 0)
    lines = []
    monkeypatch.setattr(remembering.LOG, "info", lines.append)
    store = Memory(10_000_000)
    store.recall(("pages.common.cache.results.seen", 1), lambda: b"", lambda value: 2_500_000)
    store.tidy()
    store.tidy()  # says nothing new
    assert lines == ["remembered: 2 of 10 MB in 1 entries (seen 2)"]


def test_what_is_found_again_before_it_was_counted_is_counted():
    store, held = Memory(1 << 30), np.zeros(5 << 20, np.uint8)
    store.recall(("a", 1), lambda: held)
    assert store.drop_oldest(lambda value: value is held)
    assert store.recall(("a", 1), lambda: None) is held
    store.tidy()
    assert store.used >= 5 << 20


# Room ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow(monkeypatch):
    """Room for one large network of these two, and none that is remembered."""
    monkeypatch.setattr(rooms, "room", Room(120_000_000))
    monkeypatch.setattr(rooms, "PATIENCE", 20)
    monkeypatch.setattr(rooms, "LOOKED_THROUGH_AFTER", 0.2)
    return rooms.room


def opened(name: str):
    loaded = load(name, "random", "cpu")
    with opening(loaded.architecture):
        _ = loaded.model
        return entered(loaded)


def test_a_large_network_waits_until_another_one_is_let_go(narrow):
    first = opened("resnet50").model  # 102 MB, with which somebody computes
    assert narrow.used == 4 * ARCHITECTURES["resnet50"].parameters
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: (opened("resnet34"), narrow.used)[1])  # 87 MB
        time.sleep(0.3)
        assert not second.done()
        small = opened("lenet5")  # waits for nobody
        assert small.is_there
        assert narrow.used == 4 * sum(ARCHITECTURES[n].parameters for n in ("resnet50", "lenet5"))
        del first
        assert second.result(timeout=15) == 4 * sum(ARCHITECTURES[n].parameters for n in ("resnet34", "lenet5"))


def test_who_waits_does_not_have_the_numbers_of_others_made_again_and_again(narrow, monkeypatch):
    first, small = opened("resnet50").model, opened("lenet5")
    monkeypatch.setattr(rooms, "LOOKED_THROUGH_AFTER", 60)
    rested = []
    monkeypatch.setattr(type(small), "rest", lambda loaded: rested.append(loaded.architecture.name))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: opened("resnet34").is_there)
        time.sleep(0.5)
        assert not second.done()
        del first
        assert second.result(timeout=15)
    assert rested.count("lenet5") == 1


def test_a_network_with_which_nobody_computes_makes_room_and_is_the_same_when_it_is_asked_again(narrow):
    """Its numbers go; who only stands in a line with it does not keep them."""
    resnet, small = opened("resnet50"), opened("lenet5")
    first = resnet.model.fc.weight.clone()
    large = opened("resnet34")
    assert (resnet.is_there, large.is_there) == (False, True)
    assert narrow.used == sum(weight_of(one) for one in (small, large) if one.is_there)
    with opening(resnet.architecture):
        assert torch.equal(entered(resnet).model.fc.weight, first)
    assert not large.is_there
    assert narrow.used <= narrow.most


def test_numbers_that_went_while_their_visitor_stood_in_the_line_are_made_again_and_counted(narrow, monkeypatch):
    """Without the network being opened a second time, which for a file of one's own would take a turn within a turn."""
    loaded, asked = opened("resnet34"), []

    lines = []

    @contextmanager
    def computing():
        lines.append(loaded.is_there)
        if len(lines) == 1:
            opened("resnet50")
            assert not loaded.is_there
        yield

    def network(*given, **options):
        asked.append(given)
        return loaded

    monkeypatch.setattr(networks, "computing", computing)
    monkeypatch.setattr(networks, "network", network)
    chosen = Selection("resnet34", "random", "cpu", Picture("chelsea", "chelsea", False))
    held, _on_cpu = networks.in_turn(chosen, lambda one: (one is loaded, one.is_there, narrow.used))
    assert held == (True, True, weight_of(loaded))
    assert len(asked) == 1
    assert len(lines) == 2


def test_who_waits_for_room_keeps_nobody_from_computing(narrow, monkeypatch):
    monkeypatch.setattr(rooms, "turn", threading.BoundedSemaphore(1))
    monkeypatch.setattr(rooms, "computations", Line(seconds=float("inf"), most=100))
    monkeypatch.setattr(networks, "network", lambda chosen, device, at_once: load(chosen.network, "random", device))

    def computes(name: str) -> str:
        chosen = Selection(name, "random", "cpu", Picture("chelsea", "chelsea", False))
        return networks.in_turn(chosen, lambda one: one.model and one.architecture.name)[0]

    held = opened("resnet50").model  # by work that takes long
    with ThreadPoolExecutor(3) as pool:
        large = [pool.submit(computes, name) for name in ("resnet34", "resnet18")]
        time.sleep(0.5)
        assert pool.submit(computes, "lenet5").result(timeout=10) == "lenet5"
        assert not any(one.done() for one in large)
        del held
        assert [one.result(timeout=15) for one in large] == ["resnet34", "resnet18"]


def test_a_network_that_is_being_made_keeps_nobody_waiting_who_would_let_it_rest():
    begun, may_end = threading.Event(), threading.Event()

    def make() -> nn.Module:
        begun.set()
        may_end.wait(20)
        return nn.Identity()

    made = Made(make, make)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(made)
        begun.wait(20)
        made.rest()  # returns at once
        assert not there.done()
        may_end.set()
        assert there.result(20) is made.made


@pytest.mark.parametrize(("long", "times"), [(0, 1), (60, 0)])
def test_what_has_computed_for_long_gives_its_memory_back_also_when_it_failed(long, times, monkeypatch):
    given = []
    monkeypatch.setattr(rooms, "LONG", long)
    monkeypatch.setattr(rooms, "give_back", lambda: given.append(1))
    with pytest.raises(Refused), rooms.computing():
        raise Refused("No.")
    assert len(given) == times


def test_weights_that_cannot_be_made_again_are_let_go_where_they_are_only_remembered(narrow, monkeypatch, tmp_path):
    """Those of a visitor's file: see `Loaded.rest`."""
    store = Memory(10**9)
    monkeypatch.setattr(rooms, "remembered_things", store)
    torch.save(load("resnet50", "random", "cpu").model.state_dict(), file := tmp_path / "weights.pt")
    store.recall(("network", 1), lambda: entered(load("resnet50", file, "cpu")), weight_of)
    store.recall(("result", 1), lambda: b"result", len)
    assert narrow.used == 4 * ARCHITECTURES["resnet50"].parameters
    large = opened("resnet34")
    gc.collect()
    assert kept(store) == ["result"]
    assert large.is_there
    assert narrow.used == 4 * ARCHITECTURES["resnet34"].parameters


def test_a_visitor_who_leaves_while_waiting_gives_up_the_place(narrow, monkeypatch):
    class Leaves(BaseException):
        """As Streamlit ends the run of who has left, with whatever is drawn next."""

    class Page:
        said = 0

        def caption(self, words: str) -> None:
            Page.said += 1
            if Page.said == 2:
                raise Leaves

    monkeypatch.setattr(rooms, "get_script_run_ctx", object)
    monkeypatch.setattr(rooms.st, "empty", Page)
    monkeypatch.setattr(rooms, "SAID_AGAIN_AFTER", 0.1)
    first = load("resnet50", "random", "cpu")
    numbers = entered(first).model
    with pytest.raises(Leaves):
        opened("resnet34")
    assert not rooms.openings.places
    assert first.model is numbers


def test_who_finds_no_room_for_long_is_told(narrow, monkeypatch):
    monkeypatch.setattr(rooms, "PATIENCE", 0.3)
    first = opened("resnet50")
    numbers = first.model
    with pytest.raises(Refused, match="so many large networks open that ResNet-34 finds no room"):
        opened("resnet34")
    assert not rooms.openings.places
    assert first.model is numbers


def test_one_that_is_larger_than_all_the_room_is_opened_alone(monkeypatch):
    monkeypatch.setattr(rooms, "room", Room(10))
    assert opened("resnet18").is_there


def test_a_network_takes_no_room_before_its_numbers_are_drawn(narrow):
    loaded = load("resnet50", "random", "cpu")
    with opening(loaded.architecture, has_numbers=False):
        entered(loaded)
    assert narrow.used == 0
    assert pickle.dumps(loaded.weights)


@pytest.mark.parametrize(("most", "times"), [(9, 2), (10, 1)])
def test_what_is_larger_than_it_may_be_is_given_and_not_remembered(most, times):
    memory, made = Memory(1000), []

    def make() -> bytes:
        made.append(True)
        return b"x" * 10

    assert [memory.recall(("a", 1), make, len, most=most) for _ in range(2)] == [b"x" * 10] * 2
    assert len(made) == times


def test_only_what_has_to_be_made_is_said_and_once():
    memory, said = Memory(1000), []

    @contextmanager
    def saying():
        said.append("begins")
        yield
        said.append("ends")

    with meanwhile(saying):
        assert memory.recall(("outer", 1), lambda: memory.recall(("inner", 1), lambda: 5)) == 5
        assert said == ["begins", "ends"]
        memory.recall(("outer", 1), lambda: 6)
        memory.recall(("inner", 1), lambda: 6)
    memory.recall(("other", 1), lambda: 7)
    assert said == ["begins", "ends"]


def test_what_a_measurement_opens_is_counted(narrow):
    model, _noise = on_device(Built("resnet34", 32), "cpu")
    assert narrow.used == 4 * ARCHITECTURES["resnet34"].parameters
    assert model.training is False


def test_half_files_of_searches_go_at_the_next_start(monkeypatch, tmp_path):
    (tmp_path / "top9").mkdir()
    (half := tmp_path / "top9" / "x.parquet.1.partial").touch()
    os.utime(half, (time.time() - 2 * A_MOMENT,) * 2)
    monkeypatch.setattr(turns, "kept", lambda: tmp_path)
    turns._clear_what_is_left.__wrapped__()
    assert not half.exists()


# A full disk ---------------------------------------------------------------------------------------------------------


def test_a_file_for_which_the_disk_has_no_room_is_refused_without_a_folders_name(monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Refused, match="disk has no room") as refused, networks._in_a_file(lambda: b"weights"):
        pass
    assert "/" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_no_search_that_failed(tmp_path):
    (tmp_path / "file").touch()
    loaded = load("zfnet_mini", "shipped", "cpu")
    key = key_of(loaded, top9.sample_crops(), list(loaded.layers.values()), 1)
    with pytest.raises(Refused, match="cannot keep what a search finds"):
        top9.search(None, None, key, tmp_path / "file" / "top9", print, lambda: False)
