"""A server in this process, with a model that does what a test wants."""

import http.client
import json
import threading
from contextlib import contextmanager

import pytest

from sentiment.inference.predictor import Prediction
from sentiment.runs.decision import Decision
from sentiment.serving.server import PACKAGES

JSON_HEADERS = {"Content-Type": "application/json"}


class StubModel:
    """Predicts by the length of a review; a review `fail` is an error, and it can be held up."""

    class_names = ("negative", "positive")
    decision = Decision()

    def __init__(self):
        self.batches = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.begun = threading.Event()

    def encode(self, texts):
        return list(texts)

    def describe(self, texts):
        self.batches.append(texts)
        self.begun.set()
        assert self.may_go_on.wait(20)
        if any("fail" in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return [predict_stub(text) for text in texts]


def predict_stub(text):
    share = len(text) / 1_000
    return Prediction(
        "positive" if share > 0.5 else "negative",
        {"negative": 1 - share, "positive": share},
        tokens=len(text.split()),
        unknown=0.0,
        cut=False,
    )


class Client:
    """Asks one server."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None, timeout=20):
        """Return the status, the headers and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, None, headers)

    def predict(self, body, **headers):
        """Send a body, or an object as JSON; return the status and the object that comes back."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.ask("POST", "/predict", content, JSON_HEADERS | headers)
        return status, json.loads(answer)


@pytest.fixture
def serve_model():
    """Return a context manager that serves a model and gives its client, and the server to stop it."""
    for name in PACKAGES:
        pytest.importorskip(name, reason="needs the extra serve")
    import sentiment.serving.server as serving
    from sentiment.serving.access_log import AccessLog
    from sentiment.serving.app import build_app
    from sentiment.serving.callers import CallerRules
    from sentiment.serving.limits import DEFAULT_LIMITS

    model_facts = {"name": "stub", "hash": "0123456789abcdef", "classes": ["negative", "positive"]}

    @contextmanager
    def run(model, limits=DEFAULT_LIMITS, rules=None, threads=1):
        rules = rules or CallerRules("127.0.0.1")
        lines = []
        facts = model_facts | {"version": "0"}
        app = build_app(model, facts, rules, limits, AccessLog(lines.append), threads)
        with serving.open_socket("127.0.0.1", 0) as listener:
            server = serving.make_server(app, limits)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            client = Client(listener.getsockname()[1])
            client.server = server
            client.thread = thread
            client.lines = lines
            thread.start()
            try:
                yield client
            finally:
                server.should_exit = True
                getattr(model, "may_go_on", threading.Event()).set()
                thread.join(20)
                assert not thread.is_alive()

    return run


@pytest.fixture
def stub():
    """The model of `client`."""
    return StubModel()


@pytest.fixture
def client(serve_model, stub):
    """A client of a server with a stub model."""
    with serve_model(stub) as found:
        yield found
