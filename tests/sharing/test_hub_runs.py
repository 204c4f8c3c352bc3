"""Runs that are named hf://user/name: downloaded, verified, found offline; and hubs that lie."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

import sentiment
from sentiment.errors import MachineError, RunError, UsageError
from sentiment.runs import find_run, run_path, run_title
from sentiment.runs.decision import keep_threshold
from sentiment.system import storage
from tests.helpers import assert_one_error
from tests.local_hub import LocalHub, Repository

NAME = "ada/films"
RUN = f"hf://{NAME}"


@pytest.fixture
def shared(hub, trained):
    """The hub with a public run."""
    files = {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    files = {name: content for name, content in files.items() if not name.startswith(".")}
    hub.repositories[NAME] = Repository(files=files)
    return hub


def everything(folder):
    """The files under a folder with their sizes."""
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*")}


def test_every_command_takes_a_run_of_the_hub(shared, command):
    told = command("predict", "--run", RUN, "take 1 of this film was wonderful")
    assert told.returncode == 0, told.stderr
    assert command("inspect", RUN).returncode == 0
    commit = shared.repositories[NAME].commit
    assert command("predict", "--run", f"{RUN}@{commit}", "wonderful").returncode == 0
    assert command("predict", "--run", f"{RUN}@main", "wonderful").returncode == 0
    assert run_title(find_run(RUN)) == f"{NAME}@{commit[:7]}"
    assert_one_error(command("predict", RUN), 2, "--run")


def test_a_second_use_downloads_nothing(shared):
    find_run(RUN)
    before = len(shared.asked_for("/resolve/"))
    find_run(RUN)
    assert len(shared.asked_for("/resolve/")) == before > 0


def test_only_the_files_of_a_run_are_downloaded(shared):
    shared.repositories[NAME].files |= {"pickle.pkl": b"x", "report.html": b"<script>", "train.py": b"x"}
    names = {path.name for path in find_run(RUN).iterdir()}
    assert not names & {"pickle.pkl", "report.html", "train.py"}
    assert shared.asked_for("pickle") == []


@pytest.mark.parametrize("why", ["offline", "gone", 429, 500])
def test_without_an_answer_the_copy_is_used(shared, why, monkeypatch, capsys):
    folder = find_run(RUN)
    if why == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif why == "gone":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    else:
        shared.refuse = {"/": why}
    assert find_run(RUN) == folder
    assert f"using the copy of {RUN}" in capsys.readouterr().err


def test_without_an_answer_and_without_a_copy_the_reason_is_named(hub, command, monkeypatch):
    hub.stop()
    assert_one_error(command("predict", "--run", RUN, "good"), 4, RUN, "connection to the hub failed")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_one_error(command("predict", "--run", RUN, "good"), 4, RUN, "HF_HUB_OFFLINE is set")


@pytest.mark.parametrize(("code", "exit_code"), [(401, 4), (403, 4), (404, 3), (429, 4), (500, 4)])
def test_a_hub_that_refuses_ends_with_one_line(shared, command, code, exit_code):
    shared.refuse = {"/api/models": code}
    result = command("predict", "--run", RUN, "good")
    assert_one_error(result, exit_code, RUN)
    assert "hf_s" not in result.stderr


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_run_that_is_closed_or_gone_is_not_taken_from_the_copy(shared, code):
    find_run(RUN)
    shared.refuse = {"/api/models": code}
    with pytest.raises((MachineError, RunError)):
        find_run(RUN)


def test_an_unknown_revision_is_refused(shared):
    with pytest.raises(RunError, match="the hub has no hf://ada/films@v9"):
        find_run(f"{RUN}@v9")


# --- lies ----------------------------------------------------------------------------------------------


def test_other_bytes_are_refused_and_the_way_out_is_named(shared, command):
    weights = bytearray(shared.repositories[NAME].files["model.safetensors"])
    weights[-1] ^= 1
    shared.sends = {"model.safetensors": bytes(weights)}
    result = command("predict", "--run", RUN, "good")
    assert_one_error(result, 3, RUN, "model.safetensors is damaged", f"hf cache rm model/{NAME}")
    assert len(result.stderr) <= 300


def test_a_file_that_does_not_end_is_cut(shared, tmp_path):
    shared.sends = {"run.json": b"x" * 2**22}
    with pytest.raises(MachineError, match=r"sends more than the .* bytes that it listed"):
        find_run(RUN)
    assert sum(everything(tmp_path / "hf").values()) < 2**21


@pytest.mark.parametrize("size", [2**60, -1, None, "7"])
def test_a_size_that_makes_no_sense_is_refused(shared, size):
    shared.sizes = {"model.safetensors": size}
    with pytest.raises((RunError, MachineError)):
        find_run(RUN)
    assert shared.asked_for("/resolve/") == []


def test_paths_that_lead_out_are_not_asked_for(shared, tmp_path):
    outside = "../../../../outside.json"
    shared.also_listed = [outside, "/etc/x", "a/../../config.toml", "..", "sub/config.toml"]
    before = {path for path in tmp_path.iterdir() if path.name != "hf"}
    folder = find_run(RUN)
    assert {path for path in tmp_path.iterdir() if path.name != "hf"} == before
    assert not (folder / "sub").exists()
    assert [request for request in shared.requests if ".." in request or "sub" in request] == []


def test_a_link_in_the_repository_is_a_text_like_any_other(shared, tmp_path):
    """The hub sends a link of git as a file with the path that it leads to."""
    secret = tmp_path / "secret.txt"
    secret.write_text("film 9\n")
    shared.repositories[NAME].files["vocabulary.txt"] = str(secret).encode()
    with pytest.raises(RunError, match=r"vocabulary\.txt is damaged"):
        find_run(RUN)


def test_a_manifest_that_lists_more_than_a_run_has_is_refused(shared):
    files = shared.repositories[NAME].files
    listed = json.loads(files["manifest.json"])
    listed["files"]["train.py"] = storage.fingerprint(b"x")
    files |= {"manifest.json": storage.dump_json(listed), "train.py": b"x"}
    with pytest.raises(RunError, match=r"train\.py is missing"):
        find_run(RUN)


def test_a_repository_that_is_no_run_is_refused_before_anything_is_downloaded(shared):
    del shared.repositories[NAME].files["manifest.json"]
    with pytest.raises(RunError, match=r"is no run: it has no manifest\.json"):
        find_run(RUN)
    assert shared.asked_for("/resolve/") == []


def test_the_token_does_not_follow_to_another_server(shared):
    other = LocalHub()
    other.repositories = shared.repositories
    shared.elsewhere = other
    try:
        find_run(RUN)
    finally:
        other.stop()
    assert other.requests and set(other.tokens) == {None}


def test_a_download_that_breaks_off_leaves_nothing_and_is_done_again(shared, monkeypatch, command, tmp_path):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    shared.breaks_off = "model.safetensors"
    assert_one_error(command("predict", "--run", RUN, "good"), 4, RUN, "connection to the hub failed")
    assert [name for name in everything(tmp_path / "hf") if "incomplete" in name] == []
    shared.breaks_off = None
    assert command("predict", "--run", RUN, "good").returncode == 0


# --- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "",
        "films",
        "ada/films/x",
        "ada/films@",
        "ada/films@../x",
        "ada/films@a/../b",
        "../films",
        "a b/c",
        "a/\x1b",
    ],
)
def test_another_form_of_name_is_refused(hub, name):
    with pytest.raises(UsageError, match="write hf://user/name or hf://user/name@revision"):
        find_run(f"hf://{name}")
    assert hub.requests == []


def test_a_run_is_not_written_to_a_name_of_the_hub(command):
    with pytest.raises(UsageError, match="sentiment push"):
        run_path(RUN)
    assert_one_error(command("train", "quickstart", "--run", RUN), 2, "sentiment push")


def test_the_copy_of_a_run_stays_as_it_is(shared):
    with pytest.raises(UsageError, match="a threshold cannot be kept for a run of the hub"):
        keep_threshold(find_run(RUN), 0.4, "by hand")


def test_a_path_object_is_a_path():
    assert find_run(Path(RUN)) == Path(RUN)


def test_python_opens_a_run_of_the_hub(shared):
    assert sentiment.load(RUN).predict(["wonderful"])
