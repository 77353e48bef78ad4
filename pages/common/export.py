"""Everything that leaves the app: buttons for files, and tables for spreadsheets."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from pages.common.text import _, language, spoken_in
from vis.figures.numbers import POINT, written_with

KINDS = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "json": "application/json",
    "zip": "application/zip",
    "npy": "application/octet-stream",
    "safetensors": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
}
LONG = 120  # characters of a file's name
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # what a spreadsheet takes for the beginning of one


def download(place, label: str, make: Callable[[], bytes | str], file: str, key: str, **look: Any) -> None:
    """A button for a file.

    Args:
        place: a container, or `st`.
        make: called when the button is pressed, outside the session: it finds nothing there, but its words and numbers
            are in the page's language.
        file: its name, of one of KINDS.
        look: as of `st.download_button`.
    """
    kind, here = KINDS[file.rpartition(".")[2]], language()

    def made() -> bytes | str:
        with spoken_in(here):
            return make()

    if kind == KINDS["csv"]:
        look = {"help": _("For programs: numbers have a decimal point and no thousands separators.")} | look
    look = {"icon": ":material/download:"} | look
    if len(file) > LONG:  # the name of a stack says all of its rows
        file = f"{file[: LONG // 2]}…{file[-LONG // 2 :]}"
    place.download_button(label, made, file, kind, key=key, on_click="ignore", **look)


def table(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """CSV as spreadsheets read it, UTF-8 with its mark; the columns are those of the first row.

    Numbers stand in full and, in every language, with a point; what is not there is empty, yes and no are 1 and 0. Text
    from outside stays text: a module, a file or a class may be called "=A1", which a spreadsheet would compute.
    """
    with written_with(POINT):
        rows = list(rows)
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(
            file, list(rows[0]), lineterminator="\r\n"
        )  # so that either of the two in a cell is quoted
        writer.writeheader()
        writer.writerows({column: cell(value) for column, value in row.items()} for row in rows)
    return file.getvalue().encode("utf-8-sig")


def cell(value: Any) -> Any:
    """A value as it stands in a table."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \n").startswith(FORMULA) else value
