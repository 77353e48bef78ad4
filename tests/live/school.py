"""A school's server on this machine: nginx, as it is shipped, before replicas of the app in class mode."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.conftest import ROOT, end, free_port, go_without, wait_until_healthy
from tests.live.conftest import serving as started
from tests.live.serving import Server

INSIDE = "127.0.93"  # in the place of the network inside compose.yaml
NUMBERS = ("11", "12")  # of the replicas, in their addresses and in the cookie of a visitor
CLASS = {"CONVSCOPE_CLASS": "1", "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "15"}
SHIPPED = {  # what is otherwise here, in the configurations that are shipped
    "nginx.conf": {
        "172.28.93": "{inside}",
        ":8501": ":{port}",
        "listen 8080;": "listen 127.0.0.1:{front};",
        "# listen 8080 ssl;": "listen 127.0.0.1:{tls} ssl;",
        " /tmp/": " {folder}/",
        "/etc/convscope/tls": "{folder}",
    },
    "space.conf": {
        "127.0.0.1:8501": "{inside}.12:{port}",
        "listen 7860;": "listen 127.0.0.1:{front} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;",
        "https://huggingface.co": "http://127.0.0.1:*",  # which is another site than localhost
        " /tmp/": " {folder}/space-",
    },
}


@dataclass(frozen=True)
class School:
    address: str
    over_tls: str
    port: int  # of each replica
    replicas: dict[str, Server]
    folder: Path  # of the proxy's files

    def cpu(self) -> float:
        """Seconds of a core that the replicas have worked."""
        return sum(replica.cpu() for replica in self.replicas.values())


@contextmanager
def school(folder: Path, numbers: Sequence[str] = NUMBERS) -> Iterator[School]:
    """A proxy and its replicas, ended with the `with`.

    Args:
        folder: for what the proxy writes, its certificate, and the logs of all.
    """
    port, front, tls = (free_port() for _one in range(3))
    certify(folder)
    processes: list[subprocess.Popen] = []
    replicas: dict[str, Server] = {}
    try:
        processes.append(proxy(configured("nginx.conf", folder, port, front, tls, numbers)))
        for number in numbers:
            log = folder / f"{number}.txt"
            processes.append(started(ROOT / "app.py", f"{INSIDE}.{number}", port, log, **CLASS))
            replicas[number] = Server(f"http://{INSIDE}.{number}:{port}", processes[-1].pid, log)
        for process, replica in zip(processes[1:], replicas.values(), strict=True):
            wait_until_healthy(process, replica.address, replica.log)
        known = School(f"http://127.0.0.1:{front}", f"https://127.0.0.1:{tls}", port, replicas, folder)
        wait_until_healthy(processes[0], known.address, folder / "nginx.log")
        yield known
    finally:
        for process in processes:
            end(process)


def proxy(configuration: Path) -> subprocess.Popen:
    """An nginx with this configuration; beside it lie what it writes, and its log."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if nginx is None:
        go_without("nginx is not installed")
    as_root = "user root;" if os.geteuid() == 0 else ""  # or it may not write into the folder of a test
    command = [nginx, "-e", "stderr", "-c", str(configuration), "-g", f"daemon off; {as_root}"]
    with configuration.with_suffix(".log").open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)


def configured(
    name: str, folder: Path, port: int, front: int, tls: int | None = None, numbers: Sequence[str] = NUMBERS
) -> Path:
    """One of the configurations as a file, for these replicas of those that it names."""
    text = (ROOT / "deploy" / name).read_text("utf-8")
    for shipped, here in SHIPPED[name].items():
        assert shipped in text
        text = text.replace(shipped, here.format(inside=INSIDE, port=port, front=front, tls=tls, folder=folder))
    absent = tuple(f"server {INSIDE}.{number}:" for number in NUMBERS if number not in numbers)
    lines = [line for line in text.splitlines(keepends=True) if not line.strip().startswith(absent)]
    (configuration := folder / name).write_text("".join(lines), "utf-8")
    return configuration


def certify(folder: Path) -> None:
    """Puts a certificate and its key there."""
    of_key = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    subprocess.run(["openssl", "req", "-x509", *of_key, "-subj", "/CN=localhost"], check=True, capture_output=True)
