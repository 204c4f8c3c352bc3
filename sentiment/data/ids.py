"""The two ids that are not words: padding at the end of a review, and a word outside the vocabulary."""

PADDING_ID = 0
UNKNOWN_ID = 1
