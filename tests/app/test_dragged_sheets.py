"""What sheets show while a slider is dragged: the same as when it is let go there."""

import pytest

from pages.learn.dropout.masks import COUNT, RATE
from pages.learn.nonlinearities.rules import BIAS as DEAD_BIAS
from pages.learn.normalisation.lrn import ALPHA, BETA, SIZE, K
from pages.learn.pooling.pools import BIAS, COEFFICIENT
from tests.app.visit import ROUTES, Visit

DRAGGED = [
    *(("normalisation", option, {"cell": "3,0,1", "convention": "torch"}) for option in (SIZE, K, ALPHA, BETA)),
    ("dropout", RATE, {"unit": "2,3", "mask": "4"}),
    ("dropout", RATE, {"mode": "inference", "scaling": "2012"}),
    ("dropout", COUNT, {"p": "0.3"}),
    ("pooling", COEFFICIENT, {"pooling": "lenet", "output": "0,2"}),
    ("pooling", BIAS, {"pooling": "lenet", "coefficient": "0.5"}),
    ("nonlinearities", DEAD_BIAS, {"kind": "leaky"}),
]


def followed(visit: Visit, page: str, option) -> list[dict]:
    """The sheets that follow this slider of their page."""
    key = f"st-key-{page}-{option.name}"
    return [sheets for sheets in visit.sheets if key in [reach["key"] for reach in sheets["reach"]]]


@pytest.mark.parametrize(("page", "option", "link"), DRAGGED)
def test_a_stop_shows_what_the_page_shows_when_the_slider_is_let_go_there(page, option, link):
    (before,) = followed(Visit(ROUTES[page], **link), page, option)
    (frames,) = [reach["frames"] for reach in before["reach"] if reach["key"].endswith(f"-{option.name}")]
    assert len(frames) == len(option.values)
    for place in (0, len(option.values) - 1):
        value = option.values[place]
        (after,) = followed(Visit(ROUTES[page], **link, **{option.name: str(value)}), page, option)
        frame = {**before, **frames[place]}
        for what in ("shades", "labels", "numbers", "lit", "titles"):
            assert frame[what] == after[what]
    assert frames[0] != frames[-1]
