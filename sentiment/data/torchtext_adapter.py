"""The only file that imports torchtext: its vocabulary, its buckets of similar length, its list of vectors.

torchtext 0.6.0 is archived. Its own reader of word vectors is not used: it keeps pickles, and it switches off
the check of TLS certificates for the whole process.
"""

import copy
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torchtext.data import BucketIterator, Dataset, RawField, batch
from torchtext.vocab import CharNGram, FastText, GloVe, pretrained_aliases
from torchtext.vocab import Vocab as Vocab

VECTOR_NAMES = tuple(name for name, maker in pretrained_aliases.items() if maker.func is not CharNGram)
"""Names of word vectors that can be downloaded, such as `glove.6B.100d`; those of pieces of words are not."""
PaddedSize = Callable[["SizedReview", int, int], int]
"""Size of a batch after its `count`-th review, from that review, `count`, and the size before it."""


@dataclass(frozen=True, slots=True)
class SizedReview:
    """What torchtext knows of a review."""

    index: int
    length: int


def build_vocab(counts: Counter[str], size: int, min_frequency: int, specials: Sequence[str]) -> Vocab:
    """Return words by id: the special ones, then the `size` most frequent of `counts`."""
    return Vocab(counts, max_size=size, min_freq=min_frequency, specials=list(specials))


def extend_vocab(vocab: Vocab, own: Vocab) -> Vocab:
    """Return the words of `vocab` by id, then those of `own` that it does not have."""
    extended = copy.deepcopy(vocab)
    extended.extend(own)
    return extended


def vector_address(name: str) -> tuple[str, str]:
    """Return the address of one of `VECTOR_NAMES`, and the name of its file, in an archive or alone."""
    maker = pretrained_aliases[name]
    if maker.func is GloVe:
        words, width = maker.keywords["name"], maker.keywords["dim"]
        return GloVe.url[words], f"glove.{words}.{width}d.txt"
    url: str = FastText.url_base.format(maker.keywords["language"])
    return url, url.rpartition("/")[2]


def bucket_reviews(
    lengths: Sequence[int], limit: int, padded_size: PaddedSize, shuffle_seed: str | None = None
) -> list[list[int]]:
    """Return the indices of reviews batch by batch, each with a padded size of at most `limit` if it can be.

    With a seed the batches come in a random order that follows from it, and reviews of similar length share a
    batch; without one they go from the shortest review to the longest.
    """
    examples = [SizedReview(index, length) for index, length in enumerate(lengths)]
    if shuffle_seed is None:
        # As a BucketIterator does it, but that one copies the state of a random generator twice, which took a
        # seventh of the time of a prediction.
        sorted_batches = batch(sorted(examples, key=_length), limit, padded_size)
        return [[review.index for review in reversed(one)] for one in sorted_batches if one]
    iterator = BucketIterator(
        Dataset(examples, {"index": RawField()}),
        batch_size=limit,
        batch_size_fn=padded_size,
        sort_key=_length,
        # torchtext's default leaves the reviews of a pool unsorted: 3.6 times the work on IMDB.
        sort_within_batch=True,
    )
    iterator.random_shuffler.random_state = random.Random(shuffle_seed).getstate()
    # torchtext yields an empty batch before a review that is larger than the limit.
    return [of_batch.index for of_batch in iterator if of_batch.index]


def _length(review: SizedReview) -> int:
    return review.length
