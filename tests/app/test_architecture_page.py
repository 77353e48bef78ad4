"""The page “The layer graph” without a browser: what a visitor sets, and what the page then says."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from functools import cache

import pandas as pd
import pytest

from models import ARCHITECTURES, load
from models.decoding import decoded
from models.loading import skeleton
from models.samples import SAMPLES, samples_for
from pages.common import cache as remembered
from pages.common.cache import Built, results
from pages.common.text import plain
from pages.look.architecture.canvas import findable
from pages.look.architecture.story import BLOCKS
from pages.look.architecture.versus import WORTH_COMPARING
from pages.look.architecture.view import EVERYTHING, GraphView, called
from tests.app.test_layers_page import spoken, state_dict, torch_file
from tests.app.visit import APP, GRAPH, LAYERS, Visit, a_moment, in_vietnamese
from tests.representatives import REPRESENTATIVES
from tests.unit.pictures import REFUSED, photograph, saved
from vis.cost.count import Counting
from vis.deconvnet import strongest_units
from vis.figures.graph import EDGES, QUANTITIES
from vis.figures.numbers import grouped, short, significant
from vis.graph import Graph, layer_graph

COUNTED = ("flops", "bias", "norm", "pooling")
SHIPPED = ("lenet5", "zfnet_mini")


@cache
def graph_of(network: str, side: int | None = None, **options: object) -> Graph:
    """The layer graph, made without the page."""
    channels, height, width = ARCHITECTURES[network].input_shape
    return layer_graph(skeleton(network, **options), (1, channels, side or height, side or width))


def unescaped(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


class Reader(Visit):
    """A visitor of the layer graph."""

    def __init__(self, page: str = GRAPH, /, **link: str):
        super().__init__(page, **link)

    def view(self, network: str, opened: tuple[str, ...] = (), selected: str | None = None, place: str = "left"):
        """Opens blocks and looks at a box closely as clicks do, which need a browser."""
        return self.keep(f"graph {place} {network}", GraphView(frozenset(opened), selected))

    @property
    def canvases(self) -> list[dict]:
        components = (json.loads(element.proto.json) for element in self.at.get("bidi_component"))
        return [data for data in components if "boxes" in data]

    @property
    def foreseen(self) -> dict:
        """What the browser is told of blocks that may be opened or closed next."""
        components = (json.loads(element.proto.json) for element in self.at.get("bidi_component"))
        return next(data for data in components if "drawings" in data)

    def boxes(self, canvas: int = 0) -> dict[str, str]:
        """By the name of every box that is drawn, what its tooltip says."""
        boxes = self.canvases[canvas]["boxes"]
        return dict(zip(boxes["id"], boxes["label"], strict=True))

    def legend(self) -> list[str]:
        return [text for text, *_colours in self.canvases[0]["legend"]]

    def tables(self) -> list[pd.DataFrame]:
        wrapped = [table.value.map(unescaped).rename(columns=unescaped) for table in self.at.table]
        return [*wrapped, *(table.value for table in self.at.dataframe)]

    def numbers(self, language: str = "en") -> pd.DataFrame:
        """“Your number and the paper's”, by the quantity."""
        name = {"en": "quantity", "vi": "đại lượng"}[language]
        return next(table for table in self.tables() if name in table).set_index(name)

    def layers_in_full(self) -> pd.DataFrame:
        """“All layers as a table”."""
        return next(table for table in self.tables() if "layer" in table).set_index("layer")

    def said(self) -> str:
        """All text in the inspector and around it."""
        return "\n".join(e.value for kind in ("markdown", "caption", "code") for e in self.at.get(kind))

    @property
    def titles(self) -> list[str]:
        """What is looked at closely."""
        return [spoken(m.value[3:]) for m in self.at.markdown if re.match(r"## [^\n]+$", m.value)]

    def measured(self) -> "Reader":
        """The page when nothing on it is being measured any more."""
        end = time.monotonic() + 60
        while self.at.get("progress") and time.monotonic() < end:
            a_moment()
            self.run()
        assert not self.at.get("progress")
        return self


# Opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", REPRESENTATIVES)
def test_opens_every_kind_of_network_closed_with_the_numbers_of_the_registry(network):
    visit = Reader(network=network)
    assert not visit.errors
    graph = remembered.graph(Built(network, ARCHITECTURES[network].input_shape[1]))  # the page's own: it takes a while
    assert visit.boxes().keys() == {*graph.blocks[""].children}
    here = visit.numbers()["here"]
    assert here["parameters"] == grouped(ARCHITECTURES[network].parameters)
    assert here["MACs of convolutions and linear layers"] == grouped(ARCHITECTURES[network].macs)
    usual = samples_for(ARCHITECTURES[network])[0].name
    assert visit.link == {"network": network, "sample": usual, "language": "en"}


@pytest.mark.parametrize("network", ["lenet5_1998", "resnet18", "convnext_tiny"])
def test_opens_in_vietnamese_with_the_same_boxes_and_numbers(network):
    english, visit = Reader(network=network), Reader(network=network, language="vi")
    assert visit.at.title[0].value == "Đồ thị tầng"
    assert visit.boxes().keys() == english.boxes().keys()
    assert visit.boxes() != english.boxes()
    assert [*visit.numbers("vi").iloc[:2, 0]] == [*map(in_vietnamese, english.numbers().iloc[:2, 0])]
    assert not visit.errors


def test_arrow_keys_go_from_box_to_box_a_block_before_what_stands_in_it():
    visit = Reader(network="zfnet_mini", open_left="features")
    names = [name for name in visit.boxes() if name]
    for keys, place in (("right",), 0), (("down", "right"), 2), (("left",), 1), (("up",) * 9, 0):
        visit.arrow(*keys)
        assert visit.link["node_left"] == names[place]
    assert names[0] != "features" in names  # what stands in it follows
    assert names.index("features") + 1 == next(i for i, name in enumerate(names) if name.startswith("features."))


ALONE = """
import resource, sys
touched = []
sys.addaudithook(lambda event, args: touched.append((event, args)) if event in ("open", "socket.connect") else None)
from tests.app.visit import GRAPH, Visit
Visit(GRAPH, network="squeezenet1_1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for network in ("vgg19", "convnext_large"):
    visit = Visit(GRAPH, network=network)
    view = visit.at.session_state["kept"][f"graph left {network}"]
    selected = "classifier.0" if network == "vgg19" else "features.0.0"
    visit.keep(f"graph left {network}", type(view)(frozenset({"*"}), selected))
    assert not visit.errors
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print("MiB", grown / (1 << 20 if sys.platform == "darwin" else 1 << 10))
print("CONNECTIONS", [args for event, args in touched if event == "socket.connect"])
files = [str(args[0]) for event, args in touched if event == "open"]
print("WEIGHTS", [file for file in files if file.endswith((".pth", ".pt", ".safetensors"))])
"""


def test_a_graph_neither_fetches_nor_makes_weights():
    """VGG-19's are 548 MiB and ConvNeXt-L's 754 MiB; the process that opens their graphs grows by less than 200."""
    ran = subprocess.run([sys.executable, "-c", ALONE], cwd=APP.parent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
    assert float(said["MiB"]) < 200
    assert said["CONNECTIONS"] == said["WEIGHTS"] == "[]"


# Colours and counting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [c for c in QUANTITIES if c != "time"])
def test_every_colour_has_a_legend_from_nothing_to_the_most(colour):
    visit = Reader(network="lenet5").choose(colour=colour)
    legend = visit.legend()
    assert len(legend) >= 5
    assert legend[0].startswith("0")
    ends = {  # of the block of convolutions, by hand
        "params": "50.7 k",
        "operations": "406 k MACs",
        "memory": "57.7 kB",
        "field": "32 pixels · the whole picture",
    }
    assert visit.link["colour"] == colour
    assert legend[-1 if colour in ("params", "memory", "field") else -2] == ends[colour], legend
    assert ("not counted" in legend) == (colour == "operations")


def test_the_colours_of_kinds_are_named_and_only_of_those_that_are_there():
    visit = Reader(network="lenet5").press("open all left")
    assert "convolution" in visit.legend()
    assert "depthwise convolution" not in visit.legend()
    assert "colour" not in visit.link


def test_the_measured_time_of_every_operation_stands_in_the_legend_the_inspector_and_the_table():
    visit = Reader(network="lenet5").choose(colour="time").measured()
    assert visit.legend()[-1].endswith("ms") or visit.legend()[-2].endswith("ms")
    table = visit.layers_in_full()
    timed = table["time, ms"]
    timed = timed[timed != "–"].astype(float)
    assert set(table.index) - set(timed.index) == {"x"}
    assert (timed >= 0).all()
    assert timed.sum() > 0
    name = table.index[1]
    visit.view("lenet5", ("*",), name)
    assert "measured time" in visit.said()
    visit.choose(colour="kind")
    assert "time, ms" in visit.layers_in_full()  # it is still known


@pytest.mark.parametrize("network", ["alexnet_2012", "resnet18"])
def test_every_counting_switch_changes_the_totals_that_are_shown(network):
    visit, graph = Reader(network=network), graph_of(network)
    assert "counted as selected above" not in visit.numbers().index
    block = next(name for name in visit.boxes() if name in graph.blocks)
    for switches in ((name,) for name in COUNTED):
        visit.choose(**{f"count/{name}": name in switches for name in COUNTED})
        total = graph.counted(counting=Counting(**dict.fromkeys(switches, True)))
        assert total > ARCHITECTURES[network].macs
        assert visit.numbers()["here"]["counted as selected above"] == grouped(total)
        assert visit.numbers()["here"]["MACs of convolutions and linear layers"] == grouped(graph.counted())
        assert visit.link["count"] == ",".join(switches)
        unit = "FLOPs" if "flops" in switches else "MACs"
        assert f" {unit}" in visit.boxes()[block]
        assert {"FLOPs", "MACs"} & {*visit.layers_in_full()} == {unit}
    visit.choose(**{f"count/{name}": True for name in COUNTED})
    everything = graph.counted(counting=Counting(True, True, True, True))
    assert visit.numbers()["here"]["counted as selected above"] == grouped(everything)
    assert visit.link["count"] == ",".join(COUNTED)


@pytest.mark.parametrize(("network", "block"), [("resnet18", "layer2"), ("vgg16", "features")])
def test_the_numbers_of_a_block_are_the_sums_of_those_in_it(network, block):
    graph = graph_of(network)
    visit = Reader(network=network, node_left=block)
    parts = next(table for table in visit.tables() if "layer or block" in table).set_index("layer or block")
    assert [f"{block}.{part.partition(' · ')[0]}" for part in parts.index] == [*graph.blocks[block].children]
    for column, whole in (("parameters", graph.params(block)), ("MACs", graph.counted(block))):
        numbers = [int(n.replace(",", "")) for n in parts[column] if n != "–"]
        assert sum(numbers) == whole
        assert grouped(whole) in visit.words


ON_A_CANVAS = ("size", "header", "looks", "legend", "boxes", "lines")


@pytest.mark.parametrize("look", [{}, {"colour": "operations"}])
def test_what_is_foreseen_of_a_block_is_what_is_drawn_when_it_is_opened_and_when_it_is_closed(look):
    visit = Reader(network="resnet18", **look)
    before, foreseen = visit.canvases[0], visit.foreseen
    assert foreseen["canvas"] == before["name"]
    assert (foreseen["opened"], [*foreseen["drawings"]]) == ([], ["layer1", "layer2", "layer3", "layer4"])
    visit.view("resnet18", ("layer2",))
    assert {name: visit.canvases[0][name] for name in ON_A_CANVAS} == foreseen["drawings"]["layer2"]
    assert visit.foreseen["opened"] == ["layer2"]
    assert visit.foreseen["drawings"]["layer2"] == {name: before[name] for name in ON_A_CANVAS}
    assert {"layer2.0", "layer3"} <= visit.foreseen["drawings"].keys()


def test_nothing_is_foreseen_that_weighs_much():
    visit = Reader(network="densenet201", open_left="features")
    assert "features.denseblock1" in visit.foreseen["drawings"]
    assert "features.denseblock3" not in visit.foreseen["drawings"]  # 1,128 lines go into its concatenations
    assert len(json.dumps(visit.foreseen)) < 60_000


# Maps in the boxes -------------------------------------------------------------------------------------------------


def pictures(visit: Reader, canvas: int = 0) -> dict[str, str | None]:
    """By the names of boxes, their pictures."""
    boxes = visit.canvases[canvas]["boxes"]
    return dict(zip(boxes["id"], boxes.get("picture", []), strict=False))


def test_the_strongest_maps_are_shown_in_the_boxes_found_once_and_said_in_the_link(monkeypatch):
    passes, find = [], results.thumbnails_of
    monkeypatch.setattr(results, "thumbnails_of", lambda *given: passes.append(1) or find(*given))
    visit = Reader(network="zfnet_mini")
    assert not pictures(visit)
    visit.choose(thumbnails=True)
    assert visit.link["thumbnails"] == "on"
    shown = pictures(visit)
    assert {name for name, picture in shown.items() if picture} == {"x", "features", "avgpool"}
    assert all(picture.startswith("data:image/png;base64,") for picture in shown.values() if picture)

    loaded = load("zfnet_mini")
    image = loaded.classifier_input(decoded(SAMPLES[visit.link["sample"]].content()))  # 64×64, as the graph is
    for name, label in visit.view("zfnet_mini", (EVERYTHING,)).boxes().items():
        if not pictures(visit).get(name) or name == "x":
            assert "Strongest map" not in label
            continue
        (unit,) = strongest_units(loaded.model, image, name, 1)
        where = f"feature map {unit.channel}, row {unit.row}, column {unit.column}"
        assert f"\nStrongest map of {name}: {where}: activation {significant(unit.activation)}" in label
        assert f" to {significant(unit.activation)}. " in label
        assert "random weights" not in label
    assert pictures(visit)["features.pool5"] == shown["features"]  # with which the block ends
    assert len([picture for picture in pictures(visit).values() if picture]) == 20
    assert "Cup of coffee, as the network sees it: 64×64 pixels" in visit.boxes()["x"]
    assert "Each box shows its layer's map with the highest activation" in visit.captions
    assert Reader(**visit.link).canvases == visit.canvases
    assert passes == [1]
    visit.choose(language="vi")
    assert "Bản đồ mạnh nhất của features.conv1: bản đồ đặc trưng " in visit.boxes()["features.conv1"]
    visit.choose(thumbnails=False)
    assert "thumbnails" not in visit.link
    assert not pictures(visit)


def test_both_networks_of_a_comparison_have_maps_in_their_boxes_and_random_ones_say_so():
    link = {"compare": "lenet5_bn", "open_left": "*", "open_right": "*"}
    visit = Reader(network="lenet5", weights="random", thumbnails="on", **link)
    assert not visit.errors
    for canvas, network in enumerate(("lenet5", "lenet5_bn")):
        assert pictures(visit, canvas)["features.c1"]
        assert visit.boxes(canvas)["features.c1"].endswith("\nrandom weights")
        assert f"The weights of {ARCHITECTURES[network].title} are random" in visit.warnings


def test_a_network_with_other_options_has_no_maps_in_its_boxes_and_says_why():
    visit = Reader(network="mobilenet_v1", option_width="0.5", thumbnails="on")
    assert not pictures(visit)
    assert "room" not in visit.canvases[0]["boxes"]
    assert "are shown only with the network's default options" in visit.captions
    assert not visit.errors


def test_a_picture_that_is_refused_leaves_the_graph_without_maps():
    content, word = next(iter(REFUSED.values()))()
    visit = Reader(network="lenet5", thumbnails="on").upload(content, "holiday.png")
    assert word in spoken(visit.errors[0])
    assert set(pictures(visit).values()) == {None}
    assert visit.numbers()["here"]["parameters"] == "61,706"


# Options and the side of the picture -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "option", "value"),
    [
        ("mobilenet_v1", "width", 0.5),
        ("mobilenet_v1", "width", 0.6),
        ("mobilenet_v1", "separable", False),
        ("mobilenet_v1", "shallow", True),
        ("resnet34", "shortcut", "A"),
        ("resnet34", "shortcut", "C"),
        ("mobilenet_v2", "width_mult", 1.4),
        ("alexnet_2012", "groups", 1),
        ("googlenet_2014", "aux", True),
    ],
)
def test_an_option_changes_the_graph_and_the_numbers_say_so(network, option, value):
    visit = Reader(network=network)
    remark = "Counted with the picture size and options chosen above, which differ from the paper's."
    usual = visit.numbers()
    assert remark not in visit.captions
    visit.choose(**{f"option_{option}/{network}": value})
    graph = graph_of(network, **{option: value})
    here = visit.numbers()["here"]
    assert here["parameters"] == grouped(graph.params() + sum(graph.unused.values())) != usual["here"]["parameters"]
    assert here["MACs of convolutions and linear layers"] == grouped(graph.counted())
    printed = ARCHITECTURES[network].published_with.get(frozenset({(option, value)}))
    if printed:
        assert (
            visit.numbers()["in the paper"]["top-1 error"] == printed.top1_error != usual["in the paper"]["top-1 error"]
        )
    else:
        assert [*visit.numbers()["in the paper"]] == [*usual["in the paper"]]
    assert (remark in visit.captions) is (printed is None)
    assert visit.link[f"option_{option}"] == ARCHITECTURES[network].options[option].written(value)
    assert Reader(**visit.link).numbers().equals(visit.numbers())


def test_a_width_has_two_digits_so_that_its_link_can_hold_it():
    visit = Reader(network="mobilenet_v1").choose(**{"option_width/mobilenet_v1": 1 / 3})
    assert visit.link["option_width"] == "0.33"
    assert Reader(**visit.link).numbers().equals(visit.numbers())


@pytest.mark.parametrize(("network", "side", "smallest"), [("zfnet", 1, 63), ("vgg16", 1, 32), ("alexnet", 62, 63)])
def test_a_picture_that_is_too_small_is_refused_with_the_smallest_side_and_the_next_run_mends_it(
    network, side, smallest
):
    visit = Reader(network=network).choose(**{f"side/{network}": side})
    (sentence,) = map(spoken, visit.errors)
    assert f"A {side}×{side} picture is too small for this network; it needs at least {smallest}×{smallest}" in sentence
    usual = ARCHITECTURES[network].input_shape[1]
    (hint,) = (info.value for info in visit.at.info)
    assert hint == f"{ARCHITECTURES[network].title} was designed for {usual}×{usual} pictures."
    assert not visit.canvases
    visit.choose(**{f"side/{network}": smallest})
    assert not visit.errors
    assert visit.link["side"] == str(smallest)
    assert visit.numbers()["here"]["MACs of convolutions and linear layers"] == grouped(
        graph_of(network, smallest).counted()
    )


@pytest.mark.parametrize("network", ["lenet5", "squeezenet1_1", "resnet18"])
@pytest.mark.parametrize("side", [1, 1024])
def test_the_smallest_and_the_largest_side_are_drawn_or_refused_in_a_sentence(network, side):
    visit = Reader(network=network, side=str(side))
    assert len(visit.canvases) + len(visit.errors) == 1
    assert visit.widget(f"side/{network}").value == side
    if visit.canvases:
        assert visit.link["side"] == str(side)
        last = [*graph_of(network).nodes][-1]
        visit.view(network, (), last)
        assert not visit.errors
        assert "Receptive field of the centre unit" in visit.said()


def test_a_link_to_another_network_does_not_say_how_this_one_is_looked_at():
    visit = Reader(network="mobilenet_v1", side="160", compare="vgg16", option_width="0.5")
    assert visit.link["side"] == "160"
    visit.choose(network="mobilenet_v2")
    assert visit.link == {"network": "mobilenet_v2", "sample": "coffee", "language": "en"}
    visit.choose(network="mobilenet_v1")
    wanted = {"network": "mobilenet_v1", "side": "160", "compare": "vgg16", "option_width": "0.5"}
    assert visit.link == wanted | {"sample": "coffee", "language": "en"}


# Two networks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "right"), WORTH_COMPARING.items())
def test_what_is_worth_comparing_can_be_compared(left, right):
    visit = Reader(network=left).choose(**{f"compare/{left}": right})
    assert not visit.errors
    assert visit.boxes(0).keys() == {*graph_of(left).blocks[""].children}
    assert visit.boxes(1).keys() == {*graph_of(right).blocks[""].children}
    totals = next(table for table in visit.tables() if "ratio" in table).set_index("")
    titles = [ARCHITECTURES[name].title for name in (left, right)]
    assert [*totals.loc["parameters", titles]] == [grouped(ARCHITECTURES[n].parameters) for n in (left, right)]
    assert [*totals.loc["MACs", titles]] == [grouped(ARCHITECTURES[n].macs) for n in (left, right)]
    differences = next(table for table in visit.tables() if "difference" in table)
    assert len(differences) > 0
    assert (differences["difference"] != "").all()
    visit.choose(**{"equal": True})
    assert len(next(table for table in visit.tables() if "difference" in table)) >= len(differences)


def test_the_differences_are_named_in_a_few_lines_and_both_papers_stand_beside_each_other():
    visit = Reader(network="plain34", compare="resnet34")
    assert "* Only in ResNet-34: addition ×16, convolution ×3, normalisation ×3." in visit.said()
    assert "Only in Plain-34" not in visit.said()
    assert visit.legend()[:3] == ["the same in both", "differs", "only in this network"]
    edges = [{look[5] for look in canvas["looks"]} for canvas in visit.canvases]
    assert edges == [{None, EDGES["differs"]}] * 2  # of closed blocks, which hold additions in one of them
    # By hand: three blocks of two convolutions, normalisations and ReLUs each; ResNet-34's have an addition more.
    assert [visit.boxes(i)["layer1"].splitlines()[1] for i in (0, 1)] == [
        "all operations in it are in both networks; the other one has more here",
        "18 of 21 operations in it are the same in both",
    ]
    visit.press("open all right")  # both, for they are opened together
    assert EVERYTHING in visit.link["open_left"]
    edges = [{look[5] for look in canvas["looks"]} for canvas in visit.canvases]
    assert edges == [{None, EDGES["differs"]}, {None, *EDGES.values()}]
    visit.choose(differences=False, together=False).press("close all left")
    assert {look[5] for canvas in visit.canvases for look in canvas["looks"]} == {None}
    assert visit.link["open_right"] == EVERYTHING
    assert [t["in the paper"].iloc[2] for t in visit.tables() if "in the paper" in t] == ["28.54 %", "24.52 %"]
    visit = Reader(network="alexnet_2012", compare="zfnet", side="224")
    assert "* In both, but in a different order: pooling ×2." in visit.said()
    assert re.search(r"by kind of difference: .*\bkernel ×1\b", visit.said())
    visit.press("open all left")
    assert visit.boxes(0)["features.conv1"].splitlines()[1:] == [
        "unlike features.conv1: kernel, stride, padding, MACs, output 96×54×54 ≠ 96×110×110"
    ]
    assert visit.boxes(0)["features.relu1"].splitlines()[1:] == ["unlike features.relu1: output 96×54×54 ≠ 96×110×110"]
    assert "in a different order" in "".join(next(t for t in visit.tables() if "difference" in t)["difference"])


def test_a_paper_that_prints_a_side_is_quoted_at_that_side():
    visit = Reader(network="mobilenet_v1", side="160")
    assert [*visit.numbers()["in the paper"]] == ["4.2 M", "290 M", "32.8 %", "–"]
    assert "The paper rounds 290.7 M down." in visit.captions


def test_a_paper_that_prints_a_width_at_a_side_is_quoted_at_both():
    visit = Reader(network="mobilenet_v1", side="160", option_width="0.5")
    assert [*visit.numbers()["in the paper"]] == ["1.32 M", "76 M", "39.8 %", "–"]
    assert "The paper's 1.32 M leave out batch norm" in visit.captions


def test_colours_of_two_networks_mean_the_same():
    """The largest box of both is the end of the scale in both pictures."""
    visit = Reader(network="alexnet", compare="vgg16", colour="params")
    legends = [[text for text, *_colours in canvas["legend"]] for canvas in visit.canvases]
    assert legends[0] == legends[1]
    assert legends[0][-1] == short(sum(m.numel() for m in skeleton("vgg16").classifier.parameters()))


def test_both_networks_are_looked_at_closely_each_with_its_own_numbers():
    visit = Reader(network="plain34", compare="resnet34")
    visit.view("plain34", (), "conv1").view("resnet34", ("layer1",), "layer1", "right")
    layer1 = ["ResNet-34", "layer1 = conv2_x = stage 2 = layer 2"]
    assert [title.split(" · ")[:2] for title in visit.titles] == [["Plain-34", "conv1"], layer1]
    visit.press("close left")
    assert [title.split(" · ")[:2] for title in visit.titles] == [layer1]
    assert {"layer1.0"} < visit.boxes(1).keys()
    assert "node_left" not in visit.link
    assert visit.link["node_right"] == "layer1"


# Links -------------------------------------------------------------------------------------------------------------


def state(visit: Reader) -> tuple:
    """All that a link has to bring back."""
    return visit.link, visit.canvases, visit.titles, visit.numbers(visit.link["language"]).to_dict()


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_link_restores_everything(language):
    link = {
        "network": "mobilenet_v1",
        "sample": "coins",
        "weights": "random",
        "compare": "resnet34",
        "side": "160",
        "option_width": "0.5",
        "option_shallow": "True",
        "option_separable": "False",
        "colour": "operations",
        "count": "flops,pooling",
        "open_left": "features,features.block2",
        "open_right": "layer1,layer1.0",
        "node_left": "features.block2",
        "node_right": "layer1.0.conv1",
        "language": language,
    }
    graph = graph_of("mobilenet_v1", width=0.5, shallow=True, separable=False)
    link["open_left"] = ",".join(sorted(name for name in ("features", "features.block2") if name in graph.blocks))
    if link["node_left"] not in graph.blocks:
        link["node_left"] = [*graph.nodes][3]
    link = {name: value for name, value in link.items() if value}
    first = Reader(**link)
    assert first.link == link | {"option_shallow": "on", "option_separable": "off"}  # as links say it today
    assert len(first.titles) == 2
    assert {"layer1.0.conv1"} < first.boxes(1).keys()
    assert state(Reader(**first.link)) == state(first)


def test_what_is_set_on_the_page_comes_back_by_its_link():
    visit = Reader(network="resnet34").choose(colour="memory", **{"count/norm": True, "side/resnet34": 64})
    visit.choose(**{"compare/resnet34": "plain34", "option_shortcut/resnet34": "C"}).press("open all right")
    visit.view("resnet34", ("layer2",), "layer2")
    assert visit.link["open_right"] == EVERYTHING
    assert state(Reader(**visit.link)) == state(visit)


def test_all_blocks_open_and_close_and_one_can_be_closed_after_that():
    visit = Reader(network="resnet18")
    closed = visit.boxes()
    visit.press("open all left")
    assert visit.boxes().keys() == (graph_of("resnet18").nodes.keys() | graph_of("resnet18").blocks.keys()) - {""}
    visit.press("close all left")
    assert visit.boxes() == closed
    assert "open_left" not in visit.link


def test_a_search_opens_the_way_to_the_layer_and_can_be_repeated():
    visit = Reader(network="resnet50").choose(**{"search left resnet50": "layer3.4.conv2"})
    assert "layer3.4.conv2" in visit.boxes()
    assert visit.titles[0].startswith("ResNet-50 · layer3.4.conv2 · convolution · Conv2d · 3×3")
    assert visit.widget("search left resnet50").value is None
    assert visit.press("close all left").canvases[0]["selected"] == "layer3"  # which it is in
    visit.press("close left")
    assert visit.canvases[0]["selected"] is None
    assert visit.choose(**{"search left resnet50": "layer3.4.conv2"}).titles
    assert visit.canvases[0]["selected"] == "layer3.4.conv2"


@pytest.mark.parametrize("network", REPRESENTATIVES)
def test_what_is_searched_by_any_of_its_names_is_found_first(network):
    """The list keeps its order while one types, and shows what contains the letters."""
    built = Built(network, ARCHITECTURES[network].input_shape[1])
    known = called(built)
    names = [known[name] for name in findable(remembered.graph(built))]
    assert sorted(names) == sorted(known[name] for name in known if name)
    for name in names:
        for word in name.split(" = "):
            first = next(other for other in names if word in other)
            folded = first.partition("…")[0]  # “layer2.1…3” holds layer2.1
            assert word in first.split(" = ") or word == folded, (word, first)


@pytest.mark.parametrize(
    "link",
    [
        {"open_left": "nonsense"},
        {"open_left": ",,,"},
        {"open_left": "x" * 5000},
        {"node_left": "nonsense"},
        {"node_left": ""},
        {"node_left": "__class__"},
        {"colour": "rainbow"},
        {"colour": ""},
        {"count": "everything,,<b>"},
        {"side": "abc"},
        {"side": "-5"},
        {"side": "0"},
        {"side": "1025"},
        {"side": "9" * 5000},
        {"side": "1e2"},
        {"compare": "mobilenet_v1"},
        {"compare": "skynet"},
        {"compare": "None"},
        {"open_right": "layer1", "node_right": "conv1"},
        {"option_width": "9e9"},
        {"option_width": "nan"},
        {"option_width": "-1"},
        {"option_shallow": "perhaps"},
        {"option_separable": "perhaps"},
        {"option_shortcut": "Z"},
        {"option_num_classes": "7"},
        {"language": "xx"},
        {"against": "vgg16", "utm_source": "mail"},  # names that no page reads
    ],
    ids=lambda link: "&".join(f"{k}={v[:20]}" for k, v in link.items()),
)
def test_a_link_with_a_wrong_value_opens_the_page_without_it(link):
    visit = Reader(network="mobilenet_v1", **link)
    assert not visit.errors
    assert not visit.titles
    assert visit.boxes().keys() == {*graph_of("mobilenet_v1").blocks[""].children}
    assert visit.link == {"network": "mobilenet_v1", "sample": "coffee", "language": "en"}
    assert not ("against" in link and visit.at.toast)


# Moving about ------------------------------------------------------------------------------------------------------


def test_what_is_open_belongs_to_its_network_and_comes_back_with_it():
    visit = Reader(network="resnet18").view("resnet18", ("layer1",), "layer1.0.conv1")
    first = state(visit)
    visit.choose(network="plain18")
    assert not visit.titles
    assert visit.boxes().keys() == {*graph_of("plain18").blocks[""].children}
    assert state(visit.choose(network="resnet18")) == first


def test_what_is_looked_at_stays_when_the_picture_or_the_language_changes():
    visit = Reader(network="lenet5").view("lenet5", (EVERYTHING,), "features.c1")
    title, words = visit.titles, visit.said()
    visit.choose(sample="coins")
    assert visit.titles == title
    assert visit.said() != words
    visit.choose(language="vi")
    assert len(visit.titles) == 1
    assert "Bộ lọc" in visit.said()


def test_what_an_option_takes_away_is_closed_and_comes_back_with_it():
    graph, shallow = graph_of("mobilenet_v1"), graph_of("mobilenet_v1", shallow=True)
    (gone, *_) = (name for name in graph.nodes if name not in shallow.nodes)
    visit = Reader(network="mobilenet_v1").view("mobilenet_v1", tuple(graph.ancestors(gone)), gone)
    assert visit.titles
    visit.choose(**{"option_shallow/mobilenet_v1": True})
    assert not visit.titles
    assert "node_left" not in visit.link
    assert visit.choose(**{"option_shallow/mobilenet_v1": False}).titles


def test_what_is_set_on_the_page_is_kept_while_another_page_is_read():
    visit = Reader(network="squeezenet1_1", weights="random").choose(colour="params", **{"count/flops": True})
    visit.choose(**{"side/squeezenet1_1": 160, "compare/squeezenet1_1": "squeezenet1_0"})
    visit.view("squeezenet1_1", (EVERYTHING,), "features.0")
    first = state(visit)
    visit.at.switch_page(LAYERS.script)
    visit.run()
    assert visit.layers
    visit.at.switch_page(GRAPH.script)
    assert state(visit.run()) == first


# One box closely ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["lenet5", "lenet5_1998", "mobilenet_v3_small"])
def test_every_kind_of_box_is_looked_at_closely_with_weights(network):
    visit = Reader(network=network, weights="auto" if network in SHIPPED else "random")
    graph = graph_of(network)
    for name in {(node.kind, len(node.output_shape)): node.name for node in graph.nodes.values()}.values():
        visit.view(network, (EVERYTHING,), name)
        toggles = [toggle for toggle in visit.at.toggle if toggle.key == f"with weights left {network}"]
        maps = graph.nodes[name].kind != "input" and len(graph.nodes[name].output_shape) == 4
        assert len(toggles) == maps
        if toggles and not toggles[0].value:
            visit.choose(**{toggles[0].key: True})
        assert not visit.errors
        assert len(visit.titles) == 1
        said = visit.said()
        assert "How the numbers are computed" in said
        assert ("Filters** · " in said) == (graph.nodes[name].operation == "Conv2d")
        assert ("Activation maps** · " in said) == maps
        assert (f"of {graph.nodes[name].output_shape[1]} maps (" in said) == maps
        assert ("random weights" in said) == bool(toggles and network not in SHIPPED)


def test_maps_have_the_size_that_the_graph_says():
    """Elsewhere pictures are shown to this network at 224×224."""
    node = graph_of("zfnet_mini").nodes["features.conv2"]
    visit = Reader(network="zfnet_mini").view("zfnet_mini", (EVERYTHING,), node.name)
    assert node.output_shape[2:] == (16, 16)
    assert "The 32 strongest of 128 maps (16×16)" in visit.said()


def test_every_block_is_looked_at_closely():
    visit, graph = Reader(network="resnet18"), graph_of("resnet18")
    for name in [name for name in graph.blocks if name][::3]:
        visit.view("resnet18", (EVERYTHING,), name)
        assert not visit.errors
        assert visit.titles[0].startswith(f"ResNet-18 · {name} ")
        assert f"**{grouped(graph.params(name))}**" in visit.said()


def test_the_arithmetic_of_a_convolution_ends_in_the_counted_numbers():
    visit, node = Reader(network="alexnet_2012").choose(**{"count/bias": True}), "features.conv2"
    visit.view("alexnet_2012", (EVERYTHING,), node)
    found = graph_of("alexnet_2012").nodes[node]
    (lines,) = (text.value.splitlines() for text in visit.at.markdown if text.value.startswith("* height"))
    for counted in (found.macs, found.params):
        assert any(line.endswith(f"= **{grouped(counted)}**") for line in lines)
    assert f"* bias additions: {grouped(found.cost.bias_adds)}" in lines
    assert f"* inputs: {plain(found.inputs[0])}" in lines
    # By hand: 11 pixels, every fourth; pooling of 3 makes 19, every eighth; then 5 with 2 of padding, from 0 - 2·8 on.
    assert "* receptive field: 51 pixels, jump 8; the first unit's begins at pixel −16, in the padding" in lines
    assert f"**{grouped(found.macs + found.cost.bias_adds)}**" in visit.said()


@pytest.mark.parametrize(("network", "side"), [("lenet5", 32), ("squeezenet1_1", 30), ("squeezenet1_1", 1024)])
def test_a_picture_of_any_shape_shows_what_a_unit_can_see(network, side):
    name = [name for name, node in graph_of(network).nodes.items() if node.kind == "conv"][1]
    visit = Reader(network=network, side=str(side)).view(network, (EVERYTHING,), name)
    for size in ((16, 400), (400, 16), (16, 16), (1500, 60)):
        visit.upload(saved(photograph(*size), "PNG"), "odd.png")
        assert not visit.errors
        assert f"odd.png, {side}×{side}: rows " in spoken(visit.said())


@pytest.mark.parametrize(
    ("network", "name", "rows"),
    [
        ("lenet5", "features.c3", (10, 23)),  # unit 5 of 10, every second pixel, 14 pixels
        ("resnet18", "conv1", (109, 115)),  # unit 56 of 112, every second pixel, 7 pixels from -3 on
        ("convnext_tiny", "features.0.1.layer_norm", (112, 115)),  # unit 28 of 56, every fourth pixel, 4 pixels
    ],
)
def test_the_unit_in_the_middle_is_the_one_whose_sight_is_shown(network, name, rows):
    visit = Reader(network=network).view(network, (EVERYTHING,), name)
    assert f"rows {rows[0]}–{rows[1]}, columns {rows[0]}–{rows[1]}" in spoken(visit.captions)


def test_an_error_is_of_the_network_as_it_was_measured_and_of_no_other():
    visit = Reader(network="mobilenet_v1")
    assert visit.numbers()["here"]["top-1 error"] != "–"
    visit.choose(**{"side/mobilenet_v1": 128})
    assert visit.numbers()["here"]["top-1 error"] == "–"
    assert Reader(network="zfnet_mini").numbers()["here"]["top-1 error"].startswith("49.21 % (shipped weights")
    table = Reader(network="efficientnet_lite0").numbers()
    said = "11.60 % (shipped weights, on 250 photographs of as many ImageNet classes)"
    assert (table["here"]["top-1 error"], table["in the paper"]["top-1 error"]) == (said, "24.9 %")


def test_a_refused_picture_ends_nothing_but_the_inspector():
    content, word = REFUSED["text"]() if "text" in REFUSED else next(iter(REFUSED.values()))()
    visit = Reader(network="lenet5").view("lenet5", (EVERYTHING,), "features.c1").upload(content, "holiday.png")
    (sentence,) = map(spoken, visit.errors)
    assert word in sentence
    assert visit.canvases
    assert visit.numbers()["here"]["parameters"] == "61,706"
    assert visit.link["node_left"] == "features.c1"
    assert not visit.remove_upload().errors


def test_a_file_of_weights_is_of_the_chosen_network_and_of_no_other():
    visit = Reader(network="lenet5", compare="zfnet_mini").choose(weights="file")
    visit.upload_weights(torch_file(state_dict("lenet5")), "*mine*.pt")
    visit.view("lenet5", (EVERYTHING,), "features.c1")
    visit.view("zfnet_mini", (EVERYTHING,), "features.conv1", "right")
    assert not visit.errors
    captions = [c.value for c in visit.at.caption if c.value.startswith("**Filters**")]
    assert len(captions) == 2
    assert r"LeNet-5 · \*mine\*\.pt" in captions[0]  # its name is text
    assert "ZFNet mini · zfnet" in captions[1]
    assert "mine" not in captions[1]


def test_weights_that_are_not_of_the_chosen_network_are_refused_and_the_graph_stays():
    visit = Reader(network="lenet5").choose(weights="file")
    visit.upload_weights(torch_file(state_dict("zfnet_mini")), "mine.pt")
    visit.view("lenet5", (EVERYTHING,), "features.c1")
    (sentence,) = map(spoken, visit.errors)
    assert "mine.pt holds the weights of ZFNet mini, not of LeNet-5; choose ZFNet mini." in sentence
    assert visit.canvases
    assert "Numbers here and in the paper" in visit.layers


def test_weights_that_give_no_finite_values_are_refused():
    state = {name: values * 1e38 for name, values in state_dict("lenet5").items()}
    visit = Reader(network="lenet5").choose(weights="file").upload_weights(torch_file(state), "mine.pt")
    visit.view("lenet5", (EVERYTHING,), "features.c3")
    (sentence,) = map(spoken, visit.errors)
    assert "gives non-finite values" in sentence


# The story ---------------------------------------------------------------------------------------------------------

GATED = {"Conv2d": 5, "AdaptiveAvgPool2d": 1, "mul": 1, "add": 1}  # two of the five are the gate's
DRAWN = {  # by network, of every block beside its story what joins its maps or has weights, but norms
    "lenet5_1998": [{"AvgPool2d": 1, "mul": 1, "add": 1}, {"Conv2d": 3, "cat": 1}],
    "googlenet_2014": [{"Conv2d": 6, "MaxPool2d": 1, "cat": 1}],
    "plain34": [{"Conv2d": 2}],
    "resnet34": [{"Conv2d": 2, "add": 1}, {"Conv2d": 3, "add": 1}],
    "resnet50": [{"Conv2d": 4, "add": 1}, {"Conv2d": 3, "add": 1}],  # the projection is a convolution
    "resnet50_v2": [{"Conv2d": 4, "add": 1}, {"Conv2d": 3, "add": 1}],
    **dict.fromkeys(("cifar_resnet20", "cifar_resnet20_v2"), [{"Conv2d": 2, "add": 1}] * 2),  # padded, and not
    "densenet121": [{"Conv2d": 12, "cat": 7}, {"Conv2d": 2, "cat": 1}],
    "squeezenet1_1": [{"Conv2d": 3, "cat": 1}],
    "mobilenet_v1": [{"Conv2d": 2}],
    "mobilenet_v2": [{"Conv2d": 3, "add": 1}],
    "mobilenet_v3_large": [GATED, GATED],
    "mobilenet_v3_small": [GATED],
    "efficientnet_b0": [GATED],
    "efficientnet_lite0": [{"Conv2d": 3}, {"Conv2d": 3, "add": 1}],
    "convnext_tiny": [{"Conv2d": 1, "Linear": 2, "mul": 1, "add": 1}],
}


@pytest.mark.parametrize("network", DRAWN)
def test_beside_its_story_stand_the_blocks_that_it_tells_of(network):
    visit, graph = Reader(network=network), graph_of(network)
    title = re.escape(ARCHITECTURES[network].title)
    names = re.findall(rf"^{title} · (\S+) · \w+$", spoken(visit.captions), re.MULTILINE)
    seen = ("Conv2d", "Linear", "AvgPool2d", "AdaptiveAvgPool2d", "MaxPool2d", "mul", "add", "cat")
    inside = [Counter(node.operation for node in graph.operations(name) if node.operation in seen) for name in names]
    assert inside == DRAWN[network]


def test_every_family_with_a_block_of_its_own_is_drawn_in_a_test():
    assert {ARCHITECTURES[network].family for network in DRAWN} == BLOCKS.keys()


# On to the other page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["lenet5", "squeezenet1_1"])
def test_the_other_page_takes_any_operation_by_its_link(network):
    weights = "auto" if network in SHIPPED else "random"
    graph = graph_of(network)
    kinds = {(node.kind, len(node.output_shape)): node for node in graph.nodes.values() if node.kind != "input"}
    for node in kinds.values():
        visit = Visit(LAYERS, network=network, weights=weights, maps="1", also=node.name)
        assert not visit.errors
        shown = node.name in ARCHITECTURES[network].layers.values()
        assert visit.layers == [f"Layer {name}" for name in [*[node.name][shown:], *ARCHITECTURES[network].layers]]


@pytest.mark.parametrize("also", ["", "nonsense", "<b>", "features.relu9", "x" * 5000])
def test_the_other_page_ignores_an_operation_that_there_is_not(also):
    visit = Visit(LAYERS, network="lenet5", maps="1", also=also)
    assert visit.layers == ["Layer C1", "Layer C3", "Layer C5"]
    assert not visit.errors


def test_the_other_page_says_which_operation_cannot_be_projected_and_shows_the_rest():
    name = next(node.name for node in graph_of("mobilenet_v3_small").nodes.values() if node.operation == "Hardsigmoid")
    visit = Visit(LAYERS, network="mobilenet_v3_small", weights="random", maps="1", also=name)
    assert f"no rule for “Hardsigmoid” at “{name}”" in spoken(visit.warnings)
    assert len(visit.layers) == 5
    assert not visit.errors


def test_the_way_to_the_other_page_takes_the_compared_network_along():
    visit = Reader(network="lenet5", compare="lenet5_bn").view("lenet5_bn", (EVERYTHING,), "features.c1", "right")
    visit.press("project right")
    assert visit.layers[0] == "Layer features.c1"
    assert visit.widget("network").value == "lenet5_bn"
    assert visit.link["also"] == "features.c1"
    assert not visit.errors


def test_maps_that_come_last_are_maps_on_the_other_page():
    visit = Reader(network="convnext_tiny", weights="random", maps="1").view(
        "convnext_tiny", (EVERYTHING,), "features.1.0.block.3"
    )
    visit.press("project left")
    assert visit.layers[0] == "Layer features.1.0.block.3"
    assert "384 feature maps of 56×56" in spoken(visit.captions)
    assert not visit.errors


def test_two_visitors_do_not_open_each_others_blocks():
    one, other = (Reader(network="resnet18") for _ in range(2))
    one.view("resnet18", ("layer1",), "layer1")
    other.view("resnet18", ("layer2",), "layer2")
    assert {"layer1.0"} <= one.run().boxes().keys()
    assert "layer1.0" not in other.run().boxes()
    assert one.titles != other.titles
