"""Word vectors: read from text, refused if they do not fit; by name downloaded once, and never a pickle."""

import gzip
import http.server
import io
import pickle
import shutil
import threading
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch

from sentiment.config import VocabularySettings
from sentiment.data import vector_cache, vector_files
from sentiment.data.vectors import load_word_vectors
from sentiment.data.vocabulary import Channel
from sentiment.errors import DataError, MachineError
from sentiment.system import storage


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
        load_word_vectors(file(f"other 1 2 3\nfilm 1 2 {value}\n"), channel, 3)


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


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("v.txt", "good 1 2 3\nother" + " 1" * 2**20, "a line has more than 1,048,576 bytes"),
        ("v.txt", "good" + "x" * 2**21, "a line has more than 1,048,576 bytes"),
        ("v.txt", "6 3\ngood 1 2 3\n5 3\n", "line 3 has 1 values, the lines before have 3"),
        ("v.txt.gz", gzip.compress(THREE.encode(), mtime=0)[:-9], "Compressed file ended"),
        ("v.txt.gz", gzip.compress(THREE.encode(), mtime=0)[:20] + b"x" * 30, "Error -3 while decompressing"),
        ("v.gz", b"no gzip", "Not a gzipped file"),
        ("v.pt", pickle.dumps({"good": [1, 2, 3]}), "line 1 "),
    ],
    ids=["long line", "no line", "two headers", "cut", "damaged", "no gzip", "pickle"],
)
def test_a_damaged_file_is_refused_with_the_reason(file, channel, name, content, reason):
    path = file(content, name)
    with pytest.raises(DataError, match="is not a text file of word vectors: ") as caught:
        load_word_vectors(path, channel, 3)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_a_packed_file_is_read(file, channel):
    assert load_word_vectors(file(gzip.compress(THREE.encode()), "v.txt.gz"), channel, 3).found_V.sum() == 3


def test_a_packed_file_unpacks_to_twenty_times_its_size_at_most(file, channel, monkeypatch):
    monkeypatch.setattr(vector_files, "SMALL_ENOUGH", 5_000)
    path = file(gzip.compress(b"good 1 2 3\n" + b"other 1 2 3\n" * 400), "small.gz")
    assert load_word_vectors(path, channel, 3).found_V.sum() == 1
    path = file(gzip.compress(b"good 1 2 3\n" + b"other 1 2 3\n" * 4_000), "bomb.gz")
    with pytest.raises(DataError, match="it unpacks to more than 20 times its size"):
        load_word_vectors(path, channel, 3)


def test_only_the_words_of_the_vocabulary_are_kept(file, channel):
    path = file("".join(f"other{n} {'0.5 ' * 50}\n" for n in range(20_000)) + "good " + "0.5 " * 50)
    tracemalloc.start()
    load_word_vectors(path, channel, 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20 < Path(path).stat().st_size


# --- vectors by name -----------------------------------------------------------------------------------

NAME = "glove.6B.50d"
LINE = " ".join(["good", *["0.5"] * 50]) + "\n"


def archive(*names, line=LINE, method=zipfile.ZIP_DEFLATED):
    """A zip of these files of vectors."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name in names:
            packed.writestr(f"{name}.txt", f"{line}{line.replace('good', 'other')}")
    return file.getvalue()


@pytest.fixture
def server(monkeypatch):
    """A server of one file in place of all addresses. It lists the requests, and may send less than all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.content)))
            self.end_headers()
            self.wfile.write(self.server.content[: self.server.sent])

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.status, server.content, server.sent = [], 200, archive(NAME), None
        server.end = ".zip"

        def address(name):
            return f"http://127.0.0.1:{server.server_port}/vectors{server.end}", f"{name}.txt"

        monkeypatch.setattr(vector_cache, "vector_address", address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def cached(caches):
    """The entry of the vectors in the cache."""
    return caches / "sentiment" / "vectors" / NAME


def load_named(channel):
    vectors = load_word_vectors(NAME, channel, 50)
    assert vectors.rows_VE[2].tolist() == [0.5] * 50 and vectors.found_V.sum() == 1


def test_a_set_by_name_is_downloaded_once(channel, server, cached, capfd):
    for _ in range(2):
        load_named(channel)
    assert server.requests == ["/vectors.zip"] and capfd.readouterr().err == ""
    assert sorted(path.name for path in cached.iterdir()) == ["manifest.json", "vectors.txt"]
    assert [path.name for path in cached.parent.iterdir()] == [NAME]


def test_all_sets_of_an_archive_are_kept(channel, server):
    server.content = archive("glove.6B.100d", NAME, "unknown", "../evil")
    for _ in range(2):
        load_named(channel)
        with pytest.raises(DataError, match=r"100d holds vectors of 50 values, the model has 100"):
            load_word_vectors("glove.6B.100d", channel, 100)
    assert server.requests == ["/vectors.zip"]


def test_a_text_is_downloaded_as_it_is(channel, server):
    server.content, server.end = LINE.encode(), ".vec"
    for _ in range(2):
        load_named(channel)
    assert server.requests == ["/vectors.vec"]


def flip(entry):
    (entry / "vectors.txt").write_text(LINE.replace("0.5", "0.6"))


def cut(entry):
    content = (entry / "vectors.txt").read_bytes()
    (entry / "vectors.txt").write_bytes(content[: len(content) // 2 + 1])


def forget_manifest(entry):
    (entry / "manifest.json").unlink()


def empty_manifest(entry):
    (entry / "vectors.txt").unlink()
    storage.write_manifest(entry)


def become_file(entry):
    shutil.rmtree(entry)
    entry.write_bytes(pickle.dumps(["good"]))


def become_link(entry):
    entry.rename(entry.parent.parent / "elsewhere")
    entry.symlink_to(entry.parent.parent / "elsewhere")


def link_text(entry):
    (entry / "vectors.txt").rename(entry.parent.parent / "elsewhere.txt")
    (entry / "vectors.txt").symlink_to(entry.parent.parent / "elsewhere.txt")


@pytest.mark.parametrize(
    "harm", [flip, cut, forget_manifest, empty_manifest, become_file, become_link, link_text]
)
def test_a_damaged_entry_is_downloaded_again(channel, server, cached, harm):
    load_named(channel)
    harm(cached)
    load_named(channel)
    load_named(channel)
    assert len(server.requests) == 2 and cached.is_dir() and not cached.is_symlink()
    elsewhere = cached.parent.parent / "elsewhere"
    assert harm is not become_link or (elsewhere / "vectors.txt").is_file(), "the link was followed"


def test_files_of_torchtext_in_the_cache_are_not_opened(channel, server, cached, tmp_path):
    cached.parent.mkdir(parents=True)
    evil = b"cos\nsystem\n(S'touch " + str(tmp_path / "canary").encode() + b"'\ntR."
    for name in (f"{NAME}.txt.pt", f"{NAME}.txt", "vectors.zip", "glove.6B.zip"):
        (cached.parent / name).write_bytes(evil)
    load_named(channel)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 404}, "404"),
        ({"content": archive(NAME), "sent": 50}, "only 50 of"),
        ({"content": archive(NAME)[:-30]}, "not a zip file"),
        ({"content": archive(NAME).replace(b"PK\x03\x04", b"PK\x03\x05")}, "Bad magic number"),
        ({"content": archive("other")}, "the archive does not hold it"),
        ({"content": archive(NAME, method=zipfile.ZIP_LZMA)}, "packed by an unusual method"),
        ({"content": archive(NAME, line="good " + "x" * 2**21)}, "a line has more than 1,048,576 bytes"),
        ({"content": archive(NAME, line="")}, "it holds no vectors"),
        ({"content": b"<html>log in first</html>", "end": ".vec"}, "it is no text of word vectors"),
        ({"content": b"", "end": ".vec"}, "it holds no vectors"),
    ],
)
def test_a_failed_download_is_a_machine_error_and_leaves_nothing(channel, server, cached, change, reason):
    for name, value in change.items():
        setattr(server, name, value)
    for _ in range(2):
        with pytest.raises(
            MachineError, match=r"cannot download glove\.6B\.50d \(.*; use a local file"
        ) as caught:
            load_word_vectors(NAME, channel, 50)
        assert reason in str(caught.value) and "\n" not in str(caught.value)
        assert list(cached.parent.iterdir()) == []
    assert len(server.requests) == 2


def test_an_archive_that_unpacks_to_far_more_is_refused(channel, server, cached, monkeypatch):
    monkeypatch.setattr(vector_files, "SMALL_ENOUGH", 5_000)
    server.content = archive(NAME, "glove.6B.100d", line=LINE * 200)
    with pytest.raises(MachineError, match="it unpacks to more than 20 times its size"):
        load_word_vectors(NAME, channel, 50)
    assert list(cached.parent.iterdir()) == []


def test_no_server_is_a_machine_error(channel, server, cached):
    server.shutdown()
    server.server_close()
    with pytest.raises(MachineError, match=r"cannot download glove\.6B\.50d \(.*refused"):
        load_word_vectors(NAME, channel, 50)
    assert list(cached.parent.iterdir()) == []


def test_a_cache_that_is_a_file_is_a_machine_error(channel, server, cached):
    cached.parent.parent.mkdir()
    cached.parent.write_text("")
    with pytest.raises(MachineError, match="cannot write "):
        load_word_vectors(NAME, channel, 50)
