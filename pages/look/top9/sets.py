"""The choice of the set of pictures that is searched."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from models.decoding import MOST_MEGABYTES
from models.options import Choice, Phrase
from models.picture_sets import DATASETS, MOST_ENTRIES, MOST_ZIP_MEGABYTES, PictureSet, allowed_root, archive
from models.refusals import Refused
from models.server import server
from models.statefile import printable
from pages.common import address, cache
from pages.common.asking import ask_one
from pages.common.jobs import Job
from pages.common.progress import watch
from pages.common.session import SET_FILE, sha256_of, uploaded
from pages.common.text import _, plain, said
from pages.look.top9.state import mining
from vis.figures.numbers import grouped

SET = Choice(
    "set",
    Phrase("Set of pictures"),
    {
        "samples": Phrase("Crops of the sample photographs"),
        "folder": Phrase("A folder on the server"),
        "zip": Phrase("Your own ZIP"),
        "dataset": Phrase("A data set"),
    },
    shown_as="list",
    unlinked=("zip",),
)
DATASET = Choice(
    "dataset", Phrase("Data set"), {name: title for name, (*_of, title) in DATASETS.items()}, shown_as="list"
)
CODE = {
    "samples": """\
from models.picture_sets import samples
from models.samples import photographs

pictures = samples(photographs())
""",
    "folder": """\
from pathlib import Path
from models.picture_sets import folder

pictures = folder(Path({name!r}), Path())
""",
    "zip": """\
from pathlib import Path
from models.picture_sets import archive

pictures = archive(Path({title!r}), {title!r})
""",
    "dataset": """\
from pathlib import Path
from models.picture_sets import dataset

pictures = dataset({name!r}, Path("data"), download=True)
""",
}
FOLDERS_SHOWN = 200
DOWNLOAD_AT_MOST = 3600  # seconds

LOOPBACK = re.compile(r"(https?://)?(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")  # what proxies add


@dataclass(frozen=True)
class Chosen:
    """Which set it is; `name` is the folder's below the allowed one, the data set's, or the sha256 of a ZIP."""

    kind: str  # "samples", "folder", "zip", "dataset"
    name: str = ""

    @property
    def private(self) -> bool:
        """Whether it is the user's own, so that what is found in it stays with the session."""
        return self.kind == "zip"


def choose(kind: str) -> Chosen | None:
    """The set of this kind that is chosen; None while there is nothing to choose, and the page says why."""
    kinds = {"samples": lambda: Chosen("samples"), "folder": _folder, "zip": _zip, "dataset": _dataset}
    return kinds[kind]()


def _folder() -> Chosen | None:
    root = allowed_root()
    if root is None:
        st.info(
            _(
                "No folder on this server is open to visitors. Its administrator can open one, with its subfolders, "
                "by starting the app with the environment variable CONVSCOPE_PICTURES set to its path."
            ),
            icon=":material/folder_off:",
        )
        return None
    folders = cache.folders_below(str(root), FOLDERS_SHOWN)
    linked = address.opened_with().get("folder", folders[0])
    folders = folders if linked in folders else [linked, *folders]
    known = Choice(
        "folder",
        Phrase("Folder"),
        {name: Phrase("all of it") if name == "." else name for name in folders},
        folders[0],
        shown_as="list",
        help=Phrase("A folder inside the one open to visitors. You can also type a path, such as birds/2024."),
    )
    name = ask_one(st, known, comes_back=True, accept_new_options=True)
    address.note(folder=name or None)
    return Chosen("folder", name) if name else None


def _zip() -> Chosen | None:
    if not server().takes_archives:
        st.info(_("This server takes no ZIPs of pictures; choose another set."), icon=":material/folder_off:")
        return None
    file = st.file_uploader(
        _("A ZIP with pictures"),
        ["zip"],
        key=SET_FILE,
        max_upload_size=MOST_ZIP_MEGABYTES,
        on_change=_forget,
        help=_("Only you can see it. It is kept until you remove or replace it, or close the app."),
    )
    if file:
        return Chosen("zip", sha256_of(file))
    if kept := mining().archive:  # Streamlit forgets what is in an uploader when its page is left
        digest, pictures = kept
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown(_("**{title}** is still here.", title=plain(pictures.title)))
        button.button(_("Remove"), icon=":material/close:", key="remove archive", on_click=_forget, width="stretch")
        return Chosen("zip", digest)
    st.info(
        _(
            "Upload a ZIP with up to {number} pictures of at most {megabytes} MB each. Folder names are used as "
            "classes.",
            number=grouped(MOST_ENTRIES),
            megabytes=MOST_MEGABYTES,
        )
    )
    return None


def _forget() -> None:
    """Lets the kept ZIP go, and what is being made of its pictures."""
    state = mining()
    if state.job and state.asked and state.archive and state.asked.fingerprint == state.archive[1].fingerprint:
        state.job.stop()
    state.archive = state.nines = None


def _archive(digest: str) -> PictureSet:
    """The set in the session's ZIP; raises as `models.picture_sets.archive`."""
    state = mining()
    if state.archive is None or state.archive[0] != digest:
        state.archive = None
        file = uploaded(SET_FILE)
        state.archive = digest, archive(file.getvalue(), file.name)
    return state.archive[1]


def _dataset() -> Chosen:
    name = ask_one(st, DATASET, comes_back=True)
    address.note(dataset=name)
    return Chosen("dataset", name)


def opened(chosen: Chosen) -> PictureSet | None:
    """The set, listed but not read; None where it cannot be had, and the page says why."""
    try:
        with st.spinner(_("Listing the pictures …"), show_time=True):
            if chosen.kind == "samples":
                return cache.sample_crops()
            if chosen.kind == "folder":
                return cache.pictures_in_folder(str(allowed_root()), chosen.name)
            if chosen.kind == "zip":
                return _archive(chosen.name)
            return cache.pictures_in_dataset(chosen.name)
    except Refused as refusal:
        if chosen.kind == "dataset":  # the refusal names a folder of the server, which visitors must not see
            _download(chosen.name)
        else:
            st.error(plain(said(refusal)), icon=":material/error:")
    return None


def title_of(chosen: Chosen, pictures: PictureSet) -> str:
    """What the set is called on the page."""
    if chosen.kind == "samples":
        return _("crops of {number} sample photographs", number=len(set(pictures.sources)))
    if chosen.kind == "folder" and chosen.name != ".":
        return printable(chosen.name)
    return pictures.title


def in_code(chosen: Chosen, pictures: PictureSet) -> str:
    """Python that opens the set; of a folder, where the program is started in the one that is open to visitors."""
    return CODE[chosen.kind].format(name=chosen.name, title=pictures.title)


def _download(name: str) -> None:
    """A button that fetches the data set, and how that went; or who can have it fetched."""
    jobs, title = mining().downloads, plain(DATASETS[name][2])
    job = jobs.get(name)
    if job and job.running:
        watch(lambda: jobs[name], lambda _job: _("Downloading {name} …", name=title), "stop download", stop=None)
        return
    if job and (job.refused or job.failed):
        words = _("{name} could not be downloaded; check the server's connection and disk, and try again.", name=title)
        st.error(words, icon=":material/cloud_off:")
    elif jobs.pop(name, None):
        st.rerun()  # it came after the page had looked for it
    else:
        st.info(_("{name} is not on this server yet, or incomplete.", name=title), icon=":material/info:")
    if server().datasets == "nobody":
        st.markdown(_("This server downloads no data sets; choose another set."))
        return
    if not (server().datasets == "everybody" or is_here(st.context.ip_address, st.context.headers)):
        st.markdown(
            _(
                "The server's administrator can download it in a browser on the same machine, or allow downloads for "
                "all visitors by starting the app with the environment variable CONVSCOPE_DOWNLOADS set to 1."
            )
        )
        return
    if st.button(_("Download it to this server"), icon=":material/download:", key="download data set"):
        jobs[name] = Job(lambda report, stopped: cache.download_dataset(name), DOWNLOAD_AT_MOST)
        st.rerun()


def is_here(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a visitor's browser runs on the server's own machine.

    Args:
        address: the visitor's as Streamlit gives it, None for this machine; also for who comes by a proxy on it.
        headers: of the visitor's request.
    """
    if address is not None or any(name in headers for name in FORWARDED):
        return False
    return all(LOOPBACK.fullmatch(headers.get(name, "")) for name in ("Origin", "Host"))
