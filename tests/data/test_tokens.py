"""Tokens: those of spaCy on normalised text, the same from one process, several, and the cache."""

import errno
import gc
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.data import token_cache, workers
from sentiment.data.text import digest, why_unreadable
from sentiment.data.text_rules import TextRules, normalise
from sentiment.data.token_cache import tokenize_cached
from sentiment.data.tokenizer import Tokenizer, shared_tokenizer
from sentiment.data.tokens import StoredIds, Tokens
from sentiment.errors import MachineError, UsageError
from sentiment.system import storage
from sentiment.system.folders import cache_folder

RULES = TextRules()
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


# --- tokenizing ----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=200)
@given(texts=st.lists(readable, max_size=5))
def test_tokens_are_spacys_on_normalised_text(texts, bare):
    tokens = shared_tokenizer(RULES).tokenize(texts)
    assert len(tokens) == len(texts) and tokens.lengths_N.sum() == len(tokens.ids)
    for index, text in enumerate(texts):
        assert words(tokens, index) == [token.text for token in bare(normalise(text, RULES))]
        assert not any(char.isspace() for form in words(tokens, index) for char in form)
    assert len(set(tokens.forms)) == len(tokens.forms)


def test_forms_keep_their_case_and_ids_are_small():
    tokens = Tokenizer(RULES).tokenize(["Good good", "GOOD"])
    assert sorted(tokens.forms) == ["GOOD", "Good", "good"]
    assert (tokens.ids.dtype, tokens.offsets.dtype) == (np.int32, np.int64)
    assert tokens.lengths_N.tolist() == [2, 1]


def test_no_texts_are_no_tokens():
    tokens = Tokenizer(RULES).tokenize([])
    assert (len(tokens), tokens.forms) == (0, [])


def test_an_endless_stream_does_not_fill_the_memory(monkeypatch):
    tokenizer = Tokenizer(RULES)
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


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    texts=st.lists(readable.filter(lambda text: not why_unreadable(text)), min_size=1, max_size=4),
    language=st.sampled_from(["en", "de", "fr", "zh", "xx"]),
)
def test_training_predicting_and_explaining_read_the_same_tokens(texts, language):
    tokenizer = shared_tokenizer(TextRules(language=language))
    trained, predicted = tokenizer.tokenize(texts), tokenizer.tokenize_and_forget(texts)
    assert_same(trained, predicted)
    for index, text in enumerate(texts):
        explained = [token.rstrip(" ") for sentence in tokenizer.sentences(text) for token in sentence]
        assert explained == words(trained, index) != []


@pytest.mark.parametrize("language", ["en", "de", "fr", "xx"])
def test_words_have_no_attributes_and_are_cut_as_spacy_cuts_them(language):
    texts = [
        "Mr. O'Neill can't, won't (and shouldn't) pay $10.50 at 8a.m.! :-) well:( :( (",
        "C'est l'idée d'aujourd'hui, z.B. aufs Dach; www.site.com/a?b=c 10km/h 3-4 a-b... U.S.-made",
    ]
    tokenizer, plain = Tokenizer(TextRules(language=language)), spacy.blank(language)
    found = tokenizer.tokenize(texts + texts)
    for index, text in enumerate(texts + texts):
        assert words(found, index) == [token.text for token in plain.tokenizer(text)]
    own, others = (nlp.vocab["shouldn"] for nlp in (tokenizer._nlp, plain))
    assert (own.shape_, own.prefix_) == ("", "") != (others.shape_, others.prefix_)


def test_each_language_has_its_tokenizer_and_keeps_it():
    text = ["C'est l'idée d'aujourd'hui."]
    english, french = shared_tokenizer(RULES), shared_tokenizer(TextRules(language="fr"))
    assert "l'" in french.tokenize(text).forms and "l'" not in english.tokenize(text).forms
    assert french is shared_tokenizer(TextRules(language="fr")) is not english


def test_chinese_is_cut_between_characters_without_another_package():
    tokenizer = shared_tokenizer(TextRules(language="zh"))
    assert words(tokenizer.tokenize(["这部电影"]), 0) == ["这", "部", "电", "影"]
    assert tokenizer.sentences("好看。不错") == [["好", "看", "。"], ["不", "错"]]


@pytest.mark.parametrize("language", ["ja", "ko", "th", "vi"])
def test_a_language_without_its_package_names_it(language):
    try:
        spacy.blank(language)
    except ImportError:
        with pytest.raises(
            MachineError, match=rf"text\.language={language} needs the package \S+: pip install"
        ):
            Tokenizer(TextRules(language=language))
    else:
        assert Tokenizer(TextRules(language=language)).tokenize(["x"]).forms == ["x"]


def test_a_language_that_spacy_does_not_know_is_a_mistake_of_usage():
    with pytest.raises(UsageError, match=r"text\.language=qq is not a language that spaCy knows"):
        Tokenizer(TextRules(language="qq"))


# --- cache and processes -------------------------------------------------------------------------------


@pytest.fixture
def many():
    """More texts than one chunk, with forms that first appear late."""
    return [f"{TEXTS[i % len(TEXTS)]} word{i % 311} and word{i // 7}" for i in range(workers.CHUNK * 3 + 7)]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_several_processes_give_the_tokens_of_one(many, caches, monkeypatch, method):
    serial = tokenize_cached(many, RULES, "serial", 1)
    plain = Tokens(serial.forms, serial.ids[:], serial.offsets)
    shutil.rmtree(caches / "sentiment")
    monkeypatch.setattr(workers, "PARALLEL_FROM", 1)
    monkeypatch.setattr(workers, "start_method", lambda: method)
    started = []
    make_pool = workers.ProcessPoolExecutor
    monkeypatch.setattr(
        workers, "ProcessPoolExecutor", lambda *given: started.append(given) or make_pool(*given)
    )
    assert_same(tokenize_cached(many, RULES, "parallel", 2), plain)
    assert len(started) == 1 and started[0][1].get_start_method() == method


def test_without_shared_memory_this_process_tokenizes(many, monkeypatch):
    def fail(*given):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))  # /dev/shm is read-only

    monkeypatch.setattr(workers, "PARALLEL_FROM", 1)
    monkeypatch.setattr(workers, "ProcessPoolExecutor", fail)
    assert len(tokenize_cached(many, RULES, "alone", 2)) == len(many)
    chunks = [many[:3], [], many[3:5]]  # the second is a pause
    assert [len(tokens) for tokens in workers.tokenize_stream(chunks, RULES, 2)] == [3, 2]


def test_the_collector_leaves_memory_alone_that_workers_share(many, monkeypatch):
    """Else each process has a copy after a while: a long file would take more memory than a short one."""
    monkeypatch.setattr(workers, "PARALLEL_FROM", 1)
    gc.unfreeze()
    stream = workers.tokenize_stream([many[:10], many[10:20], many[20:]], RULES, 2)
    frozen = [gc.get_freeze_count() for _ in stream]
    assert frozen[0] == 0 < min(frozen[1:]) and gc.get_freeze_count() == 0
    gc.freeze()  # as for every test
    before = gc.get_freeze_count()
    assert len(list(workers.tokenize_stream([many[:10], many[10:]], RULES, 2))) == 2
    assert gc.get_freeze_count() == pytest.approx(before, rel=0.01)  # some of them may be gone


def test_only_linux_forks():
    assert workers.start_method("linux") == "fork"
    assert [workers.start_method(platform) for platform in ("darwin", "win32")] == ["spawn", "spawn"]


def test_the_serial_result_is_spacys(many, bare):
    tokens = tokenize_cached(many, RULES, "x", 1)
    for index in (0, 1, workers.CHUNK, len(many) - 1):
        assert words(tokens, index) == [token.text for token in bare(normalise(many[index], RULES))]


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
    first = tokenize_cached(TEXTS, RULES, "x", 1)
    second = tokenize_cached(tuple(TEXTS), RULES, "another name", 2)
    assert_same(first, second)
    assert counted == [len(TEXTS)]
    assert isinstance(second.ids, StoredIds)


def test_other_texts_get_another_entry(counted):
    tokenize_cached(["ab", "c"], RULES, "x", 1)
    tokenize_cached(["a", "bc"], RULES, "x", 1)
    tokenize_cached(["c", "ab"], RULES, "x", 1)
    assert counted == [2, 2, 2]
    assert len(list((cache_folder() / "tokens").iterdir())) == 3


@pytest.mark.parametrize("change", [{"quotes": False}, {"tags": False}, {"language": "de"}, {"version": 1}])
def test_other_rules_get_an_entry_of_their_own(counted, change):
    tokenize_cached(TEXTS, RULES, "x", 1)
    tokenize_cached(TEXTS, replace(RULES, **change), "x", 1)
    assert counted == [len(TEXTS)] * 2


def test_the_package_of_a_language_is_part_of_the_name(monkeypatch):
    versions = iter(["1.0", "1.1"])
    monkeypatch.setattr(token_cache, "version", lambda package: f"{package} {next(versions)}")
    names = {token_cache._entry_name(TEXTS, TextRules(language="th")) for _ in range(2)}
    assert len(names) == 2


def test_another_version_of_spacy_gets_another_entry(counted, monkeypatch):
    tokenize_cached(TEXTS, RULES, "x", 1)
    monkeypatch.setattr(spacy, "__version__", "99.0")
    tokenize_cached(TEXTS, RULES, "x", 1)
    assert counted == [len(TEXTS)] * 2


@pytest.mark.parametrize("name", ["ids.npy", "offsets.npy", "forms.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_entry_is_made_again(counted, name, damage):
    whole = tokenize_cached(TEXTS, RULES, "x", 1)
    whole = Tokens(whole.forms, whole.ids[:], whole.offsets)
    (folder,) = (cache_folder() / "tokens").iterdir()
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 4
    if damage == "remove":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content if damage == "flip" else content[:-3])
    assert_same(tokenize_cached(TEXTS, RULES, "x", 1), whole)
    assert counted == [len(TEXTS)] * 2
    tokenize_cached(TEXTS, RULES, "x", 1)
    assert counted == [len(TEXTS)] * 2


def test_a_crash_while_tokenizing_leaves_no_entry(monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(np, "save", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        tokenize_cached(TEXTS, RULES, "x", 1)
    assert list((cache_folder() / "tokens").iterdir()) == []
    assert len(tokenize_cached(TEXTS, RULES, "x", 1)) == len(TEXTS)


@pytest.mark.slow
def test_two_processes_at_once_fill_one_entry(caches, many):
    script = (
        "import json, sys; from sentiment.data.token_cache import tokenize_cached; "
        "from sentiment.data.text_rules import TextRules; "
        "texts = json.load(sys.stdin); t = tokenize_cached(texts, TextRules(), 'x', 1); "
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
    here = tokenize_cached(many, RULES, "x", 1)
    assert json.loads(answers[0][0]) == [here.forms, here.ids[:].tolist(), here.offsets.tolist()]
    assert entry.is_dir()


@settings(derandomize=True, deadline=None)
@given(first=st.lists(st.text("ab")), second=st.lists(st.text("ab")))
def test_different_lists_have_different_digests(first, second):
    assert (digest(first) == digest(second)) == (first == second)


@pytest.mark.parametrize("name", ["ids.npy", "offsets.npy", "forms.json"])
def test_a_pickle_in_the_cache_is_not_opened_but_made_again(caches, tmp_path, name):
    texts = ["a fine film", "a dull film"]
    whole = tokenize_cached(texts, RULES, "", 1)
    (entry,) = (caches / "sentiment" / "tokens").iterdir()
    np.save(tmp_path / "objects.npy", np.array([tmp_path], dtype=object), allow_pickle=True)
    (entry / name).write_bytes((tmp_path / "objects.npy").read_bytes())
    storage.write_manifest(entry)
    assert tokenize_cached(texts, RULES, "", 1).forms == whole.forms


@pytest.mark.parametrize("shape", [(2**45,), (2**70,), (3, 1)])
def test_an_array_in_the_cache_with_a_forged_shape_is_made_again(caches, shape):
    texts = ["a fine film", "a dull film"]
    whole = tokenize_cached(texts, RULES, "", 1)
    (entry,) = (caches / "sentiment" / "tokens").iterdir()
    with (entry / "offsets.npy").open("wb") as file:
        header = {"descr": "<i8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(whole.offsets.tobytes())
    storage.write_manifest(entry)
    assert tokenize_cached(texts, RULES, "", 1).offsets.tolist() == whole.offsets.tolist()
