"""Clients that wait together, are slow, go away, or are too many; and the end of a server."""

import json
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from sentiment.serving.limits import DEFAULT_LIMITS

HEAD = (
    "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: {}\r\n\r\n"
)


def connect(client, sent=b""):
    connection = socket.create_connection(("127.0.0.1", client.port), timeout=10)
    connection.sendall(sent)
    return connection


def request(text):
    body = json.dumps({"text": text}).encode()
    return HEAD.format(len(body)).encode() + body


def read_all(connection):
    """Return what comes until the server ends the connection."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def wait_until(is_so, seconds=10):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def read_metric(client, name):
    _, _, body = client.get("/metrics")
    return next(float(line.split()[1]) for line in body.decode().splitlines() if line.startswith(f"{name} "))


def waiting_reviews(client):
    return read_metric(client, "sentiment_waiting_reviews")


def test_requests_that_wait_are_scored_together(client, stub):
    stub.may_go_on.clear()
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(client, request("first")))]
        assert stub.begun.wait(10)
        connections += [stack.enter_context(connect(client, request(f"later {n}"))) for n in range(20)]
        wait_until(lambda: waiting_reviews(client) == 20)
        stub.may_go_on.set()
        assert all(connection.recv(100).startswith(b"HTTP/1.1 200") for connection in connections)
    assert sorted(map(len, stub.batches)) == [1, 20]


def test_a_full_queue_refuses_at_once(serve_model, stub):
    stub.may_go_on.clear()
    with serve_model(stub, replace(DEFAULT_LIMITS, waiting=2)) as client, ExitStack() as stack:
        stack.enter_context(connect(client, request("first")))
        assert stub.begun.wait(10)
        for _ in range(2):
            stack.enter_context(connect(client, request("waits")))
        wait_until(lambda: waiting_reviews(client) == 2)
        status, headers, body = client.ask("POST", "/predict", b"{", {"Content-Type": "application/json"})
        assert status == 429 and headers["retry-after"] == "1" and "try again" in json.loads(body)["error"]
        assert client.get("/health")[0] == 200
        stub.may_go_on.set()


def test_the_reviews_of_a_client_that_has_gone_are_not_scored(client, stub):
    stub.may_go_on.clear()
    with connect(client, request("first")) as waits:
        assert stub.begun.wait(10)
        connect(client, request("given up")).close()
        wait_until(lambda: '"/predict",status="499"' in client.get("/metrics")[2].decode())
        stub.may_go_on.set()
        assert waits.recv(100).startswith(b"HTTP/1.1 200")
    assert client.predict({"text": "last"})[0] == 200
    assert stub.batches == [["first"], ["last"]]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET /health HTTP/1.1\r\nHost: loc", b""),
        (HEAD.format(50).encode() + b'{"text"', b"HTTP/1.1 408"),
    ],
)
def test_a_client_that_stands_still_is_left(serve_model, stub, sent, answer):
    limits = replace(DEFAULT_LIMITS, idle_seconds=0.3, body_seconds=0.3)
    with serve_model(stub, limits) as client, connect(client, sent) as connection:
        begin = time.monotonic()
        assert read_all(connection)[: len(answer)] == answer
        assert time.monotonic() - begin < 5


def test_a_client_that_drips_its_header_is_left(serve_model, stub):
    with (
        serve_model(stub, replace(DEFAULT_LIMITS, idle_seconds=0.3)) as client,
        connect(client) as connection,
    ):
        with pytest.raises(OSError):
            for character in b"GET /health HTTP/1.1\r\nX-Long: " + b"a" * 1_000:
                connection.sendall(bytes([character]))
                time.sleep(0.05)
        assert client.get("/health")[0] == 200


def test_a_client_that_takes_no_answers_is_left(serve_model, stub):
    with (
        serve_model(stub, replace(DEFAULT_LIMITS, idle_seconds=0.5)) as client,
        connect(client) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with pytest.raises(OSError):
            for _ in range(100_000):  # far more than the buffers of both sides hold
                connection.sendall(ask * 100)
        assert client.get("/health")[0] == 200


def test_too_many_connections_are_refused_and_others_go_on(serve_model, stub):
    with serve_model(stub, replace(DEFAULT_LIMITS, connections=3)) as client, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connect(client))
        wait_until(lambda: len(client.server.server_state.connections) == 3)
        with connect(client) as refused:
            assert read_all(refused).startswith(b"HTTP/1.1 503")
        stack.close()
        wait_until(lambda: not client.server.server_state.connections)
        assert client.get("/health")[0] == 200


def test_a_server_that_stops_answers_what_it_has(client, stub):
    stub.may_go_on.clear()
    with connect(client, request("asked")) as waits, connect(client) as idle:
        assert stub.begun.wait(10)
        client.server.should_exit = True
        assert idle.recv(10) == b""  # it was not in the middle of anything
        threading.Timer(0.2, stub.may_go_on.set).start()
        assert read_all(waits).startswith(b"HTTP/1.1 200")
    client.thread.join(10)
    assert not client.thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        connect(client)
