"""The page “MACs are not milliseconds” and “Build it”, as their visitors set and read them."""

import re
import time

import pyarrow as pa
import pytest
import torch

from models import ARCHITECTURES
from models.decoding import decoded
from pages.common import export
from pages.common.cache import sample
from pages.count.milliseconds import keras_table
from pages.count.milliseconds.keras_table import PRINTED
from pages.count.mobilenet import built
from tests.app.visit import GRAPH, MILLISECONDS, MOBILENET, Visit, a_moment, read_csv
from vis.cost.latency import Times
from vis.cost.measured import Run, run_rows
from vis.cost.mobilenet import MobileNet
from vis.cost.roofline import Ceiling, Roof
from vis.figures.numbers import grouped, milliseconds, spread


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    """A roof that is measured at once, and that LeNet's layers do not reach."""
    monkeypatch.setattr("vis.cost.roofline.PRODUCTS", {"cpu": (256,)})
    monkeypatch.setattr("vis.cost.roofline.CONVOLUTIONS", {"cpu": (1, 4, 8)})
    monkeypatch.setattr("vis.cost.roofline.NUMBERS", 1024)


def with_roof(monkeypatch, roof: Roof) -> None:
    """Every measurement finds this roof."""
    monkeypatch.setattr("vis.cost.roofline.Trials.roof", property(lambda trials: roof))


def settle(page: Visit) -> Visit:
    """The page when nothing on it is being measured any more."""
    end = time.monotonic() + 90
    while page.at.get("progress") and time.monotonic() < end:
        a_moment()
        page.run()
    assert not page.at.get("progress")
    return page.run()


def visit(**link: str) -> Visit:
    return Visit(MILLISECONDS, **link)


def tables(page: Visit) -> list[dict[str, list]]:
    return [pa.ipc.open_stream(t.proto.arrow_data.data).read_all().to_pydict() for t in page.at.dataframe]


def metrics(page: Visit) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.at.metric}


# The layers ------------------------------------------------------------------------------------------------------


def test_before_it_is_asked_nothing_is_measured_and_the_published_table_is_there():
    page = visit(network="lenet5")
    assert not page.at.get("progress")
    assert not page.at.metric
    (published,) = tables(page)
    assert published["Keras"][0] == "ResNet50"
    assert published["here, ms"] == ["–"] * 6
    assert "not measured yet" in page.captions


def test_a_roof_whose_memory_was_measured_unsteadily_is_doubted(monkeypatch):
    steady, unsteady = Times(1.0, 0.0, 7), Times(1.0, 0.9, 7)
    roofs = [Roof(Ceiling(1e12, "a product", steady), Ceiling(1e9, "a copy", times)) for times in (steady, unsteady)]
    monkeypatch.setattr("vis.cost.measured.pass_times", lambda *_, **__: steady)
    for roof, doubts in zip(roofs, (0, 1), strict=True):
        with_roof(monkeypatch, roof)
        page = settle(visit(network="lenet5").press("measure"))
        assert len([said for said in page.at.warning if "vary a lot between rounds" in said.value]) == doubts


@pytest.mark.parametrize(("language", "reason"), [("en", "Measure again when it is idle."), ("vi", "khi máy rảnh.")])
def test_a_roof_that_a_layer_outruns_is_refused_and_nothing_is_said_of_what_is_attainable(
    monkeypatch, language, reason
):
    times = Times(1.0, 0.0, 7)
    with_roof(monkeypatch, Roof(Ceiling(1e3, "a product", times), Ceiling(1e9, "a copy", times)))
    page = settle(visit(network="lenet5", language=language).press("measure"))
    (refusal,) = page.errors
    assert reason in re.sub(r"\\(.)", r"\1", refusal)
    assert len(page.at.get("plotly_chart")) == 1  # the shares, which need no roof
    rows, _published = tables(page)
    assert [*rows.values()][-1] == [None] * len(rows["GMAC/s"])
    assert any(rows["GMAC/s"])
    assert [*metrics(page).values()][-1] == "–"


def test_a_built_network_is_called_as_the_paper_calls_it():
    assert built.title(MobileNet()) == "1.0 MobileNet-224"
    assert built.title(MobileNet(width=0.75, resolution=160)) == "0.75 MobileNet-160"


def test_a_measurement_shows_every_layer_with_its_macs_its_time_and_where_it_stands(capsys):
    page = settle(visit(network="lenet5").press("measure"))
    assert not page.errors
    rows, _published = tables(page)
    macs = sum(filter(None, rows["MACs"]))
    assert macs == ARCHITECTURES["lenet5"].macs == 416_520
    assert metrics(page)["Multiply-adds (MACs)"] == "416,520"
    assert sum(rows["of the time"]) == pytest.approx(100)
    assert sum(filter(None, rows["of all MACs"])) == pytest.approx(100)
    for counted, ms, rate, intensity in zip(
        rows["MACs"], rows["ms, median"], rows["GMAC/s"], rows["MACs per byte"], strict=True
    ):
        assert ms > 0
        assert (counted is None) == (rate is None) == (intensity is None)
        assert rate is None or rate == pytest.approx(counted / ms / 1e6)
    conv = rows["MACs"].index(117_600)  # C1: 28·28·6·25; it reads 32·32 numbers, 156 weights, and writes 28·28·6
    assert rows["MACs per byte"][conv] == pytest.approx(117_600 / (4 * (1024 + 156 + 4704)))
    assert len(page.at.get("plotly_chart")) == 2
    for said in ("CPU: ", f"{torch.get_num_threads()} threads", "float32", f"torch {torch.__version__}"[:8]):
        assert said in page.captions.replace("\\", "")
    assert "for one picture; after warm-up, 30 whole passes and 7 layer by layer" in page.captions
    assert page.at.button(key="measure").label == "Measure again"
    page.made_by_code()
    *measured, whole = (line.split() for line in capsys.readouterr().out.splitlines())
    assert [(name, macs) for name, macs, _ms, _reached in measured] == [
        (name, str(macs)) for name, macs in zip(rows["layer"], rows["MACs"], strict=True)
    ]
    assert float(whole[0]) > 0


def test_pictures_together_have_as_many_macs_and_the_link_says_so():
    page = visit(network="lenet5", batch="16")
    assert page.link["batch"] == "16"
    page.press("measure")
    rows, _published = tables(settle(page))
    assert sum(filter(None, rows["MACs"])) == 16 * 416_520
    assert "for a batch of 16 pictures" in page.captions
    assert tables(page.choose(batch=4))[0]["Keras"]  # of four nothing is measured yet
    assert len(tables(page.choose(batch=16))) == 2  # of sixteen it is still known


@pytest.mark.parametrize("batch", ["0", "2", "1000000000", "many", "-1"])
def test_a_batch_that_is_not_offered_is_ignored(batch):
    assert "batch" not in visit(network="lenet5", batch=batch).link


def test_a_measurement_that_is_stopped_says_so_and_can_be_begun_again():
    page = visit(network="resnet50", batch="16").press("measure")
    (stop,) = (button for button in page.at.button if button.label == "Stop")
    stop.click()
    settle(page.run())
    assert "Stopped before anything was measured." in page.at.info[0].value
    assert page.at.button(key="measure").label == "Measure ResNet-50"


def test_it_breaks_off_when_another_network_is_chosen():
    page = visit(network="resnet50", batch="16").press("measure")
    (job,) = page.at.session_state["kept"]["measurements"]["milliseconds"].values()
    page.choose(network="lenet5")
    assert job.stopped()
    assert not page.at.get("progress")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_measurement_that_breaks_says_so(monkeypatch):
    monkeypatch.setattr("vis.cost.latency._one_round", lambda *_: 1 / 0)
    page = settle(visit(network="lenet5").press("measure"))
    assert page.errors == ["The measurement failed. Press the button to measure again."]


def test_two_visitors_take_turns():
    first = visit(network="resnet50", batch="16").press("measure")
    second = visit(network="lenet5").press("measure")
    (waiting,) = (bar.proto.text for bar in second.at.get("progress"))
    assert "in the queue" in waiting
    (stop,) = (button for button in first.at.button if button.label == "Stop")
    stop.click()
    settle(first.run())
    assert metrics(settle(second))["Multiply-adds (MACs)"] == "416,520"


def test_the_layer_graph_waits_for_its_turn_like_everybody():
    first = visit(network="resnet50", batch="16").press("measure")
    graph = Visit(GRAPH, network="lenet5").choose(colour="time")
    (waiting,) = (bar.proto.text for bar in graph.at.get("progress"))
    assert "in the queue" in waiting
    (stop,) = (button for button in first.at.button if button.label == "Stop")
    stop.click()
    settle(first.run())
    settle(graph)


def test_it_speaks_vietnamese():
    page = settle(visit(network="lenet5", language="vi").press("measure"))
    assert page.at.title[0].value == "MAC không phải là mili giây"
    assert "Tổng các tầng" in metrics(page)
    assert "trung vị" in " ".join(tables(page)[0])


# The published table ---------------------------------------------------------------------------------------------


def test_the_networks_that_are_measured_beside_the_published_ones_have_their_parameters():
    for name, printed in PRINTED.items():
        assert round(ARCHITECTURES[name].parameters / 1e6, 1) == pytest.approx(printed.parameters, abs=0.21)
        assert printed.title.removesuffix("V2") == ARCHITECTURES[name].title.replace("-", "").split()[0]


def test_measured_latencies_stand_beside_the_published_ones(monkeypatch):
    small = {"lenet5": PRINTED["resnet50_v1"], "zfnet_mini": PRINTED["resnet50_v2"]}
    monkeypatch.setattr(keras_table, "PRINTED", small)
    page = settle(visit(network="lenet5").press("measure published"))
    (published,) = tables(page)
    assert published["their CPU, ms"] == [58.2, 45.6]
    assert all("±" in here for here in published["here, ms"])
    assert "one picture at a time" in page.captions


# Build it --------------------------------------------------------------------------------------------------------


def small(**settings) -> MobileNet:
    return MobileNet(0.05, 32, num_classes=2, **settings)


def built_at(page: Visit, **values: float) -> Visit:
    now = {"width": 0.05, "resolution": 32, "classes": 2} | values
    return settle(page.drag("multipliers", **now).press("build"))


def test_measured_numbers_stand_beside_the_counts_and_what_was_built_before_is_kept():
    page = built_at(Visit(MOBILENET))
    assert not page.errors
    assert metrics(page).keys() >= {"Latency, one picture", "Latency, batch of 16", "Peak memory, computed"}
    assert f"{grouped(small().params)} parameters" in [metric.delta for metric in page.at.metric]
    built_at(page, width=0.1)
    (rows,) = (table for table in tables(page) if "ms, median" in table)
    assert rows["network"] == ["0.1 MobileNet-32", "0.05 MobileNet-32"]
    assert rows["MACs"] == [MobileNet(0.1, 32, num_classes=2).macs, small().macs]
    built_at(page)  # once more: the same network stands there once
    (rows,) = (table for table in tables(page) if "ms, median" in table)
    assert rows["network"] == ["0.05 MobileNet-32", "0.1 MobileNet-32"]


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(built, "MOST", 2)
    page = Visit(MOBILENET)
    for width in (0.05, 0.1, 0.15):
        built_at(page, width=width)
    (rows,) = (table for table in tables(page) if "ms, median" in table)
    assert rows["network"] == ["0.15 MobileNet-32", "0.1 MobileNet-32"]


def test_nothing_is_built_while_a_slider_is_held_and_what_is_under_way_is_stopped():
    page = Visit(MOBILENET)
    page.drag("multipliers", width=2.0, resolution=320, classes=1000)
    page.choose(convolutions="full").press("build")
    (job,) = page.at.session_state["kept"]["measurements"]["built"].values()
    page.at.session_state["kept"]["address"].is_held = True
    page.run()
    assert page.at.button(key="build").disabled
    assert job.stopped()
    assert not page.at.get("progress")


def test_it_is_run_on_the_chosen_picture_at_the_chosen_resolution(monkeypatch):
    seen = []

    def remember(network, image, device, report, stopped):
        seen.append(image)

    monkeypatch.setattr(built, "run_of", remember)
    built_at(Visit(MOBILENET, sample="chelsea"), resolution=97)
    (image,) = seen
    assert image.shape == (1, 3, 97, 97)
    preprocess = ARCHITECTURES["mobilenet_v1"].preprocess_of({"resolution": 97})
    assert torch.equal(image, preprocess(decoded(sample("chelsea"))))


def test_the_csv_of_what_was_built_has_every_number():
    page = built_at(Visit(MOBILENET))
    (run,) = page.at.session_state["kept"]["measured"]["built"]
    (row,) = read_csv(export.table(run_rows([run])))
    assert (row["width"], row["resolution"], row["classes"]) == ("0.05", "32", "2")
    assert (int(row["macs"]), int(row["params"])) == (small().macs, small().params)
    assert float(row["median_ms_16"]) == run.times[16].median_ms
    assert int(row["peak_memory_bytes_1"]) == run.memory[1]
    assert row["peak_memory_is"] == "computed"
    assert isinstance(run, Run)


def test_milliseconds_are_written_in_three_digits():
    assert [milliseconds(n) for n in (1288.004, 99.97, 19.46, 0.01234)] == [
        "1,288 ms",
        "100 ms",
        "19.5 ms",
        "0.0123 ms",
    ]
    assert [spread(n) for n in (180.0, 0.9, 0.0)] == ["± 90 ms", "± 0.45 ms", "± 0 ms"]
