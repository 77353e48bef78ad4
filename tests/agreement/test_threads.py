"""One model, many threads: only comparing values finds what goes wrong."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from tests.agreement.networks import picture
from vis.deconvnet import METHODS, project, strongest_units
from vis.trace import traced

THREADS, CALLS = 8, 200


def small() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2), nn.Conv2d(4, 4, 2), nn.ReLU()
        return nn.Sequential(*layers).eval()


def jobs(model: nn.Module) -> list[Callable[[], torch.Tensor]]:
    """Prediction, and projection by every method, of two pictures on one model."""
    images = [picture(seed=seed, dtype=torch.float32) for seed in (1, 2)]
    units = [strongest_units(model, image, "5", 2) for image in images]
    found: list[Callable[[], torch.Tensor]] = []
    for image, of_image in zip(images, units, strict=True):
        found.append(lambda image=image: model(image).detach())
        for method in METHODS:
            found.append(
                lambda image=image, units=of_image, method=method: torch.stack(
                    [projection.on_canvas() for projection in project(model, image, units, method)]
                )
            )
    return found


def test_eight_threads_on_one_model_get_what_one_thread_gets():
    model = small()
    alone = [job() for job in jobs(model)]
    fresh = small()  # its first trace, too, is made while the others wait for it
    shared = jobs(fresh)

    def work(thread: int) -> list[int]:
        numbers = [(thread + call) % len(shared) for call in range(CALLS)]
        return [n for n in numbers if not torch.equal(shared[n](), alone[n])]

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [n for numbers in pool.map(work, range(THREADS)) for n in numbers]
    assert not wrong, f"{len(wrong)} of {THREADS * CALLS} results differ"


@pytest.mark.parametrize("bystander", ["predicts", "reads weights"])
def test_another_threads_network_is_let_through_while_one_is_traced(bystander):
    """torch.fx replaces nn.Module.__call__ and __getattr__ for the whole process while it traces."""
    model, image = small(), picture(dtype=torch.float32)
    expected = model(image)
    traced_enough, went_wrong, answers = threading.Event(), [], 0

    def trace_fresh_models() -> None:
        for _ in range(40):
            traced(deep())
        traced_enough.set()

    tracer = threading.Thread(target=trace_fresh_models)
    tracer.start()
    while not traced_enough.is_set():
        try:
            right = torch.equal(model(image), expected) if bystander == "predicts" else type(model[0].weight) is nn.Parameter
            if not right:
                went_wrong.append("another value")
        except Exception as error:  # whatever torch.fx makes of a foreign call
            went_wrong.append(repr(error))
        answers += 1
    tracer.join()
    assert answers > 20
    assert not went_wrong, f"{len(went_wrong)} of {answers}: {went_wrong[0]}"


def deep() -> nn.Module:
    return nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()) for _ in range(40))).eval()
