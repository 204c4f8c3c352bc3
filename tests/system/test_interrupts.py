"""A process that another one has started ends with it."""

import pytest

from sentiment.system.interrupts import end_if_orphaned


def test_a_process_ends_and_cleans_up_when_its_parent_ends_a_moment_later(monkeypatch):
    parents, cleaned = iter([7, 7, 1]), []
    monkeypatch.setattr("os.getppid", lambda: next(parents))
    monkeypatch.setattr("os._exit", lambda code: pytest.exit(returncode=code))
    with pytest.raises(pytest.exit.Exception):
        end_if_orphaned(7, lambda: cleaned.append(True), seconds=5)
    assert cleaned == [True]


def test_a_process_whose_parent_lives_goes_on(monkeypatch):
    monkeypatch.setattr("os.getppid", lambda: 7)
    end_if_orphaned(7, pytest.fail)
    end_if_orphaned(7, pytest.fail, seconds=0.01)
