"""A folder that is written through its handle: no link leads a write out of it."""

import os

import pytest

from sentiment.errors import RunError
from sentiment.system.held_folder import hold_folder


@pytest.fixture
def outside(tmp_path):
    """Return a folder of somebody else."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "thesis.txt").write_text("mine")
    return tmp_path / "outside"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_a_link_in_place_of_a_folder_is_refused_unless_it_is_allowed(outside, folder):
    (folder / "link").symlink_to(outside)
    with pytest.raises(RunError, match="link is a link; a run is not written"), hold_folder(folder / "link"):
        pass
    with hold_folder(folder) as held, pytest.raises(RunError, match="is a link"), held.hold("link"):
        pass
    with hold_folder(folder / "link", may_be_link=True) as held:
        assert held.names() == ["thesis.txt"]


def test_a_link_that_takes_the_place_of_a_held_folder_leads_nowhere(outside, folder):
    with hold_folder(folder) as held:
        folder.rename(folder.with_name("moved"))
        folder.symlink_to(outside)
        with held.open("a", "xb") as file:
            file.write(b"ours")
        held.make_folder("b")
        held.rename("a", "thesis.txt")
        held.remove("b")
    assert (outside / "thesis.txt").read_text() == "mine"
    assert [path.name for path in folder.with_name("moved").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("mode", ["xb", "ab", "rb"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder", "device"])
def test_only_regular_files_are_opened(outside, folder, kind, mode):
    entry = folder / "entry"
    if kind == "pipe":
        os.mkfifo(entry)
    elif kind == "folder":
        entry.mkdir()
    else:
        targets = {"link": outside / "thesis.txt", "dangling link": outside / "new", "device": "/dev/null"}
        entry.symlink_to(targets[kind])
    with hold_folder(folder) as held, pytest.raises(RunError, match=r"entry is (a link|no regular file)"):
        held.open("entry", mode)
    assert sorted(path.name for path in outside.iterdir()) == ["thesis.txt"]


def test_removing_a_link_keeps_what_it_points_to(outside, folder):
    (folder / "link").symlink_to(outside)
    (folder / "deep").mkdir()
    (folder / "deep" / "link").symlink_to(outside)
    with hold_folder(folder) as held:
        for name in ("link", "deep", "nothing"):
            held.remove(name)
        assert held.names() == []
    assert (outside / "thesis.txt").read_text() == "mine"
