"""From a source to encoded splits: the vocabulary is from train only, the figures are checked by hand."""

import json

import numpy as np
import pytest

from sentiment.data.audit import audit
from sentiment.data.parts import load_part, load_split
from sentiment.data.prepare import data_hash, prepare
from sentiment.errors import DataError


def words_of(labelled, vocabulary):
    """Return the words of each review, from its ids."""
    (channel,) = vocabulary.channels
    reviews = labelled.reviews
    return [" ".join(channel.words[i] for i in reviews[index]) for index in range(len(reviews))]


@pytest.fixture
def source(tmp_path, rows, write_rows):
    return write_rows(tmp_path / "reviews.jsonl", rows)


# --- prepare -------------------------------------------------------------------------------------------


def test_the_vocabulary_comes_from_the_training_part_only(source, rows, config_for):
    config = config_for(source, "data.validation_share = 0.3")
    prepared = prepare(config, workers=1)
    texts = set(load_part(config, "validation", 1).texts())
    held = {row["film"] for row in rows if row["text"] in texts}
    trained = {row["film"] for row in rows} - held
    (channel,) = prepared.vocabulary.channels
    assert held and trained <= set(channel.words)
    assert not held & set(channel.words)
    assert prepared.rule == "group" and prepared.shared_groups == 0


def test_both_parts_are_encoded_with_their_labels(source, rows, config_for):
    config = config_for(source, "data.validation_share = 0.3")
    prepared = prepare(config, workers=1)
    assert len(prepared.train.reviews) + len(prepared.validation.reviews) == len(rows)
    label_of = {row["text"]: row["label"] for row in rows}
    texts = load_part(config, "validation", 1).texts()
    assert [label_of[text] for text in texts] == prepared.validation.labels_N.tolist()
    assert prepared.golden == texts[:4]
    for part in (prepared.train, prepared.validation):
        for text, label in zip(words_of(part, prepared.vocabulary), part.labels_N, strict=True):
            assert ("lovely" in text) == (label == 1)
    first = words_of(prepared.validation, prepared.vocabulary)[0]
    film = next(row["film"] for row in rows if row["text"] == texts[0])
    assert first == texts[0].lower().replace(film, "<unk>").replace(".", " .")


def test_none_trains_on_every_review(source, rows, config_for):
    config = config_for(source, "data.validation = 'none'")
    prepared = prepare(config, workers=1)
    assert len(prepared.train.reviews) == len(rows) and len(prepared.validation.reviews) == 0
    assert prepared.rule == "none" and prepared.golden == [row["text"] for row in rows[:4]]
    assert [facts.split for facts in audit(config, 1).splits] == ["train"]
    with pytest.raises(DataError, match=r"no validation split: data\.validation=none holds out nothing"):
        load_part(config, "validation", 1)


def test_unlabelled_reviews_are_read_for_pretraining_only(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "unsupervised.jsonl", [{"text": f"a lovely {row['text']}"} for row in rows[:5]])
    plain = prepare(config_for(tmp_path), 1)
    assert plain.pretraining is None
    pretrained = prepare(config_for(tmp_path, "pretraining.epochs = 1", "model.layers = 1"), 1)
    assert len(pretrained.pretraining) == len(pretrained.train.reviews) + 5
    assert pretrained.vocabulary.to_text() == plain.vocabulary.to_text()
    assert pretrained.data_hash != plain.data_hash


def test_extra_texts_are_trained_on_and_never_measured_on(tmp_path, source, rows, write_rows, config_for):
    taught = [
        {"text": "Not dull and not awful.", "label": 1},
        {"text": "Hardly lovely, zyzzyva.", "label": 0},
    ]
    extra = write_rows(tmp_path / "taught.jsonl", taught)
    share = "data.validation_share = 0.3"
    plain_config, config = config_for(source, share), config_for(source, share, f"data.extra = '{extra}'")
    plain, found = prepare(plain_config, 1), prepare(config, 1)
    assert found.extra is not None and plain.extra is None
    assert words_of(found.train, found.vocabulary) == words_of(plain.train, plain.vocabulary)
    assert words_of(found.extra, found.vocabulary) == [
        "<unk> dull and <unk> awful .",
        "<unk> lovely <unk> <unk> .",
    ]
    assert found.extra.labels_N.tolist() == [1, 0]
    assert words_of(found.validation, found.vocabulary) == words_of(plain.validation, plain.vocabulary)
    assert found.vocabulary.channels[0].words == plain.vocabulary.channels[0].words
    assert found.golden == plain.golden
    assert data_hash(config) == found.data_hash == plain.data_hash
    assert found.further_hash != plain.further_hash
    assert load_part(config, "train", 1).texts() == load_part(plain_config, "train", 1).texts()
    assert [facts.split for facts in audit(config, 1).splits] == ["train", "validation", "extra"]


def test_the_bundled_phrases_need_no_columns_of_the_source(tmp_path, write_rows, config_for):
    rows = [{"review": f"take {n} was {('bad', 'good')[n % 2]}", "verdict": n % 2} for n in range(40)]
    source = write_rows(tmp_path / "reviews.jsonl", rows)
    columns = ("data.text_column = 'review'", "data.label_column = 'verdict'")
    plain = prepare(config_for(source, *columns), 1)
    extra = prepare(config_for(source, *columns, "data.extra = 'phrases'"), 1)
    config = config_for(source, *columns, "evidence.phrases = 0.3", "evidence.weight = 0.5")
    evidence = prepare(config, 1)
    assert plain.extra is plain.phrases is extra.phrases is evidence.extra is None
    for phrases in (extra.extra, evidence.phrases):
        assert len(phrases.reviews) > 4_000
        assert abs(float(phrases.labels_N.mean()) - 0.5) < 0.01
    assert evidence.vocabulary.channels[0].words == plain.vocabulary.channels[0].words
    assert data_hash(config) == evidence.data_hash == plain.data_hash
    assert evidence.further_hash != plain.further_hash != extra.further_hash


OPINIONS = ["The cast of {} is awful and I hated it.", "The cast of {} is superb and I loved it."]


@pytest.fixture
def opinions(tmp_path, write_rows):
    rows = [
        {"text": opinion.format(film), "label": label, "film": film}
        for film in ("rome", "oslo", "kyiv", "lima", "cairo", "paris", "delhi", "tokyo")
        for label, opinion in enumerate(OPINIONS)
    ]
    return write_rows(tmp_path / "opinions.jsonl", rows)


def test_lessons_are_made_of_the_training_part_only(opinions, config_for):
    config = config_for(opinions, "data.validation_share = 0.3", "lessons.excerpts = 1.0")
    prepared = prepare(config, 1)
    assert prepared.lesson_counts == {"excerpts": len(prepared.train.reviews)}
    known = set(words_of(prepared.train, prepared.vocabulary))
    assert set(words_of(prepared.lessons, prepared.vocabulary)) == known


def test_the_words_of_lessons_are_known(opinions, config_for):
    plain = prepare(config_for(opinions), 1)
    taught = prepare(config_for(opinions, "lessons.everyday = 100.0"), 1)
    assert plain.lessons is None
    (plain_words,), (words,) = plain.vocabulary.channels, taught.vocabulary.channels
    assert "battery" in words.words
    assert "battery" not in plain_words.words
    assert taught.further_hash != plain.further_hash
    assert taught.data_hash == plain.data_hash
    assert len(taught.train.reviews) == len(plain.train.reviews)


def test_an_audit_counts_the_words_that_a_training_knows(tmp_path, write_rows, config_for):
    """Those of reviews that are turned round without a label are not among them."""
    praise, complaint = "It is superb, clever, witty and nice.", "It is awful, stupid, lame and bad."
    rows = [{"text": text, "label": label} for label, text in enumerate([complaint, praise])]
    write_rows(tmp_path / "train.jsonl", rows * 20)
    unlabelled = [row | {"label": -1} for row in rows * 20]
    write_rows(tmp_path / "unsupervised.jsonl", unlabelled)
    config = config_for(
        tmp_path, "data.validation = 'none'", "self_training.epochs = 1", "lessons.unlabelled = 1.0"
    )
    prepared = prepare(config, 1)
    assert len(prepared.turned.reviews) == 40
    assert audit(config, 1).words == prepared.vocabulary.sizes


@pytest.mark.parametrize("setting", ["text.language = 'de'", "data.classes = 'ham=0 spam=1'"])
def test_there_are_no_lessons_in_other_languages_or_for_other_classes(opinions, config_for, setting):
    config = config_for(
        opinions, setting, "lessons.everyday = 1.0", "evidence.phrases = 1.0", "evidence.weight = 0.5"
    )
    prepared = prepare(config, 1)
    assert prepared.lessons is None
    assert prepared.phrases is None
    assert any("lessons and evidence.phrases are only for" in note for note in prepared.notes)


def test_extra_texts_are_one_split(source, config_for):
    with pytest.raises(
        DataError, match=r"data\.extra: sample has 2 splits \(train, test\), not one; name a file"
    ):
        prepare(config_for(source, "data.extra = 'sample'"), 1)
    with pytest.raises(DataError, match=r"no reviews at nowhere\.csv"):
        prepare(config_for(source, "data.extra = 'nowhere.csv'"), 1)


def test_preparing_again_gives_the_same(source, config_for):
    config = config_for(source)
    first, second = prepare(config, 1), prepare(config, 1)
    assert first.data_hash == second.data_hash
    assert first.vocabulary.to_text() == second.vocabulary.to_text()
    assert first.golden == second.golden


def test_the_data_hash_changes_with_a_label_a_text_or_the_order(tmp_path, rows, write_rows, config_for):
    def hash_of(changed):
        return prepare(config_for(write_rows(tmp_path / "r.jsonl", changed)), 1).data_hash

    flipped = [row | {"label": 1 - row["label"]} if index == 7 else row for index, row in enumerate(rows)]
    reworded = [row | {"text": row["text"] + "!"} if index == 7 else row for index, row in enumerate(rows)]
    hashes = [hash_of(changed) for changed in (rows, flipped, reworded, rows[::-1], rows[:-1])]
    assert len(set(hashes)) == 5
    assert hash_of(rows) == hashes[0]


def test_the_data_hash_covers_an_own_validation_split(tmp_path, rows, write_rows, config_for):
    hashes = set()
    for label in (0, 1):
        write_rows(tmp_path / "train.jsonl", rows)
        write_rows(tmp_path / "validation.jsonl", [*rows[:6], {"text": "odd one", "label": label}])
        prepared = prepare(config_for(tmp_path), 1)
        assert (prepared.rule, len(prepared.validation.reviews)) == ("own", 7)
        hashes.add(prepared.data_hash)
    assert len(hashes) == 2


def test_reviews_that_name_no_film_share_none(tmp_path, rows, write_rows, config_for):
    nameless = [row | {"film": None} for row in rows]
    write_rows(tmp_path / "train.jsonl", [*rows[:12], *nameless[12:24]])
    write_rows(tmp_path / "validation.jsonl", [*rows[24:36], *nameless[36:]])
    assert prepare(config_for(tmp_path), 1).shared_groups == 0


def test_an_own_validation_split_reports_the_groups_it_shares(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "train.jsonl", rows[:30])  # five films
    write_rows(tmp_path / "validation.jsonl", rows[18:])  # the last five of eight
    prepared = prepare(config_for(tmp_path), 1)
    assert (prepared.rule, prepared.shared_groups) == ("own", 2)
    assert len(prepared.train.reviews) == 30 and len(prepared.validation.reviews) == 30


def test_an_own_validation_split_can_be_ignored(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "validation.jsonl", rows[:6])
    prepared = prepare(config_for(tmp_path, "data.validation = 'group'", "data.validation_share = 0.3"), 1)
    assert prepared.rule == "group" and len(prepared.train.reviews) + len(prepared.validation.reviews) == 48


def test_the_test_split_has_no_influence(tmp_path, rows, write_rows, config_for):
    """It is not opened."""
    hashes = set()
    write_rows(tmp_path / "train.jsonl", rows)
    for content in (json.dumps(rows[0]), json.dumps({"text": "", "label": 7}), '{"no end', "", None):
        if content is None:
            (tmp_path / "test.jsonl").unlink()
        else:
            (tmp_path / "test.jsonl").write_text(content)
        hashes.add(prepare(config_for(tmp_path), 1).data_hash)
        load_part(config_for(tmp_path), "validation", 1)
    assert len(hashes) == 1


def test_a_source_without_train_is_refused(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "test.jsonl", rows)
    with pytest.raises(DataError, match="has no split named train"):
        prepare(config_for(tmp_path), 1)
    with pytest.raises(DataError, match=r"no split named train \(found: test\)"):
        audit(config_for(tmp_path), 1)


def test_a_split_that_cannot_be_made_is_refused_before_tokenizing(
    tmp_path, rows, write_rows, config_for, caches
):
    path = write_rows(tmp_path / "r.jsonl", [row | {"label": 1} for row in rows])
    with pytest.raises(DataError, match="one class only"):
        prepare(config_for(path), 1)
    assert list(caches.iterdir()) == []


@pytest.mark.parametrize("validation", ["none", "own"])
def test_train_of_one_class_is_refused_where_nothing_is_held_out(
    tmp_path, rows, write_rows, config_for, validation
):
    write_rows(tmp_path / "train.jsonl", [row | {"label": 1} for row in rows])
    write_rows(tmp_path / "validation.jsonl", rows)
    with pytest.raises(DataError, match="train split has reviews of one class only"):
        prepare(config_for(tmp_path, f"data.validation = '{validation}'"), 1)


# --- parts ---------------------------------------------------------------------------------------------


def test_the_parts_of_a_run_are_loaded_again(source, config_for):
    config = config_for(source, "data.validation_share = 0.3")
    prepared = prepare(config, 1)
    for name, labelled in (("train", prepared.train), ("validation", prepared.validation)):
        again = load_part(config, name, 1).encode(prepared.vocabulary, config.text)
        assert again.labels_N.tolist() == labelled.labels_N.tolist()
        assert words_of(again, prepared.vocabulary) == words_of(labelled, prepared.vocabulary)
    assert load_part(config, "validation", 1).texts(4) == prepared.golden


def test_another_split_is_loaded_whole_or_an_error_names_the_splits(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "test.jsonl", rows[:5])
    part = load_part(config_for(tmp_path), "test", 1)
    assert part.texts() == [row["text"] for row in rows[:5]] and part.name == "test"
    with pytest.raises(
        DataError, match="no split named exam; use --split with one of test, train, validation"
    ):
        load_part(config_for(tmp_path), "exam", 1)
    assert load_split(config_for(tmp_path), None, 1).name == "test"
    assert len(load_split(config_for(tmp_path), "train", 1).positions_N) == len(rows)
    with pytest.raises(DataError, match="no split named validation; use --split with one of test, train"):
        load_split(config_for(tmp_path), "validation", 1)


def test_the_only_split_of_a_file_has_all_its_rows(source, rows, config_for):
    part = load_split(config_for(source), None, 1)
    assert part.texts() == [row["text"] for row in rows]


# --- audit ---------------------------------------------------------------------------------------------

# Counted by hand. Validation is the source's own; the vocabulary is what stands in train:
# good x5, film x4, bad x3, "the" and "." once each. Cut after 2 + 1 tokens.
TRAIN = [
    ("good film", 1, "a"),
    ("good film", 1, "a"),  # a copy within train
    ("Bad<br />bad good film.", 0, "b"),  # 5 tokens: cut
    ("the bad good film", 0, "b"),  # 4 tokens: cut
    ("good", 1, "c"),
]
VALIDATION = [
    ("good film", 1, "a"),  # stands in train
    ("dull dull dull dull", 0, "d"),  # 4 tokens: 3 are read, all unknown
    ("GOOD", 1, "e"),
]
TEST = [("good film", 0, "a"), ("GOOD", 1, "f")]  # one stands in both others, one in validation


@pytest.fixture
def figures(tmp_path, write_rows, config_for):
    for name, split in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST)):
        path = tmp_path / f"{name}.jsonl"
        write_rows(path, [dict(zip(("text", "label", "film"), row, strict=True)) for row in split])
    return audit(config_for(tmp_path, "text = {head = 2, tail = 1}"), 1)


def test_the_figures_are_those_counted_by_hand(figures):
    facts = {split.split: split for split in figures.splits}
    assert list(facts) == ["train", "validation", "test"]
    train, validation = facts["train"], facts["validation"]
    assert (train.reviews, train.class_shares["positive"], train.copies, train.break_share) == (
        5,
        3 / 5,
        1,
        1 / 5,
    )
    assert (train.median_length, train.longest, train.cut_share) == (2, 5, 2 / 5)  # 2, 2, 5, 4, 1
    assert train.long_length == pytest.approx(4.8)
    assert train.unknown_share == 0
    assert (validation.reviews, validation.class_shares["positive"], validation.copies) == (3, 2 / 3, 0)
    assert (validation.median_length, validation.longest, validation.cut_share) == (2, 4, 1 / 3)
    assert validation.unknown_share == 3 / 6
    assert facts["test"].reviews == 2 and facts["test"].break_share == 0
    assert figures.copies_across == {"train & validation": 1, "train & test": 1, "validation & test": 2}
    assert figures.words == [2 + 5]
    assert (figures.rule, figures.shared_groups) == ("own", 1)


def test_the_figures_of_a_cut_validation_split(source, config_for):
    found = audit(config_for(source, "data.validation_share = 0.3"), 1)
    assert [split.split for split in found.splits] == ["train", "validation"]
    assert sum(split.reviews for split in found.splits) == 48
    assert all(split.class_shares == {"negative": 0.5, "positive": 0.5} for split in found.splits)
    assert found.splits[1].unknown_share == pytest.approx(1 / 9)  # the film, of nine tokens
    assert found.copies_across == {"train & validation": 0}


def test_each_channel_counts_its_own_words(source, config_for):
    config = config_for(source, "model.encoder = 'shared_weight'", "model.channels = ['lower', 'shape']")
    found = audit(config, 1)
    assert len(found.words) == 2 and found.words[0] > found.words[1] > 2
    prepared = prepare(config, 1)
    assert prepared.train.reviews[0].shape == (9, 2)
    assert prepared.vocabulary.sizes == found.words
    assert (np.asarray(prepared.train.reviews.lengths_N) == 9).all()
    assert all(0 < split.unknown_share < 1 for split in found.splits[1:])
