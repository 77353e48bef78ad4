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
