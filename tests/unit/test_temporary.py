"""What a killed process leaves on the disk is removed by the next one, and never what a living one uses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models import temporary
from tests.house.source import ROOT

pytestmark = pytest.mark.skipif(temporary.fcntl is None, reason="this system has no locks that end with a process")

HOLDS = """
import sys, time
from temporary import temporary_folder
folders = [temporary_folder() for _ in range(2)]
for folder in folders:
    open(folder.name + "/weights", "wb").write(bytes(9))
print(folders[0].name, flush=True)
sys.stdin.read()
"""
CLEARS = "from temporary import clear_abandoned; clear_abandoned()"


@pytest.fixture
def begun(tmp_path):
    """Begins a process that holds temporary folders in `tmp_path`, and says its first one."""
    processes = []

    def begin() -> tuple[subprocess.Popen, Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDS], env=environment(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        processes.append(process)
        return process, Path(process.stdout.readline().decode().strip())

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT / "models")}  # alone: torch takes seconds


def clear(folder: Path) -> None:
    """As a process that begins now."""
    subprocess.run([sys.executable, "-c", CLEARS], env=environment(folder), check=True)


def killed(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_what_a_killed_process_leaves_goes_and_what_a_living_one_has_stays(begun, tmp_path):
    (dead, lost), (_living, used) = begun(), begun()
    killed(dead)
    assert (lost / "weights").exists(), "nothing was left, so this test shows nothing"
    clear(tmp_path)
    assert not lost.parent.exists()
    assert (used / "weights").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [used.parent.name, f"{used.parent.name}.lock"]


def test_a_process_that_ends_leaves_nothing(begun, tmp_path):
    process, folder = begun()
    assert folder.parent.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    process.communicate()
    assert not list(tmp_path.iterdir())


def test_nothing_is_removed_that_no_lock_tells_of(begun, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photograph").touch()
    (tmp_path / "convscope-mine").mkdir()  # without a lock
    (tmp_path / "convscope-link").symlink_to(outside)
    (tmp_path / "convscope-link.lock").touch()
    os.mkfifo(tmp_path / "convscope-pipe.lock")
    (tmp_path / "convscope-loop.lock").symlink_to(outside / "photograph")
    clear(tmp_path)
    assert (outside / "photograph").exists()
    assert (tmp_path / "convscope-mine").is_dir()


def test_processes_that_begin_at_the_same_moment_keep_their_folders(begun, tmp_path):
    forever = f"{CLEARS}\nwhile True: clear_abandoned.__wrapped__()"
    clearing = subprocess.Popen([sys.executable, "-c", forever], env=environment(tmp_path))
    try:
        folders = [begun()[1] for _ in range(8)]
        time.sleep(0.2)
        assert clearing.poll() is None
    finally:
        clearing.kill()
        clearing.wait()
    assert all((folder / "weights").exists() for folder in folders)
