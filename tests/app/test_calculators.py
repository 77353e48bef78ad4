"""The four calculators of cheap blocks, as their visitors set them and read them; dragging is in tests/live."""

import json
import re
from fractions import Fraction
from typing import NamedTuple

import pyarrow as pa
import pytest
from torch import nn

from models.refusals import Refused
from pages.count.following import ratio_in_words
from tests.app.visit import ROUTES, Visit, in_vietnamese
from vis.cost.relatives import RELATIVES
from vis.figures.numbers import grouped

PAGES = {name: ROUTES[name] for name in ("bottleneck", "residual", "separable")}
PAGES |= dict.fromkeys(("stacked", "factorised", "groups", "dilated"), ROUTES["kernels"])


class Golden(NamedTuple):
    """A published example: what the cheap block costs, and the plain one."""

    name: str
    link: dict[str, str]
    cheap: str
    plain: str
    weights: tuple[str, str]


GOLDEN = [
    Golden("bottleneck", {}, "12,443,648", "120,422,400", ("15,872", "153,600")),
    Golden("residual", {}, "218,365,952", "3,699,376,128", ("69,632", "1,179,648")),
    Golden(
        "separable",
        {"side": "6", "maps_in": "3", "maps_out": "5", "padding": "0"},
        "672",
        "2,160",
        ("42", "135"),
    ),
    Golden("separable", {}, "52,283,392", "462,422,016", ("266,752", "2,359,296")),
    Golden("stacked", {"maps": "1", "side": "1"}, "27", "49", ("27", "49")),
    Golden("factorised", {"side": "1", "maps": "1"}, "14", "49", ("14", "49")),
    Golden("groups", {"side": "1", "maps": "6"}, "12", "36", ("12", "36")),
    Golden("dilated", {"side": "1", "maps": "1"}, "9", "25", ("9", "25")),
]


def visit(name: str, **link: str) -> Visit:
    return Visit(PAGES[name], block=name, **link)


def totals(page: Visit) -> list[tuple[str, str]]:
    """The cheap block's MACs, weights and activation memory, each with what stands under it."""
    return [(value, beside) for value, beside, _bars in page.following["now"]["readings"]]


def curve(page: Visit) -> list[dict]:
    """The traces of the chart."""
    (chart,) = curves(page)
    return json.loads(chart.proto.spec)["data"]


def curves(page: Visit) -> list:
    return page.at.get("plotly_chart")


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.name} {golden.cheap}")
def test_the_published_examples_come_out(golden, capsys):
    """On the page, and of the code that it shows."""
    page = visit(golden.name, **golden.link)
    (macs, macs_of), (weights, weights_of), _memory = totals(page)
    assert (macs, macs_of.partition(" of ")[2]) == (golden.cheap, golden.plain)
    assert (weights, weights_of.partition(" of ")[2]) == golden.weights
    assert golden.link.items() <= page.link.items()
    assert not page.errors
    made = page.made_by_code()
    assert [grouped(made[side].macs) for side in ("cheap", "plain")] == [golden.cheap, golden.plain]
    assert [grouped(made[side].weights) for side in ("cheap", "plain")] == [*golden.weights]
    cheap, plain = (int(number.replace(",", "")) for number in (golden.cheap, golden.plain))
    assert float(capsys.readouterr().out.split()[-1]) == pytest.approx(cheap / plain, rel=1e-12)


@pytest.mark.parametrize("name", PAGES)
def test_a_link_restores_what_was_set_and_every_example_can_be_chosen(name):
    page = visit(name)
    examples = page.widget("example")
    assert examples.value is not None  # it begins with a published one
    seen = set()
    for example in examples.options:
        page.choose(example=example)
        assert page.widget("example").value == example
        assert not page.errors
        again = Visit(PAGES[name], **page.link)
        assert (again.stands, totals(again)) == (page.stands, totals(page))
        assert again.widget("example").value == example
        seen.add(tuple(page.stands.values()))
    assert len(seen) == len(examples.options)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_slider_can_be_dragged_to_is_what_is_counted_there(name):
    """At every stop of every slider, with the others as usual: each number, and each box, is that of the block."""
    page = visit(name)
    values = page.live(name).values
    for slider, each in zip(values, page.following["sliders"], strict=True):
        frames = page.approach(name, slider).reach
        assert frames.keys() >= {*(each["stops"] or range(len(each["values"]))), *each["marks"]}
        for place, frame in frames.items():
            assert_is_counted(frame, name, values | {slider: each["values"][place]})


def assert_is_counted(frame: dict, name: str, values: dict[str, int]) -> None:
    if "refused" in frame:
        with pytest.raises(Refused, match=re.escape(frame["refused"])):
            RELATIVES[name].blocks(**values)
        return
    plain, cheap = RELATIVES[name].blocks(**values)
    assert [(text, beside.rpartition(" of ")[2]) for text, beside, _bars in frame["readings"]] == [
        (grouped(cheap.macs), grouped(plain.macs)),
        (grouped(cheap.weights), grouped(plain.weights)),
        (f"{grouped(cheap.activation_bytes)} B", f"{grouped(plain.activation_bytes)} B"),
    ]
    long, short = frame["readings"][0][2]
    assert abs(long * cheap.macs - short * plain.macs) <= 1e-4 * max(cheap.macs, plain.macs)
    assert max(long, short) == 1
    for block, chain in zip((plain, cheap), frame["chains"], strict=True):
        maps = [step[1:4] for step in chain["steps"] if step[0] == "maps"]
        assert maps == [[*block.given], *([*layer.shape] for layer in block.layers)]


def test_the_sums_add_up_and_the_law_says_what_remains():
    page = visit("bottleneck")
    written = "\n".join(each.value for each in page.at.markdown)
    assert "1·1·192·16·28·28 = **2,408,448**" in written
    assert "5·5·16·32·28·28 = **10,035,200**" in written
    assert "total: **12,443,648** MACs" in written
    assert r"\frac{16}{192} + \frac{16}{5^2 \cdot 32}" in written
    assert "**10.3 %**" in written


def test_a_curve_over_the_kernel_says_that_padding_stays_and_the_map_becomes_smaller():
    page = visit("separable").drag("separable", kernel=7, padding=2)
    page.drag("separable", kernel=9)
    assert "Padding stays 2: a larger kernel makes a smaller map" in page.captions
    assert "Padding stays" not in page.drag("separable", side=28).captions
    assert "Padding stays" not in visit("bottleneck").drag("bottleneck", kernel=7).captions


def test_numbers_of_ones_own_are_no_example_and_the_curve_lies_over_what_was_moved():
    page = visit("bottleneck", across="kernel")
    assert list(curve(page)[0]["x"]) == [1, 3, 5, 7, 9, 11]
    assert curve(page)[2]["y"] == [120_422_400, 12_443_648]
    assert curve(page)[2]["x"] == [5, 5]
    page.drag("bottleneck", kernel=7)
    assert page.widget("example").value is None
    assert curve(page)[2]["y"] == [7 * 7 * 192 * 32 * 28 * 28, 192 * 16 * 28 * 28 + 7 * 7 * 16 * 32 * 28 * 28]
    assert page.link["kernel"] == "7"
    page.drag("bottleneck", rows=30)
    assert (curve(page)[0]["x"][0], curve(page)[0]["x"][-1], curve(page)[2]["x"]) == (1, 224, [30, 30])
    assert page.link["across"] == "rows"
    assert "across" not in page.drag("bottleneck", between=17).link  # which is the usual one


def test_weights_and_memory_are_drawn_too_and_numbers_can_be_short():
    page = visit("separable")
    page.choose(bars="activation_bytes", numbers="short")
    assert curve(page)[2]["y"] == [512 * 14 * 14 * 4, 2 * 512 * 14 * 14 * 4]
    assert totals(page)[0] == ("52.28 M", "11.3 % of 462.4 M")
    assert totals(page)[2] == ("802.8 kB", "200 % of 401.4 kB")
    assert {"bars": "activation_bytes", "numbers": "short"}.items() <= page.link.items()


def test_how_numbers_are_written_and_charts_are_saved_is_chosen_once_for_all_pages_that_count():
    page = visit("separable").choose(numbers="short", charts="png")
    page.at.switch_page(PAGES["residual"].script)
    page.run().run()  # in AppTest, unlike in a browser, a switch of the page before has its say from the second run on
    assert totals(page)[0][0] == "218.4 M"
    assert {"numbers": "short", "charts": "png"}.items() <= page.link.items()


@pytest.mark.parametrize(
    ("name", "link", "said"),
    [
        ("separable", {"side": "2", "stride": "8"}, "The stride 8×8 is larger than the 2×2 maps"),
        ("separable", {"side": "3", "kernel": "11", "padding": "0"}, "spans 11×11"),
        ("groups", {"maps": "100", "groups": "7"}, "100 channels cannot be split into 7 equal groups"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_the_sliders_stay(name, link, said):
    page = visit(name, **link)
    assert said in page.following["now"]["refused"]
    assert not curves(page)
    assert page.stands
    assert link.items() <= page.link.items()


@pytest.mark.parametrize("value", ["0", "-1", "1000000000", "9" * 5000, "28.5", "nan", "<b>1</b>", ""])
@pytest.mark.parametrize(("name", "key"), [("bottleneck", "maps_in"), ("groups", "groups"), ("stacked", "layers")])
def test_what_makes_no_sense_in_a_link_is_ignored(name, key, value):
    page = visit(name, **{key: value})
    assert totals(page) == totals(visit(name))
    assert key not in page.link


@pytest.mark.parametrize(("name", "key"), [("factorised", "length"), ("bottleneck", "kernel"), ("groups", "kernel")])
def test_what_lies_between_the_stops_of_a_slider_is_taken_for_the_lower_of_two_that_are_as_near(name, key):
    page = visit(name, **{key: "4"})
    assert totals(page) == totals(visit(name, **{key: "3"})) != totals(visit(name, **{key: "5"}))
    assert page.link[key] == "3"


def test_a_link_to_one_calculator_says_nothing_of_another():
    page = Visit(PAGES["separable"], block="bottleneck", kernel="11", side="3")
    assert totals(page) == totals(visit("separable"))


def test_googlenets_table_stands_beside_the_papers():
    page = visit("bottleneck")
    rows = pa.ipc.open_stream(page.at.dataframe[0].proto.arrow_data.data).read_all().to_pylist()
    assert [row["MACs"] for row in rows if row["layer"] == "inception 3a"] == ["128,049,152"]
    assert [row["printed MACs"] for row in rows if row["layer"] == "inception 3a"] == ["128M"]
    assert rows[-1]["weights"] == "6,990,272"
    assert rows[-1]["MACs"] == "1,582,671,872"


def test_resnet50s_stages_add_up_to_the_network_of_either_version():
    page = visit("residual")

    def together() -> dict:
        return pa.ipc.open_stream(page.at.dataframe[0].proto.arrow_data.data).read_all().to_pylist()[-1]

    assert (together()["MACs"], together()["parameters"]) == ("3,857,973,248", "25,557,032")
    page.choose(strided="kernel")
    assert (together()["MACs"], together()["parameters"]) == ("4,089,184,256", "25,557,032")


@pytest.mark.parametrize("name", PAGES)
def test_no_network_is_built_while_a_slider_is_dragged(name, monkeypatch):
    page = visit(name)

    def refuse(*_args, **_kwargs):
        raise AssertionError("a module was built")

    monkeypatch.setattr(nn.Module, "__init__", refuse)
    page.drag(name, **{"rows" if name == "bottleneck" else "side": 64})
    assert 64 in page.stands.values()


@pytest.mark.parametrize("name", PAGES)
def test_it_speaks_vietnamese(name):
    page = visit(name, language="vi")
    assert [value for value, _ in totals(page)] == [in_vietnamese(value) for value, _ in totals(visit(name))]
    assert page.following["look"]["readings"][1] == "Trọng số"


def test_a_page_that_is_left_while_a_slider_is_held_holds_nothing_back():
    page = visit("bottleneck")
    page.at.session_state["kept"]["address"].is_held = True  # the browser can no longer say that it was let go
    assert "between" not in page.drag("bottleneck", between=17).link
    page.at.switch_page(PAGES["residual"].script)
    assert page.run().link["block"] == "residual"


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (Fraction(12_443_648, 120_422_400), "10.3 %"),
        (Fraction(3), "300 %"),
        (Fraction(8200, 12), "683 ×"),
        (Fraction(1999, 2), "1,000 ×"),
        (Fraction(9_439_232, 18), "524,402 ×"),  # and not 5.24e+05
    ],
)
def test_what_remains_is_written_without_powers_of_ten(share, written):
    assert ratio_in_words(share) == written


def test_numbers_of_ones_own_are_no_example():
    page = visit("bottleneck").drag("bottleneck", between=17)
    examples = page.widget("example")
    assert examples.value is None
    assert examples.proto.placeholder == "custom values"
