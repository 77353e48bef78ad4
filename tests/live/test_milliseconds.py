"""The page “MACs are not milliseconds” in a real browser: a network is measured, and a long measurement is stopped."""

import re

import pytest

from tests.live.test_page import fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
LONG = 180_000  # milliseconds: the machine may be busy


def at(page, app: str, link: str):
    page.goto(f"{app}/milliseconds{link}")
    expect(page.get_by_role("button", name=re.compile("Measure [A-Z]"))).to_be_visible(timeout=60_000)
    return page


def measured(page):
    page.get_by_role("button", name=re.compile("Measure [A-Z]")).click()
    expect(page.get_by_role("heading", name="Roofline of this machine")).to_be_visible(timeout=LONG)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=60_000)
    return page


def test_a_small_network_is_measured_stands_under_the_roof_and_fits_a_telephone(page, app):
    measured(at(page, app, "?network=lenet5"))
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("416,520")
    roofline = page.locator(".js-plotly-plot").first
    expect(roofline.locator(".scatterlayer .lines path.js-line")).to_have_count(1, timeout=60_000)  # the roof
    expect(roofline.locator(".scatterlayer .points path")).to_have_count(5)  # two convolutions, three linear layers
    expect(roofline.get_by_text(re.compile("measured roof: .*MAC/s"))).to_be_visible()
    expect(page.locator(".js-plotly-plot").nth(1).locator(".bars .point").first).to_be_attached(timeout=60_000)
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Table of layers (CSV)").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("layer,kind,macs,read_bytes,weight_bytes,written_bytes,macs_per_byte,median_ms")
    assert sum(",117600," in line for line in lines) == 1  # C1
    page.set_viewport_size(PHONE)
    expect(roofline).to_be_visible()
    fits(page)


def test_a_long_measurement_can_be_stopped_and_its_turn_is_free_again(page, new_page, app):
    at(page, app, "?network=vgg19&batch=16").get_by_role("button", name="Measure VGG-19").click()
    other = at(new_page(), app, "?network=lenet5")
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible(timeout=30_000)
    other.get_by_role("button", name="Measure LeNet-5").click()
    expect(other.get_by_text("You are number 1 in the queue")).to_be_visible(timeout=30_000)
    stop.click()
    expect(page.get_by_text("Stopped before anything was measured.")).to_be_visible(timeout=60_000)
    expect(other.get_by_role("heading", name="Roofline of this machine")).to_be_visible(timeout=LONG)
