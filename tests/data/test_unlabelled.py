"""Reviews without labels: read only if they are needed, checked like others, joined to the labelled."""

import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings, TextSettings, VocabularySettings
from sentiment.data.audit import audit
from sentiment.data.batches import EncodedReviews, JoinedReviews, collate
from sentiment.data.parts import load_part
from sentiment.data.prepare import prepare
from sentiment.data.reviews import load_reviews
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DataError

BOTH = ("train", "unsupervised")


def load(source, *splits):
    return load_reviews(DataSettings(source=str(source)), splits or None)


@pytest.fixture
def folder(tmp_path, rows, write_rows):
    """A folder with train.jsonl; `write(rows)` adds unsupervised.jsonl."""
    write_rows(tmp_path / "train.jsonl", rows)

    def write(unlabelled):
        write_rows(tmp_path / "unsupervised.jsonl", unlabelled)
        return tmp_path

    return write


# --- reading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [{}, {"label": -1}, {"label": None}, {"label": 1}, {"label": "unsup"}],
    ids=["missing", "-1", "null", "1", "unsup"],
)
def test_the_label_column_is_ignored(folder, label):
    source = folder([{"text": f"take {n}", "film": f"f{n}", **label} for n in range(3)])
    found = load(source, *BOTH)
    assert list(found) == ["train", "unsupervised"]
    unlabelled = found["unsupervised"]
    assert list(unlabelled.texts) == ["take 0", "take 1", "take 2"]
    assert unlabelled.labels_N.tolist() == [-1, -1, -1] and unlabelled.labels_N.dtype == "int8"
    assert unlabelled.groups == ["f0", "f1", "f2"]
    assert set(found["train"].labels_N.tolist()) == {0, 1}


def test_a_table_needs_no_label_column(folder):
    source = folder([])
    (source / "unsupervised.jsonl").unlink()
    with (source / "unsupervised.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], ["one, two"], ["three"]])
    assert list(load(source, *BOTH)["unsupervised"].texts) == ["one, two", "three"]


@pytest.mark.parametrize("splits", [(), ("train",), ("train", "validation")])
def test_the_split_is_read_only_if_it_is_named(folder, splits):
    source = folder([{"text": ""}])  # whose texts are not even looked at
    assert list(load(source, *splits)) == ["train"]


def test_the_split_may_be_missing(folder, rows):
    source = folder([{"text": "x"}])
    (source / "unsupervised.jsonl").unlink()
    assert list(load(source, *BOTH)) == ["train"]
    assert list(load(source / "train.jsonl", *BOTH)) == ["train"]


@pytest.mark.parametrize("text", ["", "  ", "<br />", None])
def test_an_empty_text_is_refused_with_its_row(folder, text):
    source = folder([{"text": "fine"}, {"text": "fine too"}, {"text": text}])
    with pytest.raises(DataError) as caught:
        load(source, *BOTH)
    message = str(caught.value)
    for words in ("unsupervised.jsonl", "line 3: the text is empty; remove or fill the row"):
        assert words in message


@pytest.mark.parametrize(
    ("unlabelled", "words"),
    [
        ([], ["is empty"]),
        ([{"remark": "x"}], ["no column for the text (found: remark)", "--text remark"]),
    ],
)
def test_a_split_without_texts_is_refused(folder, unlabelled, words):
    with pytest.raises(DataError) as caught:
        load(folder(unlabelled), *BOTH)
    assert all(word in str(caught.value) for word in ["unsupervised.jsonl", *words])


# --- preparing -----------------------------------------------------------------------------------------

UNLABELLED = [{"text": f"Take {n} of omega was lovely, zyzzyva {n}."} for n in range(5)]
PRETRAINING = ["pretraining.epochs = 1", "model.layers = 1"]


def test_a_language_model_reads_the_training_reviews_and_then_these(folder, config_for):
    config = config_for(folder(UNLABELLED), "data.validation_share = 0.3", *PRETRAINING)
    prepared = prepare(config, 1)
    both, train = prepared.pretraining, prepared.train.reviews
    assert isinstance(both, JoinedReviews) and len(both) == len(train) + 5 < 48 + 5
    for index in range(len(train)):
        assert (both[index] == train[index]).all()
    (channel,) = prepared.vocabulary.channels
    last = [channel.words[word] for word in both[len(both) - 1]]
    assert last == ["take", "<unk>", "of", "<unk>", "was", "lovely", "<unk>", "<unk>", "<unk>", "."]
    assert not {"omega", "zyzzyva", ","} & set(channel.words)  # a vocabulary comes from train alone


def test_without_unlabelled_reviews_a_language_model_reads_the_training_reviews(folder, config_for):
    source = folder(UNLABELLED)
    (source / "unsupervised.jsonl").unlink()
    prepared = prepare(config_for(source, *PRETRAINING), 1)
    assert prepared.pretraining is prepared.train.reviews


def test_without_pretraining_the_split_changes_nothing(folder, config_for):
    source = folder(UNLABELLED)
    beside = prepare(config_for(source), 1)
    (source / "unsupervised.jsonl").unlink()
    alone = prepare(config_for(source), 1)
    assert beside.pretraining is None
    assert beside.data_hash == alone.data_hash
    assert beside.vocabulary.to_text() == alone.vocabulary.to_text()


def test_the_data_hash_covers_what_was_read_for_pretraining(folder, config_for):
    hashes = {
        prepare(config_for(folder(unlabelled), *PRETRAINING), 1).data_hash
        for unlabelled in (UNLABELLED, UNLABELLED[::-1], UNLABELLED[:4])
    }
    assert len(hashes) == 3


def test_the_split_cannot_be_judged(folder, config_for):
    config = config_for(folder(UNLABELLED), *PRETRAINING)
    *others, unlabelled = audit(config, 1).splits
    assert [split.split for split in others] == ["train", "validation"]
    assert unlabelled.split == "unsupervised" and unlabelled.class_shares is None
    with pytest.raises(DataError, match="no split named unsupervised; use --split with one of train, valid"):
        load_part(config, "unsupervised", 1)


# --- joining -------------------------------------------------------------------------------------------

reviews_of_a_set = st.lists(
    st.lists(st.integers(0, 4), min_size=1, max_size=9).map(np.int32), min_size=1, max_size=4
)


def encode(reviews: list[np.ndarray]) -> EncodedReviews:
    """Reviews of five words, cut after the sixth token."""
    forms = ["a", "b", "c", "d", "e"]
    tokens = Tokens(forms, np.concatenate(reviews), np.cumsum([0, *map(len, reviews)]))
    known = Tokens(forms, np.arange(5, dtype=np.int32), np.array([0, 5]))
    vocabulary = Vocabulary.build(known, np.arange(1), VocabularySettings(min_frequency=1))
    return EncodedReviews(tokens, vocabulary, TextSettings(head=2, tail=4))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(first=reviews_of_a_set, second=reviews_of_a_set, data=st.data())
def test_joined_reviews_are_those_of_the_first_then_those_of_the_second(first, second, data):
    parts = encode(first), encode(second)
    joined = JoinedReviews(*parts)
    expected = [part[index] for part in parts for index in range(len(part))]
    assert len(joined) == len(expected)
    assert joined.lengths_N.tolist() == [len(review) for review in expected]
    for index, review in enumerate(expected):
        assert joined[index].tolist() == review.tolist()
    indices = data.draw(st.lists(st.integers(0, len(expected) - 1), min_size=1, max_size=6))
    batch, plain = joined.batch(indices), collate([expected[index] for index in indices])
    assert torch.equal(batch.tokens_BT, plain.tokens_BT) and torch.equal(batch.lengths_B, plain.lengths_B)


def test_the_original_archive_has_unlabelled_reviews_under_train(tmp_path):
    texts = {"neg/0_1": "dull", "pos/0_9": "great", "unsup/0_0": "long", "unsup/1_0": "old"}
    for name, text in texts.items():
        file = tmp_path / "train" / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    splits = load_reviews(DataSettings(source=str(tmp_path)), ("train", "unsupervised"))
    assert splits["unsupervised"].texts == ["long", "old"]
    assert splits["unsupervised"].labels_N.tolist() == [-1, -1] and len(splits["train"]) == 2
