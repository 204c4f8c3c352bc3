"""A fixture of the tests of training: reviews of chosen words."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sentiment.config import TextSettings, VocabularySettings
from sentiment.data.batches import EncodedReviews
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary

Encode = Callable[..., tuple[EncodedReviews, Vocabulary]]


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Encode reviews, each a list of words, whole; rarer words than `min_frequency` become unknown."""

    def encode_reviews(
        reviews: Sequence[Sequence[str]], min_frequency: int = 1
    ) -> tuple[EncodedReviews, Vocabulary]:
        forms = sorted({word for review in reviews for word in review})
        ids = [forms.index(word) for review in reviews for word in review]
        offsets = np.cumsum([0, *map(len, reviews)])
        tokens = Tokens(forms, np.array(ids, dtype=np.int32), offsets)
        settings = VocabularySettings(min_frequency=min_frequency)
        vocabulary = Vocabulary.build(tokens, np.arange(len(reviews)), settings)
        return EncodedReviews(tokens, vocabulary, TextSettings(head=0, tail=0)), vocabulary

    return encode_reviews
