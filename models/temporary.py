"""Temporary folders of this process. Those of one that was killed are removed by the next.

Whether a process is still there says a lock of the operating system's, which ends with it however that ends, and which
also processes see that do not see one another, as in two containers with one disk.
"""

import atexit
import os
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir, mkstemp

try:
    import fcntl
except ImportError:  # Windows, where what a killed process leaves stays
    fcntl = None

PREFIX, LOCK = "convscope-", ".lock"


def temporary_folder() -> TemporaryDirectory:
    """A new folder, for this user alone, which goes with what this returns."""
    return TemporaryDirectory(dir=_own())


@cache
def clear_abandoned() -> None:
    """Removes the folders of processes that are gone, once in each process."""
    for lock in Path(gettempdir()).glob(f"{PREFIX}*{LOCK}") if fcntl else ():
        try:
            number = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # another user's, or gone by now
            continue
        try:
            if os.fstat(number).st_uid == os.getuid() and locked(number):
                rmtree(lock.with_suffix(""), ignore_errors=True)
                if not lock.with_suffix("").exists():
                    lock.unlink(missing_ok=True)
        finally:
            os.close(number)


@cache
def _own() -> Path:
    """The folder of this process, beside the file that it keeps locked."""
    while True:
        number, name = mkstemp(LOCK, PREFIX)
        folder = Path(name).with_suffix("")
        # a process that begins just now may have taken the file for one that is left over
        if fcntl is None or (locked(number) and os.path.exists(name)):
            folder.mkdir(0o700)
            atexit.register(_remove, folder, Path(name), number)
            return folder
        os.close(number)


def locked(number: int) -> bool:
    """Whether this process has the lock of an open file now, which no other had."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(folder: Path, lock: Path, number: int) -> None:
    rmtree(folder, ignore_errors=True)
    os.close(number)
    lock.unlink(missing_ok=True)
