"""Whole sets of lessons."""

import random

import pytest

from sentiment.config import LessonSettings
from sentiment.data.lessons import store
from sentiment.data.lessons.kinds import KINDS, negations
from sentiment.data.lessons.make import make_lessons
from sentiment.data.lessons.material import collect_material
from sentiment.data.lessons.sentences import Sentence
from sentiment.probes.cases import FILES

PRAISE = (
    "The {noun} is superb. I loved the {noun} and the {other}. It is a clever, gripping and beautiful {noun}."
)
COMPLAINT = "The {noun} is awful. I hated the {noun} and the {other}. It is a stupid, boring and ugly {noun}."
NOUNS = ["film", "cast", "plot", "score", "ending", "script", "opening", "dialogue", "song", "idea"]
SETTINGS = LessonSettings(
    **{kind: 1.0 for kind in KINDS if kind not in ("contrasts", "everyday")},
    contrasts=2.0,
    everyday=3.0,
    typos=0.5,
)


@pytest.fixture(scope="module")
def reviews() -> list[tuple[str, int]]:
    random_ = random.Random(1)
    pairs = [random_.sample(NOUNS, 2) for _ in range(20)]
    return [
        (template.format(noun=noun, other=other) + " They drove to the sea with a doctor and a dog.", label)
        for noun, other in pairs
        for label, template in ((1, PRAISE), (0, COMPLAINT))
    ]


def test_every_kind_is_made(reviews):
    lessons = make_lessons(collect_material(reviews, []), SETTINGS, seed=1)
    assert {lesson.kind for lesson in lessons} == {*KINDS, "typos"}
    assert sum(lesson.kind == "everyday" for lesson in lessons) == 3 * len(reviews)


def test_lessons_follow_from_material_settings_and_seed(reviews):
    first, second = (make_lessons(collect_material(reviews, []), SETTINGS, seed=1) for _ in range(2))
    assert first == second
    assert make_lessons(collect_material(reviews, []), SETTINGS, seed=2) != first


def test_a_kind_that_is_off_is_not_made(reviews):
    lessons = make_lessons(collect_material(reviews, []), LessonSettings(facts=1.0), seed=1)
    assert {lesson.kind for lesson in lessons} == {"facts"}
    assert {lesson.label for lesson in lessons} == {0.5}


def test_a_text_is_only_once_in_a_kind(reviews):
    lessons = make_lessons(collect_material(reviews * 2, []), SETTINGS, seed=1)
    for kind in KINDS:
        texts = [lesson.text for lesson in lessons if lesson.kind == kind]
        assert len(texts) == len(set(texts)), kind


def test_a_sentence_of_a_labelled_review_must_have_its_label():
    material = collect_material([("The film is superb. The cast is awful.", 1)], [])
    assert [[one.text for one in side] for side in material.sure] == [[], ["The film is superb."]]


def test_sentences_of_unlabelled_reviews_are_used():
    material = collect_material([], ["The film is superb. It rains."])
    assert [one.text for one in material.sure[1]] == ["The film is superb."]


def test_a_negation_is_in_a_pair_with_its_sentence(reviews):
    made = list(negations(collect_material(reviews, []), random.Random(1)))
    assert made
    for (negated, label), (plain, plain_label) in zip(made[::2], made[1::2], strict=True):
        assert label == 1 - plain_label
        assert Sentence(plain).is_sure
        assert negated != plain


def test_no_reviews_make_no_lessons():
    assert make_lessons(collect_material([], []), SETTINGS, seed=1) == []


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sentiment" / "lessons"


def test_lessons_are_made_once(reviews, cache, monkeypatch):
    first = store.load_lessons(reviews, [], SETTINGS, 1)
    monkeypatch.setattr(store, "make_lessons", None)
    assert store.load_lessons(reviews, [], SETTINGS, 1) == first


@pytest.mark.parametrize("damage", [b"", b"[]\n", b"{}\n", b"\xff"])
def test_damaged_lessons_are_made_again(reviews, cache, damage):
    first = store.load_lessons(reviews, [], SETTINGS, 1)
    (file,) = cache.rglob(store.FILE)
    file.write_bytes(damage)
    assert store.load_lessons(reviews, [], SETTINGS, 1) == first
    assert file.read_bytes() != damage


@pytest.mark.parametrize(
    ("change", "value"),
    [("seed", 2), ("settings", SETTINGS.model_copy(update={"typos": 0.0})), ("unlabelled", ["x"])],
)
def test_other_reviews_settings_or_seeds_have_their_own_entry(reviews, cache, change, value):
    arguments = {"labelled": reviews, "unlabelled": [], "settings": SETTINGS, "seed": 1}
    store.load_lessons(**arguments)
    store.load_lessons(**arguments | {change: value})
    assert len(list(cache.iterdir())) == 2


def test_lessons_are_made_again_if_a_list_or_a_template_has_changed():
    """Lessons that reproduce a template of the probe are left out."""
    names = {file.name for file in store.source_files()}
    templates = {name for halves in FILES.values() for name in halves.values()}
    assert {"kinds.py", "words.toml", "reproduction.py", *templates} <= names


def test_reviews_without_labels_are_turned_and_say_where_they_come_from(reviews):
    unlabelled = [text for text, _ in reviews] + ["They drove to the sea."]
    settings = LessonSettings(unlabelled=0.5, typos=1.0)
    lessons = make_lessons(collect_material(reviews, unlabelled), settings, seed=1)
    assert len(lessons) == len({lesson.original for lesson in lessons}) == 20
    assert {lesson.kind for lesson in lessons} == {"unlabelled"}
    for lesson in lessons:
        assert lesson.label == 1 - reviews[lesson.original][1]
        assert lesson.text != unlabelled[lesson.original]
    every = make_lessons(collect_material(reviews, unlabelled), LessonSettings(unlabelled=9), seed=1)
    assert {lesson.original for lesson in every} == set(range(40))


def test_as_many_turned_reviews_are_negative_as_positive(reviews):
    few = [review for review in reviews if review[1]] + [review for review in reviews if not review[1]][:3]
    material = collect_material(few, [text for text, _ in few])
    lessons = make_lessons(material, LessonSettings(reviews=9, unlabelled=9), seed=1)
    for kind in ("reviews", "unlabelled"):
        labels = [lesson.label for lesson in lessons if lesson.kind == kind]
        assert labels.count(0) == labels.count(1) >= 3


def test_a_sentence_with_a_word_of_the_list_is_no_fact():
    told = "The worst part of the road was closed for a week. They drove to the sea with a doctor."
    assert collect_material([(told, 1)], []).facts == ["They drove to the sea with a doctor."]
