"""Tokens: those of spaCy on normalised text, the same from one process, several, and the cache."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.data import token_cache, workers
from sentiment.data.text import digest, normalise, why_unreadable
from sentiment.data.token_cache import cache_folder, tokenize_cached
from sentiment.data.tokenizer import Tokenizer, shared_tokenizer
from sentiment.data.tokens import StoredIds, Tokens
from sentiment.system import storage

TEXTS = [
    "A great film; don't miss it!",
    "it isn't good<br /><br />it's... great :-)",
    "  U.S. films (2010)\tcost $3m \n",
    "caf\u00e9 na\u00efve \U0001f600 \u00a0 end",
    "NA",
    "well-made,non-stop.",
]
readable = st.text(st.characters(exclude_categories=["Cs"])) | st.text("ab.'<br/> \n\t-,!?()")


@pytest.fixture(scope="module")
def bare():
    """spaCy's tokenizer, called directly."""
    return spacy.blank("en").tokenizer


def words(tokens, index):
    return [tokens.forms[form] for form in tokens[index]]


def assert_same(first, second):
    assert first.forms == second.forms
    np.testing.assert_array_equal(first.ids[:], second.ids[:])
    np.testing.assert_array_equal(first.offsets, second.offsets)


# --- text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("good<br /><br />film", "good film"),
        ("<BR>good <br/>  film<br  />", "good film"),
        (" good\n\t film\u00a0", "good film"),
        ("<brx> <b> b r", "<brx> <b> b r"),
        ("<br />", ""),
        ("'" * 200 + " good", "'" * 200 + " good"),
        ("a " + "'" * 401, " ".join(["a", "'" * 200, "'" * 200, "'"])),
    ],
)
def test_breaks_and_white_space_become_one_space(text, normal):
    assert normalise(text) == normal


@settings(derandomize=True, deadline=None)
@given(text=readable)
def test_normal_text_does_not_change(text):
    normal = normalise(text)
    assert not any(char.isspace() and char != " " for char in normal)
    assert "  " not in normal and normal == normal.strip()
    assert text.split() != normal.split() or " ".join(text.split()) == normal


@settings(derandomize=True, deadline=None)
@given(text=readable)
def test_a_text_is_unreadable_exactly_if_it_is_empty_after_normalising(text):
    assert why_unreadable(text) == (None if normalise(text) else "is empty")


def test_half_a_surrogate_pair_is_unreadable():
    assert "not Unicode" in why_unreadable("x \ud83d")


# --- tokenizing ----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=200)
@given(texts=st.lists(readable, max_size=5))
def test_tokens_are_spacys_on_normalised_text(texts, bare):
    tokens = shared_tokenizer().tokenize(texts)
    assert len(tokens) == len(texts) and tokens.lengths_N.sum() == len(tokens.ids)
    for index, text in enumerate(texts):
        assert words(tokens, index) == [token.text for token in bare(normalise(text))]
        assert not any(char.isspace() for form in words(tokens, index) for char in form)
    assert len(set(tokens.forms)) == len(tokens.forms)


def test_forms_keep_their_case_and_ids_are_small():
    tokens = Tokenizer().tokenize(["Good good", "GOOD"])
    assert sorted(tokens.forms) == ["GOOD", "Good", "good"]
    assert (tokens.ids.dtype, tokens.offsets.dtype) == (np.int32, np.int64)
    assert tokens.lengths_N.tolist() == [2, 1]


def test_no_texts_are_no_tokens():
    tokens = Tokenizer().tokenize([])
    assert (len(tokens), tokens.forms) == (0, [])


def test_an_endless_stream_does_not_fill_the_memory(monkeypatch):
    tokenizer = Tokenizer()
    tokenizer.tokenize_and_forget(["warm up"])
    monkeypatch.setattr("sentiment.data.tokenizer.REMEMBERED", 0)
    strings = tokenizer._nlp.vocab.strings
    before = len(strings)
    for number in range(5):
        forgotten = tokenizer.tokenize_and_forget([f"zyzzyva{number}x{word}" for word in range(200)])
        assert words(forgotten, 7) == [f"zyzzyva{number}x7"]
    assert len(strings) == before
    tokenizer.tokenize([f"zyzzyva{word}" for word in range(200)])
    assert len(strings) >= before + 200


# --- cache and processes -------------------------------------------------------------------------------


@pytest.fixture
def many():
    """More texts than one chunk, with forms that first appear late."""
    return [f"{TEXTS[i % len(TEXTS)]} word{i % 311} and word{i // 7}" for i in range(workers.CHUNK * 3 + 7)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_several_processes_give_the_tokens_of_one(many, caches, monkeypatch, method):
    serial = tokenize_cached(many, "serial", 1)
    plain = Tokens(serial.forms, serial.ids[:], serial.offsets)
    shutil.rmtree(caches / "sentiment")
    monkeypatch.setattr(workers, "PARALLEL_FROM", 1)
    monkeypatch.setattr(workers, "start_method", lambda: method)
    started = []
    make_pool = workers.ProcessPoolExecutor
    monkeypatch.setattr(
        workers, "ProcessPoolExecutor", lambda *given: started.append(given) or make_pool(*given)
    )
    assert_same(tokenize_cached(many, "parallel", 2), plain)
    assert len(started) == 1 and started[0][1].get_start_method() == method


def test_only_linux_forks():
    assert workers.start_method("linux") == "fork"
    assert [workers.start_method(platform) for platform in ("darwin", "win32")] == ["spawn", "spawn"]


def test_the_serial_result_is_spacys(many, bare):
    tokens = tokenize_cached(many, "x", 1)
    for index in (0, 1, workers.CHUNK, len(many) - 1):
        assert words(tokens, index) == [token.text for token in bare(normalise(many[index]))]


@pytest.fixture
def counted(monkeypatch):
    """Count the texts that are tokenized, not read from the cache."""
    seen = []
    tokenize = token_cache.tokenize_chunks
    monkeypatch.setattr(
        token_cache,
        "tokenize_chunks",
        lambda texts, *rest: seen.append(len(texts)) or tokenize(texts, *rest),
    )
    return seen


def test_a_second_call_opens_the_cache(counted):
    first = tokenize_cached(TEXTS, "x", 1)
    second = tokenize_cached(tuple(TEXTS), "another name", 2)
    assert_same(first, second)
    assert counted == [len(TEXTS)]
    assert isinstance(second.ids, StoredIds)


def test_other_texts_get_another_entry(counted):
    tokenize_cached(["ab", "c"], "x", 1)
    tokenize_cached(["a", "bc"], "x", 1)
    tokenize_cached(["c", "ab"], "x", 1)
    assert counted == [2, 2, 2]
    assert len(list((cache_folder() / "tokens").iterdir())) == 3


def test_another_version_of_spacy_gets_another_entry(counted, monkeypatch):
    tokenize_cached(TEXTS, "x", 1)
    monkeypatch.setattr(spacy, "__version__", "99.0")
    tokenize_cached(TEXTS, "x", 1)
    assert counted == [len(TEXTS)] * 2


@pytest.mark.parametrize("name", ["ids.npy", "offsets.npy", "forms.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_entry_is_made_again(counted, name, damage):
    whole = tokenize_cached(TEXTS, "x", 1)
    whole = Tokens(whole.forms, whole.ids[:], whole.offsets)
    (folder,) = (cache_folder() / "tokens").iterdir()
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 4
    if damage == "remove":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content if damage == "flip" else content[:-3])
    assert_same(tokenize_cached(TEXTS, "x", 1), whole)
    assert counted == [len(TEXTS)] * 2
    tokenize_cached(TEXTS, "x", 1)
    assert counted == [len(TEXTS)] * 2


def test_a_crash_while_tokenizing_leaves_no_entry(monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(np, "save", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        tokenize_cached(TEXTS, "x", 1)
    assert list((cache_folder() / "tokens").iterdir()) == []
    assert len(tokenize_cached(TEXTS, "x", 1)) == len(TEXTS)


def test_two_processes_at_once_fill_one_entry(caches, many):
    script = (
        "import json, sys; from sentiment.data.token_cache import tokenize_cached; "
        "texts = json.load(sys.stdin); t = tokenize_cached(texts, 'x', 1); "
        "print(json.dumps([t.forms, t.ids[:].tolist(), t.offsets.tolist()]))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    for process in processes:  # both have their texts before either is waited for
        process.stdin.write(json.dumps(many))
        process.stdin.close()
        process.stdin = None
    answers = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in answers] == ["", ""]
    assert answers[0][0] == answers[1][0]
    (entry,) = (caches / "sentiment" / "tokens").iterdir()
    here = tokenize_cached(many, "x", 1)
    assert json.loads(answers[0][0]) == [here.forms, here.ids[:].tolist(), here.offsets.tolist()]
    assert entry.is_dir()


def test_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sentiment"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "sentiment"


@settings(derandomize=True, deadline=None)
@given(first=st.lists(st.text("ab")), second=st.lists(st.text("ab")))
def test_different_lists_have_different_digests(first, second):
    assert (digest(first) == digest(second)) == (first == second)


@pytest.mark.parametrize("name", ["ids.npy", "offsets.npy", "forms.json"])
def test_a_pickle_in_the_cache_is_not_opened_but_made_again(caches, tmp_path, name):
    texts = ["a fine film", "a dull film"]
    whole = tokenize_cached(texts, "", 1)
    (entry,) = (caches / "sentiment" / "tokens").iterdir()
    np.save(tmp_path / "objects.npy", np.array([tmp_path], dtype=object), allow_pickle=True)
    (entry / name).write_bytes((tmp_path / "objects.npy").read_bytes())
    storage.write_manifest(entry)
    assert tokenize_cached(texts, "", 1).forms == whole.forms
