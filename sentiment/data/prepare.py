"""Walk the road from a source to encoded splits once: what `train` needs and `prepare` reports."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sentiment.config import Config
from sentiment.data.batches import AnyReviews, EncodedReviews, JoinedReviews, LabelledReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.reviews import EXTRA, PHRASES, UNLABELLED, Reviews, load_extra, load_phrases, load_reviews
from sentiment.data.splits import Holdout, hold_out, require_both_classes
from sentiment.data.tokens import BREAK, Tokens, digest, tokenize_cached
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DataError

GOLDEN_REVIEWS = 4
LEARNED_FROM = ("train", "validation")  # the splits a training reads the labels of


@dataclass(frozen=True)
class Prepared:
    """Everything a training run reads."""

    vocabulary: Vocabulary
    train: LabelledReviews
    extra: LabelledReviews | None
    """The texts of `data.extra`, where it names any."""
    phrases: LabelledReviews | None
    """The bundled short texts, where the n-gram evidence is to learn them."""
    validation: LabelledReviews
    golden: Sequence[str]
    """Texts of a few validation reviews, or of training reviews where none are held out."""
    pretraining: AnyReviews | None
    """What a language model reads first: training reviews and unlabelled ones; None without pretraining."""
    unlabelled: AnyReviews | None
    """The reviews of the split `unsupervised`, where the source has it and the configuration reads it."""
    rule: str
    """How validation was found: own, group, blocks, random or none."""
    shared_groups: int | None
    """Groups that stand in both train and validation; None where the source has no groups."""
    data_hash: str
    """SHA-256 over texts and labels of every split of the source that was read."""
    further_hash: str
    """The same over what is learned from beside the source: `data.extra` and the bundled phrases."""
    split_hashes: dict[str, str]
    """`Part.split_hash` of train and validation."""


@dataclass(frozen=True)
class SplitFacts:
    """What `prepare` says of one split."""

    split: str
    reviews: int
    positive_share: float | None
    """None where the reviews have no labels."""
    median_length: float
    long_length: float
    """95% of the reviews have at most so many tokens."""
    longest: int
    cut_share: float
    """Share of reviews longer than text.head + text.tail."""
    unknown_share: float
    """Share of the tokens that are read which the vocabulary does not hold."""
    copies: int
    """Reviews whose text stands earlier in the same split."""
    break_share: float
    """Share of reviews with `<br />`."""


@dataclass(frozen=True)
class Audit:
    """What `prepare` reports."""

    splits: list[SplitFacts]
    copies_across: dict[str, int]
    """For `a & b`: distinct texts that stand in both splits."""
    words: list[int]
    """Size of the vocabulary, channel by channel."""
    rule: str
    shared_groups: int | None


@dataclass(frozen=True)
class Part:
    """A split: the reviews of a tokenized source that belong to it."""

    name: str
    reviews: Reviews
    tokens: Tokens
    positions_N: np.ndarray

    @property
    def labels_N(self) -> np.ndarray:
        """int8 labels of the split's reviews."""
        labels_N: np.ndarray = self.reviews.labels_N[self.positions_N]
        return labels_N

    @property
    def split_hash(self) -> str:
        """SHA-256 over the places of the split's reviews in their source."""
        return hashlib.sha256(self.positions_N.astype("<i8").tobytes()).hexdigest()

    def texts(self, most: int | None = None) -> list[str]:
        """The texts, or the first `most` of them, as the source has them."""
        positions = self.positions_N[:most].tolist()
        wanted = set(positions)  # the others stay on the disk
        kept = {position: text for position, text in enumerate(self.reviews.texts) if position in wanted}
        return [kept[position] for position in positions]

    def encode(self, vocabulary: Vocabulary, config: Config) -> LabelledReviews:
        """Look the tokens up in a vocabulary and cut long reviews."""
        encoded = EncodedReviews(self.tokens, vocabulary, config.text, self.positions_N)
        return LabelledReviews(encoded, self.labels_N)


def prepare(config: Config, workers: int) -> Prepared:
    """Load, split, tokenize (with a cache) and encode the training and validation reviews.

    Raises DataError or MachineError as `load_reviews`, `hold_out` and `tokenize_cached` do.
    """
    source, further = _load_source(config), _load_further(config)
    parts, holdout = _split(source | further, config, workers)
    vocabulary = _count_words(parts["train"], config)
    train = parts["train"].encode(vocabulary, config)
    extra, phrases = (
        parts[name].encode(vocabulary, config) if name in parts else None for name in (EXTRA, PHRASES)
    )
    unlabelled = parts[UNLABELLED].encode(vocabulary, config).reviews if UNLABELLED in parts else None
    return Prepared(
        vocabulary,
        train,
        extra,
        phrases,
        parts["validation"].encode(vocabulary, config),
        parts["validation"].texts(GOLDEN_REVIEWS) or parts["train"].texts(GOLDEN_REVIEWS),
        _for_pretraining(train.reviews, unlabelled, config),
        unlabelled,
        holdout.rule,
        holdout.shared_groups,
        _hash(source),
        _hash(further),
        {name: parts[name].split_hash for name in LEARNED_FROM},
    )


def data_hash(config: Config) -> str:
    """`Prepared.data_hash` of a run with this configuration; raises what `load_reviews` raises."""
    return _hash(_load_source(config))


def audit(config: Config, workers: int) -> Audit:
    """Prepare every split of the source, and `data.extra`, and say what was found."""
    splits = load_reviews(config.data)
    if config.reads_unlabelled:
        splits |= load_reviews(config.data, (UNLABELLED,))
    splits |= load_extra(config.data)
    parts, holdout = _split(splits, config, workers)
    vocabulary = _count_words(parts["train"], config)
    parts = {name: part for name, part in parts.items() if len(part.positions_N)}
    texts = {name: set(part.texts()) for name, part in parts.items()}
    names = list(parts)
    across = {
        f"{first} & {second}": len(texts[first] & texts[second])
        for index, first in enumerate(names)
        for second in names[index + 1 :]
    }
    facts = [describe_part(part, vocabulary, config) for part in parts.values()]
    return Audit(facts, across, vocabulary.sizes, holdout.rule, holdout.shared_groups)


def load_part(config: Config, split: str, workers: int) -> Part:
    """Load one split; `train` and `validation` are those of a run with this configuration.

    Raises DataError naming the splits there are if `split` is not one of them.
    """
    if split not in LEARNED_FROM:
        splits = load_reviews(config.data)
        _require(split, {*splits, "validation"}, config)
        return _whole(splits[split], workers)
    parts, holdout = _split(load_reviews(config.data, LEARNED_FROM), config, workers)
    if len(parts[split].positions_N) == 0:
        raise DataError(f"no {split} split is held out with data.validation={holdout.rule}")
    return parts[split]


def load_split(config: Config, split: str | None, workers: int) -> Part:
    """Load one labelled split whole, as the source has it; without a name the only one, or else test.

    Raises DataError as `load_part` does.
    """
    splits = load_reviews(config.data)
    if split is None:
        split = next(iter(splits)) if len(splits) == 1 else "test"
    _require(split, splits, config)
    return _whole(splits[split], workers)


def describe_part(part: Part, vocabulary: Vocabulary, config: Config) -> SplitFacts:
    """What there is to say of one split, read with a vocabulary and cut as a configuration says."""
    encoded = part.encode(vocabulary, config)
    lengths_N = encoded.reviews.whole_lengths_N
    texts = part.texts()
    reviews = [encoded.reviews[index] for index in range(len(encoded.reviews))]
    unknown = sum(int((ids == UNKNOWN_ID).sum()) for ids in reviews) / sum(ids.size for ids in reviews)
    return SplitFacts(
        split=part.name,
        reviews=len(texts),
        positive_share=None if part.name == UNLABELLED else float(encoded.labels_N.mean()),
        median_length=float(np.median(lengths_N)),
        long_length=float(np.quantile(lengths_N, 0.95)),
        longest=int(lengths_N.max()),
        cut_share=float((lengths_N > encoded.reviews.lengths_N).mean()),
        unknown_share=unknown,
        copies=sum(count - 1 for count in Counter(texts).values()),
        break_share=sum(bool(BREAK.search(text)) for text in texts) / len(texts),
    )


def _require(split: str, found: Collection[str], config: Config) -> None:
    if split not in found:
        raise DataError(
            f"{config.data.source} has no split named {split}; use --split with one of "
            + ", ".join(sorted(found))
        )


def _load_source(config: Config) -> dict[str, Reviews]:
    """The splits of the source that a training reads."""
    unlabelled = (UNLABELLED,) if config.reads_unlabelled else ()
    return load_reviews(config.data, (*LEARNED_FROM, *unlabelled))


def _load_further(config: Config) -> dict[str, Reviews]:
    """What a training learns from beside its source."""
    return load_extra(config.data) | (load_phrases() if config.evidence.phrases else {})


def _hash(splits: dict[str, Reviews]) -> str:
    return digest(
        digest(itertools.chain(reviews.texts, map(str, reviews.labels_N))) for reviews in splits.values()
    )


def _for_pretraining(train: AnyReviews, unlabelled: AnyReviews | None, config: Config) -> AnyReviews | None:
    if not config.pretraining.epochs:
        return None
    return train if unlabelled is None else JoinedReviews(train, unlabelled)


def _count_words(train: Part, config: Config) -> Vocabulary:
    return Vocabulary.build(train.tokens, train.positions_N, config.vocabulary, config.model.views)


def _whole(reviews: Reviews, workers: int) -> Part:
    tokens = tokenize_cached(reviews.texts, f"tokenizing {reviews.split}", workers)
    return Part(reviews.split, reviews, tokens, np.arange(len(reviews)))


def _split(splits: dict[str, Reviews], config: Config, workers: int) -> tuple[dict[str, Part], Holdout]:
    """Tokenize each split of the source and cut validation from train where it has none of its own."""
    if "train" not in splits:
        found = ", ".join(splits) or "none"
        raise DataError(f"{config.data.source} has no split named train (found: {found})")
    has_own = "validation" in splits and config.data.validation in ("auto", "own")
    if not has_own:
        splits = {name: reviews for name, reviews in splits.items() if name != "validation"}
        # Before tokenizing, which takes longer: a split that cannot be made should say so at once.
        holdout = hold_out(splits["train"], config.data, config.seed)
    parts = {name: _whole(reviews, workers) for name, reviews in splits.items()}
    if has_own:
        require_both_classes(parts["train"].labels_N)
        everything_N, own_N = parts["train"].positions_N, parts["validation"].positions_N
        return parts, Holdout("own", everything_N, own_N, _shared(splits))
    whole = parts["train"]
    cut = {
        "train": replace(whole, positions_N=holdout.train_N),
        "validation": replace(whole, name="validation", positions_N=holdout.validation_N),
    }
    return cut | {name: part for name, part in parts.items() if name != "train"}, holdout


def _shared(splits: dict[str, Reviews]) -> int | None:
    train, validation = splits["train"].groups, splits["validation"].groups
    return None if train is None or validation is None else len(set(train) & set(validation))
