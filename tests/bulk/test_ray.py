"""Ray Data writes the files of one process, also if workers die, the command is killed, or nodes are two."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sentiment.bulk.plan import RECORDS
from sentiment.system.own_command import own_command, own_environment

ray = pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = [pytest.mark.extras, pytest.mark.timeout(600)]
ACTOR = b"ray::MapWorker"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Return the environment of a command; Ray keeps its token in an own home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_worker_niceness", "0")
    return own_environment() | {"OMP_NUM_THREADS": "1"}


def start(folder, out, *options, environment):
    arguments = [
        "predict",
        "--run",
        "shipped",
        "--file",
        f"{folder}/*.csv",
        "--out",
        str(out),
        "--engine",
        "ray",
    ]
    return subprocess.Popen(
        own_command([*arguments, *options]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=out.parent,
    )


def written(out):
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


def find_workers(ancestor):
    """Return the process numbers of the actors of Ray Data below a process, each with its parent."""
    found = {}
    for pid in descendants(ancestor):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(ACTOR):
                found[pid] = find_parent(pid)
    return found


def find_parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for(condition, process, seconds=240):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def listening_addresses(pids):
    """Return the addresses at which these processes listen, in the words of /proc/net/tcp."""
    sockets = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            sockets |= {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].rpartition(":")[0])
    return found


def descendants(pid):
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = find_parent(path.parent.name)
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


@pytest.fixture
def folder(make_folder):
    """Return files that are so long that a process can be killed in the middle of one."""
    return make_folder(2_000)


def test_a_killed_worker_changes_nothing_and_no_port_is_open_to_others(
    folder, expected, tmp_path, environment
):
    out = tmp_path / "out"
    with start(folder, out, "--workers", "2", environment=environment) as process:
        wait_for(lambda: written(out), process)  # both have loaded their models
        addresses = listening_addresses(descendants(process.pid))
        os.kill(min(find_workers(process.pid)), signal.SIGKILL)
        _, messages = process.communicate()
    assert process.returncode == 0, messages
    assert written(out) == expected
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"} and addresses
    assert messages.splitlines()[-1].startswith(f"wrote {out}: ") or "not predicted" in messages
    assert not list(out.glob(".*.tmp"))


def test_a_killed_command_is_resumed_and_leaves_no_process(folder, expected, tmp_path, environment):
    out = tmp_path / "out"
    with start(folder, out, "--workers", "1", environment=environment) as process:
        wait_for(lambda: count_finished(out) >= 2, process)
        family = descendants(process.pid) - {process.pid}
        process.kill()
    finished = count_finished(out)
    places = {path.name: path.stat().st_ino for path in out.glob("part-*")}
    with start(folder, out, "--workers", "1", environment=environment) as process:  # at once
        _, messages = process.communicate()
    assert process.returncode == 0, messages
    resumed = int(re.search(r"(\d) of 6 files are finished already", messages)[1])
    assert finished <= resumed < 6  # the worker lives a little longer than the command
    assert sum((out / name).stat().st_ino == place for name, place in places.items()) >= finished
    assert written(out) == expected
    wait_until_ended(family)


def count_finished(out):
    return len(list((out / RECORDS).glob("*.json")))


def wait_until_ended(family, seconds=150):
    """Wait until processes have ended; two agents of Ray try for a minute to report to their dead head."""
    end = time.monotonic() + seconds
    while family := set(filter(is_alive, family)):
        assert time.monotonic() < end, [Path(f"/proc/{pid}/cmdline").read_text() for pid in family]
        time.sleep(0.2)


def is_alive(pid):
    """Return whether a process runs: one that has ended may wait for its new parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_sigterm_ends_the_command_and_says_how_to_resume(folder, expected, tmp_path, environment):
    out = tmp_path / "out"
    with start(folder, out, "--workers", "1", environment=environment) as process:
        wait_for(lambda: count_finished(out) == 1, process)
        family = descendants(process.pid) - {process.pid}
        process.terminate()
        _, messages = process.communicate()
    assert process.returncode == 143, messages
    assert re.search(r"[1-5] of 6 files are finished; type the same command again", messages)
    wait_until_ended(family, 10)


@pytest.fixture
def cluster(tmp_path, environment):
    """Yield the address of a cluster of two nodes with one CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = environment["PYTHONPATH"]
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    cluster.wait_for_nodes()
    yield cluster.address
    cluster.shutdown()


@pytest.mark.parametrize(("rows", "copies"), [(2_000, 1), (20_000, 9)], ids=["short", "a million rows"])
@pytest.mark.timeout(1800)
def test_two_nodes_share_the_files_and_survive_a_killed_worker(
    make_folder, predict_alone, tmp_path, environment, cluster, rows, copies
):
    out = tmp_path / "out"
    folder = make_folder(rows)
    expected = predict_alone(folder)
    for path in [*folder.iterdir()]:
        for number in range(1, copies):
            name = f"{path.stem}-{number}.csv"
            shutil.copy(path, folder / name)
            expected[name] = expected[path.name]
    with start(folder, out, "--address", cluster, environment=environment | os.environ) as process:
        wait_for(lambda: count_finished(out) >= max(1, len(expected) // 3), process, 1200)
        workers = find_workers(os.getpid())
        assert len(set(workers.values())) == 2, "the workers are not on both nodes"
        os.kill(min(workers), signal.SIGKILL)
        _, messages = process.communicate()
    assert process.returncode == 0, messages
    assert f": {6 * copies * (rows + 1):,} rows" in messages
    assert written(out) == expected
