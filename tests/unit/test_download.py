"""Files from the network: whole and verified, or not there. The network here is a server on the loopback."""

import hashlib
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.download import A_MOMENT, ABANDONED_AFTER, DownloadFailed, cached, clear_partials, fetched, sha256_of

BODY = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(BODY).hexdigest()
PROCESSES = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
if sys.platform != "win32":
    PROCESSES.set_forkserver_preload(["models.download"])  # imported once, not by every new process


class Shelf(BaseHTTPRequestHandler):
    """Serves BODY in ways that differ by the folder in the address."""

    def do_GET(self):
        self.server.asked.append(self.path)
        _, manner, *_ = self.path.split("/")
        getattr(self, manner)()

    def good(self):
        self.answer(BODY)

    def unsized(self):
        self.answer(BODY, length=None)

    def truncated(self):
        self.answer(BODY[: len(BODY) // 2], length=len(BODY))

    def tampered(self):
        self.answer(BODY[:-1] + b"!")

    def missing(self):
        self.send_error(404)

    def redirected(self):
        self.send_response(302)
        self.send_header("Location", self.path.replace("redirected", "good"))
        self.end_headers()

    def lured(self):
        self.send_response(302)
        self.send_header("Location", "http://example.invalid/weights.bin")
        self.end_headers()

    def silent(self):
        self.server.released.wait(20)

    def stalled(self):
        self.answer(BODY[: len(BODY) // 2], length=len(BODY))
        self.wfile.flush()
        self.server.released.wait(20)

    def trickling(self):
        """Slower as a whole than the patience for a single silence."""
        self.answer(b"", length=8)
        for byte in b"12345678":
            time.sleep(0.1)
            self.wfile.write(bytes([byte]))

    def chatter(self):
        self.wfile.write(b"this is not HTTP\r\n\r\n")

    def answer(self, body: bytes, length: int | None = -1):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Shelf)
        self.asked: list[str] = []
        self.released = threading.Event()

    def url(self, manner: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{manner}/weights.bin"

    def handle_error(self, *_):  # clients that hang up are what these tests are about
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("manner", ["good", "unsized", "redirected"])
def test_a_download_ends_with_the_verified_file_alone_in_its_folder(server, tmp_path, manner):
    file = fetched(server.url(manner), SHA256, tmp_path / "new" / "folder")
    assert file == tmp_path / "new" / "folder" / "weights.bin"
    assert file.read_bytes() == BODY
    assert names(file.parent) == ["weights.bin"]


def test_the_first_eight_digits_in_either_case_are_enough(server, tmp_path):
    assert fetched(server.url("good"), SHA256[:8].upper(), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("digits", ["", SHA256[:7], "g" * 8, SHA256 + "0"])
def test_a_digest_that_proves_nothing_is_an_error_before_anything_is_asked(server, tmp_path, digits):
    with pytest.raises(ValueError, match="sha256"):
        fetched(server.url("good"), digits, tmp_path)
    assert server.asked == []


def test_progress_counts_the_bytes_up_to_the_whole(server, tmp_path):
    seen = []
    fetched(server.url("good"), SHA256, tmp_path, progress=lambda done, total: seen.append((done, total)))
    counts = [done for done, _ in seen]
    assert counts[0] == 0
    assert counts[-1] == len(BODY)
    assert counts == sorted(counts)
    assert {total for _, total in seen} == {len(BODY)}


def test_progress_knows_no_whole_where_the_server_says_none(server, tmp_path):
    seen = []
    fetched(server.url("unsized"), SHA256, tmp_path, progress=lambda done, total: seen.append(total))
    assert set(seen) == {None}


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    url = server.url("good")
    assert cached(url, SHA256, tmp_path) is None
    file = fetched(url, SHA256, tmp_path)
    assert fetched(url, SHA256, tmp_path) == cached(url, SHA256, tmp_path) == file
    assert len(server.asked) == 1


def test_a_rotted_file_is_not_used_and_is_replaced(server, tmp_path):
    url = server.url("good")
    file = fetched(url, SHA256, tmp_path)
    file.write_bytes(b"?" + BODY[1:])
    assert cached(url, SHA256, tmp_path) is None
    assert fetched(url, SHA256, tmp_path).read_bytes() == BODY
    assert cached(url, SHA256, tmp_path) == file


def test_a_file_put_there_by_hand_is_used_without_the_network(tmp_path):
    (tmp_path / "weights.bin").write_bytes(BODY)
    assert fetched("https://example.invalid/weights.bin", SHA256, tmp_path).read_bytes() == BODY


def test_a_digest_is_computed_once_for_a_file_that_does_not_change(tmp_path):
    file = tmp_path / "weights.bin"
    file.write_bytes(BODY)
    before = file.stat()
    assert sha256_of(file) == SHA256
    with file.open("r+b") as inside:  # … so rot under an unchanged date is found by the next process only
        inside.write(b"?")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_of(file) == SHA256
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as new:
        assert new.submit(sha256_of, file).result() != SHA256


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("truncated", f"stopped after {len(BODY) // 2} of {len(BODY)} bytes"),
        ("stalled", "sent nothing for 0.3 s"),
        ("silent", "sent nothing for 0.3 s"),
        ("tampered", f"not with {SHA256}"),
        ("missing", "404"),
        ("chatter", "cannot be reached"),
    ],
)
def test_what_does_not_end_well_is_a_sentence_and_leaves_nothing(server, tmp_path, manner, said):
    with pytest.raises(DownloadFailed, match="again") as failed:
        fetched(server.url(manner), SHA256, tmp_path, timeout=0.3)
    assert said in str(failed.value)
    assert server.url(manner) in str(failed.value)
    assert str(tmp_path) not in str(failed.value)  # it may be shown to strangers
    assert names(tmp_path) == []


def test_a_failed_download_heals_at_the_next_call(server, tmp_path):
    with pytest.raises(DownloadFailed):
        fetched(server.url("truncated"), SHA256, tmp_path)
    assert fetched(server.url("good"), SHA256, tmp_path).read_bytes() == BODY


def test_a_failed_download_leaves_a_good_file_of_that_name_alone(server, tmp_path):
    """Two versions share a name: the one that is there is not lost for one that cannot be had."""
    (tmp_path / "weights.bin").write_bytes(b"another version")
    with pytest.raises(DownloadFailed):
        fetched(server.url("tampered"), SHA256, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == b"another version"


def test_a_slow_server_is_not_a_silent_one(server, tmp_path):
    sha256 = hashlib.sha256(b"12345678").hexdigest()
    seen = []
    file = fetched(server.url("trickling"), sha256, tmp_path, lambda done, total: seen.append(done), timeout=0.5)
    assert file.read_bytes() == b"12345678"
    assert len(seen) > 4  # told as it comes, so that it can be cancelled


def test_a_server_that_is_not_there_is_a_sentence(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/good/weights.bin"
    with pytest.raises(DownloadFailed, match=r"cannot be reached .*refused"):
        fetched(url, SHA256, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("url", ["http://example.invalid/w.bin", "ftp://127.0.0.1/w.bin", "file:///etc/hostname"])
def test_nothing_but_https_is_fetched(tmp_path, url):
    with pytest.raises(DownloadFailed, match="https"):
        fetched(url, SHA256, tmp_path)
    assert names(tmp_path) == []


def test_a_redirection_out_of_https_is_not_followed(server, tmp_path):
    with pytest.raises(DownloadFailed, match=r"http://example\.invalid.*https"):
        fetched(server.url("lured"), SHA256, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("end", ["", "..", ".hidden", "a\\b", "%2e%2e"])
def test_an_address_without_a_plain_file_name_is_an_error(tmp_path, end):
    with pytest.raises(ValueError, match="name of a file"):
        fetched(f"https://example.invalid/{end}", SHA256, tmp_path)


def test_a_folder_that_cannot_be_written_is_a_sentence_about_the_disk(server, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(DownloadFailed, match="cannot be read or written") as failed:
        fetched(server.url("good"), SHA256, tmp_path / "taken")
    assert "connection" not in str(failed.value)
    assert str(tmp_path) not in str(failed.value)


def fetched_on_a_full_disk(url: str, folder: Path) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_001, 1_000_001))
    fetched(url, SHA256, folder)


@pytest.mark.skipif(sys.platform == "win32", reason="a full disk is played by a limit that Windows does not have")
def test_a_full_disk_is_a_sentence_and_leaves_nothing(server, tmp_path):
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as new:
        failed = new.submit(fetched_on_a_full_disk, server.url("good"), tmp_path).exception()
    assert isinstance(failed, DownloadFailed)
    assert "cannot be read or written (File too large)" in str(failed)
    assert names(tmp_path) == []


class Stopped(BaseException):
    """As Streamlit stops a script."""


@pytest.mark.parametrize("after", [0, len(BODY) // 2])
def test_progress_cancels_by_raising_and_nothing_is_left(server, tmp_path, after):
    def stop(done: int, total: int | None) -> None:
        if done >= after:
            raise Stopped

    with pytest.raises(Stopped):
        fetched(server.url("good"), SHA256, tmp_path, progress=stop)
    assert names(tmp_path) == []


def started(url: str, folder: Path):
    process = PROCESSES.Process(target=fetched, args=(url, SHA256, folder))
    process.start()
    return process


@pytest.mark.parametrize("count", [2, 4])
def test_processes_that_fetch_at_once_end_with_one_valid_file(server, tmp_path, count):
    running = [started(server.url("good"), tmp_path) for _ in range(count)]
    for process in running:
        process.join(30)
    assert [process.exitcode for process in running] == [0] * count
    assert names(tmp_path) == ["weights.bin"]
    assert (tmp_path / "weights.bin").read_bytes() == BODY


def test_a_process_killed_half_way_leaves_nothing_that_is_loaded(server, tmp_path):
    killed = started(server.url("stalled"), tmp_path)
    while not any(path.stat().st_size for path in tmp_path.glob("*.partial")):
        assert killed.is_alive()
        time.sleep(0.01)
    killed.kill()
    killed.join()
    assert cached(server.url("good"), SHA256, tmp_path) is None
    assert fetched(server.url("good"), SHA256, tmp_path).read_bytes() == BODY


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_a_living_one_writes_stays(server, tmp_path):
    living, killed = (started(server.url("stalled"), tmp_path) for _ in range(2))
    while len([path for path in tmp_path.glob("*.partial") if path.stat().st_size]) < 2:
        time.sleep(0.01)
    killed.kill()
    killed.join()
    clear_partials(tmp_path)
    assert len(names(tmp_path)) == 2  # a process that has only just begun may not have its lock yet
    for partial in tmp_path.iterdir():
        os.utime(partial, (time.time() - A_MOMENT - 1,) * 2)
    clear_partials(tmp_path)
    assert len(names(tmp_path)) == 1
    living.kill()
    living.join()
    clear_partials(tmp_path)
    assert names(tmp_path) == []


def test_partial_files_go_once_they_are_abandoned_and_not_before(server, tmp_path):
    young, old, another = (
        tmp_path / name for name in ("weights.bin.1.partial", "weights.bin.2.partial", "b.1.partial")
    )
    for partial in (young, old, another):
        partial.write_bytes(b"half")
    for partial in (old, another):
        os.utime(partial, (time.time() - ABANDONED_AFTER - 60,) * 2)
    fetched(server.url("good"), SHA256, tmp_path)
    assert names(tmp_path) == ["b.1.partial", "weights.bin", "weights.bin.1.partial"]


def test_a_clock_that_was_put_back_leaves_no_partial_files(tmp_path):
    (partial := tmp_path / "weights.bin.1.partial").write_bytes(b"half")
    os.utime(partial, (time.time() + 3 * A_MOMENT,) * 2)
    clear_partials(tmp_path)
    assert names(tmp_path) == []


def test_abandoned_partial_files_go_also_when_the_file_arrived_otherwise(tmp_path):
    (tmp_path / "weights.bin").write_bytes(BODY)
    (tmp_path / "weights.bin.1.partial").write_bytes(b"half")
    os.utime(tmp_path / "weights.bin.1.partial", (time.time() - ABANDONED_AFTER - 60,) * 2)
    fetched("https://example.invalid/weights.bin", SHA256, tmp_path)
    assert names(tmp_path) == ["weights.bin"]


def at_once(count: int, work) -> list:
    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(work, number) for number in range(count)]
        return [one.exception(30) or one.result() for one in running]


def test_twenty_visitors_who_want_one_file_download_it_once(server, tmp_path):
    told = [[] for _ in range(20)]
    found = at_once(20, lambda i: fetched(server.url("good"), SHA256, tmp_path, lambda *so_far: told[i].append(so_far)))
    assert found == [tmp_path / "weights.bin"] * 20
    assert len(server.asked) == 1
    assert names(tmp_path) == ["weights.bin"]


def test_a_failed_download_fails_for_all_who_wait_for_it(server, tmp_path):
    started = time.monotonic()
    found = at_once(8, lambda i: fetched(server.url("silent"), SHA256, tmp_path, timeout=1))
    assert all(isinstance(one, DownloadFailed) and "sent nothing" in str(one) for one in found)
    assert len({id(one) for one in found}) == 8  # none holds the frames of another
    assert time.monotonic() - started < 6  # and not eight times as long
    assert names(tmp_path) == []


def test_who_cancels_a_download_leaves_it_to_the_others(server, tmp_path):
    waiting = threading.Event()
    sha256 = hashlib.sha256(b"12345678").hexdigest()

    def cancel(done: int, total: int | None) -> None:
        if waiting.wait(10):
            raise Stopped

    def second(done: int, total: int | None) -> None:
        waiting.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fetched, server.url("trickling"), sha256, tmp_path, cancel)
        while not server.asked:
            time.sleep(0.01)
        other = pool.submit(fetched, server.url("trickling"), sha256, tmp_path, second)
        assert isinstance(first.exception(30), Stopped)
        assert other.result(30).read_bytes() == b"12345678"
    assert names(tmp_path) == ["weights.bin"]
    assert len(server.asked) == 1  # for what has come is not asked for again


def test_a_fetched_file_can_be_read_by_whom_the_umask_allows(server, tmp_path):
    """A class may share one folder; temporary files are often their writer's alone."""
    (tmp_path / "ordinary").touch()
    file = fetched(server.url("good"), SHA256, tmp_path)
    assert file.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_the_default_folder_is_torch_hubs(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "weights.bin").write_bytes(BODY)
    url = "https://example.invalid/weights.bin"
    assert cached(url, SHA256) == fetched(url, SHA256) == tmp_path / "hub" / "checkpoints" / "weights.bin"
