"""Word vectors: read from text, refused if they do not fit, and no other files are written."""

import ssl
import zipfile
from collections import Counter
from pathlib import Path
from urllib.error import ContentTooShortError, URLError

import pytest
import torch
import torchtext.vocab

from sentiment.config import VocabularySettings
from sentiment.data.vectors import load_word_vectors
from sentiment.data.vocabulary import Channel
from sentiment.errors import DataError, MachineError

TLS = (ssl._create_default_https_context, ssl._create_unverified_context)


@pytest.fixture
def channel():
    counts = Counter({"good": 9, "bad": 7, "film": 5, "zyzzyva": 3, "<unk>": 2})
    return Channel("lower", counts, VocabularySettings(min_frequency=1))


@pytest.fixture
def file(tmp_path):
    def write(content, name="vectors.txt"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / name)

    return write


THREE = "bad 4 5 6\nother 0 0 1\ngood 1 2 3\n<unk> 9 9 9\n<pad> 9 9 9\nfilm 7 8 9.5\n"


@pytest.mark.parametrize("header", ["", "6 3\n"], ids=["glove", "word2vec"])
def test_words_get_their_vectors(file, channel, header):
    vectors = load_word_vectors(file(header + THREE), channel, 3)
    assert channel.words == ["<pad>", "<unk>", "good", "bad", "film", "zyzzyva"]
    assert vectors.rows_VE.tolist() == [[0, 0, 0], [0, 0, 0], [1, 2, 3], [4, 5, 6], [7, 8, 9.5], [0, 0, 0]]
    assert vectors.rows_VE.dtype == torch.float32
    assert vectors.found_V.tolist() == [False, False, True, True, True, False]


def test_words_without_a_vector_are_listed_most_frequent_first(file, channel):
    assert load_word_vectors(file(THREE), channel, 3).missing_words(channel) == ["zyzzyva"]
    only_film = load_word_vectors(file("film 1 2 3\n"), channel, 3)
    assert only_film.missing_words(channel) == ["good", "bad", "zyzzyva"]


def test_no_file_is_left_next_to_the_vectors_or_in_the_cache(file, channel, tmp_path, caches):
    load_word_vectors(file(THREE), channel, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.txt"]
    assert list(caches.rglob("*")) == []


def test_a_pickle_next_to_the_vectors_is_not_opened(file, channel, tmp_path):
    canary = tmp_path / "canary"
    file(b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR.", "vectors.txt.pt")
    assert load_word_vectors(file(THREE), channel, 3).found_V.sum() == 3
    assert not canary.exists()


def test_certificates_are_still_checked_afterwards(file, channel):
    load_word_vectors(file(THREE), channel, 3)
    with pytest.raises(DataError):
        load_word_vectors(file("good x\n"), channel, 3)
    assert (ssl._create_default_https_context, ssl._create_unverified_context) == TLS


def test_no_progress_bar_without_a_terminal(file, channel, capfd):
    load_word_vectors(file(THREE), channel, 3)
    assert capfd.readouterr().err == ""


def test_another_width_is_refused_with_a_remedy(file, channel):
    with pytest.raises(
        DataError, match=r"holds vectors of 3 values, the model has 4; use --set model\.embedding=3"
    ):
        load_word_vectors(file(THREE), channel, 4)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e39"])
def test_values_that_are_not_finite_are_refused(file, channel, value):
    with pytest.raises(DataError, match="not finite"):
        load_word_vectors(file(f"good 1 2 3\nother 1 2 {value}\n"), channel, 3)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        "good\nbad\n",
        "good 1 2 three\n",
        "good 1 2 3\nbad 1 2\n",
        "good 1 2 3\nbad 1 2 3 4\n",
        "6 3\ngood 1 2 3\nbad 1 2\n",
        bytes(range(256)) * 4,
        b"\x1f\x8b\x08\x00",
    ],
)
def test_a_malformed_file_is_refused(file, channel, content):
    name = file(content)
    with pytest.raises(DataError, match=f"{name} is not a text file of word vectors"):
        load_word_vectors(name, channel, 3)


def test_a_name_that_is_neither_a_file_nor_known_is_refused(channel, tmp_path):
    with pytest.raises(DataError, match=r"no word vectors at .*none\.txt.*glove\.6B\.100d"):
        load_word_vectors(str(tmp_path / "none.txt"), channel, 3)
    with pytest.raises(DataError, match="no word vectors at"):
        load_word_vectors(str(tmp_path), channel, 3)


@pytest.mark.parametrize("error", [URLError("no route"), ContentTooShortError("got only 5 bytes", b"")])
def test_a_failed_download_is_a_machine_error_and_leaves_no_archive(channel, caches, monkeypatch, error):
    def retrieve(url, destination, **options):
        assert ssl._create_default_https_context is ssl.create_default_context
        Path(destination).write_bytes(b"PK\x03\x04 half")
        raise error

    monkeypatch.setattr(torchtext.vocab, "urlretrieve", retrieve)
    for _ in range(2):
        with pytest.raises(MachineError, match=r"cannot download glove\.6B\.100d .*local file"):
            load_word_vectors("glove.6B.100d", channel, 100)
        assert [path for path in caches.rglob("*") if path.is_file()] == []
    assert (ssl._create_default_https_context, ssl._create_unverified_context) == TLS


def test_an_incomplete_archive_is_downloaded_again(channel, monkeypatch):
    fetched = []

    def retrieve(url, destination, **options):
        fetched.append(url)
        Path(destination).write_bytes(b"PK\x03\x04 half")

    monkeypatch.setattr(torchtext.vocab, "urlretrieve", retrieve)
    for _ in range(2):
        with pytest.raises(MachineError, match=r"cannot download glove\.6B\.100d"):
            load_word_vectors("glove.6B.100d", channel, 100)
    assert len(fetched) == 2


def test_a_set_by_name_is_downloaded_once(channel, monkeypatch, caches):
    fetched = []

    def retrieve(url, destination, **options):
        fetched.append(url)
        with zipfile.ZipFile(destination, "w") as archive:
            line = " ".join(["good", *["0.5"] * 50])
            archive.writestr("glove.6B.50d.txt", f"{line}\n{line.replace('good', 'other')}\n")

    monkeypatch.setattr(torchtext.vocab, "urlretrieve", retrieve)
    for _ in range(2):
        vectors = load_word_vectors("glove.6B.50d", channel, 50)
        assert vectors.rows_VE[2].tolist() == [0.5] * 50 and vectors.found_V.sum() == 1
    assert len(fetched) == 1
    assert (caches / "sentiment" / "vectors" / "glove.6B.50d.txt").is_file()
