"""All pictures of the page as one ZIP, with a manifest that says how to make them again."""

import io
import json
import platform
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

import streamlit as st

from models import Loaded
from models.images import png
from pages.common import cache
from pages.common.export import download
from pages.common.session import Selection
from pages.common.text import _
from pages.common.widgets import warning_of
from pages.common.words import projection_in_words
from vis.deconvnet import Projection
from vis.figures.pictures import captioned, signed
from vis.responses import LayerResponse

Shown = tuple[str, Projection, float, Sequence[str]]  # a layer, one of its projections, its range, and its words


def offer(
    chosen: Selection, loaded: Loaded, seen: cache.Seen, found: Mapping[str, LayerResponse], own_range: bool
) -> None:
    """A button; the archive and its words are made when it is pressed."""

    def made() -> bytes:
        shown = [
            (layer, p, limit, projection_in_words(loaded, chosen.picture, p, limit))
            for layer, response in found.items()
            for p, limit in zip(response.projections, response.limits(own_range), strict=True)
        ]
        return archive(chosen, loaded, seen, shown, warning_of(loaded))

    download(
        st,
        _("Download all pictures (ZIP)"),
        made,
        f"convscope-{chosen.network}.zip",
        "zip",
        icon=":material/folder_zip:",
    )


def archive(
    chosen: Selection, loaded: Loaded, seen: cache.Seen, shown: Sequence[Shown], warning: str | None = None
) -> bytes:
    """A ZIP of the picture, every projection with its words and every patch as PNG, and `manifest.json`.

    Args:
        warning: stands below every projection.
    """
    file = io.BytesIO()
    entries = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as sheets:
        sheets.writestr("picture.png", png(seen.pixels))
        for layer, p, limit, words in shown:
            name = f"layer{layer}/map{p.unit.channel:04d}"
            files = {f"{name}-projection.png": captioned(signed(p.pixels.numpy(), limit), words, banner=warning)}
            patch = p.box.part_of(seen.pixels)
            if patch.size:  # a unit at the border may see nothing but padding
                files[f"{name}-patch.png"] = png(patch)
            for file_name, content in files.items():
                sheets.writestr(file_name, content)
            entries.append(
                {
                    "layer": layer,
                    "unit": asdict(p.unit),
                    "box": asdict(p.box),
                    "method": p.method,
                    "fidelity": p.fidelity,
                    "range": [-limit, limit],
                    "files": list(files),
                }
            )
        manifest = {
            "network": chosen.network,
            "weights": {k: v for k, v in asdict(loaded.weights).items() if k not in ("categories", "remarks")},
            "picture": asdict(chosen.picture),
            "preprocess": asdict(loaded.preprocess),
            "classified": asdict(loaded.classifier_input),
            "classes": [
                {
                    "class": number,
                    "name": loaded.categories[number] if loaded.categories else None,
                    "probability": share,
                }
                for number, share in seen.classes
                if loaded.weights.predicts
            ],
            "device": "cpu" if seen.on_cpu else str(loaded.device),
            "projections": entries,
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in ("torch", "torchvision", "streamlit", "numpy", "pillow")},
        }
        sheets.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
    return file.getvalue()
