"""The page “The CIFAR-10 arena”, as its visitors set it and read it; its numbers against the cards and the networks."""

import base64
import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from models import ARCHITECTURES, load
from models.cards import cards
from models.cifar import NETWORKS
from models.decoding import decoded
from models.weights import SHIPPED
from pages.common.cache import sample
from pages.common.jobs import Job
from pages.learn.arena import pair
from pages.learn.arena.chart import QUESTION
from tests.app.visit import GRAPH, ROUTES, Visit, a_moment, in_vietnamese, read_csv
from tests.unit.pictures import photograph, saved
from vis.cost.training import Entrant, entrant
from vis.figures.numbers import percent

PAGE = ROUTES["arena"]
CARDS = {
    name: json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
    for name in NETWORKS
    if (SHIPPED / f"{name}.json").exists()
}


def top1(name: str) -> float:
    return CARDS[name]["files"][-1]["top1"]


def figures(visit: Visit) -> dict[str, dict]:
    """The charts by their keys' names, in the order of the page."""
    charts = [json.loads(chart.proto.spec) for chart in visit.at.get("plotly_chart")]
    before = ["learning"] if "small_guess" in visit.link else []
    names = ("against cost", *before, "confusion", "gradients")
    return dict(zip(names[-len(charts) :], charts, strict=True))


def numbers(values) -> list:
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return values


def points(visit: Visit) -> dict[str, tuple[float, float]]:
    (trace,) = [each for each in figures(visit)["against cost"]["data"] if "customdata" in each]
    names = [name for (name,) in trace["customdata"]]
    return dict(zip(names, zip(numbers(trace["x"]), numbers(trace["y"]), strict=True), strict=True))


def tables(visit: Visit) -> list[list[list[str]]]:
    """The rows of the tables that wrap, without what keeps Markdown from reading their texts."""
    found = [table.value.astype(str).to_numpy().tolist() for table in visit.at.table]
    return [[[cell.replace("\\", "") for cell in row] for row in rows] for rows in found]


def test_the_answer_names_both_accuracies_that_were_asked_about():
    said = [
        f"{title}: **{percent(top1(name) / 100)}**"
        for title, name in (("ResNet-20", "cifar_resnet20"), ("MobileNet V1 α 0.5", "cifar_mobilenet_half"))
    ]
    assert not any(words in Visit(PAGE).captions for words in said)
    assert " · ".join(said) in Visit(PAGE, small_guess="1").captions


def files(monkeypatch) -> dict[str, object]:
    """What the page hands out, by the files' names."""
    made = {}

    def download(place, label, make, file, key, **look):
        made[file] = make

    for module in ("chart", "confusion", "published"):
        monkeypatch.setattr(f"pages.learn.arena.{module}.download", download)
    return made


@pytest.fixture(scope="module")
def usual() -> Visit:
    return Visit(PAGE)


# Accuracy against cost -------------------------------------------------------------------------------------------


def test_the_answer_to_the_question_is_that_of_the_cards():
    difference = top1("cifar_resnet20") - top1("cifar_mobilenet_half")
    assert 4 < difference < 7
    assert QUESTION.answers[QUESTION.right - 1] == "by about 5 points"
    macs = [ARCHITECTURES[name].macs for name in ("cifar_resnet20", "cifar_mobilenet_half")]
    assert round(macs[0] / macs[1]) == 7


def test_every_network_that_is_trained_stands_at_its_accuracy_and_its_cost_and_the_others_are_named(usual):
    found = points(usual)
    assert found == {name: (ARCHITECTURES[name].macs, top1(name)) for name in CARDS}
    missing = [ARCHITECTURES[name].title.removesuffix(" for CIFAR-10") for name in NETWORKS if name not in CARDS]
    assert ("Not trained yet" in usual.captions) == bool(missing)
    assert all(title in usual.captions for title in missing)
    assert "± 0.7 points" in usual.captions


def test_names_appear_once_the_answer_was_predicted_and_a_link_keeps_it(usual):
    def names(visit: Visit) -> set[str]:
        (trace,) = [each for each in figures(visit)["against cost"]["data"] if "customdata" in each]
        return set(trace["text"]) - {""}

    assert names(usual) == set()
    visit = Visit(PAGE).press("answer small 2")
    assert len(names(visit)) >= 8
    assert "You predicted it: **by about 5 points.**" in visit.words
    assert names(Visit(PAGE, **visit.link)) == names(visit)


@pytest.mark.parametrize("axis", ["parameters", "core_seconds", "flop"])
def test_the_axis_is_chosen_and_the_link_says_so(axis):
    visit = Visit(PAGE, axis=axis)
    for name, (cost, accuracy) in points(visit).items():
        seconds = sum(entry["core_seconds"] for entry in CARDS[name]["log"])
        pflop = 12 * 49_920 * 6 * ARCHITECTURES[name].macs / 1e15
        wanted = {"parameters": ARCHITECTURES[name].parameters, "core_seconds": seconds, "flop": pflop}
        assert cost == pytest.approx(wanted[axis])
        assert accuracy == top1(name)
    assert visit.link["axis"] == axis
    assert Visit(PAGE).choose(axis=axis).link["axis"] == axis


def test_after_equal_time_each_stands_where_its_last_finished_epoch_left_it():
    visit = Visit(PAGE, budget="core_seconds", minutes="1")
    found, late = points(visit), []
    for name, card in CARDS.items():
        spent = np.cumsum([entry["core_seconds"] for entry in card["log"]])
        epochs = int((spent <= 60).sum())
        if epochs:
            expected = top1(name) if epochs == 12 else card["log"][epochs - 1]["top1"]
            assert found[name] == (ARCHITECTURES[name].macs, expected)
        else:
            late.append(ARCHITECTURES[name].title.removesuffix(" for CIFAR-10"))
            assert name not in found
    assert late
    assert f"Not one epoch finished by then: {', '.join(late)}." in visit.captions
    assert "might come further" in visit.captions


def test_after_equal_compute_small_networks_have_had_more_epochs():
    found = points(Visit(PAGE, budget="flop", pflop="0.02"))
    for name, (_macs, accuracy) in found.items():
        epochs = min(12, int(0.02e15 // (49_920 * 6 * ARCHITECTURES[name].macs)))
        log = CARDS[name]["log"]
        assert accuracy == (top1(name) if epochs == 12 else log[epochs - 1]["top1"])
    assert "cifar_lenet5" in found


def test_a_click_on_a_point_shows_its_network_closely():
    visit = Visit(PAGE)
    assert visit.widget("closely").value == "cifar_resnet20"
    visit.at.session_state["arena/closely"] = "cifar_vgg"
    assert visit.run().link["closely"] == "cifar_vgg"


def test_the_tables_have_every_network_and_epoch_with_what_they_rest_on(monkeypatch):
    made = files(monkeypatch)
    Visit(PAGE, language="vi")
    rows = {row["network"]: row for row in read_csv(made["convscope-cifar10.csv"]())}
    assert rows.keys() == CARDS.keys()
    whole = {row["network"]: row for row in json.loads(made["convscope-cifar10.json"]())}
    for name, card in CARDS.items():
        assert float(rows[name]["top1_percent"]) == top1(name) == whole[name]["top1_percent"]
        assert rows[name]["sha256"] == card["files"][-1]["sha256"] == whole[name]["sha256"]
        assert rows[name]["command"] == card["command"]
        assert rows[name]["seed"] == "0"
        assert card["versions"]["torch"] in rows[name]["versions"]
        assert whole[name]["recipe"] == card["recipe"]
        assert whole[name]["log"] == card["log"]
    assert len(read_csv(made["convscope-cifar10-epochs.csv"]())) == 12 * len(CARDS)


def test_times_are_measured_here_after_a_click_only():
    visit = Visit(PAGE, axis="milliseconds")
    assert "against cost" not in figures(visit)
    assert "The chart appears when" in visit.captions
    visit.press("measure arena")
    end = time.monotonic() + 120
    while visit.at.get("progress") and time.monotonic() < end:
        a_moment()
        visit.run()
    found = points(visit.run())
    assert found.keys() == CARDS.keys()
    assert all(cost > 0 for cost, _accuracy in found.values())
    assert "Measured here: CPU" in visit.captions


def test_who_learnt_by_another_recipe_is_marked_and_named(monkeypatch):
    entrants = of_one_recipe()
    other = replace(entrants[0].training, recipe={**entrants[0].training.recipe, "optimiser": "AdamW"})
    monkeypatch.setattr("pages.common.cache.entrants", lambda: [replace(entrants[0], training=other), *entrants[1:]])
    visit = Visit(PAGE, axis="core_seconds")
    (trace,) = [each for each in figures(visit)["against cost"]["data"] if "customdata" in each]
    assert trace["marker"]["symbol"] == ["diamond", *["circle"] * (len(entrants) - 1)]
    assert "◆ not trained with SGD, which their papers do not use either: LeNet-5 (AdamW)." in visit.captions
    assert f"Training time was measured on: {entrants[0].training.machine['device']}." in visit.captions


def of_one_recipe() -> list[Entrant]:
    """Networks that learnt with SGD."""
    found = [entrant(training) for training in cards().values()]
    return [each for each in found if each.training.recipe["optimiser"] != "AdamW"]


# Pairs -----------------------------------------------------------------------------------------------------------


def test_a_pair_is_compared_by_its_seeds(usual, monkeypatch):
    rows = tables(usual)[0]
    difference = top1("cifar_resnet20") - top1("cifar_plain20")
    assert rows[0][:2] == ["20", "0"]
    assert difference > 0
    assert rows[0][2:] == [f"{top1('cifar_plain20'):.1f} %", f"{top1('cifar_resnet20'):.1f} %", f"+{difference:.1f}"]
    of_cards = pair.with_other_seeds

    def two_seeds(name: str) -> list:
        found = of_cards(name)[:1]
        return found + [replace(one, recipe={**one.recipe, "seed": 1}, top1=one.top1 + 1) for one in found]

    monkeypatch.setattr(pair, "with_other_seeds", two_seeds)
    visit = Visit(PAGE)
    assert [row[:2] for row in tables(visit)[0]][:2] == [["20", "0"], ["20", "1"]]
    words = f"With 20 layers, over 2 pairs, the residual network is ahead by +{difference:.1f} points on average"
    assert words in visit.captions


# Learning --------------------------------------------------------------------------------------------------------


def test_a_curve_is_the_log_of_its_network():
    visit = Visit(PAGE, small_guess="1", over="flop", curves="cifar_vgg,cifar_lenet5")
    traces = figures(visit)["learning"]["data"]
    assert [trace["name"] for trace in traces] == ["LeNet-5", "VGG"]
    log = [entry["top1"] for entry in CARDS["cifar_vgg"]["log"]]
    assert numbers(traces[1]["y"]) == [*log[:-1], top1("cifar_vgg")]
    each = 49_920 * 6 * ARCHITECTURES["cifar_vgg"].macs / 1e15
    np.testing.assert_allclose(numbers(traces[1]["x"]), each * np.arange(1, 13))
    assert "Choose at least one network." in [info.value for info in visit.choose(curves=[]).at.info]


def test_curves_are_not_shown_before_a_prediction_for_they_give_its_answer_away(usual):
    assert "learning" not in figures(usual)
    assert len(usual.at.get("plotly_chart")) == 3
    assert "they appear once you have predicted" in usual.captions
    for answer in ("1", "shown"):
        visit = Visit(PAGE).press(f"answer small {answer}")
        assert len(visit.at.get("plotly_chart")) == 4
        assert "they appear once you have predicted" not in visit.captions


def test_gradients_and_confusions_are_those_of_the_card(monkeypatch):
    made = files(monkeypatch)
    visit = Visit(PAGE, closely="cifar_vgg")
    card = CARDS["cifar_vgg"]
    for trace, stage in zip(figures(visit)["gradients"]["data"], card["log"][0]["gradient"], strict=True):
        assert stage.endswith(trace["name"])
        assert numbers(trace["y"]) == [entry["gradient"][stage] for entry in card["log"]]
    counts = np.array(card["confusion"])
    right, wrong, written = figures(visit)["confusion"]["data"]
    shown = np.where(np.eye(10), np.array(right["z"], float), np.array(wrong["z"], float))
    np.testing.assert_allclose(shown, counts / 1000)
    assert [text or "0" for text in written["text"]] == [str(count) for count in counts.ravel()]
    classes = next(table for table in tables(visit) if table[0][0] == "airplane")
    assert [row[1] for row in classes] == [percent(counts[i, i] / 1000) for i in range(10)]
    assert [row[2] for row in classes] == [percent(counts[i, i] / counts[:, i].sum()) for i in range(10)]
    off = counts - np.diag(counts.diagonal())
    assert f"The most frequent mistake: {off.max()} times" in visit.captions
    rows = read_csv(made["convscope-cifar_vgg-confusions.csv"]())
    assert sum(int(row["pictures"]) for row in rows if row["right"] == row["answer"]) == round(100 * top1("cifar_vgg"))
    assert card["command"] in visit.captions.replace("\\", "")
    assert card["files"][-1]["sha256"][:16] in visit.captions


def test_its_graph_opens():
    visit = Visit(PAGE, closely="cifar_vgg").press("graph of it")
    assert visit.link["network"] == "cifar_vgg"
    assert visit.at.title[0].value == Visit(GRAPH).at.title[0].value


@pytest.mark.parametrize("begins", ["random", "shipped"])
def test_it_is_trained_here_from_the_beginning_or_goes_on(begins):
    visit = Visit(PAGE, closely="cifar_vgg").press(f"train it {begins}")
    visit.go(ROUTES["train"])
    assert visit.widget("data").value == "cifar10"
    assert visit.widget("learner/cifar10").value == "cifar_vgg"
    assert visit.widget("begins/cifar_vgg").value == begins
    assert visit.link.get("begins", "random") == begins
    assert visit.link["learner"] == "cifar_vgg"


# Votes -----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def answers(content: bytes) -> dict[str, torch.Tensor]:
    """What each network says, loaded and asked by hand."""
    found = {}
    for name in CARDS:
        loaded = load(name, "shipped", "cpu")
        found[name] = loaded.model(loaded.preprocess(decoded(content))).softmax(1)[0]
    return found


@pytest.mark.parametrize("is_uploaded", [False, True])
def test_all_networks_vote_on_the_picture_each_as_it_does_alone(is_uploaded):
    visit, content = Visit(PAGE, sample="chelsea"), sample("chelsea")
    if is_uploaded:
        content = saved(photograph(300, 200), "PNG")
        visit.upload(content)
    rows = tables(visit)[-1]
    assert len(rows) == len(CARDS)
    for row, (name, found) in zip(rows, answers(content).items(), strict=True):
        share, best = found.max(0)
        assert row[1] == f"{CARDS[name]['categories'][best]}, {percent(float(share))}"
    mean = torch.stack([*answers(content).values()]).mean(0)
    assert f"{CARDS['cifar_vgg']['categories'][mean.argmax()]}, {percent(float(mean.max()))}." in visit.words


def test_a_digit_is_voted_on_like_any_other_picture():
    visit = Visit(PAGE, network="lenet5")
    assert visit.link["sample"] == "digit_0"
    assert len(tables(visit)[-1]) == len(CARDS)


# Others ----------------------------------------------------------------------------------------------------------


def test_published_numbers_stand_beside_ours_and_are_marked():
    visit = Visit(PAGE)
    assert "**Theirs, not ours**" in visit.words
    assert "on 80.0 % of the recoded ones" in visit.captions
    (table,) = visit.at.dataframe
    theirs = table.value
    ours = dict(zip(theirs["theirs"], theirs["ours"], strict=True))
    assert ours["91.25 %"] == f"{top1('cifar_resnet20'):.2f} %"
    assert ours["95.04 %"] == "–"


def test_numbers_are_written_as_in_vietnamese(usual):
    visit = Visit(PAGE, language="vi")
    assert in_vietnamese(f"{top1('cifar_resnet20'):.2f} %") in visit.words
    assert visit.at.title[0].value == "Đấu trường CIFAR-10"


def test_the_code_finds_the_front(usual):
    made = usual.made_by_code()
    assert made["best"][-1] == max(CARDS, key=top1)
    assert made["points"]["cifar_vgg"] == (ARCHITECTURES["cifar_vgg"].macs, top1("cifar_vgg"))


# The pictures behind the numbers ---------------------------------------------------------------------------------


class Noise:
    """Twenty pictures of noise, two of each class."""

    classes = CARDS["cifar_vgg"]["categories"] * 2
    ids = tuple(f"{n:05d}" for n in range(20))
    fingerprint = "noise"

    def open(self, id: str) -> Image.Image:
        return Image.fromarray(np.random.default_rng(int(id)).integers(0, 256, (32, 32, 3), np.uint8))


def test_without_the_pictures_the_page_says_where_they_come_from(monkeypatch, tmp_path):
    monkeypatch.setattr("pages.common.cache.arena.kept", lambda: tmp_path)
    visit = Visit(PAGE)
    assert any("do not ship with the app" in info.value for info in visit.at.info)
    assert visit.press("to the data set").link["set"] == "dataset"


@pytest.fixture
def noise_is_here(monkeypatch, tmp_path) -> None:
    """In the place of CIFAR-10's pictures."""
    (tmp_path / "datasets" / "cifar-10-batches-py").mkdir(parents=True)
    monkeypatch.setattr("pages.common.cache.arena.kept", lambda: tmp_path)
    monkeypatch.setattr("pages.common.cache.arena.pictures_in_dataset", lambda name: Noise())


def until_it_has_looked(visit: Visit) -> Visit:
    end = time.monotonic() + 60
    while "Most certain mistakes" not in visit.words and time.monotonic() < end:
        a_moment()
        visit.run()
    return visit


def test_before_the_network_has_looked_a_click_is_asked_for(noise_is_here):
    visit = Visit(PAGE, closely="cifar_lenet5")
    assert "A click on a cell shows its pictures here" in visit.captions
    with pytest.raises(LookupError):
        visit.widget("right")


def test_answers_that_are_there_while_the_page_is_drawn_are_in_the_table_too(noise_is_here, monkeypatch):
    may_end, jobs = threading.Event(), []

    def begin(work, limit):
        jobs.append(Job(lambda report, stopped: may_end.wait(60) and work(report, stopped), limit))
        return jobs[0]

    def end_it(entrant):  # between the table and what is below it
        if jobs:
            may_end.set()
        while jobs and jobs[0].running:
            a_moment()

    monkeypatch.setattr("pages.learn.arena.answers.Job", begin)
    monkeypatch.setattr("pages.learn.arena.closely._classes", end_it)
    visit = Visit(PAGE, closely="cifar_lenet5").press("show mistakes")
    assert len(jobs) == 1
    assert "Most certain mistakes" in visit.words
    assert visit.widget("right").value


@torch.no_grad()
def test_the_most_certain_mistakes_are_those_of_the_network(noise_is_here):
    visit = until_it_has_looked(Visit(PAGE, closely="cifar_lenet5").press("show mistakes"))
    loaded, noise = load("cifar_lenet5", "shipped", "cpu"), Noise()
    found = [loaded.model(loaded.preprocess(noise.open(id))).softmax(1)[0].max(0) for id in noise.ids]
    names = [loaded.categories[int(answer)] for _share, answer in found]
    right = sum(name == known for name, known in zip(names, noise.classes, strict=True))
    assert f"is right on {100 * right / 20:.2f} %" in visit.words
    wrong = sorted((n for n in range(20) if names[n] != noise.classes[n]), key=lambda n: -float(found[n][0]))
    said = [caption for caption in visit.captions.splitlines() if ", taken for " in caption]
    assert said == [f"{noise.classes[n]}, taken for {names[n]} with {percent(float(found[n][0]))}" for n in wrong[:12]]
    visit.choose(right=str(loaded.categories.index(noise.classes[wrong[0]])))
    visit.choose(answer=str(loaded.categories.index(names[wrong[0]])))
    count = sum(names[n] == names[wrong[0]] and noise.classes[n] == noise.classes[wrong[0]] for n in range(20))
    assert f"{count} of the original pictures, the most certain answers first." in visit.captions
    visit.choose(answer=visit.widget("right").value)
