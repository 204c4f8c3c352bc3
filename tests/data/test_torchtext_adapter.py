"""torchtext: only one file imports it, and what is used of it."""

import ast
import random
from pathlib import Path

from torchtext.data import BucketIterator, Dataset, RawField

import sentiment
from sentiment.data.torchtext_adapter import VECTOR_NAMES, SizedReview, bucket_reviews, vector_address


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


def test_every_set_of_vectors_has_an_address_and_a_file():
    assert vector_address("glove.twitter.27B.50d") == (
        "http://nlp.stanford.edu/data/glove.twitter.27B.zip",
        "glove.twitter.27B.50d.txt",
    )
    assert vector_address("fasttext.en.300d")[0].endswith("/wiki.en.vec")
    assert vector_address("fasttext.en.300d")[1] == "wiki.en.vec"
    assert len({vector_address(name) for name in VECTOR_NAMES}) == len(VECTOR_NAMES) == 12


def padded_size(new, count, before):
    return count * max(new.length, before // (count - 1) if count > 1 else 0)


def test_sorted_buckets_are_those_of_a_bucket_iterator():
    lengths = random.Random(5).choices(range(1, 60), k=300)
    iterator = BucketIterator(
        Dataset([SizedReview(*pair) for pair in enumerate(lengths)], {"index": RawField()}),
        batch_size=50,
        batch_size_fn=padded_size,
        sort_key=lambda review: review.length,
        train=False,
        sort_within_batch=True,
    )
    expected = [batch.index for batch in iterator if batch.index]
    assert bucket_reviews(lengths, 50, padded_size) == expected
    assert max(map(len, expected)) > 1 == min(map(len, expected))


def test_buckets_hold_each_review_once_within_the_limit():
    lengths = [3, 9, 1, 40, 3, 2, 8, 9]
    plain, shuffled = (
        bucket_reviews(lengths, 20, padded_size),
        bucket_reviews(lengths, 20, padded_size, "1 2"),
    )
    for batches in (plain, shuffled):
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 20 for b in batches)
    assert shuffled == bucket_reviews(lengths, 20, padded_size, "1 2") != plain
