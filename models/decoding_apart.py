"""Pictures of strangers, opened in processes of their own: a hostile file can only bring one of those to its end.

The child imports this module, too, and nothing of `models` besides what it needs: torch would take it seconds.
"""

import json
import os
import struct
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from models.decoding import MOST_MEGABYTES, PictureRefused, decoded

SECONDS_AT_MOST = 10  # for one picture; the largest that is allowed takes less than one
SPARE = 768 << 20  # bytes of memory, for one picture; the largest that is allowed takes half of that
AT_ONCE = 2  # pictures that are opened; more would fill the memory
IDLE_AT_MOST = 2  # processes that are kept for the next picture, 45 MB each
PROGRAM = """\
import sys, types
package = types.ModuleType("models")
package.__path__ = [sys.argv[1]]
sys.modules["models"] = package
from models.decoding_apart import serve
serve(int(sys.argv[2]))
"""
LENGTH, SIZE = struct.Struct("<Q"), struct.Struct("<II")
PICTURE, REFUSAL = b"P", b"R"
TOO_SLOW = "The picture takes longer than {seconds} s to open: open it in another program and save it as PNG or JPEG."
BROKE = "The picture cannot be opened within the limits of this server: save it as PNG or JPEG, and smaller."


def decoded_apart(content: bytes) -> Image.Image:
    """As `models.decoding.decoded`, with a limit of time and of memory that no file can get around.

    Raises PictureRefused, also for a picture that reaches a limit.
    """
    if len(content) > MOST_MEGABYTES << 20:
        return decoded(content)  # which says so, and how large it is
    with _at_once:
        with suppress(IndexError):
            return _decoded(content, _idle.pop(), is_new=False)
        return _decoded(content, _started())


def _decoded(content: bytes, decoder: "Decoder", is_new: bool = True) -> Image.Image:
    try:
        return decoder.decoded(content)
    except Broke as broke:
        if is_new:
            raise PictureRefused(BROKE) from broke
    finally:
        if decoder.is_fit and len(_idle) < IDLE_AT_MOST:
            _idle.append(decoder)
        else:
            decoder.end()
    return _decoded(content, _started())  # the process may have been ended for reasons of its own


def _started() -> "Decoder":
    try:
        return Decoder()
    except OSError as error:  # there are too many processes
        raise PictureRefused(BROKE) from error


class Broke(Exception):
    """A process that ended before it answered."""


class Decoder:
    """A process that opens one picture after another.

    Args:
        seconds: for each, after which it is killed.
        memory: bytes that it may take for each; only Linux keeps such a limit.
    """

    def __init__(self, seconds: float = SECONDS_AT_MOST, memory: int = SPARE):
        self.seconds, self.is_fit, self._is_late = seconds, True, False
        self._is_asked, self._lock = False, threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(memory)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries' messages are for nobody
        )

    def decoded(self, content: bytes) -> Image.Image:
        """The picture in these bytes.

        Raises:
            PictureRefused: as `decoded_apart`.
            Broke: if the process is no more.
        """
        self._is_asked = True
        clock = threading.Timer(self.seconds, self._kill)
        clock.start()
        try:
            self._process.stdin.write(LENGTH.pack(len(content)))
            self._process.stdin.write(content)
            self._process.stdin.flush()
            return _read_answer(self._process.stdout)
        except (OSError, EOFError) as error:
            self.is_fit = False
            if self._is_late:
                raise PictureRefused(TOO_SLOW, seconds=self.seconds) from error
            raise Broke from error
        finally:
            clock.cancel()
            with self._lock:  # a clock that has just rung comes too late
                self._is_asked = False
                self.is_fit &= not self._is_late

    def _kill(self) -> None:
        with self._lock:
            if self._is_asked:
                self._is_late = True
                self._process.kill()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was still to be written
                pipe.close()


_idle: deque[Decoder] = deque()
_at_once = threading.BoundedSemaphore(AT_ONCE)


def _read_answer(pipe: BinaryIO) -> Image.Image:
    kind = _exactly(pipe, 1)
    if kind == REFUSAL:
        template, values = json.loads(_exactly(pipe, LENGTH.unpack(_exactly(pipe, LENGTH.size))[0]))
        raise PictureRefused(template, **values)
    size = SIZE.unpack(_exactly(pipe, SIZE.size))
    return Image.frombytes("RGB", size, _exactly(pipe, 3 * size[0] * size[1]))


def _exactly(pipe: BinaryIO, length: int) -> bytes:
    content = pipe.read(length)
    if len(content) != length:
        raise EOFError
    return content


# The child ---------------------------------------------------------------------------------------------------------


def serve(memory: int) -> None:
    """Answers to each picture on the standard input with its pixels or a refusal, until there are no more."""
    _limit_this_process(memory)
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    while length := given.read(LENGTH.size):
        content = _exactly(given, *LENGTH.unpack(length))
        try:
            picture = decoded(content)
        except PictureRefused as refusal:
            said = json.dumps([refusal.template, refusal.values_said]).encode()
            answers.write(REFUSAL + LENGTH.pack(len(said)) + said)
        else:
            answers.write(PICTURE + SIZE.pack(*picture.size) + picture.tobytes())
        answers.flush()


def _limit_this_process(memory: int) -> None:
    """At most `memory` bytes more than now."""
    if sys.platform != "linux":
        return
    import resource

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or now + memory < hard:
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
