"""The search in shards on a cluster of Ray, which is an extra."""

import os
import re
import signal
import socket
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from models.picture_sets import PictureSet
from models.refusals import Refused
from models.statefile import printable
from vis.top9.engines import IN_FLIGHT, LOOKS, RETRIES, Search, Stopped, in_order, mined
from vis.top9.ranking import Top

CONNECTS = 10  # seconds for a cluster to answer


@contextmanager
def connected() -> Iterator[None]:
    """A `with` on the cluster of RAY_ADDRESS, on the one that this machine is in, or on a new one; within another, on
    that one.

    Raises:
        Refused: where Ray is not installed, or nothing answers.
    """
    try:
        import ray
    except ImportError as error:
        raise Refused("Ray is not installed: pip install ray, or choose --engine local.") from error
    if ray.is_initialized():
        yield
        return
    _connect()
    try:
        yield
    finally:
        ray.shutdown()


def on_ray(search: Search, shards: Iterable[PictureSet], stopped: Stopped) -> Generator[Top]:
    """Each shard as a task of Ray, on the cluster of `connected`.

    Where the cluster has GPUs every task has one, and none goes without. A shard whose process or machine is lost is
    mined again elsewhere.
    """
    with connected():
        yield from _on_cluster(search, shards, stopped)


def _on_cluster(search: Search, shards: Iterable[PictureSet], stopped: Stopped) -> Generator[Top]:
    import ray

    under_way: set[ray.ObjectRef] = set()
    try:
        search = _for_cluster(search, ray.nodes())
        gpus = int(search.device == "cuda")
        # a process is kept for further tasks, GPU or not: it has opened the network
        task_of = ray.remote(num_cpus=search.threads, num_gpus=gpus, max_retries=RETRIES, max_calls=0)(mined)

        def submit(packed: bytes) -> ray.ObjectRef:
            under_way.add(task := task_of.remote(search, packed))
            return task

        def result(task: ray.ObjectRef) -> Top | Refused:
            found = ray.get(task)
            under_way.remove(task)
            return found

        def most() -> int:
            there = ray.cluster_resources()
            return IN_FLIGHT * max(int(there.get("GPU", 0) if gpus else there.get("CPU", 0) // search.threads), 1)

        yield from in_order(
            submit, shards, most, lambda task: bool(ray.wait([task], timeout=LOOKS)[0]), result, stopped
        )
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise Refused(
            "The process or machine of a shard was lost more than {times} times; check the machines and their memory, "
            "then run the same command again.",
            times=RETRIES,
        ) from error
    finally:
        for task in under_way:
            ray.cancel(task, force=True)


def _connect() -> None:
    """Joins a cluster, or begins one, quietly; the program keeps its own ways to be ended."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS", "")
    asked = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if machine := re.fullmatch(r"(?:ray://)?([\w.-]+):(\d+)", address):  # where Ray itself would wait for minutes
            socket.create_connection(machine.groups(), CONNECTS).close()
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError) as error:
        raise Refused(
            "Ray does not begin, with RAY_ADDRESS={address}: {reason}.", address=printable(address), reason=error
        ) from error
    for number, handler in asked.items():
        signal.signal(number, handler)


def _for_cluster(search: Search, nodes: Iterable[dict]) -> Search:
    """The search with the device that the cluster has, and with cores enough to keep a GPU busy."""
    there = [node["Resources"] for node in nodes if node["Alive"]]
    with_gpus = [node for node in there if node.get("GPU")]
    if search.device == "cpu" or not with_gpus:
        return replace(search, device="cpu")
    share = min(int(node.get("CPU", 1) // node["GPU"]) for node in with_gpus)
    return replace(search, device="cuda", threads=max(search.threads, share))
