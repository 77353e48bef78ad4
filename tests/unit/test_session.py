"""What a session keeps."""

import pytest

from pages.common import session
from pages.common.session import keep_among, kept


@pytest.fixture(autouse=True)
def of_one_session(monkeypatch):
    monkeypatch.setattr(session.st, "session_state", {})


@pytest.mark.parametrize(("most", "left"), [(1, "c"), (2, "bc"), (3, "abc"), (9, "abc")])
def test_of_several_the_newest_are_kept(most, left):
    for key in "abc":
        keep_among("letters", key, key.upper(), most)
    assert kept("letters", dict) == {key: key.upper() for key in left}


def test_what_is_kept_anew_is_the_newest_and_drives_nothing_out():
    for key in "abab":
        keep_among("letters", key, key.upper(), 2)
    keep_among("letters", "a", "A", 2)
    keep_among("letters", "c", "C", 2)
    assert list(kept("letters", dict)) == ["a", "c"]


class Upload:
    """What an uploader gives: each run anew, and with the same `file_id`."""

    def __init__(self, file_id: str):
        self.file_id = file_id


PICTURE = session.PICTURE_FILE


def test_a_picture_that_was_given_elsewhere_takes_the_place_of_the_uploaders():
    state, first = session.st.session_state, session.uploader(PICTURE)
    state[first] = Upload("a")
    session.take_file(PICTURE, state[first])
    assert session.own_file(PICTURE).file_id == "a"
    assert session.uploader(PICTURE) == first  # it shows the name of what is in use

    session.take_file(PICTURE, Upload("from the camera"))
    assert session.own_file(PICTURE).file_id == "from the camera"
    assert session.uploader(PICTURE) != first  # and never the name of what is not


def test_without_a_picture_of_ones_own_the_uploader_is_empty_and_weights_stay():
    state = session.st.session_state
    for what in (PICTURE, session.WEIGHTS_FILE):
        state[session.uploader(what)] = Upload(what)
        session.take_file(what, state[session.uploader(what)])
    session.take_file(PICTURE, None)
    assert session.own_file(PICTURE) is None
    assert session.uploaded(session.uploader(PICTURE)) is None
    assert session.own_file(session.WEIGHTS_FILE).file_id == session.WEIGHTS_FILE
