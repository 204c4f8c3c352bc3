"""Parts of a source: its splits as tokens, with validation cut from train."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sentiment.config import Config, TextSettings
from sentiment.data.batches import EncodedReviews, LabelledReviews
from sentiment.data.reviews import Reviews, ReviewSource
from sentiment.data.selection import Selection, select_reviews
from sentiment.data.splits import Holdout, hold_out, require_classes
from sentiment.data.text_rules import TextRules
from sentiment.data.token_cache import tokenize_cached
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DataError

TRAINING_SPLITS = ("train", "validation")  # the splits whose labels a training reads


@dataclass(frozen=True)
class Part:
    """A split: those reviews of a tokenized source that belong to it."""

    name: str
    reviews: Reviews
    tokens: Tokens
    positions_N: np.ndarray
    """int64 positions of the split's reviews in `reviews`."""

    @property
    def labels_N(self) -> np.ndarray:
        """int8 labels of the split's reviews."""
        labels_N: np.ndarray = self.reviews.labels_N[self.positions_N]
        return labels_N

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes 0, 1 and so on."""
        return self.reviews.class_names

    @property
    def split_hash(self) -> str:
        """SHA-256 over the positions of the split's reviews."""
        return hashlib.sha256(self.positions_N.astype("<i8").tobytes()).hexdigest()

    def texts(self, most: int | None = None) -> list[str]:
        """Return the texts, or the first `most` of them, as the source has them."""
        positions = self.positions_N[:most].tolist()
        wanted = set(positions)  # the other texts stay on the disk
        kept = {position: text for position, text in enumerate(self.reviews.texts) if position in wanted}
        return [kept[position] for position in positions]

    def encode(self, vocabulary: Vocabulary, settings: TextSettings) -> LabelledReviews:
        """Look the tokens up in a vocabulary and cut long reviews."""
        encoded = EncodedReviews(self.tokens, vocabulary, settings, self.positions_N)
        return LabelledReviews(encoded, self.labels_N)


def load_part(config: Config, split: str, workers: int, source: ReviewSource | None = None) -> Part:
    """Load one split; `train` and `validation` are those of a run with this configuration.

    `source` is the source of the configuration if it is already open. Raises DataError if there is no such
    split.
    """
    source = source or ReviewSource(config.data)
    if split not in TRAINING_SPLITS:
        require_split(split, source)
        return _tokenize_split(source.read(split), config, workers)
    splits = source.read_splits(TRAINING_SPLITS)
    parts, holdout = split_source(splits, config, workers)
    if len(parts[split].positions_N) == 0:
        raise DataError(f"there is no {split} split: data.validation={holdout.rule} holds out nothing")
    return parts[split]


def load_split(config: Config, split: str | None, workers: int, source: ReviewSource | None = None) -> Part:
    """Load one labelled split whole, as the source has it; without a name the only one, or else test.

    `source` is the source of the configuration if it is already open. Raises DataError as `load_part` does.
    """
    source = source or ReviewSource(config.data)
    if split is None:
        split = source.labelled_splits[0] if len(source.labelled_splits) == 1 else "test"
    _require_split(split, source.labelled_splits, source)
    return _tokenize_split(source.read(split), config, workers)


def split_source(
    splits: Mapping[str, Reviews], config: Config, workers: int
) -> tuple[dict[str, Part], Holdout]:
    """Tokenize the splits of a source, and cut validation from train if the configuration asks for that.

    Reviews that it leaves out are in no part.
    """
    if "train" not in splits:
        found = ", ".join(splits) or "none"
        raise DataError(f"{config.data.source} has no split named train (found: {found})")
    selection = select_reviews(splits, config.data, config.seed)
    splits = selection.splits
    if "validation" in splits and config.data.validation in ("auto", "own"):
        return _keep_own_validation(selection, config, workers)
    # Before tokenizing, which takes longer: an impossible split is then reported at once.
    holdout = selection.leave_out(hold_out(splits["train"], config.data, config.seed))
    parts = {
        name: _tokenize_split(reviews, config, workers)
        for name, reviews in splits.items()
        if name != "validation"
    }
    whole = parts.pop("train")
    cut = {
        "train": replace(whole, positions_N=holdout.train_N),
        "validation": replace(whole, name="validation", positions_N=holdout.validation_N),
    }
    return cut | parts, holdout


def _keep_own_validation(
    selection: Selection, config: Config, workers: int
) -> tuple[dict[str, Part], Holdout]:
    """Tokenize a source that has its own validation split."""
    splits = selection.splits
    require_classes(splits["train"], remedy="; name the classes to use with --classes")
    parts = {name: _tokenize_split(reviews, config, workers) for name, reviews in splits.items()}
    train, validation = splits["train"].groups, splits["validation"].groups
    holdout = selection.leave_out(
        Holdout(
            rule="own",
            train_N=parts["train"].positions_N,
            validation_N=parts["validation"].positions_N,
            shared_groups=None if train is None or validation is None else len(set(train) & set(validation)),
        )
    )
    return parts | {"train": replace(parts["train"], positions_N=holdout.train_N)}, holdout


def _tokenize_split(reviews: Reviews, config: Config, workers: int) -> Part:
    tokens = tokenize_cached(reviews.texts, TextRules.of(config.text), f"tokenizing {reviews.split}", workers)
    return Part(reviews.split, reviews, tokens, np.arange(len(reviews)))


def require_split(split: str, source: ReviewSource) -> None:
    """Raise DataError if a source has no labelled split of this name; validation can be cut from train."""
    _require_split(split, {*source.labelled_splits, "validation"}, source)


def _require_split(split: str, found: Collection[str], source: ReviewSource) -> None:
    if split not in found:
        raise DataError(
            f"{source.settings.source} has no split named {split}; use --split with one of "
            + ", ".join(sorted(found))
        )
