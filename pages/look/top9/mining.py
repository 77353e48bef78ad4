"""The search for the pictures that excite feature maps most: how far it is, how to stop it, and how it goes on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from models import Loaded
from models.picture_sets import PictureSet
from models.server import server
from models.statefile import printable
from pages.common import cache
from pages.common.jobs import Job
from pages.common.progress import watch
from pages.common.session import Picture, Selection
from pages.common.text import _, plain, said
from pages.look.top9.state import Mining, Progress, mining
from vis.figures.numbers import duration, fixed, grouped, significant
from vis.top9 import Key, Top, file_of

K = 9
AT_MOST = server().budget.searching  # seconds of one search; it goes on where it was when it is asked for again
MOST_OWN = 4  # results of a session's own pictures or weights
MOST_NAMED = 50  # pictures that could not be read


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be searched: a network and a set of pictures, which may be this session's own."""

    selection: Selection  # its picture stands for the set, so that results of own sets stay private
    loaded: Loaded
    pictures: PictureSet
    title: str
    key: Key
    is_samples: bool  # so that the classes have names in both languages
    opening: str = ""  # Python that opens the set

    @property
    def folder(self) -> Path:
        """Where the state of the search is kept."""
        return Path(mining().folder.name) if self.selection.private else cache.kept() / "top9"

    @property
    def file(self) -> Path:
        """Where the result is kept."""
        return file_of(self.key, self.folder)


def of_set(selection: Selection, pictures: PictureSet, private: bool) -> Selection:
    """The selection with the set in the place of its picture."""
    return replace(selection, picture=Picture(pictures.title, pictures.fingerprint, private))


def found(asked: Asked) -> Top | None:
    """What was found of this: by any session on this server, or by this one in its own pictures."""
    return mining().own.get(asked.key) if asked.selection.private else cache.top_nine(asked.key)


Prepare = Callable[[Top, Callable[[], bool]], None]


def top_of(asked: Asked, by_itself: bool, prepare: Prepare) -> Top | None:
    """What the search gives; None until it is finished, and the page says how far it is.

    Args:
        by_itself: it begins without being asked for.
        prepare: called with the result and `stopped`, before it is shown.
    """
    state = mining()
    if state.asked != asked.key:  # another network or another set: the old one is no longer waited for
        if state.job:
            state.job.stop()
        state.asked, state.job, state.progress = asked.key, None, None
    job, top = state.job, found(asked)
    is_running = job is not None and job.running  # asked once: it may end at any moment
    if job and not is_running and job.result and job.result.finished:
        top = job.result
        _keep_own(state, asked, top)
    if top:
        return top
    if is_running:
        watch(lambda: mining().job, lambda _job: _how_far(mining().progress, asked.title), "stop search", stop=_cancel)
        return None
    if job and job.refused:
        st.error(plain(said(job.refused)), icon=":material/error:")
    elif job and job.failed:
        st.error(_("The search failed; start it again to retry."), icon=":material/error:")
    elif (by_itself or (job and job.left_alone)) and not (job and state.progress.cancelled):
        return _begin(state, asked, prepare)
    _offer(state, asked, prepare)
    return None


def _begin(state: Mining, asked: Asked, prepare: Prepare) -> None:
    """Starts the search, and the page anew."""
    progress, folder, owner = Progress(), asked.folder, state.folder  # which must not be gone before the search

    def work(report, stopped) -> Top | None:
        def tell(done: int, total: int) -> None:
            progress.tell(done, total)
            report(done / total)

        top = cache.search(asked.loaded, asked.pictures, asked.key, folder, tell, stopped, progress.wait)
        if top and top.finished:
            prepare(top, stopped)
        return top if owner else None

    state.job, state.progress = Job(work, AT_MOST), progress
    st.rerun()


def _keep_own(state: Mining, asked: Asked, top: Top) -> None:
    """Keeps a result for this session, and those few that it kept last."""
    if asked.selection.private:
        others = [(key, top) for key, top in state.own.items() if key != asked.key]
        state.own = {**dict(others[1 - MOST_OWN :]), asked.key: top}


def _offer(state: Mining, asked: Asked, prepare: Prepare) -> None:
    """What is to be searched, and a button for it; begun before, it goes on."""
    seen = _seen(state, asked)
    with st.container(border=True):
        st.markdown(
            seen
            or _(
                "**{total} pictures** of {title} will be searched, one pass for all chosen layers.",
                total=grouped(len(asked.pictures.ids)),
                title=plain(asked.title),
            )
        )
        words = _("Resume") if seen else _("Find the top nine")
        if st.button(words, type="primary", icon=":material/search:", key="search"):
            _begin(state, asked, prepare)


def _seen(state: Mining, asked: Asked) -> str | None:
    """How much of the set was seen before; None for nothing."""
    total, title = grouped(len(asked.pictures.ids)), plain(asked.title)
    if state.job and state.job.result:
        return _(
            "**{done} of {total} pictures** of {title} have been searched; the results so far are kept.",
            done=grouped(state.job.result.counted),
            total=total,
            title=title,
        )
    if asked.file.exists():
        return _("An earlier search of {title} will be resumed where it stopped.", title=title)
    return None


def _cancel() -> None:
    """Says that it is the visitor who ends the search."""
    mining().progress.cancelled = True


def _how_far(progress: Progress, title: str) -> str:
    place, rate = progress.place, progress.rate
    words = []
    if progress.total:
        done, total = grouped(progress.done), grouped(progress.total)
        words.append(_("{done} of {total} pictures: {title}", done=done, total=total, title=plain(title)))
    if place and place.before:
        words.append(_in_line(place, words != []))
    elif rate:
        words.append(_("{rate} pictures per second", rate=significant(rate) if rate < 100 else fixed(rate)))
        left = duration((progress.total - progress.done) / rate)
        if place and place.is_shared:
            words.append(_("{time} of work left, in turns with other searches", time=left))
        else:
            words.append(_("{time} left", time=left))
    return " · ".join(words) or _("Starting the search …")


def _in_line(place: cache.Place, has_begun: bool) -> str:
    if has_begun:
        return _("another search has its turn; yours is number {number} in the queue …", number=place.before)
    return _(
        "Another search is running on this server. Searches take turns of {seconds} s; yours is number {number} in "
        "the queue …",
        number=place.before,
        seconds=significant(place.line.seconds),
    )


def left_out(top: Top, pictures: PictureSet) -> None:
    """Which pictures could not be read, and which files are none; nothing where there are none."""
    skipped = [*top.unreadable, *pictures.skipped]
    number = top.unreadable_in_all + pictures.skipped_in_all
    if not number:
        return
    label = _("Skipped files: {number}", number=grouped(number))
    with st.expander(label, icon=":material/hide_image:"):
        lines = [f"* {plain(printable(name))} – {plain(said(why))}" for name, why in skipped[:MOST_NAMED]]
        if number > len(lines):
            lines.append(_("* … and {number} more", number=grouped(number - len(lines))))
        st.markdown("\n".join(lines))
