"""Prepare everything that a training reads: from a source to encoded splits."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sentiment.config import ENOUGH_ROWS, Config
from sentiment.config.classes import SENTIMENTS, Classes
from sentiment.data.batches import AnyReviews, EncodedReviews, JoinedReviews, LabelledReviews, TurnedReviews
from sentiment.data.labels import UNLABELLED
from sentiment.data.lessons.make import Lesson
from sentiment.data.lessons.sentences import first_sentences
from sentiment.data.lessons.store import load_lessons, to_lines
from sentiment.data.parts import TRAINING_SPLITS, Part, split_source
from sentiment.data.readability import reading_warnings
from sentiment.data.rehearsal import OLD, REHEARSED, load_rehearsal
from sentiment.data.reviews import EXTRA, PHRASES, Reviews, ReviewSource, load_extra, load_phrases
from sentiment.data.selection import excluded_positions
from sentiment.data.text import digest
from sentiment.data.text_rules import TextRules
from sentiment.data.token_cache import tokenize_cached
from sentiment.data.tokenizer import require_language
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary

GOLDEN_REVIEWS = 4


@dataclass(frozen=True)
class Prepared:
    """Everything that a training reads."""

    vocabulary: Vocabulary
    train: LabelledReviews
    extra: LabelledReviews | None
    """The texts of `data.extra` and those of `data.rehearse` that are learned; None if there are none."""
    phrases: LabelledReviews | None
    """The bundled short texts; None if the n-gram evidence does not learn them."""
    validation: LabelledReviews
    golden: Sequence[str]
    """Texts of a few validation reviews, or of training reviews if none are held out."""
    pretraining: AnyReviews | None
    """What a language model reads first: training reviews and unlabelled ones; None without pretraining."""
    unlabelled: AnyReviews | None
    """The reviews of the split `unsupervised`, if the source has it and the configuration reads it."""
    rule: str
    """How validation was found: own, group, blocks, random or none."""
    shared_groups: int | None
    """Groups with reviews in both train and validation; None if the source has no groups."""
    data_hash: str
    """SHA-256 over texts and labels of every split of the source that was read, and over the positions of
    `data.exclude`."""
    further_hash: str
    """The same over `data.extra`, the bundled phrases and the lessons, if they are learned from."""
    split_hashes: dict[str, str]
    """`Part.split_hash` of train and validation."""
    holdout_warning: str | None = None
    """A sentence for the user if far fewer reviews are held out than asked for."""
    notes: Sequence[str] = ()
    """Sentences for the user about the source: the choice of columns, what labels mean, rows left out."""
    columns: dict[str, str | None] = field(default_factory=dict)
    """The columns of text, label and group."""
    classes: Classes = SENTIMENTS
    """The classes, and the labels of the source."""
    reading_warnings: Sequence[str] = ()
    """Sentences for the user if the validation (or training) reviews can hardly be read."""
    parts: tuple[Part, Part] | None = None
    """Train and validation for the n-gram baseline; None if fitting it takes long or nothing is held out."""
    lessons: LabelledReviews | None = None
    """Texts to learn from that are made of the reviews; None if there are none."""
    turned: TurnedReviews | None = None
    """Reviews without labels that were turned round; None if there are none."""
    lesson_counts: Mapping[str, int] = field(default_factory=dict)
    """How many lessons of each kind there are."""
    openings: LabelledReviews | None = None
    """The first sentences of the validation reviews; None unless short texts are to be less sure."""
    rehearsed: int = 0
    """How many texts of `extra` are those of `data.rehearse`."""
    held_out: Sequence["HeldOut"] = ()
    """What a run and its parent are compared on; empty without a parent."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Reviews that no training learns from, as a run and the run that it started from read them."""

    name: str
    """validation, or old: of the kind that the parent was trained on."""
    part: Part
    own: LabelledReviews
    by_parent: LabelledReviews


def prepare(
    config: Config, workers: int, source: ReviewSource | None = None, known: Vocabulary | None = None
) -> Prepared:
    """Load, split, tokenize (with a cache) and encode the training and validation reviews.

    `source` is the source of the configuration if it is already open. `known` is a vocabulary to extend.
    Raises DataError or MachineError as `load_reviews`, `hold_out` and `tokenize_cached` do, and what
    `require_language` raises.
    """
    require_language(config.text.language)
    source = source or ReviewSource(config.data)
    splits = _read_source(config, source)
    classes = source.classes or SENTIMENTS
    further = _load_further(config, classes, len(splits.get("train", ())))
    parts, holdout = split_source(splits | further, config, workers)
    lessons = load_lessons_of(parts, config, classes)
    labelled, turned = split_lessons(lessons)
    lesson_tokens = tokenize_lessons(labelled, config, workers)
    vocabulary = build_vocabulary(parts["train"], config, known, lesson_tokens)
    train = parts["train"].encode(vocabulary, config.text)
    further_parts = {
        name: parts[name].encode(vocabulary, config.text)
        for name in (EXTRA, REHEARSED, PHRASES, UNLABELLED)
        if name in parts
    }
    unlabelled = further_parts[UNLABELLED].reviews if UNLABELLED in parts else None
    judged = parts["validation"] if len(parts["validation"].positions_N) else parts["train"]
    return Prepared(
        vocabulary=vocabulary,
        train=train,
        extra=_join(further_parts.get(EXTRA), further_parts.get(REHEARSED)),
        rehearsed=len(parts[REHEARSED].positions_N) if REHEARSED in parts else 0,
        phrases=further_parts.get(PHRASES),
        lessons=_encode_lessons(labelled, lesson_tokens, vocabulary, config),
        turned=_encode_turned(turned, vocabulary, config, workers),
        lesson_counts=Counter(lesson.kind for lesson in lessons),
        validation=parts["validation"].encode(vocabulary, config.text),
        openings=_encode_openings(parts["validation"], vocabulary, config, workers),
        golden=judged.texts(GOLDEN_REVIEWS),
        pretraining=_choose_pretraining(train.reviews, unlabelled, config),
        unlabelled=unlabelled,
        rule=holdout.rule,
        shared_groups=holdout.shared_groups,
        data_hash=_hash_source(splits, config),
        further_hash=_hash_further(further, lessons),
        split_hashes={name: parts[name].split_hash for name in TRAINING_SPLITS},
        holdout_warning=holdout.warning,
        notes=[*source.notes, *holdout.notes, *_explain_unused(config, classes)],
        columns={} if source.columns is None else source.columns.names(),
        classes=classes,
        reading_warnings=reading_warnings(judged, vocabulary, config.text),
        parts=_keep_for_baseline(parts["train"], parts["validation"]),
        held_out=_hold_out_parts(parts, vocabulary, known, config) if known is not None else (),
    )


def data_hash(config: Config, source: ReviewSource | None = None) -> str:
    """Return `Prepared.data_hash` of a run with this configuration.

    `source` is the source of the configuration if it is already open. Raises what `load_reviews` raises.
    """
    return _hash_source(_read_source(config, source), config)


def build_vocabulary(
    train: Part, config: Config, known: Vocabulary | None = None, lessons: Tokens | None = None
) -> Vocabulary:
    """Return the vocabulary of the training reviews and the lessons, which extends `known` if it is given."""
    return Vocabulary.build(
        train.tokens, train.positions_N, config.vocabulary, config.model.views, known, lessons
    )


def load_lessons_of(parts: Mapping[str, Part], config: Config, classes: Classes) -> list[Lesson]:
    """Return the lessons that the configuration asks for; none for other classes or another language."""
    if not (config.lessons.are_on and _are_english_sentiments(config, classes)):
        return []
    train = parts["train"]
    labelled = list(zip(train.texts(), train.labels_N.tolist(), strict=True))
    unlabelled = parts[UNLABELLED].texts() if UNLABELLED in parts else []
    return load_lessons(labelled, unlabelled, config.lessons, config.seed)


def _are_english_sentiments(config: Config, classes: Classes) -> bool:
    return classes.are_sentiments and config.text.language == "en"


def split_lessons(lessons: Sequence[Lesson]) -> tuple[list[Lesson], list[Lesson]]:
    """Return the lessons with known labels, and those made of reviews without labels."""
    labelled = [lesson for lesson in lessons if lesson.original is None]
    return labelled, [lesson for lesson in lessons if lesson.original is not None]


def tokenize_lessons(lessons: Sequence[Lesson], config: Config, workers: int) -> Tokens | None:
    """Return the tokens of lessons; None if there are none."""
    if not lessons:
        return None
    texts = [lesson.text for lesson in lessons]
    return tokenize_cached(texts, TextRules.of(config.text), "tokenizing lessons", workers)


def _encode_lessons(
    lessons: Sequence[Lesson], tokens: Tokens | None, vocabulary: Vocabulary, config: Config
) -> LabelledReviews | None:
    if tokens is None:
        return None
    labels_N = np.array([lesson.label for lesson in lessons])
    return LabelledReviews(EncodedReviews(tokens, vocabulary, config.text), labels_N)


def _encode_turned(
    turned: Sequence[Lesson], vocabulary: Vocabulary, config: Config, workers: int
) -> TurnedReviews | None:
    encoded = _encode_lessons(turned, tokenize_lessons(turned, config, workers), vocabulary, config)
    if encoded is None:
        return None
    return TurnedReviews(*encoded, np.array([lesson.original for lesson in turned], dtype=np.int64))


def _encode_openings(
    validation: Part, vocabulary: Vocabulary, config: Config, workers: int
) -> LabelledReviews | None:
    """Return the first sentence of each validation review that has one, with the label of the review."""
    is_wanted = config.calibration.short_texts == "auto" and config.text.language == "en"
    if not is_wanted or not len(validation.positions_N):
        return None
    first = first_sentences(zip(validation.texts(), validation.labels_N.tolist(), strict=True))
    texts = [text for text, _ in first]
    tokens = tokenize_cached(texts, TextRules.of(config.text), "tokenizing first sentences", workers)
    labels_N = np.array([label for _, label in first], dtype=validation.labels_N.dtype)
    return LabelledReviews(EncodedReviews(tokens, vocabulary, config.text), labels_N)


def _read_source(config: Config, source: ReviewSource | None = None) -> dict[str, Reviews]:
    """Return the splits of the source that a training reads; no other split is opened."""
    unlabelled = (UNLABELLED,) if config.reads_unlabelled else ()
    return (source or ReviewSource(config.data)).read_splits((*TRAINING_SPLITS, *unlabelled))


def _load_further(config: Config, classes: Classes, reviews: int) -> dict[str, Reviews]:
    """Return what a training learns from, or is judged on, besides its source.

    The source has these classes and so many training reviews.
    """
    has_phrases = config.evidence.phrases and _are_english_sentiments(config, classes)
    return (
        load_extra(config.data, classes)
        | load_rehearsal(config.data, classes, reviews, config.seed)
        | (load_phrases() if has_phrases else {})
    )


def _explain_unused(config: Config, classes: Classes) -> list[str]:
    """Return what the user is told about settings that have no effect with these classes or this language."""
    if _are_english_sentiments(config, classes):
        return []
    asked = {"lessons": config.lessons.are_on, "evidence.phrases": config.evidence.phrases}
    unused = [name for name, is_on in asked.items() if is_on]
    if not unused:
        return []
    why = "are only for the classes negative and positive, in English"
    return [f"{' and '.join(unused)} {why}; they have no effect here"]


def _hash_source(splits: dict[str, Reviews], config: Config) -> str:
    """Hash the splits, and the positions that are left out if there are some."""
    found = _hash_reviews(splits)
    if "train" in splits and config.data.exclude:
        positions_N = excluded_positions(config.data, splits["train"])
        return digest([found, *map(str, positions_N.tolist())])
    return found


def _hash_further(further: dict[str, Reviews], lessons: Sequence[Lesson]) -> str:
    """Hash what is learned besides the source."""
    found = _hash_reviews(further)
    return digest([found, *to_lines(lessons)]) if lessons else found


def _hash_reviews(splits: dict[str, Reviews]) -> str:
    return digest(
        digest(itertools.chain(reviews.texts, map(str, reviews.labels_N))) for reviews in splits.values()
    )


def _join(first: LabelledReviews | None, second: LabelledReviews | None) -> LabelledReviews | None:
    if first is None or second is None:
        return first or second
    return first.joined(second)


def _hold_out_parts(
    parts: Mapping[str, Part], vocabulary: Vocabulary, known: Vocabulary, config: Config
) -> list[HeldOut]:
    """Return the parts that a run and its parent, with the words `known`, are compared on."""
    return [
        HeldOut(
            name=name,
            part=parts[name],
            own=parts[name].encode(vocabulary, config.text),
            by_parent=parts[name].encode(known, config.text),
        )
        for name in ("validation", OLD)
        if name in parts and len(parts[name].positions_N)
    ]


def _keep_for_baseline(train: Part, validation: Part) -> tuple[Part, Part] | None:
    """Return both parts, or None if the baseline takes long to fit or nothing is held out."""
    is_cheap = len(train.positions_N) < ENOUGH_ROWS and len(validation.positions_N) > 0
    return (train, validation) if is_cheap else None


def _choose_pretraining(
    train: AnyReviews, unlabelled: AnyReviews | None, config: Config
) -> AnyReviews | None:
    if not config.pretraining.epochs:
        return None
    return train if unlabelled is None else JoinedReviews(train, unlabelled)
