"""Parts of a page that are drawn anew by themselves, inside one another."""

from pathlib import Path

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SCRIPT = Path(__file__).with_name("parts_page.py")
pytestmark = pytest.mark.browser


def test_a_part_that_begins_anew_before_it_was_sent_takes_what_is_inside_with_it(page, server):
    page.goto(server(SCRIPT))
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("below it, 0 to go")).to_be_visible()
    expect(page.get_by_text("inner part")).to_have_count(1)


def test_without_that_streamlit_turns_the_page_white(browser, server):
    page = browser.new_page()
    page.goto(f"{server(SCRIPT)}?framed=no")
    with page.expect_event("pageerror") as error:
        page.get_by_role("button", name="Open").click()
    assert "delta path" in str(error.value)
    expect(page.get_by_role("button", name="Open")).to_have_count(0)
    page.close()
