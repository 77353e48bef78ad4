"""One model, many threads: only comparing values finds what goes wrong."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event

import pytest
import torch
from torch import nn

from models import load
from models.loading import skeleton
from tests.agreement.networks import picture
from vis.deconvnet import METHODS, Unit, project, strongest_units
from vis.graph import layer_graph
from vis.trace import traced, tracing

THREADS, CALLS = 8, 200


def small() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = (
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(4, 4, 2),
            nn.ReLU(),
        )
        return nn.Sequential(*layers).eval()


def jobs(model: nn.Module, twin: nn.Module) -> list[Callable[[], torch.Tensor]]:
    """Prediction, and projection by every method, of two pictures on one model, of units that its twin has found."""

    def predict(image: torch.Tensor) -> torch.Tensor:
        return model(image).detach()

    def project_by(method: str, image: torch.Tensor, units: list[Unit]) -> torch.Tensor:
        return torch.stack([projection.on_canvas() for projection in project(model, image, units, method)])

    found: list[Callable[[], torch.Tensor]] = []
    for seed in (1, 2):
        image = picture(seed=seed, dtype=torch.float32)
        units = strongest_units(twin, image, "5", 2)
        found += [partial(predict, image), *(partial(project_by, method, image, units) for method in METHODS)]
    return found


def test_eight_threads_on_one_model_get_what_one_thread_gets():
    model = small()
    alone = [job() for job in jobs(model, model)]
    fresh = small()  # that no one has traced yet: the threads race for it
    shared, start = jobs(fresh, model), Barrier(THREADS)
    assert fresh not in tracing._traces

    def work(thread: int) -> list[int]:
        start.wait()
        numbers = [(thread + call) % len(shared) for call in range(CALLS)]
        return [n for n in numbers if not torch.equal(shared[n](), alone[n])]

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [n for numbers in pool.map(work, range(THREADS)) for n in numbers]
    assert not wrong, f"{len(wrong)} of {THREADS * CALLS} results differ"


def test_eight_threads_on_one_model_get_the_graph_that_one_thread_gets():
    def seen(model: nn.Module) -> list:
        graph = layer_graph(model, (1, 3, 13, 10))
        return [*graph.nodes.values(), *graph.blocks.values()]

    alone, fresh, start = seen(small()), small(), Barrier(THREADS)
    assert fresh not in tracing._traces

    def work(_: int) -> bool:
        start.wait()
        return all(seen(fresh) == alone for _ in range(10))

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))


def test_weights_of_one_thread_have_numbers_while_others_build_networks_without():
    """torch.device("meta") is a default of the thread that says so."""
    expected, go_on, start = load("lenet5", "random", "cpu").model.state_dict(), Event(), Barrier(THREADS)

    def build_skeletons() -> bool:
        start.wait()
        bare = True
        while not go_on.is_set():
            bare &= all(p.is_meta for p in skeleton("lenet5").parameters())
        return bare

    def load_weights() -> bool:
        start.wait()
        found = (load("lenet5", "random", "cpu").model.state_dict() for _ in range(50))
        return all(torch.equal(state[key], expected[key]) for state in found for key in expected)

    with ThreadPoolExecutor(THREADS) as pool:
        skeletons = [pool.submit(build_skeletons) for _ in range(THREADS - 2)]
        loaded = [pool.submit(load_weights) for _ in range(2)]
        try:
            assert all(job.result() for job in loaded)
        finally:
            go_on.set()
        assert all(job.result() for job in skeletons)


def deep() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()) for _ in range(40))).eval()


@pytest.mark.parametrize("bystander_on", ["another network", "the network being traced"])
def test_predictions_of_another_thread_stay_right_while_a_network_is_traced(bystander_on):
    """torch.fx replaces nn.Module.__call__ and __getattr__ for the whole process while it traces."""
    model, image, enough = deep(), picture(dtype=torch.float32), Event()
    expected, fresh = model(image), [model]

    def trace_fresh_networks() -> None:
        while not enough.is_set():
            fresh[0] = deep()
            traced(fresh[0])

    with ThreadPoolExecutor(1) as other:
        tracing = other.submit(trace_fresh_networks)
        try:
            for _ in range(30):
                predicting = model if bystander_on == "another network" else fresh[0]
                assert torch.equal(predicting(image), expected)
        finally:
            enough.set()
    tracing.result()
