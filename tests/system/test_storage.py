"""Storage: a failure at any moment leaves the old or the new file, and all damage is found."""

import json
import os

import pytest

from sentiment.errors import DataError, MachineError, RunError, UsageError
from sentiment.system import storage
from sentiment.system.held_folder import HeldFolder, hold_folder

CALLS = (*((HeldFolder, name) for name in ("open", "hold", "make_folder", "rename")), (os, "fsync"))


def content(folder):
    """Return every file below `folder`, including hidden ones."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class Fault(BaseException):
    """A crash, which `except Exception` does not catch."""


@pytest.fixture
def fail_at(monkeypatch):
    """Return a function that lets the n-th call to the disk raise and logs the calls."""

    def arrange(position, error):
        calls = []

        def wrap(owner, name):
            original = getattr(owner, name)

            def call(*arguments, **options):
                calls.append(name)
                if len(calls) - 1 == position:
                    raise error
                return original(*arguments, **options)

            monkeypatch.setattr(owner, name, call)

        for owner, name in CALLS:
            wrap(owner, name)
        return calls

    yield arrange
    monkeypatch.undo()


def count_calls(fail_at, monkeypatch, action):
    calls = fail_at(-1, None)
    action()
    monkeypatch.undo()
    assert {"open", "fsync", "rename"} <= set(calls)
    return len(calls)


# --- one file ------------------------------------------------------------------------------------------


def test_a_file_is_written_completely_and_no_other_file_is_left(tmp_path):
    storage.write_file(tmp_path / "a.json", b"first")
    storage.write_file(tmp_path / "a.json", b"second")
    assert content(tmp_path) == {"a.json": b"second"}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), Fault()], ids=["disk full", "crash"]
)
def test_a_failed_write_leaves_the_old_or_the_new_file(tmp_path, fail_at, monkeypatch, error):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    total = count_calls(fail_at, monkeypatch, lambda: storage.write_file(path, b"new"))
    for position in range(total):
        path.write_bytes(b"old")
        calls = fail_at(position, error)
        with pytest.raises(MachineError if isinstance(error, OSError) else Fault):
            storage.write_file(path, b"new")
        monkeypatch.undo()
        renamed = "rename" in calls[:position]
        assert content(tmp_path) == {"a.json": b"new" if renamed else b"old"}, calls


def test_a_file_is_synced_before_it_is_renamed(tmp_path, fail_at, monkeypatch):
    calls = fail_at(-1, None)
    storage.write_file(tmp_path / "a", b"")
    assert calls == ["open", "fsync", "rename", "fsync"]


def test_a_link_at_a_temporary_name_is_not_written_through(tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / f".a.json.{os.getpid()}.tmp").symlink_to("thesis.txt")  # a name that can be guessed
    storage.write_file(tmp_path / "a.json", b"ours")
    assert content(tmp_path)["a.json"] == b"ours"
    monkeypatch.setattr("secrets.token_hex", lambda size: "guessed")
    (tmp_path / ".a.json.guessed.tmp").symlink_to("thesis.txt")
    with pytest.raises(RunError, match=r"\.a\.json\.guessed\.tmp is a link"):
        storage.write_file(tmp_path / "a.json", b"ours again")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".entry.guessed.tmp").symlink_to(tmp_path)
    with pytest.raises(MachineError, match="File exists"):
        make(tmp_path / "folder" / "entry", "ours")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_temporary_names_are_random_and_never_too_long(tmp_path, monkeypatch):
    made, path = set(), tmp_path / ("n" * 250)
    monkeypatch.setattr(HeldFolder, "rename", lambda folder, name, new: made.add(name))
    for _ in range(2):
        storage.write_file(path, b"")
    assert len(made) == 2


def test_a_link_at_the_name_of_a_file_is_replaced_and_its_target_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "a.json").symlink_to("thesis.txt")
    storage.write_file(tmp_path / "a.json", b"ours")
    assert content(tmp_path) == {"a.json": b"ours", "thesis.txt": b"mine"}


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "pipe", "device", "folder"])
def test_only_the_name_of_no_file_is_free(tmp_path, kind):
    path = tmp_path / "page.html"
    storage.check_free(path, force=False)
    match kind:
        case "file":
            path.write_text("mine")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to({"link": "/etc/passwd", "dangling link": "nothing", "device": "/dev/null"}[kind])
    with pytest.raises(UsageError, match=r"exists|no regular file|is a folder"):
        storage.check_free(path, force=False)
    if kind in ("pipe", "device", "folder"):
        with pytest.raises(UsageError, match=r"no regular file|is a folder"):
            storage.check_free(path, force=True)


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "a.json", tmp_path / "none" / "a.json"):
        with pytest.raises(MachineError, match=f"cannot write {path}"):
            storage.write_file(path, b"")
    with pytest.raises(MachineError, match="cannot write"), storage.new_folder(tmp_path / "file" / "run"):
        pass


# --- a folder ------------------------------------------------------------------------------------------


def put(folder, name, text):
    with folder.open(name, "xb") as file:
        file.write(text.encode())


def make(path, text, **options):
    with storage.new_folder(path, **options) as folder, storage.machine_errors(path):
        put(folder, "a.txt", text)
        put(folder, "b.bin", "\0" * 10)


def text_of(path):
    storage.verify(path, DataError)
    return (path / "a.txt").read_text()


def test_a_new_folder_has_a_manifest(tmp_path):
    make(tmp_path / "deep" / "entry", "hello")
    assert text_of(tmp_path / "deep" / "entry") == "hello"
    assert sorted(content(tmp_path / "deep")) == ["entry/a.txt", "entry/b.bin", "entry/manifest.json"]
    files = json.loads((tmp_path / "deep" / "entry" / "manifest.json").read_bytes())["files"]
    assert files["b.bin"]["bytes"] == 10 and files.keys() == {"a.txt", "b.bin"}


def test_the_first_writer_wins(tmp_path):
    make(tmp_path / "entry", "first")
    make(tmp_path / "entry", "second")
    assert text_of(tmp_path / "entry") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_a_writer_that_is_overtaken_inside_its_block_loses(tmp_path):
    with storage.new_folder(tmp_path / "entry") as folder:
        put(folder, "a.txt", "slow")
        make(tmp_path / "entry", "quick")
    assert text_of(tmp_path / "entry") == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_replace_lets_the_last_writer_win(tmp_path):
    make(tmp_path / "entry", "first")
    make(tmp_path / "entry", "second", replace=True)
    assert text_of(tmp_path / "entry") == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_replace_works_over_the_files_of_a_killed_writer(tmp_path):
    make(tmp_path / "entry", "first")
    make(tmp_path / ".entry.old.tmp", "older")
    make(tmp_path / "entry", "second", replace=True)
    assert text_of(tmp_path / "entry") == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt(), Fault()])
def test_an_exception_inside_the_block_leaves_the_old_folder(tmp_path, error, replace):
    for there in (False, True):
        if there:
            make(tmp_path / "entry", "old")
        before = content(tmp_path)
        with pytest.raises(type(error)), storage.new_folder(tmp_path / "entry", replace) as folder:
            put(folder, "a.txt", "half")
            raise error
        assert content(tmp_path) == before
        assert len(list(tmp_path.iterdir())) == there


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), Fault()], ids=["disk error", "crash"])
@pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
def test_a_failure_during_the_renames_leaves_one_complete_folder(
    tmp_path, fail_at, monkeypatch, error, there
):
    def arrange(path):
        if there:
            make(path, "old")

    arrange(tmp_path / "rehearsal" / "entry")
    total = count_calls(
        fail_at, monkeypatch, lambda: make(tmp_path / "rehearsal" / "entry", "new", replace=True)
    )
    seen = set()
    for position in range(total):
        path = tmp_path / str(position) / "entry"
        arrange(path)
        fail_at(position, error)
        with pytest.raises(MachineError if isinstance(error, OSError) else Fault):
            make(path, "new", replace=True)
        monkeypatch.undo()
        assert [entry.name for entry in path.parent.iterdir()] in ([], ["entry"])
        seen.add(text_of(path) if path.exists() else None)
    assert seen == {"old" if there else None, "new"}


def clean(path):
    with hold_folder(path) as folder:
        storage.remove_leftovers(folder)


def test_only_leftovers_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".entry.abc.tmp").mkdir()
    (tmp_path / ".entry.abc.tmp" / "half").write_text("")
    (tmp_path / ".a.json.12.tmp").write_text("")
    (tmp_path / "a.json").write_text("")
    (tmp_path / ".lock").write_text("")
    (tmp_path / "notes.tmp").write_text("")
    clean(tmp_path)
    assert sorted(content(tmp_path)) == [".lock", "a.json", "notes.tmp"]


def test_a_folder_that_a_killed_writer_moved_away_is_moved_back(tmp_path):
    make(tmp_path / "entry", "old")
    (tmp_path / "entry").rename(tmp_path / ".entry.old.tmp")
    (tmp_path / ".entry.abc.tmp").mkdir()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["entry"] and text_of(tmp_path / "entry") == "old"
    (tmp_path / ".entry.old.tmp").mkdir()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["entry"] and text_of(tmp_path / "entry") == "old"


def test_leftovers_that_are_links_are_removed_without_their_targets(tmp_path):
    make(tmp_path / "outside" / "step-9", "mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".step-9.old.tmp").symlink_to(tmp_path / "outside" / "step-9")
    (tmp_path / "run" / ".step-8.abc.tmp").symlink_to(tmp_path / "outside")
    clean(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == [] and text_of(tmp_path / "outside" / "step-9") == "mine"


def test_a_folder_is_made_in_a_link_only_if_that_is_allowed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to("outside")
    (tmp_path / "dangling").symlink_to("nothing")
    for name in ("link", "dangling"):
        with pytest.raises(RunError, match=f"{name} is a link"):
            make(tmp_path / name / "entry", "hello")
    assert content(tmp_path) == {}
    make(tmp_path / "link" / "entry", "hello", parent_may_be_link=True)
    assert text_of(tmp_path / "outside" / "entry") == "hello"


# --- verification --------------------------------------------------------------------------------------


@pytest.fixture
def entry(tmp_path):
    make(tmp_path / "entry", "the quick brown fox " * 5)
    return tmp_path / "entry"


def refused(entry, file):
    """Return True if both ways to read refuse the file and name it; fail otherwise."""
    with pytest.raises(RunError, match=file):
        storage.verify(entry, RunError)
    with pytest.raises(RunError, match=file):
        storage.read_verified(entry, file, storage.read_manifest(entry, RunError), RunError)
    return True


def test_verified_bytes_are_the_files_bytes(entry):
    entries = storage.read_manifest(entry, RunError)
    assert storage.read_verified(entry, "a.txt", entries, RunError) == b"the quick brown fox " * 5


def test_every_flipped_bit_is_caught(entry):
    whole = (entry / "a.txt").read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        (entry / "a.txt").write_bytes(damaged)
        assert refused(entry, "a.txt")
    (entry / "a.txt").write_bytes(whole)
    storage.verify(entry, RunError)


def test_every_truncation_and_addition_is_caught(entry):
    whole = (entry / "a.txt").read_bytes()
    for size in range(len(whole)):
        (entry / "a.txt").write_bytes(whole[:size])
        assert refused(entry, "a.txt")
    (entry / "a.txt").write_bytes(whole + b"\n")
    assert refused(entry, "a.txt")


def test_a_removed_file_is_caught(entry):
    (entry / "b.bin").unlink()
    assert refused(entry, "b.bin")
    with pytest.raises(RunError, match=r"b\.bin is missing, though manifest\.json lists it"):
        storage.verify(entry, RunError)


def test_a_link_is_followed_only_if_that_is_asked_for(entry, tmp_path):
    (entry / "a.txt").rename(tmp_path / "elsewhere.txt")
    (entry / "a.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert refused(entry, "a.txt")
    (entry / "manifest.json").rename(tmp_path / "manifest.json")
    (entry / "manifest.json").symlink_to(tmp_path / "manifest.json")
    with pytest.raises(RunError, match=r"manifest\.json is a link"):
        storage.verify(entry, RunError)
    entries = storage.read_manifest(entry, RunError, follow_links=True)
    content = storage.read_verified(entry, "a.txt", entries, RunError, follow_links=True)
    assert content == b"the quick brown fox " * 5


@pytest.mark.parametrize("content", [b"the slow brown fox " * 5, b"short"])
def test_a_link_to_another_file_is_damage(entry, tmp_path, content):
    (tmp_path / "secret.txt").write_bytes(content.ljust(100))
    (entry / "a.txt").unlink()
    (entry / "a.txt").symlink_to(tmp_path / "secret.txt")
    entries = storage.read_manifest(entry, RunError)
    with pytest.raises(RunError, match=r"a\.txt is damaged"):
        storage.read_verified(entry, "a.txt", entries, RunError, follow_links=True)


@pytest.mark.parametrize("target", ["/dev/zero", ".", "nowhere"])
def test_a_link_to_a_folder_is_a_missing_file(entry, target):
    (entry / "a.txt").unlink()
    (entry / "a.txt").symlink_to(target)
    entries = storage.read_manifest(entry, RunError)
    with pytest.raises(RunError, match=r"a\.txt is missing"):
        storage.read_verified(entry, "a.txt", entries, RunError, follow_links=True)


def test_a_manifest_that_is_far_too_large_is_not_read(entry):
    with (entry / "manifest.json").open("r+b") as file:
        file.truncate(2**30)
    with pytest.raises(RunError, match=r"manifest\.json is damaged: it has more than 1,048,576 bytes"):
        storage.read_manifest(entry, RunError)


def test_no_more_than_the_limit_of_a_file_is_read(tmp_path):
    path = tmp_path / "facts.json"
    path.write_bytes(b'{"a": 1}')
    assert storage.read_bytes(path, RunError, limit=8) == b'{"a": 1}'
    with pytest.raises(RunError, match=r"facts\.json is damaged: it has more than 7 bytes"):
        storage.read_bytes(path, RunError, limit=7)
    with path.open("r+b") as file:
        file.truncate(2**40)  # a sparse file
    with pytest.raises(RunError, match="more than 262,144 bytes"):
        storage.read_bytes(path, RunError, limit=storage.JSON_LIMIT)


def test_json_that_would_take_much_memory_is_refused(tmp_path):
    content = b'{"a": [' + b"[]," * 100_000 + b"[]]}"
    with pytest.raises(RunError, match="is damaged: it has more than 262,144 bytes"):
        storage.load_json(content, tmp_path / "run.json", RunError)
    assert len(storage.load_json(content, tmp_path / "run.json", RunError, len(content))["a"]) == 100_001


def test_a_folder_in_place_of_a_file_is_caught(entry):
    (entry / "a.txt").unlink()
    (entry / "a.txt").mkdir()
    assert refused(entry, "a.txt")


def test_a_file_that_no_manifest_lists_is_not_read(entry):
    (entry / "late.txt").write_text("")
    with pytest.raises(RunError, match=r"does not list late\.txt"):
        storage.read_verified(entry, "late.txt", storage.read_manifest(entry, RunError), RunError)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"files": []}',
        '{"files": ' + "[" * 100_000,
        '{"files": {"a.txt": ' + "9" * 5000 + "}}",
        '{"files": {"a.txt": null}}',
        '{"files": {"": {}}}',
    ],
    ids=range(10),
)
def test_a_malformed_manifest_is_refused(entry, text):
    (entry / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"damaged|missing"):
        storage.verify(entry, RunError)


@pytest.mark.parametrize("name", ["../outside", "..", "/etc/passwd", "folder/file", ".lock"])
def test_a_manifest_names_plain_files_of_its_folder_only(entry, name):
    (entry / "manifest.json").write_text(json.dumps({"files": {name: {"sha256": "", "bytes": 0}}}))
    with pytest.raises(RunError, match="it lists no files"):
        storage.read_manifest(entry, RunError)


def test_a_manifest_that_is_not_text_is_refused(entry):
    (entry / "manifest.json").write_bytes(b"\x80\x04\x95cos\nsystem\n")
    with pytest.raises(RunError, match="not JSON"):
        storage.read_manifest(entry, RunError)


def test_json_is_readable_and_can_be_parsed_again(tmp_path):
    value = {"naïve": [1, 0.1, None], "b": {"c": "\U0001f600"}}
    assert storage.load_json(storage.dump_json(value), tmp_path, RunError) == value
    assert "naïve" in storage.dump_json(value).decode() and storage.dump_json(value).endswith(b"}\n")
