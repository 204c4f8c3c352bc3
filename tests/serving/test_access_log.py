"""The access log: one line for each request, never with a text, never in the way."""

import threading

from sentiment.serving.access_log import Access, AccessLog

ACCESS = Access("127.0.0.1", "GET", "/health", 200, 0, 15, 0.1)


def test_a_line_has_what_happened_and_no_text(client):
    client.predict({"texts": ["a secret", "fail secret"]})
    client.predict({"text": "secret", "secret": 1})
    client.ask("GET", "/secret?text=secret", None, {"User-Agent": "secret", "X-Secret": "secret"})
    client.ask("SECRET", "/predict?secret")
    client.predict({"text": "another secret"})
    client.server.should_exit = True
    client.thread.join(10)
    assert "secret" not in repr(client.lines).lower()
    found = [(line["method"], line["path"], line["status"], line["reviews"]) for line in client.lines]
    assert found == [
        ("POST", "/predict", 500, 0),
        ("POST", "/predict", 422, 0),
        ("GET", "other", 404, 0),
        ("other", "/predict", 405, 0),
        ("POST", "/predict", 200, 1),
    ]
    assert [line["fault"].split(",")[0] for line in client.lines if "fault" in line] == [
        "RuntimeError in conftest.py"
    ]


def test_a_log_that_nobody_reads_stops_nothing():
    goes_on = threading.Event()
    log = AccessLog(lambda line: goes_on.wait(20))
    log.start()
    for _ in range(10_010):
        log.write(ACCESS)
    assert 0 < log.dropped <= 10
    goes_on.set()
    log.stop(10)


def test_a_log_that_cannot_be_written_ends_with_a_message(capsys):
    def fail(line):
        raise BrokenPipeError(32, "Broken pipe")

    log = AccessLog(fail)
    log.start()
    log.write(ACCESS)
    log.write(ACCESS)
    log.stop(10)
    assert capsys.readouterr().err.count("the access log has ended: ") == 1
