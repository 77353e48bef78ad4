"""What a page shows while a slider is dragged: the same as when it is let go there."""

from itertools import chain

import pytest

from pages.learn.dropout.masks import COUNT, RATE
from pages.learn.dropout.network import RATE as NETWORK_RATE
from pages.learn.nonlinearities.curves import AT, LAYERS
from pages.learn.nonlinearities.rules import BIAS as DEAD_BIAS
from pages.learn.normalisation.batch import MOMENTUM, SEEN
from pages.learn.normalisation.lrn import ALPHA, BETA, SIZE, K
from pages.learn.pooling.pools import BIAS, COEFFICIENT
from tests.app.visit import ROUTES, Visit, redrawn, unpacked

MOST = 200_000  # letters that a component is sent
SHEETS = [
    *(("normalisation", option, {"cell": "3,0,1", "convention": "torch"}) for option in (SIZE, K, ALPHA, BETA)),
    *(("normalisation", SEEN, {"mode": mode, "pictures": "6"}) for mode in ("training", "inference")),
    ("normalisation", MOMENTUM, {"mode": "inference", "seen": "3"}),
    ("dropout", RATE, {"unit": "2,3", "mask": "4"}),
    ("dropout", RATE, {"mode": "inference", "scaling": "2012"}),
    ("dropout", COUNT, {"p": "0.3"}),
    ("pooling", COEFFICIENT, {"pooling": "lenet", "output": "0,2"}),
    ("pooling", BIAS, {"pooling": "lenet", "coefficient": "0.5"}),
    ("nonlinearities", DEAD_BIAS, {"kind": "leaky"}),
]
FOLLOWING = [
    ("nonlinearities", AT, {"functions": "gelu,elu", "slopes_guess": "1"}),
    ("nonlinearities", AT, {}),
    ("nonlinearities", LAYERS, {"x": "-1.5", "slopes_guess": "1"}),
    ("normalisation", SEEN, {"average": "variance", "momentum": "0.9", "batch_guess": "1"}),
    ("normalisation", SEEN, {"channel": "0", "pictures": "1", "batch_guess": "1"}),
    ("normalisation", MOMENTUM, {"average": "variance", "seen": "9", "batch_guess": "1"}),
    ("normalisation", MOMENTUM, {"seen": "1", "batch_guess": "1"}),
    ("nonlinearities", DEAD_BIAS, {"kind": "leaky"}),
    ("dropout", RATE, {"unit": "2,3", "mask": "4"}),
    ("dropout", RATE, {"mode": "inference", "scaling": "2012"}),
    ("dropout", COUNT, {"p": "0.3", "passes_guess": "1"}),
    ("dropout", NETWORK_RATE, {"trained": "zfnet_mini", "photograph": "chelsea", "scatter_guess": "1"}),
]


def stops(option) -> list[tuple[int, str]]:
    """The first one, one between and the last one, and what a link says of them."""
    values = list(option.values)
    return [(place, str(values[place])) for place in (0, len(values) // 2, len(values) - 1)]


def sheets_of(visit: Visit, page: str, option) -> list[dict]:
    """The sheets that follow this slider of their page."""
    key = f"st-key-{page}-{option.name}"
    return [sheets for sheets in visit.sheets if key in [reach["key"] for reach in sheets["reach"]]]


@pytest.mark.parametrize(("page", "option", "link"), SHEETS)
def test_a_stop_shows_in_sheets_what_the_page_shows_when_the_slider_is_let_go_there(page, option, link):
    before = sheets_of(Visit(ROUTES[page], **link), page, option)
    assert before
    for place, value in stops(option):
        after = sheets_of(Visit(ROUTES[page], **link, **{option.name: value}), page, option)
        for was, becomes in zip(before, after, strict=True):
            (frames,) = [unpacked(of["frames"]) for of in was["reach"] if of["key"].endswith(f"-{option.name}")]
            assert len(frames) == len(option.values)
            frame = {**was, **frames[place]}
            for what in ("shades", "labels", "numbers", "lit", "titles", "notes"):
                assert frame[what] == becomes[what]
    assert frames[0] != frames[-1]


@pytest.mark.parametrize(("page", "option", "link"), FOLLOWING)
def test_a_stop_shows_what_the_page_shows_when_the_slider_is_let_go_there(page, option, link):
    before = Visit(ROUTES[page], **link, language="vi")
    frames = before.dragged(f"{page}/{option.name}")
    assert len(frames) == len(option.values)
    for place, value in stops(option):
        after = Visit(ROUTES[page], **link, **{option.name: value}, language="vi")
        assert frames[place] == after.dragged(f"{page}/{option.name}")[place]
        for name, shown in frames[place].items():
            assert_shown(shown, name.removeprefix("st-key-").replace("-", " "), before, after)
    assert frames[0] != frames[-1]


def assert_shown(shown, name: str, before: Visit, after: Visit) -> None:
    """The words, table or chart of this name are what a browser makes of those before."""
    if isinstance(shown, str):
        assert shown in [words.value for words in after.at.markdown]
    elif isinstance(shown, list):
        tables = [[table.value.columns, *table.value.values] for table in after.at.table]
        cells = [[str(cell).replace("\\", "") for cell in chain.from_iterable(table)] for table in tables]
        assert [*chain.from_iterable(shown)] in cells
    else:
        assert redrawn(before.chart(name), shown) == after.chart(name)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("normalisation", {"pictures": "6", "mode": "inference", "batch_guess": "1", "lrn_guess": "1"}),
        ("nonlinearities", {"functions": "gelu,elu,silu,tanh", "slopes_guess": "1"}),
        ("dropout", {"scatter_guess": "1", "passes_guess": "1"}),
        ("pooling", {"pooling": "lenet"}),
    ],
)
def test_what_can_be_dragged_to_is_no_burden(page, link):
    sent = [len(each.proto.json) for each in Visit(ROUTES[page], **link, language="vi").at.get("bidi_component")]
    assert max(sent) <= MOST
