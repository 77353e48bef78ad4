"""The page “A stack of your own”, as its visitors set it and read it; typing in cells is in tests/live."""

import pyarrow as pa
import pytest

from pages.count.stack.editing import MOST_KEPT, doubled, edited, moved
from tests.app.visit import ROUTES, STACK, Visit, in_vietnamese
from vis.cost.design import Design, as_code, from_code
from vis.cost.presets import PRESETS
from vis.cost.stack import MOST_ROWS, Row
from vis.figures.numbers import grouped, short

ALEXNET = PRESETS["alexnet"]
SOME = "conv.64.7.2.3_max-pool.3.2.1_depthwise..3..1_pointwise.128_shuffle.2_relu_conv.8.1x7..0x3_global-pool_linear.10"


def visit(**link: str) -> Visit:
    return Visit(STACK, **link)


def totals(page: Visit) -> list[str]:
    """MACs, parameters, memory, output, field, jump."""
    return [metric.value for metric in page.at.metric]


def table(page: Visit) -> dict[str, list]:
    """What is computed, row by row."""
    (shown,) = (frame for frame in page.at.dataframe if frame.editing_mode == "read_only")
    return pa.ipc.open_stream(shown.proto.arrow_data.data).read_all().to_pydict()


def written(page: Visit) -> list[dict[str, str | None]]:
    """The cells that the table to be edited was made with."""
    (editor,) = page.at.data_editor
    return [
        {name: cell for name, cell in row.items() if not name.startswith("__")}
        for row in pa.ipc.open_stream(editor.proto.arrow_data.data).read_all().to_pylist()
    ]


def set_number(page: Visit, name: str, value: int) -> Visit:
    """The picture's maps, height or width: C, H or W."""
    next(box for box in page.at.number_input if box.key.startswith(f"{name} ")).set_value(value)
    return page.run()


def switch(page: Visit, name: str, is_on: bool) -> Visit:
    next(toggle for toggle in page.at.toggle if toggle.key.startswith(f"{name} ")).set_value(is_on)
    return page.run()


def code(page: Visit) -> str:
    (block,) = (block for block in page.at.code if block.language == "python")
    return block.value


# What is counted -------------------------------------------------------------------------------------------------


def test_it_begins_with_alexnets_features():
    page = visit()
    assert totals(page) == ["655,566,528", "2,469,696", "2.29 MB", "256×6×6", "195×195", "32"]
    assert table(page)["receptive field"][-2:] == ["163×163", "195×195"]
    assert table(page)["output"][0] == "64×55×55"
    fields = [f"{field.size}×{field.size}" for field in page.made_by_code()["fields"].values()]
    assert fields[-len(table(page)["row"]) :] == table(page)["receptive field"]
    assert not page.errors
    assert "stack" not in page.link


def test_a_link_sets_the_stack_and_comes_back(capsys):
    page = visit(stack=SOME, picture="3x64x96", bias="off", norm="on", numbers="short", bars="params", row="4")
    stack = Design(from_code(SOME), (3, 64, 96), bias=False, norm=True).stack()
    assert totals(page)[:2] == [short(stack.macs, 4), short(stack.params, 4)]
    assert totals(page)[3:] == ["10", "the whole picture", "–"]
    made = page.made_by_code()
    assert sum(cost.macs or 0 for cost in made["costs"]) == stack.macs
    assert sum(cost.params for cost in made["costs"]) == stack.params
    assert capsys.readouterr().out.splitlines()[-1] == f"{stack.macs} MACs, {stack.params} parameters"
    assert page.widget("row").value == 3
    wanted = {"stack": SOME, "picture": "3x64x96", "bias": "off", "norm": "on", "numbers": "short", "bars": "params"}
    assert (wanted | {"row": "4"}).items() <= page.link.items()
    again = visit(**page.link)
    assert totals(again) == totals(page)
    assert table(again) == table(page)


def test_what_is_not_counted_is_no_zero(monkeypatch):
    rows = table(visit(stack=SOME))
    counted = [step.layer.macs for step in Design(from_code(SOME)).stack().steps]
    assert rows["MACs"] == counted
    assert [n for n, macs in enumerate(counted) if macs is None] == [1, 4, 5, 7]
    assert rows["share"][1] is None
    assert sum(filter(None, rows["share"])) == pytest.approx(100)
    memory = visit(stack=SOME, bars="activation_bytes")
    assert sum(table(memory)["share"]) == pytest.approx(100)
    assert rows["jump"][-2:] == [None, None]
    monkeypatch.setattr("pages.count.stack.table.is_on_a_telephone", lambda: True)
    assert [*table(memory.run())] == ["layer", "output", "activations, bytes"]  # all that it has room for


@pytest.mark.parametrize("name", PRESETS)
def test_one_can_begin_with_every_known_network(name):
    page = visit(stack="linear.3").choose(**{"stack preset": name})
    stack = PRESETS[name].stack()
    assert totals(page)[:2] == [grouped(stack.macs), grouped(stack.params)]
    assert totals(page)[3] == "×".join(map(str, stack.shape))
    assert len(written(page)) == len(stack.steps)


def test_numbers_that_no_browser_can_hold_are_written_in_full():
    """5,001² · 10¹² · 4,998² is more than 2⁶³."""
    page = visit(stack="conv.1000000.5001..2500", picture="1000000x4998x4998", bias="off")
    assert totals(page)[0] == grouped(5_001**2 * 10**12 * 4_998**2)
    assert table(page)["MACs"] == [totals(page)[0]]


# What is changed -------------------------------------------------------------------------------------------------


def test_cells_are_edited_and_rows_are_added_and_deleted():
    page = visit().edit({0: {"channels": "96"}, 4: {"kernel": "1×7", "padding": "0×3"}})
    rows = list(ALEXNET.rows)
    rows[0], rows[4] = Row("conv", 96, 11, 4, 2), Row("conv", 384, (1, 7), 1, (0, 3))
    assert totals(page)[0] == grouped(Design(tuple(rows)).stack().macs)
    assert page.link["stack"] == as_code(rows)
    page.edit({0: {"channels": "96"}}, added=[{"kind": "linear", "channels": "10"}], deleted=[7])
    rows = [Row("conv", 96, 11, 4, 2), *ALEXNET.rows[1:7], Row("linear", 10)]
    assert page.link["stack"] == as_code(rows)
    assert totals(page)[0] == grouped(Design(tuple(rows)).stack().macs)


def test_a_table_is_not_made_anew_while_its_cells_are_edited():
    page = visit()
    first = page.at.data_editor[0].proto.id
    page.edit({0: {"channels": "96"}}).edit({0: {"channels": "96"}, 2: {"channels": "8"}})
    assert page.at.data_editor[0].proto.id == first
    page.press("stack down")
    assert page.at.data_editor[0].proto.id != first
    assert [row["channels"] for row in written(page)][:3] == [None, "96", "8"]


def test_rows_are_moved_doubled_added_and_removed_and_the_choice_goes_with_them():
    page, up = visit(row="5"), moved(ALEXNET.rows, 4, -1)
    steps = {
        "stack up": (up, 3),
        "stack double": (doubled(up, 3), 4),
        "stack remove": (up, 4),
        "stack down": (moved(up, 4, 1), 5),
    }
    for button, (after, place) in steps.items():
        page.press(button)
        assert page.link.get("stack") == as_code(after)
        assert page.widget("row").value == place
    page.press("stack add")
    assert from_code(page.link["stack"])[6] == Row("conv", 64, 3, padding=1)
    for _ in steps:
        page.press("stack undo")
    page.press("stack undo")
    assert totals(page) == totals(visit())
    assert "stack" not in page.link
    assert page.at.button(key="stack undo").disabled


def test_everything_can_be_taken_back_also_the_picture_and_the_switches():
    page = visit()
    seen = [totals(page)]
    for change in (
        lambda: page.edit({0: {"channels": "96"}}),
        lambda: set_number(page, "H", 100),
        lambda: switch(page, "norm", True),
        lambda: switch(page, "bias", False),
        lambda: page.press("stack remove"),
        lambda: page.press("stack again"),
    ):
        change()
        seen.append(totals(page))
    assert len({tuple(each) for each in seen[:-1]}) == len(seen) - 1
    assert seen[-1] == seen[0]
    for before in reversed(seen[:-1]):
        page.press("stack undo")
        assert totals(page) == before


def test_what_was_typed_outlives_another_page_and_another_language():
    page = visit().edit({0: {"channels": "96"}})
    before = totals(page)
    page.at.switch_page(ROUTES["separable"].script)
    page.run()
    page.at.switch_page(STACK.script)
    page.run()
    assert totals(page) == before
    page.edit({2: {"channels": "8"}})
    before = totals(page)
    page.choose(language="vi")
    assert totals(page) == [*map(in_vietnamese, before)]
    assert page.at.title[0].value == "Chồng tầng của bạn"
    page.press("stack undo")
    page.press("stack undo")
    assert totals(page)[0] == "655.566.528"


def test_many_rows_that_are_pasted_are_computed_up_to_the_most():
    page = visit(stack="empty").edit(added=[{"kind": "pointwise", "channels": "4"}] * 300)
    assert len(table(page)["row"]) == MOST_ROWS
    assert f"Row {MOST_ROWS + 1}, pointwise 1×1" in page.errors[0]
    assert "stack" not in page.link
    assert "too long for a link" in page.captions
    assert len(written(page)) == 300  # the table is made anew with them
    page.press("stack undo")
    assert page.link["stack"] == "empty"


# What cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"channels": "0"}, "cannot have 0 channels"),
        ({"channels": "1000000000"}, "cannot have 1000000000 channels"),
        ({"channels": "many"}, "many is not a whole number"),
        ({"channels": "2.5"}, r"2\.5 is not a whole number"),
        ({"channels": None}, "A number is missing"),
        ({"channels": "9" * 5000}, "more than 18 digits"),
        ({"channels": "<b>64</b>"}, r"\<b\>64\</b\> is not a whole number"),
        ({"stride": "65"}, "The stride 65×65 is larger than the 27×27 maps"),
        ({"groups": "5"}, "64 channels cannot be split into 5 equal groups"),
        ({"kind": None}, "No kind of layer is chosen"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_impossible_row_says_why_and_what_is_before_it_is_computed(cells, why):
    page = visit().edit({2: cells})
    (said,) = page.errors
    assert said.startswith("Row 3, ")
    assert why in said
    assert said.endswith("The rows before it are computed.")
    assert len(table(page)["row"]) == 2
    assert totals(page)[0] == "70,276,800"
    again = visit(**page.link)
    assert again.errors == page.errors


def test_of_a_paste_without_end_no_more_is_kept_than_is_refused():
    page = visit().edit(added=[{"kind": "pointwise", "channels": "4"}] * 100_000)
    assert len(written(page)) == MOST_KEPT > MOST_ROWS
    assert f"Row {MOST_ROWS + 1}, " in page.errors[0]


def test_without_layers_it_says_how_to_begin():
    page = visit(stack="empty")
    assert [info.value for info in page.at.info] == [
        "There are no layers yet. Add a row, or start from a known network."
    ]
    assert totals(page) == ["0", "0", "0 B", "3×224×224", "–", "–"]
    page.press("stack add")
    assert len(table(page)["row"]) == 1
    assert not page.at.info


@pytest.mark.parametrize(
    "link",
    [
        {"stack": "<b>"},
        {"stack": ""},
        {"stack": "conv.1.1.1.1.1.1.1.1"},
        {"stack": "linear.9_" * 5000},
        {"picture": "3x224"},
        {"picture": "axbxc"},
        {"picture": "3x0x224"},
        {"picture": "3x224x1000000000"},
        {"stack": "conv.8.3", "picture": "3x" + "9" * 5000 + "x3"},
    ],
    ids=lambda link: "".join(f"{name}={value[:12]}" for name, value in link.items()),
)
def test_a_broken_link_begins_as_usual_and_says_so(link):
    page = visit(**link)
    assert page.warnings
    assert totals(page) == totals(visit())
    assert not link.keys() & page.link.keys()
    page.press("stack down")
    assert not page.warnings


@pytest.mark.parametrize("link", [{"row": "0"}, {"row": "9"}, {"row": "x"}, {"bars": "flops"}, {"bias": "?"}])
def test_what_makes_no_sense_beside_the_stack_is_ignored(link):
    page = visit(**link)
    assert totals(page) == totals(visit())
    assert not link.keys() & page.link.keys()


# To be taken away ------------------------------------------------------------------------------------------------


def test_code_and_formulas_are_those_of_the_stack():
    page = visit(stack="conv.64.7.2.3_max-pool.3.2.1", bias="off", row="2")
    assert "nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)" in code(page)
    (formulas,) = (text.value for text in page.at.markdown if text.value.startswith("* height"))
    assert r"* receptive field = $r + d \cdot (K_{h} - 1) \cdot j$ = 7 + 1·(3 − 1)·2 = **11**" in formulas.splitlines()


def test_it_speaks_vietnamese():
    page = visit(language="vi", stack="conv.8.3.300")
    assert page.at.title[0].value == "Chồng tầng của bạn"
    assert page.errors[0].startswith("Dòng 1, tích chập: Bước trượt 300×300 lớn hơn các bản đồ 224×224")


# Edits -----------------------------------------------------------------------------------------------------------


def test_edits_are_of_the_rows_that_the_table_was_made_with():
    """Deleted are rows of before, added ones stand at the end, and an edit of a deleted row is gone with it."""
    rows = tuple(Row("pointwise", n) for n in (1, 2, 3))
    changes = {
        "edited_rows": {0: {"channels": "10"}, 1: {"channels": "20"}},
        "deleted_rows": [1],
        "added_rows": [{"kind": "linear", "channels": "5", "_index": 7}, {}],
    }
    assert edited(rows, changes) == (Row("pointwise", 10), Row("pointwise", 3), Row("linear", 5), Row(None))
    assert edited(rows, {"edited_rows": {}, "deleted_rows": [], "added_rows": []}) == rows


@pytest.mark.parametrize("place", range(4))
def test_moved_rows_are_the_same_rows(place):
    rows = tuple(Row("pointwise", n) for n in range(1, 5))
    if place:
        up = moved(rows, place, -1)
        assert (up[place - 1], up[place]) == (rows[place], rows[place - 1])
        assert moved(up, place - 1, 1) == rows
