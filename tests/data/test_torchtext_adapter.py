"""torchtext: only one file imports it, and its changes to the process are undone."""

import ast
import ssl
from pathlib import Path

import sentiment
from sentiment.data.torchtext_adapter import bucket_reviews, read_vectors


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_only_the_adapter_imports_torchtext():
    files = Path(sentiment.__file__).parent.rglob("*.py")
    importers = [
        path.name
        for path in files
        if any(name.split(".")[0] == "torchtext" for name in imported_modules(path))
    ]
    assert importers == ["torchtext_adapter.py"]


def test_data_imports_no_models():
    for path in (Path(sentiment.__file__).parent / "data").rglob("*.py"):
        assert not [name for name in imported_modules(path) if name.startswith("sentiment.models")]


def test_vectors_are_read_and_certificates_stay_checked(tmp_path):
    (tmp_path / "vectors.txt").write_text("good 1 2 3\nbad 4 5 6\n")
    before = (ssl._create_default_https_context, ssl._create_unverified_context)
    vectors = read_vectors(tmp_path / "vectors.txt", tmp_path / "scratch")
    assert vectors.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (ssl._create_default_https_context, ssl._create_unverified_context) == before


def test_buckets_hold_each_review_once_within_the_limit():
    def padded_size(new, count, before):
        return count * max(new.length, before // (count - 1) if count > 1 else 0)

    lengths = [3, 9, 1, 40, 3, 2, 8, 9]
    plain, shuffled = (
        bucket_reviews(lengths, 20, padded_size),
        bucket_reviews(lengths, 20, padded_size, "1 2"),
    )
    for batches in (plain, shuffled):
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 20 for b in batches)
    assert shuffled == bucket_reviews(lengths, 20, padded_size, "1 2") != plain
