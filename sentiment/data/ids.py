"""The two ids that are no words: padding at the end of a review, and a word the vocabulary does not hold."""

PADDING_ID = 0
UNKNOWN_ID = 1
