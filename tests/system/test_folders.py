"""The user's folders, also for a user who has none."""

import os
import tempfile
from pathlib import Path

import pytest

from sentiment.errors import MachineError
from sentiment.system.folders import cache_folder, expand_home, give_hub_a_home
from tests.helpers import assert_one_error


@pytest.fixture
def no_home(monkeypatch, tmp_path):
    """Neither HOME nor an entry in the list of users, as with `docker run --user 12345`."""

    def find_nobody(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", find_nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"sentiment-{os.getuid()}"


def test_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sentiment"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "sentiment"


def test_a_user_without_a_home_has_a_private_cache(no_home):
    assert cache_folder() == no_home == cache_folder()
    assert no_home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open to others", "link", "file"])
def test_a_cache_of_somebody_else_is_refused(no_home, tmp_path, kind):
    if kind == "open to others":
        no_home.mkdir()
        no_home.chmod(0o777)
    elif kind == "link":
        (tmp_path / "other").mkdir(mode=0o700)
        no_home.symlink_to(tmp_path / "other")
    else:
        no_home.touch(mode=0o700)
    with pytest.raises(MachineError, match="not private; set XDG_CACHE_HOME"):
        cache_folder()


def test_a_path_in_a_home_that_nobody_has_stays_as_it_is(no_home):
    assert expand_home("~/reviews.csv") == Path("~/reviews.csv")


def test_the_hub_writes_into_our_cache_if_there_is_no_home(no_home, monkeypatch):
    environment = {}
    give_hub_a_home(environment)
    assert environment == {"HF_HOME": str(no_home / "huggingface")}
    monkeypatch.setenv("HOME", "/somewhere")
    give_hub_a_home(others := {})
    assert others == {}


def test_commands_work_without_a_home(no_home, command, tmp_path):
    assert command("prepare", "quickstart", "--data", "sample", "--threads", 1, cwd=tmp_path).returncode == 0
    assert (no_home / "tokens").is_dir()
    missing = command("prepare", "quickstart", "--data", "~/reviews.csv", cwd=tmp_path)
    assert_one_error(missing, 3, "~/reviews.csv")
