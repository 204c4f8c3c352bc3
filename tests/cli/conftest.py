"""Commands called in this process."""

import pytest

from sentiment.cli import run as run_command


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `sentiment ...`; give its exit code, stdout and stderr."""
    monkeypatch.setattr("sentiment.cli.stop_at_once", lambda: None)  # pytest keeps its own Ctrl-C
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")  # what the command sets goes again with this test

    def run(*arguments):
        capsys.readouterr()
        code = run_command([*map(str, arguments)])
        return code, *capsys.readouterr()

    return run
