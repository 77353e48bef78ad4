"""The page “MobileNet's multipliers”, as its visitors set it and read it; dragging is in tests/live."""

import pyarrow as pa
import pytest

from tests.app.visit import MOBILENET, ROUTES, Visit, in_vietnamese
from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet, grid
from vis.figures.numbers import grouped, short

BY_KIND, LAYERS = range(2)  # the tables in the order of the page


def visit(**link: str) -> Visit:
    return Visit(MOBILENET, **link)


def totals(page: Visit) -> list[str]:
    """MACs, parameters and accuracy."""
    return [value for value, _beside in page.following["now"]["readings"]]


def beside(page: Visit) -> list[str]:
    """What stands under each of them."""
    return [beside for _value, beside in page.following["now"]["readings"]]


def table(page: Visit, place: int) -> pa.Table:
    """One of the tables."""
    return pa.ipc.open_stream(page.at.dataframe[place].proto.arrow_data.data).read_all()


def drag(page: Visit, **values: float) -> Visit:
    """Moves sliders as a drag does, which needs a browser."""
    return page.drag("multipliers", **values)


# What is counted -------------------------------------------------------------------------------------------------


def test_it_begins_with_the_papers_network():
    page = visit()
    assert totals(page) == ["568,740,352", "4,231,976", "70.6 %"]
    assert beside(page) == ["100 % of 1.0 MobileNet-224"] * 2 + ["reported in the paper"]
    assert page.stands == {"Width α": 1.0, "Resolution": 224, "Classes": 1000}
    assert "without biases, batch norm and pooling" in page.captions
    assert not page.errors


@pytest.mark.parametrize(
    ("link", "network", "accuracy", "whose"),
    [
        ({"width": "0.75"}, MobileNet(0.75), "68.4 %", "reported in the paper"),
        ({"resolution": "160"}, MobileNet(resolution=160), "67.2 %", "reported in the paper"),
        ({"convolutions": "full"}, MobileNet(separable=False), "71.7 %", "reported in the paper"),
        ({"depth": "shallow"}, MobileNet(shallow=True), "65.3 %", "reported in the paper"),
        ({"width": "0.6"}, MobileNet(0.6), "≈ 65.6 %", "interpolated between the paper's values"),
        ({"width": "0.5", "resolution": "160"}, MobileNet(0.5, 160), "60.2 %", "reported in the paper"),
        ({"width": "0.25", "resolution": "128"}, MobileNet(0.25, 128), "–", "only a point in the paper's figure 4"),
        ({"classes": "10"}, MobileNet(num_classes=10), "–", "not reported in the paper"),
        ({"width": "2.0", "resolution": "320"}, MobileNet(2.0, 320), "–", "not reported in the paper"),
    ],
)
def test_a_link_sets_the_network_and_the_page_counts_it(link, network, accuracy, whose):
    page = visit(**link)
    assert totals(page) == [grouped(network.macs), grouped(network.params), accuracy]
    assert beside(page)[0] == f"{100 * network.macs / 568_740_352:.3g} % of 1.0 MobileNet-224"
    assert beside(page)[2] == whose
    assert link.items() <= page.link.items()
    assert totals(visit(**page.link)) == totals(page)


def test_sliders_and_switches_change_everything_and_the_address_follows():
    page = drag(visit(), width=0.5, resolution=160)
    network = MobileNet(0.5, 160)
    assert totals(page)[0] == grouped(network.macs)
    assert {"width": "0.5", "resolution": "160"}.items() <= page.link.items()
    assert "classes" not in page.link

    page.choose(convolutions="full", depth="shallow", numbers="short", bars="params")
    network = MobileNet(0.5, 160, separable=False, shallow=True)
    assert totals(page)[:2] == [short(network.macs, 4), short(network.params, 4)]
    made = page.made_by_code()
    assert made["network"] == network
    assert sum(p.numel() for p in made["loaded"].model.parameters()) == network.params
    wanted = {"convolutions": "full", "depth": "shallow", "numbers": "short", "bars": "params"}
    assert wanted.items() <= page.link.items()
    again = visit(**page.link)
    assert totals(again) == totals(page)
    assert again.widget("bars").value == "params"
    assert table(again, LAYERS).equals(table(page, LAYERS))


def test_the_multipliers_outlive_a_visit_to_another_page():
    page = drag(visit(), width=0.25)
    page.at.switch_page(ROUTES["separable"].script)
    page.run()
    page.at.switch_page(MOBILENET.script)
    page.run()
    assert totals(page)[0] == grouped(MobileNet(0.25).macs)


@pytest.mark.parametrize(
    "link",
    [
        {"width": "0"},
        {"width": "nan"},
        {"width": "1e9"},
        {"width": "-1"},
        {"width": "2.001"},
        {"width": "wide"},
        {"width": "2.05"},
        {"resolution": "31"},
        {"resolution": "1000000000"},
        {"resolution": "9" * 5000},
        {"resolution": "224.5"},
        {"classes": "0"},
        {"classes": "1000000000"},
        {"convolutions": "dilated"},
        {"depth": "<b>deep</b>"},
        {"numbers": ""},
        {"bars": "flops"},
    ],
    ids=lambda link: next(f"{name}={value[:12]}" for name, value in link.items()),
)
def test_what_makes_no_sense_in_a_link_is_ignored(link):
    page = visit(**link)
    assert totals(page) == ["568,740,352", "4,231,976", "70.6 %"]
    assert not link.keys() & page.link.keys()


def test_every_value_that_is_offered_can_be_counted_and_the_papers_are_among_them():
    widths, sides, classes = (slider["values"] for slider in visit().following["sliders"])
    assert (widths[0], widths[-1], sides[0], sides[-1]) == (0.05, 2.0, 32, 320)
    assert {*WIDTHS} <= {*widths}
    assert {*SIDES} <= {*sides}
    counted = [*map(MobileNet, widths), *(MobileNet(resolution=n) for n in sides)]
    counted += [MobileNet(num_classes=n) for n in classes]
    assert all(network.macs > 0 for network in counted)


@pytest.mark.parametrize("link", [{}, {"convolutions": "full", "depth": "shallow", "bars": "params"}], ids=str)
def test_what_a_slider_can_be_dragged_to_is_what_is_counted_there(link):
    """Of every value of every slider, with the others as usual: numbers, the lengths of the bars, and the mark."""
    page = visit(**link)
    kinds, quantity = (not link, bool(link)), link.get("bars", "macs")
    usual = [sum(getattr(layer, quantity) for layer in block) for block in blocks_of(MobileNet(shallow=kinds[1]))]
    values = page.live("multipliers").values
    for slider, each in zip(values, page.following["sliders"], strict=True):
        frames = page.approach("multipliers", slider).reach
        assert [*frames] == [*range(len(each["values"]))]
        for value, frame in zip(each["values"], frames.values(), strict=True):
            width, side, classes = (values | {slider: value}).values()
            network = MobileNet(width, side, *kinds, classes)
            assert [number for number, _beside in frame["readings"]][:2] == [
                grouped(network.macs),
                grouped(network.params),
            ]
            sums = [sum(getattr(layer, quantity) for layer in block) for block in blocks_of(network)]
            longest = max(*sums, *usual)
            assert [bar["number"] for bar in frame["bars"]] == [*map(short, sums)]
            for bar, whole, beside in zip(frame["bars"], sums, usual, strict=True):
                assert sum(part for _kind, part in bar["parts"]) == pytest.approx(whole / longest, abs=2e-4)
                assert bar["beside"] == pytest.approx(beside / longest, abs=1e-4)
            left, top, wide, high = frame["mark"]
            assert (wide > 50) == ((width, side) in grid())
            assert (left + wide / 2, top + high / 2) == pytest.approx(middle(width, side), abs=0.1) or not on_sheet(
                width, side
            )


def blocks_of(network: MobileNet) -> list[list]:
    """The layers that have weights, by block."""
    found: dict[str, list] = {}
    for name, layer in network.layers.items():
        if layer.weights:
            found.setdefault(name.partition(".")[0], []).append(layer)
    return list(found.values())


def on_sheet(width: float, side: int) -> bool:
    return 0.25 <= width <= 1 and 128 <= side <= 224


def middle(width: float, side: int) -> tuple[float, float]:
    """Where a network stands on the sheet, in pixels: cells of 74 by 60, 5 apart, below and beside their names."""
    return 67 + 37 + 79 * (side - 128) / 32, 43 + 30 + 65 * (1 - width) / 0.25


# Tables ----------------------------------------------------------------------------------------------------------


def test_the_shares_by_kind_are_table_2():
    shares = table(visit(), BY_KIND).to_pydict()
    assert shares["kind"] == ["full 3×3", "depthwise 3×3", "pointwise 1×1", "classifier"]
    assert [round(part, 2) for part in shares["of all MACs"]] == [1.91, 3.06, 94.86, 0.18]
    assert [round(part, 2) for part in shares["of all weights"]] == [0.02, 1.06, 74.59, 24.33]


def test_the_layer_table_is_table_1_and_its_columns_add_up():
    rows = table(visit(), LAYERS).to_pydict()
    assert len(rows["layer"]) == 29  # 28 layers and the pool
    assert rows["filter shape"][:3] == ["3×3×3×32", "3×3×32 dw", "1×1×32×64"]
    assert rows["input"][:3] == ["3×224×224", "32×112×112", "32×112×112"]
    assert rows["filter shape"][-2:] == ["pool 7×7", "1024×1000"]
    assert rows["MACs"][-2] is rows["stride"][-2] is None  # not counted, which is not 0
    assert sum(filter(None, rows["MACs"])) == 568_740_352
    assert sum(rows["parameters"]) == 4_231_976
    assert sum(filter(None, rows["of all MACs"])) == pytest.approx(100, abs=1e-9)
    assert sum(rows["of all parameters"]) == pytest.approx(100, abs=1e-9)


def test_short_numbers_are_short_in_the_table_too():
    rows = table(visit(numbers="short"), LAYERS).to_pydict()
    assert rows["MACs"][0] == "10.84 M"
    assert rows["MACs"][-2] is None


def test_its_successors_stand_beside_it():
    def successors(page: Visit) -> list[tuple[str, ...]]:
        (shown,) = (frame.value.map(lambda cell: cell.replace("\\", "")) for frame in page.at.table)
        return [*shown.itertuples(index=False, name=None)]

    rows = successors(visit(width="0.75"))
    assert rows[0] == ("this network", "325 M", "2.59 M", "68.4 %")
    assert rows[1] == ("MobileNet V2", "301 M", "3.50 M", "71.9 %")
    assert successors(visit(width="0.6"))[0][-1] == "≈ 65.6 %"


def test_it_speaks_vietnamese():
    page = visit(language="vi", width="0.6")
    assert page.at.title[0].value == "Hệ số nhân của MobileNet"
    assert beside(page)[2] == "nội suy giữa các số của bài báo"
    assert totals(page)[0] == in_vietnamese(grouped(MobileNet(0.6).macs))
