"""The command as a process: what the page about it says, signals, and clients that are killed."""

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from sentiment.serving.server import PACKAGES
from sentiment.system.own_command import own_command, own_environment
from tests.serving.conftest import Client
from tests.serving.test_clients import read_metric, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
SLOW_CLIENT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
body = b'{"texts": [' + b", ".join([b'"A long secret, lovely film."'] * 1000) + b"]}"
head = b"POST /predict HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
head += b"Content-Length: %d\\r\\n\\r\\n"
connection.sendall(head % len(body) + body)
print("sent", flush=True)
print(connection.recv(100).split(b"\\r\\n")[0].decode(), flush=True)
"""
pytestmark = [pytest.mark.extras, pytest.mark.timeout(300)]


@contextmanager
def running(*arguments):
    """Start the command, and give the process and its port once it serves."""
    for name in PACKAGES:
        pytest.importorskip(name, reason="needs the extra serve")
    command = own_command(["serve", "shipped", "--port", "0", "--threads", "1", *arguments])
    with subprocess.Popen(
        command, env=own_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stderr.readline()
        found = re.fullmatch(
            r"serving shipped model on http://127\.0\.0\.1:(\d+) \(Ctrl-C stops it\)\n", first
        )
        assert found, first
        try:
            yield process, found[1]
        finally:
            process.kill()


@contextmanager
def slow_client(port):
    """Start a process that asks about 1,000 reviews, and give it once the server has begun."""
    command = [sys.executable, "-c", SLOW_CLIENT, port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "sent\n"
        wait_until(lambda: read_metric(Client(port), "sentiment_batch_reviews_count") > 0, seconds=60)
        yield process


def predict_lines(log):
    """Return the lines of an access log that are about predictions."""
    return [line for line in map(json.loads, log.splitlines()) if line["path"] == "/predict"]


def test_the_commands_of_the_page_do_what_it_says():
    page = PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"^    (curl .*)$", page, re.MULTILINE)
    code = re.search(r"^```text\n(import json.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
    assert len(commands) == 7
    with running() as (_, port):

        def type_command(line):
            command = ["bash", "-c", line.replace(":8000", f":{port}")]
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

        answers = [json.loads(type_command(line)) for line in commands if "/metrics" not in line]
        assert [one["predictions"][0]["label"] for one in answers[:3]] == ["positive"] * 3
        assert len(answers[1]["predictions"]) == 2 and answers[1]["predictions"][1]["label"] == "negative"
        assert answers[2]["predictions"][0]["explanation"]["tokens"]
        assert answers[3] == {"status": "ok"}
        assert answers[4]["name"] == "shipped model" and answers[5]["openapi"]
        assert "sentiment_requests_total" in type_command(
            next(line for line in commands if "metrics" in line)
        )
        python = subprocess.run(
            [sys.executable, "-c", code.replace(":8000", f":{port}")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert [line.split()[0] for line in python.stdout.splitlines()] == ["positive", "negative"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_after_the_last_answer(number, code):
    with running() as (process, port), slow_client(port) as client:
        process.send_signal(number)
        assert client.communicate(timeout=60)[0] == "HTTP/1.1 200 OK\n"
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    (line,) = predict_lines(out)
    assert (line["status"], line["reviews"]) == (200, 1_000) and "secret" not in out


def test_clients_that_are_killed_disturb_nobody():
    with running() as (process, port):
        for _ in range(20):
            with slow_client(port) as client:
                client.kill()
        with slow_client(port) as last:
            assert last.communicate(timeout=120)[0] == "HTTP/1.1 200 OK\n"
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "")
    statuses = [line["status"] for line in predict_lines(out)]
    assert statuses.count(499) >= 15 and statuses[-1] == 200 and set(statuses) <= {200, 499}


def test_a_second_server_is_told_that_the_port_is_in_use():
    with running() as (_, port):
        command = own_command(["serve", "shipped", "--port", port])
        second = subprocess.run(command, env=own_environment(), capture_output=True, text=True, timeout=120)
    assert second.returncode == 4
    assert second.stderr.startswith(f"error: port {port} of 127.0.0.1 is in use")
