"""What the tests of commands share besides fixtures."""


def reviews(count, words):
    """Labelled rows, four a film; the last word decides."""
    return [
        {"text": f"take {n} of this film was {words[n % 2]}", "label": n % 2, "film": f"f{n // 4}"}
        for n in range(count)
    ]


def assert_one_error(result, code, *words):
    """Nothing on stdout; one line beginning `error:` is the last of stderr, and no traceback."""
    found, stdout, stderr = result
    assert (found, stdout) == (code, ""), stderr
    last = [line for line in stderr.splitlines() if line][-1]
    assert last.startswith("error: ") and stderr.count("error: ") == 1 and "Traceback" not in stderr
    for word in words:
        assert word in last, last
