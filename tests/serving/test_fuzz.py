"""Thousands of hostile bodies: each gets an answer or a refusal in words, and the server goes on."""

import http.client
import json
import random
from dataclasses import replace

import pytest

from sentiment.serving.limits import DEFAULT_LIMITS
from tests.serving.conftest import JSON_HEADERS

BODIES = 2_500
EXPECTED = {200, 400, 413, 422}
VALID = [
    {"text": "What a film!"},
    {"texts": ["A delight.", "Dull, dull.", "caf\u00e9 \U0001f600"]},
    {"text": "Fine.", "explain": False},
]
ODD_TEXTS = [
    "\x00",
    "\u202e right to left",
    "a\u0301" * 50,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 " * 20,
    "<script>alert(1)</script>",
    "!" * 20_000,
    "a." * 5_000,
    "(" * 3_000,
    "http://" * 500,
    "\ud83d good",
    "\ufeff \ufffe \uffff",
    "<br />" * 2_000,
    "word " * 15_000,
]
ODD_NUMBERS = [b"1e999", b"-0", b"9" * 5_000, b"NaN", b"-Infinity", b"0x10", b"1" + b"0" * 400 + b".5"]


def random_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        keys = rng.sample(["text", "texts", "explain", "\x1b[2J", "", "__proto__"], rng.randrange(4))
        return {key: random_value(rng, depth + 1) for key in keys}
    texts = (rng.choice(ODD_TEXTS), "".join(chr(rng.randrange(0xD7FF)) for _ in range(20)))
    return (None, True, rng.randrange(-(2**70), 2**70), rng.random() * 1e300, *texts)[kind]


def mutate(rng, body):
    """Change some bytes, cut, repeat or insert."""
    body = bytearray(body)
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(body) + 1)
        change = rng.randrange(5)
        if change == 0 and body:
            body[place % len(body)] = rng.randrange(256)
        elif change == 1:
            del body[place : place + rng.randrange(1, 9)]
        elif change == 2:
            body[place:place] = rng.choice([b"[", b"{", b'"', b"\\u", b"\\ud800", b",", b"\xff", b"\x00"])
        elif change == 3:
            body[place:place] = rng.choice(ODD_NUMBERS)
        else:
            body[place:place] = body[: rng.randrange(40)]
    return bytes(body)


def make_body(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(200))
    if kind == 1:
        return rng.choice([b"[", b'{"text":', b'{"texts":[']) * rng.choice([1, 50, 100_000])
    if kind == 2:
        return json.dumps({"text": rng.choice(ODD_TEXTS)}).encode()
    if kind == 3:
        return json.dumps(random_value(rng)).encode()
    return mutate(rng, json.dumps(rng.choice(VALID)).encode())


@pytest.mark.extras
@pytest.mark.timeout(1800)
def test_thousands_of_hostile_bodies_are_answered_or_refused(serve_model):
    import sentiment

    rng = random.Random(25)
    with serve_model(sentiment.load(threads=1), replace(DEFAULT_LIMITS, answer_seconds=120)) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=120)
        seen = set()
        for number in range(BODIES):
            body = make_body(rng)
            connection.request("POST", "/predict", body, JSON_HEADERS)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert answer.status in EXPECTED, (number, body[:200], answer.status, found)
            assert list(found) == (["model", "predictions"] if answer.status == 200 else ["error"])
            assert answer.status == 200 or len(found["error"]) <= 300, (number, found)
            seen.add(answer.status)
        connection.close()
        assert {200, 400, 422} <= seen
        assert client.predict({"text": "What a film!"})[0] == 200
        assert not [line for line in client.lines if "fault" in line]
