"""What the tests of commands share besides fixtures."""


def reviews(count, words):
    """Labelled rows, four a film; the last word decides."""
    return [
        {"text": f"take {n} of this film was {words[n % 2]}", "label": n % 2, "film": f"f{n // 4}"}
        for n in range(count)
    ]


def assert_one_error(result, code, *words):
    """Nothing on stdout; one line beginning `error:` ends stderr."""
    found, stdout, stderr = result
    last = stderr.splitlines()[-1]
    assert (found, stdout) == (code, "") and last.startswith("error: ") and stderr.count("error: ") == 1
    for word in words:
        assert word in last
