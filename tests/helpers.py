"""A configuration and functions that several tests use."""

TINY_CONFIG = """
seed = 3
[vocabulary]
min_frequency = 1
[batches]
tokens = 256
[model]
embedding = 8
hidden = 4
layers = 1
[training]
epochs = 1
[machine]
device = "cpu"
threads = 1
"""


def reviews(count, words):
    """Return labelled rows, four for each film; the last word decides the label."""
    return [
        {"text": f"take {n} of this film was {words[n % 2]}", "label": n % 2, "film": f"f{n // 4}"}
        for n in range(count)
    ]


def assert_one_error(result, code, *words):
    """Fail unless stdout is empty and the last line of stderr is the only `error:`, without a traceback."""
    found, stdout, stderr = result
    assert (found, stdout) == (code, ""), stderr
    last = [line for line in stderr.splitlines() if line][-1]
    assert last.startswith("error: ") and stderr.count("error: ") == 1 and "Traceback" not in stderr
    for word in words:
        assert word in last, last
