"""Pictures of strangers, opened in a process of their own: the same pictures and sentences, and limits that hold."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from models import decoding_apart
from models.decoding import PictureRefused, decoded
from models.decoding_apart import Broke, Decoder, decoded_apart
from tests.unit.pictures import ALIKE, REFUSED, corners, photograph, saved


@pytest.fixture(autouse=True)
def nothing_idle(monkeypatch):
    """No process of an earlier test, and none that outlives this one."""
    monkeypatch.setattr(decoding_apart, "_idle", type(decoding_apart._idle)())
    yield
    for decoder in decoding_apart._idle:
        decoder.end()


def test_pictures_are_the_same_and_one_process_opens_them_all():
    for name, make in ALIKE.items():
        content = make()
        assert np.array_equal(np.asarray(decoded_apart(content)), np.asarray(decoded(content))), name
        assert len(decoding_apart._idle) == 1
    assert len({decoder._process.pid for decoder in decoding_apart._idle}) == 1


def test_what_is_refused_is_refused_in_the_same_sentence():
    for name in ("empty", "HEIC", "too many bytes", "PNG bomb", "JPEG of many scans", "WebP of a header alone"):
        content, word = REFUSED[name]()
        with pytest.raises(PictureRefused, match=word) as apart:
            decoded_apart(content)
        with pytest.raises(PictureRefused) as here:
            decoded(content)
        assert str(apart.value) == str(here.value)


def test_a_picture_that_takes_too_long_ends_its_process_and_no_other():
    slow = Decoder(seconds=0.05)
    large = saved(photograph(5000, 4000), "PNG", compress_level=1)
    began = time.monotonic()
    with pytest.raises(PictureRefused, match=r"takes longer than 0\.05 s"):
        slow.decoded(large)
    assert time.monotonic() - began < 5
    assert not slow.is_fit
    slow.end()
    assert decoded_apart(saved(corners(), "PNG")).size == corners().size


@dataclass
class Clock:
    """Rings when a test has it ring, or at the very moment it is stopped."""

    ring: Callable[[], None]
    rings_late: bool

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        if self.rings_late:
            self.ring()


@pytest.mark.parametrize("rings_late", [False, True])
def test_a_clock_that_rings_when_the_picture_is_there_ends_no_process_that_opens_another(monkeypatch, rings_late):
    clocks = []

    def clock(seconds: float, ring: Callable[[], None]) -> Clock:
        clocks.append(Clock(ring, rings_late))
        return clocks[-1]

    monkeypatch.setattr(decoding_apart.threading, "Timer", clock)
    content, decoder = saved(corners(), "PNG"), Decoder()
    try:
        assert decoder.decoded(content).size == corners().size
        assert decoder.is_fit is not rings_late  # it was killed, and is given no more pictures
        clocks[0].ring()
        if not rings_late:
            assert decoder.decoded(content).size == corners().size
            assert decoder.is_fit
    finally:
        decoder.end()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process from taking more memory")
def test_a_picture_that_takes_too_much_memory_is_refused():
    large = saved(Image.new("RGB", (5000, 4900)), "PNG", compress_level=1)  # 74 MB of pixels
    narrow = Decoder(memory=30 << 20)
    with pytest.raises((PictureRefused, Broke)):
        narrow.decoded(large)
    narrow.end()
    assert decoded_apart(large).size == (1024, 1004)


def test_a_process_that_is_gone_is_replaced_and_nobody_is_told():
    decoded_apart(saved(corners(), "PNG"))
    (gone,) = decoding_apart._idle
    os.kill(gone._process.pid, signal.SIGKILL)
    gone._process.wait()
    assert decoded_apart(saved(corners(), "PNG")).size == corners().size
    (other,) = decoding_apart._idle
    assert other is not gone


def test_a_file_that_ends_every_process_is_refused(monkeypatch):
    monkeypatch.setattr(decoding_apart, "PROGRAM", "raise SystemExit")
    with pytest.raises(PictureRefused, match="within the limits of this server"):
        decoded_apart(saved(corners(), "PNG"))
    assert not decoding_apart._idle


def test_eight_visitors_at_once_each_get_their_own_and_few_processes_stay():
    contents = [saved(photograph(200 + 10 * n, 150), "JPEG") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decoded_apart, contents * 3))
    for content, picture in zip(contents * 3, found, strict=True):
        assert np.array_equal(np.asarray(picture), np.asarray(decoded(content)))
    assert 1 <= len(decoding_apart._idle) <= decoding_apart.IDLE_AT_MOST


def test_the_process_knows_no_torch_and_ends_with_its_parent():
    program = (
        "from models.decoding_apart import Decoder; from tests.unit.pictures import corners, saved;"
        "d = Decoder(); d.decoded(saved(corners(), 'PNG'));"
        "print(d._process.pid, 'torch' in open(f'/proc/{d._process.pid}/maps').read())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert said[1] == "False"
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{said[0]}") and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{said[0]}")


def test_where_no_process_can_be_started_the_picture_is_refused(monkeypatch):
    def refuse(*command, **options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(PictureRefused, match="within the limits of this server"):
        decoded_apart(saved(photograph(64, 64), "PNG"))
