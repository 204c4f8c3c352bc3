"""Predict files on the workers of Ray Data: each is an actor that has loaded the model once."""

import atexit
import json
import logging
import os
import signal
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentiment.bulk.plan import Shard
from sentiment.bulk.progress import Counts
from sentiment.bulk.worker import Job, Report, Worker, report_error
from sentiment.data.text import shorten
from sentiment.errors import Interrupted, MachineError, SentimentError, UsageError
from sentiment.system import interrupts
from sentiment.system.threads import available_cores

LOOPBACK = "127.0.0.1"
# Without it Ray takes the loopback address for a mistake, and listens at the address of the network.
ON_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
OBJECT_STORE = 100 * 2**20  # bytes of shared memory; only names and counts pass through it
ATTEMPTS = 3  # a file whose worker dies is given to so many others
SECONDS_TO_ANSWER = 5.0  # for the head of a cluster


@dataclass(frozen=True)
class Workers:
    """Where the workers run, and how many."""

    address: str | None = None
    """The head of a cluster as HOST:PORT; None starts workers on this machine."""
    count: int | None = None
    """None takes as many as there are CPUs for, and files."""


def check_address(address: str | None) -> None:
    """Raise UsageError if an address is no HOST:PORT; MachineError if nothing answers there.

    Ray itself would try for a quarter of an hour.
    """
    if address is None:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--address {shorten(address)}: write HOST:PORT, such as first-machine:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _start_error(address, error) from None


def predict_shards(job: Job, shards: Sequence[Shard], workers: Workers) -> Iterator[tuple[Shard, Report]]:
    """Yield what became of each file, as soon as it is known; a file that ends its workers is left out.

    Raises UsageError if the cluster has too few CPUs; MachineError if there is no
    cluster at the address.
    """
    count = workers.count
    if workers.address is None:
        count = min(count or max(1, available_cores() // job.threads), len(shards))
    with _cluster(workers.address, (count or 0) * job.threads):
        count = _count_workers(count, job.threads, len(shards))
        for row in _start(job, shards, count).iter_rows():
            report = json.loads(row["report"])
            yield shards[row["number"]], Report(**report | {"counts": Counts(**report["counts"])})


class RayWorker:
    """An actor of Ray Data: takes the number of a file and its names, returns a report as JSON."""

    def __init__(self, job: Job) -> None:
        """Load the model. If that fails, it is the error of every file: Ray would try again for ever."""
        self._worker_or_report: Worker | Report
        try:
            self._worker_or_report = Worker(job)
        except SentimentError as error:
            self._worker_or_report = report_error(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Predict a file."""
        report = self._worker_or_report
        if isinstance(report, Worker):
            report = report.predict(Shard(Path(row["source"]), Path(row["target"]), Path(row["record"])))
        return {"number": row["number"], "report": json.dumps(asdict(report))}


def _start(job: Job, shards: Sequence[Shard], count: int) -> Any:
    """Return the dataset whose rows are the reports; each block has one file."""
    import ray

    rows = [
        {
            "number": number,
            "source": str(shard.source),
            "target": str(shard.target),
            "record": str(shard.record),
        }
        for number, shard in enumerate(shards)
    ]
    with warnings.catch_warnings():
        # `ray_remote_args_fn` goes in Ray 2.64; until then nothing else limits the attempts.
        warnings.simplefilter("ignore", ray.util.annotations.RayDeprecationWarning)
        return ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            RayWorker,
            fn_constructor_args=(job,),
            compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=2),
            num_cpus=job.threads,
            num_gpus=1 if job.device == "cuda" else 0,
            ray_remote_args_fn=lambda: {"max_restarts": -1, "max_task_retries": ATTEMPTS},
        )


@contextmanager
def _cluster(address: str | None, cpus: int) -> Iterator[None]:
    """Start Ray on the loopback address with so many CPUs, or join a cluster; leave it at the end."""
    ray = _import_ray(is_local=address is None)
    place: dict[str, Any] = {"address": address}
    if address is None:
        place = {"address": "local", "_node_ip_address": LOOPBACK, "include_dashboard": False}
        place |= {"num_cpus": cpus, "object_store_memory": OBJECT_STORE}
    try:
        with _own_signals():
            ray.init(log_to_driver=False, configure_logging=False, **place)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _start_error(address, error) from None
    except Interrupted as stop:
        # Half started, Ray crashes in what it does at the exit; this runs before that.
        atexit.register(os._exit, stop.exit_code)
        raise
    try:
        yield
    finally:
        ray.shutdown()


def _import_ray(*, is_local: bool) -> Any:
    """Import Ray. It sends no statistics, prints nothing, and goes on if one file cannot be predicted."""
    if is_local:
        os.environ[ON_LOOPBACK] = "0"
    else:
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # try once
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DATA_LOG_LEVEL", "ERROR")
    import ray.data

    logging.getLogger("ray").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Undo what Ray does to the handlers of signals: this program ends in its own way."""
    handlers = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    try:
        yield
    except SystemExit:  # what the handler of Ray raises
        raise Interrupted(signal.SIGTERM) from None
    finally:
        signal.alarm(0)  # the handler in Ray's core aborts the program soon after a signal
        for number, handler in handlers.items():
            with suppress(ValueError):  # not in the main thread, where Ray changes none
                signal.signal(number, handler)


def _start_error(address: str | None, error: Exception) -> MachineError:
    reason = shorten(" ".join(str(error).split()))
    if address is None:
        return MachineError(f"Ray does not start on this machine: {reason}")
    return MachineError(
        f"--address {shorten(address)}: no cluster of Ray answers ({reason}); start one with ray start --head"
    )


def _count_workers(count: int | None, threads: int, files: int) -> int:
    """Return how many workers to start; raises UsageError if the cluster has no CPUs for them."""
    import ray

    most = int(ray.cluster_resources().get("CPU", 0)) // threads
    if most < (count or 1):
        raise UsageError(
            f"the cluster has CPUs for {most} workers of {threads} threads; lower --workers or --threads"
        )
    return min(count or most, files)
