"""Describe the data of a configuration: what `sentiment prepare` prints and a report shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sentiment.config import Config, TextSettings
from sentiment.config.classes import SENTIMENTS
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.labels import UNLABELLED
from sentiment.data.lessons.make import Lesson
from sentiment.data.parts import TRAINING_SPLITS, Part, split_source
from sentiment.data.prepare import build_vocabulary, load_lessons_of, split_lessons, tokenize_lessons
from sentiment.data.reviews import Reviews, ReviewSource, load_extra
from sentiment.data.rows import NoLabelsError
from sentiment.data.text_rules import BREAK
from sentiment.data.tokenizer import require_language
from sentiment.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class SplitFacts:
    """Figures of one split."""

    split: str
    reviews: int
    class_shares: Mapping[str, float] | None
    """The share of each class; None if the reviews have no labels."""
    median_length: float
    """In tokens, as all lengths here."""
    long_length: float
    """95% of the reviews are not longer."""
    longest: int
    cut_share: float
    """Share of reviews longer than text.head + text.tail."""
    unknown_share: float
    """Share of the tokens read that are not in the vocabulary."""
    copies: int
    """Reviews whose text is earlier in the same split, too."""
    break_share: float
    """Share of reviews with `<br />`."""


@dataclass(frozen=True)
class Audit:
    """Figures of all splits of a source."""

    splits: list[SplitFacts]
    copies_across: dict[str, int]
    """For `a & b`: distinct texts that are in both splits."""
    words: list[int]
    """Size of the vocabulary, channel by channel."""
    rule: str
    """How validation was found."""
    shared_groups: int | None
    """Groups with reviews in both train and validation; None if the source has no groups."""
    holdout_warning: str | None = None
    """A sentence for the user if far fewer reviews are held out than asked for."""
    notes: Sequence[str] = ()
    """Sentences for the user about the source: the choice of columns, what labels mean, rows left out."""
    lessons: Sequence[Lesson] = ()
    """What is learned besides the reviews; empty if the vocabulary was given."""

    @property
    def lesson_counts(self) -> dict[str, int]:
        """How many lessons of each kind there are."""
        return dict(Counter(lesson.kind for lesson in self.lessons))


def audit(
    config: Config, workers: int, source: ReviewSource | None = None, vocabulary: Vocabulary | None = None
) -> Audit:
    """Prepare every split of the source, and `data.extra`, and describe what was found.

    `source` is the source of the configuration if it is already open. The words are those of `vocabulary`, by
    default those of the training reviews.
    """
    require_language(config.text.language)
    source = source or ReviewSource(config.data)
    unlabelled = [UNLABELLED] if config.reads_unlabelled else []
    splits = (
        _read_labelled(source)
        | source.read_splits(unlabelled)
        | load_extra(config.data, source.classes or SENTIMENTS)
    )
    parts, holdout = split_source(splits, config, workers)
    lessons: list[Lesson] = []
    if vocabulary is None:
        lessons = load_lessons_of(parts, config, source.classes or SENTIMENTS)
        labelled, turned = split_lessons(lessons)
        vocabulary = build_vocabulary(
            parts["train"], config, lessons=tokenize_lessons(labelled, config, workers)
        )
        tokenize_lessons(turned, config, workers)  # for the training, which finds the tokens in the cache
    parts = {name: part for name, part in parts.items() if len(part.positions_N)}
    texts = {name: set(part.texts()) for name, part in parts.items()}
    return Audit(
        splits=[describe_part(part, vocabulary, config.text) for part in parts.values()],
        copies_across={
            f"{first} & {second}": len(texts[first] & texts[second])
            for first, second in combinations(parts, 2)
        },
        words=vocabulary.sizes,
        rule=holdout.rule,
        shared_groups=holdout.shared_groups,
        holdout_warning=holdout.warning,
        notes=[*source.notes, *holdout.notes],
        lessons=lessons,
    )


def _read_labelled(source: ReviewSource) -> dict[str, Reviews]:
    """Return the labelled splits; one whose labels are kept secret, as in a contest, is left out and said."""
    splits = {}
    for name in source.labelled_splits:
        try:
            splits[name] = source.read(name)
        except NoLabelsError as error:
            if name in TRAINING_SPLITS:
                raise
            source.notes.append(str(error))
    return splits


def describe_part(part: Part, vocabulary: Vocabulary, settings: TextSettings) -> SplitFacts:
    """Return the figures of one split, as it is read with a vocabulary and cut by the settings."""
    encoded = part.encode(vocabulary, settings)
    lengths_N = encoded.reviews.whole_lengths_N
    texts = part.texts()
    reviews = [encoded.reviews[index] for index in range(len(encoded.reviews))]
    unknown = sum(int((ids == UNKNOWN_ID).sum()) for ids in reviews) / sum(ids.size for ids in reviews)
    return SplitFacts(
        split=part.name,
        reviews=len(texts),
        class_shares=None if part.name == UNLABELLED else _share_classes(part),
        median_length=float(np.median(lengths_N)),
        long_length=float(np.quantile(lengths_N, 0.95)),
        longest=int(lengths_N.max()),
        cut_share=float((lengths_N > encoded.reviews.lengths_N).mean()),
        unknown_share=unknown,
        copies=sum(count - 1 for count in Counter(texts).values()),
        break_share=sum(bool(BREAK.search(text)) for text in texts) / len(texts),
    )


def _share_classes(part: Part) -> dict[str, float]:
    return {name: float((part.labels_N == number).mean()) for number, name in enumerate(part.class_names)}
