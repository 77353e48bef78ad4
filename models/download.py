"""A file from the network: whole and verified, or not there.

A download goes to a name of its own beside the final one, is checked there and then renamed, so the final name never
holds half a file, however many processes fetch it at once and wherever one of them is killed. That costs a second
download when two processes come at the same moment; a lock would save it, and would have to be healed after a kill.
Within one process a file is downloaded once, and whoever wants it meanwhile waits for that.

What is said here may be shown to strangers: it names no folder.
"""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPException
from inspect import GEN_CLOSED, getgeneratorstate
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener
from uuid import uuid4

from models.refusals import Refused
from models.temporary import locked

PIECE = 1 << 18  # bytes
ABANDONED_AFTER = 6 * 3600  # seconds without a new byte: the process that wrote that partial file is gone
A_MOMENT = 60  # seconds, between the beginning of a partial file and its lock at most

Progress = Callable[[int, int | None], None]


class DownloadFailed(Refused):
    """A file that could not be fetched, and what to do about it."""


class DownloadsOff(Refused):
    """A file that this server does not fetch."""


def checkpoints() -> Path:
    """The folder where torch.hub, and so torchvision, keeps downloaded weights."""
    from torch import hub  # seconds to import, and nothing else here needs it

    return Path(hub.get_dir()) / "checkpoints"


def kept() -> Path:
    """The app's own folder, beside the weights that torchvision downloads."""
    return checkpoints().parent / "convscope"


def cached(url: str, sha256: str, folder: Path | None = None) -> Path | None:
    """The verified file of `url` if `folder` holds it, without the network; None if it is not there or is not right."""
    file, digits = home_of(url, folder), _digits(sha256)
    return file if file.is_file() and sha256_of(file).startswith(digits) else None


def fetched(
    url: str,
    sha256: str,
    folder: Path | None = None,
    progress: Progress | None = None,
    timeout: float = 30,
) -> Path:
    """The verified file of `url`, downloaded unless `folder` holds it already; a rotted one is replaced.

    Args:
        sha256: the 64 hex digits or their beginning, at least 8, as in the names of torchvision's files.
        folder: `checkpoints()` unless given.
        progress: called with the bytes so far and, where the server says, of the whole; it may raise to cancel.
        timeout: seconds without data after which the server is given up.

    Raises DownloadFailed; whatever is raised, by `progress` too, leaves no partial file.
    """
    file = home_of(url, folder)
    try:
        clear_partials(file.parent, file.name)
        report = progress or (lambda done, total: None)
        while not cached(url, sha256, folder):
            file.parent.mkdir(parents=True, exist_ok=True)
            _place_once(file, url, _digits(sha256), report, timeout)
    except OSError as error:  # the network's own errors are refusals by now: this is the disk
        raise DownloadFailed(
            "{file} cannot be read or written ({reason}): free disk space or check permissions, and try again.",
            file=file.name,
            reason=error.strerror or error,
        ) from error
    return file


def sha256_of(file: Path) -> str:
    """The sha256 of `file` in 64 hex digits; a file that has not changed since is not read a second time."""
    now = file.stat()
    return _sha256(file, now.st_ino, now.st_size, now.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(file: Path, *state: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def home_of(url: str, folder: Path | None = None) -> Path:
    """Where the file of `url` is, or will be."""
    name = PurePosixPath(urlsplit(url).path).name
    if not re.fullmatch(r"[\w-][\w.+-]*", name):
        raise ValueError(f"{url!r} does not end in the name of a file")
    return (checkpoints() if folder is None else folder) / name


def _digits(sha256: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{8,64}", sha256):
        raise ValueError(f"{sha256!r} is no sha256: 64 hex digits, or at least the first 8 of them")
    return sha256.lower()


def clear_partials(folder: Path | None = None, of: str = "*") -> None:
    """Removes what is left in a folder of downloads whose processes are gone.

    Args:
        folder: `checkpoints()` unless given.
        of: the file that was to be downloaded; by default any.
    """
    for partial in (checkpoints() if folder is None else folder).glob(f"{of}.*.partial"):
        try:
            age = abs(time.time() - partial.stat().st_mtime)  # a clock that was put back makes files of the future
            if age > ABANDONED_AFTER or (age > A_MOMENT and _is_nobodys(partial)):
                partial.unlink()
        except OSError:  # another process was done with it first, or it is not for this one to remove
            continue


def _is_nobodys(partial: Path) -> bool:
    """Whether no process holds its lock; False where there are no such locks."""
    with partial.open("rb") as file:
        return locked(file.fileno())


@dataclass
class _Running:
    """A download of this process, which whoever wants the file carries on in turn; the last one to leave ends it."""

    pieces: Generator[tuple[int, int | None]]  # the bytes so far and of the whole, after each piece
    so_far: tuple[int, int | None] = (0, None)
    refused: DownloadFailed | None = None
    wanted_by: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    def carry_on(self) -> bool:
        """Takes the next piece, unless another is at it for a moment; whether there may be more."""
        if not self.turn.acquire(timeout=0.1):
            return True
        try:
            self.so_far = next(self.pieces)
            return True
        except StopIteration:  # also when it had ended before
            return False
        except DownloadFailed as refused:
            self.refused = refused.alone()
            raise
        finally:
            self.turn.release()


_running: dict[Path, _Running] = {}
_counting = threading.Lock()


def _place_once(file: Path, url: str, digits: str, progress: Progress, timeout: float) -> None:
    """Places the file together with all of this process who want it.

    One refusal is everybody's; who is cancelled leaves the others to it.
    """
    with _counting:
        if not (running := _running.get(file)) or getgeneratorstate(running.pieces) == GEN_CLOSED:
            running = _running[file] = _Running(_placing(file, url, digits, timeout))
        running.wanted_by += 1
    try:
        while running.carry_on():
            progress(*running.so_far)
        if running.refused:
            raise running.refused.alone()
    finally:
        with _counting:
            running.wanted_by -= 1
            is_last = not running.wanted_by
            if is_last and _running.get(file) is running:
                del _running[file]
        if is_last:
            running.pieces.close()


def _placing(file: Path, url: str, digits: str, timeout: float) -> Generator[tuple[int, int | None]]:
    """Places the file piece by piece, or raises an error; if it is closed before its end, it leaves no trace."""
    if cached(url, digits, file.parent):  # another's download may have ended since its visitor looked
        return
    partial = file.with_name(f"{file.name}.{uuid4().hex}.partial")
    try:
        found = yield from _download(url, partial, timeout)
        if not found.startswith(digits):
            raise DownloadFailed(
                "{url} sent the wrong file (its sha256 begins with {found}, not with {expected}): try again, or save "
                "the right file in torch's download folder yourself.",
                url=url,
                found=found[: len(digits)],
                expected=digits,
            )
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _download(url: str, partial: Path, timeout: float) -> Generator[tuple[int, int | None], None, str]:
    """The sha256 of what `url` sent, which lies safe on the disk as `partial`; after each piece, how far it is."""
    digest, done = hashlib.sha256(), 0
    with _opened(url, timeout) as response, partial.open("xb") as out:
        locked(out.fileno())  # until it is whole, or the process is gone
        length = response.headers["Content-Length"]
        total = int(length) if length and length.isdecimal() else None
        yield done, total
        while piece := _piece(response, url, timeout):
            out.write(piece)
            digest.update(piece)
            done += len(piece)
            yield done, total
        if total is not None and done != total:
            raise DownloadFailed(
                "{url} stopped after {done} of {total} bytes: check the connection and try again, or save the file in "
                "torch's download folder yourself.",
                url=url,
                done=done,
                total=total,
            )
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _opened(url: str, timeout: float):
    """The server's answer, its body still to be read."""
    _refuse_in_the_clear(url)
    try:
        return build_opener(_NeverInTheClear).open(url, timeout=timeout)
    except HTTPError as error:
        error.close()
        raise DownloadFailed(
            "{url} answered {status}: try again later, or save the file in torch's download folder yourself.",
            url=url,
            status=f"{error.code} {error.reason}",
        ) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)  # a URLError wraps the error that says something
        if isinstance(reason, TimeoutError):
            raise _stalled(url, timeout) from error
        raise _unreachable(url, reason) from error


def _piece(response, url: str, timeout: float) -> bytes:
    """The next bytes, as many as have come; none at the end."""
    try:
        return response.read1(PIECE)
    except TimeoutError as error:
        raise _stalled(url, timeout) from error
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from error


def _stalled(url: str, timeout: float) -> DownloadFailed:
    return DownloadFailed(
        "{url} sent nothing for {seconds} s: check the connection and try again, "
        "or save the file in torch's download folder yourself.",
        url=url,
        seconds=f"{timeout:g}",
    )


def _unreachable(url: str, reason: object) -> DownloadFailed:
    return DownloadFailed(
        "{url} cannot be reached ({reason}): check the connection and try again, "
        "or save the file in torch's download folder yourself.",
        url=url,
        reason=getattr(reason, "strerror", None) or reason,  # without the error's number
    )


class _NeverInTheClear(HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _refuse_in_the_clear(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse_in_the_clear(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in {("http", "127.0.0.1"), ("http", "localhost")}:
        raise DownloadFailed("{url} is not an https address; weights are downloaded only over https.", url=url)
