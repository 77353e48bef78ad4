"""The page “Depth”, as its visitors set it and read it; its numbers against torch's autograd."""

import base64
import json
import time
import zlib
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from models.cards import cards
from models.weights import SHIPPED, card
from pages.learn.depth import measured
from pages.learn.depth.learning import DEPTHS, STEPS
from tests.app.visit import ROUTES, Visit
from vis.concepts.depth import Stack, begin, forward, spirals, train
from vis.figures.numbers import percent, scientific

PAGE = ROUTES["depth"]
READ = {"shortcuts_guess": "2", "deeper_guess": "3", "cifar_guess": "1"}


def sliders(visit: Visit) -> list[dict]:
    """The data of every set of live sliders, in the order of the page."""
    return [data for c in visit.at.get("bidi_component") if "sliders" in (data := json.loads(c.proto.json))]


def reach(data: dict) -> dict[int, dict]:
    return dict(json.loads(zlib.decompress(base64.b64decode(data["reach"]["frames"]))))


def readings(frame: dict) -> list[str]:
    return [value for value, *_more in frame["readings"]]


def trained(**link: str) -> Visit:
    """The page when its stacks have been trained."""
    visit = Visit(PAGE, **READ, learning="on", **link)
    end = time.monotonic() + 120
    while len(sliders(visit)) < 3:
        assert time.monotonic() < end
        time.sleep(1)
        visit.run()
    return visit


def test_the_shortcuts_are_shown_once_predicted_and_every_depth_is_there_before_a_drag():
    visit = Visit(PAGE)
    (start,) = sliders(visit)
    assert start["look"]["readings"] == ["plain"]
    visit.press("answer shortcuts 1")
    (start,) = sliders(visit)
    assert start["look"]["readings"] == ["plain", "with shortcuts"]
    assert "You predicted “it vanishes as before”; it is: **it no longer vanishes.**" in visit.words
    frames = reach(start)
    assert sorted(frames) == [*range(len(start["sliders"][0]["values"]))]
    assert visit.link["shortcuts_guess"] == "1"


@pytest.mark.parametrize("gradient", ["signals", "weights"])
def test_the_gradients_and_deviations_of_every_depth_are_autograds(gradient):
    visit = Visit(PAGE, **READ, start="he", norm="on", seed="7", function="tanh", gradient=gradient)
    start, (x, labels) = sliders(visit)[0], spirals()
    for place, frame in reach(start).items():
        depth = start["sliders"][0]["values"][place]
        if depth not in (2, 20, 50):
            continue
        for n, kind in enumerate(("plain", "residual")):
            of = Stack(depth, kind, "tanh", "he", True)
            weights = [w.requires_grad_() for w in begin(of, 7)]
            made = forward(x, weights, of)
            loss = torch.nn.functional.cross_entropy(made.logits, labels)
            norms = [g.norm() for g in torch.autograd.grad(loss, weights if gradient == "weights" else made.signals)]
            norms = torch.stack(norms)
            gradients, spreads = (chart["lines"][n] for chart in frame["curves"])
            np.testing.assert_allclose(gradients, norms.log10(), atol=0.006)
            deviations = torch.stack([y.std(correction=0) for y in made.signals])
            np.testing.assert_allclose(spreads, deviations.detach().log10(), atol=0.006)
            assert readings(frame)[n] == scientific(norms[0].item())


def test_a_training_begins_by_a_button_or_a_link_and_its_errors_are_those_of_the_stacks():
    visit = Visit(PAGE, **READ)
    assert len(sliders(visit)) == 2
    visit.press("train stacks")
    assert visit.link["learning"] == "on"
    visit = trained(learn_seed="2", rate="0.1")
    figure = json.loads(visit.at.get("plotly_chart")[0].proto.spec)
    for line, kind in zip(figure["data"], ("plain", "residual"), strict=True):
        assert line["x"] == [*DEPTHS]
        for depth in (2, 20):
            last = [*islice(train(Stack(depth, kind, is_normed=True), 2, 0.1), STEPS + 1)][-1]
            assert line["y"][DEPTHS.index(depth)] == last.error
    step = sliders(visit)[1]
    assert [slider["label"] for slider in step["sliders"]] == ["Layers", "Training step"]
    frames = reach(step)
    assert len(frames) == STEPS + 1
    moment = [*islice(train(Stack(50, "residual", is_normed=True), 2, 0.1), 31)][-1]
    assert readings(frames[30])[1] == percent(moment.error, 0)
    np.testing.assert_allclose(frames[30]["curves"][0]["lines"][1], np.log10(moment.of_signals), atol=0.006)


def test_a_stack_that_diverges_says_after_which_step():
    visit = trained(learn_start="large", learn_norm="off")
    step = sliders(visit)[1]
    notes = [note for _value, note, _parts in reach(step)[STEPS]["readings"]]
    last = len([*islice(train(Stack(50, "residual", start="large"), 1, 0.05), STEPS + 1)]) - 1
    assert last < STEPS
    assert f"after step {last} the loss is no number any more" in notes[1]


def test_the_log_of_the_networks_for_cifar_is_that_of_their_cards():
    visit = Visit(PAGE, **READ, epoch="12", language="vi")
    epochs = reach(sliders(visit)[-1])
    logs = [
        json.loads((SHIPPED / f"{name}.json").read_text("utf-8"))["log"] for name in ("cifar_plain20", "cifar_resnet20")
    ]
    for number, frame in epochs.items():
        for n, log in enumerate(logs):
            entry = log[number]
            stages = [entry["gradient"][stage] for stage in ("conv1", "layer1", "layer2", "layer3", "linear")]
            np.testing.assert_allclose(frame["curves"][0]["lines"][n], np.log10(stages), atol=0.006)
            assert readings(frame)[n] == f"{entry['top1']:.1f} %".replace(".", ",")
    plain, residual = (log[-1]["top1"] for log in logs)
    assert round(residual - plain) == 2  # the right answer of the question
    deeper = [cards()[f"cifar_{kind}32"].log[-1].top1 for kind in ("resnet", "plain")]
    assert deeper[0] - deeper[1] > residual - plain  # which its reason says
    assert len(epochs) == len(logs[0]) == len(logs[1]) == 12
    about, other = (card(name) for name in ("cifar_plain20", "cifar_resnet20"))
    assert (about.data, about.validation_pictures) == (other.data, 10_000)
    table = visit.at.table[0].value
    assert table.to_numpy().tolist() == [["18", "27,94 %", "27,88 %"], ["34", "28,54 %", "25,03 %"]]


def test_the_deeper_pair_can_be_chosen_once_both_of_it_were_trained(monkeypatch):
    trained = {name: each for name, each in cards().items() if name != "cifar_resnet32"}
    monkeypatch.setattr(measured, "cards", lambda: trained)
    with pytest.raises(LookupError):
        Visit(PAGE, **READ).widget("pair")
    log = [replace(epoch, top1=epoch.top1 - 1.5) for epoch in trained["cifar_resnet20"].log]
    trained["cifar_resnet32"] = replace(trained["cifar_resnet20"], network="cifar_resnet32", log=tuple(log))
    visit = Visit(PAGE, **READ, epoch="7")
    assert readings(sliders(visit)[-1]["now"])[1] == f"{log[6].top1 + 1.5:.1f} %"
    visit.choose(pair=32)
    assert visit.link["pair"] == "32"
    shown = sliders(visit)[-1]
    assert shown["look"]["readings"] == ["Plain-32", "ResNet-32"]
    logs = trained["cifar_plain32"].log, log
    for number, frame in reach(shown).items():
        assert readings(frame) == [f"{of[number].top1:.1f} %" for of in logs]
    assert "cifar_plain32.json and cifar_resnet32.json" in visit.captions


def test_the_code_runs_and_shows_what_vanishes_and_what_is_kept():
    made = Visit(PAGE).made_by_code()
    assert len(made["weights"]) == 50
    assert made["vanished"].norm() < 1e-6 * made["kept"].norm()
