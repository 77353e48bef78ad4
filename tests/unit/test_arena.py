"""What trainings cost and which networks no other beats, against the same written down once more."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from models import ARCHITECTURES
from models.cards import PICTURES, cards, with_other_seeds
from models.cifar import NETWORKS
from models.train.recipes import RECIPES
from models.weights import SHIPPED
from vis.cost.training import entrant, epoch_rows, front, rows

ROOT = Path(__file__).parents[2]
FOUND = cards()
ENTRANTS = {name: entrant(training) for name, training in FOUND.items()}


@pytest.fixture(params=FOUND)
def name(request) -> str:
    return request.param


# What the page says of all of them --------------------------------------------------------------------------------


def test_the_recipe_and_the_sizes_are_those_that_the_text_states():
    text = (ROOT / "pages/learn/arena/texts/arena.en.md").read_text(encoding="utf-8")
    assert max(ARCHITECTURES[name].parameters for name in NETWORKS) < 0.5e6
    assert max(ARCHITECTURES[name].macs for name in NETWORKS) < 70e6
    assert "fewer than 0.5 million parameters and fewer than 70 million multiply-adds" in text
    for name in NETWORKS:
        recipe = RECIPES[name]
        assert (recipe.epochs, recipe.batch, recipe.label_smoothing, recipe.shift) == (12, 128, 0.1, 4)
        rate, decay = (0.002, 0.05) if recipe.optimiser == "AdamW" else (0.1, 5e-4)
        assert (recipe.learning_rate, recipe.weight_decay) == (rate, decay)
        assert (recipe.optimiser == "AdamW") == (name in ("cifar_efficientnet", "cifar_convnext"))
    assert "learning rate up to 0.002, weight decay 0.05" in text
    assert r"up to 0.1, weight decay $5\cdot10^{-4}$, label smoothing 0.1, pictures moved by up to 4 pixels" in text


# Cards -----------------------------------------------------------------------------------------------------------


def test_a_training_is_what_its_card_says(name):
    said, training = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8")), FOUND[name]
    assert training.network == name == said["architecture"]
    assert [epoch.top1 for epoch in training.log] == [entry["top1"] for entry in said["log"]]
    assert (training.top1, training.sha256) == (said["files"][-1]["top1"], said["files"][-1]["sha256"])
    assert training.core_seconds[5] == pytest.approx(sum(entry["core_seconds"] for entry in said["log"][:5]))
    assert training.core_seconds[0] == 0
    assert len(training.core_seconds) == said["recipe"]["epochs"] + 1
    assert training.top1_after(3) == said["log"][2]["top1"]
    assert training.top1_after(said["recipe"]["epochs"]) == said["files"][-1]["top1"]
    assert training.seed == 0


def test_those_without_a_card_are_left_out_and_the_others_keep_their_order(tmp_path):
    assert list(FOUND) == [name for name in NETWORKS if (SHIPPED / f"{name}.json").exists()]
    assert cards(tmp_path) == {}
    (tmp_path / "seeds").mkdir()
    said = json.loads((SHIPPED / "cifar_plain20.json").read_text(encoding="utf-8"))
    for seed, file in (
        (0, "cifar_plain20.json"),
        (11, "seeds/cifar_plain20.seed11.json"),
        (2, "seeds/cifar_plain20.seed2.json"),
    ):
        (tmp_path / file).write_text(json.dumps(said | {"recipe": said["recipe"] | {"seed": seed}}), encoding="utf-8")
    assert [training.seed for training in with_other_seeds("cifar_plain20", tmp_path)] == [0, 2, 11]
    assert list(cards(tmp_path)) == ["cifar_plain20"]


# What they cost --------------------------------------------------------------------------------------------------


def test_a_training_costs_what_torch_counts_for_a_forward_and_a_backward_pass():
    """But for the first layer, whose input needs no gradient: the convention counts that, too."""
    net = NETWORKS["cifar_resnet20"]()
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(2, 3, 32, 32)).sum().backward()
    first = 2 * 3 * 16 * 9 * 32 * 32  # the operations of one picture
    each = ENTRANTS["cifar_resnet20"].flop[1] / (PICTURES // 128 * 128)
    assert counter.get_total_flops() / 2 == each - first


def test_resnet20_takes_12_tflop_an_epoch():
    assert ENTRANTS["cifar_resnet20"].flop[1] == pytest.approx(12.2e12, rel=5e-3)  # as published


def test_parameters_and_macs_are_those_of_the_registry_which_other_tests_count(name):
    found = ENTRANTS[name]
    assert (found.parameters, found.macs) == (ARCHITECTURES[name].parameters, ARCHITECTURES[name].macs)
    assert found.flop[-1] == 12 * 390 * 128 * 6 * found.macs


@pytest.mark.parametrize("of", ["core_seconds", "flop"])
@given(share=st.floats(0, 1.2))
def test_a_cut_is_after_the_last_epoch_that_was_finished(of, share):
    for found in ENTRANTS.values():
        limit = share * max(one.spent[of][-1] for one in ENTRANTS.values())
        epochs = found.epochs_within(limit, of)
        assert found.spent[of][epochs] <= limit
        assert epochs == 12 or found.spent[of][epochs + 1] > limit


def test_what_is_spent_grows_from_nothing(name):
    for spent in ENTRANTS[name].spent.values():
        assert spent[0] == 0
        assert all(less < more for less, more in pairwise(spent))


# The front -------------------------------------------------------------------------------------------------------

POINTS = st.dictionaries(st.text(min_size=1, max_size=3), st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(POINTS)
def test_the_front_are_all_that_no_other_beats(points):
    def is_beaten(cost: float, merit: float) -> bool:
        return any(c <= cost and m >= merit and (c, m) != (cost, merit) for c, m in points.values())

    found = front(points)
    assert set(found) == {name for name, point in points.items() if not is_beaten(*point)}
    assert [points[name][0] for name in found] == sorted(points[name][0] for name in found)
    assert len(set(found)) == len(found)


# Tables ----------------------------------------------------------------------------------------------------------


def test_the_table_has_every_network_with_its_facts():
    made = rows(ENTRANTS.values(), {"cifar_vgg": 1.5})
    assert [row["network"] for row in made] == list(FOUND)
    for row in made:
        training = FOUND[row["network"]]
        assert (row["top1_percent"], row["sha256"], row["command"]) == (
            training.top1,
            training.sha256,
            training.command,
        )
        assert row["training_pflop"] == pytest.approx(12 * 49_920 * 6 * row["macs"] / 1e15)
        assert row["pass_ms_here"] == (1.5 if row["network"] == "cifar_vgg" else None)
    epochs = epoch_rows(ENTRANTS.values())
    assert len(epochs) == sum(len(training.log) for training in FOUND.values())
    last = [row for row in epochs if row["epoch"] == 12]
    assert [row["pflop"] for row in last] == [row["training_pflop"] for row in made]
    assert [row["core_seconds"] for row in last] == [row["training_core_seconds"] for row in made]
