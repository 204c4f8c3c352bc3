"""Measure `sentiment serve` on loopback with the public client hey (`apt-get install hey`).

It starts a server of its own and sends one review of median length again and again: as fast as possible,
at half of that rate, at ten times that rate, and many times while memory is watched. The client shares the
cores with the server, so the figures are on the safe side.
"""

import argparse
import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sentiment.system.own_command import own_command, own_environment

MEDIAN_WORDS = 174  # of the reviews of IMDB
CONNECTIONS = 128
CLIENTS = 16  # of one connection each, which begin one after the other
MANY_CONNECTIONS = 400
OVERLOAD = 10
STEPS = 10
REFUSALS = {429, 503}


@dataclass(frozen=True)
class Load:
    """What hey saw."""

    seconds: float
    milliseconds: Sequence[float]
    """Of answered requests, sorted."""
    statuses: Counter[int]
    errors: int
    """Requests without any answer."""

    @property
    def rate(self) -> float:
        """Answers with 200 a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        return self.milliseconds[min(int(len(self.milliseconds) * share), len(self.milliseconds) - 1)]

    @property
    def is_clean(self) -> bool:
        """Whether every request was answered, or refused as it should be."""
        return not self.errors and self.statuses.keys() <= {200, *REFUSALS}

    def describe(self) -> str:
        """Return the figures on one line."""
        counts = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        times = f"p50 {self.percentile(0.5):.0f} ms, p99 {self.percentile(0.99):.0f} ms"
        return f"{self.rate:,.0f} answers/s, {times}; {counts}; {self.errors} without an answer"


@contextmanager
def running_server(run: str, threads: int | None) -> Iterator[str]:
    """Serve a run on a free port; yield its address."""
    command = own_command(["serve", run, "--port", "0", *(["--threads", str(threads)] if threads else [])])
    with subprocess.Popen(
        command, env=own_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            yield read_address(process.stderr)
        finally:
            process.terminate()


def read_address(lines: Iterator[str] | io.TextIOBase) -> str:
    """Return the address that a starting server says."""
    for line in lines:
        if found := re.search(r"http://\S+", str(line)):
            return found[0]
        print(str(line), end="", file=sys.stderr)
    raise SystemExit("the server did not start")


def median_review() -> str:
    """Return a text of as many words as the median review of IMDB has."""
    rows = resources.files("sentiment") / "data" / "sample" / "test.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines()
    words = " ".join(json.loads(line)["text"] for line in lines[:40]).split()
    return " ".join(words[:MEDIAN_WORDS])


def load(address: str, body: Path, workers: int, *bounds: str) -> Load:
    """Let hey send requests with so many workers; `bounds` are its options for how many and how fast."""
    begin = time.perf_counter()
    with start_client(address, body, workers, *bounds) as client:
        text = output_of(client)
    return read_load([text], time.perf_counter() - begin)


def load_evenly(address: str, body: Path, rate: float, seconds: int) -> Load:
    """Send so many requests a second, each at its own time; the workers of one hey send all at once."""
    bounds = ("-z", f"{seconds}s", "-q", f"{rate / CLIENTS:.3f}")
    with ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            clients.append(stack.enter_context(start_client(address, body, 1, *bounds)))
            time.sleep(1 / rate)
        return read_load([output_of(client) for client in clients], seconds)


def start_client(address: str, body: Path, workers: int, *bounds: str) -> "subprocess.Popen[str]":
    """Start hey."""
    command = ["hey", "-o", "csv", "-c", str(workers), *bounds, "-t", "60", "-m", "POST", "-D", str(body)]
    return subprocess.Popen(
        [*command, "-T", "application/json", f"{address}/predict"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": str(Path(shutil.which("hey") or "hey").parent)},  # no proxy
    )


def output_of(client: "subprocess.Popen[str]") -> str:
    """Return what a client printed, once it ends; raises CalledProcessError if it failed."""
    text, _ = client.communicate()
    if client.returncode:
        raise subprocess.CalledProcessError(client.returncode, client.args)
    return text


def read_load(texts: Sequence[str], seconds: float) -> Load:
    """Read the tables that hey prints; a request without an answer has no line, or the status 0."""
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    statuses = Counter(int(row["status-code"]) for row in rows)
    errors = statuses.pop(0, 0)
    times = sorted(float(row["response-time"]) * 1000 for row in rows if row["status-code"] != "0")
    if not times:
        raise SystemExit("no request was answered")
    return Load(seconds, times, statuses, errors)


def memory_of(address: str) -> float:
    """Return the memory of the server in MiB."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    return float(re.findall(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[0]) / 2**20


def measure(address: str, body: Path, seconds: int, requests: int) -> bool:
    """Print the figures; return whether nothing but answers and refusals came back."""
    load(address, body, CONNECTIONS, "-n", str(max(CONNECTIONS, min(500, requests))))
    full = load(address, body, CONNECTIONS, "-z", f"{seconds}s")
    print(f"as fast as possible: {full.describe()}", flush=True)
    half = load_evenly(address, body, full.rate / 2, seconds)
    print(f"half of that rate:   {half.describe()}", flush=True)
    each = full.rate * OVERLOAD / MANY_CONNECTIONS
    over = load(address, body, MANY_CONNECTIONS, "-z", f"{seconds}s", "-q", f"{each:.3f}")
    print(f"{OVERLOAD} times that rate:  {over.describe()}", flush=True)
    loads, memory = [full, half, over], [memory_of(address)]
    for _ in range(STEPS if requests >= STEPS * CONNECTIONS else 0):
        loads.append(load(address, body, CONNECTIONS, "-n", str(requests // STEPS)))
        memory.append(memory_of(address))
    steps = " ".join(f"{one:,.0f}" for one in memory)
    print(f"memory over {requests:,} requests, in MiB: {steps}", flush=True)
    return all(one.is_clean for one in loads)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, measure, and return 1 if a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="shipped", help="the run to serve")
    parser.add_argument("--seconds", type=int, default=30, help="of each load")
    parser.add_argument("--requests", type=int, default=100_000, help="while memory is watched")
    parser.add_argument("--threads", type=int, help="CPU threads of the server")
    options = parser.parse_args(arguments)
    if shutil.which("hey") is None:
        raise SystemExit("this needs the client hey: apt-get install hey")
    with tempfile.TemporaryDirectory() as folder, running_server(options.run, options.threads) as address:
        body = Path(folder) / "body.json"
        body.write_text(json.dumps({"text": median_review()}), encoding="utf-8")
        return 0 if measure(address, body, options.seconds, options.requests) else 1


if __name__ == "__main__":
    sys.exit(main())
