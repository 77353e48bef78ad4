"""What was made is kept for whoever asks again, within a limit."""

import threading

import numpy as np
import pytest

from models.images import png
from models.kept import Kept


def test_what_was_asked_for_last_is_kept_within_the_limit():
    kept, made = Kept(10), []

    def asked(key: str, size: int) -> bytes:
        def make() -> bytes:
            made.append(key)
            return key.encode() * size

        return kept.get(key, make)

    for key, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("l", 11), ("l", 11), ("a", 4)):
        assert asked(key, size) == key.encode() * size
    assert made == ["a", "b", "c", "b", "l", "l"]  # c takes the place of b, b that of c; l is too large and leaves a


def test_what_could_not_be_made_is_tried_again():
    kept = Kept(10)

    def fail() -> bytes:
        raise OSError("full")

    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            kept.get("a", fail)
    assert kept.get("a", lambda: b"made") == b"made"


def test_what_two_threads_make_at_once_is_counted_once():
    kept, both = Kept(10), threading.Barrier(2)

    def make() -> bytes:
        both.wait(5)
        return b"12345"

    threads = [threading.Thread(target=kept.get, args=("a", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.get("b", lambda: b"67890")  # there is room for both
    assert kept.get("a", lambda: b"again") == b"12345"


def test_a_picture_that_was_changed_or_is_another_shape_is_another_file():
    pixels = np.zeros((4, 6), np.uint8)
    first = png(pixels)
    assert png(pixels.copy()) == first
    assert png(pixels.reshape(6, 4)) != first
    pixels[1, 2] = 1
    assert png(pixels) != first
    assert png(pixels.T) == png(np.ascontiguousarray(pixels.T)) != png(pixels)
