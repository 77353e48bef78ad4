"""One method seen closely: its map, its numbers, how faithful it is on this very picture, and its files."""

import io
import json
import platform
import zipfile
from collections.abc import Callable, Hashable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import streamlit as st

from models.images import png
from models.options import Phrase
from pages.common import cache
from pages.common.export import download, table
from pages.common.panels import chart, close_up, figures, picture_file, row_that_wraps, wrapped
from pages.common.progress import watch
from pages.common.text import _, plain, said, spoken
from pages.common.widgets import honest_png, warning_of
from pages.common.words import fidelity_in_words
from pages.explain.attribution import state
from pages.explain.attribution.asking import View
from pages.explain.attribution.tiles import Maps, limits, pixels_of
from pages.explain.attribution.words import AXIOM, DOES, about, cost_in_words, range_of, remark_on
from vis.attribution import METHODS
from vis.figures.attribution import faithfulness
from vis.figures.numbers import grouped, significant
from vis.figures.pictures import captioned

RIVALS = {
    "random": Phrase("random pixels"),
    "centred": Phrase("a blob in the middle"),
    "edges": Phrase("edges of the picture"),
}


def draw(view: View, method: str, found: cache.Explained, close: Callable[[], None]) -> None:
    """The map, large, beside its numbers; below it, what happens to the score without the pixels that it names."""
    limit = limits(view, {method: found})[method]
    title = f"{spoken(METHODS[method].title)} · {plain(view.class_name)}"
    with close_up(title, method, close):
        left, right = row_that_wraps("closely", 2)
        pixels = pixels_of(view, found, limit)
        left.image(honest_png(view.loaded, pixels), width="stretch", alt=f"{title}")
        with right:
            st.markdown(spoken(DOES[method]))
            if remark := remark_on(view, method, found.map):
                st.info(plain(remark), icon=":material/info:")
            _numbers(view, method, found)
            st.caption("  \n".join(map(plain, about(view, method, found, limit))))
            _files(view, method, found, pixels, limit)
        _faithfulness(view, method, found)


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


# Faithfulness -----------------------------------------------------------------------------------------------------


def key_of_check(view: View, method: str | None) -> Hashable:
    """By what the check of a method is kept."""
    return method and (view.chosen, view.asked(method), "check")


def _faithfulness(view: View, method: str, found: cache.Explained) -> None:
    """Deletion and insertion, beside maps that know nothing of the network."""
    st.markdown(f"### {_('Are these the pixels that matter?')}")
    key = key_of_check(view, method)
    checked, job = state.result(key), state.jobs().get(key)
    if checked is not None:
        _draw_check(view, method, checked)
        return
    if job and job.running:
        words = _("Covering pixels, and bringing them back …")
        watch(lambda: state.jobs().get(key), lambda now: words, "stop check", lambda: None)
        return
    if job and job.refused:
        st.error(plain(said(job.refused)), icon=":material/error:")
    elif job and job.failed:
        st.error(_("The check failed."), icon=":material/error:")
    st.markdown(
        _(
            "Pixels are covered, those first that the map says matter most, and the score is asked again; then they "
            "come back into a blurred picture. The same is done with three maps that know nothing of the network."
        )
    )
    passes = 2 * (cache.STEPS + 1) * (len(cache.RIVALS) + 1)
    st.caption(cost_in_words((passes, 0), cache.seconds_of_passes(view.chosen, passes)))
    if st.button(_("Check this map"), icon=":material/fact_check:", key="check"):
        given, asked = cache.picture(view.chosen), view.asked(method)
        state.begin(key, lambda: cache.Check(view.loaded, given, asked, found))
        st.rerun()


def _draw_check(view: View, method: str, checked: cache.Checked) -> None:
    names = {"": spoken(METHODS[method].title)} | {name: spoken(words) for name, words in RIVALS.items()}
    kind = _("probability") if view.look["score"] == "probability" else _("logit")
    left, right = row_that_wraps("check", 2)
    for place, title, scores, across, key in (
        (left, _("Deletion: the faster it falls, the better"), checked.deletion, _("pixels covered"), "deletion"),
        (right, _("Insertion: the faster it rises, the better"), checked.insertion, _("pixels back"), "insertion"),
    ):
        with place:
            st.caption(f"**{title}**")
            lines = {names[name]: values for name, values in scores.items()}
            chart(faithfulness(checked.parts, lines, across, kind, across), f"{key} curve", title)
    deletion, insertion = _("area of deletion"), _("area of insertion")
    areas = [[names[name], *map(significant, pair)] for name, pair in checked.areas.items()]
    wrapped([_("map"), deletion, insertion], areas, "areas")
    st.caption(
        _(
            "Of a deletion a small area is good, of an insertion a large one. One picture proves little; covered and "
            "blurred pictures are none that the network was trained on."
        )
    )
    rows = rows_of(view, method, checked)
    download(st, _("Curves (CSV)"), lambda: table(rows), f"{view.chosen.network}-{method}-check.csv", "check csv")


def rows_of(view: View, method: str, checked: cache.Checked) -> list[dict[str, Any]]:
    """The curves as rows of a table."""
    return [
        {
            "network": view.chosen.network,
            "picture": view.chosen.picture.name,
            "class": view.class_name,
            "method": method,
            "map": name or method,
            "part_of_pixels": float(part),
            "score_deletion": float(checked.deletion[name][i]),
            "score_insertion": float(checked.insertion[name][i]),
        }
        for name in checked.deletion
        for i, part in enumerate(checked.parts)
    ]


# All of it --------------------------------------------------------------------------------------------------------


def offer_all(view: View, maps: Maps) -> None:
    """A button for all pictures, their raw values and a manifest."""
    ends = limits(view, maps)
    files: dict[str, Callable[[], bytes]] = {"picture.png": lambda: png(view.pixels)}
    warning = warning_of(view.loaded)
    for method, found in maps.items():
        lines = about(view, method, found, ends[method])
        pixels = pixels_of(view, found, ends[method])
        files[f"{method}.png"] = lambda pixels=pixels, lines=lines: captioned(pixels, lines, warning)
        files[f"{method}.npy"] = lambda found=found: npy(found.map)
        if checked := state.result(key_of_check(view, method)):
            rows = rows_of(view, method, checked)
            files[f"{method}-check.csv"] = lambda rows=rows: table(rows)
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
        "score": view.look["score"],
        "maps": {
            method: {
                "layer": view.asked(method).layer,
                "options": dict(view.asked(method).options),
                "paper": METHODS[method].paper,
                "score": found.score,
                "fidelity": found.fidelity,
                "residual": found.residual,
                "passes": found.passes,
                "seconds": found.seconds,
                "range": [float(np.nanmin(found.map)), float(np.nanmax(found.map))],
                "full_colour_at": ends[method],
            }
            for method, found in maps.items()
        },
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("torch", "captum")},
    }
