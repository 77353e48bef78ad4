"""The page “Train live”, as its visitors set it and read it, without a browser."""

import json
import time
from dataclasses import replace
from itertools import product
from statistics import mean

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load as read
from streamlit.runtime.media_file_manager import MediaFileManager
from torch import nn

from models import ARCHITECTURES, load
from models.decoding import decoded
from models.learners import CIFAR_LEARNERS, LEARNERS, Examples, digits
from models.refusals import Refused
from models.samples import SAMPLES
from models.training import CYCLE, Recipe, Training
from models.weights import SHIPPED
from pages.common.learning import MOST_KEPT, Run
from pages.common.session import WEIGHTS_FILE
from pages.learn.train.projection import _image
from pages.learn.train.recipe import opens, training_of
from pages.learn.train.takeaway import log_rows
from tests.app.visit import ACTIVATIONS, FILTERS, GRAPH, HOME, LAYERS, ROUTES, STACK, Visit, read_csv
from vis.cost.design import as_code
from vis.cost.stack import Row
from vis.deconvnet import project, strongest_units
from vis.figures.numbers import duration, grouped, percent, significant
from vis.maps import layer_maps
from vis.trace import record

PAGE, ATTRIBUTION, OCCLUSION = (ROUTES[name] for name in ("train", "attribution", "occlusion"))
SHORT = {"epochs": "1", "batch": "256"}  # 15 steps


@pytest.fixture(autouse=True, scope="module")
def few_digits():
    """A tenth of the digits, for trainings of a second."""
    whole = digits()
    few = replace(whole, images=whole.images[::10], labels=whole.labels[::10])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.learn.train.recipe.digits", lambda: few)
        yield few


def runs(visit: Visit) -> tuple[Run, ...]:
    return visit.at.session_state["kept"].get("runs", ())


def until_it_ends(visit: Visit, seconds: float = 60) -> Training:
    """Watches the newest run to its end, as the page in a browser does; what it is then."""
    end = time.monotonic() + seconds
    while runs(visit)[-1].running and time.monotonic() < end:
        runs(visit)[-1].watched()
        time.sleep(0.02)
    assert not runs(visit)[-1].running
    visit.run()
    return runs(visit)[-1].training


def trained(**link: str) -> tuple[Visit, Training]:
    visit = Visit(PAGE, **{"epochs": "2", "batch": "32", "rate": "0.02"} | link)
    visit.press("training start")
    return visit, until_it_ends(visit)


def charts(visit: Visit) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in visit.at.get("plotly_chart")]


def buttons(visit: Visit) -> dict[str, bool]:
    """The controls that are there, and whether they can be pressed."""
    return {b.label: not b.disabled for b in visit.at.button if (b.key or "").startswith("training ")}


def made(visit: Visit, monkeypatch, label: str) -> bytes:
    """What a button for a file gives."""
    found = {}
    monkeypatch.setattr(
        MediaFileManager, "add_deferred", lambda self, make, *args, **look: found.setdefault(len(found), make) and "x"
    )
    visit.run()
    labels = [each.proto.label for each in visit.at.get("download_button")]
    content = found[labels.index(label)]()
    return content if isinstance(content, bytes) else content.encode()


def test_before_the_first_start_there_is_nothing_but_the_question_and_the_recipe():
    visit = Visit(PAGE)
    assert buttons(visit) == {"Start": True, "One step": True, "Stop": False, "Reset": False}
    assert not charts(visit)
    assert not runs(visit)
    assert "Nothing has been trained yet" in visit.at.info[0].value
    assert "right" not in visit.words.lower().replace("does it get right afterwards", "")


def test_a_training_runs_to_its_end_and_the_page_says_what_its_log_says():
    visit, training = trained()
    assert training.is_over
    assert training.step == training.total == 2 * (400 // 32)
    assert buttons(visit) == {"Start": True, "One step": True, "Stop": False, "Reset": True}
    last = training.held_out[-1]
    for words, value in (
        ("Training loss", significant(training.learned[-1].loss)),
        ("Held-out loss", significant(last.loss)),
        ("Held-out accuracy", percent(last.accuracy)),
        ("Epoch", "2.0 / 2"),
    ):
        assert f":gray[:small[{words}]]  \n**{value}**" in visit.words
    loss, accuracy, norms = charts(visit)
    for chart, what in ((loss, "loss"), (accuracy, "accuracy")):
        learned, held_out = chart["data"]
        assert learned["y"] == [getattr(point, what) for point in training.learned]
        assert held_out["y"] == [getattr(point, what) for point in training.held_out]
        assert held_out["x"] == [point.step / training.steps for point in training.held_out]
    assert [trace["name"] for trace in norms["data"]] == list(training.layers)
    np.testing.assert_allclose([trace["y"] for trace in norms["data"]], np.transpose(training.gradients))


def test_its_accuracy_is_that_of_its_weights_on_the_held_out_digits():
    _visit, training = trained(norm="on", dropout="0.3", epochs="4")
    net = LEARNERS["lenet5"].build(num_classes=10, batch_norm=True).eval()
    net.load_state_dict(training.weights())
    whole = digits()
    with torch.no_grad():
        right = (net(whole.held_out).argmax(1) == whole.held_out_labels).float().mean().item()
    assert training.held_out[-1].accuracy == pytest.approx(right)


def test_a_link_sets_the_whole_recipe():
    link = {"learner": "residual", "norm": "on", "rate": "0.1", "batch": "128", "optimiser": "adam", "dropout": "0.5"}
    link |= {"epochs": "1", "schedule": "constant", "shift": "4", "seed": "7", "decay": "0.0005", "smoothing": "0.1"}
    visit, training = trained(**link)
    chosen = ("residual", "", "digits", True, 0.5, "adam", 0.1, "constant", 128, 4, 1, 7, 0.0005, 0.1)
    assert training.recipe == Recipe(*chosen)
    assert link.items() <= visit.link.items()


def test_each_network_has_a_usual_learning_rate_of_its_own():
    visit = Visit(PAGE, learner="lenet5_1998")
    assert visit.widget("rate/lenet5_1998").value == LEARNERS["lenet5_1998"].rate == 0.002
    assert "rate" not in visit.link
    with pytest.raises(LookupError):
        visit.widget("norm")
    visit.choose(learner="lenet5")
    assert visit.widget("rate/lenet5").value == 0.05


def test_steps_one_by_one_pause_resume_and_stop():
    visit = Visit(PAGE, **SHORT | {"epochs": "50"}).press("training step")
    run = runs(visit)[-1]

    def after(steps: int) -> None:
        end = time.monotonic() + 30
        while run.training.step < steps and time.monotonic() < end:
            run.watched()
            time.sleep(0.01)
        visit.run()

    after(1)
    assert buttons(visit) == {"Resume": True, "One step": True, "Stop": True, "Reset": True}
    after(1)
    assert run.training.step == 1
    visit.press("training step")
    after(2)
    visit.press("training resume")
    after(4)
    assert buttons(visit) == {"Pause": True, "One step": False, "Stop": True, "Reset": True}
    visit.press("training pause")
    time.sleep(0.2)
    step = run.training.step
    time.sleep(0.2)
    assert run.training.step == step
    visit.choose(seed=3)
    assert "Changes apply to the next run" in visit.captions
    visit.press("training stop")
    until_it_ends(visit)
    assert any(f"Stopped after {step} steps" in info.value for info in visit.at.info)
    visit.press("training reset")
    assert not runs(visit)


def test_up_to_four_runs_are_compared_and_the_oldest_goes():
    visit = Visit(PAGE, **SHORT)
    for seed in range(MOST_KEPT + 1):
        visit.choose(seed=seed).press("training start")
        until_it_ends(visit)
    assert [run.training.recipe.seed for run in runs(visit)] == [1, 2, 3, 4]
    loss, *_ = charts(visit)
    assert len(loss["data"]) == 2 * MOST_KEPT
    (table,) = visit.at.table
    said = [text.replace("\\", "") for text in table.value.iloc[:, 4]]
    assert said == [percent(run.training.held_out[-1].accuracy) for run in runs(visit)]
    visit.press("training reset")
    assert [run.training.recipe.seed for run in runs(visit)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("learner", "layer"),
    [("lenet5", "features.c3"), ("lenet5_1998", "features.c1"), ("residual", "layer2.0.conv1"), ("stack", "3")],
)
def test_the_projections_on_the_way_are_the_deconvnets_of_the_weights_then(learner, layer):
    visit, training = trained(learner=learner, layer=layer, map="1", digit="7")
    assert [*training.snapshots] == [0, training.steps, training.total]
    assert any("0, 1, 2 epochs" in caption.value for caption in visit.at.caption)
    image = _image(training.examples, 7)
    net = training_of(training.recipe).net.eval()
    net.load_state_dict(training.weights())
    (unit,) = strongest_units(net, image, layer, channels=[1])
    known = visit.at.session_state["kept"]["projections"]
    ((_run, of, channel, digit), found), *_ = known.items()
    assert (of, channel, digit) == (layer, 1, 7)
    last = found[training.total]
    assert (last.unit.row, last.unit.column) == (unit.row, unit.column)
    torch.testing.assert_close(last.pixels, project(net, image, [unit])[0].pixels)
    assert not torch.equal(found[0].pixels, last.pixels)
    assert int(digits().held_out_labels[(digits().held_out == image).flatten(1).all(1)][0]) == 7


def test_a_rate_that_is_too_large_is_said():
    visit, training = trained(rate="1.0", schedule="constant")
    assert training.is_over
    assert training.held_out[-1].accuracy < 0.2
    assert "learned next to nothing" in visit.warnings
    training.diverged = True
    assert "diverged" in visit.run().warnings


def test_the_visitors_own_stack_is_trained_as_they_left_it():
    rows = (Row("conv", 4, 5, 2), Row("linear", 12))
    visit = Visit(STACK, stack=as_code(rows)).go(PAGE)
    visit.choose(learner="stack").choose(epochs=1, batch=128).press("training start")
    training = until_it_ends(visit)
    shapes = [tuple(part.weight.shape) for part in training.net.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert shapes == [(4, 1, 5, 5), (12, 4 * 14 * 14), (10, 12)]
    assert visit.link["stack"] == as_code(rows) == training.recipe.stack
    assert "2 layers" in visit.captions
    again = Visit(PAGE, learner="stack", stack=as_code(rows), **SHORT).press("training start")
    assert until_it_ends(again).recipe.stack == as_code(rows)


def test_a_button_beside_the_stack_leads_to_its_training():
    visit = Visit(STACK, stack="conv.4.5.4_relu").press("train stack")
    visit.go(PAGE)
    assert visit.widget("learner").value == "stack"
    assert visit.link["stack"] == "conv.4.5.4_relu"


def test_a_stack_that_is_too_large_is_refused_and_says_why():
    visit = Visit(PAGE, learner="stack", stack=as_code((Row("conv", 512, 3), Row("conv", 512, 3))))
    visit.press("training start")
    assert "too large" in visit.errors[0]
    assert not runs(visit)
    visit.choose(learner="lenet5").choose(epochs=1, batch=256).press("training start")
    assert not visit.errors
    until_it_ends(visit)


def test_the_weights_and_the_log_are_taken_away(monkeypatch, tmp_path):
    visit, training = trained()
    file = tmp_path / "weights.safetensors"
    file.write_bytes(made(visit, monkeypatch, "Weights with their recipe (safetensors)"))
    with safe_open(file, "pt") as opened:
        about = opened.metadata()
    assert Recipe(**json.loads(about["recipe"])) == training.recipe
    assert float(about["held_out_accuracy"]) == training.held_out[-1].accuracy
    state = read(file.read_bytes())
    assert all(torch.equal(state[name], values) for name, values in training.weights().items())
    rows = log_rows(training)
    assert [row["held_out_loss"] for row in rows if row["held_out_loss"] is not None] == [
        point.loss for point in training.held_out
    ]
    assert [row["loss"] for row in rows if row["loss"] is not None] == [point.loss for point in training.learned]
    assert [row["gradient_norm features.c1"] for row in rows if row["loss"] is not None] == [
        norms[0] for norms in training.gradients
    ]


def test_a_trained_network_opens_on_another_page_of_this_session():
    visit, training = trained(epochs="4")
    assert opens(training.recipe) == "lenet5"
    visit.press(f"open trained {FILTERS.name}")
    visit.at.switch_page(FILTERS.script)
    visit.run()
    assert visit.link["network"] == "lenet5"
    file = visit.at.session_state["kept"][f"own {WEIGHTS_FILE}"]
    loaded = load("lenet5", "random", "cpu")
    loaded.model.load_state_dict(read(file.getvalue()))
    assert torch.equal(loaded.model.features.c1.weight, training.net.features.c1.weight)
    assert file.name in visit.captions.replace("\\", "") + visit.words.replace("\\", "")
    assert not visit.errors


# A network of one's own on the other pages ------------------------------------------------------------------------

CODE = "conv.4.5_max-pool.2.2_conv.6.3_max-pool.2.2_linear.16"
OWN = {  # recipes, and what their networks are called
    "stack": ({"learner": "stack", "stack": CODE}, f"stack.digits_{CODE}", "Custom 5-layer stack"),
    "stack with norm": (
        {"learner": "stack", "stack": CODE, "norm": "on"},
        f"stack.digits.norm_{CODE}",
        "Custom 5-layer stack + batch norm",
    ),
    "plain": ({"learner": "plain", "norm": "on"}, "plain.digits.norm", "Plain 14-layer net + batch norm"),
    "residual": ({"learner": "residual"}, "residual.digits", "Residual 14-layer net"),
}


def as_read(markdown: str) -> str:
    """Markdown without the backslashes that keep text from being markup."""
    return markdown.replace("\\", "")


def scores(training: Training, network: str, sample: str = "digit_0") -> torch.Tensor:
    """Probabilities of the trained network itself for a sample, prepared as the network's pictures are."""
    picture = decoded(SAMPLES[sample].content())
    with torch.no_grad():
        return training.net.eval()(ARCHITECTURES[network].preprocess(picture))[0].softmax(0)


@pytest.mark.parametrize("own", OWN)
def test_a_network_of_ones_own_opens_on_every_page_that_shows_weights(own, monkeypatch):
    link, network, title = OWN[own]
    visit, training = trained(**link)
    assert opens(training.recipe) == network
    assert f"show {title} with its present weights" in visit.captions
    chances = scores(training, network)
    best = int(chances.argmax())
    first = next(part for part in training.net.modules() if isinstance(part, nn.Conv2d))

    visit.press(f"open trained {LAYERS.name}").go(LAYERS)
    assert visit.link["network"] == network
    assert visit.widget("network").options[0] == f"{title} · trained here"
    file = visit.at.session_state["kept"][f"own {WEIGHTS_FILE}"]
    assert f"{title} · {file.name}" in as_read(visit.captions)
    assert f"Trained here for {training.step} steps: SGD with momentum 0.9" in as_read(visit.captions)
    assert f"{percent(training.held_out[-1].accuracy)}." in as_read(visit.captions)
    assert len(visit.layers) == len(ARCHITECTURES[network].layers)
    assert visit.strip["answer"]["title"] == f"{title} predicts"
    assert visit.predictions[0] == f"{best} · {percent(float(chances[best]))}"

    visit.go(FILTERS)
    rows = read_csv(made(visit, monkeypatch, "Table (CSV)"))
    assert [float(row["norm"]) for row in rows] == pytest.approx(first.weight.flatten(1).norm(dim=1).tolist(), rel=1e-5)
    assert {row["network"] for row in rows} == {network}

    visit.go(ACTIVATIONS)
    rows = read_csv(made(visit, monkeypatch, "All maps as a table (CSV)"))
    layer = next(iter(ARCHITECTURES[network].layers.values()))
    image = ARCHITECTURES[network].preprocess(decoded(SAMPLES["digit_0"].content()))
    maps = layer_maps(record(training.net.eval(), image, [layer]), layer)
    assert [float(row["maximum"]) for row in rows] == pytest.approx(maps.flatten(1).amax(1).tolist(), rel=1e-4)

    visit.go(GRAPH)
    (counted,) = (table.value.map(as_read) for table in visit.at.table)
    assert counted.to_numpy().tolist() == [
        ["parameters", grouped(sum(values.numel() for values in training.net.parameters()))],
        ["MACs of convolutions and linear layers", grouped(ARCHITECTURES[network].macs)],
    ]
    assert [heading.value for heading in visit.at.header] == ["Numbers"]
    assert not [expander for expander in visit.at.expander if "story" in expander.label]

    for page in (ATTRIBUTION, OCCLUSION):
        visit.go(page)
        assert visit.at.button(key=f"class {best}").label == f"{best} · {percent(float(chances[best]))}"
        assert not visit.errors
        assert not visit.warnings
    assert not visit.choose(language="vi").errors
    assert visit.widget("network").options[0].endswith("đã huấn luyện ở đây")


def test_a_link_to_a_network_of_ones_own_opens_it_with_random_weights_and_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # for the picture of “The code”
    _link, network, title = OWN["stack"]
    for page in (LAYERS, FILTERS, ACTIVATIONS, GRAPH, ATTRIBUTION, OCCLUSION):
        visit = Visit(page, network=network)
        assert visit.link["network"] == network
        assert not visit.errors
        assert page == GRAPH or f"The weights of {title} are random" in visit.warnings
        assert visit.widget("network").options[0] == f"{title} · random weights only"
        assert len(visit.widget("network").options) == len(ARCHITECTURES) + 1
    assert visit.go(FILTERS).made_by_code()["loaded"].architecture.name == network
    visit.choose(network="lenet5")
    assert visit.link["network"] == "lenet5"
    assert visit.widget("network").options[0] == f"{title} · random weights only"  # to come back to
    visit.choose(network=network)
    assert visit.link["network"] == network
    other = OWN["plain"][1]
    assert visit.go_back(network=other).link["network"] == other
    assert len(visit.widget("network").options) == len(ARCHITECTURES) + 1


def test_home_lists_the_known_networks_alone():
    usual, own = Visit(HOME), Visit(HOME, network=OWN["stack"][1])
    assert own.widget("network to open").options == usual.widget("network to open").options
    assert [chart.proto.spec for chart in own.at.get("plotly_chart")] == [
        chart.proto.spec for chart in usual.at.get("plotly_chart")
    ]
    assert not own.errors


@pytest.mark.parametrize(
    "network", ["stack.digits_conv.99999.5", "stack.digits_<b>", "plain.svhn", "stack." + "9" * 9000]
)
def test_a_link_to_what_is_no_network_of_ones_own_is_ignored_and_says_so(network):
    visit = Visit(LAYERS, network=network)
    assert visit.link["network"] == "zfnet_mini"
    assert "is not possible, so it was ignored" in visit.at.toast[0].value
    assert not visit.errors


def test_weights_of_a_stack_are_refused_by_every_other_network():
    visit, _training = trained(learner="stack", stack=CODE, epochs="1", batch="256")
    visit.press(f"open trained {FILTERS.name}").go(FILTERS)
    visit.choose(network="lenet5")
    assert "holds the weights of Custom 5-layer stack, not of LeNet-5; choose Custom 5-layer stack" in as_read(
        visit.errors[0]
    )
    assert "Chồng 5 tầng tự dựng" in visit.choose(language="vi").errors[0]
    assert visit.choose(network=f"stack.digits_{CODE}").pictures()
    assert not visit.errors


def test_a_stack_that_other_pages_cannot_show_says_why():
    code = as_code((Row("conv", 2, 2, padding=65, dilation=129),))
    visit, training = trained(learner="stack", stack=code, epochs="1", batch="256")
    with pytest.raises(Refused):
        opens(training.recipe)
    assert "other pages show at most 64" in visit.captions
    assert not [button for button in visit.at.button if (button.key or "").startswith("open trained")]


# CIFAR-10 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def coloured(monkeypatch) -> Examples:
    """Forty coloured pictures, bright in the corner that their class says, in the place of CIFAR-10's."""
    chance, names = torch.Generator().manual_seed(0), card("cifar_lenet5")["categories"]
    labels = torch.arange(40) % 10
    images = torch.randn(40, 3, 32, 32, generator=chance)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[label % 3, 3 * label : 3 * label + 3] += 3
    found = Examples(images, labels, images[:20], labels[:20], tuple(names))
    monkeypatch.setattr("pages.common.cache.has_cifar10", lambda: True)
    monkeypatch.setattr("pages.common.cache.cifar10_examples", lambda: found)
    return found


def card(name: str) -> dict:
    return json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))


def test_where_cifar_is_not_on_this_machine_the_page_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("pages.common.cache.has_cifar10", lambda: False)
    visit = Visit(PAGE, data="cifar10")
    (info,) = [info.value for info in visit.at.info if "CIFAR-10" in info.value]
    assert "not on this machine" in info
    assert "Top nine pictures" in info
    assert buttons(visit) == {"Start": False, "One step": False, "Stop": False, "Reset": False}
    assert visit.press("to the data set").link["set"] == "dataset"
    visit = Visit(PAGE)
    assert buttons(visit)["Start"]
    assert not buttons(visit.choose(data="cifar10"))["Start"]


def test_pictures_that_are_damaged_are_refused(monkeypatch, tmp_path):
    (tmp_path / "datasets" / "cifar-10-batches-py").mkdir(parents=True)
    monkeypatch.setattr("pages.common.cache.arena.kept", lambda: tmp_path)
    visit = Visit(PAGE, data="cifar10").press("training start")
    assert "damaged or incomplete" in visit.errors[0]
    assert not runs(visit)


@pytest.mark.parametrize("name", ["cifar_lenet5", "cifar_vgg", "cifar_efficientnet"])
def test_a_network_of_the_arena_has_the_arenas_recipe_until_it_is_changed(coloured, name):
    visit = Visit(PAGE, data="cifar10", learner=name).press("training step")
    recipe, arena = runs(visit)[-1].training.recipe, card(name)["recipe"]
    runs(visit)[-1].stop()
    until_it_ends(visit)
    assert recipe.schedule == "cycle"
    assert {"nesterov": "SGD, Nesterov", "adamw": "AdamW"}[recipe.optimiser] == arena["optimiser"]
    assert tuple(arena["momentum"]) == CYCLE
    for ours, theirs in [("smoothing", "label_smoothing"), ("weight_decay", "weight_decay"), ("batch", "batch")]:
        assert getattr(recipe, ours) == arena[theirs]
    for both in ("learning_rate", "shift", "epochs"):
        assert getattr(recipe, both) == arena[both]
    own = [part.p for part in ARCHITECTURES[name].build().modules() if isinstance(part, nn.Dropout)]
    assert recipe.dropout == max(own, default=0)
    assert recipe.mirrored
    assert recipe.begins == "random"
    assert not visit.link.keys() & {"rate", "batch", "optimiser", "epochs", "schedule", "decay", "smoothing", "begins"}


def test_what_an_epoch_takes_is_that_of_the_networks_card(coloured):
    visit, made = Visit(PAGE, data="cifar10", learner="cifar_vgg"), card("cifar_vgg")
    each = sum(entry["core_seconds"] for entry in made["log"]) / 12 / (390 * 128)
    assert f"takes VGG about {duration(5000 * each)} on one core" in visit.captions
    assert made["machine"]["device"] in visit.captions
    assert "5,000 of CIFAR-10's 50,000 training pictures" in visit.captions
    assert "right on" not in visit.captions
    words = f"are right on {percent(made['files'][-1]['top1'] / 100)} of the test pictures"
    assert words in visit.choose(**{"begins": "shipped"}).captions


def test_only_networks_that_were_trained_in_the_arena_are_offered_and_a_stack(coloured):
    values = visit_options(Visit(PAGE, data="cifar10"))
    assert values == [*(name for name in CIFAR_LEARNERS if (SHIPPED / f"{name}.json").is_file()), "stack"]


def visit_options(visit: Visit) -> list[str]:
    titles = {learner.title: name for name, learner in CIFAR_LEARNERS.items()} | {"your own stack": "stack"}
    return [titles[title] for title in visit.widget("learner/cifar10").options]


def test_a_training_goes_on_from_the_weights_that_ship_and_opens_elsewhere(coloured):
    link = {"data": "cifar10", "learner": "cifar_lenet5_bn", "begins": "shipped", "batch": "8", "epochs": "1"}
    visit = Visit(PAGE, **link)
    assert visit.widget("rate/cifar_lenet5_bn shipped").value == 0.01
    training = until_it_ends(visit.press("training start"))
    assert link.items() <= visit.link.items()
    assert training.recipe.schedule == "cosine"
    with torch.no_grad():
        model = load("cifar_lenet5_bn", "shipped", "cpu").model
        right = (model(coloured.held_out).argmax(1) == coloured.held_out_labels).float().mean().item()
    assert training.held_out[0].accuracy == pytest.approx(right)
    assert "LeNet-5 + batch norm, CIFAR-10" not in visit.words  # which is in the table of several runs
    visit.press(f"open trained {FILTERS.name}")
    visit.at.switch_page(FILTERS.script)
    visit.run()
    assert visit.link["network"] == "cifar_lenet5_bn"
    file = visit.at.session_state["kept"][f"own {WEIGHTS_FILE}"]
    names = visit.at.session_state[f"classes/cifar_lenet5_bn {file.file_id}"]
    assert names.splitlines() == list(coloured.categories)


def test_a_stack_for_cifar_opens_with_its_classes_and_its_preparation_of_pictures(coloured):
    link = {"data": "cifar10", "learner": "stack", "stack": CODE, "batch": "8", "epochs": "1"}
    visit = Visit(PAGE, **link).press("training start")
    training = until_it_ends(visit)
    network = opens(training.recipe)
    assert network == f"stack.cifar10_{CODE}"
    visit.press(f"open trained {LAYERS.name}").go(LAYERS)
    assert visit.strip["answer"]["title"] == "Custom 5-layer stack for CIFAR-10 predicts"
    assert ARCHITECTURES[network].preprocess == ARCHITECTURES["cifar_lenet5"].preprocess
    chances = scores(training, network, visit.link["sample"])
    best = int(chances.argmax())
    assert visit.predictions[0] == f"{coloured.categories[best]} · {percent(float(chances[best]))}"


def test_the_projection_is_of_a_picture_of_the_chosen_class(coloured):
    visit = Visit(PAGE, data="cifar10", learner="cifar_lenet5", epochs="1", batch="8", layer="features.c3", map="2")
    visit.choose(**{"epochs/cifar_lenet5 random": 1})
    visit.press("training start")
    training = until_it_ends(visit)
    visit.choose(**{"class": 7})
    (_run, *of), found = list(visit.at.session_state["kept"]["projections"].items())[-1]
    assert of == ["features.c3", 2, 7]
    image = coloured.held_out[7:8]
    net = training.net.eval()
    (unit,) = strongest_units(net, image, "features.c3", channels=[2])
    torch.testing.assert_close(found[training.total].pixels, project(net, image, [unit])[0].pixels)


def test_runs_of_digits_and_of_cifar_are_told_apart(coloured):
    visit = Visit(PAGE, **SHORT).press("training start")
    until_it_ends(visit)
    visit.choose(data="cifar10")
    visit.choose(**{"learner/cifar10": "stack"})
    visit.choose(**{"epochs/stack random": 1, "batch/stack random": 8})
    visit.press("training start")
    training = until_it_ends(visit)
    assert training.net[0].weight.shape[1] == 3
    (table,) = visit.at.table
    assert [text.replace("\\", "") for text in table.value.iloc[:, 1]] == [
        "LeNet-5, modern",
        "your own stack, CIFAR-10",
    ]
    assert not visit.errors
    visit.choose(data="digits")
    assert visit.widget("learner").value == "lenet5"


def test_a_training_goes_on_when_its_page_is_left_and_the_sidebar_says_so():
    visit = Visit(PAGE, **SHORT | {"epochs": "50"}).press("training start")
    assert not visit.at.sidebar.get("page_link")
    visit.go(FILTERS)
    (note,) = visit.at.sidebar.get("page_link")
    assert note.proto.label.startswith("Training: epoch ")
    run = runs(visit)[-1]
    assert run.running
    run.stop()
    until_it_ends(visit)
    assert not visit.at.sidebar.get("page_link")


def test_it_speaks_vietnamese():
    visit = Visit(PAGE, language="vi", **SHORT).press("training start")
    training = until_it_ends(visit)
    value = percent(training.held_out[-1].accuracy).replace(".", ",")
    assert f":gray[:small[Độ chính xác trên ảnh giữ lại]]  \n**{value}**" in visit.words
    assert buttons(visit) == {"Bắt đầu": True, "Một bước": True, "Dừng": False, "Đặt lại": True}


def test_the_code_of_the_page_trains_lenet(monkeypatch, few_digits):
    monkeypatch.setattr("models.learners.digits", lambda: few_digits)
    with torch.random.fork_rng():
        names = Visit(PAGE).made_by_code()
    assert names["right"] > 0.3
    assert names["loss"].isfinite()


def test_what_the_text_says_of_networks_without_batch_norm_is_so(monkeypatch):
    """The residual one is dead after one epoch: no gradient anywhere; the plain one is behind."""

    monkeypatch.setattr("pages.learn.train.recipe.digits", digits)

    def after(epochs: int, **recipe: object) -> Training:
        training = training_of(Recipe(**recipe))
        while training.epoch < epochs:
            training.advance()
        return training

    assert set(after(1, net="residual").gradients[-1]) == {0.0}
    last = {True: [], False: []}  # of three seeds, for one alone jumps by up to a fifth from one half epoch to the next
    for has_norm, seed in product(last, range(3)):
        last[has_norm].append(after(3, net="plain", batch_norm=has_norm, seed=seed).held_out[-1].accuracy)
    assert mean(last[True]) > mean(last[False]) + 0.03


def test_what_the_question_says_of_lenet_is_so():
    """More than 950 of 1,000, after the usual recipe on all digits; cut short here when it is reached."""
    training = Training(Recipe(), lambda: LEARNERS["lenet5"].build(num_classes=10), digits())
    parameters = sum(p.numel() for p in training.net.parameters())
    assert round(parameters, -3) == 62_000
    while not training.is_over and (not training.held_out or training.held_out[-1].accuracy <= 0.95):
        training.advance()
    assert training.held_out[-1].accuracy > 0.95
    assert training_of(Recipe()).net.state_dict().keys() == training.net.state_dict().keys()
