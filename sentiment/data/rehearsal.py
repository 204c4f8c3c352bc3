"""Draw reviews of an older kind that a training learns again, so that it forgets less of what a model knows.

Source: Robins 1995 (rehearsal against catastrophic forgetting).
"""

from dataclasses import replace

import numpy as np

from sentiment.config import DataSettings
from sentiment.config.classes import Classes
from sentiment.data.reviews import Reviews, ReviewSource, settings_of_another
from sentiment.data.selection import take_reviews
from sentiment.errors import DataError

REHEARSED, OLD = "rehearsed", "old"  # the splits that are learned again, and judged
MOST_JUDGED = 2_000  # reviews of the old kind; a thousandth of the accuracy needs no more


def load_rehearsal(settings: DataSettings, classes: Classes, most: int, seed: int) -> dict[str, Reviews]:
    """Load what `settings.rehearse` names, as the splits `rehearsed` and `old`; nothing if the key is empty.

    At most `most` reviews of its training split are drawn to be learned. To judge by, others are drawn: of
    its validation or test split, else of the reviews that are left. Raises DataError as `load_reviews` does,
    or if it has other classes.
    """
    if not settings.rehearse:
        return {}
    source = ReviewSource(settings_of_another("rehearse", settings, classes))
    names = source.labelled_splits
    if "train" not in names:
        raise DataError(
            f"data.rehearse: {settings.rehearse} has no split named train (found: {', '.join(names)})"
        )
    order = np.random.default_rng(seed)
    train = source.read("train")
    drawn_N = order.permutation(len(train))
    learned = take_reviews(train, np.sort(drawn_N[:most]))
    other = next((name for name in ("validation", "test") if name in names), None)
    if other is None:
        judged = take_reviews(train, np.sort(drawn_N[most : most + MOST_JUDGED]))
    else:
        held = source.read(other)
        judged = take_reviews(held, np.sort(order.permutation(len(held))[:MOST_JUDGED]))
    return {REHEARSED: replace(learned, split=REHEARSED), OLD: replace(judged, split=OLD)}
