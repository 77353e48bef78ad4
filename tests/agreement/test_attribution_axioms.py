"""The axioms that methods claim, on small networks of the registry; on all of them in `tests.benchmarks.axioms`."""

import pytest

from tests.benchmarks.axioms import NEAR, Axioms, axioms

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not already")

NO_RULE = "Layer-wise relevance has no rule for "
SMALL = {  # what is exact, beside the axioms themselves: of one step without biases, DeepLIFT, LRP, and beside x·∂s/∂x
    "lenet5_bn": {"one", "deep_lift", "lrp", "beside"},
    "lenet5_1998": set(),
    "alexnet_mini": {"one", "deep_lift", "lrp", "beside"},
    "squeezenet1_1": {"one", "deep_lift", "lrp", "beside"},
    "resnet18": {"one", "deep_lift", "lrp", "beside"},
}


@pytest.mark.parametrize("name", SMALL)
def test_what_is_promised_is_kept(name):
    found = axioms(name, few=1, many=20, draws=2)
    assert not found.broken
    exact = {column for column, words in found.missed.items() if is_small(words)}
    assert exact - {"few", "many"} == SMALL[name]
    assert found.missed["lrp"].startswith(NO_RULE) == (name == "lenet5_1998")


def is_small(words: str) -> bool:
    return words[:1].isdigit() and float(words.partition(",")[0]) < NEAR


def test_what_is_missed_by_more_than_it_may_be_is_a_broken_promise():
    found = Axioms(side=32)
    found.note("lrp", -2 * NEAR, NEAR)
    found.note("deep_lift", 0.5, words=", approximated")
    found.note("one", float("nan"), NEAR)
    assert found.broken == ["lrp", "one"]
    assert found.missed["deep_lift"] == "5e-01, approximated"
