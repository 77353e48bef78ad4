"""The page “The layer graph” in a real browser, as its visitors use it."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from models import ARCHITECTURES
from models.loading import skeleton
from tests.live.conftest import ROOT, close_ups, soon
from tests.live.test_graph_component import rested
from tests.live.test_page import PHONE, entries_of, fits
from vis.cost.count import Counting
from vis.figures.numbers import grouped
from vis.graph import Graph, layer_graph

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser


def graph_of(network: str) -> Graph:
    return layer_graph(skeleton(network), (1, *ARCHITECTURES[network].input_shape))


@pytest.fixture(scope="session")
def address(app) -> str:
    return f"{app}/architecture"


def at(page, address: str, link: str = "", canvases: int = 1):
    """The page, when its graphs are drawn."""
    page.goto(f"{address}{link}")
    return settled(page, canvases)


def settled(page, canvases: int = 1):
    expect(page.get_by_role("application")).to_have_count(canvases, timeout=60_000)
    expect(page.get_by_role("heading", name="Numbers here and in the paper")).to_be_visible(timeout=60_000)
    return idle(page)


def idle(page):
    """The page when nothing has been computed on it for a moment: a click takes a while to set the app to work."""
    page.wait_for_timeout(300)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def canvas(page, network: str, place: str = "left"):
    return page.locator(f".st-key-canvas-{place}-{network}").get_by_role("application")


def box(page, network: str, name: str, place: str = "left"):
    return canvas(page, network, place).locator(f'[role="button"][aria-label^="{name} "]')


def names(page, network: str, place: str = "left") -> set[str]:
    """All that is drawn."""
    boxes = canvas(page, network, place).locator('[role="button"]')
    return {re.split(" = | · ", label)[0] for label in boxes.evaluate_all("all => all.map(box => box.ariaLabel)")}


def toggle(page, network: str, name: str, place: str = "left") -> None:
    """Opens a block, or closes it."""
    block = box(page, network, name, place)
    before = block.get_attribute("aria-expanded")
    block.locator(".toggle").click()
    expect(block).to_have_attribute("aria-expanded", "false" if before == "true" else "true")


def whole(page, network: str, place: str = "left") -> None:
    """Shows all of a graph, for a block that was opened fills the view."""
    page.wait_for_timeout(400)
    canvas(page, network, place).press("f")
    rested(canvas(page, network, place))


def title(page, text: str):
    """The heading of what is looked at closely."""
    return close_ups(page).filter(has_text=text)


def options(page) -> None:
    """Opens what can be set of the graph, or closes it."""
    page.get_by_role("button", name="Compare, options").click()


def legend(page, network: str, place: str = "left") -> list[str]:
    return page.locator(f".st-key-canvas-{place}-{network} .legend li").all_inner_texts()


def colour_by(page, name: str) -> None:
    """Chooses what the colours stand for, and waits until the legends say so."""
    items = page.locator("[class*=st-key-canvas-] .legend li")
    before = items.all_inner_texts()
    page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).click()
    expect(items).not_to_have_text(before, use_inner_text=True, timeout=60_000)
    idle(page)


def figure(page, name: str):
    """One of the numbers of what is looked at closely: what stands under its name."""
    return page.get_by_test_id("stMarkdown").filter(has=page.get_by_text(name, exact=True)).last


def test_a_block_is_opened_and_a_convolution_in_it_read(page, address):
    graph = graph_of("resnet18")
    at(page, address, "?network=resnet18")
    assert names(page, "resnet18") == {*graph.blocks[""].children}
    page.wait_for_function("globalThis.convscopeForesight?.size")
    at_once = """knob => {
      const { x, y, width, height } = knob.getBoundingClientRect();
      const where = { clientX: x + width / 2, clientY: y + height / 2, bubbles: true, composed: true };
      knob.dispatchEvent(new MouseEvent('click', where));
      return knob.isConnected;
    }"""
    assert not box(page, "resnet18", "layer1").locator(".toggle").evaluate(at_once)  # drawn anew before Python knows
    expect(box(page, "resnet18", "layer1")).to_have_attribute("aria-expanded", "true")
    toggle(page, "resnet18", "layer1.0")
    assert {"layer1.0", "layer1.0.conv1", "layer1.0.relu"} <= names(page, "resnet18")
    box(page, "resnet18", "layer1.0.conv1").click()
    expect(title(page, "ResNet-18 · layer1.0.conv1 · convolution · Conv2d · 3×3")).to_be_visible(timeout=30_000)
    idle(page)
    macs = graph.nodes["layer1.0.conv1"].macs
    expect(figure(page, "MACs")).to_contain_text(grouped(macs))
    expect(figure(page, "parameters")).to_contain_text(grouped(graph.nodes["layer1.0.conv1"].params))

    options(page)
    page.get_by_text("FLOPs: a multiply-add is two operations").click()
    expect(figure(page, "FLOPs")).to_contain_text(grouped(2 * macs), timeout=30_000)
    options(page)
    idle(page)
    assert "count=flops" in page.url

    page.get_by_role("button", name="Close", exact=True).click()
    expect(close_ups(page)).to_have_count(0, timeout=30_000)
    idle(page)
    assert "node_left" not in page.url


def test_the_colours_and_their_legend_change_together(page, address):
    at(page, address, "?network=resnet18")
    by_kind = legend(page, "resnet18")
    assert {"picture", "block", "convolution"} <= {*by_kind}
    face = box(page, "resnet18", "layer4").locator(".face").last
    fill = face.get_attribute("fill")
    for name, unit in (("parameters", "M"), ("operations", "M MACs"), ("receptive field", "pixels")):
        colour_by(page, name)
        assert legend(page, "resnet18") != by_kind
        assert any(unit in text for text in legend(page, "resnet18"))
        assert face.get_attribute("fill") != fill
    colour_by(page, "kind")
    assert legend(page, "resnet18") == by_kind
    assert face.get_attribute("fill") == fill
    assert "colour" not in page.url


def test_the_address_and_the_history_bring_back_two_networks_with_all_that_is_open_in_them(page, new_page, address):
    at(page, address, "?network=resnet18")
    entries = entries_of(page)
    options(page)
    page.get_by_role("combobox", name=re.compile("Compare with")).click()
    page.get_by_role("combobox", name=re.compile("Compare with")).fill("Plain-18")
    page.get_by_role("option", name="Plain-18", exact=True).click()
    settled(page, 2)
    toggle(page, "resnet18", "layer1")
    expect(box(page, "plain18", "layer1.0", "right")).to_be_attached(timeout=30_000)  # opened together
    box(page, "resnet18", "layer1.0").click()
    expect(title(page, "ResNet-18 · layer1.0")).to_be_visible(timeout=30_000)
    whole(page, "plain18", "right")
    box(page, "plain18", "conv1", "right").click()
    expect(title(page, "Plain-18 · conv1")).to_be_visible(timeout=30_000)
    idle(page)
    colour_by(page, "activation memory")

    def state(page) -> tuple:
        return (
            page.url,
            names(page, "resnet18"),
            names(page, "plain18", "right"),
            close_ups(page).all_inner_texts(),
            legend(page, "resnet18"),
            legend(page, "plain18", "right"),
        )

    before = state(page)
    for part in ("compare=plain18", "colour=memory", "node_left=layer1.0", "node_right=conv1"):
        assert part in page.url
    assert len(before[3]) == 2
    assert page.evaluate("navigation.entries().length") == entries + 2  # one for each box that was looked at
    for move, looked_at in (("back", 1), ("back", 0), ("forward", 1), ("forward", 2)):
        page.evaluate(f"history.{move}()")
        expect(close_ups(page)).to_have_count(looked_at, timeout=30_000)
        for network, name, place, is_seen in (
            ("resnet18", "layer1.0", "left", looked_at > 0),
            ("plain18", "conv1", "right", looked_at > 1),
        ):
            expect(canvas(page, network, place).locator("[aria-pressed]")).to_have_count(int(is_seen))
            expect(box(page, network, name, place).and_(page.locator("[aria-pressed]"))).to_have_count(int(is_seen))
        idle(page)
    soon(page, lambda: state(page) == before)
    page.reload()
    settled(page, 2)
    soon(page, lambda: state(page) == before)
    other = new_page()
    other.goto(page.url)
    settled(other, 2)
    soon(other, lambda: state(other) == before)


def test_a_search_looks_at_the_layer_and_opens_the_way_to_it(page, address):
    at(page, address, "?network=resnet50")
    search = page.get_by_role("combobox", name=re.compile("Search"))
    three = "layer2 = conv3_x = stage 3 = layer 3"
    names_of_three = ("layer2", "conv3_x", "stage 3", "layer 3")
    for words, name in (("layer3.4.conv2", "layer3.4.conv2"), *((word, three) for word in names_of_three)):
        search.click()
        search.fill(words)
        expect(page.get_by_role("option").first).to_have_text(name)
        search.press("Enter")
        expect(search).to_have_value("", timeout=30_000)  # the server empties it, which could take the next words away
        expect(title(page, f"ResNet-50 · {name}")).to_be_visible(timeout=30_000)
        expect(box(page, "resnet50", name.partition(" = ")[0])).to_have_attribute("aria-pressed", "true")
        idle(page)
    assert {"layer3.4.conv2", "layer2"} < names(page, "resnet50")


def test_everything_is_opened_and_closed_at_once(page, address):
    graph = graph_of("squeezenet1_1")
    at(page, address, "?network=squeezenet1_1")
    closed = names(page, "squeezenet1_1")
    page.get_by_role("button", name="Open all").click()
    expect(canvas(page, "squeezenet1_1").locator('[role="button"]')).to_have_count(
        len(graph.nodes) + len(graph.blocks) - 1, timeout=30_000
    )
    idle(page)
    assert "open_left=*" in page.url.replace("%2A", "*")
    page.get_by_role("button", name="Close all").click()
    expect(canvas(page, "squeezenet1_1").locator('[role="button"]')).to_have_count(len(closed), timeout=30_000)
    idle(page)
    assert "open_left" not in page.url


def test_quick_clicks_all_count(page, address):
    at(page, address, "?network=resnet18")
    box(page, "resnet18", "layer1").locator(".toggle").click()
    for name in ("maxpool", "conv1", "bn1"):  # wherever they are by now, for the block is about to fill the view
        box(page, "resnet18", name).dispatch_event("click")
    expect(title(page, "ResNet-18 · bn1 ")).to_be_visible(timeout=30_000)
    expect(box(page, "resnet18", "layer1.0")).to_be_attached(timeout=30_000)
    idle(page)
    assert close_ups(page).count() == 1
    assert "open_left=layer1&node_left=bn1" in page.url


def test_what_is_taken_away_can_be_read(page, address):
    graph = graph_of("resnet18")
    at(page, address, "?network=resnet18&count=flops&colour=operations")
    page.get_by_role("button", name="Download", exact=True).click()
    files = {}
    for name, ending in (
        ("Drawing (SVG)", "svg"),
        ("Drawing (PNG)", "png"),
        ("Table of layers (CSV)", "csv"),
        ("Graph (JSON)", "json"),
    ):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"convscope-resnet18.{ending}"
        files[ending] = download.value.path().read_bytes()

    drawing = ElementTree.fromstring(files["svg"])
    texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.startswith("layer1") for text in texts)
    assert any("ResNet-18" in text and "3×224×224" in text for text in texts)
    assert any("operations" in text and "FLOPs" in text for text in texts)
    picture = Image.open(io.BytesIO(files["png"]), formats=["PNG"])
    picture.load()
    assert min(picture.size) > 200

    rows = list(csv.DictReader(io.StringIO(files["csv"].decode("utf-8-sig"))))
    assert [row["layer"] for row in rows] == [*graph.nodes]
    assert sum(int(row["flops"] or 0) for row in rows) == graph.counted(counting=Counting(flops=True))
    content = json.loads(files["json"])
    assert (content["network"], content["macs"]) == ("resnet18", ARCHITECTURES["resnet18"].macs)
    assert len(content["nodes"]) == len(graph.nodes)
    assert len(content["edges"]) == len(graph.edges)


def test_the_time_of_every_operation_is_measured_and_colours_the_graph(page, address):
    at(page, address, "?network=lenet5&open_left=*&node_left=features.c1")
    colour_by(page, "measured time")
    expect(figure(page, "measured time")).to_contain_text("ms", timeout=60_000)
    idle(page)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert [text for text in legend(page, "lenet5") if text.endswith(" ms")]
    assert legend(page, "lenet5")[-1] == "not measured"  # the picture
    expect(canvas(page, "lenet5").locator(".hatching")).to_have_count(1)
    assert "colour=time" in page.url


def test_a_measurement_shows_how_far_it_is_and_can_be_stopped_and_begun_again(page, address):
    at(page, address, "?network=vgg19&side=448")
    page.get_by_role("radio", name="measured time", exact=True).click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(page.get_by_text("Measuring every operation on this machine")).to_be_visible(timeout=30_000)
    stop.click()
    expect(page.get_by_text("Stopped before anything was measured")).to_be_visible(timeout=60_000)
    expect(stop).to_have_count(0)
    idle(page)
    expect(canvas(page, "vgg19")).to_be_visible()
    colour_by(page, "parameters")
    expect(page.get_by_text("Stopped before anything was measured")).to_have_count(0)
    page.get_by_role("radio", name="measured time", exact=True).click()
    expect(stop).to_be_visible(timeout=30_000)
    stop.click()
    expect(stop).to_have_count(0, timeout=60_000)


def test_from_a_layer_one_comes_to_what_it_responds_to(page, address):
    at(page, address, "?network=lenet5&open_left=*&node_left=features.s2")
    page.get_by_role("button", name="What this layer responds to").click()
    first = page.get_by_test_id("stMain").get_by_role("heading", level=2).first
    expect(first).to_have_text("Layer features.s2", timeout=60_000)
    idle(page)
    assert "/layers?" in page.url
    assert "also=features.s2" in page.url
    expect(page.get_by_role("heading", name="Layer C5", exact=True)).to_be_visible(timeout=60_000)


def test_from_the_compared_network_one_comes_to_its_layer_and_back_to_both(page, address):
    at(page, address, "?network=lenet5&compare=zfnet_mini&open_right=*&node_right=features.conv2", 2)
    page.get_by_role("button", name="What this layer responds to").click()
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=2).first).to_have_text(
        "Layer features.conv2", timeout=60_000
    )
    idle(page)
    assert "network=zfnet_mini" in page.url
    expect(page.get_by_role("combobox", name=re.compile("Network")).first).to_have_value(re.compile("ZFNet mini"))


def test_a_server_that_has_just_been_started_opens_the_page_without_a_word(browser, server):
    page = browser.new_page()  # Streamlit notes on its console that it knows no such page yet
    at(page, f"{server(ROOT / 'app.py', '--server.runOnSave=false')}/architecture", "?network=lenet5")
    page.wait_for_timeout(1500)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("The layer graph")
    assert "/architecture?network=lenet5" in page.url
    page.close()


def test_two_visitors_do_not_disturb_each_other(new_page, address):
    one, other = (at(new_page(), address, "?network=resnet18") for _ in range(2))
    toggle(one, "resnet18", "layer1")
    toggle(other, "resnet18", "layer2")
    whole(one, "resnet18")
    box(one, "resnet18", "conv1").click()
    expect(title(one, "conv1")).to_be_visible(timeout=30_000)
    colour_by(other, "parameters")
    idle(one)
    assert {"layer1.0", "layer2.0"} & names(one, "resnet18") == {"layer1.0"}
    assert {"layer1.0", "layer2.0"} & names(other, "resnet18") == {"layer2.0"}
    expect(close_ups(other)).to_have_count(0)
    assert "picture" in legend(one, "resnet18")


def test_another_network_starts_closed_and_the_first_comes_back_as_it_was(page, address):
    at(page, address, "?network=resnet18&open_left=layer1&node_left=layer1.0")
    chosen = page.get_by_role("combobox", name=re.compile("Network")).first
    for network, name, looked_at in (("plain18", "Plain-18 (2015)", 0), ("resnet18", "ResNet-18 (2015)", 1)):
        chosen.click()
        chosen.fill(name)
        page.get_by_role("option", name=re.compile(rf"^{re.escape(name)} · ")).click()
        expect(canvas(page, network)).to_be_visible(timeout=30_000)
        settled(page)
        expect(close_ups(page)).to_have_count(looked_at)
    assert {"layer1.0", "layer1.1"} < names(page, "resnet18")
    assert "open_left=layer1&node_left=layer1.0" in page.url


def test_fits_a_telephone(new_page, address):
    link = "?network=resnet18&compare=plain18&open_left=layer1&node_left=layer1.0&node_right=conv1&colour=operations"
    page = at(new_page(**PHONE, has_touch=True, is_mobile=True), address, link, 2)
    fits(page)
    for network, place in (("resnet18", "left"), ("plain18", "right")):
        edge = canvas(page, network, place).bounding_box()
        assert edge["x"] >= 0
        assert edge["x"] + edge["width"] <= 390
        assert edge["width"] > 300
    page.get_by_role("button", name="Close", exact=True).first.tap()
    expect(close_ups(page)).to_have_count(1, timeout=30_000)
    at(page, address, "?network=vgg16&open_left=*&node_left=classifier.6")
    expect(box(page, "vgg16", "classifier.6")).to_be_in_viewport(ratio=1)
    sheet = page.locator('.st-key-drawer[data-place="over"]')
    expect(sheet).to_be_in_viewport()
    page.wait_for_timeout(1000)  # the graph comes to the top, the box above the sheet
    last = box(page, "vgg16", "classifier.6").locator(".face").last

    def is_above_the_sheet() -> bool:
        seen = last.bounding_box()
        return 60 < seen["y"] < seen["y"] + seen["height"] < sheet.bounding_box()["y"]

    soon(page, is_above_the_sheet)


@pytest.mark.parametrize("network", ["vgg16", "densenet121"])
def test_a_deep_network_with_everything_open_can_be_read_on_a_projector(new_page, address, network):
    page = at(new_page(viewport={"width": 1920, "height": 1080}), address, f"?network={network}&open_left=*")
    page.get_by_role("button", name="Fit", exact=True).click()
    rested(canvas(page, network))
    names_of_boxes = canvas(page, network).locator(".boxes text.title")
    assert names_of_boxes.count() == len(graph_of(network).nodes)
    sizes = names_of_boxes.evaluate_all("""
        all => all.map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)
    """)
    assert sorted(sizes)[len(sizes) // 10] >= 9
    frame, drawn = (canvas(page, network).locator(part).bounding_box() for part in ("xpath=.", ".boxes"))
    for start, length in (("x", "width"), ("y", "height")):
        assert frame[start] <= drawn[start] < drawn[start] + drawn[length] <= frame[start] + frame[length]
    assert max(drawn[side] / frame[side] for side in ("width", "height")) > 0.8


def test_two_networks_are_seen_at_once_on_a_telephone(new_page, address):
    options = {**PHONE, "has_touch": True, "is_mobile": True, "user_agent": "Mozilla/5.0 (Android 15; Mobile)"}
    page = at(new_page(**options), address, "?network=resnet18&compare=plain18", 2)
    upper, lower = (canvas(page, *one).bounding_box() for one in (("resnet18", "left"), ("plain18", "right")))
    height = PHONE["viewport"]["height"]
    assert lower["y"] + 0.4 * lower["height"] < height  # that there are two is seen before one scrolls
    assert lower["y"] + lower["height"] - upper["y"] < 0.7 * height
    page.get_by_role("button", name="Search").last.tap()
    page.get_by_role("combobox", name=re.compile("Search")).fill("conv3_x")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("conv3_x")
    option.tap()
    expect(title(page, "Plain-18 · layer2 = conv3_x")).to_be_visible(timeout=30_000)


def test_follows_the_system_into_the_dark_with_maps_in_its_boxes(new_page, address):
    fills = []
    for scheme in ("light", "dark"):
        page = at(new_page(color_scheme=scheme), address, "?network=lenet5&open_left=*&thumbnails=on")
        image = box(page, "lenet5", "features.c1").locator("image")  # of its strongest map
        expect(image).to_be_visible(timeout=30_000)
        seen, around = image.bounding_box(), box(page, "lenet5", "features.c1").bounding_box()
        assert around["x"] < seen["x"] < seen["x"] + seen["width"] < around["x"] + around["width"] / 2
        assert seen["height"] == pytest.approx(seen["width"], abs=0.1)
        assert seen["height"] > 20
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
        assert image.evaluate("async image => { await image.decode?.(); return image.href.baseVal.length }") > 200
        expect(box(page, "lenet5", "features.c1")).to_have_attribute("aria-label", re.compile("\nStrongest map of "))
        face = box(page, "lenet5", "features.c1").locator(".face").last
        ground = page.locator(".stApp").evaluate("element => getComputedStyle(element).backgroundColor")
        fills.append((face.get_attribute("fill"), sum(map(int, re.findall(r"\d+", ground)[:3]))))
    (light, day), (dark, night) = fills
    assert day > 600 > 200 > night
    assert light != dark


def test_a_side_that_is_too_small_is_mended_where_it_was_typed(page, address):
    at(page, address, "?network=vgg16")
    options(page)
    side = page.get_by_role("spinbutton", name=re.compile("Picture size"))
    side.fill("10")
    side.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("it needs at least 32×32", timeout=30_000)
    expect(page.get_by_role("application")).to_have_count(0)
    side.fill("32")
    side.press("Enter")
    settled(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert "side=32" in page.url


def test_speaks_vietnamese_with_the_same_graph_open(page, address):
    at(page, address, "?network=resnet18&open_left=layer1&node_left=layer1.0")
    drawn = names(page, "resnet18")
    page.get_by_test_id("stSidebar").get_by_text("Tiếng Việt", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đồ thị tầng", timeout=30_000)
    idle(page)
    assert names(page, "resnet18") == drawn
    expect(title(page, "ResNet-18 · layer1.0 · khối, Basic")).to_be_visible()
