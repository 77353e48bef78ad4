"""What networks answer to the test pictures, where CIFAR-10 is on this machine: asked for once, and kept."""

import numpy as np

from models.picture_sets import PictureSet
from pages.common import cache
from pages.common.jobs import Job
from pages.common.session import keep_among, kept, selection
from vis.cost.training import Entrant
from vis.mistakes import Answers

JOBS, ANSWERS = "arena jobs", "arena answers"
MOST_KEPT = 4  # networks whose answers a session keeps
AT_MOST = 900  # seconds


def found(entrant: Entrant, pictures: PictureSet) -> Answers | None:
    """What it answers, once it has looked at all of them."""
    key = _key(entrant, pictures)
    job = _jobs().get(key)
    if job and job.result:
        keep_among(ANSWERS, key, _jobs().pop(key).result, MOST_KEPT)
    return kept(ANSWERS, dict).get(key)


def look(entrant: Entrant, pictures: PictureSet) -> None:
    """Begins to look at them; no other network goes on."""
    stop_others(entrant, pictures)
    device = selection().device
    _jobs()[_key(entrant, pictures)] = Job(
        lambda report, stopped: cache.answered(entrant.name, device, pictures, report, stopped), AT_MOST
    )


def job_of(entrant: Entrant, pictures: PictureSet) -> Job | None:
    """The newest job that looks at them, if it was begun and its answers are not taken yet."""
    return _jobs().get(_key(entrant, pictures))


def is_looking(entrant: Entrant, pictures: PictureSet) -> bool:
    job = job_of(entrant, pictures)
    return job is not None and job.running


def stop_others(entrant: Entrant, pictures: PictureSet) -> None:
    """Ends what looks for another network than that which is shown."""
    for other in [other for other in _jobs() if other != _key(entrant, pictures)]:
        _jobs().pop(other).stop()


def pixels(pictures: PictureSet, number: int, side: int | None = None) -> np.ndarray:
    """A picture, (h, w, 3); with a side, enlarged to it pixel by pixel."""
    shown = np.asarray(pictures.open(pictures.ids[number]))
    times = side // shown.shape[0] if side else 1
    return shown.repeat(times, 0).repeat(times, 1)


def _key(entrant: Entrant, pictures: PictureSet) -> tuple[str, str]:
    return entrant.name, pictures.fingerprint


def _jobs() -> dict[tuple[str, str], Job]:
    return kept(JOBS, dict)
