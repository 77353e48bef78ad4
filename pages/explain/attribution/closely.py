"""One method seen closely: its map, its numbers, how faithful it is on this very picture, and its files."""

import io
import json
import platform
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import streamlit as st

from models.images import png
from pages.common import cache
from pages.common.export import download, table
from pages.common.panels import close_up, figures, picture_file, row_that_wraps
from pages.common.text import _, bare, plain, spoken
from pages.common.widgets import honest_png, warning_of
from pages.common.words import fidelity_in_words
from pages.explain.attribution import trust
from pages.explain.attribution.asking import View
from pages.explain.attribution.tiles import Maps
from pages.explain.attribution.words import AXIOM, DOES, about, range_of, remark_on
from vis.attribution import METHODS
from vis.figures.numbers import grouped, significant
from vis.figures.pictures import captioned


def draw(view: View, method: str, found: cache.Explained, limit: float, close: Callable[[], None]) -> None:
    """The map, large, beside its numbers; below it, how far it can be trusted."""
    title = f"{spoken(METHODS[method].title)} · {plain(view.class_name)}"
    with close_up(title, method, close):
        left, right = row_that_wraps("closely", 2)
        pixels = view.pixels_of(found, limit)
        left.image(honest_png(view.loaded, pixels), width="stretch", alt=bare(title))
        with right:
            st.markdown(spoken(DOES[method]))
            if remark := remark_on(view, method, found.map):
                st.info(plain(remark), icon=":material/info:")
            _numbers(view, method, found)
            st.caption("  \n".join(map(plain, about(view, method, found, limit))))
            _files(view, method, found, pixels, limit)
        trust.ask_and_draw(view, method, found)


def _numbers(view: View, method: str, found: cache.Explained) -> None:
    forward, back = found.passes
    kind = _("probability") if view.look["score"] == "probability" else _("logit")
    shown = [
        (_("score ({kind})", kind=kind), significant(found.score, 4)),
        (_("values"), range_of(found.map)),
        (_("sum of all"), significant(float(np.nansum(found.map)), 4)),
        (_("pictures forward, back"), f"{grouped(forward)}, {grouped(back)}"),
        (_("time"), _("{seconds} s", seconds=significant(found.seconds, 2))),
        (_("fidelity"), fidelity_in_words(found.fidelity)),
    ]
    figures(shown)
    if found.residual is not None:
        st.caption(
            _(
                "Its axiom, {axiom}, is missed by {residual}.",
                axiom=spoken(AXIOM[method]),
                residual=significant(found.residual),
            )
        )


def _files(view: View, method: str, found: cache.Explained, pixels: np.ndarray, limit: float) -> None:
    row = st.container(horizontal=True, gap="small")
    name = f"{view.chosen.network}-{method}"
    lines = about(view, method, found, limit)
    picture_file(row, pixels, lines, f"{name}.png", "closely png", loaded=view.loaded)
    download(row, _("Raw values (.npy)"), lambda: npy(found.map), f"{name}.npy", "closely npy")


def npy(values: np.ndarray) -> bytes:
    """An array as NumPy keeps it."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


# All of it --------------------------------------------------------------------------------------------------------


def offer_all(view: View, maps: Maps) -> None:
    """A button for all pictures, their raw values and a manifest."""
    ends = view.limits(maps)
    files: dict[str, Callable[[], bytes]] = {"picture.png": lambda: png(view.pixels)}
    warning = warning_of(view.loaded)
    for method, found in maps.items():
        lines = about(view, method, found, ends[method])
        files[f"{method}.png"] = lambda found=found, end=ends[method], lines=lines: captioned(
            view.pixels_of(found, end), lines, warning
        )
        files[f"{method}.npy"] = lambda found=found: npy(found.map)
        for check, rows in trust.tables(view, method):
            files[f"{method}-{check}.csv"] = lambda rows=rows: table(rows)
    said_of_all = manifest(view, maps, ends)
    files["manifest.json"] = lambda: json.dumps(said_of_all, indent=2, ensure_ascii=False).encode()
    name = f"{view.chosen.network}-why.zip"
    download(st, _("Download all maps (ZIP)"), lambda: packed(files), name, "zip", icon=":material/folder_zip:")


def packed(files: Mapping[str, Callable[[], bytes]]) -> bytes:
    """A ZIP of these files, each made now."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, make in files.items():
            archive.writestr(name, make())
    return file.getvalue()


def manifest(view: View, maps: Maps, ends: Mapping[str, float]) -> dict[str, Any]:
    """All that is needed to make the maps again."""
    picture = view.chosen.picture
    return {
        "network": view.chosen.network,
        "weights": view.loaded.weights.identity,
        "picture": {"name": picture.name, "sha256": picture.sha256, "part": picture.part},
        "target": view.target,
        "class": view.class_name,
        "negative": view.is_negative,
        "score": view.look["score"],
        "colour_scale": view.look["range"],
        "pixels": view.look["look"],
        "strength_percent": view.look["strength"],
        "trained": asdict(view.chosen.trained),
        "maps": {
            method: {
                "layer": found.layer,
                "options": dict(view.asked(method).options),
                "paper": METHODS[method].paper,
                "score": found.score,
                "fidelity": found.fidelity,
                "residual": found.residual,
                "passes": found.passes,
                "seconds": found.seconds,
                "range": [float(np.nanmin(found.map)), float(np.nanmax(found.map))],
                "full_colour_at": ends[method],
                "seed": METHODS[method].seed,
            }
            for method, found in maps.items()
        },
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("torch", "captum")},
    }
