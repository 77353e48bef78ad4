"""Tables for spreadsheets: whatever is written is read again, and text stays text."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.common.export import KINDS, download, table
from pages.common.text import _, spoken_in
from vis.figures.numbers import Marks, fixed, percent, written_with


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_table_begins_with_the_mark_by_which_spreadsheets_know_utf_8():
    assert table([{"layer": "tầng"}]).startswith(b"\xef\xbb\xbf")
    assert read(table([{"layer": "tầng"}])) == [{"layer": "tầng"}]


def test_a_table_without_rows_is_empty():
    assert table([]) == b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (0, "0"),
        (-3, "-3"),
        (-0.25, "-0.25"),
        (1e-30, "1e-30"),
        (True, "1"),
        (False, "0"),
        (np.True_, "1"),
        ("-", "'-"),
    ],
)
def test_numbers_stand_in_full_and_what_is_not_there_is_empty(value, cell):
    assert read(table([{"value": value}, {"value": 1}]))[0] == {"value": cell}


def test_numbers_of_a_table_have_a_point_where_the_page_writes_a_comma():
    with written_with(Marks(",", ".")):
        assert percent(0.5) == "50,0 %"
        (row,) = read(table({"value": value, "said": percent(value)} for value in (0.5,)))
    assert row == {"value": "0.5", "said": "50.0 %"}


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", '=HYPERLINK("http://x","y")']
)
def test_a_file_or_module_called_like_a_formula_is_text_in_a_spreadsheet(name):
    (row,) = read(table([{"picture": name, "class": f"a{name}"}]))
    assert row == {"picture": f"'{name}", "class": f"a{name}"}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=5))
def test_no_cell_begins_like_a_formula_and_no_text_is_lost(names):
    found = read(table([{str(i): name for i, name in enumerate(names)}]))
    cells = list(found[0].values())
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [cell.removeprefix("'") for cell in cells] == [name.removeprefix("'") for name in names]


def test_every_kind_of_file_has_a_media_type():
    assert all("/" in kind for kind in KINDS.values())


def test_a_file_made_after_the_run_speaks_its_language():
    """In a thread without a session, as when the button is pressed."""
    made = []

    class Place:
        def download_button(self, label, make, *args, **look):
            made.append(make)

    for language in ("vi", "en"):
        with spoken_in(language):
            download(Place(), "PNG", lambda: f"{_('random weights')} {fixed(1.5, 1)}", "a.png", "a")
    with ThreadPoolExecutor(1) as thread:
        assert [thread.submit(make).result() for make in made] == ["trọng số ngẫu nhiên 1,5", "random weights 1.5"]
