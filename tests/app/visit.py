"""A visitor of the app without a browser: what they set, and what they then read."""

import base64
import csv
import io
import json
import re
import threading
import time
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.util import calc_hash

from models import ARCHITECTURES
from pages.common import routes
from pages.common.asking import Live
from pages.common.components.reach import class_of
from pages.common.jobs import THREAD
from pages.common.opened import Opened
from pages.common.routes import Route
from pages.common.session import PICTURE_FILE, WEIGHTS_FILE

APP = Path(__file__).parents[2] / "app.py"
HOME, LAYERS, GRAPH, FILTERS, ACTIVATIONS, TOP9 = (
    *(routes.HOME, routes.LAYERS, routes.GRAPH, routes.FILTERS, routes.ACTIVATIONS, routes.TOP9),
)
ROUTES = {route.name: route for section in routes.SECTIONS.values() for route in section}
MOBILENET, MILLISECONDS, STACK = (ROUTES[name] for name in ("mobilenet", "milliseconds", "stack"))

SAMPLES = ("Samples", "Các ảnh mẫu")  # what the picture of all samples is called


def read_csv(content: bytes) -> list[dict[str, str]]:
    """The rows of a table that the app gave away, as a spreadsheet reads them."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def in_vietnamese(number: str) -> str:
    """A number with a point and commas as it is written in Vietnamese."""
    return number.translate(str.maketrans(",.", ".,"))


def a_moment() -> None:
    """Returns when no job is at work any more, or after a second: a page that is run again and again meanwhile takes
    the time of what it waits for.
    """
    end = time.monotonic() + 1
    time.sleep(0.02)
    while time.monotonic() < end and any(thread.name == THREAD for thread in threading.enumerate()):
        time.sleep(0.02)


def unpacked(frames: str) -> list:
    """What a slider can be dragged to, as a browser reads it."""
    return json.loads(zlib.decompress(base64.b64decode(frames)))


def redrawn(chart, by):
    """The chart as a browser draws it anew where these parts of it are other ones."""
    if isinstance(by, dict) and isinstance(chart, dict):
        return {**chart, **{name: redrawn(chart[name], other) for name, other in by.items()}}
    if isinstance(by, dict):
        return [redrawn(each, by[str(place)]) if str(place) in by else each for place, each in enumerate(chart)]
    return by


class Visit:
    """One session of the app, opened at a link to one of its pages; None is the page without a name."""

    def __init__(self, page: Route | None = LAYERS, /, **link: str):
        self.at = AppTest.from_file(str(APP), default_timeout=60)
        if page:  # AppTest's own way knows pages by the names of their files until the app has run
            self.at._page_hash = calc_hash("" if page == HOME else page.name)
        for name, value in link.items():
            self.at.query_params[name] = value
        for part in ("code", "layers", "steps", "story"):  # which a visitor opens
            self.at.session_state[f"open {part}"] = True
        self.run()

    def run(self) -> "Visit":
        """Reruns the app; a traceback on the page fails the test."""
        self._speak()
        self.at.run()
        self._speak()
        assert not self.at.exception, self.at.exception[0].value
        return self

    def _speak(self) -> None:
        """AppTest asks for the names of options outside the app's run, where they would be English in every session."""
        if "language" in self.at.session_state:
            st.session_state["language"] = self.at.session_state["language"]

    # What is set ---------------------------------------------------------------------------------------------------

    def choose(self, **values: object) -> "Visit":
        """Sets widgets by their keys; a sample as a click on its picture does, which needs a browser."""
        self._speak()
        if sample := values.pop("sample", None):
            kind = "/digits" if ARCHITECTURES[self.link["network"]].reads_digits else ""
            self.at.session_state[f"sample{kind}"] = sample
        for key, value in values.items():
            self.widget({"language": "chosen_language"}.get(key, key)).set_value(value)
        return self.run()

    def widget(self, key: str):
        """A widget by its key, or by what comes in it after the page's name, such as "sort" or "layer/zfnet_mini"."""
        kinds = (
            *("selectbox", "slider", "button_group", "text_input", "menu_button"),
            *("multiselect", "number_input", "pagination", "toggle", "select_slider", "text_area"),
        )
        drawn = [w for kind in kinds for w in self.at.get(kind) if w.key]
        for is_meant in (
            lambda known: known == key,
            lambda known: known.partition("/")[2] == key,
            lambda known: known.partition("/")[2].partition("/")[0] == key,
            lambda known: known.partition("/")[0] == key,  # of the frame, for a picture
        ):
            if found := [w for w in drawn if is_meant(w.key)]:
                (widget,) = found
                return widget
        raise LookupError(f"There is no widget {key!r}; there are {[w.key for w in drawn]}.")

    def go(self, page: Route) -> "Visit":
        """Goes to another page by the menu."""
        self.at.switch_page(page.script)
        return self.run()

    def go_back(self, **link: str) -> "Visit":
        """Goes by Back or Forward to an entry of the browser's history, whose address says this of the same page."""
        self.at.query_params.clear()
        self.at.query_params.update(link)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(local_script_runner, "RerunData", partial(RerunData, is_history_navigation=True))
            return self.run()

    def upload(self, content: bytes, name: str = "picture.png", key: str = PICTURE_FILE) -> "Visit":
        self.at.file_uploader(key=key).upload(name, content, "application/octet-stream")
        return self.run()

    def upload_weights(self, content: bytes, name: str = "weights.pt") -> "Visit":
        return self.upload(content, name, WEIGHTS_FILE)

    def remove_upload(self, key: str = PICTURE_FILE) -> "Visit":
        self.at.file_uploader(key=key).set_value(None)
        return self.run()

    def press(self, key: str) -> "Visit":
        """Presses a button."""
        self.at.button(key=key).click()
        return self.run()

    def edit(self, edited: dict | None = None, added: Sequence[dict] = (), deleted: Sequence[int] = ()) -> "Visit":
        """Does something in the one table that can be edited, which AppTest cannot: what a browser would send."""
        (table,) = self.at.data_editor
        states = self.at._tree.get_widget_states()
        state = states.widgets.add()
        state.id = table.proto.id
        state.string_value = json.dumps(
            {"edited_rows": edited or {}, "added_rows": list(added), "deleted_rows": list(deleted)}
        )
        return self._send(states)

    def _send(self, states) -> "Visit":
        """Reruns the app with these states of its widgets."""
        self._speak()
        self.at._run(states)
        self._speak()
        assert not self.at.exception, self.at.exception[0].value
        return self

    def arrow(self, *keys: str) -> "Visit":
        """Presses arrow keys while the page is presented, which AppTest cannot: what a browser would send."""
        (steps,) = (each.proto for each in self.at.get("bidi_component") if "heard" in json.loads(each.proto.json))
        states = self.at._tree.get_widget_states()
        state = states.widgets.add()
        state.id = _make_trigger_id(steps.id, "events")
        pressed = {"number": json.loads(steps.json)["heard"] + 1, "keys": keys}
        state.json_trigger_value = json.dumps([{"event": "pressed", "value": pressed}])
        return self._send(states)

    def click_cell(self, number: int, cell: int) -> "Visit":
        """Clicks a cell of the drawing of that number among the sheets of cells: what a browser would send."""
        sheets = [each.proto for each in self.at.get("bidi_component") if "tubed" in json.loads(each.proto.json)]
        states = self.at._tree.get_widget_states()
        state = states.widgets.add()
        state.id = _make_trigger_id(sheets[number].id, "events")
        state.json_trigger_value = json.dumps([{"event": "clicked", "value": cell}])
        return self._send(states)

    def type_maps(self, layer: str, text: str) -> "Visit":
        """Numbers of feature maps into the box of a layer."""
        if self.widget("which").value != "typed":
            self.choose(which="typed")
        return self.choose(**{f"maps_{layer}": text})

    def open(self, layer: str, channel: int, position: tuple[int, int] | None = None) -> "Visit":
        """Opens a unit as a click does, which needs a browser."""
        return self.keep("opened layers", Opened(layer, channel, position))

    def keep(self, name: str, value: object) -> "Visit":
        """Makes this what the session keeps under this name, as a click does that needs a browser."""
        self.at.session_state["kept"] = {**self.at.session_state["kept"], name: value}
        return self.run()

    def drag(self, of: str, **values: float) -> "Visit":
        """Moves live sliders of this set as a drag does, which needs a browser."""
        live = self.live(of)
        return self._put(of, Live({**live.values, **values}, next(iter(values)), live.near))

    def approach(self, of: str, slider: str) -> "Visit":
        """Goes to one of the live sliders of this set, as a pointer does before it drags."""
        live = self.live(of)
        return self._put(of, Live(live.values, live.moved, slider))

    def _put(self, of: str, live: Live) -> "Visit":
        (name,) = (name for name in self.at.session_state["kept"] if name.endswith(f"/sliders/{of}"))
        return self.keep(name, live)

    def live(self, of: str) -> Live:
        """Where the live sliders of this set stand."""
        (live,) = (kept for n, kept in self.at.session_state["kept"].items() if n.endswith(f"/sliders/{of}"))
        return live

    # What is read --------------------------------------------------------------------------------------------------

    @property
    def link(self) -> dict[str, str]:
        """The address bar; as a browser's, each name once."""
        return {k: v[-1] if isinstance(v, list) else v for k, v in self.at.query_params.items()}

    @property
    def errors(self) -> list[str]:
        return [error.value for error in self.at.error]

    @property
    def warnings(self) -> str:
        return "\n".join(warning.value for warning in self.at.warning)

    @property
    def captions(self) -> str:
        return "\n".join(caption.value for caption in self.at.caption)

    @property
    def layers(self) -> list[str]:
        """The headings of the layers that are shown."""
        return [heading.value for heading in self.at.header]

    @property
    def following(self) -> dict:
        """The data of the live sliders: where they stand, and what is shown beside them."""
        components = (json.loads(element.proto.json) for element in self.at.get("bidi_component"))
        (data,) = (each for each in components if "sliders" in each)
        return data

    @property
    def sheets(self) -> list[dict]:
        """The data of the drawings that are sheets of cells, in the order of the page."""
        return [data for c in self.at.get("bidi_component") if "tubed" in (data := json.loads(c.proto.json))]

    @property
    def words(self) -> str:
        """Everything that is written as Markdown."""
        return "\n".join(part.value for part in self.at.markdown)

    @property
    def reach(self) -> dict[int, dict]:
        """What is shown at the places that the slider that the visitor is at can be moved to."""
        return dict(unpacked(self.following["reach"]["frames"]))

    def dragged(self, key: str) -> list[dict]:
        """What parts of the page show at each stop of the slider with this key, by the classes of their containers."""
        components = (json.loads(each.proto.json) for each in self.at.get("bidi_component"))
        reach = (each for data in components if data.keys() == {"reach"} for each in data["reach"])
        (frames,) = (each["frames"] for each in reach if each["key"] == class_of(key))
        return unpacked(frames)

    def chart(self, key: str) -> dict:
        """The chart that the page draws with this key."""
        (chart,) = (each.proto for each in self.at.get("plotly_chart") if each.proto.id.endswith(f"-{key}"))
        return json.loads(chart.spec)

    @property
    def stands(self) -> dict[str, float]:
        """The values of the live sliders, by their labels."""
        data = self.following
        return {s["label"]: s["values"][place] for s, place in zip(data["sliders"], data["places"], strict=True)}

    def made_by_code(self) -> dict[str, object]:
        """What is called what when the page's code has run."""
        (code,) = (block.value for block in self.at.code if block.language == "python")
        names: dict[str, object] = {}
        exec(code, names)
        return names

    @property
    def inspector(self) -> str | None:
        """The title of the opened unit; the other headings of its size are in the long text."""
        return next((m.value[3:] for m in self.at.markdown if re.match(r"## \w+ \w+ · ", m.value)), None)

    @property
    def predictions(self) -> list[str]:
        """What the network takes the picture for, most probable first."""
        return [f"{one['name']} · {one['percent']}" for one in self.strip["answer"]["classes"]]

    @property
    def strip(self) -> dict:
        """The data of the photograph with a unit of every layer."""
        components = (json.loads(element.proto.json) for element in self.at.get("bidi_component"))
        (strip,) = [data for data in components if "tiles" in data]
        return strip

    def pictures(self) -> list[dict]:
        """The data of every clickable picture but the samples, in the order of the page."""
        components = (json.loads(element.proto.json) for element in self.at.get("bidi_component"))
        return [data for data in components if "picture" in data and data["alt"] not in SAMPLES]

    def maps_of(self, layer: int) -> list[int]:
        """The numbers of the feature maps that are shown of the layer, counted from 0, while no unit is open."""
        return [int(re.search(r"\d+", label).group()) for label in self.pictures()[2 * layer]["labels"]]
