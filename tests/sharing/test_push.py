"""A run is sent to a hub on this machine, and the hub refuses, lies or is in the way."""

import json
import os
import pty
from dataclasses import replace

import huggingface_hub
import pytest
from huggingface_hub import constants

import sentiment
from sentiment.errors import MachineError, RunError, UsageError
from sentiment.sharing import pack_run, push_run, send_parcel
from sentiment.sharing.card import model_card
from sentiment.system import storage
from tests.local_hub import TOKEN, Repository

NAME = "ada/films"
SENT = {
    "README.md",
    "config.toml",
    "golden.json",
    "manifest.json",
    "metrics.jsonl",
    "model.safetensors",
    "run.json",
    "vocabulary.txt",
}


def test_a_run_goes_to_the_hub_and_comes_back(hub, run):
    sent = push_run(run, NAME)
    kept = hub.repositories[NAME]
    assert sent == f"hf://{NAME}@{kept.commit}"
    assert kept.files.keys() == SENT | {"report.html", ".gitattributes"}
    assert kept.files["model.safetensors"] == (run / "model.safetensors").read_bytes()
    assert kept.files["manifest.json"] == (run / "manifest.json").read_bytes()
    texts = ["take 3 of this film was wonderful", "dreadful"]
    there = [one.probability for one in sentiment.load(sent).predict(texts)]
    assert there == [one.probability for one in sentiment.load(run).predict(texts)]


def test_a_run_is_private_unless_it_is_said_to_be_public(hub, parcel):
    send_parcel(parcel)
    send_parcel(replace(parcel, repository="ada/open"), public=True)
    assert hub.repositories[NAME].private and not hub.repositories["ada/open"].private


@pytest.mark.parametrize("public", [False, True])
def test_nothing_is_sent_if_the_repository_is_not_as_private_as_asked(hub, parcel, public):
    hub.repositories[NAME] = Repository(private=public)
    with pytest.raises(UsageError, match=f"{NAME} is {'private' if public else 'public'}"):
        send_parcel(parcel, public=public)
    assert hub.asked_for("POST") == []


def test_a_hub_that_makes_a_new_repository_public_gets_nothing(hub, parcel, monkeypatch):
    original = hub.RequestHandlerClass.create

    def create(handler, wanted):
        return original(handler, wanted | {"visibility": "public"})

    monkeypatch.setattr(hub.RequestHandlerClass, "create", create)
    with pytest.raises(UsageError, match="is public; nothing was sent"):
        send_parcel(parcel)
    assert hub.asked_for("/commit/") == []


def test_files_of_a_repository_stay_without_force(hub, parcel):
    hub.repositories[NAME] = Repository(private=True, files={"README.md": b"mine", "notes.txt": b"mine"})
    with pytest.raises(UsageError, match=rf"{NAME} has files already; .* add --force"):
        send_parcel(parcel)
    assert hub.repositories[NAME].files == {"README.md": b"mine", "notes.txt": b"mine"}
    send_parcel(parcel, force=True)
    assert hub.repositories[NAME].files.keys() == SENT | {"notes.txt"}


# --- texts ---------------------------------------------------------------------------------------------


def test_without_texts_no_review_goes_and_the_run_still_proves_itself(hub, run):
    golden = [one["text"] for one in json.loads((run / "golden.json").read_bytes())["reviews"]]
    push_run(run, NAME)
    assert any(golden[0].encode() in content for content in hub.repositories[NAME].files.values())
    sent = push_run(run, NAME, without_texts=True, force=True)
    files = hub.repositories[NAME].files
    assert files.keys() == SENT | {".gitattributes"}
    assert not any(text.encode() in content for text in golden for content in files.values())
    model = sentiment.load(sent)
    assert model.predict(golden) == sentiment.load(run).predict(golden)
    words = set(model.vocabulary.channels[model.vocabulary.word_channel].words)
    made_up = json.loads(files["golden.json"])["reviews"]
    assert len(made_up) == 6 and all(set(one["text"].split(" ")) <= words for one in made_up)


def test_weights_that_were_changed_on_the_way_are_found_by_the_made_up_texts(hub, run):
    parcel = pack_run(run, NAME, without_texts=True)
    copy = run.parent / "copy"
    copy.mkdir()
    made_up = json.loads(parcel.files["golden.json"])
    made_up["reviews"][2]["probability"] += 0.01
    files = parcel.files | {"golden.json": storage.dump_json(made_up)}
    for name, content in files.items():
        (copy / name).write_bytes(content)
    storage.write_manifest(copy, json.loads(files["manifest.json"])["files"].keys())
    with pytest.raises(RunError, match="no longer predicts the same"):
        sentiment.load(copy)


# --- the model card ------------------------------------------------------------------------------------


def test_the_model_card_has_the_measured_figures(run):
    card = huggingface_hub.ModelCard(pack_run(run, NAME).files["README.md"].decode())
    measured = json.loads((run / "run.json").read_bytes())["result"]["validation"]
    figures = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert figures["accuracy"] == pytest.approx(measured["accuracy"], abs=1e-4)
    assert f"{measured['accuracy']:.1%}" in card.text
    assert f"hf://{NAME}" in card.text and "does not prove who wrote it" in card.text


def test_names_in_a_model_card_are_no_markup(run):
    model = sentiment.load(run)
    model.facts = {**model.facts, "data": {"class_names": ["a|b", "<script>"], "train": "9 [x](y)\n# z"}}
    body = model_card(model, NAME).partition("---\n\n")[2]
    assert "a\\|b, &lt;script>" in body and "9 \\[x](y) # z" in body


def test_the_shipped_model_has_a_card_without_figures():
    card = pack_run("shipped", NAME).files["README.md"].decode()
    assert "No reviews were held out" in card and "model-index" not in card


# --- refusals ------------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_asked(hub, parcel, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/none")
    with pytest.raises(MachineError, match="no token for the hub; log in with: hf auth login"):
        send_parcel(parcel)
    assert hub.requests == []


@pytest.mark.parametrize("part", ["/api/models/ada/films", "/api/repos/create", "/commit/"])
@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "does not let you in"), (403, "forbids this"), (429, "try again later"), (500, "try again later")],
)
def test_a_hub_that_refuses_is_reported_without_its_words_or_the_token(hub, parcel, part, code, words):
    hub.refuse = {part: code}
    with pytest.raises(MachineError, match=words) as caught:
        send_parcel(parcel)
    assert f"Bearer {TOKEN}" in hub.tokens
    assert str(caught.value).startswith(f"{NAME}: ") and str(caught.value).endswith(f"({code})")
    assert "hf_s" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_the_token_is_in_no_traceback(hub, run, command):
    hub.refuse = {"/commit/": 403}
    result = command("--debug", "push", run, NAME, "--yes")
    assert result.returncode == 4 and "Traceback" in result.stderr
    assert "hf_s" not in result.stderr and "\x1b" not in result.stderr


def test_a_hub_that_is_not_there_is_named(hub, parcel, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MachineError, match="the connection to the hub failed"):
        send_parcel(parcel)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MachineError, match="the hub cannot be asked: HF_HUB_OFFLINE is set"):
        send_parcel(parcel)


def test_a_token_that_the_hub_does_not_know_gets_nothing_in(hub, parcel, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    hub.repositories[NAME] = Repository(private=True)
    with pytest.raises(MachineError, match="does not let you in"):
        send_parcel(parcel)


def test_a_commit_in_between_is_not_covered_up(hub, parcel, monkeypatch):
    original = hub.RequestHandlerClass.act

    def act(handler, repository, found, body):
        repository.files["somebody.txt"] = b"else"
        return original(handler, repository, found, body)

    monkeypatch.setattr(hub.RequestHandlerClass, "act", act)
    with pytest.raises(MachineError, match="has other files there by now"):
        send_parcel(parcel)
    assert "manifest.json" not in hub.repositories[NAME].files


def test_a_damaged_run_is_not_sent(hub, run):
    (run / "vocabulary.txt").write_text("other 1\n")
    with pytest.raises(RunError, match=r"vocabulary\.txt is damaged"):
        push_run(run, NAME)
    assert hub.requests == []


@pytest.mark.parametrize(
    "name", ["films", "ada/films/more", "../films", "ada/..", "-x/films", "", "ada/\x1b"]
)
def test_another_form_of_name_is_refused(run, name):
    with pytest.raises(UsageError, match="is no name on the hub; write user/name"):
        pack_run(run, name)


# --- the command ---------------------------------------------------------------------------------------


def test_the_command_lists_the_files_before_they_go(hub, run, command):
    result = command("push", run, NAME)
    assert result.returncode == 0, result.stderr
    listed = {line.split()[-1] for line in result.stderr.splitlines()[:-1]}
    assert listed == SENT | {"report.html"}
    assert result.stderr.splitlines()[-1].endswith(f"bytes to {NAME} (private)")
    assert result.stdout == f"hf://{NAME}@{hub.repositories[NAME].commit}\n"


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 2), (b"\x04", 2), (b"y\n", 0)])
def test_a_person_is_asked_first(hub, run, command, answer, code):
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    with os.fdopen(theirs, "r") as terminal:
        result = command("push", run, NAME, stdin=terminal)
    os.close(ours)
    assert result.returncode == code, result.stderr
    assert "Send them?" in result.stderr
    assert bool(hub.requests) is (code == 0)
