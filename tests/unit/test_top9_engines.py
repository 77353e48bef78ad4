"""The top nine in shards: merged in any way they are one run's, and so they are when a process or a machine is lost."""

import ast
import json
import os
import pickle
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import load
from models.decoding import PictureRefused
from models.images import Preprocess
from models.picture_sets import MOST_LISTED, SetGone, archive, fingerprint_of, folder, mark_of, span
from models.refusals import Refused
from tests.house.source import ROOT, is_within, mentions, modules
from tests.unit.test_top9 import Pixels, command, crops, layers_of, noise, same, stop_after, with_photos
from vis.top9 import cluster as on_cluster
from vis.top9 import key_of, merge, mine, open_top
from vis.top9.__main__ import main
from vis.top9.cluster import on_ray
from vis.top9.engines import Search, in_order, local, mine_in_shards, mined
from vis.top9.ranking import Key, Ranking, Top

pytestmark = pytest.mark.usefixtures("on_one_thread")


@pytest.fixture(scope="module")
def lenet():
    return load("lenet5", "random", "cpu")


# Merging -------------------------------------------------------------------------------------------------------------

LAYERS = ("a", "b")


@dataclass(frozen=True)
class Seen:
    """What two layers of two feature maps each answer to a picture; None for one that cannot be read."""

    answers: tuple[int, ...] | None
    photograph: int | None  # None for one of its own


ANSWERS = st.none() | st.tuples(*[st.integers(0, 2)] * 4)
PARTS, WHOLES = st.builds(Seen, ANSWERS, st.none() | st.integers(0, 4)), st.builds(Seen, ANSWERS, st.none())


def photograph(id: str, seen: Seen) -> str:
    return id if seen.photograph is None else f"photograph {seen.photograph}"


def sorted_out(seen: dict[str, Seen], k: int) -> Top:
    """The result of one run by sorting everything, in plain Python."""
    readable = {id: one for id, one in seen.items() if one.answers}
    nine = {}
    for place in range(4):
        found = sorted(readable, key=lambda id, place=place: (-readable[id].answers[place], id))
        of = [photograph(id, seen[id]) for id in found]
        nine[place] = [id for i, id in enumerate(found) if of[i] not in of[:i]][:k]
    names = sorted({id for ids in nine.values() for id in ids})
    rankings = {}
    for i, layer in enumerate(LAYERS if readable else ()):
        rankings[layer] = found = Ranking.empty(2, k)
        for channel in range(2):
            for rank, id in enumerate(nine[2 * i + channel]):
                found.strengths[channel, rank] = found.values[channel, rank] = readable[id].answers[2 * i + channel]
                found.pictures[channel, rank] = names.index(id)
                found.rows[channel, rank] = found.columns[channel, rank] = sum(readable[id].answers)
    bad = sorted(set(seen) - set(readable))
    fingerprint = fingerprint_of(map(mark_of, seen))
    key = Key("n", "w", Preprocess(8, 8, (0.0,), (1.0,)), fingerprint, k, LAYERS)
    reasons = [(id, PictureRefused("The file is empty.")) for id in bad][:MOST_LISTED]
    sources = [photograph(id, seen[id]) for id in names]
    return Top(key, "set", len(seen), len(seen), reasons, len(bad), rankings, names, [None] * len(names), sources)


@settings(max_examples=150)
@given(
    st.booleans().flatmap(lambda parts: st.lists(PARTS if parts else WHOLES, min_size=1, max_size=12)),
    st.integers(1, 4),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_shards_of_any_size_merged_in_any_order_are_what_sorting_gives(pictures, k, size, dice):
    """Of many ties: three values, five photographs, some pictures that cannot be read. Also associative, therefore."""
    ids = [f"{i:02d}" for i in range(len(pictures))]
    dice.shuffle(ids)
    seen = dict(zip(ids, pictures, strict=True))
    shards = [sorted_out({id: seen[id] for id in ids[i : i + size]}, k) for i in range(0, len(ids), size)]
    while len(shards) > 1:
        one, other = (shards.pop(dice.randrange(len(shards))) for _ in range(2))
        shards.append(merge(one, other))
    whole = sorted_out(seen, k)
    assert same(shards[0], whole)
    assert (shards[0].title, shards[0].key) == (whole.title, whole.key)


def test_a_title_stands_once_whoever_is_merged_first():
    tops = [
        replace(sorted_out({id: Seen((1, 1, 1, 1), 1)}, 2), title=title)
        for id, title in zip("abcd", "xyxz", strict=True)
    ]
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1)):
        one, two, three, four = (tops[i] for i in order)
        assert merge(merge(one, two), merge(three, four)).title == "x + y + z"
        assert merge(merge(merge(one, two), three), four).title == "x + y + z"


# In shards -----------------------------------------------------------------------------------------------------------


def search_of(loaded, **options) -> Search:
    return Search("lenet5", "random", tuple(layers_of(loaded)), device="cpu", **options)


def here(search: Search, shards, stopped) -> Iterator[Top]:
    """An engine without any process."""
    for shard in shards:
        if stopped():
            return
        yield search(shard)


def in_shards(
    loaded, pictures, keep: Path, engine=here, search: Search | None = None, report=None, stopped=None, **options
) -> Top:
    return mine_in_shards(
        *(engine, search or search_of(loaded), pictures, key_of(loaded, pictures, layers_of(loaded))),
        **{"keep": keep, "report": report or (lambda done, total: None), "stopped": stopped or (lambda: False)},
        **{"every": 0, **options},
    )


@pytest.mark.parametrize("size", [1, 7, 32, 45, 1000])
def test_shards_of_any_size_give_the_file_of_one_run(lenet, tmp_path, size):
    pictures, told = crops(45), []
    whole = mine(lenet, pictures, layers_of(lenet), keep=tmp_path / "whole.parquet")
    found = in_shards(lenet, pictures, tmp_path / "x.parquet", size=size, report=lambda *n: told.append(n))
    assert same(found, whole)
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert told == [(done, 45) for done in (*range(0, 45, size), 45)]


def test_one_engine_goes_on_with_the_file_of_another_and_shards_of_another_size(lenet, tmp_path):
    pictures, keep = crops(100), tmp_path / "x.parquet"
    mine(lenet, pictures, layers_of(lenet), keep=tmp_path / "whole.parquet")
    told: list[int] = []

    def tell(done: int, total: int) -> None:
        told.append(done)

    assert mine(lenet, pictures, layers_of(lenet), keep=keep, stopped=stop_after(1)).counted == 32
    stopped = in_shards(lenet, pictures, keep, size=9, report=tell, stopped=lambda: told[-1:] == [50])
    assert (told[0], stopped.counted, stopped.finished) == (32, 50, False)
    mine(lenet, pictures, layers_of(lenet), keep=keep, stopped=stop_after(1), report=tell)
    in_shards(lenet, pictures, keep, size=10, report=tell)
    assert told[-3:] == [92, 100] or told[-2:] == [92, 100]
    assert keep.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    in_shards(lenet, pictures, keep, report=tell)
    assert told[-1] == 100
    assert keep.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_stopped_before_the_first_shard_nothing_is_lost(lenet, tmp_path):
    pictures, keep = Pixels(noise(20)), tmp_path / "x.parquet"
    assert in_shards(lenet, pictures, keep, stopped=lambda: True).counted == 0
    assert same(in_shards(lenet, pictures, keep, size=6), mine(lenet, pictures, layers_of(lenet)))


def test_no_more_shards_are_under_way_than_asked_for_and_results_come_in_order():
    dice, limits, under_way, most_seen = random.Random(0), iter([2, 3, 5, 1, 4] * 1000), set(), []

    def submit(packed: bytes) -> int:
        under_way.add(number := pickle.loads(packed))
        most_seen.append(len(under_way))
        return number

    def result(number: int) -> int:
        under_way.remove(number)
        return number

    often = in_order(*(submit, range(40), lambda: next(limits), lambda _: dice.random() < 0.3, result, lambda: False))
    assert list(often) == list(range(40))
    assert max(most_seen) == 5


# What goes to other processes ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return with_photos(tmp_path_factory.mktemp("photos"))


def test_a_shard_is_sent_without_the_rest_of_its_set_and_gives_the_same_pictures(photos, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "photos"), "zip", photos)
    for whole in (folder(photos, photos), archive(Path(packed), "photos.zip")):
        shard = span(whole, 7, 12)
        sent = pickle.dumps(shard)
        assert len(sent) < 2000
        again = pickle.loads(sent)
        assert (again.ids, again.marks, again.title) == (shard.ids, shard.marks, shard.title)
        assert all(again.open(id).tobytes() == shard.open(id).tobytes() for id in shard.ids if id != "broken.png")


def test_a_file_that_holds_other_pictures_where_the_shard_is_mined_is_refused(photos, tmp_path):
    packed = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", photos))
    sent = pickle.dumps(span(archive(packed, "photos.zip"), 0, 5))
    (tmp_path / "other").mkdir()
    shutil.copy(photos / "broken.png", tmp_path / "other")
    shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "other")
    with pytest.raises(Refused, match=r"photos\.zip differs from where the search began"):
        pickle.loads(sent)
    refused = mined(Search("lenet5", "random", ("C1",)), sent)
    assert str(refused).startswith(f"{platform.node()}: photos.zip differs")


@pytest.mark.parametrize("emptied", [False, True])
def test_a_folder_that_goes_out_of_reach_ends_the_search_and_is_gone_on_with(lenet, photos, tmp_path, emptied):
    """Its pictures are not counted as unreadable, by one process or in shards."""
    shutil.copytree(photos, root := tmp_path / "root" / "photos")
    pictures, away, keep = folder(root, root), tmp_path / "away", tmp_path / "x.parquet"

    def lose(done: int, total: int) -> None:
        if done >= 40 and not away.exists():
            root.rename(away)
            if emptied:
                root.mkdir()

    for run in (
        lambda report=None: mine(lenet, pictures, layers_of(lenet), keep=keep, report=report, every=0),
        lambda report=None: in_shards(lenet, pictures, keep, size=20, report=report),
    ):
        with pytest.raises(SetGone, match="The folder photos is gone"):
            run(lose)
        if emptied:
            root.rmdir()
        away.rename(root)
        whole = run()
        assert (whole.counted, whole.unreadable_in_all) == (121, 1)
        keep.unlink()


# On this machine -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Watched(Search):
    """Leaves a file for each shard that is begun, and takes its time."""

    begun: Path = Path()
    seconds: float = 0.0

    def __call__(self, shard, stopped=None) -> Top:
        ray = sys.modules.get("ray")
        node = ray.get_runtime_context().get_node_id() if ray and ray.is_initialized() else ""
        about = {"pid": os.getpid(), "first": shard.ids[0], "node": node}
        half = self.begun / f"{uuid4().hex}.half"
        half.write_text(json.dumps(about))
        half.rename(half.with_suffix(".json"))  # whole, or not there
        time.sleep(self.seconds)
        return super().__call__(shard, stopped)


def watched(loaded, folder: Path, seconds: float = 0.0) -> Watched:
    folder.mkdir(exist_ok=True)
    return Watched("lenet5", "random", tuple(layers_of(loaded)), device="cpu", begun=folder, seconds=seconds)


def begun(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in folder.glob("*.json")]


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def wait_until(said: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.mark.timeout(180)
def test_two_processes_give_the_file_of_one_even_after_one_was_killed(lenet, photos, tmp_path):
    pictures, keep, engine = folder(photos, photos), tmp_path / "x.parquet", partial(local, workers=2)
    mine(lenet, pictures, layers_of(lenet), keep=tmp_path / "whole.parquet")
    search = watched(lenet, tmp_path / "begun", seconds=0.05)

    def kill(done: int, total: int) -> None:
        if done >= 30:
            os.kill(begun(search.begun)[0]["pid"], signal.SIGKILL)

    with pytest.raises(Refused, match="A process was killed"):
        in_shards(lenet, pictures, keep, engine, search, size=10, report=kill)
    pids = {one["pid"] for one in begun(search.begun)}
    assert os.getpid() not in pids
    wait_until(lambda: not any(map(is_alive, pids)))
    told: list[int] = []
    in_shards(lenet, pictures, keep, engine, search, size=13, report=lambda done, total: told.append(done))
    assert told[0] >= 30
    assert keep.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


# By torchrun ---------------------------------------------------------------------------------------------------------


def test_shares_of_torchruns_processes_are_merged_to_the_file_of_one(photos, tmp_path, monkeypatch, capsys):
    """Of each the environment that torchrun gives it; itself it is run below."""
    whole, found = tmp_path / "whole.parquet", tmp_path / "all.parquet"
    assert main(command(photos, whole)) == 0
    for rank in range(3):
        for name, value in {"RANK": rank, "WORLD_SIZE": 3, "LOCAL_RANK": rank}.items():
            monkeypatch.setenv(name, str(value))
        assert main([*command(photos, tmp_path / "x.parquet"), "--engine", "torchrun", "--device", "cpu"]) == 0
    names = [str(tmp_path / f"x.{i}-of-3.parquet") for i in (2, 3, 1)]
    assert [open_top(Path(name)).total for name in names] == [40, 41, 40]
    assert main(["--merge", *names, "--out", str(found)]) == 0
    assert found.read_bytes() == whole.read_bytes()
    assert "121 of 121" in capsys.readouterr().out


@pytest.mark.timeout(180)
def test_torchrun_itself_begins_two_processes(photos, tmp_path):
    line = [*command(photos, tmp_path / "x.parquet"), "--engine", "torchrun", "--device", "cpu"]
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "vis.top9", *line],
        **{"cwd": ROOT, "check": True, "env": os.environ | {"OMP_NUM_THREADS": "1"}, "capture_output": True},
    )
    assert sorted(os.listdir(tmp_path)) == ["x.1-of-2.parquet", "x.2-of-2.parquet"]
    names = [str(tmp_path / name) for name in os.listdir(tmp_path)]
    assert main(["--merge", *names, "--out", str(tmp_path / "all.parquet")]) == 0
    assert main(command(photos, tmp_path / "whole.parquet", "--device", "cpu")) == 0
    assert same(open_top(tmp_path / "all.parquet"), open_top(tmp_path / "whole.parquet"))


@pytest.mark.parametrize("said", [{}, {"RANK": "0", "WORLD_SIZE": "0", "LOCAL_RANK": "0"}, {"RANK": "x"}])
def test_what_torchrun_did_not_begin_is_told_so(photos, tmp_path, monkeypatch, capsys, said):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert main([*command(photos, tmp_path / "x.parquet"), "--engine", "torchrun"]) == 1
    assert "torchrun --nproc-per-node" in capsys.readouterr().err


# On a cluster --------------------------------------------------------------------------------------------------------


def test_without_ray_it_is_said_how_to_get_it(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*command(photos, tmp_path / "x.parquet"), "--engine", "ray"]) == 1
    assert "Ray is not installed: pip install ray" in capsys.readouterr().err
    assert main([*command(photos, tmp_path / "x.parquet"), "--engine", "local"]) == 0


@pytest.mark.parametrize(
    ("address", "reason"), [("127.0.0.1:{closed}", "Connection refused"), ("nonsense", "nonsense")]
)
def test_a_cluster_that_is_not_there_is_said_before_anything_is_lost(
    photos, tmp_path, monkeypatch, capsys, address, reason
):
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r tests/requirements.txt")
    out = tmp_path / "x.parquet"
    assert main(command(photos, out)) == 0
    before = out.read_bytes()
    with socket.socket() as closed:  # taken, and not listened at
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", address := address.format(closed=closed.getsockname()[1]))
        assert main([*command(photos, out), "--engine", "ray", "--no-resume"]) == 1
    said = capsys.readouterr().err
    assert f"Ray does not begin, with RAY_ADDRESS={address}: " in said
    assert reason in said
    assert out.read_bytes() == before


def test_ray_is_imported_by_nothing_but_its_engine():
    trees = modules("app.py", "pages", "vis", "models")
    assert {path for path, tree in trees.items() for _, name in mentions(tree) if is_within(name, "ray")} == {
        "vis/top9/cluster.py"
    }
    at_the_top = [node for node in trees["vis/top9/cluster.py"].body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "ray" not in {name.name for node in at_the_top for name in node.names}


def node(**resources: float) -> dict:
    return {"Alive": resources.pop("alive", True), "Resources": resources}


@pytest.mark.parametrize(
    ("nodes", "asked", "device", "threads"),
    [
        ([node(CPU=4.0)], None, "cpu", 1),
        ([node(CPU=64.0), node(CPU=96.0, GPU=8.0)], None, "cuda", 12),
        ([node(CPU=96.0, GPU=8.0), node(CPU=16.0, GPU=4.0)], None, "cuda", 4),
        ([node(CPU=2.0, GPU=4.0)], None, "cuda", 1),
        ([node(CPU=96.0, GPU=8.0)], "cpu", "cpu", 1),
        ([node(CPU=8.0), node(CPU=96.0, GPU=8.0, alive=False)], None, "cpu", 1),
    ],
)
def test_a_task_has_a_gpu_where_there_are_some_and_its_share_of_the_cores(nodes, asked, device, threads):
    found = on_cluster._for_cluster(Search("lenet5", "random", ("C1",), device=asked), nodes)
    assert (found.device, found.threads) == (device, threads)


MEMORY = 80 * 2**20  # of a node's store of objects; Ray takes no less than 75 MB
NODE = {"num_cpus": 1, "object_store_memory": MEMORY}


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one machine, in which this process is none of the drivers yet."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r tests/requirements.txt")
    from ray.cluster_utils import Cluster

    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # sockets below it have names of at most 107 bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(True, head_node_args={**NODE, "include_dashboard": False, "temp_dir": place})
        patch.setenv("RAY_ADDRESS", made.address)
        processes = [process.process.pid for of in made.head_node.all_processes.values() for process in of]
        try:
            yield made
        finally:
            made.shutdown()
            shutil.rmtree(place)
    assert processes
    assert not any(map(is_alive, processes))


@pytest.fixture
def machines(cluster):
    """To begin another machine of the cluster with; all go with the test."""
    made = []

    def begin(**options: float):
        made.append(cluster.add_node(**NODE | options))
        return made[-1]

    yield begin
    for machine in set(made) & cluster.worker_nodes:
        cluster.remove_node(machine)


@pytest.mark.timeout(180)
def test_a_machine_killed_in_the_middle_changes_nothing(lenet, photos, tmp_path, cluster, machines):
    """Its shards are mined again by the other, and the file is that of one process."""
    pictures, keep, other = folder(photos, photos), tmp_path / "x.parquet", machines()
    mine(lenet, pictures, layers_of(lenet), keep=tmp_path / "whole.parquet")
    search, killed = watched(lenet, tmp_path / "begun", seconds=1.0), []

    def on_other() -> int:
        return sum(one["node"] == other.node_id for one in begun(search.begun))

    def kill(done: int, total: int) -> None:
        if done and not killed:
            before = on_other()
            wait_until(lambda: on_other() > before)  # one that it has only just begun, and takes a second for
            cluster.remove_node(other, allow_graceful=False)
            killed.append(done)

    found = in_shards(lenet, pictures, keep, on_ray, search, size=12, report=kill)
    assert killed[0] < 121
    assert found.finished
    assert keep.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    firsts = [one["first"] for one in begun(search.begun)]
    assert len(set(firsts)) == 11 < len(firsts)  # some were begun again
    wait_until(lambda: not any(is_alive(one["pid"]) for one in begun(search.begun)))


@pytest.mark.timeout(180)
def test_interrupted_on_a_cluster_it_is_gone_on_with_on_this_machine(photos, tmp_path, cluster, monkeypatch, capsys):
    out, whole, told = tmp_path / "x.parquet", tmp_path / "whole.parquet", []

    def interrupting(*given, report, **options) -> Top:
        def tell(done: int, total: int) -> None:
            report(done, total)
            told.append(done)
            if done:
                os.kill(os.getpid(), signal.SIGTERM)

        return mine_in_shards(*given, report=tell, **options)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("vis.top9.__main__.mine_in_shards", interrupting)
    assert main([*command(photos, out, "--device", "cpu"), "--engine", "ray", "--shard", "20"]) == 130
    assert told == [0, 20]
    assert signal.getsignal(signal.SIGTERM) == before
    assert not sys.modules["ray"].is_initialized()
    said = capsys.readouterr()
    assert "20 of 121 pictures" in said.out
    assert "goes on from" in said.err
    assert main(command(photos, out, "--device", "cpu")) == 0
    assert main(command(photos, whole, "--device", "cpu")) == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.fixture
def light(monkeypatch) -> Search:
    """A search whose tasks import nothing of the project: they only see what Ray gives them."""
    decided = on_cluster._for_cluster
    monkeypatch.setattr(on_cluster, "_for_cluster", lambda *given: SimpleNamespace(**vars(decided(*given))))
    return Search("lenet5", "random", ("C1",))


@pytest.mark.timeout(180)
def test_every_task_has_a_gpu_of_its_own_and_a_process_has_many_tasks(light, machines, monkeypatch):
    """Of machines that say they have GPUs: the tasks find what Ray gave to each."""
    machines(num_cpus=2, num_gpus=2)

    def seen(search, packed):
        time.sleep(0.2)
        return os.environ["CUDA_VISIBLE_DEVICES"], os.getpid(), search.device, search.threads

    monkeypatch.setattr(on_cluster, "mined", seen)
    found = list(on_ray(light, range(12), lambda: False))
    assert {(device, threads) for _, _, device, threads in found} == {("cuda", 1)}
    assert {gpu for gpu, *_ in found} == {"0", "1"}
    assert len({(gpu, pid) for gpu, pid, *_ in found}) == 2


@pytest.mark.timeout(180)
def test_a_shard_that_ends_every_process_is_given_up(light, cluster, monkeypatch, tmp_path):
    def killed(search, packed):
        (tmp_path / uuid4().hex).touch()
        os._exit(1)

    monkeypatch.setattr(on_cluster, "mined", killed)
    monkeypatch.setattr(on_cluster, "RETRIES", 2)
    with pytest.raises(Refused, match="of a shard was lost more than 2 times"):
        list(on_ray(light, range(1), lambda: False))
    assert len(os.listdir(tmp_path)) == 3
