"""What hardware there is, and the way out when the GPU's memory is not enough."""

import os
import re
import subprocess
import sys

import pytest
import torch

from models.device import OutOfMemory, available, chosen, or_on_cpu
from models.refusals import Refused


def test_there_is_always_a_cpu_and_it_comes_last():
    assert available()[-1] == "cpu"
    assert len(set(available())) == len(available())
    assert set(available()) <= {"cuda", "mps", "cpu"}


def test_the_best_device_is_chosen_unless_one_is_asked_for():
    assert chosen().type == chosen("").type == available()[0]
    assert chosen("cpu") == chosen(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", ["meta", "xpu:0", torch.device("meta"), "gpu", "CPU", "cuda0"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(device):
    with pytest.raises(Refused) as refused:
        chosen(device)
    assert str(refused.value) == f"This machine has no {device}; choose one of {', '.join(available())}."


def test_what_a_device_can_do_is_done_there_and_only_there():
    asked = []
    assert or_on_cpu(lambda device: asked.append(device) or 7, "cuda") == (7, False)
    assert asked == ["cuda"]


def test_what_is_too_large_for_the_device_is_done_on_the_cpu_and_said_so():
    def work(device):
        asked.append(device)
        if device != "cpu":
            raise OutOfMemory("CUDA out of memory")
        return torch.ones(2, device=device)

    asked = []
    result, moved = or_on_cpu(work, "cuda")
    assert asked == ["cuda", "cpu"]
    assert moved
    assert result.tolist() == [1, 1]


def test_what_is_too_large_for_the_cpu_too_is_an_error():
    def work(device):
        asked.append(device)
        raise OutOfMemory(device)

    asked = []
    with pytest.raises(OutOfMemory, match="cpu"):
        or_on_cpu(work, None)
    assert asked == [None, "cpu"]


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError(), KeyboardInterrupt()], ids=repr)
def test_other_errors_are_not_tried_again(error):
    def work(device):
        asked.append(device)
        raise error

    asked = []
    with pytest.raises(type(error)):
        or_on_cpu(work, "cuda")
    assert asked == ["cuda"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there torch computes with the library that is asked here")
def test_threads_of_the_app_sleep_while_they_wait_for_one_another():
    """As a server loads it; what the library says of itself when it is loaded."""
    said = {}
    for first in ("streamlit, pages.common.cache", "torch"):
        environment = {name: text for name, text in os.environ.items() if name != "OMP_WAIT_POLICY"}
        command = [sys.executable, "-c", f"import {first}; import torch; torch.ones(9).sum()"]
        done = subprocess.run(
            command, env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"}, capture_output=True, text=True, check=True
        )
        said[first] = int(re.search(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)[1])
    assert said.pop("torch") > 0
    assert said == {"streamlit, pages.common.cache": 0}
