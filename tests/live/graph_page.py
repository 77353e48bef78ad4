"""A page of nothing but layer canvases, for test_graph_component.py.

`?canvases=2` shows two, with `&together=1` such as move together, `?boxes=900` one large drawing, `?language=vi`
Vietnamese words, `?mode=value` colours by a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import streamlit as st

from pages.common.components.graph import Action, layer_canvas

WORDS = {
    "en": {
        "canvas": "The layers of a small network",
        "hint": "Arrow keys go from layer to layer, Enter selects, Space opens and closes a block, F shows everything.",
        "zoom_in": "Zoom in",
        "zoom_out": "Zoom out",
        "fit": "Show everything",
        "full": "Full screen",
        "open": "Open",
        "close": "Close",
        "overview": "Overview",
        "note": "{count} boxes, {size} pixels.",
        "shrink": "Close the innermost",
    },
    "vi": {
        "canvas": "Các tầng của một mạng nhỏ",
        "hint": "Dùng phím mũi tên để đi qua các tầng, Enter để chọn, phím cách để mở và đóng khối, F để xem toàn bộ.",
        "zoom_in": "Phóng to",
        "zoom_out": "Thu nhỏ",
        "fit": "Xem toàn bộ",
        "full": "Toàn màn hình",
        "open": "Mở",
        "close": "Đóng",
        "overview": "Toàn cảnh",
        "note": "{count} ô, {size} điểm ảnh.",
        "shrink": "Đóng các khối trong cùng",
    },
}
FILLS = {  # for the light theme, for the dark one
    "conv": ("#cfe3f5", "#174a72"),
    "norm": ("#dcefe6", "#14503c"),
    "activation": ("#fbe3c6", "#6d4a12"),
    "pool": ("#f6d9c9", "#74351a"),
    "add": ("#f2dcea", "#693553"),
    "linear": ("#c9ecf3", "#125767"),
    "block": ("#e6e8ee", "#353b49"),
    "input": ("#f7f3c2", "#5d5813"),
}
INK = ("#14181f", "#f3f5f9")
SCALE = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
NOT_COUNTED = ("#ffffff", "#2b2f36")
GAP, MARGIN, HEADER, LINE = 28, 16, 30, 16


@dataclass(frozen=True)
class Layer:
    """An operation, or with `children` a block."""

    id: str
    kind: str
    subtitle: str = ""
    note: str = ""
    children: tuple["Layer", ...] = ()
    count: int = 1
    value: float | None = 0.0


def bottleneck(name: str) -> Layer:
    """A block with a way past its middle."""
    return Layer(
        name,
        "block",
        "Bottleneck",
        "256×56×56",
        (
            Layer(f"{name}.conv1", "conv", "1×1 Conv2d", "64×56×56", value=0.3),
            Layer(f"{name}.bn1", "norm", "BatchNorm2d", "64×56×56", value=None),
            Layer(f"{name}.conv2", "conv", "3×3 Conv2d", "64×56×56", value=1.0),
            Layer(f"{name}.add", "add", "", "256×56×56", value=None),
        ),
        value=0.6,
    )


NETWORK = (
    Layer("picture", "input", "", "3×224×224", value=None),
    Layer("conv1", "conv", "7×7 Conv2d, stride 2", "64×112×112", value=0.8),
    Layer("<b>&", "activation", "<i>ReLU</i> & more", "64×112×112", value=None),
    Layer("maxpool", "pool", "3×3 MaxPool2d", "64×56×56", value=None),
    Layer("layer1", "block", "3 × Bottleneck", "256×56×56", (bottleneck("layer1.0"), bottleneck("layer1.1")), 3, 0.7),
    Layer("a_very_long_name_that_no_box_could_ever_hold_in_full", "conv", "a subtitle, also long", "512×28×28"),
    Layer("tầng_tích_chập", "conv", "Tích chập 3×3, bước 2", "512×14×14", value=0.5),
    Layer("layer2", "block", "Bottleneck", "512×28×28", bottleneck("layer2").children, 1, 0.4),
    Layer("fc", "linear", "Linear", "1000", value=0.1),
)


def column(layers: tuple[Layer, ...], opened: set[str], middle: float, top: float, depth: int) -> Iterator[dict]:
    """The boxes of layers one below the other, centred."""
    for layer in layers:
        box = {
            **{"id": layer.id, "title": layer.id.rsplit(".", 1)[-1]},
            **{"subtitle": layer.subtitle, "note": layer.note, "count": layer.count, "value": layer.value},
            **{"fill": FILLS[layer.kind], "ink": INK, "openable": bool(layer.children), "open": False, "depth": depth},
            "label": f"{layer.id}: {layer.subtitle or layer.kind}\noutput {layer.note}",
            "twin": layer.id,
        }
        width, height = 176, 12 + LINE * (1 + bool(layer.subtitle) + bool(layer.note))
        inside: list[dict] = []
        if layer.children and layer.id in opened:
            inside = list(column(layer.children, opened, middle, top + HEADER + GAP, depth + 1))
            width = max(2 * max(abs(b["x"] - middle) for b in inside), width) + 4 * MARGIN
            height = max(b["y"] + b["height"] for b in inside) - top + GAP
        yield {**box, "x": middle - width / 2, "y": top, "width": width, "height": height, "open": bool(inside)}
        yield from inside
        top += height + GAP


def connected(layers: tuple[Layer, ...], boxes: dict[str, dict], around: str | None = None) -> Iterator[dict]:
    """Lines from each layer to the next, into and out of open blocks, and past the middle of each."""

    def middle(name: str) -> float:
        return boxes[name]["x"] + boxes[name]["width"] / 2

    def foot(name: str) -> tuple[float, float]:
        return middle(name), boxes[name]["y"] + boxes[name]["height"]

    def head(name: str) -> tuple[float, float]:
        return middle(name), boxes[name]["y"]

    names = [layer.id for layer in layers]
    for source, target in pairwise(names):
        yield {"source": source, "target": target, "points": [foot(source), head(target)]}
    if around:
        yield {"source": around, "target": names[0], "points": [head(around), head(names[0])]}
        yield {"source": names[-1], "target": around, "points": [foot(names[-1]), foot(around)]}
    if len(names) > 3:  # past the middle: drawn in a block, implied in the network
        source, target = names[0], names[3]
        (x0, y0), (x1, y1) = foot(source), head(target)
        beside = max(boxes[name]["x"] + boxes[name]["width"] for name in names[:4]) + 14
        way = [(x0, y0), (x0, y0 + 9), (beside, y0 + 9), (beside, y1 - 9), (x1, y1 - 9), (x1, y1)]
        yield {"source": source, "target": target, "points": way, "implied": not around}
    for layer in layers:
        if boxes[layer.id]["open"]:
            yield from connected(layer.children, boxes, layer.id)


def drawn(opened: set[str], mode: str) -> dict:
    """The network with these blocks open."""
    boxes = list(column(NETWORK, opened, 0, MARGIN, 0))
    left, right = min(b["x"] for b in boxes) - MARGIN, max(b["x"] + b["width"] for b in boxes) + 2 * MARGIN
    boxes = [{**box, "x": box["x"] - left} for box in boxes]
    if mode == "value":
        boxes = [box | coloured(box["value"]) for box in boxes]
    bottom = max(b["y"] + b["height"] for b in boxes) + MARGIN
    lines = list(connected(NETWORK, {box["id"]: box for box in boxes}))
    legend = list(FILLS.items())
    if mode == "value":
        legend = [(f"{25 * i} %" if i else "0", (colour, colour)) for i, colour in enumerate(SCALE)]
        legend.append(("not counted", NOT_COUNTED))
    size = {"width": right - left, "height": bottom, "header": HEADER}
    return {**size, "boxes": boxes, "lines": lines, "legend": legend}


def coloured(value: float | None) -> dict:
    """Fill and ink of a number from 0 to 1."""
    if value is None:
        return {"fill": NOT_COUNTED}
    step = round(value * (len(SCALE) - 1))
    return {"fill": (SCALE[step],) * 2, "ink": ("#ffffff" if step < 3 else "#000000",) * 2}


def large(boxes: int, columns: int = 15) -> dict:
    """Many boxes in columns, with lines to the next one and to one far away."""
    kinds = list(FILLS)
    made = [
        {
            **{
                "id": f"features.{n}",
                "title": f"features.{n}",
                "subtitle": f"3×3 Conv2d no. {n}",
                "note": f"{n}×7×7",
            },
            **{"x": 16 + 200 * (n % columns), "y": 16 + 90 * (n // columns), "width": 172, "height": 60},
            **{"fill": FILLS[kinds[n % len(kinds)]], "ink": INK, "label": f"features.{n}, 3×3 Conv2d, {n} parameters"},
        }
        for n in range(boxes)
    ]
    pairs = [(n, n + columns) for n in range(boxes - columns)]
    pairs += [(n, n + columns + 1) for n in range(boxes - columns - 1) if n % columns < columns - 1]
    lines = []
    for source, target in pairs[:1500]:
        a, b = made[source], made[target]
        (x0, y0), (x1, y1) = (a["x"] + 86, a["y"] + 60), (b["x"] + 86, b["y"])
        points = [(x0, y0), (x0, y0 + 15), (x1, y0 + 15), (x1, y1)]
        lines.append({"source": a["id"], "target": b["id"], "points": points})
    return {"width": 16 + 200 * columns, "height": 106 + 90 * ((boxes - 1) // columns), "boxes": made, "lines": lines}


@st.fragment
def canvas(key: str, drawing_of, mode: str, words: dict[str, str]) -> None:
    """A canvas that remembers what is open and selected, as a page does."""
    opened = st.session_state.setdefault(f"{key} opened", set(st.query_params.get("opened", "").split()))
    selected = st.session_state.get(f"{key} selected", st.query_params.get("selected"))
    layer_canvas(
        drawing_of(opened),
        key,
        mode=mode,
        selected=selected,
        words=words,
        height="560px",
        together=st.query_params.get("together", ""),
        on_action=lambda action: follow(key, action),
    )
    asked = st.session_state.get(f"{key} asked", [])
    st.markdown(f"{key}: selected `{selected}`, last `{asked[-1] if asked else None}`, `{len(asked)}` in all")


def follow(key: str, action: Action) -> None:
    """Does what was asked for."""
    st.session_state.setdefault(f"{key} asked", []).append(f"{action.kind} {action.id}")
    if action.kind == "select":
        st.session_state[f"{key} selected"] = action.id
    elif action.kind == "shrink":
        opened = st.session_state[f"{key} opened"]
        opened -= {name for name in opened if name.count(".") == max(other.count(".") for other in opened)}
    else:
        st.session_state[f"{key} opened"] ^= {action.id}


def page() -> None:
    """Buttons, canvases, and something to scroll to."""
    st.button("Run again")
    if st.button("Select the last one"):
        st.session_state["net selected"] = "fc"
    mode = st.query_params.get("mode", "kind")
    words = WORDS[st.query_params.get("language", "en")]
    size = int(st.query_params.get("boxes", 0))
    number = int(st.query_params.get("canvases", 1))
    for column_of_page, key in zip(st.columns(number), ["net", "other"][:number], strict=True):
        with column_of_page:
            canvas(key, (lambda opened: large(size)) if size else (lambda opened: drawn(opened, mode)), mode, words)
    st.markdown("The end  \n" * 30)


if __name__ == "__main__":
    page()
