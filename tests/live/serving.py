"""A fresh server of a script in a process of its own, and what that process takes: for benchmarks and long trials.

What it takes is read from /proc, which Linux has.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.conftest import ROOT, end, free_port, wait_until_healthy
from tests.live.conftest import serving as started


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    address: str
    process: int
    log: Path

    def tracebacks(self) -> list[str]:
        """What its log says of exceptions, each once; a visitor sees no more than that there was one."""
        found, lines = dict[str, int](), self.log.read_text("utf-8", "replace").splitlines()
        for i, line in enumerate(lines):
            if line.lstrip().startswith("Traceback (most recent call last)"):
                end = next((j for j in range(i + 1, len(lines)) if lines[j][:1].strip()), len(lines) - 1)
                found.setdefault("\n".join(lines[max(0, i - 1) : end + 1]), i)
        return list(found)

    def cpu(self) -> float:
        """Seconds of a core that it has worked."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def peak(self) -> int:
        """The most bytes of memory that it has held."""
        lines = (self._proc / "status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    def files(self) -> int:
        """Files and connections that it has open."""
        return len(os.listdir(self._proc / "fd"))

    def threads(self) -> int:
        return len(os.listdir(self._proc / "task"))

    @property
    def _proc(self) -> Path:
        return Path("/proc") / str(self.process)


@contextmanager
def serving(script: Path = ROOT / "app.py", keep: Path | None = None, **environment: str) -> Iterator[Server]:
    """A fresh server of `script`, ended with the `with`.

    Args:
        keep: where its log stays; by default it goes with the server.
        environment: variables that it has besides those that are set.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = keep or Path(folder, "log.txt")
        process = started(script, "127.0.0.1", port, log, **environment)
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{port}", log)
            yield Server(f"http://127.0.0.1:{port}", process.pid, log)
        finally:
            end(process)
