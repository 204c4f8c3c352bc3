"""What the server answers, and what it refuses."""

import json
import socket
import threading
from dataclasses import replace

import pytest

from sentiment.serving.limits import DEFAULT_LIMITS
from tests.serving.conftest import JSON_HEADERS


def test_one_review_and_many_are_answered_in_their_order(client):
    status, answer = client.predict({"text": "a" * 700})
    assert status == 200 and answer["model"] == "0123456789ab"
    (one,) = answer["predictions"]
    assert one["label"] == "positive" and one["probabilities"]["positive"] == one["confidence"] == 0.7
    status, answer = client.predict({"texts": ["b" * length for length in range(1, 1_001)]})
    assert status == 200
    found = [one["probabilities"]["positive"] for one in answer["predictions"]]
    assert found == [length / 1_000 for length in range(1, 1_001)]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"text": ', 400, "not JSON: Expecting value at character"),
        (b"\xff\xfe\xff", 400, "not JSON"),
        (b"[" * 200_000, 400, "not JSON"),
        (b'{"text": ' + b"9" * 5_000 + b"}", 400, "not JSON"),
        (b"", 422, "the body is missing"),
        (b"[]", 422, "the body must be an object"),
        (b'{"text": 1e999}', 422, "text must be a string"),
        (b'{"text": "\\ud800"}', 422, "half of a surrogate pair"),
        ({}, 422, 'give "text" for one review'),
        ({"text": "a", "texts": ["a"]}, 422, 'give "text" for one review'),
        ({"texts": []}, 422, "at least one review"),
        ({"texts": ["a", 2]}, 422, "texts, review 2 must be a string"),
        ({"text": "a", "explian": True}, 422, "unknown key: explian"),
        (b'{"\\ud800\\u001b[2J": 1}', 422, "unknown key: \\ud800\\x1b[2J; "),
        ({"text": "a", "explain": "yes"}, 422, "explain must be true or false"),
        ({"texts": ["fine", "  "]}, 422, "review 2: the text is empty"),
        ({"texts": ["a"] * 1_001}, 413, "at most 1,000 reviews"),
        ({"text": "a" * 100_001}, 413, "more than 100,000 characters"),
        ({"texts": ["a"] * 21, "explain": True}, 413, "at most 20 reviews at once, not 21"),
        ({"text": "a" * (4 * 2**20)}, 413, "more than 4,194,304 bytes"),
        ({f"key{n}": 1 for n in range(1_000)}, 422, "unknown key: key0, key1, key2; "),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_in_words(client, body, status, words):
    found, answer = client.predict(body)
    assert (found, list(answer)) == (status, ["error"])
    assert words in answer["error"] and len(answer["error"]) <= 300


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/predict", {"Content-Type": "text/plain"}, 415),
        ("POST", "/predict", {}, 415),
        ("POST", "/predict", {"Content-Type": "application/json; charset=utf-7"}, 415),
        ("POST", "/predict", JSON_HEADERS | {"Content-Encoding": "gzip"}, 415),
        ("POST", "/predict", JSON_HEADERS | {"Host": "evil.example"}, 421),
        ("GET", "/model", {"Host": "evil.example"}, 421),
        ("GET", "/model", {"Host": "localhost.evil.example:80"}, 421),
        ("GET", "/model", {"Host": "192.0.2.1"}, 421),
        ("POST", "/predict", JSON_HEADERS | {"Origin": "http://evil.example"}, 403),
        ("POST", "/predict", JSON_HEADERS | {"Origin": "null"}, 403),
        ("OPTIONS", "/predict", {"Origin": "http://evil.example"}, 403),
        ("GET", "/predict", {}, 405),
        ("GET", "/docs", {}, 404),
        ("GET", "/health/", {}, 404),
    ],
)
def test_a_request_of_the_wrong_kind_is_refused(client, method, path, headers, status):
    found, answered, body = client.ask(method, path, b'{"text": "a"}' if method == "POST" else None, headers)
    assert found == status
    assert json.loads(body)["error"]
    assert not [name for name in answered if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST."])
def test_this_machine_has_several_names(client, host):
    assert client.get("/health", Host=host)[0] == 200


def test_further_names_and_origins_are_allowed_if_asked_for(serve_model, stub):
    from sentiment.serving.callers import CallerRules

    rules = CallerRules("127.0.0.1", ["mood.example"], ["https://shop.example"])
    with serve_model(stub, rules=rules) as client:
        assert client.get("/health", Host="mood.example")[0] == 200
        headers = JSON_HEADERS | {"Origin": "https://shop.example"}
        status, answered, _ = client.ask("POST", "/predict", b'{"text": "a"}', headers)
        assert status == 200 and answered["access-control-allow-origin"] == "https://shop.example"
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        assert client.ask("OPTIONS", "/predict", None, headers | ask)[0] == 200
        assert client.predict({"text": "a"}, Origin="https://evil.example")[0] == 403


def test_every_answer_keeps_pages_elsewhere_out(client):
    for path in ("/", "/health", "/nothing"):
        _, headers, _ = client.get(path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_review_that_fails_does_not_spoil_its_neighbours(client, stub):
    stub.may_go_on.clear()
    found = {}

    def ask(text):
        found[text] = client.predict({"text": text})

    threads = [threading.Thread(target=ask, args=(text,)) for text in ("first", "fail", "fine")]
    threads[0].start()
    assert stub.begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    stub.may_go_on.set()
    for thread in threads:
        thread.join()
    assert found["fail"] == (500, {"error": "a bug of ours: RuntimeError"})
    assert [found[text][0] for text in ("first", "fine")] == [200, 200]


def test_an_answer_that_takes_too_long_is_given_up(serve_model, stub):
    stub.may_go_on.clear()
    with serve_model(stub, replace(DEFAULT_LIMITS, answer_seconds=0.3)) as client:
        status, headers, body = client.ask("POST", "/predict", b'{"text": "a"}', JSON_HEADERS)
        assert status == 503 and headers["retry-after"] == "1"
        assert "no answer within 0.3 s" in json.loads(body)["error"]


def test_a_client_that_waits_for_a_word_is_refused_before_it_sends(client):
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Expect: 100-continue\r\nContent-Length: 50000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 413")


def test_what_is_no_http_gets_an_error_as_json(client):
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        head, _, body = connection.recv(1_000).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and json.loads(body)["error"]


def test_the_description_for_programs_has_filled_examples(client):
    status, _, body = client.get("/openapi.json")
    document = json.loads(body)
    assert status == 200 and {"/predict", "/health", "/model", "/metrics"} <= document["paths"].keys()
    schemas = document["components"]["schemas"]
    for name in ("PredictRequest", "PredictAnswer", "ModelAnswer", "HealthAnswer", "ErrorAnswer"):
        assert schemas[name]["examples"], name
    for example in schemas["PredictRequest"]["examples"]:
        if not example.get("explain"):
            assert client.predict(example)[0] == 200


def test_the_metrics_count_requests_reviews_and_batches(client):
    client.predict({"texts": ["a", "b" * 600]})
    client.predict({})
    client.get("/a/path/of/a/stranger")
    status, headers, body = client.get("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = body.decode().splitlines()
    for line in (
        'sentiment_requests_total{path="/predict",status="200"} 1.0',
        'sentiment_requests_total{path="/predict",status="422"} 1.0',
        'sentiment_requests_total{path="other",status="404"} 1.0',
        'sentiment_reviews_total{label="positive"} 1.0',
        "sentiment_batch_reviews_sum 2.0",
        "sentiment_waiting_reviews 0.0",
    ):
        assert line in lines
